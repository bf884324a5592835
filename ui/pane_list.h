/* pane_list.h - the deck without a race, and the list of all races. */
#ifndef UI_PANE_LIST_H
#define UI_PANE_LIST_H

#include "ui/deck.h"

void pane_list_draw_empty(struct deck *d, struct rect r);
void pane_list_draw_races(struct deck *d, struct rect r);

#endif
