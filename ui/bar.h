/* bar.h - header, footer, and the band that says the engine is away. */
#ifndef UI_BAR_H
#define UI_BAR_H

#include "ui/deck.h"

void bar_header(struct deck *d);
void bar_zoom_header(struct deck *d, struct item *it);
void bar_footer(struct deck *d);
int bar_away_height(const struct deck *d); /* 0 = the engine answers */
void bar_away(struct deck *d, struct rect r);

#endif
