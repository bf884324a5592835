/* promote_internal.h - what the parts of promote share: the target branch, refusals, and the one
 * movement of a branch.
 *
 * Everything promote and undo do to a repository is a "move": one branch from one commit to
 * another, together with the work tree that has it checked out. A move runs one git child whose
 * identity is in the journal before it is waited for, and can be healed after a crash at any
 * instant: the branch is at `from` or at `to`, and the tree follows it. */
#ifndef GIT_PROMOTE_INTERNAL_H
#define GIT_PROMOTE_INTERNAL_H

#include <stdarg.h>
#include <stdint.h>

#include "git/git.h"
#include "git/promote.h"

enum { PROMOTE_MERGE_MS = 60000, PROMOTE_STATUS_MS = 60000 };

/* A reason why not now. The first one stays: it is the one to be dealt with first. */
struct refusal {
	char *code, *msg; /* NULL = none */
};
void refusal_release(struct refusal *r);
void refuse(struct refusal *r, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Fills e from it; -1. */
int refusal_err(const struct refusal *r, struct err *e);

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
const char *state_unfinished(const char *git_dir);
/* The work tree of a git dir below <common>/worktrees, else its own name; the caller frees. */
char *state_tree_of(const struct git_repo *repo, const char *admin);

/* One path of from..to. Modes are git's (0 = not there), ids full. */
struct change {
	char *path, status; /* A D M T */
	unsigned old_mode, new_mode;
	char *old_id, *new_id;
};
struct changes {
	struct change *v; /* ordered by path bytes */
	size_t n;
};
/* Read from the first of the stores (the second may be NULL) that has both commits. */
int changes_read(const char *git_dir, const char *other, const char *from, const char *to,
	struct changes *c, struct err *e);
void changes_release(struct changes *c);
const struct change *changes_find(const struct changes *c, const char *path);

/* Paths of the tree that differ from its index or whose index differs from HEAD, tracked files
 * only; unmerged apart. */
int dirt_read(const struct target *t, struct strv *dirty, struct strv *unmerged, struct err *e);
/* What of the user's would be lost or stop git. local (may be NULL): his edits elsewhere, which
 * stay. */
int dirt_check(const struct target *t, const struct changes *c, struct strv *local,
	struct refusal *why, struct err *e);
/* First component of the way to dir/path that is no directory: 0 = nothing is there, 1 = blocked by
 * *at (length of that prefix; == strlen(path) when the path itself exists as a file or link), 2 =
 * the path exists as a directory. */
int dirt_walk(const char *dir, const char *path, size_t *at);

struct move {
	const struct git_repo *repo;
	const char
		*quarantine; /* for reading what a half-finished fetch did not bring; may be NULL */
	char *ref, *name;
	char *from, *to;
	char *dir, *git_dir; /* NULL = checked out nowhere: the branch alone */
	bool back; /* undo: to is behind from */
	char *label; /* "7/claude-1" */
	char *keep_ref; /* refs/yolodeck/7/claude-1/promoted, NULL = none */
	char *ident;
	char *op; /* "promote" | "undo" */
	char *umask; /* octal, of the user who asked; NULL = see git_umask_of */
};
void move_release(struct move *m);
/* The journal's fields of an intent (with its time, CLOCK_REALTIME in ms, and who writes it), and
 * back. of = n of the promote that an undo takes back, 0. */
struct json *move_to_json(
	const struct move *m, int race, const char *variant, int of, int64_t since_ms);
int move_from_json(struct move *m, const struct json *intent);
/* Brings `to` in (keep_ref), moves, verifies, heals what a failing child left. Journals child, then
 * done or failed. n = intent. */
int move_run(const struct move *m, int64_t since_ms, struct journal *j, int n, struct err *e);

/* Runs one call with its identity in the journal as stage "child" of n. 0 = it ended, *code and out
 * (both its outputs) say how. */
int move_run_child(
	struct git_call *c, struct journal *j, int n, int *code, struct buf *out, struct err *e);
/* A call that writes to the work tree of m, as its user. */
void move_in_tree(const struct move *m, struct git_call *c);
/* The branch is where the move wanted it, or further on. */
bool ref_reached_target(const struct move *m, const char *now);

enum heal { HEAL_FROM, HEAL_TO, RECOVER_NEEDS_USER };
/* No child runs any more: removes the locks it left (younger than since_ms) and makes the tree
 * whole. RECOVER_NEEDS_USER: nothing was touched, e says why: code "moved" = the branch is
 * elsewhere by now, "needs_you" = a person must look. -1: could not be found out. */
int move_heal(const struct move *m, int64_t since_ms, enum heal *how, struct err *e);
/* One at a time per repository; fd or -1 with code "busy". */
int promote_lock(const char *state_dir, struct err *e);
/* "a, b and 3 more", as in all sentences here. The caller frees. */
char *promote_names(const struct strv *v);

#endif
