/* adopt.c - the start: journal, races, what was live, what was left over. */
#include "conductor/adopt.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/engine_select.h"
#include "conductor/board.h"
#include "conductor/repair.h"
#include "conductor/save.h"
#include "conductor/engines.h"
#include "conductor/races.h"
#include "conductor/task.h"
#include "conductor/undo.h"
#include "conductor/variant_run.h"

/* Lines may be missing now, so the ones before say nothing of how rows stand. */
static int note_cut(struct journal *j, struct err *e)
{
	int n = journal_intent(j, "cut", NULL, e);

	return n < 0 ? -1 : journal_stage(j, n, "done", NULL, e);
}

int adopt_load(struct conductor *c, struct err *e)
{
	char *path = store_path(&c->store, "journal");
	struct race **all = NULL;
	size_t n = 0, torn = 0;
	int rc = -1;

	c->replay = xcalloc(1, sizeof(*c->replay));
	c->journal = journal_open(path, undo_replay, c->replay, &torn, e);
	if (!c->journal)
		goto out;
	if (torn) {
		notify(c, "warn", "the journal ended in %zu damaged bytes; they were cut off",
			torn);
		if (note_cut(c->journal, e))
			goto out;
	}
	c->undo = c->replay->undo;
	c->replay->undo.n = 0;
	if (store_load(&c->store, &all, &n, e))
		goto out;
	for (size_t i = 0; i < n; i++)
		races_add(c, all[i]);
	if (!torn)
		repair_rows(c, c->replay);
	rc = 0;
out:
	free(all);
	free(path);
	return rc;
}

/* What a fast kill -9 left to be removed of races that are over: once per race, then a mark says
 * so. */
static void sweep(struct race_run *r)
{
	char *mark = fs_join(r->dir, "swept");
	bool any = false;

	for (size_t i = 0; i < r->race->n; i++)
		any |= r->race->v[i]->engine_id || r->race->v[i]->check_id;
	if (any && !fs_exists(mark) && engines_of(r)) {
		for (size_t i = 0; i < r->race->n; i++)
			engines_remove(r, r->race->v[i]);
		int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0)
			close(fd);
	}
	free(mark);
}

/* fast-import dies with its conductor and leaves its lock on our refs in the quarantine. */
static void clear_locks(const struct variant_run *run)
{
	char *dir = xasprintf("%s/refs/yolodeck/%s", run->r->quarantine, run->key);

	save_clear_locks(dir);
	free(dir);
}

/* May its container be there? Then nothing is done to it before the engine was asked. */
static bool may_be_held(const struct variant *v)
{
	switch (v->state) {
	case VS_PREPARING:
		return v->log_ino != 0;
	case VS_RUNNING:
	case VS_STOPPING:
		return true;
	case VS_CHECKING:
		return v->check.state == CHECK_RUNNING;
	default:
		return false;
	}
}

void adopt_all(struct conductor *c)
{
	repair_begin(c);
	for (size_t i = 0; i < c->set.n; i++) {
		struct race_run *r = c->race[i];
		if (!race_live(r->race)) {
			sweep(r);
			continue;
		}
		diag(DIAG_INFO, "race %d: taking up what is live", r->race->number);
		r->ask_engine = true;
		for (size_t k = 0; k < r->race->n; k++) {
			struct variant_run *run = &r->v[k];
			if (variant_ended(run->v->state))
				continue;
			clear_locks(run);
			run->adopt = may_be_held(run->v);
		}
	}
}

/* ---- once the engine is there ---- */

static void adopt_container(struct variant_run *run, int which)
{
	struct engine_handle *h = run->r->handle;
	struct container *ct = &run->ct[which];
	const char *id = which == CHECK ? run->v->check_id : run->v->engine_id;

	task_make(run, which);
	snprintf(ct->task.id, sizeof(ct->task.id), "%s", id ? id : "");
	ct->adopting = ct->held = true;
	h->type->adopt(h->engine, &ct->task);
	if (run->v->state == VS_STOPPING)
		h->type->stop(h->engine, &ct->task);
}

static void adopt_run(struct variant_run *run)
{
	const struct variant *v = run->v;

	run->adopt = false;
	if (v->check.state == CHECK_RUNNING)
		adopt_container(run, CHECK);
	else if (v->state == VS_STOPPING && v->commit && v->check.state == CHECK_WAITING &&
		v->ended_ns)
		variant_change(run, VE_SAVED_KILLED); /* between its saving and its check */
	else if (v->state != VS_STOPPING || v->log_ino)
		adopt_container(run, COMMAND);
	else
		variant_failed(run, "");
}

/* The badge of what is not enforced is not stored: the engine is asked again. */
static void asked_again(void *ctx, struct engine_handle *h, const char *why, const struct err *e)
{
	struct conductor *c = ctx;

	for (size_t i = 0; h && i < c->set.n; i++) {
		struct race_run *r = c->race[i];
		if (r->handle != h || !race_live(r->race))
			continue;
		free(r->warn);
		r->warn = engine_select_warning(&h->report, &r->race->spec);
		if (r->warn && !strv_has(&r->warnings, r->warn))
			strv_add(&r->warnings, r->warn);
		for (size_t k = 0; k < r->race->n; k++)
			mark_dirty(&r->v[k]);
	}
}

void adopt_turn(struct race_run *r)
{
	if (!r->ask_engine || !engines_of(r))
		return;
	r->ask_engine = false;
	for (size_t i = 0; i < r->race->n; i++)
		if (r->v[i].adopt)
			adopt_run(&r->v[i]);
	engine_select_choose(r->c, r->race->engine, NULL, asked_again, r->c);
}
