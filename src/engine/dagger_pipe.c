/* dagger_pipe.c - the processes of the pipeline. Order: events, control lines, users,
 * its life, a new one, those found on disk, all of them. */
#include "engine/dagger_pipe.h"

#include <dirent.h>
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
#include "base/json.h"
#include "base/mem.h"
#include "engine/dagger_probe.h"
#include "git/checkout.h"

enum { CONNECT_MS = 15000, POLL_MS = 200, HOLDER_MS = 20, FILE_MAX = 1 << 20, MAX_PIPES = 10000 };

static void pipe_free(struct dagger_pipe *p);
static void schedule_poll(struct dagger_pipes *all);

/* ---- its events ---- */

static void read_events(struct dagger_pipe *p)
{
	if (p->events_fd >= 0 && dagger_events_read(&p->events, p->events_fd, p->dir))
		p->all->changed(p->all->ctx, p);
}

/* ---- its control lines ---- */

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

struct task_status *dagger_pipe_start_task(
	struct dagger_pipe *p, const char *id, const char *file, struct err *e)
{
	struct task_status *s;

	if (dagger_pipe_tell(p, "start", file, e))
		return NULL;
	s = dagger_events_task(&p->events, id, true);
	s->n = p->n;
	xreplace(&s->file, file);
	return s;
}

/* ---- its users ---- */

static void unused(void *ctx)
{
	struct dagger_pipe *p = ctx;
	struct err e = ERR_INIT;

	p->idle = NULL;
	if (p->dead) {
		pipe_free(p);
		return;
	}
	p->quit = true;
	if (dagger_pipe_tell(p, "quit", NULL, &e))
		diag(DIAG_WARN, "%s", e.msg);
}

/* From the loop: the caller may still look at p. */
static void users_changed(struct dagger_pipe *p)
{
	if (p->idle)
		loop_cancel(p->idle);
	p->idle = NULL;
	if (!p->users && (p->dead || !p->quit))
		p->idle = loop_after(p->all->loop, p->dead ? 0 : DAGGER_IDLE_MS, unused, p);
}

void dagger_pipe_hold(struct dagger_pipe *p)
{
	p->users++;
	users_changed(p);
}

void dagger_pipe_drop(struct dagger_pipe *p)
{
	if (!p)
		return;
	p->users--;
	users_changed(p);
}

/* ---- its life ---- */

static void set_dead(struct dagger_pipe *p)
{
	p->dead = true;
	read_events(p);
	if (p->events_fd >= 0)
		close(p->events_fd);
	p->events_fd = -1;
	if (p->wd >= 0)
		inotify_rm_watch(p->all->inotify, p->wd);
	p->wd = -1;
	users_changed(p);
	p->all->changed(p->all->ctx, p);
}

static void process_ended(void *ctx)
{
	struct dagger_pipe *p = ctx;
	int code;

	watch_free(p->w);
	p->w = NULL;
	if (p->ours && child_reap(&p->child, &code) == 0)
		child_wait(&p->child, 1000, &code);
	p->ours = false;
	set_dead(p);
	if (!p->events.bye)
		diag(DIAG_WARN, "the pipeline in %s ended without a bye%s%s", p->dir,
			p->events.fatal ? ": " : "", p->events.fatal ? p->events.fatal : "");
}

/* Watched first, then read: what is written in between is not missed. */
static void follow(struct dagger_pipe *p, const struct child_id *id)
{
	char *path = fs_join(p->dir, "events.jsonl");

	p->w = watch_new(p->all->loop, id, process_ended, p);
	if (p->w && p->all->inotify >= 0)
		p->wd = inotify_add_watch(p->all->inotify, path, IN_MODIFY);
	if (p->w) {
		read_events(p);
		schedule_poll(p->all);
	} else {
		set_dead(p);
	}
	free(path);
}

static struct dagger_pipe *pipe_new(struct dagger_pipes *all, int race, int k, const char *dir)
{
	struct dagger_pipe *p = xcalloc(1, sizeof *p);

	*p = (struct dagger_pipe){ .next = all->first,
		.all = all,
		.race = race,
		.k = k,
		.dir = xstrdup(dir),
		.events_fd = -1,
		.wd = -1,
		.events = DAGGER_EVENTS_INIT };
	all->first = p;
	return p;
}

static void pipe_free(struct dagger_pipe *p)
{
	struct dagger_pipe **at = &p->all->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (p->idle)
		loop_cancel(p->idle);
	if (p->retry)
		loop_cancel(p->retry);
	if (p->wd >= 0)
		inotify_rm_watch(p->all->inotify, p->wd);
	watch_free(p->w);
	if (p->ours)
		close(p->child.pidfd);
	if (p->events_fd >= 0)
		close(p->events_fd);
	dagger_events_release(&p->events);
	free(p->dir);
	free(p->host);
	free(p->binary);
	free(p);
}

/* ---- a new one ---- */

static int write_plan(
	const struct dagger_pipe *p, const struct dagger_pipe_plan *plan, struct err *e)
{
	struct dagger_tools tools;
	struct json *j = json_object();
	struct buf b = BUF_INIT;
	char *path = fs_join(p->dir, "plan.json");
	int rc;

	dagger_tools_find(&tools);
	json_put_int(j, "v", 1);
	json_put_int(j, "race", plan->race);
	json_put_str(j, "repo", plan->repo_id);
	json_put_str(j, "dir", plan->race_dir);
	json_put_str(j, "cli", tools.cli ? tools.cli : "dagger");
	json_put_str(j, "runner_host", plan->host);
	json_put_int(j, "connect_ms", CONNECT_MS);
	json_put_str(j, "runner", plan->runner);
	json_put_str(j, "base_store_at", CHECKOUT_BASE_STORE);
	json_put_str(j, "sdk", DAGGER_SDK);
	json_put_bool(j, "collect_only", plan->collect);
	json_put_str(j, "binary", plan->binary);
	json_print_pretty(j, &b);
	buf_char(&b, '\n');
	rc = fs_replace(path, b.p, b.len, e);
	dagger_tools_release(&tools);
	json_free(j);
	buf_release(&b);
	free(path);
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
	p->events_fd = s.err < 0 ? -1 : open_in(p, "events.jsonl", O_RDONLY, e);
	if (p->events_fd >= 0)
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

	for (*k = 0; !rc && *k < MAX_PIPES; (*k)++) {
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
	struct dagger_pipes *all, const struct dagger_pipe_plan *plan, struct err *e)
{
	struct dagger_pipe *p = NULL;
	int number;
	char *dir = claim(plan->race_dir, &number, e);

	if (dir) {
		p = pipe_new(all, plan->race, number, dir);
		p->host = xstrdup(plan->host);
		p->binary = xstrdup(plan->binary);
		p->collect = plan->collect;
		if (write_plan(p, plan, e) || spawn(p, e)) {
			pipe_free(p);
			p = NULL;
		}
	}
	if (p) {
		users_changed(p);
		follow(p, &p->child.id);
	}
	free(dir);
	return p;
}

/* ---- one found on disk ---- */

static int read_plan(struct dagger_pipe *p)
{
	char *path = fs_join(p->dir, "plan.json");
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	struct json *j = fs_read(path, FILE_MAX, &b, &e) ? NULL : json_parse(b.p, b.len, &e);

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
	struct json *j = fs_read(file, FILE_MAX, &b, &e) ? NULL : json_parse(b.p, b.len, &e);
	const char *id = json_str(j, "id", "");

	if (*id) {
		struct task_status *s = dagger_events_task(&p->events, id, true);
		xreplace(&s->file, file);
		s->n = n;
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
static int lock_holder(const struct dagger_pipe *p, struct child_id *id)
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
	int rc = lock_holder(p, &id);

	p->retry = rc < 0 ? loop_after(p->all->loop, HOLDER_MS, find_holder, p) : NULL;
	if (rc < 0)
		return;
	p->events_fd = open_in(p, "events.jsonl", O_RDONLY, &e);
	if (rc)
		follow(p, &id);
	else
		set_dead(p);
}

static void load(struct dagger_pipes *all, int race, int number, const char *dir)
{
	struct dagger_pipe *p = pipe_new(all, race, number, dir);

	if (read_plan(p)) {
		pipe_free(p); /* it was never started */
		return;
	}
	read_control(p);
	users_changed(p);
	find_holder(p);
}

static bool is_loaded(const struct dagger_pipes *all, int race, int number)
{
	for (const struct dagger_pipe *p = all->first; p; p = p->next)
		if (p->race == race && p->k == number)
			return true;
	return false;
}

void dagger_pipes_scan(struct dagger_pipes *all, int race, const char *race_dir)
{
	char *pipes = fs_join(race_dir, "pipe");
	struct dirent *de;
	DIR *dir = opendir(pipes);

	while (dir && (de = readdir(dir))) {
		char *end, *path;
		long n = strtol(de->d_name, &end, 10);
		if (end == de->d_name || *end || n < 0 || n > MAX_PIPES ||
			is_loaded(all, race, (int)n))
			continue;
		path = fs_join(pipes, de->d_name);
		load(all, race, (int)n, path);
		free(path);
	}
	if (dir)
		closedir(dir);
	free(pipes);
}

/* ---- all ---- */

struct dagger_pipe *dagger_pipes_find_started(struct dagger_pipes *all, int race, const char *id)
{
	struct dagger_pipe *best = NULL;

	for (struct dagger_pipe *p = all->first; p; p = p->next)
		if (p->race == race && (!best || p->k > best->k) &&
			dagger_events_task(&p->events, id, false))
			best = p;
	return best;
}

struct dagger_pipe *dagger_pipes_find_open(
	struct dagger_pipes *all, int race, const char *host, bool collect)
{
	for (struct dagger_pipe *p = all->first; p; p = p->next)
		if (p->race == race && !p->dead && !p->quit && !p->events.bye && !p->events.fatal &&
			p->collect == collect && !strcmp(p->host, host))
			return p;
	return NULL;
}

static void read_all(struct dagger_pipes *all)
{
	for (struct dagger_pipe *p = all->first; p; p = p->next)
		if (!p->dead)
			read_events(p);
}

static void on_inotify(void *ctx, int fd, int events)
{
	char drop[4096];

	while (read(fd, drop, sizeof drop) > 0)
		;
	read_all(ctx);
}

static void poll_all(void *ctx)
{
	struct dagger_pipes *all = ctx;

	all->poll = NULL;
	read_all(all);
	schedule_poll(all);
}

/* Only where there is no inotify left. */
static void schedule_poll(struct dagger_pipes *all)
{
	bool unwatched = false;

	for (const struct dagger_pipe *p = all->first; p; p = p->next)
		unwatched |= p->w && p->wd < 0;
	if (unwatched && !all->poll)
		all->poll = loop_after(all->loop, POLL_MS, poll_all, all);
}

void dagger_pipes_init(struct dagger_pipes *all, struct loop *l,
	void (*changed)(void *ctx, struct dagger_pipe *p), void *ctx)
{
	*all = (struct dagger_pipes){ .loop = l, .changed = changed, .ctx = ctx };
	all->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (all->inotify >= 0)
		all->inotify_w = loop_watch(l, all->inotify, LOOP_READ, on_inotify, all);
}

void dagger_pipes_release(struct dagger_pipes *all)
{
	while (all->first)
		pipe_free(all->first);
	if (all->poll)
		loop_cancel(all->poll);
	if (all->inotify_w)
		loop_unwatch(all->inotify_w);
	if (all->inotify >= 0)
		close(all->inotify);
}
