/* session.h - the clients: who they are, what they asked, what they still have to hear.
 *
 * A session remembers the rev up to which it was told. So a slow client costs nothing: while its
 * socket is full nothing is added for it, and when it reads again it gets every changed row once,
 * as it is now. At most 20 flushes a second. */
#ifndef CONDUCTOR_SESSION_H
#define CONDUCTOR_SESSION_H

#include "base/sock.h"
#include "conductor/state.h"

enum {
	SESSION_MAX = 32,
	SESSION_HELLO_MS = 5000,
	SESSION_FLUSH_MS = 50,
	SESSION_OUT_MAX = PROTO_MAX_ANSWER, /* answers not read by then: the client is broken */
};

struct session {
	struct conductor *c;
	struct session *next;
	uint64_t id;
	struct line_io io;
	struct loop_fd *w;
	struct loop_timer *hello_timer;
	bool hello; /* its first line was right */
	bool limited; /* of another protocol: only shutdown is taken */
	bool dead; /* to be freed after the present callback */
	bool watching;
	int from; /* watched races: this number and later ones */
	uint64_t seen; /* rev it was told up to */
};

/* To whom an answer goes; the session may be gone by then. */
struct reply {
	struct conductor *c;
	uint64_t session;
	int64_t id;
};

void session_accept(struct conductor *c); /* all that wait at the listening socket */
void session_close_all(struct conductor *c);
/* c->waiting is over: what clients asked meanwhile is answered. */
void session_resume(struct conductor *c);
/* Of settle: frees those that ended (nowhere else, so that no callback finds itself freed), and
 * sees to it that whoever watches hears soon of what changed. */
void session_reap(struct conductor *c);
void session_publish(struct conductor *c);
struct session *session_find(const struct conductor *c, uint64_t id);
/* `watch` came: counts it among the watchers and begins at the present rev. */
void session_watch(struct session *s, int from);

void reply_ok(const struct reply *r, struct json *take_ok);
void reply_err(const struct reply *r, const struct err *e);
bool reply_wanted(const struct reply *r); /* its client is still there */

/* Pure: how long to wait with the next flush. */
int64_t session_flush_delay(int64_t now_ms, int64_t flushed_ms);

#endif
