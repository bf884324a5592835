/* feed.h - one `git fast-import` that makes one commit. fast-import checks no names at all: what is
 * fed must be judged before. */
#ifndef GIT_FEED_H
#define GIT_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct feed_spec {
	const char *git_dir, *ref;
	const char *parent; /* the commit's only parent */
	const char *from_tree; /* tree the changes apply to; NULL = the parent's */
	const char *author, *committer; /* "Name <mail>" */
	const char *message;
	bool durable; /* fsync what it writes */
};
struct feed;

/* Errors after the start are kept and come out of feed_close. */
struct feed *feed_open(const struct feed_spec *s, struct err *e);
void feed_delete(struct feed *f, const char *path);
/* A file or link: then exactly `size` bytes by feed_bytes. */
void feed_file(struct feed *f, uint32_t mode, const char *path, size_t size);
void feed_bytes(struct feed *f, const void *p, size_t n);
/* Ends the commit and frees f; ids are the caller's to free. */
int feed_close(struct feed *f, char **commit, char **tree, struct err *e);
void feed_abort(struct feed *f); /* nothing was made; NULL is fine */

#endif
