/* sched.c - a variant's life up to the end of its command: queue, copy, start. */
#include "conductor/sched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/engines.h"
#include "conductor/runlog_times.h"
#include "conductor/task.h"
#include "conductor/variant_run.h"

size_t sched_free(const struct race *r, int parallel)
{
	size_t busy = 0, max = parallel > 0 ? (size_t)parallel : 1;

	for (size_t i = 0; i < r->n; i++)
		busy += variant_live(r->v[i]->state) && r->v[i]->state != VS_QUEUED;
	return busy < max ? max - busy : 0;
}

/* ---- what the engine says ---- */

static void stop_container(struct variant_run *run, int which)
{
	const struct engine_handle *h = run->r->handle;

	if (h && run->ct[which].held)
		h->type->stop(h->engine, &run->ct[which].task);
}

static void follow_started(struct variant_run *run, int which)
{
	struct variant *v = run->v;
	struct container *ct = &run->ct[which];

	ct->started = ct->adopting = false;
	xreplace(&v->note, NULL);
	if (ct->task.id[0])
		xreplace(which == CHECK ? &v->check_id : &v->engine_id, ct->task.id);
	if (which == CHECK) {
		variant_store(run);
		mark_dirty(run);
	} else {
		if (!v->started_ns)
			v->started_ns = runlog_times_first(ct->idx, clock_real_ns());
		variant_change(run, VE_STARTED);
	}
	if (v->state == VS_STOPPING)
		stop_container(run, which);
}

/* What adoption did not find and what never wrote a byte was never started: once more, from the
 * copy on. */
static bool never_began(const struct variant_run *run)
{
	const struct container *ct = &run->ct[COMMAND];

	return ct->adopting && ct->end.cause == ENGINE_GONE && run->v->state == VS_PREPARING &&
		!runlog_times_any(ct->log, ct->idx);
}

static void follow_ended(struct variant_run *run)
{
	struct variant *v = run->v;
	struct container *ct = &run->ct[COMMAND];
	bool again = never_began(run);

	ct->ended = ct->adopting = false;
	if (again) {
		v->log_ino = 0;
		return;
	}
	v->exit = ct->end.exit;
	if (v->state == VS_PREPARING && ct->end.cause == ENGINE_NOT_STARTED) {
		variant_failed(run, ct->end.reason);
		return;
	}
	run->end = ct->end;
	run->has_end = true;
	if (!v->started_ns)
		v->started_ns = runlog_times_first(ct->idx, 0);
	v->ended_ns = runlog_times_last(ct->idx, clock_real_ns());
	if (!v->kill_asked)
		xreplace(&v->reason, ct->end.reason);
	variant_change(run, ct->end.cause == ENGINE_GONE ? VE_GONE : VE_ENDED);
}

/* ---- preparation of the race ---- */

struct prep_job {
	struct race_run *r;
	const char *common;
	struct git_repo repo;
	struct checkout_race co;
	struct err e;
	int rc;
};

static void prep_work(void *arg);
static void prep_done(void *arg);

static void start_preparation(struct race_run *r)
{
	struct prep_job *j = xcalloc(1, sizeof(*j));

	r->prep = PREP_RUNNING;
	j->r = r;
	j->common = r->c->store.common;
	j->co.race = r->race->number;
	j->co.base = r->race->base;
	j->co.race_dir = r->dir;
	j->co.base_store = r->base_store;
	pool_post(loop_pool(r->c->loop), prep_work, prep_done, j);
}

static void prep_work(void *arg)
{
	struct prep_job *j = arg;

	j->rc = git_repo_open_common(&j->repo, j->common, &j->e);
	if (!j->rc) {
		j->co.repo = &j->repo;
		j->rc = checkout_prepare(&j->co, &j->e);
	}
}

static void prep_done(void *arg)
{
	struct prep_job *j = arg;
	struct race_run *r = j->r;

	/* prepared again for a rerun: workers may hold what is there */
	if (r->repo.common || j->rc)
		git_repo_release(&j->repo);
	else
		r->repo = j->repo;
	free(r->co.warning);
	r->co = j->co;
	r->co.repo = &r->repo;
	r->prep = j->rc ? PREP_FAILED : PREP_DONE;
	r->prep_err = j->e;
	r->template_there = !j->rc;
	if (r->co.warning && !strv_has(&r->warnings, r->co.warning))
		strv_add(&r->warnings, r->co.warning);
	mark_race(r);
	free(j);
}

static void fail_unstarted(struct race_run *r)
{
	for (size_t i = 0; i < r->race->n; i++) {
		struct variant_run *run = &r->v[i];
		enum variant_state s = run->v->state;
		if ((s == VS_QUEUED || s == VS_PREPARING || s == VS_STOPPING) &&
			!run->ct[COMMAND].held && !run->copying && !run->adopt)
			variant_failed(run, r->prep_err.msg);
	}
}

/* ---- one copy, and the start ---- */

struct copy_job {
	struct variant_run *run;
	const struct checkout_race *co;
	const char *dir, *start, *store; /* start: the commit it goes on from, NULL = the base */
	bool keep_template;
	int uid, gid;
	struct err e;
	int rc;
};

static void copy_work(void *arg);
static void copy_done(void *arg);

static void start_copy(struct variant_run *run)
{
	struct race_run *r = run->r;
	struct copy_job *j = xcalloc(1, sizeof(*j));

	run->copying = true;
	j->run = run;
	j->co = &r->co;
	j->dir = run->dir;
	j->start = run->v->start;
	j->store = run->base_store;
	j->keep_template = r->handle->type->caps & ENGINE_TEMPLATE;
	j->uid = r->uid;
	j->gid = r->gid;
	pool_post_serial(loop_pool(run->c->loop), j->store, copy_work, copy_done, j);
}

static void copy_work(void *arg)
{
	struct copy_job *j = arg;

	if (!j->start) {
		j->rc = checkout_variant(j->co, j->dir, j->uid, j->gid, &j->e);
		return;
	}
	j->rc = checkout_continue(j->co, j->start, j->store, j->dir, j->uid, j->gid, &j->e);
	if (!j->keep_template)
		checkout_continue_finish(j->dir);
}

/* The engine gets it only after variant.json knows that it may have it: a crash in between is found
 * by the log's inode. */
static void start_container(struct variant_run *run)
{
	const struct engine_handle *h = run->r->handle;
	struct container *ct = &run->ct[COMMAND];
	struct err e = ERR_INIT;

	if (task_logs(run, COMMAND, &e)) {
		variant_failed(run, e.msg);
		return;
	}
	if (variant_store(run)) {
		variant_failed(run, run->v->note);
		return;
	}
	task_make(run, COMMAND);
	ct->held = true;
	h->type->start(h->engine, &ct->task);
}

static void copy_done(void *arg)
{
	struct copy_job *j = arg;
	struct variant_run *run = j->run;

	run->copying = false;
	if (j->rc || run->v->kill_asked)
		variant_failed(run, j->rc ? j->e.msg : "");
	else
		start_container(run);
	mark_race(run->r);
	free(j);
}

/* ---- the queue ---- */

/* Waits for a copy: taken from the queue, and nothing holds it. */
static bool wants_copy(const struct variant_run *run)
{
	return run->v->state == VS_PREPARING && !run->ct[COMMAND].held && !run->copying &&
		!run->adopt;
}

static void finish_template(struct race_run *r)
{
	for (size_t i = 0; i < r->race->n; i++)
		if (r->v[i].copying || wants_copy(&r->v[i]) || r->v[i].v->state == VS_QUEUED)
			return;
	if (r->handle && r->handle->type->caps & ENGINE_TEMPLATE && race_live(r->race))
		return;
	if (r->template_there)
		checkout_finish(&r->co);
	r->template_there = false;
}

static void take_from_queue(struct race_run *r, int parallel)
{
	size_t n = sched_free(r->race, parallel);

	for (size_t i = 0; i < r->race->n && n > 0; i++) {
		if (r->v[i].v->state != VS_QUEUED)
			continue;
		variant_change(&r->v[i], VE_PREPARE);
		n--;
	}
}

/* Why those that are still queued wait. */
static void note_queued(struct race_run *r, int parallel)
{
	char why[48];

	snprintf(why, sizeof(why), "queued: %d at once", parallel);
	for (size_t i = 0; i < r->race->n; i++) {
		struct variant *v = r->v[i].v;
		if (v->state != VS_QUEUED || (v->note && !strcmp(v->note, why)))
			continue;
		xreplace(&v->note, why);
		mark_dirty(&r->v[i]);
	}
}

static void start_copies(struct race_run *r)
{
	for (size_t i = 0; i < r->race->n; i++) {
		if (!wants_copy(&r->v[i]))
			continue;
		if (r->prep == PREP_NONE)
			start_preparation(r);
		else if (r->prep == PREP_DONE && engines_of(r))
			start_copy(&r->v[i]);
	}
}

void sched_turn(struct race_run *r)
{
	int parallel = r->race->spec.parallel;

	for (size_t i = 0; i < r->race->n; i++) {
		struct variant_run *run = &r->v[i];
		for (int which = COMMAND; which <= CHECK; which++)
			if (run->ct[which].started)
				follow_started(run, which);
		if (run->ct[COMMAND].ended)
			follow_ended(run);
	}
	if (r->prep == PREP_FAILED) {
		fail_unstarted(r);
		return;
	}
	if (parallel <= 0)
		parallel = engine_default_parallel();
	take_from_queue(r, parallel);
	note_queued(r, parallel);
	start_copies(r);
	if (r->prep == PREP_DONE)
		finish_template(r);
}

void sched_reopen(struct race_run *r)
{
	char *mark = fs_join(r->dir, "swept");

	unlink(mark); /* there will be something to sweep once more */
	free(mark);
	if (r->prep != PREP_RUNNING && !r->template_there)
		r->prep = PREP_NONE;
	r->was_live = true;
	mark_race(r);
}

/* ---- kill ---- */

bool sched_kill(struct variant_run *run, const char *reason)
{
	struct variant *v = run->v;

	if (variant_ended(v->state))
		return false;
	v->kill_asked = true;
	xreplace(&v->reason, reason);
	if (variant_change(run, VE_KILL) || v->state != VS_STOPPING)
		return true;
	if (run->ct[CHECK].held)
		stop_container(run, CHECK);
	else if (run->ct[COMMAND].held)
		stop_container(run, COMMAND);
	else if (!run->copying && !v->log_ino)
		variant_failed(run, "");
	return true;
}
