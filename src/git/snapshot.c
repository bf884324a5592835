/* snapshot.c - one snapshot: cache, walk, commit, columns. */
#include "git/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "git/diff.h"
#include "git/message.h"
#include "git/walk.h"

enum { MAX_PATHS = 1000, MAX_EXCLUDES = 1 << 20 };

struct taking {
	const struct snapshot_in *in;
	struct walk_cache old, now;
	char *ref, *author, *message;
	struct fast_import *feed;
};

void snapshot_out_release(struct snapshot_out *o)
{
	free(o->commit);
	free(o->tree);
	free(o->not_recorded);
	strv_release(&o->crlf);
	strv_release(&o->filtered);
	strv_release(&o->paths);
	strv_release(&o->refused);
	memset(o, 0, sizeof *o);
}

static const char *parent_of(const struct snapshot_in *in)
{
	return in->parent ? in->parent : in->base;
}

char *snapshot_message(const struct snapshot_in *in)
{
	char *label = xasprintf("%d/%s", in->race, in->variant),
	     *message = message_make(NULL, in->subject, label);

	free(label);
	return message;
}

char *snapshot_author(const struct snapshot_in *in)
{
	return xasprintf("%s (yolodeck) <yolodeck@localhost>", in->variant);
}

const char *snapshot_committer(const struct snapshot_in *in)
{
	return in->repo->ident ? in->repo->ident : "yolodeck <yolodeck@localhost>";
}

/* Without a cache: the parent's own entries, nothing known of the files, so that everything is read
 * and nothing unseen is lost. */
static int cache_of_parent(struct taking *t, struct err *e)
{
	struct strv rec = STRV_INIT;
	int rc = git_list_tree(t->in->quarantine, parent_of(t->in), &rec, e);

	cache_release(&t->old);
	for (size_t i = 0; !rc && i < rec.n; i++) {
		const char *tab = strchr(rec.v[i], '\t');

		if (tab)
			cache_add(&t->old, tab + 1, (uint32_t)strtoul(rec.v[i], NULL, 8), NULL);
	}
	if (!rc) {
		cache_add_parents(&t->old);
		t->old.commit = xstrdup(parent_of(t->in));
		t->old.message = xstrdup("");
		t->old.tree = git_tree_of(t->in->quarantine, parent_of(t->in), e);
		rc = t->old.tree ? 0 : -1;
	}
	strv_release(&rec);
	return rc;
}

static int load_cache(struct taking *t, struct err *e)
{
	if (!cache_load(&t->old, t->in->cache, e) && git_oid_ok(t->old.commit) &&
		git_oid_ok(t->old.tree))
		return 0;
	diag(DIAG_WARN, "snapshot of %d/%s starts from its commit: %s", t->in->race, t->in->variant,
		e->msg);
	err_clear(e);
	return cache_of_parent(t, e);
}

static struct fast_import *begin(void *ctx, struct err *e)
{
	struct taking *t = ctx;
	const struct snapshot_in *in = t->in;
	struct fast_import_spec s = {
		.git_dir = in->quarantine,
		.ref = t->ref,
		.parent = parent_of(in),
		.from_tree = t->old.tree,
		.author = t->author,
		.committer = snapshot_committer(in),
		.message = t->message,
		.durable = in->full,
	};

	t->feed = fast_import_open(&s, e);
	return t->feed;
}

static void refuse(struct strv *out, const struct strv *paths, const char *what)
{
	struct buf b = BUF_INIT;

	if (!paths->n)
		return;
	strv_join(paths, 3, &b);
	strv_fmt(out, "The variant holds %s: %s.", what, b.p);
	buf_release(&b);
}

static void count(struct buf *b, size_t n, const char *one, const char *many)
{
	if (n)
		buf_fmt(b, "%s%zu %s", b->len ? ", " : "", n, n == 1 ? one : many);
}

/* What is not in the commit, as sentences and as a list for the row. */
static void report(struct snapshot_out *out, struct walk_report *r, bool full)
{
	struct buf lost = BUF_INIT, all = BUF_INIT;

	refuse(&out->refused, &r->nested, "a nested repository");
	refuse(&out->refused, &r->imitates, "a name that imitates .git");
	refuse(&out->refused, &r->control, "a name with control characters");
	refuse(&out->refused, &r->backslash, "a name with a backslash");
	refuse(&out->refused, &r->submodule, "a new or changed submodule");
	refuse(&out->refused, &r->modules_link, "a link in the place of .gitmodules");
	if (r->too_deep || r->too_many)
		strv_add(&out->refused, "More than 50,000 files, 1 GiB or depth 64.");
	count(&lost, r->too_big, "file over 64 MiB", "files over 64 MiB");
	count(&lost, r->unreadable, "unreadable file or directory",
		"unreadable files or directories");
	count(&lost, r->elsewhere, "entry on another file system",
		"entries on another file system");
	/* While it runs, the next walk will see; when it is over, somebody still writes. */
	if (full)
		count(&lost, r->moving, "file that changed while it was read",
			"files that changed while they were read");
	if (lost.len)
		strv_fmt(&out->refused,
			"Not everything could be recorded: %s; promote would lose it.", lost.p);
	out->ignored = r->ignored;
	out->crlf = r->crlf;
	memset(&r->crlf, 0, sizeof r->crlf);
	count(&all, r->ignored, "ignored", "ignored");
	count(&all, r->special, "device, FIFO or socket", "devices, FIFOs or sockets");
	count(&all, r->too_many + r->too_deep, "entry over the limits", "entries over the limits");
	count(&all, r->nested.n, "nested repository's .git", "nested repositories' .git");
	count(&all, r->imitates.n + r->control.n + r->backslash.n + r->modules_link.n,
		"unsafe name", "unsafe names");
	if (lost.len)
		buf_fmt(&all, "%s%s", all.len ? ", " : "", lost.p);
	if (all.len)
		out->not_recorded = buf_take(&all);
	buf_release(&lost);
	buf_release(&all);
}

void snapshot_set_columns(struct snapshot_out *out, const struct diff_stat *st)
{
	strv_clear(&out->paths);
	out->files = (int)st->n;
	out->added = st->added;
	out->removed = st->removed;
	for (size_t i = 0; i < st->n && i < MAX_PATHS; i++)
		strv_add(&out->paths, st->f[i].path);
}

/* Numbers against the base. That they cannot be made in time is no reason to lose the snapshot. */
static void columns(struct taking *t, const char *commit)
{
	struct diff_stat st;
	struct err e = ERR_INIT;

	strv_clear(&t->now.paths);
	t->now.files = -1;
	t->now.added = t->now.removed = 0;
	if (diff_stat(t->in->quarantine, t->in->base, commit, &st, &e)) {
		diag(DIAG_WARN, "columns of %d/%s: %s", t->in->race, t->in->variant, e.msg);
	} else {
		t->now.files = (int)st.n;
		t->now.added = st.added;
		t->now.removed = st.removed;
		for (size_t i = 0; i < st.n && i < MAX_PATHS; i++)
			strv_add(&t->now.paths, st.f[i].path);
	}
	diff_stat_release(&st);
}

/* Equal trees keep the commit that is there, so that reading a file again moves nothing. But what
 * is saved has its own words, not those of a live snapshot, and is never the base itself. */
static bool keeps_commit(const struct taking *t, const char *tree)
{
	if (strcmp(tree, t->old.tree))
		return false;
	return !t->in->full || !strcmp(t->message, t->old.message);
}

static int finish(struct taking *t, struct err *e)
{
	char *commit, *tree;
	int rc = fast_import_close(t->feed, &commit, &tree, e);

	t->feed = NULL;
	if (rc)
		return -1;
	cache_add_same(&t->now, &t->old);
	cache_add_parents(&t->now);
	if (keeps_commit(t, tree)) {
		t->now.commit = xstrdup(t->old.commit);
		t->now.message = xstrdup(t->old.message);
		free(commit);
	} else {
		t->now.commit = commit;
		t->now.message = xstrdup(t->message);
	}
	t->now.tree = tree;
	if (!strcmp(tree, t->old.tree) && t->old.files >= 0) {
		t->now.files = t->old.files;
		t->now.added = t->old.added;
		t->now.removed = t->old.removed;
		strv_copy(&t->now.paths, &t->old.paths);
	} else {
		columns(t, t->now.commit);
	}
	return cache_save(&t->now, t->in->cache, e);
}

static struct gitignore *outer_rules(const char *quarantine)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct gitignore *g = NULL;
	char *path = fs_join(quarantine, "info/exclude");

	if (!fs_read(path, MAX_EXCLUDES, &b, &e) && b.len)
		g = gitignore_new(NULL, 0, b.p, b.len);
	buf_release(&b);
	free(path);
	return g;
}

static void fill_out(struct snapshot_out *out, const struct taking *t, const struct walk_cache *c)
{
	out->commit = xstrdup(c->commit);
	out->tree = xstrdup(c->tree);
	out->changed = strcmp(c->commit, t->old.commit) != 0;
	out->files = c->files;
	out->added = c->added;
	out->removed = c->removed;
	strv_copy(&out->paths, &c->paths);
}

/* Sampling, a diff and saving may ask for the same variant at once: they share the cache. */
static int lock(const char *cache, struct err *e)
{
	char *path = xasprintf("%s.lock", cache);
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), rc = -1;

	while (fd >= 0 && (rc = flock(fd, LOCK_EX)) && errno == EINTR)
		;
	if (rc) {
		err_sys(e, "disk", "%s could not be locked", path);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

static int take(struct taking *t, const struct walk_in *w, struct walk_report *r,
	struct snapshot_out *out, struct err *e)
{
	const struct snapshot_in *in = t->in;
	int rc = load_cache(t, e);

	if (!rc)
		rc = walk_tree(w, r, e);
	/* Saving always makes a commit of its own, even of a tree without files. */
	if (!rc && !t->feed && in->full && !keeps_commit(t, t->old.tree) && !begin(t, e))
		rc = -1;
	if (!rc && t->feed) {
		rc = finish(t, e);
		if (!rc)
			fill_out(out, t, &t->now);
	} else if (!rc) {
		fill_out(out, t, &t->old);
		if (out->files < 0 && !strcmp(out->commit, in->base))
			out->files = 0;
	}
	if (rc)
		fast_import_abort(t->feed);
	else
		report(out, r, in->full);
	return rc;
}

int snapshot_take(const struct snapshot_in *in, struct snapshot_out *out, struct err *e)
{
	struct taking t = { .in = in };
	struct walk_report r = { 0 };
	struct gitignore *outer = outer_rules(in->quarantine);
	struct walk_in w = { in->work, &t.old, &t.now, outer, in->full, begin, &t };
	int fd = lock(in->cache, e), rc = -1;

	memset(out, 0, sizeof *out);
	cache_init(&t.old);
	cache_init(&t.now);
	t.ref = xasprintf("refs/yolodeck/%d/%s/live", in->race, in->variant);
	t.author = snapshot_author(in);
	t.message = snapshot_message(in);
	if (fd >= 0) {
		rc = take(&t, &w, &r, out, e);
		close(fd);
	}
	if (rc)
		err_prefix(e, "The work of %s could not be recorded", in->variant);
	walk_report_release(&r);
	gitignore_free(outer);
	cache_release(&t.old);
	cache_release(&t.now);
	free(t.ref);
	free(t.author);
	free(t.message);
	return rc;
}
