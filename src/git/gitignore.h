/* gitignore.h - gitignore rules without git: the tree is hostile, and `git check-ignore` can be
 * crashed by it (facts: git.md 2).
 *
 * A chain of rule sets, the innermost first. A wrong answer may only ever be "not ignored": then a
 * file is recorded that need not be. Files over 64 KiB, more than 2,000 rules a file, and rules
 * over 1 KiB are not read; matching has a budget of steps for each path and for the whole walk. */
#ifndef GIT_GITIGNORE_H
#define GIT_GITIGNORE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	GITIGNORE_MAX_FILE = 64 << 10,
	GITIGNORE_MAX_RULES = 2000,
	GITIGNORE_MAX_RULE = 1024,
	GITIGNORE_STEPS = 20000
};

/* Shared by all questions of one walk. */
struct gitignore_budget {
	long total; /* steps left for the walk */
	size_t blown; /* paths for which the steps did not suffice: taken as not ignored */
};
#define GITIGNORE_BUDGET_INIT \
	{ \
		500000000L, 0 \
	}

struct gitignore;

/* Rules of a text. up = the outer set (not owned, must outlive this one); base = bytes of the path
 * before the directory the rules belong to, its slash included. */
struct gitignore *gitignore_new(
	const struct gitignore *up, size_t base, const char *text, size_t n);
/* Rules of .gitignore in dirfd, read like any hostile file. NULL when there is none: go on with
 * `up`. */
struct gitignore *gitignore_of_dir(const struct gitignore *up, size_t base, int dirfd, dev_t dev);
void gitignore_free(struct gitignore *g);
/* Is this path (relative to the root of the tree) ignored by itself? Its parents were asked before.
 */
bool gitignore_match(
	const struct gitignore *g, const char *path, bool dir, struct gitignore_budget *b);

#endif
