/* connect.c - find, start or replace the conductor, and say hello.
 *
 * The race between two clients that both find nobody is decided by the conductor's lock, not here:
 * the loser's conductor ends, and both clients find the winner's socket when they try again. */
#include "client/connect.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/autostart.h"
#include "client/client.h"

enum { RETRY_MS = 10 };

static int wait_fd(int fd, short events, int64_t deadline, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = deadline - clock_mono_ms();
	int rc;

	if (left <= 0)
		return err_set(e, "timeout",
			"The conductor does not answer; what runs goes on. Try again, or look at conductor.log.");
	rc = poll(&p, 1, (int)left);
	if (rc < 0 && errno != EINTR)
		return err_sys(e, "internal", "poll failed");
	return 0;
}

char *connect_read_line(struct line_io *io, int64_t deadline, struct err *e)
{
	for (;;) {
		char *line = line_io_next(io);
		int rc;

		if (line)
			return line;
		rc = line_io_fill(io);
		if (rc < 0) {
			err_set(e, "conductor_gone",
				"The conductor ended the connection; what runs goes on. Try again: a new one starts by itself.");
			return NULL;
		}
		if (rc == 0 && wait_fd(io->fd, POLLIN, deadline, e) < 0)
			return NULL;
	}
}

int connect_write_all(struct line_io *io, int64_t deadline, struct err *e)
{
	while (io->out.len > 0) {
		if (line_io_flush(io) < 0)
			return err_set(e, "conductor_gone",
				"The conductor ended the connection; what runs goes on. Try again: a new one starts by itself.");
		if (io->out.len > 0 && wait_fd(io->fd, POLLOUT, deadline, e) < 0)
			return -1;
	}
	return 0;
}

/* "0.2.10" is older than "0.3.0"; what is not three numbers is not known to be older. */
static bool version_older(const char *a, const char *b)
{
	unsigned x[3], y[3];

	if (sscanf(a, "%u.%u.%u", &x[0], &x[1], &x[2]) != 3 ||
		sscanf(b, "%u.%u.%u", &y[0], &y[1], &y[2]) != 3)
		return false;
	for (int i = 0; i < 3; i++)
		if (x[i] != y[i])
			return x[i] < y[i];
	return false;
}

/* 0 = we understand each other, 1 = it is older and must be replaced, -1 = error. */
static int say_hello(struct line_io *io, struct err *e)
{
	int64_t deadline = clock_mono_ms() + CONNECT_HELLO_MS;
	struct buf hello = BUF_INIT;
	char *version = NULL, *line;
	int proto = 0, rc = -1;

	proto_hello(&hello);
	buf_trim(&hello);
	line_io_put(io, hello.p, hello.len);
	buf_release(&hello);
	if (connect_write_all(io, deadline, e) < 0)
		return -1;
	line = connect_read_line(io, deadline, e);
	if (!line)
		return -1;
	if (proto_check_hello(line, &proto, &version, e) == 0)
		rc = version_older(version, YOLODECK_VERSION);
	else if (version && proto < PROTO_VERSION)
		rc = 1;
	else if (version && proto > PROTO_VERSION)
		err_set(e, "newer_conductor",
			"The conductor is yolodeck %s, this is %s: use the newer yolodeck, or end the conductor with its `shutdown` (variants go on).",
			version, YOLODECK_VERSION);
	free(version);
	return rc;
}

/* shutdown never changes between versions; the end of the connection says that it went. */
static void ask_shutdown(struct line_io *io)
{
	static const char line[] = "{\"id\":1,\"op\":\"shutdown\"}";
	int64_t deadline = clock_mono_ms() + CONNECT_HELLO_MS;
	struct err ignored = ERR_INIT;

	line_io_put(io, line, sizeof line - 1);
	if (connect_write_all(io, deadline, &ignored) < 0)
		return;
	while (connect_read_line(io, deadline, &ignored))
		;
}

static int started_in_vain(const struct store *s, int code, struct err *e)
{
	struct buf words = BUF_INIT;

	autostart_last_words(s, &words);
	err_set(e, "no_conductor",
		"The conductor ended at once (exit %d)%s%s. Its log is %s/conductor.log.", code,
		words.len ? ": " : "", words.p, s->dir);
	buf_release(&words);
	return -1;
}

struct attempt {
	struct child child;
	bool started, over;
	int code;
};

/* Starts one conductor, and notices when it ended. An end with code 0 means another one holds the
 * lock. */
static int keep_starting(const struct store *s, struct attempt *a, struct err *e)
{
	if (a->started && !a->over && child_reap(&a->child, &a->code) == 1)
		a->over = true;
	if (a->started && a->over && a->code != 0)
		return started_in_vain(s, a->code, e);
	if (!a->started || a->over) {
		memset(a, 0, sizeof *a);
		if (autostart_conductor(s, &a->child, e) < 0)
			return -1;
		a->started = true;
	}
	return 0;
}

static int one_try(
	const struct store *s, int flags, struct line_io *io, struct attempt *a, struct err *e)
{
	int fd = sock_connect(s->dir, "sock", e);
	int rc;

	if (fd < 0) {
		if (strcmp(e->code, "refused") && strcmp(e->code, "not_found"))
			return -1;
		if (!(flags & CLIENT_AUTOSTART))
			return err_set(e, "no_conductor",
				"No conductor runs for this repository; nothing is live.");
		return keep_starting(s, a, e) < 0 ? -1 : 1;
	}
	line_io_init(io, fd, PROTO_MAX_ANSWER);
	rc = say_hello(io, e);
	if (rc == 0)
		return 0;
	if (rc == 1)
		ask_shutdown(io);
	line_io_release(io);
	/* One that is just ending may accept and hang up: that is worth another try. */
	return rc == 1 || !strcmp(e->code, "conductor_gone") ? 1 : -1;
}

int connect_conductor(const struct store *s, int flags, struct line_io *io, struct err *e)
{
	int64_t deadline = clock_mono_ms() + CONNECT_WAIT_MS;
	struct attempt a = { .started = false };
	int rc;

	while ((rc = one_try(s, flags, io, &a, e)) == 1) {
		if (clock_mono_ms() >= deadline) {
			rc = err_set(e, "no_conductor",
				"The conductor did not come up within %d s. Its log is %s/conductor.log.",
				CONNECT_WAIT_MS / 1000, s->dir);
			break;
		}
		poll(NULL, 0, RETRY_MS);
	}
	if (a.started && !a.over)
		(void)child_reap(&a.child, &a.code);
	if (rc == 0)
		err_clear(e);
	return rc;
}
