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
#include "model/proto.h"

enum { START_MS = 100 };

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

static int never_started(const struct store *s, int code, struct err *e)
{
	struct buf words = BUF_INIT;

	autostart_last_words(s, &words);
	err_set(e, "no_conductor",
		"The conductor ended at once (exit %d)%s%s. Its log is %s/conductor.log.", code,
		words.len ? ": " : "", words.p, s->dir);
	buf_release(&words);
	return -1;
}

/* Nobody listens: a conductor is started. One that ended with code 0 found that another one holds
 * the lock; that one is given a moment to listen. */
static int start(struct connect *d, struct err *e)
{
	int code = 0;

	if (!d->autostart)
		return err_set(e, "no_conductor",
			"No conductor runs for this repository; nothing is live.");
	if (d->started && child_reap(&d->child, &code) == 1) {
		d->started = false;
		if (code)
			return never_started(d->store, code, e);
	}
	if (d->started || clock_mono_ms() < d->start_at)
		return 0;
	memset(&d->child, 0, sizeof d->child);
	if (autostart_conductor(d->store, &d->child, e) < 0)
		return -1;
	d->started = true;
	d->start_at = clock_mono_ms() + START_MS;
	return 0;
}

static void hang_up(struct connect *d)
{
	if (d->state != CONNECT_FIND)
		line_io_release(&d->io);
	d->state = CONNECT_FIND;
}

static void say(struct connect *d, enum connect_state next, const char *line, size_t n)
{
	line_io_put(&d->io, line, n);
	(void)line_io_flush(&d->io); /* a line fits; a peer that is gone shows when it is read */
	d->state = next;
	d->answer_due = clock_mono_ms() + CONNECT_HELLO_MS;
}

static int find(struct connect *d, struct err *e)
{
	struct buf hello = BUF_INIT;
	int fd = sock_connect(d->store->dir, "sock", e);

	if (fd < 0 && (!strcmp(e->code, "refused") || !strcmp(e->code, "not_found")))
		return start(d, e);
	if (fd < 0)
		return strcmp(e->code, "busy") ? -1 : 0;
	line_io_init(&d->io, fd, PROTO_MAX_ANSWER);
	proto_hello(&hello);
	buf_trim(&hello);
	say(d, CONNECT_HELLO, hello.p, hello.len);
	buf_release(&hello);
	return 0;
}

/* 1 = we understand each other, 0 = it is older and was asked to end, -1 = error. shutdown never
 * changes between versions; the end of the connection says that it went. */
static int take_hello(struct connect *d, const char *line, struct err *e)
{
	static const char shutdown[] = "{\"id\":1,\"op\":\"shutdown\"}";
	char *version = NULL;
	int proto = 0, rc = -1;

	if (!proto_check_hello(line, &proto, &version, e))
		rc = !version_older(version, YOLODECK_VERSION);
	else if (version && proto < PROTO_VERSION)
		rc = 0;
	else if (version && proto > PROTO_VERSION)
		err_set(e, "newer_conductor",
			"The conductor is yolodeck %s, this is %s: use the newer yolodeck, or end the conductor with its `shutdown` (variants go on).",
			version, YOLODECK_VERSION);
	if (rc == 1)
		d->waiting = proto_hello_waiting(line);
	else if (rc == 0)
		say(d, CONNECT_LEAVE, shutdown, sizeof shutdown - 1);
	free(version);
	return rc;
}

static int listen_to(struct connect *d, struct err *e)
{
	char *line = line_io_next(&d->io);
	int rc = line ? 1 : line_io_fill(&d->io);

	if (!line && rc > 0)
		line = line_io_next(&d->io);
	if (line && d->state == CONNECT_HELLO)
		return take_hello(d, line, e);
	if (rc < 0) { /* it ended, or is just ending: look for the next one */
		hang_up(d);
		return 0;
	}
	if (clock_mono_ms() < d->answer_due)
		return 0;
	if (d->state == CONNECT_LEAVE) {
		hang_up(d);
		return 0;
	}
	return err_set(e, "timeout",
		"The conductor does not answer; what runs goes on. Try again, or look at conductor.log.");
}

void connect_begin(struct connect *d, const struct store *s, bool autostart)
{
	memset(d, 0, sizeof *d);
	d->store = s;
	d->autostart = autostart;
	d->deadline = clock_mono_ms() + CONNECT_WAIT_MS;
}

int connect_step(struct connect *d, struct err *e)
{
	int rc = d->state == CONNECT_FIND ? find(d, e) : listen_to(d, e);

	if (rc == 1) {
		err_clear(e);
		d->state = CONNECT_FIND; /* io is the caller's */
	} else if (rc == 0 && clock_mono_ms() >= d->deadline) {
		rc = err_set(e, "no_conductor",
			"The conductor did not come up within %d s. Its log is %s/conductor.log.",
			CONNECT_WAIT_MS / 1000, d->store->dir);
	}
	return rc;
}

int connect_fd(const struct connect *d)
{
	return d->state == CONNECT_FIND ? -1 : d->io.fd;
}

void connect_release(struct connect *d)
{
	int code;

	hang_up(d);
	if (d->started)
		(void)child_reap(&d->child, &code);
}
