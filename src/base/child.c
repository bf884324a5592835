/* child.c - starting, watching and ending other programs. */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* What failed in the child, sent back over the error pipe: one write, less than PIPE_BUF. */
enum step { STEP_SESSION, STEP_FDS, STEP_CWD, STEP_EXEC };
struct report {
	int step, err;
};

/* All that the child needs, made before the fork: between fork and exec only async-signal-safe
 * calls are allowed. */
struct launch {
	const struct child_spec *spec;
	const char *file;
	const char *const *env;
	int fd[3]; /* what becomes 0, 1, 2 */
	int report;
	pid_t parent;
};

/* ---- in the child ---- */

static _Noreturn void child_fail(const struct launch *l, enum step step)
{
	struct report r = { (int)step, errno };
	ssize_t ignored = write(l->report, &r, sizeof r);

	(void)ignored;
	_exit(127);
}

static int place_fds(const struct launch *l)
{
	int src[3];

	for (int i = 0; i < 3; i++) {
		src[i] = l->fd[i];
		/* One of 0..2 in another's place would be overwritten before its turn. */
		if (src[i] < 3 && src[i] != i)
			src[i] = fcntl(src[i], F_DUPFD_CLOEXEC, 3);
		if (src[i] < 0)
			return -1;
	}
	for (int i = 0; i < 3; i++) {
		if (src[i] == i ? fcntl(i, F_SETFD, 0) < 0 : dup2(src[i], i) < 0)
			return -1;
	}
	/* A library's descriptor without O_CLOEXEC must not leak either. Kernels before 5.11 lack
	 * this: then O_CLOEXEC alone. */
	(void)syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; i < l->spec->npass; i++)
		if (fcntl(l->spec->pass[i], F_SETFD, 0) < 0)
			return -1;
	return 0;
}

static void plain_signals(void)
{
	struct sigaction dfl;
	sigset_t none;

	memset(&dfl, 0, sizeof dfl);
	dfl.sa_handler = SIG_DFL;
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	/* The C library keeps 32 and 33 to itself and refuses them above; make starts us with both
	 * ignored. All zero is SIG_DFL in the kernel's own struct too. */
	for (int sig = 32; sig < SIGRTMIN; sig++) {
		unsigned long kernel_dfl[4] = { 0 };

		(void)syscall(SYS_rt_sigaction, sig, kernel_dfl, NULL, 8);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child_main(const struct launch *l)
{
	const struct child_spec *s = l->spec;

	if (s->new_session ? setsid() < 0 : s->new_group && setpgid(0, 0) < 0)
		child_fail(l, STEP_SESSION);
	if (s->die_with_us) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
			child_fail(l, STEP_SESSION);
		if (getppid() != l->parent)
			_exit(127);
	}
	if (place_fds(l) < 0)
		child_fail(l, STEP_FDS);
	if (s->own_terminal && ioctl(0, TIOCSCTTY, 0) < 0)
		child_fail(l, STEP_SESSION);
	if (s->cwd && chdir(s->cwd) < 0)
		child_fail(l, STEP_CWD);
	if (s->set_umask)
		umask(s->umask);
	plain_signals();
	execve(l->file, (char *const *)s->argv, (char *const *)l->env);
	child_fail(l, STEP_EXEC);
}

/* ---- in the parent ---- */

/* Descriptors 0..2 may be closed in us; what we make must not land there. */
static int above_stdio(int fd)
{
	int high;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return high;
}

static int launch_report(const struct launch *l, const struct report *r, struct err *e)
{
	errno = r->err;
	switch (r->step) {
	case STEP_CWD:
		return err_sys(e, "start", "cannot start %s in %s", l->spec->argv[0], l->spec->cwd);
	case STEP_EXEC:
		if (r->err == ENOENT)
			return err_set(e, "not_found",
				"cannot start %s: it, or the interpreter it names, is not there",
				l->file);
		return err_sys(e, r->err == EACCES ? "not_executable" : "start", "cannot start %s",
			l->file);
	default:
		return err_sys(e, "start", "cannot start %s", l->spec->argv[0]);
	}
}

/* A sanitizer's locks are in the memory that a vfork child shares: one killed before its exec would
 * leave them taken. */
#ifdef __SANITIZE_ADDRESS__
#define launch_fork_now fork
#else
#define launch_fork_now vfork
#endif

/* With every signal blocked no handler of ours can run in the child, which borrows our memory until
 * exec. */
static pid_t launch_fork(const struct launch *l)
{
	sigset_t all, old;
	pid_t pid;
	int saved;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = launch_fork_now();
	if (pid == 0)
		child_main(l);
	saved = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return pid;
}

static int launch_go(struct child *c, struct launch *l, struct err *e)
{
	struct report r;
	int p[2];
	pid_t pid;
	ssize_t n;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, "start", "cannot make a pipe");
	p[0] = above_stdio(p[0]);
	l->report = p[1] = above_stdio(p[1]);
	l->parent = getpid();
	pid = launch_fork(l);
	close(p[1]);
	if (pid < 0) {
		err_sys(e, "start", "cannot start %s", l->spec->argv[0]);
		close(p[0]);
		return -1;
	}
	do
		n = read(p[0], &r, sizeof r);
	while (n < 0 && errno == EINTR);
	close(p[0]);
	if (n == (ssize_t)sizeof r) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return launch_report(l, &r, e);
	}
	c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (c->pidfd < 0 || child_identify(pid, &c->id) < 0) {
		err_sys(e, "start", "cannot watch %s", l->spec->argv[0]);
		kill(pid, SIGKILL); /* not yet waited for: still ours */
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		if (c->pidfd >= 0)
			close(c->pidfd);
		c->pidfd = -1;
		return -1;
	}
	return 0;
}

static const char *env_path(const char *const *env)
{
	for (; env && *env; env++)
		if (!strncmp(*env, "PATH=", 5))
			return *env + 5;
	return env ? "" : NULL;
}

int child_start(struct child *c, const struct child_spec *s, struct err *e)
{
	struct launch l = { .spec = s, .env = s->env ? s->env : (const char *const *)environ };
	const int want[3] = { s->in, s->out, s->err };
	char *file = strchr(s->argv[0], '/') ? xstrdup(s->argv[0])
					     : child_which(s->argv[0], env_path(s->env));
	int null, rc;

	memset(c, 0, sizeof *c);
	c->pidfd = -1;
	for (size_t i = 0; i < s->npass; i++)
		if (s->pass[i] < 3)
			bug("descriptor %d passed to %s by its number", s->pass[i], s->argv[0]);
	if (!file)
		return err_set(e, "not_found", "%s is not installed, or not on PATH", s->argv[0]);
	null = above_stdio(open("/dev/null", O_RDWR | O_CLOEXEC));
	if (null < 0) {
		free(file);
		return err_sys(e, "start", "cannot open /dev/null");
	}
	for (int i = 0; i < 3; i++) {
		l.fd[i] = want[i] == CHILD_INHERIT ? i : want[i];
		if (want[i] == CHILD_NULL || (want[i] == CHILD_INHERIT && fcntl(i, F_GETFD) < 0))
			l.fd[i] = null;
	}
	l.file = file;
	rc = launch_go(c, &l, e);
	close(null);
	free(file);
	return rc;
}

int child_reap(struct child *c, int *code)
{
	int status;
	pid_t got;

	do
		got = waitpid(c->id.pid, &status, WNOHANG);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return 0;
	if (got < 0)
		*code = 255; /* somebody set SIGCHLD to ignore: the status is lost, the end is not
			      */
	else
		*code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (c->pidfd >= 0)
		close(c->pidfd);
	c->pidfd = -1;
	return 1;
}

int child_wait(struct child *c, int timeout_ms, int *code)
{
	int64_t deadline = clock_mono_ms() + timeout_ms;

	for (;;) {
		struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
		int64_t left = timeout_ms < 0 ? -1 : deadline - clock_mono_ms();

		if (child_reap(c, code) == 1)
			return 1;
		if (timeout_ms >= 0 && left <= 0)
			return 0;
		(void)poll(&p, 1, (int)left);
	}
}

void child_kill(struct child *c, int sig)
{
	if (c->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, sig, NULL, 0);
}

char *child_which(const char *name, const char *path)
{
	const char *p = path ? path : getenv("PATH");

	while (*name && p && *p) {
		size_t n = strcspn(p, ":");
		struct stat st;
		/* An empty or relative entry means the working directory: never a place for
		 * programs. */
		char *file = p[0] == '/' ? xasprintf("%.*s/%s", (int)n, p, name) : NULL;

		if (file && stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0)
			return file;
		free(file);
		p += n;
		p += *p == ':';
	}
	return NULL;
}
