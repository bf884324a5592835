/* fast_import.h - one `git fast-import` that makes one commit. Names must be judged before: git up
 * to 2.47 takes every one, later git ends at "..", ".git" and a link named .gitmodules. */
#ifndef GIT_FAST_IMPORT_H
#define GIT_FAST_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fast_import_spec {
	const char *git_dir, *ref;
	const char *parent; /* the commit's only parent */
	const char *from_tree; /* tree the changes apply to; NULL = the parent's */
	const char *author, *committer; /* "Name <mail>" */
	const char *message;
	bool durable; /* fsync what it writes */
};
struct fast_import;

/* Errors after the start are kept and come out of fast_import_close. */
struct fast_import *fast_import_open(const struct fast_import_spec *s, struct err *e);
void fast_import_delete(struct fast_import *f, const char *path);
/* A file or link: then exactly `size` bytes by fast_import_bytes. */
void fast_import_file(struct fast_import *f, uint32_t mode, const char *path, size_t size);
void fast_import_bytes(struct fast_import *f, const void *p, size_t n);
/* Ends the commit and frees f; ids are the caller's to free. */
int fast_import_close(struct fast_import *f, char **commit, char **tree, struct err *e);
void fast_import_abort(struct fast_import *f); /* nothing was made; NULL is fine */

#endif
