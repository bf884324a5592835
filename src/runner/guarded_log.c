/* guarded_log.c - the control volume of the dagger engine: a directory that only root of the
 * container may enter, with log, idx and the stop file. It is no tmpfs: the log must outlive the
 * container, since the collection reads it from another one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/run.h"

/* A container's processes are below its first one, which started us; the number of the namespace
 * that the machine began with is part of the kernel's interface (PROC_PID_INIT_INO).
 * /proc/self/status does not tell: it counts from its own mount's view. */
static bool own_namespace(void)
{
	char ns[64];
	ssize_t n = readlink("/proc/self/ns/pid", ns, sizeof ns - 1);

	ns[n > 0 ? n : 0] = 0;
	return n > 0 && strcmp(ns, "pid:[4026531836]") && (getpid() == 1 || getppid() == 1);
}

static int open_dir(const char *dir)
{
	struct stat st;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && fchmod(fd, 0700) == 0 && fstat(fd, &st) == 0 && st.st_uid == 0 &&
		(st.st_mode & 07777) == 0700)
		return fd;
	if (fd >= 0)
		close(fd);
	dprintf(2, "runner: log cannot be guarded: %s is not a private directory of root\n", dir);
	return -1;
}

/* Read as well as written: the frames come from it. */
static int create(int dir, const char *name)
{
	int fd = openat(dir, name, O_CREAT | O_EXCL | O_RDWR | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		dprintf(2, "runner: has run already: %s is there\n", name);
	else if (fd < 0)
		dprintf(2, "runner: cannot create %s: %s\n", name, strerror(errno));
	return fd;
}

int guarded_log_open(struct run *r)
{
	if (r->o.guarded_log_test) {
		r->alone = false;
	} else if (own_namespace()) {
		r->alone = true;
	} else {
		dprintf(2, "runner: --guarded-log is for a container with its own processes\n");
		return -1;
	}
	r->guarded_log = open_dir(r->o.guarded_log);
	if (r->guarded_log < 0)
		return -1;
	int log = create(r->guarded_log, "log");
	int idx = log < 0 ? -1 : create(r->guarded_log, "idx");
	if (idx < 0)
		return -1;
	runlog_writer_init(&r->w, log, idx, r->o.cap);
	r->w.block = RUN_GUARDED_BLOCK;
	/* without inotify every tick looks, a little later */
	r->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->notify >= 0 &&
		inotify_add_watch(r->notify, r->o.guarded_log, IN_CREATE | IN_MOVED_TO) < 0) {
		close(r->notify);
		r->notify = -1;
	}
	/* and without the socket the stop file is the way */
	r->stop_socket = r->o.stop_socket ? files_reach(r->o.stop_socket) : -1;
	if (r->stop_socket >= 0 && fcntl(r->stop_socket, F_SETFL, O_NONBLOCK) < 0)
		return -1;
	r->look_at = run_now();
	frames_open(r);
	return 0;
}

bool guarded_log_stop_asked(struct run *r)
{
	char events[4096];
	struct stat st;

	while (r->notify >= 0 && read(r->notify, events, sizeof events) > 0)
		continue;
	if (r->stop_socket >= 0) {
		ssize_t n = read(r->stop_socket, events, sizeof events);
		r->asked |= n > 0;
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			close(r->stop_socket);
			r->stop_socket = -1;
		}
	}
	return r->asked || fstatat(r->guarded_log, "stop", &st, AT_SYMLINK_NOFOLLOW) == 0;
}
