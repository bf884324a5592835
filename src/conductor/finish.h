/* finish.h - what follows from the end of a variant, and of the last one of a race. */
#ifndef CONDUCTOR_FINISH_H
#define CONDUCTOR_FINISH_H

#include "conductor/state.h"

/* Of settle: frees what the engine keeps, archives what was to be, says that the race is over. */
void finish_turn(struct race_run *r);

#endif
