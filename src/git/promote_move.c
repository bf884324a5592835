/* promote_move.c - moves one branch, with the work tree that has it checked out, by one journalled
 * git child (facts: git.md 8.7).
 *
 * Where the branch is checked out nowhere, `update-ref` with the old value is the compare-and-swap.
 * In a work tree it is git's own fast-forward, which refuses before it writes when a file of the
 * user's would be lost, but does not tell which branch HEAD named at that instant: so afterwards
 * ORIG_HEAD and the ref are read, and a wrong move is put back. Undo is the two-way merge of
 * `read-tree` and then `update-ref`: `reset --keep` would do it in one step, but unstages what the
 * user has staged elsewhere and does not compare. A child that failed half-way leaves the tree
 * mixed; promote_recover_move makes it whole. */
#include "git/promote_move.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/import.h"
#include "git/promote_recover.h"
#include "git/refusal.h"

static void ref_call(const struct move *m, struct git_call *c)
{
	git_call_init(c, m->git_dir ? m->git_dir : m->repo->common);
	c->umask = git_umask_of(m->umask);
	git_env_ident(&c->env, "COMMITTER", m->ident);
	strv_add(&c->conf, "core.fsync=committed,reference");
	strv_addl(&c->args, "update-ref", "-m", (char *)NULL);
	strv_fmt(&c->args, "yolodeck %s %s", m->op, m->label);
	strv_addl(&c->args, m->ref, m->to, m->from, (char *)NULL);
}

static void merge_call(const struct move *m, struct git_call *c)
{
	move_in_tree(m, c);
	strv_addl(&c->args, "merge", "--ff-only", "--no-stat", "--no-autostash",
		"--no-overwrite-ignore", "--no-squash", "--commit", "--no-verify-signatures", "-q",
		m->to, (char *)NULL);
}

/* The two-way merge that checkout is: what is staged elsewhere stays staged. */
static void back_call(const struct move *m, struct git_call *c)
{
	move_in_tree(m, c);
	strv_addl(&c->args, "read-tree", "-m", "-u", "--no-recurse-submodules", m->from, m->to,
		(char *)NULL);
}

/* The tab-indented names below one of git's headlines. */
static char *listed(const char *p)
{
	struct strv v = STRV_INIT;
	char *names;

	for (p += strcspn(p, "\n"); *p == '\n' && p[1] == '\t'; p += strcspn(p, "\n")) {
		p += 2;
		strv_take(&v, xstrndup(p, strcspn(p, "\n")));
	}
	names = refusal_names(&v);
	strv_release(&v);
	return names;
}

/* A headline with names below (merge), or a sentence around one name (reset), and what we say of
 * it. */
static const struct said {
	const char *git, *end; /* end NULL = the names follow, a line each */
	const char *code, *before, *after;
} said[] = {
	{ "Your local changes to the following files would be overwritten", NULL, "dirty",
		"Your unsaved changes touch the same files: ", "; commit or stash them." },
	{ "The following untracked working tree files would be", NULL, "in_the_way",
		"An untracked (or ignored) file of yours is in the way: ", "; move it away." },
	{ "Updating the following directories would lose untracked files", NULL, "in_the_way",
		"Untracked files of yours are in the way in ", "; move them away." },
	{ "Entry '", "' not uptodate", "dirty",
		"Your unsaved changes touch the same files: ", "; commit or stash them." },
	{ "Entry '", "' would be overwritten", "dirty",
		"Your unsaved changes touch the same files: ", "; commit or stash them." },
	{ "Untracked working tree file '", "' would be", "in_the_way",
		"An untracked (or ignored) file of yours is in the way: ", "; move it away." },
	{ "Updating '", "' would lose untracked", "in_the_way",
		"Untracked files of yours are in the way in ", "; move them away." },
};

static int known_list(const char *text, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		const char *p = strstr(text, said[i].git), *q;
		char *names;

		if (!p)
			continue;
		q = said[i].end ? strstr(p, said[i].end) : NULL;
		if (said[i].end && !q)
			continue;
		p += said[i].end ? strlen(said[i].git) : 0;
		names = said[i].end ? xstrndup(p, (size_t)(q - p)) : listed(p);
		err_set(e, said[i].code, "%s%s%s", said[i].before, names, said[i].after);
		free(names);
		return -1;
	}
	return 0;
}

static int moved_base(const struct move *m, struct err *e)
{
	return err_set(e, "moved_base",
		"%s moved while you looked; the result was rebuilt, look again.", m->name);
}

/* Git's refusals that come before it has written anything, in our words. 0 = none of these. */
static int known_refusal(const struct move *m, const char *text, struct err *e)
{
	if (known_list(text, e) < 0)
		return -1;
	if (strstr(text, "Not possible to fast-forward") || strstr(text, "but expected") ||
		strstr(text, "unable to resolve reference"))
		return moved_base(m, e);
	if (strstr(text, "index.lock'"))
		return err_set(e, "git_locked", "A git command is running here (index.lock).");
	if (strstr(text, "You have not concluded your"))
		return err_set(
			e, "unfinished", "You are in the middle of a merge; finish it first.");
	if (strstr(text, "unmerged"))
		return err_set(e, "unmerged",
			"Files in your work tree are still in conflict; resolve that first.");
	return 0;
}

static int unknown_failure(const struct move *m, int code, const char *text, struct err *e)
{
	const char *p = strstr(text, "fatal: ");

	if (!p)
		p = strstr(text, "error: ");
	p = p ? p + 7 : text;
	if (code > 128 && !*p)
		return err_set(e, "git_failed", "git was killed (signal %d) while it moved %s",
			code - 128, m->name);
	return err_set(
		e, "git_failed", "git could not move %s: %.*s", m->name, (int)strcspn(p, "\n"), p);
}

/* HEAD may have been switched, or the branch set back, between our look and git's: what git did
 * then is taken back. */
static int verify_merge(const struct move *m, struct err *e)
{
	char *now = git_ref(m->repo->common, m->ref, e), *was, *head;
	struct git_call c;
	struct err ignored = ERR_INIT;
	bool good = now && move_reached(m, now);

	if (!now && *e->code)
		return -1;
	was = git_ref(m->git_dir, "ORIG_HEAD", &ignored);
	head = git_ref(m->git_dir, "HEAD", &ignored);
	if (was && head && !strcmp(head, m->to) && (!good || strcmp(was, m->from))) {
		good = false;
		move_in_tree(m, &c);
		git_capture(&c, NULL, &ignored, "reset", "-q", "--keep", was, (char *)NULL);
	}
	free(head);
	free(was);
	free(now);
	return good ? 0 : moved_base(m, e);
}

/* Brings `to` into the user's repository, by fetch with fsck. */
static int bring_in(const struct move *m, struct journal *j, int n, struct err *e)
{
	struct git_call c;
	struct buf out = BUF_INIT;
	char *have;
	int rc, code = 0;

	if (!m->keep_ref || !m->quarantine || !fs_is_dir(m->quarantine))
		return 0;
	if (import_call(&c, m->repo, m->quarantine, m->to, m->keep_ref, e) < 0)
		return -1;
	c.umask = git_umask_of(m->umask);
	rc = move_run_child(&c, j, n, &code, &out, e);
	git_call_release(&c);
	if (!rc && code && !known_refusal(m, out.p, e))
		unknown_failure(m, code, out.p, e);
	have = !rc && !code ? git_ref(m->repo->common, m->keep_ref, e) : NULL;
	if (!rc && !code && (!have || strcmp(have, m->to)))
		err_set(e, "git_failed", "The result did not arrive in your repository; try again");
	rc = have && !strcmp(have, m->to) ? 0 : -1;
	free(have);
	buf_release(&out);
	return rc;
}

static int finish_failed(
	const struct move *m, int64_t since_ms, bool whole, struct journal *j, int n, struct err *e)
{
	struct err why = ERR_INIT, recover_err = ERR_INIT;
	enum recovery how = RECOVER_FROM;
	struct json *o = json_object();

	json_put_str(o, "code", e->code);
	if (!whole &&
		(promote_recover_move(m, since_ms, &how, &recover_err) < 0 ||
			how == RECOVER_NEEDS_USER)) {
		json_free(o);
		return err_set(e, "needs_you", "%s. %s", e->msg, recover_err.msg);
	}
	if (how == RECOVER_TO) {
		json_free(o);
		err_clear(e);
		return journal_stage(j, n, "done", NULL, e);
	}
	if (journal_stage(j, n, "failed", o, &why) < 0)
		err_prefix(e, "%s. Before that", why.msg);
	return -1;
}

/* read-tree believes the index's times: a file only touched would count as edited. Merge looks for
 * itself. */
static void refresh_call(const struct move *m, struct git_call *c)
{
	move_in_tree(m, c);
	strv_addl(&c->args, "update-index", "-q", "--refresh", "--ignore-submodules", (char *)NULL);
}

/* One journalled child, good up to exit status ok; *whole = it refused before it wrote anything. */
static int step(const struct move *m, void (*make)(const struct move *m, struct git_call *c),
	int ok, struct journal *j, int n, bool *whole, struct err *e)
{
	struct git_call c;
	struct buf out = BUF_INIT;
	int code = 0, rc;

	make(m, &c);
	rc = move_run_child(&c, j, n, &code, &out, e);
	git_call_release(&c);
	if (!rc && code > ok) {
		rc = -1;
		*whole = known_refusal(m, out.p, e) < 0;
		if (!*whole)
			unknown_failure(m, code, out.p, e);
	}
	buf_release(&out);
	return rc;
}

int promote_move_run(
	const struct move *m, int64_t since_ms, struct journal *j, int n, struct err *e)
{
	bool whole = false;
	int rc = bring_in(m, j, n, e);

	if (!rc && !m->dir) {
		rc = step(m, ref_call, 0, j, n, &whole, e);
	} else if (!rc && m->back) {
		/* Status 1 says that something is edited, which is no news. */
		rc = step(m, refresh_call, 1, j, n, &whole, e);
		if (!rc)
			rc = step(m, back_call, 0, j, n, &whole, e);
		if (!rc) {
			rc = step(m, ref_call, 0, j, n, &whole, e);
			whole = false; /* the tree has gone ahead of the branch */
		}
	} else if (!rc) {
		rc = step(m, merge_call, 0, j, n, &whole, e);
		if (!rc) {
			rc = verify_merge(m, e);
			whole = rc < 0 && !strcmp(e->code, "moved_base");
		}
	}
	if (rc < 0)
		return finish_failed(m, since_ms, whole, j, n, e);
	return journal_stage(j, n, "done", NULL, e);
}
