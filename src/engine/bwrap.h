/* bwrap.h - the bubblewrap command line of local: an allow-list of mounts over an empty root, never
 * the host's root. */
#ifndef ENGINE_BWRAP_H
#define ENGINE_BWRAP_H

#include "engine/engine.h"
#include "engine/host.h"

enum {
	BWRAP_UID = 65532
}; /* the commands' uid when we are root: a free one, not that of `nobody` */
#define BWRAP_RUNNER "/.yolo/run"

bool bwrap_root(void); /* we are root: no user namespace, the runner changes to BWRAP_UID */
void bwrap_user(int *uid, int *gid); /* uid and gid of the command */
/* where generated files lie; made. The caller frees. */
char *bwrap_gen_dir(const struct engine_ctx *c, struct err *e);
/* Mount table of a task, or of a trial (t NULL). */
int bwrap_host(
	const struct engine_ctx *c, const struct engine_task *t, struct host *h, struct err *e);
/* Options of bwrap, without "--" and the command. t NULL = a trial, without the task's directories.
 * tty: the terminal's job control is to work inside. */
int bwrap_options(const struct engine_ctx *c, const struct engine_task *t, const struct host *h,
	bool tty, struct strv *o, struct err *e);
/* The options as a descriptor for `bwrap --args` (O_CLOEXEC, at its start): an environment does not
 * belong in /proc/PID/cmdline. */
int bwrap_args_fd(const struct strv *options, struct err *e);

#endif
