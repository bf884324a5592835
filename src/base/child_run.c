/* child_run.c - a program run to its end, with input and both outputs in memory. */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	DEFAULT_TIMEOUT_MS = 60000,
	ORPHAN_MS = 200, /* how long a grandchild may hold the pipes after the program ended */
	CHUNK = 65536,
};

enum { IN, OUT, ERR, NPIPE };

struct run {
	struct child c;
	int fd[NPIPE]; /* our ends, -1 = closed */
	int theirs[NPIPE]; /* the child's ends */
	const char *in;
	size_t nin, cap;
	struct child_result *r;
	bool ended;
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int make_pipe(struct run *run, int which)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	run->fd[which] = which == IN ? p[1] : p[0];
	run->theirs[which] = which == IN ? p[0] : p[1];
	return fcntl(run->fd[which], F_SETFL, O_NONBLOCK);
}

static void feed_input(struct run *run)
{
	ssize_t n = write(run->fd[IN], run->in, run->nin);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		run->in += n;
		run->nin -= (size_t)n;
	}
	if (n < 0 || run->nin == 0)
		close_end(&run->fd[IN]); /* EPIPE: it did not want to read all */
}

static void collect_output(struct run *run, int which, struct buf *b)
{
	char chunk[CHUNK];
	ssize_t n = read(run->fd[which], chunk, sizeof chunk);
	size_t keep;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_end(&run->fd[which]);
		return;
	}
	keep = run->cap - b->len;
	if (keep > (size_t)n)
		keep = (size_t)n;
	if (keep < (size_t)n)
		run->r->truncated = true;
	buf_add(b, chunk, keep);
}

static void poll_once(struct run *run, int wait_ms)
{
	struct pollfd p[NPIPE + 1];

	for (int i = 0; i < NPIPE; i++)
		p[i] = (struct pollfd){ .fd = run->fd[i], .events = i == IN ? POLLOUT : POLLIN };
	p[NPIPE] = (struct pollfd){ .fd = run->ended ? -1 : run->c.pidfd, .events = POLLIN };
	if (poll(p, NPIPE + 1, wait_ms) <= 0)
		return;
	if (p[IN].revents)
		feed_input(run);
	if (p[OUT].revents)
		collect_output(run, OUT, &run->r->out);
	if (p[ERR].revents)
		collect_output(run, ERR, &run->r->err);
	if (p[NPIPE].revents && child_reap(&run->c, &run->r->code) == 1)
		run->ended = true;
}

/* 0 = ended, 1 = time is over. */
static int pump(struct run *run, int timeout_ms)
{
	int64_t deadline = clock_mono_ms() + timeout_ms, orphans = 0;

	while (!run->ended || run->fd[OUT] >= 0 || run->fd[ERR] >= 0) {
		int64_t now = clock_mono_ms(), left = timeout_ms < 0 ? ORPHAN_MS : deadline - now;

		if (run->ended) {
			close_end(&run->fd[IN]);
			if (!orphans)
				orphans = now + ORPHAN_MS;
			left = orphans - now;
			if (left <= 0)
				return 0;
		} else if (left <= 0) {
			return 1;
		}
		poll_once(run, timeout_ms < 0 && !run->ended ? -1 : (int)left);
	}
	return 0;
}

/* The whole group: what the program started must not outlive the call. */
static void end_group(struct run *run)
{
	int code;

	kill(-run->c.id.pid, SIGKILL); /* not yet waited for: the group is still this one */
	child_kill(&run->c, SIGKILL);
	child_wait(&run->c, -1, &code);
}

static int run_pipes(struct run *run, const struct child_spec *s, int timeout_ms, struct err *e)
{
	struct child_spec spec = *s;

	if ((run->in && make_pipe(run, IN) < 0) || make_pipe(run, OUT) < 0 ||
		make_pipe(run, ERR) < 0)
		return err_sys(e, "start", "cannot make a pipe for %s", s->argv[0]);
	spec.in = run->in ? run->theirs[IN] : CHILD_NULL;
	spec.out = run->theirs[OUT];
	spec.err = run->theirs[ERR];
	spec.new_group = !spec.new_session;
	if (child_start(&run->c, &spec, e) < 0)
		return -1;
	for (int i = 0; i < NPIPE; i++)
		close_end(&run->theirs[i]);
	if (run->in && run->nin == 0)
		close_end(&run->fd[IN]);
	if (pump(run, timeout_ms) == 0)
		return 0;
	end_group(run);
	run->r->code = -1;
	return err_set(e, "timeout", "%s did not end within %d.%d s and was stopped", s->argv[0],
		timeout_ms / 1000, timeout_ms % 1000 / 100);
}

/* A pipe has no MSG_NOSIGNAL: SIGPIPE is held back in this thread, and one that we caused is taken
 * away again. */
static int run_without_sigpipe(
	struct run *run, const struct child_spec *s, int timeout_ms, struct err *e)
{
	static const struct timespec now = { 0, 0 };
	sigset_t pipe_set, old, pending;
	bool was_pending;
	int rc;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
	rc = run_pipes(run, s, timeout_ms, e);
	if (!was_pending)
		while (sigtimedwait(&pipe_set, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int child_run(const struct child_spec *s, const void *in, size_t nin, size_t cap, int timeout_ms,
	struct child_result *r, struct err *e)
{
	struct run run = { .fd = { -1, -1, -1 }, .theirs = { -1, -1, -1 } };
	int rc;

	run.in = in;
	run.nin = nin;
	run.cap = cap;
	run.r = r;
	memset(r, 0, sizeof *r);
	buf_init(&r->out);
	buf_init(&r->err);
	rc = run_without_sigpipe(&run, s, timeout_ms ? timeout_ms : DEFAULT_TIMEOUT_MS, e);
	for (int i = 0; i < NPIPE; i++) {
		close_end(&run.fd[i]);
		close_end(&run.theirs[i]);
	}
	return rc;
}

void child_result_release(struct child_result *r)
{
	buf_release(&r->out);
	buf_release(&r->err);
}
