/* archive.h - a variant's branch out of `git branch`, and back. */
#ifndef GIT_ARCHIVE_H
#define GIT_ARCHIVE_H

#include "git/git.h"
#include "model/journal.h"

/* archive: yolo/<race>/<variant> -> refs/yolodeck/<race>/<variant>/archived; restore: back.
 * Compare-and-swap; a branch that is checked out or moved by somebody is refused by name. */
int archive_variant(const struct git_repo *repo, int race, const char *variant, const char *commit,
	struct journal *j, struct err *e);
int archive_restore(const struct git_repo *repo, int race, const char *variant, const char *commit,
	struct journal *j, struct err *e);
/* Finishes an archive or restore that a crash cut off: the person asked for it and nothing is lost
 * by it. */
int archive_repair(const struct git_repo *repo, const struct json *intent, const struct json *child,
	struct journal *j, struct buf *words, struct err *e);

#endif
