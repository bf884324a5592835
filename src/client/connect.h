/* connect.h - the first byte both ways: find, start or replace the conductor, and say hello.
 * Private to src/client. */
#ifndef CLIENT_CONNECT_H
#define CLIENT_CONNECT_H

#include "base/err.h"
#include "base/sock.h"
#include "model/store.h"

enum { CONNECT_WAIT_MS = 10000, CONNECT_HELLO_MS = 5000 };

/* A connected io whose hello was exchanged; flags as client_connect. 0 or -1. */
int connect_conductor(const struct store *s, int flags, struct line_io *io, struct err *e);
/* Waits until a line is there, at most until `deadline` (CLOCK_MONOTONIC ms). NULL with code
 * "conductor_gone" or "timeout". */
char *connect_read_line(struct line_io *io, int64_t deadline, struct err *e);
/* Writes all that is queued, at most until the deadline. */
int connect_write_all(struct line_io *io, int64_t deadline, struct err *e);

#endif
