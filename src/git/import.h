/* import.h - brings a commit of the quarantine into the user's repository. */
#ifndef GIT_IMPORT_H
#define GIT_IMPORT_H

#include "git/git.h"

/* Brings one commit of the quarantine into the user's repository as `ref` (forced), objects checked
 * by fsck. */
int import_commit(const struct git_repo *r, const char *quarantine, const char *commit,
	const char *ref, struct err *e);
/* The same as a call to be started with git_spawn; c is initialised here unless it fails. */
int import_call(struct git_call *c, const struct git_repo *r, const char *quarantine,
	const char *commit, const char *ref, struct err *e);

#endif
