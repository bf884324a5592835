/* prompt.h - questions and commands on the bottom line. */
#ifndef UI_PROMPT_H
#define UI_PROMPT_H

#include "ui/deck.h"

/* Asks; on yes d->prompt.yes gets the request. What was typed before it is seen is dropped. */
void prompt_ask(struct deck *d, enum prompt_kind kind, struct json *take_request, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
void prompt_command(struct deck *d); /* `:` */
void prompt_close(struct deck *d);
bool prompt_key(struct deck *d, int32_t key); /* true = it was for the prompt */
int prompt_height(const struct deck *d, int w);
void prompt_draw(struct deck *d);

#endif
