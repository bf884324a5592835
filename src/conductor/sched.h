/* sched.h - a variant's life: queue, copy, start, end. States change only through sched_move
 * (variant_apply, then stored, then announced). save.c goes on from the end of the command. */
#ifndef CONDUCTOR_SCHED_H
#define CONDUCTOR_SCHED_H

#include "conductor/state.h"

/* Applies ev, stores, announces; on an end also looks whether the race is over. -1 = not legal
 * here, nothing done. */
int sched_move(struct variant_run *vr, enum variant_event ev);
/* Stores variant.json. -1: it could not be (the row says so and the next change tries again). */
int sched_store(struct variant_run *vr);
/* Starts what fits into `parallel`: preparation of the race, copies, containers. Harmless when
 * called too often. */
void sched_turn(struct race_run *r);
/* Variants were added to a race that was prepared long ago, and may have been over: prepared again,
 * live again. */
void sched_again(struct race_run *r);
/* A person (or promote) asked. false = it had ended already. */
bool sched_kill(struct variant_run *vr, const char *reason);

/* Events of the engines (engines.c). */
void sched_started(struct variant_run *vr, bool check);
void sched_ended(struct variant_run *vr, bool check, const struct engine_end *end);

/* Takes up a variant found live at the start (adopt.c decides which way). */
void sched_adopt(struct variant_run *vr, bool check);
/* It is not to be started any more: the copy or the start failed. reason is copied. */
void sched_failed(struct variant_run *vr, const char *reason);

/* Makes the task of the command or of the check from spec and race. */
void sched_task(struct variant_run *vr, bool check);
/* Creates both log files O_EXCL 0600; leftovers of a start that never came to be are removed first.
 */
int sched_logs(struct variant_run *vr, bool check, struct err *e);

/* Pure: how many more of a race may begin: slots minus live ones that are not queued. */
size_t sched_free(const struct race *r, int parallel);

#endif
