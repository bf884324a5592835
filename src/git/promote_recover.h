/* promote_recover.h - makes branch and work tree agree again after a move was cut off. */
#ifndef GIT_PROMOTE_RECOVER_H
#define GIT_PROMOTE_RECOVER_H

#include "git/move.h"

enum recovery { RECOVER_FROM, RECOVER_TO, RECOVER_NEEDS_USER };
/* No child runs any more: removes the locks it left (younger than since_ms) and makes the tree
 * whole. RECOVER_NEEDS_USER: nothing was touched, e says why: code "moved" = the branch is
 * elsewhere by now, "needs_you" = a person must look. -1: could not be found out. */
int promote_recover_move(const struct move *m, int64_t since_ms, enum recovery *how, struct err *e);

#endif
