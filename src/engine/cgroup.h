/* cgroup.h - control groups: limits of memory, pids and cpus for what runs on this machine without
 * a daemon (local), and what any process's group uses.
 *
 * Ways: CGROUP_V1, directories of our own below our own cgroup (root only); CGROUP_SYSTEMD, a
 * transient scope made by systemd-run, which starts the program in it. Version 2 without systemd is
 * not used: a cgroup with processes in it cannot limit its children. Which way works is tried,
 * never assumed: cgroup_probe. */
#ifndef ENGINE_CGROUP_H
#define ENGINE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/spec.h"

enum cgroup_way { CGROUP_NONE, CGROUP_V1, CGROUP_SYSTEMD };
enum { CGROUP_FDS = 4 };

struct cgroup_can {
	enum cgroup_way way;
	bool memory, pids, cpus;
};
/* Tries version 1 at once (makes and removes a directory). */
void cgroup_probe(struct cgroup_can *can);
/* Appends a command that prints "MEMORY\nPIDS\n" of a scope with exactly CGROUP_TRIAL_*; false = no
 * systemd-run here. */
bool cgroup_trial(struct strv *argv);
bool cgroup_trial_ok(const char *out);

/* Version 1: makes the group with its limits and writes its directories, one a line, into file.
 * fds: opened cgroup.procs that the child enters by writing "0" (close them after the start); *nfds
 * of them. */
int cgroup_make(const struct cgroup_can *can, const char *file, const char *name,
	const struct limits *l, int fds[CGROUP_FDS], int *nfds, struct err *e);
/* systemd: the words before the command. */
void cgroup_scope(
	const struct cgroup_can *can, const char *name, const struct limits *l, struct strv *argv);

/* By the file of cgroup_make; a missing file is "no". */
bool cgroup_oom(const char *file); /* did the memory limit kill something? */
bool cgroup_pids_reached(const char *file); /* did the limit of processes refuse one? */
void cgroup_sample(const char *file, int64_t *cpu_ns, int64_t *memory); /* as cgroup_usage */
void cgroup_remove(const char *file); /* kills what is left in it */

/* The directories of a process's groups, version 1 or 2, one a line; "" = not seen from here. The
 * caller frees. */
char *cgroup_of(pid_t pid);
/* cpu time, and memory without the inactive file cache, of such directories; -1 = not known, or the
 * groups are gone. */
void cgroup_usage(const char *dirs, int64_t *cpu_ns, int64_t *memory);

#endif
