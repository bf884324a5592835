/* promote_dirty.h - what of the user's work stands in the way of a move. */
#ifndef GIT_PROMOTE_DIRTY_H
#define GIT_PROMOTE_DIRTY_H

#include "git/changes.h"
#include "git/promote_target.h"

enum { PROMOTE_STATUS_MS = 60000 };

/* Paths of the tree that differ from its index or whose index differs from HEAD, tracked files
 * only; unmerged apart. */
int promote_dirty_read(
	const struct target *t, struct strv *dirty, struct strv *unmerged, struct err *e);
/* What of the user's would be lost or stop git. local (may be NULL): his edits elsewhere, which
 * stay. */
int promote_dirty_check(const struct target *t, const struct changes *c, struct strv *local,
	struct refusal *why, struct err *e);
/* First component of the way to dir/path that is no directory: 0 = nothing is there, 1 = blocked by
 * *at (length of that prefix; == strlen(path) when the path itself exists as a file or link), 2 =
 * the path exists as a directory. */
int promote_dirty_walk(const char *dir, const char *path, size_t *at);

#endif
