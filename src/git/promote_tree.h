/* promote_tree.h - is a directory really a work tree of a git directory, and may it be written to?
 */
#ifndef GIT_PROMOTE_TREE_H
#define GIT_PROMOTE_TREE_H

#include <stdbool.h>

#include "git/refusal.h"

/* Refuses (code "unsafe_tree") a directory that is, holds or lies in git_dir or common, where a
 * promoted file could become a hook or configuration, and one whose .git does not resolve to
 * git_dir. All paths absolute; dir must be there. */
void promote_tree_check(
	const char *dir, const char *git_dir, const char *common, struct refusal *why);
/* Is at least one file of the git directory's index there? For a directory that only lies where a
 * work tree usually is. True for an empty index. */
bool promote_tree_has_files(const char *dir, const char *git_dir);

#endif
