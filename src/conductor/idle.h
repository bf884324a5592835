/* idle.h - when the conductor ends by itself: nothing live, nobody connected, nothing under way,
 * for 60 s (YOLODECK_IDLE_MS). */
#ifndef CONDUCTOR_IDLE_H
#define CONDUCTOR_IDLE_H

#include "conductor/state.h"

/* Looks again: starts or cancels the one timer. Call after anything that may have ended. */
void idle_check(struct conductor *c);

#endif
