/* promote_locks.h - a git of ours that outlived its conductor, and the lock files a killed one
 * left. */
#ifndef GIT_PROMOTE_LOCKS_H
#define GIT_PROMOTE_LOCKS_H

#include "git/move.h"

/* Waits for the child of the journal's record (NULL or dead: for one whose command line has the
 * mark as an argument: a commit id or a reflog message; NULL = none). -1 = it runs on. what: for
 * the sentence, "main". */
int promote_locks_wait_child(
	const char *id, const struct json *child, const char *what, int timeout_ms, struct err *e);
/* Removes those of the files (absolute paths) that are younger than the intent (CLOCK_REALTIME,
 * ms). -1 = one is somebody else's. Call only when our child is known to be dead. dir: the work
 * tree, NULL = none. */
int promote_locks_clear(const struct git_repo *repo, const char *dir, const struct strv *locks,
	int64_t since_ms, struct err *e);
int promote_locks_clear_move(const struct move *m, int64_t since_ms, struct err *e);

#endif
