/* task.h - what an engine needs for one container of a variant. */
#ifndef CONDUCTOR_TASK_H
#define CONDUCTOR_TASK_H

#include "conductor/state.h"

/* Fills run->ct[which].task from spec and race; which = COMMAND or CHECK. */
void task_make(struct variant_run *run, int which);
/* Creates both log files O_EXCL 0600; leftovers of a start that never came to be are removed first.
 */
int task_logs(struct variant_run *run, int which, struct err *e);
/* The read-only mounts a race asks for, "~" resolved: absolute paths, added to out. Refused with a
 * sentence: a relative one, and what host_check_mounts refuses. */
int task_mounts(
	const struct conductor *c, const struct strv *asked, struct strv *out, struct err *e);

#endif
