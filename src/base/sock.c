/* sock.c - unix stream sockets through a directory descriptor, and line buffers over them. */
#include "base/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

enum { BACKLOG = 64, READ_CHUNK = 16384, FILL_MAX = 1 << 20 };

static int open_dir(const char *dir, const char *name, struct sockaddr_un *a, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, errno == ENOENT ? "not_found" : "socket", "cannot open %s", dir);
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	if (snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d/%s", fd, name) >=
		(int)sizeof a->sun_path)
		bug("socket name %s is too long", name);
	return fd;
}

int sock_listen(const char *dir, const char *name, struct err *e)
{
	struct sockaddr_un a;
	int dirfd = open_dir(dir, name, &a, e), fd, rc;

	if (dirfd < 0)
		return -1;
	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT) {
		err_sys(e, "socket", "cannot remove the old %s/%s", dir, name);
		close(dirfd);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err_sys(e, "socket", "cannot make a socket");
		close(dirfd);
		return -1;
	}
	/* Linux gives the file the mode of the unbound socket: no umask, which all threads share.
	 */
	rc = fchmod(fd, 0600);
	if (rc == 0)
		rc = bind(fd, (struct sockaddr *)&a, sizeof a);
	if (rc == 0)
		rc = listen(fd, BACKLOG);
	if (rc < 0) {
		err_sys(e, "socket", "cannot listen on %s/%s", dir, name);
		close(fd);
		fd = -1;
	}
	close(dirfd);
	return fd;
}

static int connect_retry(int fd, const struct sockaddr_un *a)
{
	int rc;

	do
		rc = connect(fd, (const struct sockaddr *)a, sizeof *a);
	while (rc < 0 && errno == EINTR);
	return rc;
}

int sock_connect(const char *dir, const char *name, struct err *e)
{
	struct sockaddr_un a;
	int dirfd = open_dir(dir, name, &a, e), fd;

	if (dirfd < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		err_sys(e, "socket", "cannot make a socket");
	} else if (connect_retry(fd, &a) < 0) {
		const char *code = errno == ECONNREFUSED ? "refused" : "socket";

		if (errno == ENOENT)
			code = "not_found";
		else if (errno == EAGAIN)
			code = "busy";
		err_sys(e, code, "cannot connect to %s/%s", dir, name);
		close(fd);
		fd = -1;
	} else {
		fcntl(fd, F_SETFL, 0);
	}
	close(dirfd);
	return fd;
}

int sock_accept(int fd)
{
	int c;

	do
		c = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (c < 0 && (errno == EINTR || errno == ECONNABORTED));
	return c;
}

uid_t sock_peer_uid(int fd)
{
	struct ucred u;
	socklen_t n = sizeof u;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &n) < 0)
		return (uid_t)-1;
	return u.uid;
}

void line_io_init(struct line_io *l, int fd, size_t max)
{
	l->fd = fd;
	buf_init(&l->in);
	buf_init(&l->out);
	l->max = max;
	l->scan = 0;
	l->taken = 0;
}

void line_io_release(struct line_io *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	buf_release(&l->in);
	buf_release(&l->out);
}

/* The line handed out last is dropped only now: it was promised to stay valid until the next call.
 */
static void drop_taken(struct line_io *l)
{
	buf_drop(&l->in, l->taken);
	l->taken = 0;
}

static bool line_too_long(const struct line_io *l)
{
	return l->in.len - l->taken > l->max && !memchr(l->in.p + l->taken, '\n', l->max + 1);
}

int line_io_fill(struct line_io *l)
{
	size_t got = 0;

	drop_taken(l);
	if (line_too_long(l)) {
		errno = EMSGSIZE;
		return -1;
	}
	while (got < FILL_MAX) {
		ssize_t n;

		buf_reserve(&l->in, READ_CHUNK);
		n = recv(l->fd, l->in.p + l->in.len, READ_CHUNK, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return got > 0;
		if (n <= 0) {
			/* What came before the end is still to be taken; the end shows itself
			 * again. */
			if (n == 0)
				errno = 0;
			return got > 0 ? 1 : -1;
		}
		got += (size_t)n;
		l->in.len += (size_t)n;
		l->in.p[l->in.len] = 0;
		if (line_too_long(l)) {
			errno = EMSGSIZE;
			return -1;
		}
	}
	return 1;
}

char *line_io_next(struct line_io *l)
{
	char *start, *nl;

	start = l->in.p + l->taken;
	nl = memchr(start + l->scan, '\n', l->in.len - l->taken - l->scan);
	if (nl && (size_t)(nl - start) > l->max)
		return NULL; /* the next fill says so */
	if (!nl) {
		drop_taken(l);
		l->scan = l->in.len;
		return NULL;
	}
	*nl = 0;
	l->taken += (size_t)(nl - start) + 1;
	l->scan = 0;
	return start;
}

void line_io_put(struct line_io *l, const char *line, size_t n)
{
	buf_reserve(&l->out, n + 1);
	buf_add(&l->out, line, n);
	buf_char(&l->out, '\n');
}

int line_io_flush(struct line_io *l)
{
	size_t done = 0;
	int rc = 0;

	while (done < l->out.len) {
		ssize_t n = send(
			l->fd, l->out.p + done, l->out.len - done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		rc = errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
		break;
	}
	buf_drop(&l->out, done);
	return rc;
}
