/* disk.h - limits.disk: what a variant takes is measured, and one that takes too much is stopped.
 */
#ifndef CONDUCTOR_DISK_H
#define CONDUCTOR_DISK_H

#include "conductor/state.h"

/* Of settle: the timer runs while a live variant has such a limit. */
void disk_timer(struct conductor *c);

#endif
