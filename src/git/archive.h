/* archive.h - what promote_repair needs of archive.c; the verbs themselves are in promote.h. */
#ifndef GIT_ARCHIVE_H
#define GIT_ARCHIVE_H

#include "git/promote.h"

/* Finishes an archive or restore that a crash cut off: the person asked for it and nothing is lost
 * by it. */
int archive_repair(const struct git_repo *repo, const struct json *intent, const struct json *child,
	struct journal *j, struct buf *words, struct err *e);

#endif
