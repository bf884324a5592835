/* sched.h - a variant's life up to the end of its command: queue, copy, start, what the engine
 * says. save.c goes on from there. */
#ifndef CONDUCTOR_SCHED_H
#define CONDUCTOR_SCHED_H

#include "conductor/state.h"

/* Of settle: follows what the engine said, and starts what fits into `parallel`: preparation of the
 * race, copies, containers. */
void sched_turn(struct race_run *r);
/* Variants were added to a race that was prepared long ago, and may have been over: prepared again,
 * live again. */
void sched_reopen(struct race_run *r);
/* A person (or promote) asked. false = it had ended already. */
bool sched_kill(struct variant_run *run, const char *reason);

/* Pure: how many more of a race may begin: parallel minus live ones that are not queued. */
size_t sched_free(const struct race *r, int parallel);

#endif
