/* copytree.h - a tree of ours (never a hostile one) copied to a new place by several threads: modes
 * and times kept, no link followed, blocks shared where the file system can (FICLONE). */
#ifndef GIT_COPYTREE_H
#define GIT_COPYTREE_H

#include "base/err.h"
#include "git/cache.h"

struct copy_entry {
	char *path; /* below the root */
	/* of the source; after copytree_run of the copy, except directories */
	struct stat st;
};
struct copy_list {
	struct copy_entry *e; /* a directory stands before what is in it */
	size_t n, cap;
};

int copytree_list(const char *root, struct copy_list *l, struct err *e);
void copytree_list_release(struct copy_list *l);
/* dst must not exist. uid, gid: owner of everything made, -1 = as it comes. */
int copytree_run(
	const char *src, struct copy_list *l, const char *dst, int uid, int gid, struct err *e);

#endif
