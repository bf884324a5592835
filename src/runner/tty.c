/* tty.c - a command on a pseudo-terminal, relayed over a socket: a shell where the engine itself
 * has no terminal to offer (dagger).
 *
 * Frames, both ways: u8 kind, u16 length (little endian), bytes. To us: keys, size (u16 rows, u16
 * columns). From us: output, end (u32 code). After the end we stay until the other side has closed:
 * Dagger's tunnel drops what is under way when the container ends. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "runner/run.h"

enum { HEAD = 3, BODY = 4096, LATE = 64, LINGER_MS = 5000, HANGUP_MS = 1000 };
enum kind { KEYS = 1, SIZE = 2, OUTPUT = 3, END = 4 };
enum { FD_SOCK, FD_PTY, FD_SIGNAL, FD_COUNT };

struct relay {
	int sock, master, signals;
	pid_t child;
	bool dead, lost; /* the command has ended; the other side has */
	bool shut; /* no process in the container has the terminal open any more */
	int status, late; /* pieces of output after its end */
	unsigned char in[HEAD + BODY];
	size_t have, typed; /* of the frame in `in`; how much of its keys the terminal took */
};

static size_t body_len(const struct relay *r)
{
	return (size_t)r->in[1] | (size_t)r->in[2] << 8;
}

static bool whole(const struct relay *r)
{
	return r->have >= HEAD && r->have == HEAD + body_len(r);
}

static bool typing(const struct relay *r)
{
	return whole(r) && r->in[0] == KEYS;
}

static void send_all(struct relay *r, const void *p, size_t n)
{
	const char *at = p;

	while (n && !r->lost) {
		ssize_t w = send(r->sock, at, n, MSG_NOSIGNAL);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			r->lost = true;
			return;
		}
		at += w;
		n -= (size_t)w;
	}
}

static void frame(struct relay *r, enum kind kind, const void *p, size_t n)
{
	unsigned char head[HEAD] = { (unsigned char)kind, n & 0xff, (unsigned char)(n >> 8) };

	send_all(r, head, sizeof head);
	send_all(r, p, n);
}

static void resize(const struct relay *r)
{
	const unsigned char *b = r->in + HEAD;
	struct winsize ws = { .ws_row = (unsigned short)(b[0] | b[1] << 8),
		.ws_col = (unsigned short)(b[2] | b[3] << 8) };

	if (body_len(r) == 4 && ioctl(r->master, TIOCSWINSZ, &ws) < 0)
		dprintf(2, "runner: the terminal's size cannot be set: %s\n", strerror(errno));
}

/* One frame at a time, never a byte beyond it: what the terminal does not take waits where it is.
 */
static void hear(struct relay *r)
{
	size_t want = r->have < HEAD ? HEAD : HEAD + body_len(r);
	ssize_t n = read(r->sock, r->in + r->have, want - r->have);

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		r->lost = true;
		return;
	}
	r->have += (size_t)n;
	if (r->have >= HEAD && body_len(r) > BODY) {
		r->lost = true;
	} else if (whole(r) && r->in[0] != KEYS) {
		if (r->in[0] == SIZE)
			resize(r);
		r->have = 0;
	}
}

static void type(struct relay *r)
{
	ssize_t n = write(r->master, r->in + HEAD + r->typed, body_len(r) - r->typed);

	if (n > 0)
		r->typed += (size_t)n;
	if (r->typed == body_len(r) || (n < 0 && errno != EAGAIN && errno != EINTR))
		r->have = r->typed = 0;
}

/* Whatever is there now; false = nothing more will come. */
static bool show(struct relay *r)
{
	char b[BODY];
	ssize_t n = read(r->master, b, sizeof b);

	if (n > 0)
		frame(r, OUTPUT, b, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void reap(struct relay *r)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	while (read(r->signals, &si, sizeof si) > 0)
		if (si.ssi_signo != SIGCHLD)
			r->lost = true; /* we are to end: as if the other end had closed */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == r->child) {
			r->dead = true;
			r->status = status;
		}
}

static bool turn(struct relay *r)
{
	struct pollfd p[FD_COUNT] = {
		[FD_SOCK] = { typing(r) ? -1 : r->sock, POLLIN, 0 },
		[FD_PTY] = { r->shut ? -1 : r->master, (short)(POLLIN | (typing(r) ? POLLOUT : 0)),
			0 },
		[FD_SIGNAL] = { r->signals, POLLIN, 0 },
	};

	/* what it left behind may hold the terminal open and write without end */
	if (poll(p, FD_COUNT, r->dead ? 0 : -1) < 0)
		return errno == EINTR;
	if (r->dead && (!(p[FD_PTY].revents & POLLIN) || ++r->late > LATE))
		return false;
	if (p[FD_SIGNAL].revents)
		reap(r);
	if (p[FD_SOCK].revents)
		hear(r);
	if (p[FD_PTY].revents & POLLOUT)
		type(r);
	if (p[FD_PTY].revents & (POLLIN | POLLHUP | POLLERR) && !show(r))
		r->shut = true;
	return !r->lost;
}

static int fault(const char *what)
{
	dprintf(2, "runner: %s: %s\n", what, strerror(errno));
	return RUN_FAULT;
}

static _Noreturn void child(const struct options *o, const char *name)
{
	sigset_t none;
	int fd;

	setsid();
	fd = open(name, O_RDWR); /* a leader without a terminal: this becomes its own */
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0 ||
		(o->uid >= 0 && fchown(fd, (uid_t)o->uid, (gid_t)-1) < 0) || dup2(fd, 0) < 0 ||
		dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(RUN_FAULT);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	spawn_become(o);
}

static int start(struct relay *r, const struct options *o)
{
	char name[64];
	sigset_t all;

	r->sock = files_reach(o->tty);
	if (r->sock < 0)
		return fault("the other end of the terminal cannot be reached");
	r->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (r->master < 0 || grantpt(r->master) || unlockpt(r->master) ||
		ptsname_r(r->master, name, sizeof name) ||
		fcntl(r->master, F_SETFL, O_NONBLOCK) < 0)
		return fault("no pseudo-terminal can be made in the container");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	r->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	r->child = r->signals < 0 ? -1 : fork();
	if (r->child == 0)
		child(o, name);
	return r->child < 0 ? fault("no process can be made in the container") : 0;
}

/* The command is hung up on, then killed. */
static void hang_up(struct relay *r)
{
	int64_t end = run_now() + HANGUP_MS * 1000000LL;

	close(r->master);
	kill(-r->child, SIGHUP);
	while (!r->dead && run_now() < end) {
		struct pollfd p = { r->signals, POLLIN, 0 };
		if (poll(&p, 1, HANGUP_MS) > 0)
			reap(r);
	}
	kill(-r->child, SIGKILL);
}

int tty_run(const struct options *o)
{
	struct relay r = { .sock = -1, .master = -1, .signals = -1 };
	struct run left = { .main = 0 };
	struct pollfd closed = { .events = POLLIN };
	unsigned char code[4] = { 0 };

	if (start(&r, o))
		return RUN_FAULT;
	while (turn(&r))
		continue;
	if (r.dead)
		code[0] = (unsigned char)(WIFEXITED(r.status) ? WEXITSTATUS(r.status)
							      : 128 + WTERMSIG(r.status));
	else
		hang_up(&r);
	spawn_end_orphans(&left);
	frame(&r, END, code, sizeof code);
	closed.fd = r.sock;
	for (char b[256]; !r.lost && poll(&closed, 1, LINGER_MS) > 0;)
		if (read(r.sock, b, sizeof b) <= 0)
			break;
	return code[0];
}
