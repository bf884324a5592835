/* message.h - news for 4 s, warnings until a key; all are kept for `m`. */
#ifndef UI_MESSAGE_H
#define UI_MESSAGE_H

#include "ui/deck.h"

void message_add(struct deck *d, bool warn, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const struct message *message_shown(const struct deck *d); /* NULL = none now */
void message_key(struct deck *d); /* a key came: what was shown was read */
void message_release(struct deck *d);
void message_draw_all(struct deck *d, struct rect r);

#endif
