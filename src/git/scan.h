/* scan.h - judges a finished tree before it reaches the user's repository. It shares no code with
 * the walker: what one of them overlooks the other may see. Only what differs from the base is
 * judged; what the user has already, he has. */
#ifndef GIT_SCAN_H
#define GIT_SCAN_H

#include "base/err.h"

/* 0 with *why = NULL: may be taken. 0 with *why (owned): the sentences why not. -1: could not be
 * judged. */
int scan_tree(
	const char *quarantine, const char *base, const char *commit, char **why, struct err *e);
/* Would a link at `path` with this target lead out of the tree (or into .git)? */
int scan_link_leaves(const char *path, const char *target);

#endif
