/* saving.c - full snapshot, scan, into the user's repository, branch. */
#include "git/saving.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "git/import.h"
#include "git/normalize.h"
#include "git/scan.h"

void saving_out_release(struct saving_out *o)
{
	snapshot_out_release(&o->snap);
	free(o->branch);
	free(o->scan);
	memset(o, 0, sizeof *o);
}

static void say(char **scan, const char *words)
{
	char *all = *scan ? xasprintf("%s %s", *scan, words) : xstrdup(words);

	free(*scan);
	*scan = all;
}

/* What git's fsck says of objects that only it looks into. NULL = the failure has nothing to do
 * with fsck. */
static const char *fsck_words(const struct err *e)
{
	if (strstr(e->msg, "gitmodules"))
		return "The variant holds a malformed .gitmodules.";
	if (strstr(e->msg, "fsck error") || strstr(e->msg, "in packed object") ||
		strstr(e->msg, "git fetch: object "))
		return "The variant holds an object that git's own check refuses.";
	return NULL;
}

static int import(const struct snapshot_in *in, struct saving_out *out, struct err *e)
{
	char *ref = xasprintf("refs/yolodeck/%d/%s/tip", in->race, in->variant);
	int rc = import_commit(in->repo, in->quarantine, out->snap.commit, ref, e);
	const char *fsck = rc ? fsck_words(e) : NULL;

	if (fsck) {
		say(&out->scan, fsck);
		err_clear(e);
		rc = 1;
	}
	free(ref);
	return rc;
}

/* The branch moves only from what we wrote last, and never under a work tree. */
static int move_branch(
	const struct snapshot_in *in, const char *old, struct saving_out *out, struct err *e)
{
	char *name = xasprintf("yolo/%d/%s", in->race, in->variant);
	char *ref = xasprintf("refs/heads/%s", name), *where = NULL, *words = NULL, *now = NULL;
	int rc;

	now = git_ref(in->repo->common, ref, e);
	rc = *e->code ? -1 : 0;
	if (!rc && now && !strcmp(now, out->snap.commit)) {
		out->branch = xstrdup(name);
		goto out;
	}
	if (!rc)
		rc = git_checked_out(in->repo, ref, &where, e);
	if (rc)
		goto out;
	if (where) {
		words = xasprintf("The branch %s is checked out in %s and was not moved; the new "
				  "state is in refs/yolodeck/%d/%s/tip.",
			name, where, in->race, in->variant);
	} else {
		rc = git_update_ref(in->repo, ref, out->snap.commit, old, "yolodeck: save", e);
		if (!rc)
			out->branch = xstrdup(name);
		else if (!strcmp(e->code, "moved"))
			words = xasprintf("The branch %s was moved by somebody and is left alone; "
					  "the new state is in refs/yolodeck/%d/%s/tip.",
				name, in->race, in->variant);
	}
	if (words) {
		say(&out->scan, words);
		err_clear(e);
		rc = 0;
	}
out:
	free(name);
	free(ref);
	free(where);
	free(words);
	free(now);
	return rc;
}

static void name_filtered(struct snapshot_out *snap)
{
	struct buf b = BUF_INIT;

	if (snap->not_recorded)
		buf_fmt(&b, "%s, ", snap->not_recorded);
	buf_fmt(&b, "the filter of %zu %s: ", snap->filtered.n,
		snap->filtered.n == 1 ? "file" : "files");
	strv_join(&snap->filtered, 3, &b);
	free(snap->not_recorded);
	snap->not_recorded = buf_take(&b);
}

/* Nothing differs from the base, so there is nothing to be saved. */
static bool is_base(const struct snapshot_in *in, const struct snapshot_out *snap)
{
	struct err ignored = ERR_INIT;
	char *tree = git_tree_of(in->quarantine, in->base, &ignored);
	bool same = tree && !strcmp(tree, snap->tree) && !snap->refused.n;

	free(tree);
	return same;
}

int saving_run(
	const struct snapshot_in *in, const char *old_commit, struct saving_out *out, struct err *e)
{
	struct snapshot_in full = *in;
	char *why = NULL, *filtered = NULL;
	int rc;

	memset(out, 0, sizeof *out);
	full.full = true;
	rc = snapshot_take(&full, &out->snap, e);
	if (!rc && in->only_changed && !old_commit && is_base(in, &out->snap)) {
		xreplace(&out->snap.commit, NULL);
		return 0;
	}
	if (!rc)
		rc = scan_tree(in->quarantine, in->base, out->snap.commit, &why, e);
	if (!rc && why)
		say(&out->scan, why);
	if (!rc && !why)
		rc = normalize_snapshot(in, old_commit, &out->snap, &filtered, e);
	if (!rc && filtered)
		say(&out->scan, filtered);
	if (!rc && out->snap.filtered.n)
		name_filtered(&out->snap);
	if (!rc && !why)
		rc = import(in, out, e);
	if (!rc && !why)
		rc = move_branch(in, old_commit, out, e);
	rc = rc < 0 ? -1 : 0;
	/* What was left out does not keep the rest from its branch, but promote must know. */
	for (size_t i = 0; !rc && i < out->snap.refused.n; i++)
		say(&out->scan, out->snap.refused.v[i]);
	free(why);
	free(filtered);
	return rc;
}

int saving_drop(const struct git_repo *repo, int race, const char *variant, const char *commit,
	struct err *e)
{
	char *branch = xasprintf("refs/heads/yolo/%d/%s", race, variant),
	     *tip = xasprintf("refs/yolodeck/%d/%s/tip", race, variant), *where = NULL;
	int rc = git_checked_out(repo, branch, &where, e);

	if (!rc && where)
		rc = err_set(e, "checked_out", "%s is checked out in %s", branch, where);
	if (!rc)
		rc = git_update_ref(repo, branch, NULL, commit, "yolodeck: nothing changed", e) ||
			git_update_ref(repo, tip, NULL, commit, "yolodeck: nothing changed", e);
	free(branch);
	free(tip);
	free(where);
	return rc ? -1 : 0;
}
