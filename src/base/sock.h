/* sock.h - unix stream sockets in a private directory, without the 107-byte limit: bound and
 * connected through /proc/self/fd/<dirfd>/<name>. */
#ifndef BASE_SOCK_H
#define BASE_SOCK_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Listening socket (non-blocking, CLOEXEC, mode 0600). A name that exists is unlinked first: only
 * the holder of the directory's lock may call this. */
int sock_listen(const char *dir, const char *name, struct err *e);
/* Connected (blocking) socket, or -1 with code "refused" (nothing listens), "not_found", or
 * "busy" (too many wait to be accepted; it never waits itself). */
int sock_connect(const char *dir, const char *name, struct err *e);
int sock_accept(int fd); /* non-blocking, CLOEXEC; -1 = nothing there */
/* uid of the peer (SO_PEERCRED), or (uid_t)-1. */
uid_t sock_peer_uid(int fd);

/* A line buffer over a stream: what was read and not yet taken, and what is to be written. */
struct line_io {
	int fd;
	struct buf in, out;
	size_t max; /* longest line taken; longer = broken peer */
	size_t taken; /* bytes at the front of `in` already handed out by line_io_next */
	size_t scan; /* bytes after them known to hold no newline */
};
void line_io_init(struct line_io *l, int fd, size_t max);
void line_io_release(struct line_io *l); /* closes fd */
/* Reads what is there without blocking (MSG_DONTWAIT): 1 read something, 0 nothing now, -1 end or
 * broken peer (errno; EMSGSIZE = line too long). */
int line_io_fill(struct line_io *l);
/* Next whole line without its newline, NUL-terminated, valid until the next call on l; NULL = none
 * yet. */
char *line_io_next(struct line_io *l);
void line_io_put(struct line_io *l, const char *line, size_t n); /* queues line + '\n' */
/* Writes what it can without blocking: 0, or -1 when the peer is gone. l->out.len > 0 = more to
 * come. */
int line_io_flush(struct line_io *l);

#endif
