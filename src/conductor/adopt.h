/* adopt.h - the start: the journal's open intents, what was live, what was left over. */
#ifndef CONDUCTOR_ADOPT_H
#define CONDUCTOR_ADOPT_H

#include "conductor/state.h"

/* Opens and replays the journal, loads the races. Blocking; before the loop runs. */
int adopt_load(struct conductor *c, struct err *e);
/* Takes up everything: repair first, then live variants, then the queue. */
void adopt_all(struct conductor *c);
/* The live variants of one race, once its engine is there. */
void adopt_race(struct race_run *r);

#endif
