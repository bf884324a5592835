/* cache.h - what the last walk over a work directory saw, and the commit it became: one file,
 * replaced atomically.
 *
 * The items describe exactly the tree of `commit`. Whoever uses one without the other resurrects
 * deleted files. A file that is torn, of another version or missing reads as "damaged": then the
 * walk starts from the base and reads everything. */
#ifndef GIT_CACHE_H
#define GIT_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	MODE_DIR = 040000,
	MODE_FILE = 0100644,
	MODE_EXEC = 0100755,
	MODE_LINK = 0120000,
	MODE_GITLINK = 0160000
};

struct walk_item {
	const char *path; /* the cache's */
	uint32_t hash;
	/* one of the above; a directory is listed when it holds listed files */
	uint32_t mode;
	bool seen; /* the walk's: met again */
	bool same; /* the walk's: exactly as it was */
	int64_t size, mtime, ctime; /* ns; ctime 0 = always read again */
	uint64_t ino;
};

struct walk_cache {
	char *commit, *tree, *message; /* message "" = the commit is not ours */
	int64_t time; /* CLOCK_REALTIME ns at which the walk began */
	int files; /* against the base, -1 = not known */
	int64_t added, removed;
	struct strv paths;
	struct walk_item *item;
	size_t n, cap;
	struct cache_slot *slot; /* index by path */
	size_t nslot;
	struct buf text; /* of the file: its items' paths point into it */
	char **chunk; /* memory for the other paths */
	size_t nchunk, chunk_used;
};

void cache_init(struct walk_cache *c);
void cache_release(struct walk_cache *c);
/* st NULL: nothing known of the file, read it at the next walk. */
struct walk_item *cache_add(
	struct walk_cache *c, const char *path, uint32_t mode, const struct stat *st);
struct walk_item *cache_find(const struct walk_cache *c, const char *path);
/* Adds every directory above the items that is not listed yet. */
void cache_add_parents(struct walk_cache *c);
/* Adds the items of `old` that are marked same. */
void cache_add_same(struct walk_cache *c, const struct walk_cache *old);
uint32_t cache_mode(mode_t m); /* of a stat; 0 = neither file nor link nor directory */
/* Same size, times, inode and kind as when the item was written, and not changed so close to the
 * walk that the clock hides it. */
bool cache_unchanged(const struct walk_cache *c, const struct walk_item *i, const struct stat *st);

/* codes "not_found", "damaged" */
int cache_load(struct walk_cache *c, const char *path, struct err *e);
int cache_save(const struct walk_cache *c, const char *path, struct err *e);

#endif
