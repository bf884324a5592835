/* sample.h - cpu, memory and live diff columns, only while a client watches. */
#ifndef CONDUCTOR_SAMPLE_H
#define CONDUCTOR_SAMPLE_H

#include "conductor/state.h"

/* Of settle: the timer runs while somebody watches something live. */
void sample_timer(struct conductor *c);
/* Once, now: for one who asks without watching (a status line). */
void sample_all(struct conductor *c);
/* Its state changed: what was sampled may not be true any more. */
void sample_forget(struct variant_run *run);

#endif
