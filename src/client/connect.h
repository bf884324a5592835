/* connect.h - the first byte both ways: find, start or replace the conductor, and say hello.
 * Private to src/client.
 *
 * A dial never blocks: connect_step does what can be done now. */
#ifndef CLIENT_CONNECT_H
#define CLIENT_CONNECT_H

#include "base/child.h"
#include "base/err.h"
#include "base/sock.h"
#include "model/store.h"

enum { CONNECT_WAIT_MS = 10000, CONNECT_HELLO_MS = 5000 };

enum connect_state {
	CONNECT_FIND, /* nobody answers yet */
	CONNECT_HELLO, /* connected, its hello has not come */
	CONNECT_LEAVE, /* an older one was asked to end */
};

struct connect {
	const struct store *store;
	bool autostart; /* start one when none listens; else code "no_conductor" */
	enum connect_state state;
	int64_t deadline; /* of all, CLOCK_MONOTONIC ms */
	int64_t answer_due; /* of the present state */
	int64_t start_at; /* earliest time of the next start of a conductor */
	struct child child; /* while `started`: the conductor that was started */
	bool started;
	struct line_io io;
	char *waiting; /* what the conductor's hello said of one before it; NULL = nothing */
};

void connect_begin(struct connect *d, const struct store *s, bool autostart);
/* 1 = d->io is the connection and d->waiting is set (both are the caller's now), 0 = not yet, -1 =
 * never. */
int connect_step(struct connect *d, struct err *e);
/* To be read from before the next step; -1 = only time passes. */
int connect_fd(const struct connect *d);
void connect_release(struct connect *d);

/* Waits until a line is there, at most until `deadline` (CLOCK_MONOTONIC ms). NULL with code
 * "conductor_gone" or "timeout". */
char *connect_read_line(struct line_io *io, int64_t deadline, struct err *e);
/* Writes all that is queued, at most until the deadline. */
int connect_write_all(struct line_io *io, int64_t deadline, struct err *e);

#endif
