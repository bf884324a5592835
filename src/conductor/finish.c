/* finish.c - what follows from the end of a variant, and of the last one of a race. */
#include "conductor/finish.h"

#include "base/diag.h"
#include "conductor/archive_ops.h"
#include "conductor/board.h"
#include "conductor/conflicts.h"
#include "conductor/engines.h"
#include "conductor/sample.h"

static void finish_variant(struct variant_run *run)
{
	const struct variant *v = run->v;

	if (run->r->handle)
		engines_remove(run->r, v);
	diag(DIAG_INFO, "%s: %s, %s", run->key, variant_state_name(v->state),
		v->reason ? v->reason : "-");
	if (v->start)
		checkout_continue_finish(run->dir);
	if (v->state == VS_LOST)
		notify(run->c, "warn", "%s is lost: %s. r runs it again (`yolodeck rerun %s`)%s.",
			run->key, v->reason ? v->reason : "nobody knows why", run->key,
			v->commit ? "; with --continue from the work that was saved" : "");
}

static void finish_race(struct race_run *r)
{
	r->was_live = false;
	if (r->prep == PREP_NONE && r->handle && r->handle->type->caps & ENGINE_TEMPLATE) {
		/* adopted: another conductor prepared it, and left the template for the pipeline */
		r->co.race_dir = r->dir;
		checkout_finish(&r->co);
	}
	board_over(r);
	conflicts_update(r);
}

void finish_turn(struct race_run *r)
{
	for (size_t i = 0; i < r->race->n; i++) {
		struct variant_run *run = &r->v[i];
		if (run->changed) {
			run->changed = false;
			sample_forget(run);
			if (variant_ended(run->v->state))
				finish_variant(run);
		}
		if (variant_ended(run->v->state) && run->v->archive_after && !run->archiving) {
			run->archiving = true;
			archive_ops_archive(r->c, &run, 1, true, NULL, NULL);
		}
	}
	if (r->was_live && !race_live(r->race))
		finish_race(r);
}
