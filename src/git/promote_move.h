/* promote_move.h - does a move. */
#ifndef GIT_PROMOTE_MOVE_H
#define GIT_PROMOTE_MOVE_H

#include "git/move.h"

/* Brings `to` in (keep_ref), moves, verifies, recovers what a failing child left. Journals child,
 * then done or failed. n = intent. */
int promote_move_run(
	const struct move *m, int64_t since_ms, struct journal *j, int n, struct err *e);

#endif
