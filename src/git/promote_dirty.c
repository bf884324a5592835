/* promote_dirty.c - what of the user's work stands in the way of the paths a move touches (facts:
 * git.md 4). */
#include "git/promote_dirty.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"

enum { ASK_IGNORED_MAX = 200 };

/* A reading call in the user's tree: his attributes and filters count, his hooks and fsmonitor do
 * not. */
static void tree_call(const struct target *t, struct git_call *c)
{
	git_in_tree(c, t->git_dir, t->dir, GIT_READS);
	c->timeout_ms = PROMOTE_STATUS_MS;
}

int promote_dirty_read(
	const struct target *t, struct strv *dirty, struct strv *unmerged, struct err *e)
{
	struct git_call c;
	struct strv f = STRV_INIT;
	int rc;

	tree_call(t, &c);
	rc = git_list(&c, &f, e, "status", "--porcelain=v1", "-z", "--no-renames",
		"--untracked-files=no", "--ignore-submodules=all", "--no-ahead-behind",
		(char *)NULL);
	for (size_t i = 0; !rc && i < f.n; i++) {
		const char *s = f.v[i];
		bool both;

		if (strlen(s) < 4 || *s == '#' || *s == '?' || *s == '!')
			continue;
		both = *s == 'U' || s[1] == 'U' || !strncmp(s, "AA", 2) || !strncmp(s, "DD", 2);
		strv_add(both ? unmerged : dirty, s + 3);
	}
	strv_release(&f);
	return rc < 0 ? err_prefix(e, "The state of %s could not be read", t->dir) : 0;
}

int promote_dirty_walk(const char *dir, const char *path, size_t *at)
{
	size_t n = strlen(path), i = 0;
	struct stat st;

	for (;;) {
		char *p;
		int rc;

		i += strcspn(path + i, "/");
		p = xasprintf("%s/%.*s", dir, (int)i, path);
		rc = lstat(p, &st);
		free(p);
		*at = i;
		if (rc < 0)
			return 0;
		if (!S_ISDIR(st.st_mode))
			return 1;
		if (i == n)
			return 2;
		i++;
	}
}

/* Adds what nobody tracks below a directory that is to become a file. */
static int untracked_below(
	const struct target *t, const char *path, struct strv *out, struct err *e)
{
	struct git_call c;

	tree_call(t, &c);
	return git_list(&c, out, e, "ls-files", "-z", "-o", "--", path, (char *)NULL);
}

/* New paths: what already stands there and is not tracked. */
static int find_blockers(const struct target *t, const struct changes *ch, const struct strv *dirty,
	struct strv *edits, struct strv *out, struct err *e)
{
	for (size_t i = 0; i < ch->n; i++) {
		const struct change *c = &ch->v[i];
		char *at_path;
		size_t at;
		int what;

		if (c->status != 'A')
			continue;
		what = promote_dirty_walk(t->dir, c->path, &at);
		if (what == 2 && untracked_below(t, c->path, out, e) < 0)
			return -1;
		if (what != 1)
			continue;
		at_path = xstrndup(c->path, at);
		if (strv_has(dirty, at_path)) {
			if (!strv_has(edits, at_path))
				strv_add(edits, at_path);
		} else if (!changes_find(ch, at_path) || at == strlen(c->path)) {
			if (!strv_has(out, at_path))
				strv_add(out, at_path);
		}
		free(at_path);
	}
	return 0;
}

/* A dirty path is in the way when it is touched itself, or a directory on its way becomes a file.
 */
static bool touched(const struct changes *ch, const char *path)
{
	bool hit = changes_find(ch, path) != NULL;

	for (const char *s = strchr(path, '/'); s && !hit; s = strchr(s + 1, '/')) {
		char *p = xstrndup(path, (size_t)(s - path));

		hit = changes_find(ch, p) != NULL;
		free(p);
	}
	return hit;
}

/* Which of the paths git would list without the ignore rules only. */
static bool all_ignored(const struct target *t, const struct strv *paths)
{
	struct git_call c;
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	bool ignored;

	if (paths->n > ASK_IGNORED_MAX)
		return false;
	tree_call(t, &c);
	strv_addl(&c.args, "ls-files", "-z", "-o", "--exclude-standard", "--", (char *)NULL);
	for (size_t i = 0; i < paths->n; i++)
		strv_add(&c.args, paths->v[i]);
	ignored = !git_capture(&c, &out, &e, (char *)NULL) && !out.len;
	buf_release(&out);
	return ignored;
}

static void say(const struct target *t, const struct strv *edits, const struct strv *blockers,
	const struct strv *unmerged, struct refusal *why)
{
	char *names;

	if (unmerged->n) {
		names = refusal_names(unmerged);
		refusal_set(why, "unmerged", "%s in %s still in conflict: %s; resolve that first.",
			unmerged->n == 1 ? "A file" : "Files",
			unmerged->n == 1 ? "your work tree is" : "your work tree are", names);
		free(names);
	}
	if (edits->n) {
		names = refusal_names(edits);
		refusal_set(why, "dirty",
			"Your unsaved changes touch the same files: %s; commit or stash them.",
			names);
		free(names);
	}
	if (blockers->n) {
		const char *kind = all_ignored(t, blockers) ? "ignored" : "untracked";

		names = refusal_names(blockers);
		if (blockers->n == 1)
			refusal_set(why, "in_the_way",
				"An %s file of yours is in the way: %s; move it away.", kind,
				names);
		else
			refusal_set(why, "in_the_way",
				"%zu %s files of yours are in the way: %s; move them away.",
				blockers->n, kind, names);
		free(names);
	}
}

int promote_dirty_check(const struct target *t, const struct changes *ch, struct strv *local,
	struct refusal *why, struct err *e)
{
	struct strv dirty = STRV_INIT, unmerged = STRV_INIT, edits = STRV_INIT,
		    blockers = STRV_INIT;
	int rc = promote_dirty_read(t, &dirty, &unmerged, e);

	for (size_t i = 0; !rc && i < dirty.n; i++) {
		if (touched(ch, dirty.v[i]))
			strv_add(&edits, dirty.v[i]);
		else if (local)
			strv_add(local, dirty.v[i]);
	}
	if (!rc)
		rc = find_blockers(t, ch, &dirty, &edits, &blockers, e);
	if (!rc)
		say(t, &edits, &blockers, &unmerged, why);
	strv_release(&dirty);
	strv_release(&unmerged);
	strv_release(&edits);
	strv_release(&blockers);
	return rc;
}
