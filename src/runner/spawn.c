/* spawn.c - starts a phase's process and ends everything it left behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner/run.h"

enum { CRLF = -1 }; /* reported by the child before its errno, if there is one */

/* Keys are not files: whoever inherits the user's session keyring can read what is in it, behind
 * any mounts and namespaces. A kernel without keys and a filter that refuses the call leave nothing
 * to be reached either. */
static int leave_keyring(void)
{
	long id = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0);

	return id >= 0 || errno == ENOSYS || errno == EPERM ? 0 : -1;
}

/* Gives up all capabilities; with no_new_privs even a command that stays uid 0 does not get them
 * back by exec. */
static int drop_powers(const struct options *o)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2];

	if (o->gid >= 0 && (setgroups(0, NULL) < 0 || setgid((gid_t)o->gid) < 0))
		return -1;
	if (o->uid >= 0 && setuid((uid_t)o->uid) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	memset(none, 0, sizeof none);
	return syscall(SYS_capset, &h, none) == 0 ? leave_keyring() : -1;
}

static int limit_pids(int64_t n)
{
	struct rlimit l;

	if (n <= 0)
		return 0;
	if (getrlimit(RLIMIT_NPROC, &l) < 0)
		return -1;
	if ((rlim_t)n < l.rlim_max)
		l.rlim_max = (rlim_t)n;
	l.rlim_cur = l.rlim_max;
	return setrlimit(RLIMIT_NPROC, &l);
}

static int enter_cgroups(const struct options *o)
{
	for (int i = 0; i < o->njoin; i++)
		if (write(o->join[i], "0", 1) != 1)
			return -1;
	return 0;
}

static int stdio(const struct run *r)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(r->out[0], 1) < 0 || dup2(r->out[1], 2) < 0)
		return -1;
	return 0;
}

/* The command gets its three descriptors and nothing else that whoever started us may have left
 * open. */
static void close_others(void)
{
	if (syscall(SYS_close_range, 3U, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */) == 0)
		return;
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			continue;
}

/* execvp says "permission denied" also when some directory of PATH may not be entered and the
 * program is nowhere. */
static int exec_errno_of(const char *name, int why)
{
	char path[4096];

	if (why != EACCES)
		return why;
	files_find(name, path, sizeof path);
	return *path ? EACCES : ENOENT;
}

static _Noreturn void child(const struct run *r, const char *const *argv, int report)
{
	sigset_t none;

	setsid();
	close_others();
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	if (enter_cgroups(&r->o) == 0 && stdio(r) == 0 &&
		limit_pids(r->o.guarded_log ? 0 : r->o.pids) == 0 && drop_powers(&r->o) == 0 &&
		(!r->o.cwd || chdir(r->o.cwd) == 0)) {
		int crlf = files_crlf_script(argv) ? CRLF : 0;
		if (crlf && write(report, &crlf, sizeof crlf) < 0)
			_exit(RUN_FAULT);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
	}
	int why = exec_errno_of(argv[0], errno);
	ssize_t sent = write(report, &why, sizeof why);
	_exit(sent < 0 ? 125 : 127);
}

void spawn_become(const struct options *o)
{
	close_others();
	if (limit_pids(o->pids) == 0 && drop_powers(o) == 0 && (!o->cwd || chdir(o->cwd) == 0))
		execvp(o->argv[0], (char *const *)(uintptr_t)o->argv);
	int why = exec_errno_of(o->argv[0], errno);
	dprintf(2, "%s: %s\n", o->argv[0], strerror(why));
	_exit(why == ENOENT ? 127 : 126);
}

void spawn(struct run *r, const char *const *argv, int *exec_errno)
{
	int report[2];

	*exec_errno = 0;
	r->dead = r->killed = r->crlf = false;
	if (pipe2(report, O_CLOEXEC) < 0) {
		r->dead = true;
		*exec_errno = errno;
		return;
	}
	r->main = fork();
	if (r->main == 0)
		child(r, argv, report[1]);
	int failed = r->main < 0 ? errno : 0;
	close(report[1]);
	if (failed) {
		close(report[0]);
		r->dead = true;
		*exec_errno = failed;
		return;
	}
	do {
		if (read(report[0], exec_errno, sizeof *exec_errno) != sizeof *exec_errno)
			*exec_errno = 0;
		r->crlf |= *exec_errno == CRLF;
	} while (*exec_errno == CRLF);
	close(report[0]);
}

void spawn_send_term(struct run *r)
{
	if (r->main > 0 && !r->dead)
		kill(-r->main, SIGTERM);
}

/* In a container everything else is ours. Elsewhere (local engine's tests, fake) -1 would be the
 * whole machine. */
void spawn_kill(struct run *r)
{
	if (r->alone)
		kill(-1, SIGKILL);
	else if (r->main > 0 && !r->dead)
		kill(-r->main, SIGKILL);
}

void spawn_reap(struct run *r)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == r->main) {
			r->dead = true;
			r->status = status;
		}
	}
}

/* Parent of a process, 0 = it is gone. */
static int parent_of(const char *pid)
{
	char path[64], line[512];
	int parent = 0;

	snprintf(path, sizeof path, "/proc/%.16s/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, line, sizeof line - 1);
	close(fd);
	line[n > 0 ? n : 0] = 0;
	/* the name in parentheses is the program's own choice: only what follows its end counts */
	const char *end = strrchr(line, ')');
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

/* Our direct children; grandchildren become these as their parents die, because we are the
 * subreaper. */
static void kill_children(void)
{
	const struct dirent *d;
	DIR *proc = opendir("/proc");

	if (!proc)
		return;
	while ((d = readdir(proc)))
		if (*d->d_name >= '1' && *d->d_name <= '9' && parent_of(d->d_name) == getpid())
			kill((pid_t)strtol(d->d_name, NULL, 10), SIGKILL);
	closedir(proc);
}

void spawn_end_orphans(struct run *r)
{
	struct timespec ms = { 0, 1000000 };

	for (int i = 0; i < 2000; i++) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid < 0 && errno == ECHILD)
			return;
		if (pid > 0)
			continue;
		if (r->alone)
			kill(-1, SIGKILL);
		else
			kill_children();
		nanosleep(&ms, NULL);
	}
}
