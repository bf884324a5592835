/* leftovers.c - which names are temporary where, and how old they must be. */
#include "git/leftovers.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/dir_walk.h"
#include "base/fs.h"
#include "base/mem.h"
#include "git/git.h"

enum { MAX_DEPTH = 8, HEX = 16, AGE_S = GIT_WORK_MS / 1000 };

struct leftovers {
	const char *dir;
	time_t before; /* what was written to since then is spared */
	struct strv stores; /* unfinished ones, below dir */
	size_t n;
};

static bool ends(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

/* ".<name>.<16 hex>.tmp", as fs_replace calls it. */
static bool is_replacement(const char *name)
{
	size_t n = strlen(name);
	const char *hex = n > HEX + 6 ? name + n - HEX - 4 : NULL;

	return *name == '.' && ends(name, ".tmp") && hex && hex[-1] == '.' &&
		strspn(hex, "0123456789abcdef") == HEX;
}

/* A file in the quarantine q.git, which only we write to. */
static bool is_gits(const char *name)
{
	return !strncmp(name, "tmp_", 4) || ends(name, ".lock") ||
		(!strncmp(name, "attributes.", 11) && ends(name, ".tmp"));
}

static bool is_leftover(const struct dir_entry *ent)
{
	if (is_replacement(ent->name) || !strcmp(ent->name, "walk.cache.new"))
		return true;
	if (!ent->depth)
		return ends(ent->name, ".new");
	return strstr(ent->path, "/q.git/") && is_gits(ent->name);
}

/* base-<commit>.git.<race>.new */
static bool is_unfinished_store(const struct dir_entry *ent)
{
	return !ent->depth && !strncmp(ent->name, "base-", 5) && strstr(ent->name, ".git.") &&
		ends(ent->name, ".new");
}

/* races/<n>, the quarantine without its 256 directories of single objects, and each variant's own
 * directory. */
static bool is_of_interest(const struct dir_entry *ent)
{
	if (ent->depth == 0)
		return !strcmp(ent->name, "races");
	if (ent->depth < 3)
		return true;
	return strstr(ent->path, "/q.git/") && strlen(ent->name) != 2;
}

static enum dir_next visit(void *ctx, const struct dir_entry *ent)
{
	struct leftovers *l = ctx;

	if (S_ISDIR(ent->st.st_mode)) {
		if (is_unfinished_store(ent))
			strv_add(&l->stores, ent->name);
		return is_of_interest(ent) ? DIR_GO_ON : DIR_DO_NOT_ENTER;
	}
	if (S_ISREG(ent->st.st_mode) && ent->st.st_mtime < l->before && is_leftover(ent) &&
		!unlinkat(ent->dirfd, ent->name, 0)) {
		diag(DIAG_INFO, "removed %s/%s, left by a writer that was killed", l->dir,
			ent->path);
		l->n++;
	}
	return DIR_GO_ON;
}

static enum dir_next find_young(void *ctx, const struct dir_entry *ent)
{
	time_t *newest = ctx;

	*newest = ent->st.st_mtime > *newest ? ent->st.st_mtime : *newest;
	return DIR_GO_ON;
}

/* A race that is prepared again finishes its own store: so only what is finished already, or
 * belongs to a race that is gone. */
static bool may_go(const struct leftovers *l, const char *name)
{
	const char *tail = strstr(name, ".git.") + strlen(".git");
	char *done = xasprintf("%s/%.*s", l->dir, (int)(tail - name), name);
	char *race = xasprintf("%s/races/%d", l->dir, (int)strtol(tail + 1, NULL, 10));
	bool yes = fs_is_dir(done) || !fs_is_dir(race);

	free(done);
	free(race);
	return yes;
}

static void remove_store(struct leftovers *l, const char *name)
{
	char *path = fs_join(l->dir, name);
	time_t newest = 0;
	struct dir_walk w = { find_young, &newest, MAX_DEPTH, false };
	struct err e = ERR_INIT;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && !dir_walk(&w, fd) && newest && newest < l->before && may_go(l, name) &&
		!fs_remove_tree(path, "objects", &e)) {
		diag(DIAG_INFO, "removed %s, which nobody finished", path);
		l->n++;
	}
	free(path);
}

size_t leftovers_remove(const char *state_dir)
{
	struct leftovers l = { .dir = state_dir, .before = time(NULL) - AGE_S };
	struct dir_walk w = { visit, &l, MAX_DEPTH, false };
	int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		dir_walk(&w, fd);
	for (size_t i = 0; i < l.stores.n; i++)
		remove_store(&l, l.stores.v[i]);
	strv_release(&l.stores);
	return l.n;
}
