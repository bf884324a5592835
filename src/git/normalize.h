/* normalize.h - from a snapshot to what is saved: line endings as git would store them, and the
 * names of files whose filter was not run. Blocking. */
#ifndef GIT_NORMALIZE_H
#define GIT_NORMALIZE_H

#include "git/snapshot.h"

/* Replaces snap->commit by one on the same parent, when a file that is new or changed against the
 * base holds CRLF where the base's attributes ask for LF; its columns are counted again. When
 * old_commit (NULL = none) has that very tree, it is taken. filtered: a sentence if a filter that
 * the user's git requires was not run, else NULL; the caller frees. */
int normalize_snapshot(const struct snapshot_in *in, const char *old_commit,
	struct snapshot_out *snap, char **filtered, struct err *e);

#endif
