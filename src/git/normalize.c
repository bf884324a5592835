/* normalize.c - reads the files in question from the quarantine, and lays the changed ones over the
 * snapshot's tree. */
#include "git/normalize.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "git/attributes.h"
#include "git/diff.h"
#include "git/fast_import.h"

struct normalizing {
	const struct snapshot_in *in;
	struct snapshot_out *snap;
	struct fast_import *feed; /* opened at the first file that changes */
};

static int read_blob(const char *git_dir, const char *id, struct buf *out, struct err *e)
{
	struct git_call c;
	int rc;

	git_call_init(&c, git_dir);
	c.timeout_ms = GIT_WORK_MS;
	rc = git_capture(&c, out, e, "cat-file", "blob", id, (char *)NULL);
	if (!rc && c.truncated)
		rc = err_set(e, "too_big", "A file is too large to be read back");
	return rc;
}

static int open_feed(struct normalizing *n, struct err *e)
{
	const struct snapshot_in *in = n->in;
	char *ref = xasprintf("refs/yolodeck/%d/%s/saved", in->race, in->variant);
	char *author = snapshot_author(in), *message = snapshot_message(in);
	struct fast_import_spec s = {
		.git_dir = in->quarantine,
		.ref = ref,
		.parent = in->parent ? in->parent : in->base,
		.from_tree = n->snap->tree,
		.author = author,
		.committer = snapshot_committer(in),
		.message = message,
		.durable = true,
	};

	n->feed = fast_import_open(&s, e);
	free(ref);
	free(author);
	free(message);
	return n->feed ? 0 : -1;
}

static int normalize_file(
	struct normalizing *n, const struct change *ch, enum attr_eol eol, struct err *e)
{
	struct buf now = BUF_INIT, base = BUF_INIT;
	bool base_has_crlf = false;
	int rc = read_blob(n->in->quarantine, ch->new_id, &now, e);

	if (!rc && eol == ATTR_EOL_AUTO && (ch->old_mode & 0170000) == 0100000) {
		rc = read_blob(n->in->quarantine, ch->old_id, &base, e);
		base_has_crlf = memmem(base.p, base.len, "\r\n", 2) != NULL;
	}
	if (!rc && attributes_to_lf(eol, base_has_crlf, &now) &&
		(n->feed || !(rc = open_feed(n, e)))) {
		fast_import_file(n->feed, ch->new_mode, ch->path, now.len);
		fast_import_bytes(n->feed, now.p, now.len);
	}
	buf_release(&now);
	buf_release(&base);
	return rc;
}

/* Takes the new commit, or the old one that is the same. */
static int take_commit(struct normalizing *n, const char *old_commit, struct err *e)
{
	char *commit, *tree, *old_tree = NULL;
	struct err ignored = ERR_INIT;
	struct diff_stat st;
	int rc = fast_import_close(n->feed, &commit, &tree, e);

	n->feed = NULL;
	if (rc)
		return -1;
	if (old_commit)
		old_tree = git_tree_of(n->in->quarantine, old_commit, &ignored);
	xreplace(&n->snap->commit, old_tree && !strcmp(old_tree, tree) ? old_commit : commit);
	xreplace(&n->snap->tree, tree);
	if (!diff_stat(n->in->quarantine, n->in->base, n->snap->commit, &st, &ignored))
		snapshot_set_columns(n->snap, &st);
	diff_stat_release(&st);
	free(commit);
	free(tree);
	free(old_tree);
	return 0;
}

static char *filter_sentence(const struct strv *required)
{
	struct buf b = BUF_INIT;
	char *sentence;

	strv_join(required, 3, &b);
	sentence = xasprintf("%zu %s a filter that your git requires, and was recorded without it: "
			     "%s. Take the content by hand: git restore --source=<branch> -- "
			     "<path>, then git add, which runs the filter.",
		required->n, required->n == 1 ? "file has" : "files have", b.p);
	buf_release(&b);
	return sentence;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool listed(const struct strv *sorted, char *path)
{
	return sorted->n && bsearch(&path, sorted->v, sorted->n, sizeof *sorted->v, by_text);
}

int normalize_snapshot(const struct snapshot_in *in, const char *old_commit,
	struct snapshot_out *snap, char **filtered, struct err *e)
{
	struct normalizing n = { in, snap, NULL };
	struct changes ch;
	struct attributes a = { NULL, 0 };
	struct strv paths = STRV_INIT, required = STRV_INIT;
	int rc = changes_read(in->quarantine, NULL, in->base, snap->commit, &ch, e);

	*filtered = NULL;
	if (snap->crlf.n)
		qsort(snap->crlf.v, snap->crlf.n, sizeof *snap->crlf.v, by_text);
	if (!rc) {
		attributes_paths(&ch, &paths);
		rc = attributes_read(in->repo, in->quarantine, in->base, &paths, &a, e);
	}
	for (size_t i = 0; !rc && i < a.n; i++)
		if (a.v[i].eol != ATTR_EOL_KEEP && listed(&snap->crlf, paths.v[i]))
			rc = normalize_file(&n, changes_find(&ch, paths.v[i]), a.v[i].eol, e);
	if (!rc && n.feed)
		rc = take_commit(&n, old_commit, e);
	fast_import_abort(n.feed);
	if (!rc) {
		attributes_filtered(&a, &paths, &snap->filtered, &required);
		if (required.n)
			*filtered = filter_sentence(&required);
	}
	strv_release(&required);
	strv_release(&paths);
	attributes_release(&a);
	changes_release(&ch);
	return rc ? err_prefix(e, "Line endings could not be normalised") : 0;
}
