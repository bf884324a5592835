/* merge.h - the tree that two commits give together, made in an object store without a work tree;
 * and commits on it.
 *
 * Always [H], cwd "/": the user's merge drivers do not run, `merge=union` and the like are not
 * applied. Blocking. */
#ifndef GIT_MERGE_H
#define GIT_MERGE_H

#include "git/git.h"

/* 0 = clean, 1 = conflicts (their names in names), -1 = it could not be said (code "timeout" after
 * timeout_ms). *tree (may be NULL) = id of the tree when clean; the caller frees. Where history
 * shows no common ancestor (shallow clone, unrelated), both sides are taken as changes of `base`.
 */
int merge_commits(const char *git_dir, const char *base, const char *ours, const char *theirs,
	int timeout_ms, char **tree, struct strv *names, struct err *e);
/* The same with base as the only ancestor, whatever history says: replay (base = its parent),
 * revert (base = what is to go). */
int merge_on_base(const char *git_dir, const char *base, const char *ours, const char *theirs,
	int timeout_ms, char **tree, struct strv *names, struct err *e);

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
