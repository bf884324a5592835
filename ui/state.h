/* state.h - the variants of the shown race and where the deck stands: which items there are, their
 * order, the selection, what is new, the stack of screens. */
#ifndef UI_STATE_H
#define UI_STATE_H

#include "ui/deck.h"

void state_sync(struct deck *d); /* after rows changed */
void state_release(struct deck *d);
void state_open_race(struct deck *d, int race);
void state_order(struct deck *d, bool now);
void state_key(struct deck *d); /* a key came: nothing is new any more */
struct item *state_selected(struct deck *d); /* NULL = there is none */
struct item *state_item(struct deck *d, int number); /* NULL = not in this race */
void state_move(struct deck *d, int by); /* in display order */
bool state_select(struct deck *d, int number);
const struct race_info *state_race(struct deck *d);
bool state_ticks(struct deck *d); /* a live row's time runs */
void state_tick(struct deck *d);
/* Nobody can say now whether what was live still is: the engine or the conductor is away. */
bool state_uncertain(const struct deck *d);

#endif
