/* move.h - the one movement of a branch, and its record in the journal.
 *
 * Everything promote and undo do to a repository is a "move": one branch from one commit to
 * another, together with the work tree that has it checked out. A move runs one git child whose
 * identity is in the journal before it is waited for, and can be recovered after a crash at any
 * instant: the branch is at `from` or at `to`, and the tree follows it. */
#ifndef GIT_MOVE_H
#define GIT_MOVE_H

#include "git/git.h"
#include "model/journal.h"

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
/* Runs one call with its identity in the journal as stage "child" of n. 0 = it ended, *code and out
 * (both its outputs) say how. */
int move_run_child(
	struct git_call *c, struct journal *j, int n, int *code, struct buf *out, struct err *e);
/* A call that writes to the work tree of m, as its user. */
void move_in_tree(const struct move *m, struct git_call *c);
/* The branch is where the move wanted it, or further on. */
bool move_reached(const struct move *m, const char *now);

/* One at a time per repository; fd or -1 with code "busy". */
int move_lock(const char *state_dir, struct err *e);

#endif
