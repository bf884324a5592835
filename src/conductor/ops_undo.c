/* ops_undo.c - takes the last promote or archive back, after saying what that is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conductor/board.h"
#include "conductor/archive_ops.h"
#include "conductor/ops.h"
#include "conductor/plan_cache.h"
#include "conductor/conflicts.h"
#include "conductor/races.h"
#include "conductor/undo.h"
#include "conductor/variant_run.h"

struct undo_request {
	struct conductor *c;
	struct reply r;
	struct journal *journal;
	const char *common, *state_dir, *quarantine;
	char *umask;
	struct action a; /* a copy of the top of the stack */
	bool plan_only;
	char token[PLAN_CACHE_TOKEN], asked[PLAN_CACHE_TOKEN];
	struct undo_plan plan;
	bool have_plan;
	char *words;
	struct err e;
	int rc;
};

static void undo_request_free(struct undo_request *u)
{
	if (u->have_plan)
		undo_plan_release(&u->plan);
	undo_action_release(&u->a);
	free(u->umask);
	free(u->words);
	u->c->running_ops--;
	free(u);
}

static void begin_undo(void *arg);
static void undo_work(void *arg);
static void undo_done(void *arg);
static void on_restored(void *ctx, struct archive_result *res);

/* ---- what is on top, behind all that was asked before ---- */

static void no_work(void *arg)
{
}

void ops_undo(const struct reply *r, const struct json *req)
{
	struct undo_request *u = xcalloc(1, sizeof(*u));

	r->c->running_ops++;
	u->c = r->c;
	u->r = *r;
	u->journal = r->c->journal;
	u->plan_only = json_bool(req, "plan", false);
	snprintf(u->asked, sizeof(u->asked), "%s", json_str(req, "token", ""));
	u->common = r->c->store.common;
	u->state_dir = r->c->store.dir;
	u->umask = xstrdup(json_str(req, "umask", ""));
	pool_post_interactive(loop_pool(r->c->loop), SERIAL_REPO, no_work, begin_undo, u);
}

static void copy_action(struct action *to, const struct action *from)
{
	to->promote = from->promote;
	strv_copy(&to->archived, &from->archived);
	if (!from->promote)
		return;
	to->done.n = from->done.n;
	to->done.race = from->done.race;
	to->done.variant = xstrdup(from->done.variant);
	to->done.into_ref = xstrdup(from->done.into_ref);
	to->done.old = xstrdup(from->done.old);
	to->done.new = xstrdup(from->done.new);
	to->done.tree_dir = from->done.tree_dir ? xstrdup(from->done.tree_dir) : NULL;
}

/* What is on top counts when all that was asked before (and the repair after a crash) is done: so
 * this waits in the same queue. */
static void begin_undo(void *arg)
{
	struct undo_request *u = arg;
	struct action *top = undo_top(&u->c->undo);
	struct race_run *race;
	struct err e = ERR_INIT;

	if (!top) {
		err_set(&e, "nothing_to_undo", "There is no promote and no archive to take back.");
		reply_err(&u->r, &e);
		undo_request_free(u);
		return;
	}
	copy_action(&u->a, top);
	race = top->promote ? races_find(u->c, top->done.race) : NULL;
	u->quarantine = race ? race->quarantine : NULL;
	pool_post_interactive(loop_pool(u->c->loop), SERIAL_REPO, undo_work, undo_done, u);
}

/* ---- in the worker ---- */

/* The token holds what is at stake, not the revert commit, whose time differs with every plan. */
static void make_token(struct undo_request *u)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < u->a.archived.n; i++)
		buf_fmt(&b, "%s ", u->a.archived.v[i]);
	if (u->a.promote)
		buf_fmt(&b, "%s %s %d", u->a.done.old, u->a.done.new, u->plan.revert);
	plan_cache_token(u->a.promote ? u->a.done.into_ref : "archive",
		u->a.promote ? u->plan.current : NULL, b.p, u->token);
	buf_release(&b);
}

static void undo_work(void *arg)
{
	struct undo_request *u = arg;
	struct git_repo repo;

	if (!u->a.promote) {
		make_token(u);
		return;
	}
	u->rc = git_repo_open_common(&repo, u->common, &u->e);
	if (u->rc)
		return;
	u->rc = promote_undo_plan(&repo, u->quarantine, &u->a.done, &u->plan, &u->e);
	u->have_plan = !u->rc;
	if (!u->rc)
		make_token(u);
	if (!u->rc && !u->plan_only) {
		if (u->asked[0] && strcmp(u->asked, u->token))
			u->rc = err_set(
				&u->e, "moved_base", "It moved while you looked; look again.");
		else if (u->plan.refuse)
			u->rc = err_set(&u->e,
				u->plan.refuse_code ? u->plan.refuse_code : "refused", "%s",
				u->plan.refuse);
		else
			u->rc = promote_undo_apply(&repo, u->quarantine, u->state_dir, &u->a.done,
				&u->plan, u->umask, u->journal, &u->e);
	}
	git_repo_release(&repo);
}

/* ---- on the loop ---- */

static void format_words(struct undo_request *u)
{
	struct buf b = BUF_INIT;

	if (u->a.promote && u->plan.words)
		buf_str(&b, u->plan.words);
	if (u->a.archived.n) {
		buf_str(&b,
			b.len ? "; brings back from the archive: "
			      : "brings back from the archive: ");
		strv_join(&u->a.archived, 6, &b);
	}
	u->words = buf_take(&b);
}

static void show_undo(struct undo_request *u)
{
	struct json *ok = json_object();
	struct json *plan = u->have_plan ? undo_plan_to_json(&u->plan) : json_object();

	json_put_str(plan, "words", u->words);
	json_put_str(plan, "token", u->token);
	json_put_strv(plan, "restores", &u->a.archived);
	json_put(ok, "plan", plan);
	json_put_str(ok, "token", u->token);
	reply_ok(&u->r, ok);
}

static void finish_undo(struct undo_request *u)
{
	struct json *ok = json_object();

	json_put_str(ok, "words", u->words);
	reply_ok(&u->r, ok);
	notify(u->c, "news", "undone: %s", u->words);
	undo_request_free(u);
}

static void clear_promoted(struct undo_request *u)
{
	struct buf key = BUF_INIT;
	struct variant_run *run;

	buf_fmt(&key, "%d/%s", u->a.done.race, u->a.done.variant);
	run = races_by_key(u->c, key.p);
	buf_release(&key);
	if (!run)
		return;
	xreplace(&run->v->promoted, NULL);
	variant_store(run);
	mark_dirty(run);
	conflicts_update(run->r);
}

static void bring_back(struct undo_request *u)
{
	struct variant_run **v = xcalloc(u->a.archived.n + 1, sizeof(struct variant_run *));
	size_t n = 0;

	for (size_t i = 0; i < u->a.archived.n; i++) {
		struct variant_run *run = races_by_key(u->c, u->a.archived.v[i]);
		if (run)
			v[n++] = run;
	}
	archive_ops_restore(u->c, v, n, on_restored, u);
	free(v);
}

static void undo_done(void *arg)
{
	struct undo_request *u = arg;

	if (!u->rc && !u->plan_only && u->asked[0] && strcmp(u->asked, u->token))
		u->rc = err_set(&u->e, "moved_base", "It moved while you looked; look again.");
	if (u->rc) {
		reply_err(&u->r, &u->e);
		undo_request_free(u);
		return;
	}
	format_words(u);
	if (u->plan_only) {
		show_undo(u);
		undo_request_free(u);
		return;
	}
	if (u->a.promote) {
		clear_promoted(u);
		undo_pop(&u->c->undo);
	}
	if (u->a.archived.n)
		bring_back(u);
	else
		finish_undo(u);
}

static void on_restored(void *ctx, struct archive_result *res)
{
	struct undo_request *u = ctx;
	struct buf b = BUF_INIT;

	if (res->skipped.n) {
		buf_fmt(&b, "%s; not brought back: ", u->words);
		strv_join(&res->skipped, 3, &b);
		free(u->words);
		u->words = buf_take(&b);
	}
	finish_undo(u);
}
