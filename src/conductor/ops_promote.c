/* ops_promote.c - plan, show, apply: in the repository's serial job. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conductor/board.h"
#include "conductor/archive_ops.h"
#include "conductor/ops.h"
#include "conductor/conflicts.h"
#include "conductor/plan_cache.h"
#include "conductor/sched.h"
#include "conductor/undo.h"
#include "conductor/variant_run.h"

struct promote_request {
	struct conductor *c;
	struct reply r;
	struct variant_run *run;
	char *from, *tip, *into, *subject, *umask;
	enum promote_how how;
	bool plan_only, have_plan, archive_rest;
	struct promote_plan plan;
	struct err e;
	int rc;
};

static void promote_request_free(struct promote_request *p)
{
	if (p->have_plan)
		promote_plan_release(&p->plan);
	free(p->from);
	free(p->tip);
	free(p->into);
	free(p->subject);
	free(p->umask);
	p->c->running_ops--;
	free(p);
}

static int apply_plan(struct promote_request *p, const struct promote_in *in)
{
	if (p->plan.refuse)
		return err_set(&p->e, p->plan.refuse_code ? p->plan.refuse_code : "refused", "%s",
			p->plan.refuse);
	return promote_apply(in, &p->plan, p->c->journal, &p->e);
}

static void promote_work(void *arg)
{
	struct promote_request *p = arg;
	const struct snapshot_in *of = &p->run->snapshot;
	const char *common = p->c->store.common;
	struct git_repo repo;
	struct promote_in in = {
		.repo = &repo,
		.quarantine = of->quarantine,
		.state_dir = p->c->store.dir,
		.race = of->race,
		.variant = of->variant,
		.tip = p->tip,
		.base = of->base,
		.into = p->into,
		.asked_from = p->from[0] ? p->from : NULL,
		.how = p->how,
		.subject = p->subject,
		.umask = p->umask,
	};

	p->rc = p->from[0] ? git_repo_open(&repo, p->from, &p->e)
			   : git_repo_open_common(&repo, common, &p->e);
	if (p->rc)
		return;
	if (strcmp(repo.common, common)) {
		p->rc = err_set(
			&p->e, "other_repository", "%s belongs to another repository", p->from);
	} else if (!p->have_plan) {
		p->rc = promote_plan(&in, &p->plan, &p->e);
		p->have_plan = !p->rc;
	}
	if (!p->rc && !p->plan_only)
		p->rc = apply_plan(p, &in);
	git_repo_release(&repo);
}

static void show_plan(struct promote_request *p)
{
	struct json *ok = json_object(), *plan = promote_plan_to_json(&p->plan);
	char token[PLAN_CACHE_TOKEN];

	plan_cache_token(p->plan.into_ref, p->plan.old, p->plan.new, token);
	json_put_str(plan, "token", token);
	json_put(ok, "plan", plan);
	json_put_str(ok, "token", token);
	plan_cache_put(p->c, token, &p->plan);
	p->have_plan = false;
	reply_ok(&p->r, ok);
}

static void push_undo(struct promote_request *p)
{
	struct action a = { .promote = true };

	a.done.race = p->run->v->race;
	a.done.variant = xstrdup(p->run->v->name);
	a.done.into_ref = xstrdup(p->plan.into_ref);
	a.done.old = xstrdup(p->plan.old);
	a.done.new = xstrdup(p->plan.new);
	a.done.tree_dir = p->plan.tree_dir ? xstrdup(p->plan.tree_dir) : NULL;
	undo_push(&p->c->undo, &a);
}

/* The others of the race: ended ones go now, live ones are killed and go when they ended. */
static void archive_rest(struct promote_request *p, struct strv *names)
{
	struct race_run *r = p->run->r;
	struct variant_run **now = xcalloc(r->race->n + 1, sizeof(struct variant_run *));
	size_t n = 0;

	for (size_t i = 0; i < r->race->n; i++) {
		struct variant_run *run = &r->v[i];
		if (run == p->run || run->v->archived)
			continue;
		strv_add(names, run->key);
		if (variant_live(run->v->state)) {
			run->v->archive_after = true;
			sched_kill(run, "killed by you, another one was promoted");
		} else {
			now[n++] = run;
		}
	}
	if (n)
		archive_ops_archive(p->c, now, n, true, NULL, NULL);
	free(now);
}

static void finish_promote(struct promote_request *p)
{
	struct json *ok = json_object();
	struct strv names = STRV_INIT;

	xreplace(&p->run->v->promoted, p->plan.into);
	variant_store(p->run);
	mark_dirty(p->run);
	push_undo(p);
	notify(p->c, "news", "%s is in %s: %.7s -> %.7s. Nothing is pushed; U takes it back.",
		p->run->key, p->plan.into, p->plan.old, p->plan.new);
	if (p->archive_rest)
		archive_rest(p, &names);
	conflicts_update(p->run->r);
	json_put_str(ok, "into", p->plan.into);
	json_put_str(ok, "old", p->plan.old);
	json_put_str(ok, "new", p->plan.new);
	json_put_strv(ok, "archived", &names);
	strv_release(&names);
	reply_ok(&p->r, ok);
}

static void promote_done(void *arg)
{
	struct promote_request *p = arg;

	if (p->rc)
		reply_err(&p->r, &p->e);
	else if (p->plan_only)
		show_plan(p);
	else
		finish_promote(p);
	promote_request_free(p);
}

static int check_promotable(const struct variant_run *run, struct err *e)
{
	const struct variant *v = run->v;

	if (variant_live(v->state))
		return err_set(e, "still_live",
			"%s is still %s: wait for its end, or kill it (its work is kept).",
			run->key, variant_state_name(v->state));
	if (v->scan)
		return err_set(e, "not_recorded", "%s cannot be promoted: %s", run->key, v->scan);
	if (!v->commit)
		return err_set(e, "nothing_saved", "%s has nothing to promote: %s", run->key,
			v->reason ? v->reason : "it never ran");
	return 0;
}

static const char *subject(const struct variant_run *run)
{
	const struct spec *s = &run->r->race->spec;

	if (s->prompt)
		return s->prompt;
	if (run->recipe && run->recipe->command)
		return run->recipe->command;
	return s->name ? s->name : run->r->race->slug;
}

static struct promote_request *request_new(
	const struct reply *r, const struct json *req, struct variant_run *run, int how)
{
	struct promote_request *p = xcalloc(1, sizeof(*p));
	const char *into = json_str(req, "into", NULL);

	r->c->running_ops++;
	p->c = r->c;
	p->r = *r;
	p->run = run;
	p->from = xstrdup(json_str(req, "from", ""));
	p->tip = xstrdup(run->v->commit);
	p->umask = xstrdup(json_str(req, "umask", ""));
	p->into = into && *into ? xstrdup(into) : NULL;
	p->subject = xstrdup(subject(run));
	p->how = (enum promote_how)how;
	p->plan_only = json_bool(req, "plan", false);
	p->archive_rest = json_bool(req, "archive_rest", false);
	return p;
}

void ops_promote(const struct reply *r, const struct json *req)
{
	struct err e = ERR_INIT;
	struct variant_run *run = ops_one(r->c, req, "variant", true, &e);
	const char *token = json_str(req, "token", NULL), *name = json_str(req, "how", "merge");
	int how = promote_how_parse(name);
	struct promote_request *p;

	if (run && how < 0)
		err_set(&e, "usage",
			"\"%s\" is no way to promote: there are merge, squash and rebase", name);
	if (!run || how < 0 || check_promotable(run, &e)) {
		reply_err(r, &e);
		return;
	}
	p = request_new(r, req, run, how);
	if (token && !p->plan_only) {
		p->have_plan = plan_cache_take(r->c, token, &p->plan);
		if (!p->have_plan) {
			err_set(&e, "moved_base",
				"What was shown is not known any more (it moved, or was used); look again.");
			reply_err(r, &e);
			promote_request_free(p);
			return;
		}
	}
	pool_post_interactive(loop_pool(r->c->loop), SERIAL_REPO, promote_work, promote_done, p);
}
