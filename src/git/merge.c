/* merge.c - merge-tree and commit-tree in an object store, with a base of our choice where git's
 * own finds none. */
#include "git/merge.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/merge_attributes.h"

void merge_result_release(struct merge_result *r)
{
	free(r->tree);
	strv_release(&r->conflicts);
	strv_release(&r->drivers);
	memset(r, 0, sizeof(*r));
}

/* The tree, names in conflict, "", then for each message: count, paths, kind, text. A conflict of a
 * directory and a file may name a path twice. */
static int parse_answer(
	const struct strv *f, struct merge_result *r, struct strv *merged, struct err *e)
{
	size_t i = 1, n;

	strv_clear(&r->conflicts);
	for (; i < f->n && *f->v[i]; i++)
		if (!strv_has(&r->conflicts, f->v[i]))
			strv_add(&r->conflicts, f->v[i]);
	for (i++; i < f->n; i += n + 3) {
		n = strtoul(f->v[i], NULL, 10);
		if (!n || n > f->n || i + n + 2 >= f->n)
			break;
		if (!strcmp(f->v[i + n + 1], "Auto-merging"))
			strv_add(merged, f->v[i + 1]);
	}
	xreplace(&r->tree, f->n ? f->v[0] : "");
	if (!git_oid_ok(r->tree))
		return err_set(e, "git_failed", "git merge-tree: its answer is not understood");
	return 0;
}

/* attributes: a file, NULL = none. merged: the files whose lines were merged. */
static int run_merge_tree(const struct merge_in *in, const char *ours, const char *theirs,
	const char *attributes, struct merge_result *r, struct strv *merged, struct err *e)
{
	struct strv f = STRV_INIT;
	struct git_call c;
	int rc;

	git_call_init(&c, in->store);
	c.timeout_ms = in->timeout_ms;
	strv_addl(&c.conf, "core.bigFileThreshold=256k", "core.fsync=committed", (char *)NULL);
	if (attributes)
		strv_fmt(&c.conf, "core.attributesFile=%s", attributes);
	rc = git_list(&c, &f, e, "merge-tree", "--write-tree", "-z", "--name-only", "--messages",
		ours, theirs, (char *)NULL);
	if (rc && c.code == 1) {
		err_clear(e);
		rc = 1;
	}
	if (rc >= 0 && parse_answer(&f, r, merged, e) < 0)
		rc = -1;
	strv_release(&f);
	return rc;
}

/* The attributes come in a memory file of ours: the store may be in use by others. */
static int merge_again(const struct merge_in *in, const char *ours, const char *theirs,
	const struct buf *lines, struct merge_result *r, struct err *e)
{
	struct strv ignored = STRV_INIT;
	int fd = memfd_create("attributes", MFD_CLOEXEC), rc;
	char *path = xasprintf("/proc/%d/fd/%d", (int)getpid(), fd);

	if (fd < 0 || fs_write_all(fd, lines->p, lines->len) < 0)
		rc = err_sys(e, "git_failed", "no memory file for attributes");
	else
		rc = run_merge_tree(in, ours, theirs, path, r, &ignored, e);
	if (fd >= 0)
		close(fd);
	strv_release(&ignored);
	free(path);
	return rc;
}

/* Most merges merge no file's lines; only those that do are asked for their attributes, and made
 * again when one of them is not merged as text. */
static int merge_tree(const struct merge_in *in, const char *ours, const char *theirs,
	struct merge_result *r, struct err *e)
{
	struct strv merged = STRV_INIT;
	struct buf lines = BUF_INIT;
	int rc = run_merge_tree(in, ours, theirs, NULL, r, &merged, e), asked = 0;

	if (rc >= 0 && in->common && merged.n) {
		asked = merge_attributes(in->common, in->store,
			in->attributes ? in->attributes : in->ours, &merged, &lines, &r->drivers,
			e);
		if (!asked && lines.len && strcmp(in->store, in->common))
			asked = merge_attributes_store(in->store, e);
		if (asked)
			rc = -1;
		else if (lines.len)
			rc = merge_again(in, ours, theirs, &lines, r, e);
	}
	strv_release(&merged);
	buf_release(&lines);
	return rc;
}

char *merge_write(const char *git_dir, const struct merge_commit *m, struct err *e)
{
	struct git_call c;
	struct buf out = BUF_INIT;
	char *id = NULL;

	git_call_init(&c, git_dir);
	git_env_ident(&c.env, "AUTHOR", m->author);
	git_env_ident(&c.env, "COMMITTER", m->committer);
	if (m->author_date)
		strv_fmt(&c.env, "GIT_AUTHOR_DATE=%s", m->author_date);
	strv_addl(&c.conf, "core.fsync=committed,reference", "commit.gpgSign=false", (char *)NULL);
	strv_addl(&c.args, "commit-tree", "-F", "-", (char *)NULL);
	for (size_t i = 0; i < ARRAY_LEN(m->parent) && m->parent[i]; i++)
		strv_addl(&c.args, "-p", m->parent[i], (char *)NULL);
	c.in = m->message;
	c.nin = strlen(m->message);
	if (!git_capture(&c, &out, e, m->tree, (char *)NULL)) {
		buf_trim(&out);
		id = buf_take(&out);
	}
	buf_release(&out);
	return id;
}

/* A commit of another commit's tree on a parent of our choice. */
static char *regraft(const char *git_dir, const char *commit, const char *parent, struct err *e)
{
	char *tree = xasprintf("%s^{tree}", commit), *id;
	struct merge_commit m = {
		.tree = tree,
		.parent = { parent },
		.author = "yolodeck <yolodeck@localhost>",
		.committer = "yolodeck <yolodeck@localhost>",
		.author_date = "@1 +0000",
		.message = "chosen base\n",
	};

	id = merge_write(git_dir, &m, e);
	free(tree);
	return id;
}

int merge_on_base(const struct merge_in *in, struct merge_result *r, struct err *e)
{
	char *root = regraft(in->store, in->base, NULL, e);
	char *a = root ? regraft(in->store, in->ours, root, e) : NULL;
	char *b = a ? regraft(in->store, in->theirs, root, e) : NULL;
	int rc = b ? merge_tree(in, a, b, r, e) : -1;

	free(root);
	free(a);
	free(b);
	return rc;
}

int merge_commits(const struct merge_in *in, struct merge_result *r, struct err *e)
{
	int rc = merge_tree(in, in->ours, in->theirs, r, e);

	if (rc < 0 && !strcmp(e->code, "git_failed")) {
		err_clear(e);
		rc = merge_on_base(in, r, e);
	}
	return rc;
}
