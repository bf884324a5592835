/* sched.c - a variant's life: queue, copy, start, end. */
#include "conductor/sched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/board.h"
#include "conductor/idle.h"
#include "conductor/archive_ops.h"
#include "conductor/sample.h"
#include "conductor/save.h"
#include "conductor/engines.h"
#include "conductor/runlog_times.h"

size_t sched_free(const struct race *r, int parallel)
{
	size_t busy = 0, max = parallel > 0 ? (size_t)parallel : 1;

	for (size_t i = 0; i < r->n; i++)
		busy += variant_live(r->v[i]->state) && r->v[i]->state != VS_QUEUED;
	return busy < max ? max - busy : 0;
}

static int parallel_of(const struct race_run *r)
{
	return r->race->spec.parallel > 0 ? r->race->spec.parallel : engine_default_parallel();
}

int sched_store(struct variant_run *vr)
{
	struct err e = ERR_INIT;

	if (!store_save_variant(&vr->c->store, vr->v, &e))
		return 0;
	diag(DIAG_ERROR, "%s: %s", vr->key, e.msg);
	err_prefix(&e, "its state is not on disk");
	xreplace(&vr->v->note, e.msg);
	return -1;
}

/* Frees what the engine still keeps of an ended variant, and looks whether it was the last one. */
static void over(struct variant_run *vr)
{
	struct race_run *r = vr->r;
	const struct variant *v = vr->v;

	if (r->slot && r->slot->g) {
		struct engine *g = r->slot->g;
		if (v->engine_id)
			g->type->remove(g, r->race->number, v->name, false, v->engine_id);
		if (v->check_id)
			g->type->remove(g, r->race->number, v->name, true, v->check_id);
	}
	diag(DIAG_INFO, "%s: %s, %s", vr->key, variant_state_name(v->state),
		v->reason ? v->reason : "-");
	if (v->start)
		checkout_continue_finish(vr->dir);
	if (v->state == VS_LOST)
		notify(vr->c, "warn", "%s is lost: %s. r runs it again (`yolodeck rerun %s`)%s.",
			vr->key, v->reason ? v->reason : "nobody knows why", vr->key,
			v->commit ? "; with --continue from the work that was saved" : "");
	if (r->was_live && !race_live(r->race)) {
		r->was_live = false;
		if (r->prep == PREP_NONE && r->slot && r->slot->type->caps & ENGINE_TEMPLATE) {
			/* adopted: another conductor prepared it, and left the template for the
			 * pipeline */
			r->co.race_dir = r->dir;
			checkout_finish(&r->co);
		}
		board_over(r);
		sample_conflicts(r);
	}
	if (vr->v->archive_after)
		archive_ops_archive_later(vr);
	sched_turn(r);
	idle_check(vr->c);
}

int sched_move(struct variant_run *vr, enum variant_event ev)
{
	if (variant_apply(vr->v, ev))
		return -1;
	if (variant_ended(vr->v->state)) {
		if (!vr->v->ended_ns)
			vr->v->ended_ns = clock_real_ns();
		if (vr->v->check.state == CHECK_WAITING || vr->v->check.state == CHECK_RUNNING)
			vr->v->check.state = CHECK_NONE;
		xreplace(&vr->v->note, NULL);
	}
	sched_store(vr);
	sample_forget(vr);
	board_touch(vr);
	board_rank(vr->r);
	if (variant_ended(vr->v->state))
		over(vr);
	return 0;
}

void sched_failed(struct variant_run *vr, const char *reason)
{
	if (!vr->v->kill_asked)
		xreplace(&vr->v->reason, reason);
	sched_move(vr, VE_FAILED_START);
}

/* ---- preparation of the race ---- */

struct prep_job {
	struct race_run *r;
	struct conductor *c;
	char *common;
	struct git_repo repo;
	struct checkout_race co;
	struct err e;
	int rc;
};

static void prep_work(void *arg)
{
	struct prep_job *j = arg;

	j->rc = git_repo_open_common(&j->repo, j->common, &j->e);
	if (!j->rc) {
		j->co.repo = &j->repo;
		j->rc = checkout_prepare(&j->co, &j->e);
	}
}

static void fail_unstarted(struct race_run *r)
{
	for (size_t i = 0; i < r->race->n; i++) {
		struct variant_run *vr = &r->v[i];
		enum variant_state s = vr->v->state;
		if ((s == VS_QUEUED || s == VS_PREPARING || s == VS_STOPPING) && !vr->held &&
			!vr->copying)
			sched_failed(vr, r->prep_err.msg);
	}
}

static void prep_done(void *arg)
{
	struct prep_job *j = arg;
	struct race_run *r = j->r;

	if (j->c->closing) {
		git_repo_release(&j->repo);
		free(j->co.warning);
	} else {
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
		sched_turn(r);
		idle_check(r->c);
	}
	free(j->common);
	free(j);
}

static void prepare(struct race_run *r)
{
	struct prep_job *j = xcalloc(1, sizeof(*j));

	r->prep = PREP_RUNNING;
	j->r = r;
	j->c = r->c;
	j->common = xstrdup(r->c->store.common);
	j->co.race = r->race->number;
	j->co.base = r->race->base;
	j->co.race_dir = r->dir;
	j->co.base_store = r->base_store;
	pool_post(loop_pool(r->c->loop), prep_work, prep_done, j);
}

/* ---- one copy ---- */

struct copy_job {
	struct variant_run *vr;
	struct conductor *c;
	const struct checkout_race *co;
	char *dir, *start, *store; /* start: the commit it goes on from, NULL = the base */
	bool keep_template;
	int uid, gid;
	struct err e;
	int rc;
};

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
static void start(struct variant_run *vr)
{
	struct err e = ERR_INIT;
	struct engine_handle *s = engines_of(vr->r);

	if (!s)
		return;
	if (sched_logs(vr, false, &e)) {
		sched_failed(vr, e.msg);
		return;
	}
	if (sched_store(vr)) {
		sched_failed(vr, vr->v->note);
		return;
	}
	sched_task(vr, false);
	vr->held = true;
	s->g->type->start(s->g, &vr->task);
}

static void copy_done(void *arg)
{
	struct copy_job *j = arg;
	struct variant_run *vr = j->vr;

	if (!j->c->closing) {
		vr->copying = false;
		if (j->rc || vr->v->kill_asked)
			sched_failed(vr, j->rc ? j->e.msg : "");
		else
			start(vr);
		sched_turn(vr->r);
	}
	free(j->dir);
	free(j->start);
	free(j->store);
	free(j);
}

static void copy(struct variant_run *vr)
{
	struct copy_job *j = xcalloc(1, sizeof(*j));

	vr->copying = true;
	j->vr = vr;
	j->c = vr->c;
	j->co = &vr->r->co;
	j->dir = xstrdup(vr->dir);
	j->uid = vr->r->uid;
	j->gid = vr->r->gid;
	if (!vr->v->start) {
		pool_post(loop_pool(vr->c->loop), copy_work, copy_done, j);
		return;
	}
	j->start = xstrdup(vr->v->start);
	j->store = xstrdup(vr->base_store);
	j->keep_template = vr->r->slot->type->caps & ENGINE_TEMPLATE;
	pool_post_serial(loop_pool(vr->c->loop), j->store, copy_work, copy_done, j);
}

/* ---- the queue ---- */

/* Waits for a copy: taken from the queue, and nothing holds it. */
static bool wants_copy(const struct variant_run *vr)
{
	return vr->v->state == VS_PREPARING && !vr->held && !vr->copying;
}

static void finish_template(struct race_run *r)
{
	for (size_t i = 0; i < r->race->n; i++)
		if (r->v[i].copying || wants_copy(&r->v[i]) || r->v[i].v->state == VS_QUEUED)
			return;
	if (r->slot && r->slot->type->caps & ENGINE_TEMPLATE && race_live(r->race))
		return;
	if (r->template_there)
		checkout_finish(&r->co);
	r->template_there = false;
}

static void take_from_queue(struct race_run *r)
{
	size_t n = sched_free(r->race, parallel_of(r));

	for (size_t i = 0; i < r->race->n && n > 0; i++) {
		if (r->v[i].v->state != VS_QUEUED)
			continue;
		xreplace(&r->v[i].v->note, NULL);
		sched_move(&r->v[i], VE_PREPARE);
		n--;
	}
}

/* Why those that are still queued wait. */
static void note_queued(struct race_run *r)
{
	char why[48];

	snprintf(why, sizeof(why), "queued: %d at once", parallel_of(r));
	for (size_t i = 0; i < r->race->n; i++) {
		struct variant *v = r->v[i].v;
		if (v->state != VS_QUEUED || (v->note && !strcmp(v->note, why)))
			continue;
		xreplace(&v->note, why);
		board_touch(&r->v[i]);
	}
}

void sched_turn(struct race_run *r)
{
	bool wanted = false;

	if (r->c->closing)
		return;
	if (r->prep == PREP_FAILED) {
		fail_unstarted(r);
		return;
	}
	take_from_queue(r);
	note_queued(r);
	for (size_t i = 0; i < r->race->n; i++) {
		if (!wants_copy(&r->v[i]))
			continue;
		wanted = true;
		if (r->prep == PREP_DONE && engines_of(r))
			copy(&r->v[i]);
	}
	if (wanted && r->prep == PREP_NONE)
		prepare(r);
	if (r->prep == PREP_DONE)
		finish_template(r);
}

void sched_again(struct race_run *r)
{
	char *mark = fs_join(r->dir, "swept");

	unlink(mark); /* there will be something to sweep once more */
	free(mark);
	if (r->prep != PREP_RUNNING && !r->template_there)
		r->prep = PREP_NONE;
	r->was_live = true;
	sched_turn(r);
}

/* ---- from the engine ---- */

void sched_started(struct variant_run *vr, bool check)
{
	struct variant *v = vr->v;
	const struct engine_task *t = check ? &vr->check : &vr->task;
	struct engine_handle *s = vr->r->slot;

	vr->adopting = false;
	xreplace(&v->note, NULL);
	if (t->id[0])
		xreplace(check ? &v->check_id : &v->engine_id, t->id);
	if (check) {
		sched_store(vr);
		board_touch(vr);
	} else {
		if (!v->started_ns)
			v->started_ns = runlog_times_first(vr->idx, clock_real_ns());
		sched_move(vr, VE_STARTED);
	}
	if (v->state == VS_STOPPING && s && s->g)
		s->g->type->stop(s->g, check ? &vr->check : &vr->task);
}

/* What adoption did not find and what never wrote a byte was never started: once more, from the
 * copy on. */
static bool never_began(const struct variant_run *vr, const struct engine_end *end)
{
	return vr->adopting && end->cause == ENGINE_GONE && vr->v->state == VS_PREPARING &&
		!runlog_times_any(vr->log, vr->idx);
}

static void command_ended(struct variant_run *vr, const struct engine_end *end)
{
	struct variant *v = vr->v;

	if (never_began(vr, end)) {
		vr->adopting = false;
		v->log_ino = 0;
		sched_turn(vr->r);
		return;
	}
	vr->adopting = false;
	v->exit = end->exit;
	if (v->state == VS_PREPARING && end->cause == ENGINE_NOT_STARTED) {
		sched_failed(vr, end->reason);
		return;
	}
	vr->end = *end;
	vr->has_end = true;
	if (!v->started_ns)
		v->started_ns = runlog_times_first(vr->idx, 0);
	v->ended_ns = runlog_times_last(vr->idx, clock_real_ns());
	if (!v->kill_asked)
		xreplace(&v->reason, end->reason);
	if (!sched_move(vr, end->cause == ENGINE_GONE ? VE_GONE : VE_ENDED))
		save_begin(vr);
}

void sched_ended(struct variant_run *vr, bool check, const struct engine_end *end)
{
	if (check) {
		vr->check_held = false;
		save_check_ended(vr, end);
	} else {
		vr->held = false;
		command_ended(vr, end);
	}
	sched_turn(vr->r);
}

void sched_adopt(struct variant_run *vr, bool check)
{
	struct engine_handle *s = engines_of(vr->r);
	struct engine_task *t = check ? &vr->check : &vr->task;
	const char *id = check ? vr->v->check_id : vr->v->engine_id;

	if (!s || (check ? vr->check_held : vr->held))
		return;
	sched_task(vr, check);
	snprintf(t->id, sizeof(t->id), "%s", id ? id : "");
	vr->adopting = true;
	if (check)
		vr->check_held = true;
	else
		vr->held = true;
	s->g->type->adopt(s->g, t);
	if (vr->v->state == VS_STOPPING)
		s->g->type->stop(s->g, t);
}

/* ---- kill ---- */

bool sched_kill(struct variant_run *vr, const char *reason)
{
	struct variant *v = vr->v;
	struct engine_handle *s = vr->r->slot;

	if (variant_ended(v->state))
		return false;
	v->kill_asked = true;
	xreplace(&v->reason, reason);
	if (sched_move(vr, VE_KILL) || v->state != VS_STOPPING)
		return true;
	if (s && s->g && vr->check_held)
		s->g->type->stop(s->g, &vr->check);
	else if (s && s->g && vr->held)
		s->g->type->stop(s->g, &vr->task);
	else if (!vr->copying && !vr->held && !vr->check_held && !v->log_ino)
		sched_failed(vr, "");
	return true;
}
