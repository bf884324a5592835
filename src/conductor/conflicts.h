/* conflicts.h - would a variant merge into the base branch as it is now? */
#ifndef CONDUCTOR_CONFLICTS_H
#define CONDUCTOR_CONFLICTS_H

#include "conductor/state.h"

/* Posts a job that judges all of a race that have a commit (the base branch moved, or one was
 * saved). */
void conflicts_update(struct race_run *r);

#endif
