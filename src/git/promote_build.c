/* promote_build.c - merge, squash, replay and revert, without a work tree: merge-tree and
 * commit-tree in the quarantine. */
#include "git/promote_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "git/merge.h"
#include "git/message.h"

enum { REPLAY_MAX = 1000 };

static void refuse_conflicts(
	struct refusal *why, const struct merge_result *r, const char *with, const char *label)
{
	char *list = refusal_names(&r->conflicts), *drivers = refusal_names(&r->drivers),
	     *more = NULL;

	if (r->drivers.n)
		more = xasprintf(" Your own merge drivers are not run (%s); `git merge yolo/%s` "
				 "runs them.",
			drivers, label);
	refusal_set(why, "conflict", "%zu %s with %s: %s.%s", r->conflicts.n,
		r->conflicts.n == 1 ? "file conflicts" : "files conflict", with, list,
		more ? more : "");
	free(list);
	free(drivers);
	free(more);
}

/* Names go to conflicts, the tree to *tree when it is clean. */
static int judge_merge(const struct build *b, int rc, struct merge_result *r, char **tree,
	struct strv *conflicts, struct refusal *why, struct err *e)
{
	if (rc == 1)
		refuse_conflicts(why, r, b->ours_name, b->label);
	else if (rc < 0 && !strcmp(e->code, "timeout"))
		refusal_set(why, "too_slow",
			"The merge with %s did not end within a minute; merge it by hand.",
			b->ours_name);
	else if (rc < 0)
		err_prefix(e, "The merge with %s could not be built", b->ours_name);
	else
		*tree = xstrdup(r->tree);
	strv_copy(conflicts, &r->conflicts);
	merge_result_release(r);
	return rc < 0 && !why->code ? -1 : 0;
}

static int build_joined(const struct build *b, char **out, struct strv *conflicts,
	struct refusal *why, struct err *e)
{
	char *tree = NULL, *have = git_tree_of(b->store, b->ours, e), *prefix = NULL,
	     *message = NULL;
	bool merge = b->how == PROMOTE_MERGE;
	struct merge_in in = { .store = b->store,
		.base = b->base,
		.ours = b->ours,
		.theirs = b->theirs,
		.timeout_ms = PROMOTE_MERGE_MS,
		.common = b->common };
	struct merge_result r = { 0 };
	struct merge_commit m = {
		.parent = { b->ours, merge ? b->theirs : NULL },
		.author = b->ident,
		.committer = b->ident,
	};
	int rc = have ? 0 : -1;

	if (!rc)
		rc = judge_merge(b, merge_commits(&in, &r, e), &r, &tree, conflicts, why, e);
	if (!rc && tree && !strcmp(tree, have))
		refusal_set(why, "nothing_to_promote",
			"%s brings nothing that %s does not have already.", b->label, b->ours_name);
	if (!rc && !why->code) {
		prefix = xasprintf("%s %s", merge ? "Merge" : "Promote", b->label);
		message = message_make(prefix, b->subject, b->label);
		m.tree = tree;
		m.message = message;
		*out = merge_write(b->store, &m, e);
		rc = *out ? 0
			  : err_prefix(e, "The merge with %s could not be written", b->ours_name);
	}
	free(tree);
	free(have);
	free(prefix);
	free(message);
	return rc;
}

/* Author, date and message of a commit, to be kept by its replay. */
static int read_words(const char *store, const char *commit, struct strv *f, struct err *e)
{
	struct git_call c;
	struct buf out = BUF_INIT;
	int rc;

	git_call_init(&c, store);
	strv_addl(&c.conf, "log.showSignature=false", "i18n.logOutputEncoding=UTF-8", (char *)NULL);
	rc = git_capture(&c, &out, e, "show", "-s", "--no-notes", "--no-mailmap", "--date=raw",
		"--format=%P%x00%an <%ae>%x00@%ad%x00%B", "--end-of-options", commit, (char *)NULL);
	if (!rc) {
		buf_trim(&out); /* the one newline of the message comes back below */
		buf_char(&out, '\n');
		strv_split0(f, out.p, out.len);
		if (f->n != 4)
			rc = err_set(e, "git_failed", "The commit %.12s could not be read", commit);
	}
	buf_release(&out);
	return rc;
}

/* One step of a replay: commit's change of its parent, on *tip. *tip is replaced when something is
 * left of it. */
static int replay_one(const struct build *b, const char *commit, char **tip, struct strv *conflicts,
	struct refusal *why, struct err *e)
{
	struct strv f = STRV_INIT;
	struct merge_commit m = { .committer = b->ident };
	struct merge_in in = { .store = b->store,
		.theirs = commit,
		.timeout_ms = PROMOTE_MERGE_MS,
		.common = b->common,
		.attributes = b->ours };
	struct merge_result r = { 0 };
	char *tree = NULL, *have = NULL, *next = NULL;
	int rc = read_words(b->store, commit, &f, e);

	if (rc < 0)
		goto out;
	if (!git_oid_ok(f.v[0])) {
		refusal_set(why, "has_merges", "%s holds merge commits; use merge or squash.",
			b->label);
		goto out;
	}
	if (!strcmp(f.v[0], *tip)) {
		xreplace(tip, commit);
		goto out;
	}
	in.base = f.v[0];
	in.ours = *tip;
	rc = judge_merge(b, merge_on_base(&in, &r, e), &r, &tree, conflicts, why, e);
	have = !rc && tree ? git_tree_of(b->store, *tip, e) : NULL;
	if (rc || why->code || (have && !strcmp(have, tree)))
		goto out;
	m.tree = tree;
	m.parent[0] = *tip;
	m.author = f.v[1];
	m.author_date = f.v[2];
	m.message = f.v[3];
	next = have ? merge_write(b->store, &m, e) : NULL;
	if (next)
		xreplace(tip, next);
	else
		rc = err_prefix(e, "The replay on %s could not be written", b->ours_name);
out:
	strv_release(&f);
	free(tree);
	free(have);
	free(next);
	return rc;
}

static int build_replay(const struct build *b, char **out, struct strv *conflicts,
	struct refusal *why, struct err *e)
{
	struct buf list = BUF_INIT;
	char *range = xasprintf("%s..%s", b->base, b->theirs), *tip = xstrdup(b->ours);
	int rc = git_out(b->store, &list, e, "rev-list", "--reverse", "--topo-order",
		"--end-of-options", range, (char *)NULL);
	size_t n = 0;

	for (char *p = list.p; !rc && !why->code && *p; n++) {
		size_t len = strcspn(p, "\n");
		char *commit = xstrndup(p, len);

		p += len + (p[len] == '\n');
		rc = n < REPLAY_MAX
			? replay_one(b, commit, &tip, conflicts, why, e)
			: err_set(e, "too_many_commits", "%s holds more than %d commits", b->label,
				  REPLAY_MAX);
		free(commit);
	}
	if (!rc && !why->code && !strcmp(tip, b->ours))
		refusal_set(why, "nothing_to_promote",
			"%s brings nothing that %s does not have already.", b->label, b->ours_name);
	if (!rc && !why->code) {
		*out = tip;
		tip = NULL;
	}
	free(tip);
	free(range);
	buf_release(&list);
	return rc;
}

int build_promote(const struct build *b, char **out, struct strv *conflicts, struct refusal *why,
	struct err *e)
{
	*out = NULL;
	if (b->how == PROMOTE_REBASE)
		return build_replay(b, out, conflicts, why, e);
	return build_joined(b, out, conflicts, why, e);
}

int build_revert(const struct build *b, char **out, struct refusal *why, struct err *e)
{
	char *have = git_tree_of(b->store, b->ours, e), *message = NULL, *list;
	struct merge_commit m = {
		.parent = { b->ours }, .author = b->ident, .committer = b->ident
	};
	struct merge_in in = { .store = b->store,
		.base = b->base,
		.ours = b->ours,
		.theirs = b->theirs,
		.timeout_ms = PROMOTE_MERGE_MS,
		.common = b->common };
	struct merge_result r = { 0 };
	int rc = have ? merge_on_base(&in, &r, e) : -1;

	*out = NULL;
	if (rc == 1) {
		list = refusal_names(&r.conflicts);
		refusal_set(why, "conflict",
			"Later commits on %s changed the same lines in %s; revert by hand.",
			b->ours_name, list);
		free(list);
		rc = 0;
	} else if (rc < 0) {
		rc = err_prefix(e, "The revert on %s could not be built", b->ours_name);
	} else if (!strcmp(r.tree, have)) {
		refusal_set(why, "nothing_to_undo",
			"Nothing of %s is left in %s; there is nothing to take back.", b->label,
			b->ours_name);
	} else {
		message = xasprintf("Revert \"Promote %s\"\n\nThis takes back %s, promoted by "
				    "yolodeck.\n\nYolodeck: %s\n",
			b->label, b->base, b->label);
		m.tree = r.tree;
		m.message = message;
		*out = merge_write(b->store, &m, e);
		rc = *out ? 0 : -1;
	}
	merge_result_release(&r);
	free(have);
	free(message);
	return rc;
}
