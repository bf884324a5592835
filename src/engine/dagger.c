/* dagger.c - the engine of the pipeline: each task's steps, and the vtable. Level-triggered: what
 * the events of its process say of a task is compared with what was told of it, and the difference
 * is told. See dagger.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "engine/dagger.h"

enum { POLL_MS = 200, REFRESH_LOST_MS = 120000, REFRESH_QUIET_MS = 30000 };

/* ---- a task ---- */

static struct dagger_task *task_new(struct dagger *d, struct engine_task *t)
{
	struct dagger_task *k = xcalloc(1, sizeof *k);

	k->d = d;
	k->t = t;
	k->id = xasprintf("%s%s", t->check ? "check:" : "", t->variant);
	k->file = xasprintf("%s/%stask.json", t->dir, t->check ? "check-" : "");
	k->next = d->tasks;
	d->tasks = k;
	t->priv = k;
	return k;
}

static void task_free(struct dagger_task *k)
{
	struct dagger_task **at = &k->d->tasks;
	struct dagger_pipe *p = k->p;

	while (*at && *at != k)
		at = &(*at)->next;
	if (*at)
		*at = k->next;
	dagger_ready_forget(k);
	if (k->soon)
		loop_cancel(k->soon);
	if (k->tick)
		loop_cancel(k->tick);
	k->t->priv = NULL;
	free(k->id);
	free(k->file);
	free(k->binary);
	free(k->note);
	free(k);
	if (p)
		dagger_pipe_used(p);
}

void dagger_say(struct dagger_task *k, const char *note)
{
	const struct engine_events *ev = k->d->c.ev;

	if (!strcmp(k->note ? k->note : "", note))
		return;
	xreplace(&k->note, note);
	ev->note(ev->ctx, k->t, note);
}

static void tell_end(void *ctx)
{
	struct dagger_task *k = ctx;
	const struct engine_events *ev = k->d->c.ev;
	struct engine_task *t = k->t;
	struct engine_end end = k->end;

	k->soon = NULL;
	task_free(k);
	ev->ended(ev->ctx, t, &end);
}

/* From the loop, because it may be asked for inside of start or adopt. */
static void finish(struct dagger_task *k)
{
	if (k->has_end)
		return;
	k->has_end = true;
	dagger_ready_forget(k);
	if (k->soon)
		loop_cancel(k->soon);
	k->soon = loop_after(k->d->c.loop, 0, tell_end, k);
}

void dagger_fail(struct dagger_task *k, enum engine_cause cause, const char *reason)
{
	if (k->has_end)
		return;
	k->end = (struct engine_end){
		.cause = k->stop_asked && cause != ENGINE_GONE ? ENGINE_STOPPED : cause, .exit = -1
	};
	snprintf(k->end.reason, sizeof k->end.reason, "%s",
		k->stop_asked && cause != ENGINE_GONE ? "stopped" : reason);
	finish(k);
}

/* ---- to a process ---- */

static void send_stop(struct dagger_task *k)
{
	struct err e = ERR_INIT;

	if (k->stop_sent || !k->p || k->p->dead)
		return;
	k->stop_sent = true;
	if (dagger_pipe_tell(k->p, "stop", k->id, &e))
		diag(DIAG_WARN, "%s: %s", k->id, e.msg);
}

static void give(struct dagger_task *k, bool collect)
{
	struct err e = ERR_INIT;
	struct dagger_pipe *old = k->p;
	const char *host = k->t->runner ? k->t->runner : "";
	struct dagger_pipe *p = dagger_find_open(k->d, k->t->race, host, collect);

	if (!p)
		p = dagger_pipe_start(k->d, k, collect, &e);
	if (!p || dagger_pipe_tell(p, "start", k->file, &e)) {
		dagger_fail(k, collect ? ENGINE_GONE : ENGINE_NOT_STARTED, e.msg);
		return;
	}
	k->collectors += collect;
	k->p = p;
	k->known = dagger_pipe_known(p, k->id, true);
	k->known->n = p->n;
	xreplace(&k->known->file, k->file);
	k->stop_sent = false;
	if (old)
		dagger_pipe_used(old);
	dagger_pipe_used(p);
}

void dagger_send(struct dagger_task *k)
{
	k->tries++;
	give(k, false);
	if (k->stop_asked)
		send_stop(k);
}

/* ---- what its process said ---- */

/* It ended, but work/ is not what it left: it must not count as an attempt that changed nothing. */
static void without_files(struct dagger_task *k)
{
	struct engine_end *e = &k->end;
	size_t n = strlen(e->reason);

	e->cause = ENGINE_GONE;
	snprintf(e->reason + n, sizeof e->reason - n,
		"; its files could not be fetched from the engine%s%.250s",
		*k->known->text ? ": " : "", k->known->text);
}

static void ended(struct dagger_task *k)
{
	const char *cause = k->known->cause, *text = k->known->text;
	char words[400];

	if (engine_end_from_log(k->t, &k->end)) {
		if (!k->known->tree && !k->t->check)
			without_files(k);
		finish(k);
	} else if (!strcmp(cause, "not_started"))
		dagger_fail(k, ENGINE_NOT_STARTED, *text ? text : "the pipeline did not start it");
	else if (!strcmp(cause, "stopped") || k->stop_asked) {
		k->end = (struct engine_end){ .cause = ENGINE_STOPPED, .exit = 137 };
		snprintf(k->end.reason, sizeof k->end.reason, "stopped");
		finish(k);
	} else if (!strcmp(cause, "engine")) {
		snprintf(words, sizeof words,
			"%.300s; what was fetched until then is kept. --engine docker does without it",
			*text ? text : "the Dagger engine went away");
		dagger_fail(k, ENGINE_GONE, words);
	} else if (k->p->collect) {
		dagger_fail(k, ENGINE_GONE,
			"the pipeline died, and its containers with it; what they left was collected");
	} else
		dagger_fail(k, ENGINE_GONE, *text ? text : "its container is gone without a word");
}

/* Its process is dead and never told its end. */
static void orphaned(struct dagger_task *k)
{
	const struct dagger_pipe *p = k->p;
	char words[512];

	if (p->collect && !p->fatal && k->collectors < DAGGER_TRIES) {
		give(k, true);
	} else if (p->collect) {
		snprintf(words, sizeof words,
			"the pipeline died, and what it left could not be collected: %s",
			p->fatal ? p->fatal : "its successor died too");
		dagger_fail(k, ENGINE_GONE, words);
	} else if (p->fatal && !k->known->running) {
		dagger_fail(k, ENGINE_NOT_STARTED, p->fatal);
	} else if (!k->known->acked && !k->known->running) {
		if (k->stop_asked || k->tries >= DAGGER_TRIES) {
			snprintf(words, sizeof words,
				"the pipeline ended before it began; %s/pipeline.log says more",
				p->dir);
			dagger_fail(k, ENGINE_NOT_STARTED, words);
		} else if (!k->ready) {
			dagger_ready_start(k);
		}
	} else {
		dagger_say(k, "the pipeline died; collecting what it left");
		give(k, true);
	}
}

static void look(struct dagger_task *k)
{
	const struct engine_events *ev = k->d->c.ev;
	const struct dagger_known *known = k->known;

	if (k->has_end || !known)
		return;
	if (known->running && !k->said_started) {
		k->said_started = true;
		snprintf(k->t->id, sizeof k->t->id, "%d", k->p->k);
		dagger_say(k, "");
		ev->started(ev->ctx, k->t);
	}
	if (known->note && !k->p->collect)
		dagger_say(k, known->note);
	if (known->ended)
		ended(k);
	else if (k->p->dead)
		orphaned(k);
}

static void look_soon(void *ctx)
{
	struct dagger_task *k = ctx;

	k->soon = NULL;
	look(k);
}

/* Never from inside of the conductor's own call. */
void dagger_step(struct dagger_task *k)
{
	if (!k->soon && !k->has_end)
		k->soon = loop_after(k->d->c.loop, 0, look_soon, k);
}

void dagger_step_all(struct dagger_pipe *p)
{
	for (struct dagger_task *k = p->d->tasks; k; k = k->next)
		if (k->p == p)
			dagger_step(k);
}

/* ---- events of all processes ---- */

static void read_all(struct dagger *d)
{
	for (struct dagger_pipe *p = d->pipes; p; p = p->next)
		if (!p->dead)
			dagger_pipe_read(p);
}

static void changed(void *ctx, int fd, int events)
{
	char drop[4096];
	ssize_t n;

	while ((n = read(fd, drop, sizeof drop)) > 0)
		;
	read_all(ctx);
}

static void poll_all(void *ctx)
{
	struct dagger *d = ctx;

	d->poll = NULL;
	read_all(d);
	dagger_watch_all(d);
}

void dagger_watch_all(struct dagger *d)
{
	bool blind = false;

	for (const struct dagger_pipe *p = d->pipes; p; p = p->next)
		blind |= !p->dead && p->wd < 0;
	if (blind && !d->poll)
		d->poll = loop_after(d->c.loop, POLL_MS, poll_all, d);
}

/* ---- the vtable ---- */

static struct engine *dagger_open(const struct engine_ctx *c, struct err *e)
{
	struct dagger *d = xcalloc(1, sizeof *d);

	d->engine.type = &engine_dagger;
	d->c = *c;
	d->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (d->inotify >= 0)
		d->inotify_w = loop_watch(c->loop, d->inotify, LOOP_READ, changed, d);
	return &d->engine;
}

static void dagger_close(struct engine *g)
{
	struct dagger *d = (struct dagger *)g;

	dagger_forget_asks(d);
	while (d->tasks) {
		d->tasks->p = NULL;
		task_free(d->tasks);
	}
	while (d->pipes)
		dagger_pipe_free(d->pipes);
	if (d->poll)
		loop_cancel(d->poll);
	if (d->inotify_w)
		loop_unwatch(d->inotify_w);
	if (d->inotify >= 0)
		close(d->inotify);
	free(d);
}

static void dagger_start(struct engine *g, struct engine_task *t)
{
	struct dagger *d = (struct dagger *)g;
	struct dagger_task *k = task_new(d, t);
	char *race_dir = fs_dirname(t->dir);

	dagger_scan(d, t->race, race_dir);
	free(race_dir);
	if (!t->prepared)
		dagger_fail(k, ENGINE_NOT_STARTED, "the race has no pipeline; start it anew");
	else
		dagger_ready_start(k);
}

static void dagger_stop(struct engine *g, struct engine_task *t)
{
	struct dagger_task *k = t->priv;

	if (!k || k->has_end)
		return;
	k->stop_asked = true;
	if (!k->p)
		dagger_fail(k, ENGINE_STOPPED, "stopped");
	else
		send_stop(k);
}

static void dagger_adopt(struct engine *g, struct engine_task *t)
{
	struct dagger *d = (struct dagger *)g;
	struct dagger_task *k = task_new(d, t);
	char *race_dir = fs_dirname(t->dir);

	dagger_scan(d, t->race, race_dir);
	free(race_dir);
	k->said_started = t->id[0] != '\0';
	k->p = dagger_find_started(d, t->race, k->id);
	if (!k->p) {
		dagger_fail(k, ENGINE_GONE, "the pipeline was never told of it");
		return;
	}
	k->known = dagger_pipe_known(k->p, k->id, false);
	k->binary = xstrdup(k->p->binary);
	k->tries = 1;
	dagger_pipe_used(k->p);
	dagger_step(k);
}

/* Volumes are the Dagger engine's own to collect; a container is gone with its command. */
static void dagger_remove(
	struct engine *g, int race, const char *variant, bool check, const char *id)
{
}

static int dagger_exec(struct engine *g, const struct engine_task *t, const char *const *cmd,
	bool tty, struct strv *out, struct err *e)
{
	const struct dagger_task *k = t->priv;

	if (!k || !k->p || !k->known || !k->known->running)
		return err_set(e, "not_running", "%s does not run; nothing can be run beside it",
			t->variant);
	strv_addl(out, k->p->binary, tty ? "tty" : "exec", k->p->dir,
		k->known->file ? k->known->file : k->file, "--", NULL);
	strv_addv(out, cmd);
	return 0;
}

static void dagger_sample(
	struct engine *g, const struct engine_task *t, int64_t *cpu_ns, int64_t *memory)
{
	*cpu_ns = *memory = -1;
}

/* A checkpoint packs the whole tree: one at a time in each process, and a small share of the time.
 */
static bool refreshing(struct dagger_task *k, int64_t now)
{
	int64_t cost = now - k->refresh_ms;

	if (!k->refresh_ms)
		return false;
	if (k->known && k->known->checkpoints == k->refresh_seen && cost < REFRESH_LOST_MS)
		return true;
	k->refresh_ms = 0;
	k->refresh_next = now +
		(cost * DAGGER_REFRESH_SHARE > DAGGER_REFRESH_MS ? cost * DAGGER_REFRESH_SHARE
								 : DAGGER_REFRESH_MS);
	return false;
}

static bool dagger_fetch_work(struct engine *g, struct engine_task *t)
{
	struct dagger_task *k = t->priv;
	struct err e = ERR_INIT;
	struct stat st;
	int64_t now = clock_mono_ms();
	bool busy = false;

	if (!k || k->has_end || !k->known || !k->known->running || k->p->dead)
		return false;
	for (struct dagger_task *other = k->d->tasks; other; other = other->next)
		busy |= other->p == k->p && refreshing(other, now);
	if (busy || now < k->refresh_next || stat(t->log, &st) ||
		(st.st_size == k->refresh_size && now < k->refresh_next + REFRESH_QUIET_MS))
		return k->known->checkpoints > 0;
	k->refresh_ms = now;
	k->refresh_size = st.st_size;
	k->refresh_seen = k->known->checkpoints;
	if (dagger_pipe_tell(k->p, "checkpoint", k->id, &e))
		diag(DIAG_WARN, "%s", e.msg);
	return k->known->checkpoints > 0;
}

static void dagger_owner(struct engine *g, int *uid, int *gid)
{
	*uid = *gid = -1;
}

const struct engine_type engine_dagger = {
	.name = "dagger",
	.help = "containers of a Dagger engine, launched by a Go program made from a template (`yolodeck init`)",
	.caps = ENGINE_CONTAINER | ENGINE_AUTO | ENGINE_TEMPLATE | ENGINE_RUNNERS,
	.suits = dagger_suits,
	.open = dagger_open,
	.close = dagger_close,
	.probe = dagger_probe,
	.prepare = dagger_prepare,
	.start = dagger_start,
	.stop = dagger_stop,
	.adopt = dagger_adopt,
	.remove = dagger_remove,
	.exec_argv = dagger_exec,
	.sample = dagger_sample,
	.fetch_work = dagger_fetch_work,
	.owner = dagger_owner,
};
