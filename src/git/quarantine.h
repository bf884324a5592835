/* quarantine.h - the race's own bare repository, which sees the user's objects and none of his
 * configuration; and the read-only object store of one base commit that the containers get. */
#ifndef GIT_QUARANTINE_H
#define GIT_QUARANTINE_H

#include "git/git.h"

/* Makes it under a temporary name, then renames; nothing to do when it is there. info/exclude holds
 * the user's own ignore rules (core.excludesFile, then info/exclude), read now. */
int quarantine_make(const struct git_repo *r, const char *path, struct err *e);
/* Lets the one at `path` see the user's objects where they are now. */
int quarantine_relink(const struct git_repo *r, const char *path, struct err *e);
/* Copies the list of cut-off commits, which changes when a shallow clone is deepened. */
int quarantine_sync_shallow(const struct git_repo *r, const char *path, struct err *e);
/* Bare, holding that commit's trees and files only; readable by any user. */
int quarantine_base_store(
	const struct git_repo *r, const char *base, const char *path, int race, struct err *e);
/* In a partial clone: fetches what the base commit lacks, with the user's configuration. */
int quarantine_complete(const struct git_repo *r, const char *base, struct err *e);

#endif
