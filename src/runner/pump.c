/* pump.c - moves the command's output into the log while it obeys signals and time limits.
 *
 * Output is always read, also when it can no longer be kept: a command never blocks because of its
 * log. A program that writes line by line would wake us for every line; so after a small read of a
 * stream that is alone we look away for a millisecond (the pipe holds that easily), which costs a
 * tenth. When both streams are busy we do not, to keep their lines near their order. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "runner/run.h"

enum { PIPE_BYTES = 256 * 1024, SMALL_READ = 16 * 1024, REST_NS = 1000000, ALONE_NS = 50000000 };

static char bytes[PIPE_BYTES];
static int64_t pending_since; /* first output without a record; 0 = none */
static int64_t other_at, small_at; /* last change of stream, last small read */
static int last_stream = -1;

int64_t run_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int pump_open(struct run *r)
{
	sigset_t all;

	for (int i = 0; i < 2; i++) {
		int p[2];
		if (pipe2(p, O_CLOEXEC) < 0)
			return -1;
		if (fcntl(p[0], F_SETPIPE_SZ, PIPE_BYTES) < 0)
			errno = 0; /* the user's share of pipe memory is used up: the default does,
				      slower */
		if (fcntl(p[0], F_SETFL, O_NONBLOCK) < 0)
			return -1;
		r->in[i] = p[0];
		r->out[i] = p[1];
	}
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return -1;
	r->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signals < 0 ? -1 : 0;
}

void pump_close_writers(struct run *r)
{
	for (int i = 0; i < 2; i++) {
		close(r->out[i]);
		r->out[i] = -1;
	}
}

/* One read of stream i: bytes, 0 = nothing now, -1 = closed. */
static ssize_t take(struct run *r, int i)
{
	ssize_t n = read(r->in[i], bytes, sizeof bytes);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close(r->in[i]);
		r->in[i] = -1;
		return -1;
	}
	int64_t now = run_now();
	if (last_stream != i) {
		other_at = last_stream < 0 ? 0 : now;
		last_stream = i;
	}
	if (n < SMALL_READ)
		small_at = now;
	if (!pending_since)
		pending_since = now;
	runlog_output(&r->w, i ? RUNLOG_STDERR : RUNLOG_STDOUT, bytes, (size_t)n);
	return n;
}

static void send_term(struct run *r, int64_t now)
{
	spawn_send_term(r);
	if (!r->kill_at)
		r->kill_at = now + r->o.grace_ms * 1000000;
}

static void stop(struct run *r)
{
	if (r->stopped || r->dead)
		return;
	r->stopped = true;
	runlog_note(&r->w, RUNLOG_NOTE_STOP, 0);
	send_term(r, run_now());
}

/* As pid 1 we see the pids of those inside only: a command of our own uid could claim that it was
 * stopped. */
static bool from_inside(const struct signalfd_siginfo *si)
{
	return getpid() == 1 && si->ssi_signo != SIGCHLD && si->ssi_pid != 0;
}

static void take_signals(struct run *r)
{
	struct signalfd_siginfo si;

	while (read(r->signals, &si, sizeof si) == sizeof si) {
		if (from_inside(&si))
			continue;
		switch (si.ssi_signo) {
		case SIGCHLD:
			spawn_reap(r);
			break;
		case SIGTERM:
		case SIGINT:
		case SIGHUP:
		case SIGQUIT:
			stop(r);
			break;
		}
	}
}

static void obey_limits(struct run *r, int64_t now)
{
	if (r->limit_at && now >= r->limit_at && !r->dead) {
		r->limit_at = 0;
		if (!r->stopped) {
			r->timed_out = true;
			runlog_note(&r->w, RUNLOG_NOTE_TIME, (uint64_t)r->o.time_ms);
			send_term(r, now);
		}
	}
	if (r->kill_at && now >= r->kill_at && !r->dead && !r->killed) {
		r->killed = true;
		runlog_note(&r->w, RUNLOG_NOTE_KILL, 0);
		spawn_kill(r);
	}
}

/* What a guarded log has to poll: limits, and the request to stop. */
static void tick(struct run *r, int64_t now, bool notified)
{
	if (!r->look_at || (now < r->look_at && !notified))
		return;
	if (!r->stopped && guarded_log_stop_asked(r))
		stop(r);
	if (now < r->look_at)
		return;
	watch_limits(r);
	/* from the end of the measurement on: many processes take long to count, and that must not
	 * become all we do */
	r->look_at = run_now() + RUN_TICK_NS;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static void flush_due(struct run *r, int64_t now)
{
	if (pending_since && now - pending_since >= RUN_FLUSH_NS) {
		runlog_flush(&r->w);
		pending_since = 0;
	}
}

/* A command of our own uid may have taken our descriptor limit away (prlimit), and then nothing can
 * be waited for any more; the time limit must hold all the same. */
static bool look_blindly(struct run *r)
{
	struct timespec ms = { 0, 1000000 };

	if (errno == EINTR)
		return false;
	nanosleep(&ms, NULL);
	spawn_reap(r);
	return true;
}

/* Waits for output, a signal or the next time at which something is due; takes what came. until:
 * another such time, or 0. Returns bytes taken. */
static size_t turn(struct run *r, int64_t until)
{
	int64_t now = run_now(), rest = 0, due = until;
	size_t got = 0;

	if (!r->dead && small_at && now - small_at < REST_NS && now - other_at > ALONE_NS)
		rest = small_at + REST_NS;
	due = sooner(due, rest);
	due = sooner(due, pending_since ? pending_since + RUN_FLUSH_NS : 0);
	if (!r->dead) {
		due = sooner(due, r->limit_at);
		due = sooner(due, r->killed ? 0 : r->kill_at);
		due = sooner(due, r->look_at);
	}
	int64_t wait = due > now ? due - now : 0;
	struct timespec t = { wait / 1000000000, wait % 1000000000 };
	struct pollfd f[6] = {
		{ r->signals, POLLIN, 0 },
		{ rest ? -1 : r->in[0], POLLIN, 0 },
		{ rest ? -1 : r->in[1], POLLIN, 0 },
		{ r->dead ? -1 : r->notify, POLLIN, 0 },
		{ frames_wait(r) ? 1 : -1, POLLOUT, 0 },
		{ r->dead || r->stopped ? -1 : r->stop_socket, POLLIN, 0 },
	};
	int ready = ppoll(f, 6, due ? &t : NULL, NULL);
	bool blind = ready < 0 && look_blindly(r);
	if (ready > 0 || blind) {
		for (int i = 0; i < 2; i++) {
			ssize_t n =
				f[i + 1].fd >= 0 && (blind || f[i + 1].revents) ? take(r, i) : 0;
			got += n > 0 ? (size_t)n : 0;
		}
		if (blind || f[0].revents)
			take_signals(r);
	}
	now = run_now();
	flush_due(r, now);
	obey_limits(r, now);
	tick(r, now, ready > 0 && (f[3].revents || f[5].revents));
	frames_push(r);
	return got;
}

void pump_phase(struct run *r)
{
	/* a signal may have come before the phase began */
	take_signals(r);
	spawn_reap(r);
	while (!r->dead)
		turn(r, 0);
}

/* Bytes waiting in both pipes. */
static size_t backlog(const struct run *r)
{
	size_t sum = 0;

	for (int i = 0; i < 2; i++) {
		int n = 0;
		if (r->in[i] >= 0 && ioctl(r->in[i], FIONREAD, &n) == 0 && n > 0)
			sum += (size_t)n;
	}
	return sum;
}

bool pump_drain(struct run *r, bool wait_orphans)
{
	size_t due = backlog(r), got = 0;
	int64_t end = run_now() + (int64_t)RUN_ORPHAN_MS * 1000000;

	while (got < due && (r->in[0] >= 0 || r->in[1] >= 0))
		for (int i = 0; i < 2; i++) {
			ssize_t n = r->in[i] >= 0 ? take(r, i) : 0;
			got += n > 0 ? (size_t)n : 0;
		}
	if (wait_orphans)
		while ((r->in[0] >= 0 || r->in[1] >= 0) && run_now() < end)
			turn(r, end);
	runlog_flush(&r->w);
	pending_since = 0;
	return r->in[0] >= 0 || r->in[1] >= 0;
}
