/* variant_run.c - changing a variant: state, record, mark. */
#include "conductor/variant_run.h"

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"

void mark_race(struct race_run *r)
{
	r->dirty = r->c->dirty = true;
}

void mark_dirty(struct variant_run *run)
{
	run->rev = run->r->rev = ++run->c->rev;
	mark_race(run->r);
}

int variant_store(struct variant_run *run)
{
	struct err e = ERR_INIT;

	if (!store_save_variant(&run->c->store, run->v, &e))
		return 0;
	diag(DIAG_ERROR, "%s: %s", run->key, e.msg);
	err_prefix(&e, "its state is not on disk");
	xreplace(&run->v->note, e.msg);
	return -1;
}

int variant_change(struct variant_run *run, enum variant_event ev)
{
	struct variant *v = run->v;

	if (variant_apply(v, ev))
		return -1;
	if (variant_ended(v->state)) {
		if (!v->ended_ns)
			v->ended_ns = clock_real_ns();
		if (v->check.state == CHECK_WAITING || v->check.state == CHECK_RUNNING)
			v->check.state = CHECK_NONE;
	}
	if (variant_ended(v->state) || ev == VE_PREPARE)
		xreplace(&v->note, NULL);
	variant_store(run);
	run->changed = true;
	mark_dirty(run);
	return 0;
}

void variant_failed(struct variant_run *run, const char *reason)
{
	if (!run->v->kill_asked)
		xreplace(&run->v->reason, reason);
	variant_change(run, VE_FAILED_START);
}
