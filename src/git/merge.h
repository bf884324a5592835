/* merge.h - the tree that two commits give together, made in an object store without a work tree;
 * and commits on it.
 *
 * Always [H], cwd "/". Merge attributes (-merge, binary, union) count as in `git merge`; the user's
 * own merge drivers do not run. Blocking. */
#ifndef GIT_MERGE_H
#define GIT_MERGE_H

#include "git/git.h"

struct merge_in {
	const char *store; /* git dir the objects are written to */
	const char *base, *ours, *theirs;
	int timeout_ms;
	const char *common; /* the user's git dir, for attributes; NULL = all files are text */
	const char *attributes; /* whose .gitattributes count; NULL = those of ours */
};
/* Zero before the first use. */
struct merge_result {
	char *tree; /* with conflict marks where there are conflicts */
	struct strv conflicts; /* names */
	/* "Cargo.lock (merge=cargo)": in conflict because a driver of the user's was not run */
	struct strv drivers;
};
void merge_result_release(struct merge_result *r);
/* 0 = clean, 1 = conflicts, -1 = it could not be said (code "timeout" after timeout_ms). Where
 * history shows no common ancestor (shallow clone, unrelated), both sides are taken as changes of
 * `base`. */
int merge_commits(const struct merge_in *in, struct merge_result *r, struct err *e);
/* The same with base as the only ancestor, whatever history says: replay (base = its parent),
 * revert (base = what is to go). */
int merge_on_base(const struct merge_in *in, struct merge_result *r, struct err *e);

struct merge_commit {
	const char *tree;
	const char *parent[2]; /* NULL = none */
	const char *author, *committer; /* "Name <mail>" */
	const char *author_date; /* git's raw form; NULL = now */
	const char *message;
};
/* Writes one commit; its id, the caller frees. */
char *merge_write(const char *git_dir, const struct merge_commit *m, struct err *e);

#endif
