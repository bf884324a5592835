/* dagger.c - the engine of the pipeline: its tasks' steps, and the vtable.
 *
 * A task is prepared (dagger_prepare), given to a process (dagger_pipe), and followed by what that
 * process says. Level-triggered: what the events say of a task is compared with what was reported
 * of it, and the difference is reported. A process that dies leaves its volumes in the Dagger
 * engine: another one is sent to collect what had been started, and only when that fails too the
 * work is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "engine/dagger_pipe.h"
#include "engine/dagger_prepare.h"
#include "engine/dagger_program.h"
#include "engine/engine.h"

enum {
	/* processes a start is given to that never began it, and that die while they collect it */
	MAX_TRIES = 2,
	/* between two checkpoints that a watcher causes, at least, */
	REFRESH_MS = 5000,
	/* and at least so many times as long as the last one took */
	REFRESH_SHARE = 20,
	REFRESH_LOST_MS = 120000,
	REFRESH_QUIET_MS = 30000,
};

struct dagger_task {
	struct dagger_task *next;
	struct dagger *d;
	struct engine_task *t;
	struct dagger_prepare *prepare; /* under way in a worker */
	struct dagger_pipe *p; /* held; NULL = not given to one yet */
	struct task_status *status; /* in p */
	char *id, *file, *binary;
	bool said_started, stop_asked, stop_sent;
	int starts, collectors; /* processes it was given to */
	char *note; /* the last that was reported */
	/* when the last was asked for (0 = it came), the log then; not before */
	int64_t refresh_ms, refresh_size, refresh_next;
	int refresh_seen;
	int64_t since_ms; /* of the preparation, for its note */
	struct loop_timer *soon, *tick;
	bool has_end; /* reported when soon fires */
	struct engine_end end;
};

struct dagger {
	struct engine engine;
	struct engine_ctx c;
	struct dagger_pipes pipes;
	struct dagger_questions questions;
	struct dagger_task *tasks;
};

static void fail_task(struct dagger_task *k, enum engine_cause cause, const char *reason);
static void assign_pipeline(struct dagger_task *k, bool collect);

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

	while (*at && *at != k)
		at = &(*at)->next;
	if (*at)
		*at = k->next;
	dagger_prepare_cancel(k->prepare);
	if (k->soon)
		loop_cancel(k->soon);
	if (k->tick)
		loop_cancel(k->tick);
	dagger_pipe_drop(k->p);
	k->t->priv = NULL;
	free(k->id);
	free(k->file);
	free(k->binary);
	free(k->note);
	free(k);
}

static void set_note(struct dagger_task *k, const char *note)
{
	const struct engine_events *ev = k->d->c.ev;

	if (!strcmp(k->note ? k->note : "", note))
		return;
	xreplace(&k->note, note);
	ev->note(ev->ctx, k->t, note);
}

static void report_end(void *ctx)
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
static void end_task(struct dagger_task *k)
{
	if (k->has_end)
		return;
	k->has_end = true;
	dagger_prepare_cancel(k->prepare);
	k->prepare = NULL;
	if (k->soon)
		loop_cancel(k->soon);
	k->soon = loop_after(k->d->c.loop, 0, report_end, k);
}

static void fail_task(struct dagger_task *k, enum engine_cause cause, const char *reason)
{
	if (k->has_end)
		return;
	k->end = (struct engine_end){
		.cause = k->stop_asked && cause != ENGINE_GONE ? ENGINE_STOPPED : cause, .exit = -1
	};
	snprintf(k->end.reason, sizeof k->end.reason, "%s",
		k->stop_asked && cause != ENGINE_GONE ? "stopped" : reason);
	end_task(k);
}

/* ---- prepared, and given to a process ---- */

static void note_building(void *ctx)
{
	struct dagger_task *k = ctx;
	int64_t s = (clock_mono_ms() - k->since_ms) / 1000;
	char words[96];

	snprintf(words, sizeof words, "go build, %lld s (of the pipeline, once)", (long long)s);
	set_note(k, words);
	k->tick = loop_after(k->d->c.loop, 1000, note_building, k);
}

static void send_stop(struct dagger_task *k)
{
	struct err e = ERR_INIT;

	if (k->stop_sent || !k->p || k->p->dead)
		return;
	k->stop_sent = true;
	if (dagger_pipe_tell(k->p, "stop", k->id, &e))
		diag(DIAG_WARN, "%s: %s", k->id, e.msg);
}

static void prepared(void *ctx, char *take_binary, const struct err *e)
{
	struct dagger_task *k = ctx;

	k->prepare = NULL;
	if (k->tick)
		loop_cancel(k->tick);
	k->tick = NULL;
	set_note(k, "");
	free(k->binary);
	k->binary = take_binary;
	if (e->msg[0]) {
		fail_task(k, ENGINE_NOT_STARTED, e->msg);
		return;
	}
	k->starts++;
	assign_pipeline(k, false);
	if (k->stop_asked)
		send_stop(k);
}

static void prepare_task(struct dagger_task *k)
{
	k->since_ms = clock_mono_ms();
	/* when the program is built already, this never fires */
	k->tick = loop_after(k->d->c.loop, 1000, note_building, k);
	k->prepare = dagger_prepare_start(&k->d->c, k->t, k->id, k->file, prepared, k);
}

static void assign_pipeline(struct dagger_task *k, bool collect)
{
	struct dagger_pipes *all = &k->d->pipes;
	struct err e = ERR_INIT;
	char *race_dir = fs_dirname(k->t->dir);
	const struct dagger_pipe_plan plan = { .race = k->t->race,
		.race_dir = race_dir,
		.repo_id = k->t->repo_id,
		.host = k->t->runner ? k->t->runner : "",
		.binary = k->binary,
		.runner = k->d->c.runner,
		.collect = collect };
	struct dagger_pipe *p = dagger_pipes_find_open(all, plan.race, plan.host, collect);
	struct task_status *status;

	if (!p)
		p = dagger_pipe_start(all, &plan, &e);
	status = p ? dagger_pipe_start_task(p, k->id, k->file, &e) : NULL;
	if (status) {
		k->collectors += collect;
		dagger_pipe_hold(p);
		dagger_pipe_drop(k->p);
		k->p = p;
		k->status = status;
		k->stop_sent = false;
	} else {
		fail_task(k, collect ? ENGINE_GONE : ENGINE_NOT_STARTED, e.msg);
	}
	free(race_dir);
}

/* ---- what its process said ---- */

/* It ended, but work/ is not what it left: it must not count as an attempt that changed nothing. */
static void mark_tree_lost(struct dagger_task *k)
{
	struct engine_end *e = &k->end;
	size_t n = strlen(e->reason);

	e->cause = ENGINE_GONE;
	snprintf(e->reason + n, sizeof e->reason - n,
		"; its files could not be fetched from the engine%s%.250s",
		*k->status->text ? ": " : "", k->status->text);
}

static void take_end(struct dagger_task *k)
{
	const char *cause = k->status->cause, *text = k->status->text;
	char words[400];

	if (engine_end_from_log(k->t, &k->end)) {
		if (!k->status->tree && !k->t->check)
			mark_tree_lost(k);
		end_task(k);
	} else if (!strcmp(cause, "not_started"))
		fail_task(k, ENGINE_NOT_STARTED, *text ? text : "the pipeline did not start it");
	else if (!strcmp(cause, "stopped") || k->stop_asked) {
		k->end = (struct engine_end){ .cause = ENGINE_STOPPED, .exit = 137 };
		snprintf(k->end.reason, sizeof k->end.reason, "stopped");
		end_task(k);
	} else if (!strcmp(cause, "engine")) {
		snprintf(words, sizeof words,
			"%.300s; what was fetched until then is kept. --engine docker does without it",
			*text ? text : "the Dagger engine went away");
		fail_task(k, ENGINE_GONE, words);
	} else if (k->p->collect) {
		fail_task(k, ENGINE_GONE,
			"the pipeline died, and its containers with it; what they left was collected");
	} else
		fail_task(k, ENGINE_GONE,
			*text ? text : "its container is gone and left no exit code");
}

/* Its process is dead and never told its end. */
static void replace_dead_pipeline(struct dagger_task *k)
{
	const struct dagger_pipe *p = k->p;
	char words[512];

	if (p->collect && !p->events.fatal && k->collectors < MAX_TRIES) {
		assign_pipeline(k, true);
	} else if (p->collect) {
		snprintf(words, sizeof words,
			"the pipeline died, and what it left could not be collected: %s",
			p->events.fatal ? p->events.fatal : "its successor died too");
		fail_task(k, ENGINE_GONE, words);
	} else if (p->events.fatal && !k->status->running) {
		fail_task(k, ENGINE_NOT_STARTED, p->events.fatal);
	} else if (!k->status->acked && !k->status->running) {
		if (k->stop_asked || k->starts >= MAX_TRIES) {
			snprintf(words, sizeof words,
				"the pipeline ended before it began; %s/pipeline.log says more",
				p->dir);
			fail_task(k, ENGINE_NOT_STARTED, words);
		} else if (!k->prepare) {
			prepare_task(k);
		}
	} else {
		set_note(k, "the pipeline died; collecting what it left");
		assign_pipeline(k, true);
	}
}

static void update_task(struct dagger_task *k)
{
	const struct engine_events *ev = k->d->c.ev;
	const struct task_status *status = k->status;

	if (k->has_end || !status)
		return;
	if (status->running && !k->said_started) {
		k->said_started = true;
		snprintf(k->t->id, sizeof k->t->id, "%d", k->p->k);
		set_note(k, "");
		ev->started(ev->ctx, k->t);
	}
	if (status->note && !k->p->collect)
		set_note(k, status->note);
	if (status->ended)
		take_end(k);
	else if (k->p->dead)
		replace_dead_pipeline(k);
}

static void update_now(void *ctx)
{
	struct dagger_task *k = ctx;

	k->soon = NULL;
	update_task(k);
}

/* Never from inside of the conductor's own call. */
static void schedule_update(struct dagger_task *k)
{
	if (!k->soon && !k->has_end)
		k->soon = loop_after(k->d->c.loop, 0, update_now, k);
}

static void pipe_changed(void *ctx, struct dagger_pipe *p)
{
	struct dagger *d = ctx;

	for (struct dagger_task *k = d->tasks; k; k = k->next)
		if (k->p == p)
			schedule_update(k);
}

/* ---- the vtable ---- */

static struct engine *dagger_open(const struct engine_ctx *c, struct err *e)
{
	struct dagger *d = xcalloc(1, sizeof *d);

	d->engine.type = &engine_dagger;
	d->c = *c;
	d->questions = (struct dagger_questions){ .loop = c->loop, .state_dir = c->state_dir };
	dagger_pipes_init(&d->pipes, c->loop, pipe_changed, d);
	return &d->engine;
}

static void dagger_close(struct engine *g)
{
	struct dagger *d = (struct dagger *)g;

	dagger_questions_release(&d->questions);
	while (d->tasks)
		task_free(d->tasks);
	dagger_pipes_release(&d->pipes);
	free(d);
}

static void dagger_probe_engine(struct engine *g, engine_probe_fn fn, void *ctx)
{
	dagger_ask_probe(&((struct dagger *)g)->questions, fn, ctx);
}

static void dagger_prepare_race(
	struct engine *g, struct spec *s, const char *from, engine_done_fn fn, void *ctx)
{
	dagger_ask_prepare(&((struct dagger *)g)->questions, s, from, fn, ctx);
}

static void scan_race(struct dagger *d, const struct engine_task *t)
{
	char *race_dir = fs_dirname(t->dir);

	dagger_pipes_scan(&d->pipes, t->race, race_dir);
	free(race_dir);
}

static void dagger_start(struct engine *g, struct engine_task *t)
{
	struct dagger *d = (struct dagger *)g;
	struct dagger_task *k = task_new(d, t);

	scan_race(d, t);
	if (!t->prepared)
		fail_task(k, ENGINE_NOT_STARTED,
			"the race has no pipeline; run it again as a new race");
	else
		prepare_task(k);
}

static void dagger_stop(struct engine *g, struct engine_task *t)
{
	struct dagger_task *k = t->priv;

	if (!k || k->has_end)
		return;
	k->stop_asked = true;
	if (!k->p)
		fail_task(k, ENGINE_STOPPED, "stopped");
	else
		send_stop(k);
}

static void dagger_adopt(struct engine *g, struct engine_task *t)
{
	struct dagger *d = (struct dagger *)g;
	struct dagger_task *k = task_new(d, t);

	scan_race(d, t);
	k->said_started = t->id[0] != '\0';
	k->p = dagger_pipes_find_started(&d->pipes, t->race, k->id);
	if (!k->p) {
		fail_task(k, ENGINE_GONE, "no pipeline was started for it");
		return;
	}
	dagger_pipe_hold(k->p);
	k->status = dagger_events_task(&k->p->events, k->id, false);
	k->binary = xstrdup(k->p->binary);
	k->starts = 1;
	schedule_update(k);
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

	if (!k || !k->p || !k->status || !k->status->running)
		return err_set(e, "not_running", "%s does not run; nothing can be run beside it",
			t->variant);
	strv_addl(out, k->p->binary, tty ? "tty" : "exec", k->p->dir,
		k->status->file ? k->status->file : k->file, "--", NULL);
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
	if (k->status && k->status->checkpoints == k->refresh_seen && cost < REFRESH_LOST_MS)
		return true;
	k->refresh_ms = 0;
	k->refresh_next =
		now + (cost * REFRESH_SHARE > REFRESH_MS ? cost * REFRESH_SHARE : REFRESH_MS);
	return false;
}

static bool dagger_fetch_work(struct engine *g, struct engine_task *t)
{
	struct dagger_task *k = t->priv;
	struct err e = ERR_INIT;
	struct stat st;
	int64_t now = clock_mono_ms();
	bool busy = false;

	if (!k || k->has_end || !k->status || !k->status->running || k->p->dead)
		return false;
	for (struct dagger_task *other = k->d->tasks; other; other = other->next)
		busy |= other->p == k->p && refreshing(other, now);
	if (busy || now < k->refresh_next || stat(t->log, &st) ||
		(st.st_size == k->refresh_size && now < k->refresh_next + REFRESH_QUIET_MS))
		return k->status->checkpoints > 0;
	k->refresh_ms = now;
	k->refresh_size = st.st_size;
	k->refresh_seen = k->status->checkpoints;
	if (dagger_pipe_tell(k->p, "checkpoint", k->id, &e))
		diag(DIAG_WARN, "%s", e.msg);
	return k->status->checkpoints > 0;
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
	.probe = dagger_probe_engine,
	.prepare = dagger_prepare_race,
	.start = dagger_start,
	.stop = dagger_stop,
	.adopt = dagger_adopt,
	.remove = dagger_remove,
	.exec_argv = dagger_exec,
	.sample = dagger_sample,
	.fetch_work = dagger_fetch_work,
	.owner = dagger_owner,
};
