/* pane_help.h - the page of keys. */
#ifndef UI_PANE_HELP_H
#define UI_PANE_HELP_H

#include "ui/deck.h"

void pane_help_draw(struct deck *d);

#endif
