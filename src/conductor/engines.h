/* engines.h - the opened engines, one of a type; what they say is noted at the container. */
#ifndef CONDUCTOR_ENGINES_H
#define CONDUCTOR_ENGINES_H

#include "conductor/state.h"

/* Opened when not yet so. NULL with the sentence when it cannot be. */
struct engine_handle *engines_open(struct conductor *c, const struct engine_type *t, struct err *e);
/* The handle of a race's engine; NULL: it cannot be opened now (tried again by a timer, and shown
 * as away). */
struct engine_handle *engines_of(struct race_run *r);
/* The race runs on that one, which is open. */
void engines_set(struct race_run *r, struct engine_handle *h);
/* Frees what the engine (it is open) keeps of an ended variant. */
void engines_remove(struct race_run *r, const struct variant *v);
/* The one whose state clients see in the header. */
void engines_show(struct engine_handle *h);
/* Writes the runner to <state>/runner-<hash> once; c->runner. */
int engines_runner(struct conductor *c, struct err *e);

#endif
