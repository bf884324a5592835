/* changes.h - what a commit changes of another one, path by path. */
#ifndef GIT_CHANGES_H
#define GIT_CHANGES_H

#include "git/git.h"

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

#endif
