/* conn.h - the connection to the conductor: watches all races, reconnects by itself. */
#ifndef UI_CONN_H
#define UI_CONN_H

#include "ui/deck.h"

int conn_open(struct deck *d, struct err *e);
int conn_fd(const struct deck *d); /* to be polled for reading; -1 = nothing */
void conn_pump(struct deck *d); /* reads what is there */
void conn_retry(struct deck *d); /* connects again when it is time */
/* Sends when the conductor is there, else says so and returns false. */
bool conn_send(struct deck *d, struct json *take_request, client_fn fn);

#endif
