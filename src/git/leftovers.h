/* leftovers.h - temporary files of writers that were killed, below a state directory. Blocking. */
#ifndef GIT_LEFTOVERS_H
#define GIT_LEFTOVERS_H

#include <stddef.h>

/* Removes what fs_replace, git in a quarantine, and the makers of stores and caches left behind.
 * For the holder of conductor.lock: every writer that could finish it is a child of an older
 * conductor, none of whose calls lasts longer than ten minutes, so what is younger is spared.
 * Nothing below work/, home/ and tmp/ of a variant is looked at. Number of things removed. */
size_t leftovers_remove(const char *state_dir);

#endif
