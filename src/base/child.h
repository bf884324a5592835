/* child.h - the only place outside the runner that starts programs.
 *
 * The child always gets: an empty signal mask, default handlers, only the descriptors named here
 * (all else is closed, also what was opened without O_CLOEXEC), /dev/null where nothing is given.
 * Exec failures come back as an error of child_start, not as exit 127: code "not_found",
 * "not_executable" or "start". argv is an array; there is no shell. waitpid is by pid only. Any
 * thread may start. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum { CHILD_NULL = -1, CHILD_INHERIT = -2 };

struct child_spec {
	/* NULL-terminated; argv[0] is looked up in PATH of env (or ours) unless it has a slash */
	const char *const *argv;
	const char *const *env; /* NULL-terminated K=V; NULL = our own environment */
	const char *cwd; /* NULL = unchanged */
	int in, out, err; /* a descriptor, CHILD_NULL or CHILD_INHERIT */
	const int *pass; /* further descriptors, kept at their numbers (>= 3) */
	size_t npass;
	bool new_session; /* setsid: it outlives us */
	/* with new_session: `in` is a terminal and becomes that of the session */
	bool own_terminal;
	bool new_group; /* setpgid(0,0) */
	bool set_umask; /* to umask below; else it is ours */
	mode_t umask;
	/* PR_SET_PDEATHSIG SIGKILL; bound to the thread that calls, so not for a pool's threads */
	bool die_with_us;
};
/* All fields zero/NULL with in = out = err = CHILD_NULL. */
#define CHILD_SPEC_INIT \
	{ \
		.in = -1, .out = -1, .err = -1 \
	}

/* Identity of a process: the kernel reuses a pid alone. */
struct child_id {
	pid_t pid;
	uint64_t start; /* field 22 of /proc/PID/stat, clock ticks since boot */
	char boot[40]; /* /proc/sys/kernel/random/boot_id */
};

struct child {
	struct child_id id;
	int pidfd; /* readable when it ended; -1 after child_reap */
};

int child_start(struct child *c, const struct child_spec *s, struct err *e);
/* Collects an ended child: 1 = reaped, *code = exit status or 128 + signal (255 if the status was
 * lost because SIGCHLD is ignored); 0 = still running. Closes pidfd. */
int child_reap(struct child *c, int *code);
/* Waits up to timeout_ms (-1 = no limit); 1 = reaped, 0 = timed out. */
int child_wait(struct child *c, int timeout_ms, int *code);
void child_kill(struct child *c, int sig); /* by pidfd: never hits a stranger */

struct child_result {
	int code; /* exit status, 128 + signal; -1 = killed by us at the time limit */
	struct buf out, err;
	bool truncated; /* out or err was cut at the cap (the rest was read and dropped) */
};
/* Runs to the end with stdin = in (may be NULL), collecting both outputs up to cap bytes each; in,
 * out and err of s are ignored. timeout_ms 0 = 60 s, -1 = none. Gets a process group of its
 * own, which the time limit kills whole. A grandchild that keeps the pipes open is left behind 200
 * ms after the end. Returns -1 only if it could not be started or timed out (killed; code
 * "timeout"); a non-zero exit is not an error here. r is initialised by the call; release always
 * with child_result_release. */
int child_run(const struct child_spec *s, const void *in, size_t nin, size_t cap, int timeout_ms,
	struct child_result *r, struct err *e);
void child_result_release(struct child_result *r);

int child_identify(pid_t pid, struct child_id *id); /* -1: no such process */
/* same boot, same start time, not a zombie */
bool child_alive(const struct child_id *id);
/* verified; -1 = gone. The caller closes. */
int child_pidfd(const struct child_id *id);
bool child_same_boot(const struct child_id *id);

/* Absolute path of a program found in a PATH string (NULL = ours); NULL = not there. Entries that
 * are empty or relative are never searched. The caller frees. */
char *child_which(const char *name, const char *path);

#endif
