/* slots.h - the opened engines, one of a type, and the way of their events to the scheduler. */
#ifndef CONDUCTOR_SLOTS_H
#define CONDUCTOR_SLOTS_H

#include "conductor/state.h"

/* Opened when not yet so. NULL with the sentence when it cannot be. */
struct slot *slots_open(struct conductor *c, const struct engine_type *t, struct err *e);
/* The slot of a race's engine; NULL: it cannot be opened now (tried again by a timer, and shown as
 * away). */
struct slot *slots_of(struct racerun *r);
void slots_close(struct conductor *c);
/* The one whose state clients see in the header. */
void slots_show(struct slot *s);
/* Writes the runner to <state>/runner-<hash> once; c->runner. */
int slots_runner(struct conductor *c, struct err *e);

#endif
