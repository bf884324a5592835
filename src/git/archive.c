/* archive.c - a variant's branch out of `git branch` and back: one transaction of two refs,
 * compare-and-swap on both. */
#include "git/archive.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "git/move.h"
#include "git/promote_target.h"
#include "git/refusal.h"
#include "git/promote_locks.h"

enum { ARCHIVE_WAIT_MS = 60000 };

struct turn {
	const struct git_repo *repo;
	const char *op; /* "archive" | "restore" */
	const char *variant, *commit;
	int race;
	char *branch, *kept; /* refs/heads/yolo/7/a, refs/yolodeck/7/a/archived */
	const char *away, *to; /* the one that goes, the one that comes */
};

static void turn_init(struct turn *t, const struct git_repo *repo, const char *op, int race,
	const char *variant, const char *commit)
{
	memset(t, 0, sizeof(*t));
	t->repo = repo;
	t->op = op;
	t->race = race;
	t->variant = variant;
	t->commit = commit;
	t->branch = xasprintf("refs/heads/yolo/%d/%s", race, variant);
	t->kept = xasprintf("refs/yolodeck/%d/%s/archived", race, variant);
	t->away = strcmp(op, "archive") ? t->kept : t->branch;
	t->to = strcmp(op, "archive") ? t->branch : t->kept;
}

static void turn_release(struct turn *t)
{
	free(t->branch);
	free(t->kept);
}

/* Refuses, by name, what is not as we left it. *done: nothing is left to do. away and to: values
 * now, owned. */
static int look(const struct turn *t, char **away, char **to, bool *done, struct err *e)
{
	const char *name = t->branch + strlen("refs/heads/");
	char *branch, *where = NULL, *tilde;

	*away = git_ref(t->repo->common, t->away, e);
	if (!*away && *e->code)
		return -1;
	*to = git_ref(t->repo->common, t->to, e);
	if (!*to && *e->code)
		return -1;
	*done = !*away && *to && !strcmp(*to, t->commit);
	if (*done)
		return 0;
	branch = t->away == t->branch ? *away : *to;
	if (branch && strcmp(branch, t->commit))
		return err_set(e, "moved",
			"%s was moved by somebody (it is at %.7s now); it is left as it is.", name,
			branch);
	if (!*away)
		return err_set(e, "no_branch", "%d/%s has no %s to %s.", t->race, t->variant,
			t->away == t->branch ? "branch" : "archived branch", t->op);
	if (strcmp(*away, t->commit))
		return err_set(e, "moved",
			"What is archived of %d/%s is at %.7s now; it is left as it is.", t->race,
			t->variant, *away);
	if (t->away == t->branch) {
		if (git_checked_out(t->repo, t->branch, &where, e) < 0)
			return -1;
		if (where) {
			tilde = fs_tilde(where);
			err_set(e, "checked_out",
				"%s is checked out in %s; switch to another branch there first.",
				name, tilde);
			free(tilde);
			free(where);
			return -1;
		}
	}
	return 0;
}

static int explain(const struct turn *t, const char *text, struct err *e)
{
	const char *name = t->branch + strlen("refs/heads/"), *p = strstr(text, "fatal: ");

	p = p ? p + 7 : text;
	if (strstr(text, "but expected") || strstr(text, "reference already exists") ||
		strstr(text, "unable to resolve reference"))
		return err_set(e, "moved",
			"%s was moved by somebody meanwhile; it is left as it is.", name);
	if (strstr(text, "' exists; cannot create"))
		return err_set(e, "branch_in_the_way",
			"A branch is in the way of %s; rename it (git branch -m). git said: %.*s",
			name, (int)strcspn(p, "\n"), p);
	if (strstr(text, ".lock': File exists"))
		return err_set(e, "git_locked",
			"A git command is running here (it holds a lock on %s).", name);
	return err_set(e, "git_failed", "git could not %s %d/%s: %.*s", t->op, t->race, t->variant,
		(int)strcspn(p, "\n"), p);
}

static int transact(
	const struct turn *t, const char *to_old, struct journal *j, int n, struct err *e)
{
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct git_call c;
	int code = 0, rc;

	buf_fmt(&in, "start\nupdate %s %s %s\ndelete %s %s\nprepare\ncommit\n", t->to, t->commit,
		to_old ? to_old : git_zero(t->repo->format), t->away, t->commit);
	git_call_init(&c, t->repo->common);
	c.umask = git_umask_of(NULL);
	git_env_ident(&c.env, "COMMITTER", t->repo->ident);
	strv_add(&c.conf, "core.fsync=committed,reference");
	strv_addl(&c.args, "update-ref", "-m", (char *)NULL);
	strv_fmt(&c.args, "yolodeck %s %d/%s", t->op, t->race, t->variant);
	strv_add(&c.args, "--stdin");
	c.in = in.p;
	c.nin = in.len;
	rc = move_run_child(&c, j, n, &code, &out, e);
	if (!rc && code)
		rc = explain(t, out.p, e);
	git_call_release(&c);
	buf_release(&in);
	buf_release(&out);
	return rc;
}

static int close_intent(int rc, struct journal *j, int n, struct err *e)
{
	struct err why = ERR_INIT;

	if (!rc)
		return journal_stage(j, n, "done", NULL, e);
	if (journal_stage(j, n, "failed", NULL, &why) < 0)
		err_prefix(e, "%s. Before that", why.msg);
	return -1;
}

/* n = 0: a new intent; else one that a crash left open is finished. */
static int run(const struct turn *t, struct journal *j, int n, struct err *e)
{
	char *away = NULL, *to = NULL;
	struct json *o;
	bool done = false;
	int rc = look(t, &away, &to, &done, e);

	if (!rc && !done && !n) {
		o = json_object();
		json_put_int(o, "race", t->race);
		json_put_str(o, "variant", t->variant);
		json_put_str(o, "commit", t->commit);
		json_put_int(o, "ms", clock_real_ns() / 1000000);
		n = journal_intent(j, t->op, o, e);
		rc = n < 0 ? -1 : 0;
	}
	if (!rc && !done)
		rc = transact(t, to, j, n, e);
	if (n > 0)
		rc = close_intent(rc, j, n, e);
	free(away);
	free(to);
	return rc;
}

int archive_variant(const struct git_repo *repo, int race, const char *variant, const char *commit,
	struct journal *j, struct err *e)
{
	struct turn t;
	int rc;

	turn_init(&t, repo, "archive", race, variant, commit);
	rc = run(&t, j, 0, e);
	turn_release(&t);
	return rc;
}

int archive_restore(const struct git_repo *repo, int race, const char *variant, const char *commit,
	struct journal *j, struct err *e)
{
	struct turn t;
	int rc;

	turn_init(&t, repo, "restore", race, variant, commit);
	rc = run(&t, j, 0, e);
	turn_release(&t);
	return rc;
}

int archive_repair(const struct git_repo *repo, const struct json *intent, const struct json *child,
	struct journal *j, struct buf *words, struct err *e)
{
	struct strv locks = STRV_INIT;
	struct turn t;
	char *mark;
	int rc;

	if (!git_oid_ok(json_str(intent, "commit", "")) || !json_str(intent, "variant", NULL))
		return err_set(e, "journal",
			"The journal's record %d of an unfinished archive is not understood",
			(int)json_int(intent, "n", 0));
	turn_init(&t, repo, json_str(intent, "op", ""), (int)json_int(intent, "race", 0),
		json_str(intent, "variant", ""), json_str(intent, "commit", ""));
	strv_fmt(&locks, "%s/%s.lock", repo->common, t.branch);
	strv_fmt(&locks, "%s/%s.lock", repo->common, t.kept);
	strv_fmt(&locks, "%s/packed-refs.lock", repo->common);
	mark = xasprintf("yolodeck %s %d/%s", t.op, t.race, t.variant);
	rc = promote_locks_wait_child(
		mark, child, t.branch + strlen("refs/heads/"), ARCHIVE_WAIT_MS, e);
	if (!rc)
		rc = promote_locks_clear(repo, NULL, &locks, json_int(intent, "ms", 0), e);
	if (!rc) {
		rc = run(&t, j, (int)json_int(intent, "n", 0), e);
		if (!rc)
			buf_fmt(words,
				"%d/%s was half-way to be %sd when a crash came; it is done now.",
				t.race, t.variant, t.op);
	}
	free(mark);
	strv_release(&locks);
	turn_release(&t);
	return rc;
}
