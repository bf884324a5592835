/* draw.h - one frame. */
#ifndef UI_DRAW_H
#define UI_DRAW_H

#include "ui/deck.h"

void draw_frame(struct deck *d);

#endif
