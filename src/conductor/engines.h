/* engines.h - the opened engines, one of a type, and the way of their events to the scheduler. */
#ifndef CONDUCTOR_ENGINES_H
#define CONDUCTOR_ENGINES_H

#include "conductor/state.h"

/* Opened when not yet so. NULL with the sentence when it cannot be. */
struct engine_handle *engines_open(struct conductor *c, const struct engine_type *t, struct err *e);
/* The slot of a race's engine; NULL: it cannot be opened now (tried again by a timer, and shown as
 * away). */
struct engine_handle *engines_of(struct race_run *r);
void engines_close(struct conductor *c);
/* The one whose state clients see in the header. */
void engines_show(struct engine_handle *s);
/* Writes the runner to <state>/runner-<hash> once; c->runner. */
int engines_runner(struct conductor *c, struct err *e);

#endif
