/* repo_init.h - a new repository with one commit of given files: the demo's. Blocking. */
#ifndef GIT_REPO_INIT_H
#define GIT_REPO_INIT_H

#include <sys/types.h>

#include "base/err.h"

struct repo_init_file {
	const char *path; /* relative, parents are made */
	const void *data;
	size_t len;
	mode_t mode;
};
/* Makes dir (which must not exist), the files in it, and a repository on branch main that holds
 * them in one commit. Its own config names `name` <mail> as committer, so that nothing of the
 * user's is needed. */
int repo_init(const char *dir, const struct repo_init_file *f, size_t n, const char *name,
	const char *mail, const char *subject, struct err *e);

#endif
