/* adopt.c - the start: journal, races, what was live, what was left over. */
#include "conductor/adopt.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/engine_select.h"
#include "conductor/board.h"
#include "conductor/repair.h"
#include "conductor/save.h"
#include "conductor/sched.h"
#include "conductor/engines.h"
#include "conductor/runlog_times.h"
#include "conductor/undo.h"

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
		board_add(c, all[i]);
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
		struct engine *g = r->slot->g;
		for (size_t i = 0; i < r->race->n; i++) {
			const struct variant *v = r->race->v[i];
			if (v->engine_id)
				g->type->remove(g, v->race, v->name, false, v->engine_id);
			if (v->check_id)
				g->type->remove(g, v->race, v->name, true, v->check_id);
		}
		int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0)
			close(fd);
	}
	free(mark);
}

static void adopt_stopping(struct variant_run *vr)
{
	if (vr->v->check.state == CHECK_RUNNING)
		sched_adopt(vr, true);
	else if (vr->v->commit && vr->v->check.state == CHECK_WAITING && vr->v->ended_ns)
		sched_move(vr, VE_SAVED_KILLED);
	else if (vr->v->log_ino)
		sched_adopt(vr, false);
	else
		sched_failed(vr, "");
}

/* fast-import dies with its conductor and leaves its lock on our refs in the quarantine. */
static void clear_locks(const struct variant_run *vr)
{
	char *dir = xasprintf("%s/refs/yolodeck/%s", vr->r->quarantine, vr->key);

	save_clear_locks(dir);
	free(dir);
}

static void adopt_one(struct variant_run *vr)
{
	clear_locks(vr);
	switch (vr->v->state) {
	case VS_PREPARING:
		if (vr->v->log_ino)
			sched_adopt(vr, false);
		break;
	case VS_RUNNING:
		sched_adopt(vr, false);
		break;
	case VS_STOPPING:
		adopt_stopping(vr);
		break;
	case VS_SAVING:
		save_begin(vr);
		break;
	case VS_CHECKING:
		if (vr->v->check.state == CHECK_RUNNING)
			sched_adopt(vr, true);
		else
			save_check(vr);
		break;
	default:
		break;
	}
}

/* The badge of what is not enforced is not stored: the engine is asked again. */
static void asked_again(void *ctx, struct engine_handle *s, const char *why, const struct err *e)
{
	struct conductor *c = ctx;

	if (!s || c->closing)
		return;
	for (size_t i = 0; i < c->set.n; i++) {
		struct race_run *r = c->race[i];
		if (r->slot != s || !race_live(r->race))
			continue;
		free(r->warn);
		r->warn = engine_select_warning(&s->report, &r->race->spec);
		if (r->warn && !strv_has(&r->warnings, r->warn))
			strv_add(&r->warnings, r->warn);
		for (size_t k = 0; k < r->race->n; k++)
			board_touch(&r->v[k]);
	}
}

void adopt_race(struct race_run *r)
{
	if (!engines_of(r))
		return;
	for (size_t i = 0; i < r->race->n; i++) {
		struct variant_run *vr = &r->v[i];
		if (variant_live(vr->v->state) && vr->v->state != VS_QUEUED && vr->sv)
			adopt_one(vr);
	}
	engine_select_choose(r->c, r->race->engine, NULL, asked_again, r->c);
}

void adopt_all(struct conductor *c)
{
	repair_begin(c);
	for (size_t i = 0; i < c->set.n; i++) {
		struct race_run *r = c->race[i];
		if (race_live(r->race)) {
			diag(DIAG_INFO, "race %d: taking up what is live", r->race->number);
			adopt_race(r);
			sched_turn(r);
		} else {
			sweep(r);
		}
	}
}
