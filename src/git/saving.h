/* saving.h - a variant's work at its end: a full snapshot, judged by an independent scan, brought
 * into the user's repository with fsck, and its branch. Blocking: call in a worker. */
#ifndef GIT_SAVING_H
#define GIT_SAVING_H

#include "git/snapshot.h"

struct saving_out {
	struct snapshot_out snap; /* its commit NULL: nothing differs, see only_changed */
	char *branch; /* "yolo/7/claude-1", NULL = it was not moved */
	/* sentences: why there is no branch, or what is missing on it; promote refuses while set */
	char *scan;
};
/* The commit goes to refs/yolodeck/<race>/<variant>/tip, and the branch yolo/<race>/<variant> there
 * from `old_commit` (NULL = must not exist). A refused scan is not an error: the commit is in the
 * quarantine only. What the walker left out (a nested .git, files over 64 MiB ...) keeps the rest
 * not from its branch. One that is checked out, or was moved by somebody, is not moved. */
int saving_run(const struct snapshot_in *in, const char *old_commit, struct saving_out *out,
	struct err *e);
void saving_out_release(struct saving_out *o);
/* Takes a saved commit back: its branch and its ref go, where they still are at it and the branch
 * is checked out nowhere. */
int saving_drop(const struct git_repo *repo, int race, const char *variant, const char *commit,
	struct err *e);

#endif
