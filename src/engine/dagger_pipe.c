/* dagger_pipe.c - one process of the pipeline: started, told, listened to. See dagger.h for its
 * directory. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "engine/dagger.h"
#include "git/checkout.h"

enum { CONNECT_MS = 15000, EVENT_MAX = 1 << 20, CHUNK = 64 << 10, HOLDER_MS = 20 };

/* ---- what it was told of, and said ---- */

struct dagger_known *dagger_pipe_known(struct dagger_pipe *p, const char *id, bool make)
{
	struct dagger_known **at = &p->known;

	while (*at && strcmp((*at)->id, id))
		at = &(*at)->next;
	if (!*at && make) {
		*at = xcalloc(1, sizeof **at);
		(*at)->id = xstrdup(id);
	}
	return *at;
}

static void free_known(struct dagger_pipe *p)
{
	while (p->known) {
		struct dagger_known *k = p->known;
		p->known = k->next;
		free(k->id);
		free(k->file);
		free(k->note);
		free(k->cause);
		free(k->text);
		free(k);
	}
}

static void acked(struct dagger_pipe *p, int n)
{
	for (struct dagger_known *k = p->known; k; k = k->next)
		if (k->n && k->n <= n)
			k->acked = true;
}

static void take_event(struct dagger_pipe *p, const struct json *j)
{
	const char *ev = json_str(j, "ev", ""), *id = json_str(j, "id", "");
	struct dagger_known *k = *id ? dagger_pipe_known(p, id, true) : NULL;

	if (!strcmp(ev, "hello")) {
		p->hello = true;
	} else if (!strcmp(ev, "bye")) {
		p->bye = true;
	} else if (!strcmp(ev, "fatal")) {
		xreplace(&p->fatal, json_str(j, "text", "it gave up without a word"));
	} else if (!strcmp(ev, "ack")) {
		acked(p, (int)json_int(j, "n", 0));
	} else if (k && !strcmp(ev, "checkpoint")) {
		k->checkpoints++;
	} else if (k && !strcmp(ev, "note")) {
		xreplace(&k->note, json_str(j, "text", ""));
	} else if (k && !strcmp(ev, "state")) {
		const char *state = json_str(j, "state", "");
		k->running |= !strcmp(state, "running") || !strcmp(state, "collecting");
	} else if (k && !strcmp(ev, "end")) {
		k->ended = true;
		k->tree = json_bool(j, "tree", false);
		xreplace(&k->cause, json_str(j, "cause", "gone"));
		xreplace(&k->text, json_str(j, "text", ""));
	}
}

static void take_line(struct dagger_pipe *p, const char *line, size_t n)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(line, n, &e);

	if (j)
		take_event(p, j);
	else
		diag(DIAG_WARN, "%s/events.jsonl: %s", p->dir, e.msg);
	json_free(j);
}

void dagger_pipe_read(struct dagger_pipe *p)
{
	bool any = false;
	char chunk[CHUNK];
	ssize_t n;

	while (p->events >= 0 && (n = read(p->events, chunk, sizeof chunk)) > 0) {
		const char *end;
		size_t at = 0;
		buf_add(&p->part, chunk, (size_t)n);
		while ((end = memchr(p->part.p + at, '\n', p->part.len - at))) {
			size_t len = (size_t)(end - p->part.p) - at;
			take_line(p, p->part.p + at, len);
			at += len + 1;
			any = true;
		}
		buf_drop(&p->part, at);
		if (p->part.len > EVENT_MAX)
			buf_clear(&p->part);
	}
	if (any)
		dagger_step_all(p);
}

/* ---- control ---- */

static int append(const char *path, const struct buf *line, struct err *e)
{
	struct buf b = BUF_INIT;
	struct stat st;
	char last = '\n';
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600), rc = 0;

	if (fd < 0)
		return err_sys(e, "state", "cannot open %s", path);
	/* a line that a crash cut off must not swallow this one */
	if (fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
		last != '\n')
		buf_char(&b, '\n');
	buf_add(&b, line->p, line->len);
	if (write(fd, b.p, b.len) != (ssize_t)b.len)
		rc = err_sys(e, "state", "cannot write %s", path);
	close(fd);
	buf_release(&b);
	return rc;
}

int dagger_pipe_tell(struct dagger_pipe *p, const char *key, const char *value, struct err *e)
{
	char *path = fs_join(p->dir, "control.jsonl");
	struct json *j = json_object();
	struct buf b = BUF_INIT;
	int rc;

	json_put_int(j, "n", p->n + 1);
	if (value)
		json_put_str(j, key, value);
	else
		json_put_bool(j, key, true);
	json_print(j, &b);
	buf_char(&b, '\n');
	rc = append(path, &b, e);
	if (!rc)
		p->n++;
	json_free(j);
	buf_release(&b);
	free(path);
	return rc;
}

/* ---- unused ---- */

static bool used(const struct dagger_pipe *p)
{
	for (const struct dagger_task *k = p->d->tasks; k; k = k->next)
		if (k->p == p)
			return true;
	return false;
}

static void idle(void *ctx)
{
	struct dagger_pipe *p = ctx;
	struct err e = ERR_INIT;

	p->idle = NULL;
	if (used(p))
		return;
	if (p->dead) {
		dagger_pipe_free(p);
		return;
	}
	p->quit = true;
	if (dagger_pipe_tell(p, "quit", NULL, &e))
		diag(DIAG_WARN, "%s", e.msg);
}

void dagger_pipe_used(struct dagger_pipe *p)
{
	if (p->idle)
		loop_cancel(p->idle);
	p->idle = NULL;
	if (!used(p) && (p->dead || !p->quit))
		p->idle = loop_after(p->d->c.loop, p->dead ? 0 : DAGGER_IDLE_MS, idle, p);
}

/* ---- its life ---- */

static void over(struct dagger_pipe *p)
{
	p->dead = true;
	dagger_pipe_read(p);
	if (p->events >= 0)
		close(p->events);
	p->events = -1;
	if (p->wd >= 0)
		inotify_rm_watch(p->d->inotify, p->wd);
	p->wd = -1;
	dagger_pipe_used(p);
	dagger_step_all(p);
}

static void gone(void *ctx)
{
	struct dagger_pipe *p = ctx;
	int code;

	watch_free(p->w);
	p->w = NULL;
	if (p->ours && child_reap(&p->child, &code) == 0)
		child_wait(&p->child, 1000, &code);
	p->ours = false;
	if (!p->bye)
		diag(DIAG_WARN, "the pipeline in %s ended without a bye%s%s", p->dir,
			p->fatal ? ": " : "", p->fatal ? p->fatal : "");
	over(p);
}

static void follow(struct dagger_pipe *p, const struct child_id *id)
{
	char *path = fs_join(p->dir, "events.jsonl");

	p->w = watch_new(p->d->c.loop, id, gone, p);
	if (p->w && p->d->inotify >= 0)
		p->wd = inotify_add_watch(p->d->inotify, path, IN_MODIFY);
	if (p->w)
		dagger_watch_all(p->d);
	else
		over(p);
	free(path);
}

static struct dagger_pipe *pipe_new(struct dagger *d, int race, int k, const char *dir)
{
	struct dagger_pipe *p = xcalloc(1, sizeof *p);

	*p = (struct dagger_pipe){ .next = d->pipes,
		.d = d,
		.race = race,
		.k = k,
		.dir = xstrdup(dir),
		.events = -1,
		.wd = -1,
		.part = BUF_INIT };
	d->pipes = p;
	return p;
}

void dagger_pipe_free(struct dagger_pipe *p)
{
	struct dagger_pipe **at = &p->d->pipes;

	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
	if (p->idle)
		loop_cancel(p->idle);
	if (p->retry)
		loop_cancel(p->retry);
	if (p->wd >= 0)
		inotify_rm_watch(p->d->inotify, p->wd);
	watch_free(p->w);
	if (p->ours)
		close(p->child.pidfd);
	if (p->events >= 0)
		close(p->events);
	free_known(p);
	buf_release(&p->part);
	free(p->dir);
	free(p->host);
	free(p->binary);
	free(p->fatal);
	free(p);
}

/* ---- a new one ---- */

static int write_plan(const struct dagger_pipe *p, const struct dagger_task *k, struct err *e)
{
	struct dagger_tools tools;
	struct json *j = json_object();
	struct buf b = BUF_INIT;
	char *path = fs_join(p->dir, "plan.json"), *race_dir = fs_dirname(k->t->dir);
	int rc;

	dagger_tools_find(&tools);
	json_put_int(j, "v", 1);
	json_put_int(j, "race", p->race);
	json_put_str(j, "repo", k->t->repo_id);
	json_put_str(j, "dir", race_dir);
	json_put_str(j, "cli", tools.cli ? tools.cli : "dagger");
	json_put_str(j, "runner_host", p->host);
	json_put_int(j, "connect_ms", CONNECT_MS);
	json_put_str(j, "runner", p->d->c.runner);
	json_put_str(j, "base_store_at", CHECKOUT_BASE_STORE);
	json_put_str(j, "sdk", DAGGER_SDK);
	json_put_bool(j, "collect_only", p->collect);
	json_put_str(j, "binary", p->binary);
	json_print_pretty(j, &b);
	buf_char(&b, '\n');
	rc = fs_replace(path, b.p, b.len, e);
	dagger_tools_release(&tools);
	json_free(j);
	buf_release(&b);
	free(path);
	free(race_dir);
	return rc;
}

static int open_in(const struct dagger_pipe *p, const char *name, int flags, struct err *e)
{
	char *path = fs_join(p->dir, name);
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		err_sys(e, "state", "cannot open %s", path);
	free(path);
	return fd;
}

static int spawn(struct dagger_pipe *p, struct err *e)
{
	const char *const argv[] = { p->binary, "run", p->dir, NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	int rc = -1;

	s.argv = argv;
	s.cwd = p->dir;
	s.new_session = true;
	s.out = open_in(p, "events.jsonl", O_WRONLY | O_APPEND | O_CREAT | O_EXCL, e);
	s.err = s.out < 0 ? -1 : open_in(p, "pipeline.log", O_WRONLY | O_APPEND | O_CREAT, e);
	p->events = s.err < 0 ? -1 : open_in(p, "events.jsonl", O_RDONLY, e);
	if (p->events >= 0)
		rc = child_start(&p->child, &s, e);
	if (s.out >= 0)
		close(s.out);
	if (s.err >= 0)
		close(s.err);
	if (rc)
		return err_prefix(e, "the pipeline could not be started");
	p->ours = true;
	return 0;
}

/* The next number nobody has used. */
static char *claim(const char *race_dir, int *k, struct err *e)
{
	char *pipes = fs_join(race_dir, "pipe"), *dir = NULL;
	int rc = fs_mkdirs(pipes, 0700, e);

	for (*k = 0; !rc && *k < 10000; (*k)++) {
		dir = xasprintf("%s/%d", pipes, *k);
		if (mkdir(dir, 0700) == 0)
			break;
		if (errno != EEXIST)
			rc = err_sys(e, "state", "cannot make %s", dir);
		free(dir);
		dir = NULL;
	}
	if (!rc && !dir)
		err_set(e, "state", "%s holds too many pipelines", pipes);
	free(pipes);
	return dir;
}

struct dagger_pipe *dagger_pipe_start(
	struct dagger *d, const struct dagger_task *k, bool collect, struct err *e)
{
	char *race_dir = fs_dirname(k->t->dir), *dir;
	struct dagger_pipe *p = NULL;
	int number;

	dir = claim(race_dir, &number, e);
	if (dir) {
		p = pipe_new(d, k->t->race, number, dir);
		p->host = xstrdup(k->t->runner ? k->t->runner : "");
		p->binary = xstrdup(k->binary);
		p->collect = collect;
		if (write_plan(p, k, e) || spawn(p, e)) {
			dagger_pipe_free(p);
			p = NULL;
		}
	}
	if (p)
		follow(p, &p->child.id);
	free(race_dir);
	free(dir);
	return p;
}

/* ---- one found on disk ---- */

static int read_plan(struct dagger_pipe *p)
{
	char *path = fs_join(p->dir, "plan.json");
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	struct json *j = fs_read(path, EVENT_MAX, &b, &e) ? NULL : json_parse(b.p, b.len, &e);

	p->host = xstrdup(json_str(j, "runner_host", ""));
	p->binary = xstrdup(json_str(j, "binary", ""));
	p->collect = json_bool(j, "collect_only", false);
	json_free(j);
	buf_release(&b);
	free(path);
	return *p->binary ? 0 : -1;
}

/* A task file is named by its path; its id stands in it. */
static void take_start(struct dagger_pipe *p, const char *file, int n)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	struct json *j = fs_read(file, EVENT_MAX, &b, &e) ? NULL : json_parse(b.p, b.len, &e);
	const char *id = json_str(j, "id", "");

	if (*id) {
		struct dagger_known *k = dagger_pipe_known(p, id, true);
		xreplace(&k->file, file);
		k->n = n;
	}
	json_free(j);
	buf_release(&b);
}

static void read_control(struct dagger_pipe *p)
{
	char *path = fs_join(p->dir, "control.jsonl"), *line, *next;
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	if (fs_read(path, 64 << 20, &b, &e))
		buf_clear(&b);
	for (line = b.p; *line; line = next) {
		size_t len = strcspn(line, "\n");
		next = line + len + (line[len] == '\n');
		struct json *j = line[len] ? json_parse(line, len, &e) : NULL;
		int n = (int)json_int(j, "n", 0);
		const char *start = json_str(j, "start", NULL);
		if (n > p->n)
			p->n = n;
		if (start)
			take_start(p, start, n);
		p->quit |= json_bool(j, "quit", false);
		json_free(j);
	}
	buf_release(&b);
	free(path);
}

/* 1 = id holds its lock; 0 = nobody does, and from now on nobody will: its file is not empty any
 * more, so a process that a conductor started just before it ended finds that it came too late (its
 * tasks are given to another). -1 = it is about to write its pid. */
static int holder(const struct dagger_pipe *p, struct child_id *id)
{
	char *path = fs_join(p->dir, "lock");
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	int lock = fs_lock(path, &e), rc = 0;

	if (lock >= 0) {
		if (lseek(lock, 0, SEEK_END) == 0 && fs_write_all(lock, "0\n", 2))
			diag(DIAG_WARN, "cannot write %s", path);
		close(lock);
	} else if (!strcmp(e.code, "locked")) {
		bool known = fs_read(path, 64, &b, &e) == 0 && strchr(b.p, '\n') &&
			child_identify((pid_t)strtol(b.p, NULL, 10), id) == 0;
		rc = known ? 1 : -1;
	}
	buf_release(&b);
	free(path);
	return rc;
}

/* Its events are read only when the holder is known: one that ends in between has said all by then.
 */
static void find_holder(void *ctx)
{
	struct dagger_pipe *p = ctx;
	struct child_id id;
	struct err e = ERR_INIT;
	int rc = holder(p, &id);

	p->retry = rc < 0 ? loop_after(p->d->c.loop, HOLDER_MS, find_holder, p) : NULL;
	if (rc < 0)
		return;
	p->events = open_in(p, "events.jsonl", O_RDONLY, &e);
	dagger_pipe_read(p);
	if (rc)
		follow(p, &id);
	else
		over(p);
}

struct dagger_pipe *dagger_pipe_load(struct dagger *d, int race, int number, const char *dir)
{
	struct dagger_pipe *p = pipe_new(d, race, number, dir);

	if (read_plan(p)) {
		dagger_pipe_free(p);
		return NULL;
	}
	read_control(p);
	find_holder(p);
	return p;
}
