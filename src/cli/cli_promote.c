/* cli_promote.c - promote and undo: always plan, show, ask, then exactly what was shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "model/race.h"

enum { FILES_SHOWN = 12 };

#define print_row(label, ...) cli_row(13, "  " label, __VA_ARGS__)

static void print_list(const char *label, const struct json *list, const char *none)
{
	struct strv v = STRV_INIT;
	struct buf b = BUF_INIT;
	for (const struct json *c = json_first(list); c; c = json_next(c))
		strv_add(&v, json_to_str(c));
	strv_join(&v, 8, &b);
	cli_row(13, label, "%s", v.n ? b.p : none);
	strv_release(&v);
	buf_release(&b);
}

static void show_files(const struct json *plan)
{
	size_t n = 0, all = (size_t)json_int(plan, "files_total", 0);
	for (const struct json *f = json_first(json_get(plan, "files")); f && n < FILES_SHOWN;
		f = json_next(f), n++) {
		int64_t added = json_int(f, "added", -1);
		if (added < 0)
			print_row("", "  %s  binary", json_str(f, "path", "?"));
		else
			print_row("", "  %s  +%lld -%lld", json_str(f, "path", "?"),
				(long long)added, (long long)json_int(f, "removed", 0));
	}
	if (all > n)
		print_row("", "  and %zu more", all - n);
}

/* What is promoted: the full name, so that the plan and its doing mean the same variant, and how it
 * stands. */
struct subject {
	char *name; /* "7/claude-1" */
	char *check;
	const char *how;
};

static int find_subject(struct subject *w, struct cli_session *s, const char *sel, struct err *e)
{
	struct race_set set;
	struct variant **found = NULL, *v;
	size_t n = 0;
	if (cli_load(s, e))
		return -1;
	set = (struct race_set){ s->race, s->nrace };
	if (race_select(&set, sel, true, &found, &n, e))
		return -1;
	v = found[0];
	free(found);
	if (n != 1)
		return err_set(e, "ambiguous", "\"%s\" means %zu variants; name one", sel, n);
	const char *reason = v->reason ? v->reason : variant_state_name(v->state);
	w->name = xasprintf("%d/%s", v->race, v->name);
	if (v->check.state == CHECK_NONE)
		w->check = xasprintf("none; %s, %s", variant_state_name(v->state), reason);
	else
		w->check = xasprintf("%s%s", v->state == VS_PASSED ? "" : "NOT PASSED: ", reason);
	return 0;
}

static void show_plan(const struct json *plan, const struct subject *what)
{
	const char *tree = json_str(plan, "tree", NULL);
	int64_t commits = json_int(plan, "commits", 0), files = json_int(plan, "files_total", 0);
	char *dir = tree ? fs_tilde(tree) : NULL;
	cli_say(stdout, "promote %s into %s", what->name, json_str(plan, "into", "?"));
	print_row("check", "%s", what->check);
	print_row("into", "%s %.7s%s%s", json_str(plan, "into", "?"), json_str(plan, "old", "?"),
		dir ? ", checked out in " : "", dir ? dir : "");
	print_row("how", "%s", json_str(plan, "how", "?"));
	print_row("brings", "%lld commit%s, %lld file%s, +%lld -%lld", (long long)commits,
		commits == 1 ? "" : "s", (long long)files, files == 1 ? "" : "s",
		(long long)json_int(plan, "added", 0), (long long)json_int(plan, "removed", 0));
	show_files(plan);
	print_list("  auto-run", json_get(plan, "auto_run"),
		"none of Makefile, hooks, CI, .envrc, package.json");
	print_list("  conflicts", json_get(plan, "conflicts"), "none");
	if (json_size(json_get(plan, "local_edits")))
		print_list("  your edits", json_get(plan, "local_edits"), "");
	if (json_size(json_get(plan, "filtered")))
		print_list("  unfiltered", json_get(plan, "filtered"), "");
	for (const struct json *n = json_first(json_get(plan, "notes")); n; n = json_next(n))
		print_row("note", "%s", json_to_str(n));
	print_row("after", "nothing is pushed; `yolodeck undo` takes it all back");
	free(dir);
}

/* A refusal in the plan is the answer of the verb. */
static bool plan_refuses(const struct json *plan, struct err *e)
{
	const struct json *r = json_get(plan, "refuse");
	if (!r || json_type(r) != JSON_OBJECT)
		return false;
	err_set(e, json_str(r, "code", "refused"), "%s",
		json_str(r, "msg", "it cannot be done now"));
	return true;
}

/* 1 = go on, 0 = no, -1 = nobody there to ask. */
static int user_agrees(const struct cli_args *a, const char *question, struct err *e)
{
	if (cli_has(a, "yes"))
		return 1;
	if (a->json || !cli_tty())
		return err_set(e, "not_asked",
			"there is no terminal to ask on: -y answers yes, --dry-run only shows the plan");
	return cli_ask(question) ? 1 : 0;
}

static struct json *promote_request(
	const struct cli_args *a, const struct cli_session *s, const struct subject *what)
{
	struct json *req = client_request("promote");
	json_put_str(req, "variant", what->name);
	json_put_str(req, "how", what->how);
	if (cli_opt(a, "into"))
		json_put_str(req, "into", cli_opt(a, "into"));
	json_put_str(req, "from", s->repo.top ? s->repo.top : "");
	json_put_bool(req, "archive_rest", cli_has(a, "archive-rest"));
	return req;
}

static void say_promoted(const struct subject *what, const struct json *ok)
{
	struct strv rest = STRV_INIT;
	struct buf b = BUF_INIT;
	cli_say(stdout,
		"promoted %s into %s: %.7s -> %.7s; nothing is pushed, `yolodeck undo` takes it "
		"back",
		what->name, json_str(ok, "into", "?"), json_str(ok, "old", "?"),
		json_str(ok, "new", "?"));
	if (!json_get_strv(ok, "archived", &rest) && rest.n) {
		strv_join(&rest, 20, &b);
		cli_say(stdout, "archived %s", b.p);
	}
	strv_release(&rest);
	buf_release(&b);
}

static int apply_promote(const struct cli_args *a, struct cli_session *s,
	const struct subject *what, const char *token, struct err *e)
{
	struct json *req = promote_request(a, s, what), *ok;
	json_put_str(req, "token", token);
	ok = cli_call(s, req, e);
	if (!ok)
		return -1;
	if (a->json) {
		cli_json(ok);
		return 0;
	}
	say_promoted(what, ok);
	json_free(ok);
	return 0;
}

/* 0 done, 1 answered no, -1 refused. */
static int plan_and_promote(
	const struct cli_args *a, struct cli_session *s, const struct subject *what, struct err *e)
{
	struct json *req = promote_request(a, s, what), *ok;
	const struct json *plan;
	int rc = -1, yes;
	json_put_bool(req, "plan", true);
	ok = cli_call(s, req, e);
	if (!ok)
		return -1;
	plan = json_get(ok, "plan");
	bool no = plan_refuses(plan, e);
	if (a->json && cli_has(a, "dry-run")) {
		cli_json(ok);
		return no ? 1 : 0;
	}
	if (!a->json)
		show_plan(plan, what);
	if (no)
		;
	else if (cli_has(a, "dry-run"))
		rc = 0;
	else if ((yes = user_agrees(a, "promote? y/N", e)) > 0)
		rc = apply_promote(a, s, what, json_str(ok, "token", ""), e);
	else if (!yes)
		rc = 1;
	json_free(ok);
	return rc;
}

static int finish_verb(const struct cli_args *a, struct cli_session *s, int rc, const struct err *e)
{
	if (rc < 0)
		rc = cli_fail(a, e);
	else if (rc > 0 && !a->json)
		cli_say(stdout, "nothing was changed");
	cli_close(s);
	return rc;
}

static int run_promote(struct cli_args *a)
{
	struct cli_session s;
	struct subject what = { NULL, NULL, NULL };
	struct err e = ERR_INIT;
	int rc;
	bool squash = cli_has(a, "squash"), merge = cli_has(a, "merge");
	if (cli_has(a, "rebase"))
		return cli_usage(
			a, "--rebase comes in a later version; there are --merge and --squash");
	if (squash && merge)
		return cli_usage(a, "--merge and --squash are two ways; name one");
	if (cli_open(&s, false, &e))
		return cli_fail(a, &e);
	what.how = squash ? "squash" : "merge";
	rc = find_subject(&what, &s, a->words.v[0], &e) ? -1 : plan_and_promote(a, &s, &what, &e);
	free(what.name);
	free(what.check);
	return finish_verb(a, &s, rc, &e);
}

static const struct cli_opt promote_opts[] = {
	{ "merge", 0, NULL, "by a merge commit (the default)" },
	{ "squash", 0, NULL, "as one commit" },
	{ "rebase", 0, NULL, "by rebasing (in a later version)" },
	{ "into", 0, "BRANCH", "the branch to merge into (default: the current one)" },
	{ "archive-rest", 0, NULL,
		"also archive the other variants of the race, killing those that still run" },
	{ "dry-run", 0, NULL, "only show the plan" },
	{ "yes", 'y', NULL, "do not ask" },
	{ NULL, 0, NULL, NULL },
};
const struct cli_verb cli_verb_promote = { "promote", NULL,
	"V [--merge|--squash] [--into BRANCH] [--archive-rest] [--dry-run] [-y]",
	"merge a variant into your branch: shows the plan, then asks", promote_opts, run_promote, 1,
	1, .json = true };

static int plan_and_undo(const struct cli_args *a, struct cli_session *s, struct err *e)
{
	struct json *req = client_request("undo"), *ok, *done;
	const struct json *plan;
	int yes = 0, rc = -1;
	json_put_bool(req, "plan", true);
	ok = cli_call(s, req, e);
	if (!ok)
		return -1;
	plan = json_get(ok, "plan");
	if (!a->json)
		cli_say(stdout, "undo: %s", json_str(plan, "words", "?"));
	if (plan_refuses(plan, e)) {
		json_free(ok);
		return -1;
	}
	yes = user_agrees(a,
		json_bool(plan, "revert", false) ? "make the revert commit? y/N"
						 : "take it back? y/N",
		e);
	if (yes > 0) {
		req = client_request("undo");
		json_put_str(req, "token", json_str(ok, "token", ""));
		done = cli_call(s, req, e);
		rc = done ? 0 : -1;
		if (done && a->json)
			cli_json(done);
		else if (done)
			cli_say(stdout, "undone: %s", json_str(done, "words", ""));
		if (!a->json)
			json_free(done);
	} else if (!yes) {
		rc = 1;
	}
	json_free(ok);
	return rc;
}

static int run_undo(struct cli_args *a)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	if (cli_open(&s, false, &e))
		return cli_fail(a, &e);
	return finish_verb(a, &s, plan_and_undo(a, &s, &e), &e);
}

static const struct cli_opt undo_opts[] = {
	{ "yes", 'y', NULL, "do not ask" },
	{ NULL, 0, NULL, NULL },
};
const struct cli_verb cli_verb_undo = { "undo", NULL, "[-y]",
	"undo the last promote or archive: shows what it is, then asks", undo_opts, run_undo, 0, 0,
	.json = true };
