/* walk.c - the walk over a hostile tree.
 *
 * The tree changes under us, by somebody who knows how we look. So each entry is judged (fstatat,
 * no links), opened as the thing that was judged (open_nofollow.h), and what disagrees is "kept as
 * before": the item stays as the last walk saw it, marked to be read again. Only an entry that is
 * absent, in a directory that was read to its end, is a deletion. Directories are entered one
 * component at a time and hold one descriptor each, at most 64 deep. Known files are never ignored:
 * a rule that somebody writes into .gitignore can hide new files only. */
#include "git/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "git/open_nofollow.h"

enum { BLOCK = 64 << 10, MAX_NAMED = 200, MAX_NAMES = 16 << 20 };

struct walk {
	const struct walk_in *in;
	struct walk_report *r;
	struct fast_import *feed;
	struct err *e;
	int failed;
	dev_t dev;
	struct gitignore_budget budget;
	struct walk_cache kept; /* paths whose inside could not be seen; used as a set */
	char *block;
	size_t visited;
	size_t recorded; /* entries that are in the tree so far */
	size_t len; /* of path */
	char path[WALK_MAX_PATH + 300];
};

void walk_report_release(struct walk_report *r)
{
	strv_release(&r->nested);
	strv_release(&r->imitates);
	strv_release(&r->control);
	strv_release(&r->backslash);
	strv_release(&r->submodule);
	strv_release(&r->modules_link);
	strv_release(&r->crlf);
	memset(r, 0, sizeof *r);
}

static void name_it(struct strv *list, const char *path)
{
	if (list->n < MAX_NAMED)
		strv_add(list, path);
}

enum name_kind { NAME_FINE, NAME_GIT, NAME_IMITATES, NAME_CONTROL, NAME_BACKSLASH };

/* Code points that HFS+ ignores in names: ZWNJ ... RLM, bidi controls, BOM. */
static size_t ignorable(const unsigned char *p)
{
	if (p[0] == 0xE2 && p[1] == 0x80 &&
		((p[2] >= 0x8C && p[2] <= 0x8F) || (p[2] >= 0xAA && p[2] <= 0xAE)))
		return 3;
	if (p[0] == 0xE2 && p[1] == 0x81 && p[2] >= 0xAA && p[2] <= 0xAF)
		return 3;
	return p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF ? 3 : 0;
}

/* What some file system would take for ".git", and bytes no checkout should meet. */
static enum name_kind judge_name(const char *name)
{
	char folded[NAME_MAX + 1];
	size_t n = 0, skip;

	for (const unsigned char *p = (const unsigned char *)name; *p && n < sizeof folded - 1;) {
		if (*p < 32 || *p == 127)
			return NAME_CONTROL;
		if (*p == '\\')
			return NAME_BACKSLASH;
		skip = ignorable(p);
		if (skip) {
			p += skip;
			continue;
		}
		folded[n++] = (char)*p++;
	}
	folded[n] = '\0';
	folded[strcspn(folded, ":")] = '\0';
	n = strlen(folded);
	while (n && (folded[n - 1] == '.' || folded[n - 1] == ' '))
		folded[--n] = '\0';
	if (strcasecmp(folded, ".git") && strcasecmp(folded, "git~1"))
		return NAME_FINE;
	return strcmp(name, ".git") ? NAME_IMITATES : NAME_GIT;
}

static bool open_feed(struct walk *w)
{
	if (!w->feed && !w->failed) {
		w->feed = w->in->begin(w->in->ctx, w->e);
		w->failed = w->feed ? 0 : -1;
	}
	return w->feed != NULL;
}

/* The item stays as it was and will be read at the next walk. */
static void carry(struct walk *w, struct walk_item *old)
{
	old->seen = true;
	w->recorded++;
	cache_add(w->in->now, old->path, old->mode, NULL);
}

/* Nothing is known of w->path and what may be below it. */
static void keep(struct walk *w, struct walk_item *old)
{
	cache_add(&w->kept, w->path, MODE_DIR, NULL);
	if (old && old->mode != MODE_DIR)
		carry(w, old);
}

/* Judged as one thing, it could not be opened as that. ENOENT: it was there a moment ago; the next
 * walk knows. */
static void cannot_open(struct walk *w, struct walk_item *old)
{
	if (errno == EACCES || errno == EPERM)
		w->r->unreadable++;
	else if (errno == EXDEV)
		w->r->elsewhere++;
	else
		w->r->moving++;
	keep(w, old);
}

/* Whether one more changed file of this size still fits. Files that look as before do not count, or
 * a big base would. */
static bool fits(struct walk *w, const struct walk_item *old, const struct stat *st)
{
	if (old && old->mode == cache_mode(st->st_mode) && cache_unchanged(w->in->old, old, st))
		return true;
	if (w->r->changed >= WALK_MAX_CHANGED || w->r->bytes + st->st_size > WALK_MAX_BYTES) {
		w->r->too_many++;
		return false;
	}
	w->r->changed++;
	w->r->bytes += st->st_size;
	return true;
}

static size_t read_block(int fd, char *p, size_t n)
{
	size_t done = 0;
	ssize_t got;

	while (done < n && (got = read(fd, p + done, n - done)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		done += got > 0 ? (size_t)got : 0;
	}
	return done;
}

/* A block goes to the feed. after_cr: the one before ended in CR. */
static bool send_block(struct walk *w, size_t n, bool *after_cr)
{
	bool crlf = (*after_cr && n && *w->block == '\n') || memmem(w->block, n, "\r\n", 2);

	fast_import_bytes(w->feed, w->block, n);
	*after_cr = n && w->block[n - 1] == '\r';
	return crlf;
}

/* Sends the file's bytes; its length is said before, so one that shrinks meanwhile is filled up
 * with zeros. Returns false when it changed while it was read. */
static bool send_content(struct walk *w, int fd, uint32_t mode, const struct stat *st)
{
	size_t want = (size_t)st->st_size, sent = 0, got;
	struct stat after;
	bool same, crlf = false, after_cr = false;

	got = read_block(fd, w->block, BLOCK);
	same = got >= want || got == BLOCK;
	if (want <= BLOCK && got < want)
		want = got;
	if (got > want)
		got = want;
	fast_import_file(w->feed, mode, w->path, want);
	for (;;) {
		crlf |= send_block(w, got, &after_cr);
		sent += got;
		if (sent >= want)
			break;
		got = want - sent < BLOCK ? want - sent : BLOCK;
		if (read_block(fd, w->block, got) < got) {
			memset(w->block, 0, got);
			same = false;
		}
	}
	if (crlf)
		strv_add(&w->r->crlf, w->path);
	return same && !fstat(fd, &after) && after.st_size == st->st_size &&
		after.st_ctim.tv_sec == st->st_ctim.tv_sec &&
		after.st_ctim.tv_nsec == st->st_ctim.tv_nsec;
}

static void visit_file(struct walk *w, int dirfd, const char *name, struct walk_item *old)
{
	struct stat st;
	int fd = open_nofollow_file(dirfd, name, w->dev, &st);

	if (fd < 0) {
		cannot_open(w, old);
		return;
	}
	if (st.st_size > WALK_MAX_FILE) {
		if (!old || !cache_unchanged(w->in->old, old, &st))
			w->r->too_big++;
		keep(w, old);
	} else if (!fits(w, old, &st)) {
		keep(w, old);
	} else if (open_feed(w)) {
		uint32_t mode = cache_mode(st.st_mode);
		bool same = send_content(w, fd, mode, &st);

		w->r->moving += !same;
		w->recorded++;
		cache_add(w->in->now, w->path, mode, same ? &st : NULL);
	}
	close(fd);
}

static void visit_link(
	struct walk *w, int dirfd, const char *name, struct walk_item *old, const struct stat *st)
{
	char target[WALK_MAX_PATH + 1];
	ssize_t n = readlinkat(dirfd, name, target, sizeof target);

	if (n <= 0 || n > WALK_MAX_PATH) {
		w->r->moving++;
		keep(w, old);
	} else if (!fits(w, old, st)) {
		keep(w, old);
	} else if (open_feed(w)) {
		fast_import_file(w->feed, MODE_LINK, w->path, (size_t)n);
		fast_import_bytes(w->feed, target, (size_t)n);
		w->recorded++;
		cache_add(w->in->now, w->path, MODE_LINK, st);
	}
}

/* What stands at the place of a submodule of the base is not ours to record; only say when
 * something is there. */
static void visit_submodule(
	struct walk *w, int dirfd, const char *name, struct walk_item *old, const struct stat *st)
{
	DIR *d = NULL;
	struct dirent *ent;
	bool empty = false;
	int fd = S_ISDIR(st->st_mode) ? open_nofollow_dir(dirfd, name) : -1;

	if (fd >= 0)
		d = fdopendir(fd);
	if (d) {
		do
			ent = readdir(d);
		while (ent && (!strcmp(ent->d_name, ".") || !strcmp(ent->d_name, "..")));
		empty = !ent;
		closedir(d);
	}
	if (!empty)
		name_it(&w->r->submodule, w->path);
	carry(w, old);
}

static void walk_dir(struct walk *w, int fd, int depth, const struct gitignore *rules);

static void visit_dir(struct walk *w, int dirfd, const char *name, int depth,
	const struct gitignore *rules, struct walk_item *old)
{
	size_t before = w->recorded;
	int fd;

	if (depth >= WALK_MAX_DEPTH) {
		w->r->too_deep++;
		keep(w, old);
		return;
	}
	fd = open_nofollow_dir(dirfd, name);
	if (fd < 0) {
		cannot_open(w, old);
		return;
	}
	walk_dir(w, fd, depth + 1, rules);
	if (w->recorded == before)
		return;
	if (old && old->mode == MODE_DIR)
		old->same = true;
	else
		cache_add(w->in->now, w->path, MODE_DIR, NULL);
}

/* Names that are left out. A name with a backslash or control byte that the base already holds is
 * let through: it is there. */
static bool bad_name(struct walk *w, const char *name, int depth, const struct walk_item *old)
{
	switch (judge_name(name)) {
	case NAME_FINE:
		return false;
	case NAME_GIT:
		if (depth) {
			w->path[w->len - 5] = '\0';
			name_it(&w->r->nested, w->path);
			w->path[w->len - 5] = '/';
		}
		return true;
	case NAME_IMITATES:
		name_it(&w->r->imitates, w->path);
		return true;
	case NAME_CONTROL:
		if (!old)
			name_it(&w->r->control, w->path);
		return !old;
	case NAME_BACKSLASH:
		if (!old)
			name_it(&w->r->backslash, w->path);
		return !old;
	}
	return true;
}

static void visit_leaf(
	struct walk *w, int dirfd, const char *name, struct walk_item *old, const struct stat *st)
{
	if (!cache_mode(st->st_mode)) {
		w->r->special++;
		keep(w, old);
		return;
	}
	if (w->r->files >= WALK_MAX_FILES) {
		w->r->too_many++;
		keep(w, old);
		return;
	}
	/* git 2.48 and later refuse to store one. */
	if (S_ISLNK(st->st_mode) && !strcasecmp(name, ".gitmodules") && !old) {
		name_it(&w->r->modules_link, w->path);
		return;
	}
	w->r->files++;
	if (old) {
		old->seen = true;
		if (!w->in->full && cache_unchanged(w->in->old, old, st)) {
			old->same = true;
			w->recorded++;
			return;
		}
	}
	if (S_ISLNK(st->st_mode))
		visit_link(w, dirfd, name, old, st);
	else
		visit_file(w, dirfd, name, old);
}

static void visit(struct walk *w, int dirfd, const char *name, unsigned char type, int depth,
	const struct gitignore *rules)
{
	struct walk_item *old = cache_find(w->in->old, w->path);
	struct stat st;
	bool dir = type == DT_DIR, known;

	if (bad_name(w, name, depth, old)) {
		if (old)
			keep(w, old);
		return;
	}
	if (++w->visited > WALK_MAX_ENTRIES) {
		w->r->too_many++;
		keep(w, old);
		return;
	}
	/* A directory is judged when it is opened: there no other device and no link gets through.
	 */
	if ((!dir || (old && old->mode == MODE_GITLINK)) &&
		fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno != ENOENT) {
			w->r->unreadable++;
			keep(w, old);
		}
		return;
	}
	if (old && old->mode == MODE_GITLINK) {
		visit_submodule(w, dirfd, name, old, &st);
		return;
	}
	dir = dir || S_ISDIR(st.st_mode);
	if (!dir && st.st_dev != w->dev) {
		w->r->elsewhere++;
		keep(w, old);
		return;
	}
	known = old && (old->mode == MODE_DIR) == dir;
	if (!known && gitignore_match(rules, w->path, dir, &w->budget)) {
		w->r->ignored++;
		return;
	}
	if (dir)
		visit_dir(w, dirfd, name, depth, rules, old);
	else
		visit_leaf(w, dirfd, name, old, &st);
}

/* All names of a directory at once: type, name, NUL, and again. -1 = it could not be read to its
 * end. */
static int read_names(int fd, struct buf *names, bool *rules)
{
	char block[16 << 10] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = getdents64(fd, block, sizeof block)) > 0) {
		for (char *p = block; p < block + n;
			p += ((struct dirent64 *)(void *)p)->d_reclen) {
			const struct dirent64 *ent = (const struct dirent64 *)(void *)p;

			if (!strcmp(ent->d_name, ".") || !strcmp(ent->d_name, ".."))
				continue;
			*rules |= !strcmp(ent->d_name, ".gitignore");
			buf_char(names, (char)ent->d_type);
			buf_add(names, ent->d_name, strlen(ent->d_name) + 1);
		}
		if (names->len > MAX_NAMES)
			return -1;
	}
	return n ? -1 : 0;
}

/* Takes fd. w->path is the directory's own path, "" at the root. */
static void walk_dir(struct walk *w, int fd, int depth, const struct gitignore *rules)
{
	struct buf names = BUF_INIT;
	struct gitignore *own = NULL;
	bool has_rules = false;
	size_t len = w->len, base = len ? len + 1 : 0, n;

	if (read_names(fd, &names, &has_rules)) {
		w->r->unreadable++;
		keep(w, NULL);
	}
	if (has_rules)
		own = gitignore_of_dir(rules, base, fd, w->dev);
	if (len)
		w->path[len] = '/';
	for (const char *p = names.p; p < names.p + names.len && !w->failed; p += n + 2) {
		n = strlen(p + 1);
		if (base + n >= WALK_MAX_PATH) {
			w->r->too_deep++;
			continue;
		}
		memcpy(w->path + base, p + 1, n + 1);
		w->len = base + n;
		visit(w, fd, p + 1, (unsigned char)*p, depth, own ? own : rules);
	}
	w->len = len;
	w->path[len] = '\0';
	gitignore_free(own);
	buf_release(&names);
	close(fd);
}

/* Is path inside something whose inside was not seen? */
static bool was_kept(const struct walk *w, const char *path)
{
	char *p = xstrdup(path), *slash;
	bool kept = cache_find(&w->kept, "") || cache_find(&w->kept, p);

	while (!kept && (slash = strrchr(p, '/'))) {
		*slash = '\0';
		kept = cache_find(&w->kept, p) != NULL;
	}
	free(p);
	return kept;
}

/* Deletions come last. A file that became a directory is replaced by the files in it: deleting it
 * then would take those along. */
static void find_deleted(struct walk *w)
{
	struct walk_cache *old = w->in->old, *now = w->in->now;

	for (size_t i = 0; i < old->n && !w->failed; i++) {
		struct walk_item *it = &old->item[i];

		if (it->seen || it->mode == MODE_DIR)
			continue;
		if (it->mode == MODE_GITLINK || (w->kept.n && was_kept(w, it->path))) {
			carry(w, it);
			continue;
		}
		if (!cache_find(now, it->path) && open_feed(w)) {
			fast_import_delete(w->feed, it->path);
			w->r->deleted++;
		}
	}
}

int walk_tree(const struct walk_in *in, struct walk_report *out, struct err *e)
{
	struct walk *w = xcalloc(1, sizeof *w);
	struct stat st;
	int fd = open_nofollow_root(in->work), rc = 0;

	memset(out, 0, sizeof *out);
	w->in = in;
	w->r = out;
	w->e = e;
	w->budget = (struct gitignore_budget)GITIGNORE_BUDGET_INIT;
	w->block = xmalloc(BLOCK);
	cache_init(&w->kept);
	in->now->time = clock_real_ns();
	if (fd < 0 || fstat(fd, &st)) {
		rc = err_sys(e, "no_work", "The work directory %s cannot be read", in->work);
		if (fd >= 0)
			close(fd);
	} else {
		w->dev = st.st_dev;
		walk_dir(w, fd, 0, in->outer);
		find_deleted(w);
		rc = w->failed;
	}
	cache_release(&w->kept);
	free(w->block);
	free(w);
	return rc;
}
