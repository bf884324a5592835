/* promote_apply.h - the one way from a plan (of a promote, an undo, a revert) to a move. */
#ifndef GIT_PROMOTE_APPLY_H
#define GIT_PROMOTE_APPLY_H

#include "git/move.h"
#include "git/promote_target.h"

struct apply {
	const struct git_repo *repo;
	const char *quarantine;
	const char *op; /* "promote" | "undo" */
	int race;
	const char *variant;
	int of; /* n of the promote an undo takes back, else 0 */
	const char *into, *from, *to, *dir; /* as the plan saw them; dir may be ANY_TREE */
	const char *start; /* the directory to look from: the tree that was seen; NULL = common */
	const char *umask; /* of who asks, octal; may be NULL */
	const char *keep; /* last part of the ref that brings `to` in; NULL = it is there already */
	bool back;
};
extern const char ANY_TREE[];

/* Looks again, refuses what no longer holds, journals the intent and moves. The caller holds
 * promote_lock. */
int apply_locked(const struct apply *a, struct journal *j, struct err *e);

#endif
