/* save.h - after the command: the full snapshot, the branch, the check, the end. */
#ifndef CONDUCTOR_SAVE_H
#define CONDUCTOR_SAVE_H

#include "conductor/state.h"

/* State is saving: posts the job. vr->has_end tells how the command ended (else from its log). */
void save_begin(struct variant_run *vr);
/* State is checking: creates the logs and starts the second container. */
void save_check(struct variant_run *vr);
void save_check_ended(struct variant_run *vr, const struct engine_end *end);
/* Removes the *.lock files in a directory of refs that only we write. Call when nobody of ours can
 * be at work in it. */
void save_clear_locks(const char *dir);
/* Pure: is the work of a command that ended so worth a check, and does it count as passed without
 * one. */
bool save_may_check(const struct engine_end *end);
bool save_passed(const struct engine_end *end);

#endif
