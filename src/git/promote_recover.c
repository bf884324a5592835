/* promote_recover.c - makes branch and work tree agree again after a git child died half-way
 * (facts: git.md 4 and 8.7).
 *
 * Measured there: the ref is old or new, never else; but with the old ref the tree may hold new,
 * old, missing and torn files, the index being old or new. All touched paths were clean when we
 * started (promote refuses else), so a file that is new, missing or the beginning of new is git's
 * doing; one file that is none of these is the user's, and then nothing at all is touched. We go
 * back to `from` rather than on to `to`: hours may have passed, and nobody is looking at a dialog
 * now. */
#include "git/promote_recover.h"
#include "git/promote_dirty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/promote_locks.h"
#include "git/promote_tree.h"

enum { MODE_LINK = 0120000, MODE_GITLINK = 0160000 };

enum state { AT_OLD, AT_NEW, AT_MISSING, AT_TORN, FILE_FOREIGN };

struct recover_job {
	const struct move *m;
	struct target t; /* borrowed strings of m */
	struct changes ch;
	struct strv dirty;
	struct strv hashed, ids; /* files of the tree and what git would store of them now */
	struct strv put_back, drop; /* tracked in from; not in from */
	struct strv foreign;
};

static int blob(const struct recover_job *h, const char *id, const char *path, bool filtered,
	struct buf *out, struct err *e)
{
	struct git_call c;

	if (filtered)
		git_in_tree(&c, h->m->git_dir, h->m->dir, GIT_READS);
	else
		git_call_init(&c, h->m->repo->common);
	c.timeout_ms = GIT_WORK_MS;
	c.cap = (size_t)1 << 30;
	strv_add(&c.args, "cat-file");
	if (filtered)
		strv_fmt(&c.args, "--path=%s", path);
	return git_capture(&c, out, e, filtered ? "--filters" : "blob", id, (char *)NULL);
}

/* The bytes that stand on disk: of a file, or the target of a link. 1 = read, 0 = nothing there, -1
 * = cannot be read. */
static int disk(const char *dir, const char *path, bool *link, struct buf *out)
{
	char *p, target[4096];
	struct err ignored = ERR_INIT;
	struct stat st;
	ssize_t n;
	size_t at;
	int what = promote_dirty_walk(dir, path, &at), rc = -1;

	*link = false;
	buf_clear(out);
	if (what == 0 || what == 2 || at < strlen(path))
		return 0;
	p = xasprintf("%s/%s", dir, path);
	if (!lstat(p, &st) && S_ISLNK(st.st_mode)) {
		*link = true;
		n = readlink(p, target, sizeof(target));
		if (n > 0)
			buf_add(out, target, (size_t)n);
		rc = n > 0 ? 1 : -1;
	} else if (S_ISREG(st.st_mode)) {
		rc = fs_read(p, (size_t)1 << 30, out, &ignored) < 0 ? -1 : 1;
	}
	free(p);
	return rc;
}

/* Does the disk hold this side of the change, whole (2) or its beginning (1)? With the user's
 * conversions too. */
static int holds(const struct recover_job *h, unsigned mode, const char *id, const char *path,
	bool link, const struct buf *d, int *out, struct err *e)
{
	struct buf want = BUF_INIT;
	bool want_link = (mode & 0170000) == MODE_LINK;
	int rc = 0;

	*out = 0;
	if (!mode || want_link != link)
		return 0;
	for (int filtered = 0; !rc && filtered <= !link && *out < 2; filtered++) {
		rc = blob(h, id, path, filtered, &want, e);
		if (!rc && d->len == want.len && !memcmp(d->p, want.p, d->len))
			*out = 2;
		else if (!rc && !link && d->len < want.len && !memcmp(d->p, want.p, d->len))
			*out = 1;
	}
	buf_release(&want);
	return rc;
}

/* By the id git gives the file (the user's clean filters run, as they do for status): most paths
 * need no more. */
static bool judge_by_id(const struct recover_job *h, const struct change *c, enum state *out)
{
	const char *id = NULL;

	for (size_t i = 0; i < h->hashed.n && !id; i++)
		if (!strcmp(h->hashed.v[i], c->path))
			id = h->ids.v[i];
	if (!id)
		return false;
	*out = c->new_mode && !strcmp(id, c->new_id) ? AT_NEW : AT_OLD;
	return *out == AT_NEW || (c->old_mode && !strcmp(id, c->old_id));
}

static int judge(
	const struct recover_job *h, const struct change *c, enum state *out, struct err *e)
{
	struct buf d = BUF_INIT;
	bool link;
	int there, new = 0, old = 0, rc = 0;

	if (judge_by_id(h, c, out))
		return 0;
	there = disk(h->m->dir, c->path, &link, &d);
	*out = there < 0 ? FILE_FOREIGN : AT_MISSING;
	if (there == 1) {
		rc = holds(h, c->new_mode, c->new_id, c->path, link, &d, &new, e);
		if (!rc && new != 2)
			rc = holds(h, c->old_mode, c->old_id, c->path, link, &d, &old, e);
		*out = new == 2 ? AT_NEW : old == 2 ? AT_OLD : new == 1 ? AT_TORN : FILE_FOREIGN;
	}
	buf_release(&d);
	return rc;
}

static bool wants_look(const struct recover_job *h, const struct change *c)
{
	return ((c->old_mode | c->new_mode) & 0170000) != MODE_GITLINK &&
		(c->status == 'A' || strv_has(&h->dirty, c->path));
}

/* Sorts the touched paths that are not as in `from`. Clean against an index that is clean against
 * HEAD = as in from. */
static int sort_paths(struct recover_job *h, struct err *e)
{
	for (size_t i = 0; i < h->ch.n; i++) {
		const struct change *c = &h->ch.v[i];
		bool dirty = strv_has(&h->dirty, c->path);
		enum state s;

		if (((c->old_mode | c->new_mode) & 0170000) == MODE_GITLINK) {
			if (dirty)
				strv_add(c->old_mode ? &h->put_back : &h->drop, c->path);
			continue;
		}
		if (!wants_look(h, c))
			continue;
		if (judge(h, c, &s, e) < 0)
			return -1;
		if (s == FILE_FOREIGN)
			strv_add(&h->foreign, c->path);
		else if (c->status != 'A')
			strv_add(&h->put_back, c->path);
		else if (s != AT_MISSING || dirty)
			strv_add(&h->drop, c->path);
	}
	return 0;
}

static int tree_git(const struct recover_job *h, const struct strv *paths, struct err *e, ...)
{
	struct git_call c;
	struct buf in = BUF_INIT;
	const char *a;
	va_list ap;
	int rc;

	move_in_tree(h->m, &c);
	va_start(ap, e);
	while ((a = va_arg(ap, const char *)))
		strv_add(&c.args, a);
	va_end(ap);
	for (size_t i = 0; i < paths->n; i++)
		buf_add(&in, paths->v[i], strlen(paths->v[i]) + 1);
	c.in = in.p;
	c.nin = in.len;
	rc = git_capture(&c, NULL, e, (char *)NULL);
	buf_release(&in);
	return rc;
}

/* The directories on the way to a new file that git made for it. */
static void drop_dirs(const char *dir, const char *path)
{
	char *p = xasprintf("%s/%s", dir, path), *slash;
	size_t at;

	if (promote_dirty_walk(dir, path, &at) == 0)
		while ((slash = strrchr(p, '/')) && (size_t)(slash - p) > strlen(dir)) {
			*slash = '\0';
			if (rmdir(p) < 0 && errno != ENOENT)
				break;
		}
	free(p);
}

static void drop_file(const char *dir, const char *path)
{
	char *p = xasprintf("%s/%s", dir, path);
	size_t at;

	if (promote_dirty_walk(dir, path, &at) == 1 && at == strlen(path))
		unlink(p);
	free(p);
}

/* restore makes files of what a sparse checkout leaves out. */
static void keep_sparse(const struct recover_job *h)
{
	struct buf b = BUF_INIT;
	struct err ignored = ERR_INIT;
	static const struct strv none = STRV_INIT;

	if (!git_out(h->m->git_dir, &b, &ignored, "config", "--bool", "core.sparseCheckout",
		    (char *)NULL) &&
		!strcmp(b.p, "true"))
		tree_git(h, &none, &ignored, "sparse-checkout", "reapply", (char *)NULL);
	buf_release(&b);
}

static int put_back(struct recover_job *h, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < h->drop.n; i++)
		drop_file(h->m->dir, h->drop.v[i]);
	if (h->drop.n)
		rc = tree_git(h, &h->drop, e, "update-index", "-q", "--force-remove", "-z",
			"--stdin", (char *)NULL);
	/* A file dropped from where a directory was: git puts the directory's files back here. */
	if (!rc && h->put_back.n)
		rc = tree_git(h, &h->put_back, e, "restore", "--source", h->m->from, "--staged",
			"--worktree", "--no-progress", "--pathspec-from-file=-",
			"--pathspec-file-nul", (char *)NULL);
	if (!rc)
		keep_sparse(h);
	return rc;
}

static int read_dirty(struct recover_job *h, struct err *e)
{
	strv_clear(&h->dirty);
	return promote_dirty_read(&h->t, &h->dirty, &h->dirty, e);
}

static int still_dirty(struct recover_job *h, struct err *e)
{
	struct strv left = STRV_INIT;
	char *names;
	int rc = read_dirty(h, e);

	for (size_t i = 0; !rc && i < h->dirty.n; i++)
		if (changes_find(&h->ch, h->dirty.v[i]))
			strv_add(&left, h->dirty.v[i]);
	if (left.n) {
		names = refusal_names(&left);
		rc = err_set(e, "git_failed", "%s could not be put back to how %s has it", names,
			h->m->name);
		free(names);
	}
	strv_release(&left);
	return rc;
}

/* One git for all files in question. When it fails (a filter that cannot take half a file), each is
 * compared by its bytes. */
static void hash_files(struct recover_job *h)
{
	struct git_call c;
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < h->ch.n; i++) {
		const char *path = h->ch.v[i].path;
		char *p = xasprintf("%s/%s", h->m->dir, path);
		struct stat st;
		size_t at;

		if (wants_look(h, &h->ch.v[i]) && !strchr(path, '\n') && *path != '"' &&
			promote_dirty_walk(h->m->dir, path, &at) == 1 && at == strlen(path) &&
			!lstat(p, &st) && S_ISREG(st.st_mode)) {
			strv_add(&h->hashed, path);
			buf_fmt(&in, "%s\n", path);
		}
		free(p);
	}
	git_in_tree(&c, h->m->git_dir, h->m->dir, GIT_READS);
	c.timeout_ms = PROMOTE_STATUS_MS;
	c.in = in.p;
	c.nin = in.len;
	if (h->hashed.n &&
		!git_capture(&c, &out, &ignored, "hash-object", "--stdin-paths", (char *)NULL))
		for (char *p = out.p; *p; p += strcspn(p, "\n"), p += *p == '\n')
			strv_take(&h->ids, xstrndup(p, strcspn(p, "\n")));
	if (h->ids.n != h->hashed.n)
		strv_clear(&h->hashed);
	buf_release(&out);
	buf_release(&in);
}

static int recover_tree(struct recover_job *h, enum recovery *how, struct err *e)
{
	char *names;

	if (read_dirty(h, e) < 0)
		return -1;
	hash_files(h);
	if (sort_paths(h, e) < 0)
		return -1;
	if (h->foreign.n) {
		names = refusal_names(&h->foreign);
		err_set(e, "needs_you",
			"The move of %s was cut off and since then something else changed %s; "
			"nothing was touched: look at "
			"`git status` in %s and put the files back with `git restore`",
			h->m->name, names, h->m->dir);
		free(names);
		*how = RECOVER_NEEDS_USER;
		return 0;
	}
	if ((h->put_back.n || h->drop.n) && (put_back(h, e) < 0 || still_dirty(h, e) < 0))
		return -1;
	for (size_t i = 0; i < h->ch.n; i++)
		if (h->ch.v[i].status == 'A')
			drop_dirs(h->m->dir, h->ch.v[i].path);
	return 0;
}

/* Is the branch still what HEAD of that work tree names? */
static bool head_holds(const struct move *m)
{
	struct buf b = BUF_INIT;
	struct err ignored = ERR_INIT;
	bool same =
		!git_out(m->git_dir, &b, &ignored, "symbolic-ref", "-q", "HEAD", (char *)NULL) &&
		!strcmp(b.p, m->ref);

	buf_release(&b);
	return same;
}

/* Killed while the result was being fetched, no tree was touched yet: the ref is the last thing a
 * fetch writes. */
static bool arrived(const struct move *m)
{
	struct err ignored = ERR_INIT;
	char *kept = m->keep_ref ? git_ref(m->repo->common, m->keep_ref, &ignored) : NULL;
	bool there = kept && !strcmp(kept, m->to);

	if (!there)
		there = !git_out(
			m->repo->common, NULL, &ignored, "cat-file", "-e", m->to, (char *)NULL);
	free(kept);
	return there;
}

static int recover_from(const struct move *m, enum recovery *how, struct err *e)
{
	struct recover_job h = { .m = m };
	struct refusal why = { NULL, NULL };
	int rc;

	if (!fs_is_dir(m->dir) || !head_holds(m)) {
		*how = RECOVER_NEEDS_USER;
		err_set(e, "needs_you", "%s is no longer checked out in %s; nothing was touched",
			m->name, m->dir);
		return 0;
	}
	promote_tree_check(m->dir, m->git_dir, m->repo->common, &why);
	if (why.code) {
		*how = RECOVER_NEEDS_USER;
		err_set(e, "needs_you", "%s", why.msg);
		refusal_release(&why);
		return 0;
	}
	h.t.dir = m->dir;
	h.t.git_dir = m->git_dir;
	if (!arrived(m))
		return 0;
	rc = changes_read(m->repo->common, NULL, m->from, m->to, &h.ch, e);
	if (!rc)
		rc = recover_tree(&h, how, e);
	changes_release(&h.ch);
	strv_release(&h.dirty);
	strv_release(&h.hashed);
	strv_release(&h.ids);
	strv_release(&h.put_back);
	strv_release(&h.drop);
	strv_release(&h.foreign);
	return rc;
}

int promote_recover_move(const struct move *m, int64_t since_ms, enum recovery *how, struct err *e)
{
	char *now;
	int rc = 0;

	*how = RECOVER_FROM;
	if (promote_locks_clear_move(m, since_ms, e) < 0)
		return -1;
	now = git_ref(m->repo->common, m->ref, e);
	if (!now && *e->code)
		return -1;
	if (now && move_reached(m, now)) {
		*how = RECOVER_TO;
	} else if (!now || strcmp(now, m->from)) {
		*how = RECOVER_NEEDS_USER;
		err_set(e, "moved", "%s was moved by somebody since; nothing was touched%s%s",
			m->name, m->dir ? ", look at `git status` in " : "", m->dir ? m->dir : "");
	} else if (m->dir) {
		rc = recover_from(m, how, e);
	}
	free(now);
	return rc;
}
