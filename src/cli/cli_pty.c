/* cli_pty.c - a program on a terminal of its own, relayed to ours.
 *
 * What runs in a container must not hold the user's terminal itself: with the right ioctl it could
 * type into it, and so into the shell behind. On a pseudo-terminal it can only type to itself, its
 * job control works, and ours is as it was when it ended. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/cli.h"

enum { CHUNK = 16 << 10, REAP_MS = 1000, LATE = 64 };
enum { FD_KEYS, FD_PTY, FD_SIGNAL, FD_CHILD, FD_COUNT };

struct relay {
	int master, signals;
	struct child child;
	struct termios saved;
	struct buf keys; /* read, not yet taken by the pseudo-terminal */
	bool keys_over, over;
	int late; /* pieces that came after its end */
	int ended_by; /* a signal that wants us to end */
};

static void copy_size(int to)
{
	struct winsize ws;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws))
		ioctl(to, TIOCSWINSZ, &ws);
}

/* Both ends; the other one has our modes and our size. */
static int open_pair(struct relay *r, struct err *e)
{
	char name[64];
	int slave;
	r->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (r->master < 0 || grantpt(r->master) || unlockpt(r->master) ||
		ptsname_r(r->master, name, sizeof(name)))
		return err_sys(e, "no_terminal", "no pseudo-terminal can be made");
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || fcntl(r->master, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, "no_terminal", "%s cannot be opened", name);
	tcsetattr(slave, TCSANOW, &r->saved);
	copy_size(slave);
	return slave;
}

static int take_signals(struct err *e)
{
	static const int ours[] = { SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	sigset_t set;
	int fd;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		sigaddset(&set, ours[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, "internal", "signalfd") : fd;
}

static void on_signal(struct relay *r)
{
	struct signalfd_siginfo si;
	if (read(r->signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGWINCH)
		copy_size(r->master);
	else
		r->ended_by = (int)si.ssi_signo;
}

/* Whatever is there now; false = nothing more will come. */
static bool relay_output(struct relay *r)
{
	char b[CHUNK];
	ssize_t n = read(r->master, b, sizeof(b));
	if (n > 0)
		return fs_write_all(STDOUT_FILENO, b, (size_t)n) == 0;
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void relay_keys(struct relay *r)
{
	ssize_t n = write(r->master, r->keys.p, r->keys.len);
	if (n > 0)
		buf_drop(&r->keys, (size_t)n);
}

static void read_keys(struct relay *r)
{
	char b[1024];
	ssize_t n = read(STDIN_FILENO, b, sizeof(b));
	if (n > 0)
		buf_add(&r->keys, b, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		r->keys_over = r->over = true;
}

static void relay_turn(struct relay *r)
{
	struct pollfd p[FD_COUNT] = {
		[FD_KEYS] = { r->keys.len || r->keys_over ? -1 : STDIN_FILENO, POLLIN, 0 },
		[FD_PTY] = { r->master, (short)(POLLIN | (r->keys.len ? POLLOUT : 0)), 0 },
		[FD_SIGNAL] = { r->signals, POLLIN, 0 },
		[FD_CHILD] = { r->child.pidfd, POLLIN, 0 },
	};
	if (poll(p, FD_COUNT, -1) < 0)
		return;
	if (p[FD_SIGNAL].revents)
		on_signal(r);
	if (p[FD_KEYS].revents)
		read_keys(r);
	if (p[FD_PTY].revents & POLLOUT)
		relay_keys(r);
	if (p[FD_PTY].revents & (POLLIN | POLLHUP | POLLERR) && !relay_output(r))
		r->over = true;
	/* it ended; a program it left behind may keep the other end open, and write without end */
	if (p[FD_CHILD].revents && (!(p[FD_PTY].revents & POLLIN) || ++r->late > LATE))
		r->over = true;
}

static void make_raw(const struct termios *saved)
{
	struct termios raw = *saved;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

int cli_relay(struct strv *argv, int *code, struct err *e)
{
	struct relay r = { .master = -1, .signals = -1 };
	struct child_spec spec = CHILD_SPEC_INIT;
	int slave = -1, rc = -1;
	buf_init(&r.keys);
	if (tcgetattr(STDIN_FILENO, &r.saved))
		return err_sys(e, "no_terminal", "the terminal cannot be read");
	slave = open_pair(&r, e);
	r.signals = slave < 0 ? -1 : take_signals(e);
	if (r.signals < 0)
		goto out;
	spec.argv = strv_argv(argv);
	spec.in = spec.out = spec.err = slave;
	spec.new_session = spec.own_terminal = true;
	if (child_start(&r.child, &spec, e))
		goto out;
	close(slave);
	slave = -1;
	make_raw(&r.saved);
	while (!r.over && !r.ended_by)
		relay_turn(&r);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &r.saved);
	close(r.master); /* what is left on the other end is hung up */
	r.master = -1;
	if (!child_wait(&r.child, REAP_MS, code)) {
		child_kill(&r.child, SIGKILL);
		child_wait(&r.child, -1, code);
	}
	if (r.ended_by)
		*code = 128 + r.ended_by;
	rc = 0;
out:
	if (slave >= 0)
		close(slave);
	if (r.master >= 0)
		close(r.master);
	if (r.signals >= 0)
		close(r.signals);
	buf_release(&r.keys);
	return rc;
}
