/* promote_target.h - the branch that is to be moved, and the work tree that has it checked out. */
#ifndef GIT_PROMOTE_TARGET_H
#define GIT_PROMOTE_TARGET_H

#include "git/git.h"
#include "git/refusal.h"

/* The branch to be moved, as it stands now. */
struct target {
	char *ref, *name; /* "refs/heads/main", "main" */
	char *tip; /* commit id */
	char *dir, *git_dir; /* the work tree that has it checked out; NULL = none */
	char *ident; /* "Name <mail>" of the user, NULL = none */
};
void target_release(struct target *t);
/* Finds it: `into` (branch name, or NULL = the branch of `from`, a work tree, or of the main one).
 * What is wrong with the repository's state goes to why. -1 only when it could not be judged. */
int target_find(const struct git_repo *repo, const char *into, const char *from, struct target *t,
	struct refusal *why, struct err *e);
/* Unfinished operations and locks of the place where the branch is; called by target_find and once
 * more under the lock. */
void target_check_state(const struct git_repo *repo, const struct target *t, struct refusal *why);
/* "rebase", "merge" ...; NULL = nothing unfinished in this git dir. */
const char *target_unfinished(const char *git_dir);
/* The work tree of a git dir below <common>/worktrees, else its own name; the caller frees. */
char *target_tree_of(const struct git_repo *repo, const char *admin);

#endif
