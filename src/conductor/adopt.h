/* adopt.h - the start: the journal's open intents, what was live, what was left over. */
#ifndef CONDUCTOR_ADOPT_H
#define CONDUCTOR_ADOPT_H

#include "conductor/state.h"

/* Opens and replays the journal, loads the races. Blocking; before the loop runs. */
int adopt_load(struct conductor *c, struct err *e);
/* Posts the repair, and marks what is to be taken up. */
void adopt_all(struct conductor *c);
/* Of settle: takes up what was live at the start, once the race's engine is there. */
void adopt_turn(struct race_run *r);

#endif
