/* promote_build.h - the commits a promote or a revert is made of, built in an object store nobody's
 * work tree hangs on. */
#ifndef GIT_PROMOTE_BUILD_H
#define GIT_PROMOTE_BUILD_H

#include "git/promote.h"
#include "git/refusal.h"

enum { PROMOTE_MERGE_MS = 60000 };

struct build {
	const char *store; /* git dir the objects are written to */
	const char *common; /* the user's git dir: for the merge attributes */
	const char *base, *ours,
		*theirs; /* base of the variant, tip of the target, tip of the variant */
	const char *ours_name; /* "main", for sentences */
	const char *label; /* "7/claude-1" */
	const char *subject;
	const char *ident; /* author and committer */
	enum promote_how how;
};
/* *out = the new tip, NULL when why or conflicts say it cannot be. */
int build_promote(const struct build *b, char **out, struct strv *conflicts, struct refusal *why,
	struct err *e);
/* The commit on ours that takes theirs..base back: base = what was promoted, theirs = what was
 * there before. */
int build_revert(const struct build *b, char **out, struct refusal *why, struct err *e);

#endif
