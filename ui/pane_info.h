/* pane_info.h - everything known of one variant. */
#ifndef UI_PANE_INFO_H
#define UI_PANE_INFO_H

#include "ui/deck.h"

void pane_info_draw(struct deck *d, struct item *it, struct rect r);

#endif
