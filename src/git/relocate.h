/* relocate.h - the state of a repository that was moved: finding it by the branches it made, and
 * bringing it to the repository's new place. Blocking. */
#ifndef GIT_RELOCATE_H
#define GIT_RELOCATE_H

#include "git/git.h"
#include "model/store.h"

/* State whose repository is no longer where it was, and whose variants' commits are branches of r.
 * 1 = found, *out is to be released; 0 = there is none; -1 = the refs of r cannot be read. */
int relocate_find(const struct git_repo *r, struct store *out, struct err *e);
/* Brings it to r. The caller holds its conductor.lock. s is then the store of r; it is only changed
 * on success. What a crash cut short is found and finished by the next find and take. */
int relocate_take(const struct git_repo *r, struct store *s, struct err *e);

#endif
