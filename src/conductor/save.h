/* save.h - after the command: the full snapshot, the branch, the check, the end. */
#ifndef CONDUCTOR_SAVE_H
#define CONDUCTOR_SAVE_H

#include "conductor/state.h"

/* Of settle: follows the end of a check, posts the jobs of those in saving, starts the second
 * container of those in checking. */
void save_turn(struct race_run *r);
/* Removes the *.lock files in a directory of refs that only we write. Call when nobody of ours can
 * be at work in it. */
void save_clear_locks(const char *dir);
/* Pure: is the work of a command that ended so worth a check, and does it count as passed without
 * one. */
bool save_may_check(const struct engine_end *end);
bool save_passed(const struct engine_end *end);

#endif
