/* variant_run.h - changing a variant: state, record, and the mark that settle and clients go by.
 * Knows model and store only; what follows from a change is settle's. */
#ifndef CONDUCTOR_VARIANT_RUN_H
#define CONDUCTOR_VARIANT_RUN_H

#include "conductor/state.h"

/* Applies ev, stores, marks. -1 = not legal here, nothing done. */
int variant_change(struct variant_run *run, enum variant_event ev);
/* It is not to be started any more: the copy or the start failed. reason is copied; a person's wish
 * to kill it stays the reason. */
void variant_failed(struct variant_run *run, const char *reason);
/* Stores variant.json. -1: it could not be (the row says so and the next change tries again). */
int variant_store(struct variant_run *run);
/* Something of the row changed: settle comes by, and clients hear of it. */
void mark_dirty(struct variant_run *run);
/* Settle comes by; nothing of a row changed. */
void mark_race(struct race_run *r);

#endif
