/* dialog.h - the promote box. */
#ifndef UI_DIALOG_H
#define UI_DIALOG_H

#include "ui/deck.h"

void dialog_open_promote(struct deck *d, struct item *it);
void dialog_close(struct deck *d);
bool dialog_key(struct deck *d, int32_t key); /* true = it was for the box */
void dialog_draw(struct deck *d);
/* The check did not pass, or tools run something of it by themselves: only Y promotes. */
bool dialog_wants_capital(const struct deck *d);

#endif
