/* walk.h - walks a hostile tree and tells a feed what differs from the last walk. It enters nothing
 * it did not judge, reads nothing but regular files below the root, and never calls absent what it
 * could not see. */
#ifndef GIT_WALK_H
#define GIT_WALK_H

#include "git/cache.h"
#include "git/fast_import.h"
#include "git/gitignore.h"

enum {
	WALK_MAX_FILE = 64 << 20,
	WALK_MAX_FILES = 200000,
	WALK_MAX_CHANGED = 50000,
	WALK_MAX_ENTRIES = 1000000, /* looked at, whatever they are */
	WALK_MAX_DEPTH = 64,
	WALK_MAX_PATH = 4096,
};
#define WALK_MAX_BYTES ((int64_t)1 << 30) /* content of changed files, per walk */

struct walk_report {
	size_t files, changed, deleted, ignored;
	size_t too_big, unreadable, special, elsewhere, moving; /* left out, or kept as before */
	size_t too_deep, too_many;
	int64_t bytes; /* read */
	/* left out, by the reason: paths */
	struct strv nested, imitates, control, backslash, submodule, modules_link;
	struct strv crlf; /* files that were read and hold CRLF, all of them */
};
void walk_report_release(struct walk_report *r);

struct walk_in {
	const char *work;
	struct walk_cache *old; /* what was there; its items' `seen` is used up */
	/* filled: time, and the items that differ from old; the others are marked `same` in old */
	struct walk_cache *now;
	const struct gitignore *outer; /* the user's own rules, NULL = none */
	bool full; /* read every file */
	/* Called at the first difference; the feed stays the caller's. */
	struct fast_import *(*begin)(void *ctx, struct err *e);
	void *ctx;
};
int walk_tree(const struct walk_in *in, struct walk_report *out, struct err *e);

#endif
