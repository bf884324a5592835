/* ops_promote.c - plan, show, apply: in the repository's serial job. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "conductor/board.h"
#include "conductor/archive_ops.h"
#include "conductor/ops.h"
#include "conductor/plans.h"
#include "conductor/sample.h"
#include "conductor/sched.h"
#include "conductor/undo.h"

struct promoting {
	struct conductor *c;
	struct reply r;
	struct variant_run *vr; /* only for done */
	struct journal *journal;
	char *common, *from, *quarantine, *state_dir, *variant, *tip, *base, *into, *subject,
		*umask;
	int race;
	enum promote_how how;
	bool plan_only, have_plan, archive_rest;
	struct promote_plan plan;
	struct err e;
	int rc;
};

static void promoting_free(struct promoting *p)
{
	if (p->have_plan)
		promote_plan_release(&p->plan);
	free(p->common);
	free(p->from);
	free(p->quarantine);
	free(p->state_dir);
	free(p->variant);
	free(p->tip);
	free(p->base);
	free(p->into);
	free(p->subject);
	free(p->umask);
	if (!p->c->closing)
		ops_end(p->c);
	free(p);
}

static int apply(struct promoting *p, const struct promote_in *in)
{
	if (p->plan.refuse)
		return err_set(&p->e, p->plan.refuse_code ? p->plan.refuse_code : "refused", "%s",
			p->plan.refuse);
	return promote_apply(in, &p->plan, p->journal, &p->e);
}

static void promote_work(void *arg)
{
	struct promoting *p = arg;
	struct git_repo repo;
	struct promote_in in = {
		.repo = &repo,
		.quarantine = p->quarantine,
		.state_dir = p->state_dir,
		.race = p->race,
		.variant = p->variant,
		.tip = p->tip,
		.base = p->base,
		.into = p->into,
		.asked_from = p->from[0] ? p->from : NULL,
		.how = p->how,
		.subject = p->subject,
		.umask = p->umask,
	};

	p->rc = p->from[0] ? git_repo_open(&repo, p->from, &p->e)
			   : git_repo_open_common(&repo, p->common, &p->e);
	if (p->rc)
		return;
	if (strcmp(repo.common, p->common)) {
		p->rc = err_set(
			&p->e, "other_repository", "%s belongs to another repository", p->from);
	} else if (!p->have_plan) {
		p->rc = promote_plan(&in, &p->plan, &p->e);
		p->have_plan = !p->rc;
	}
	if (!p->rc && !p->plan_only)
		p->rc = apply(p, &in);
	git_repo_release(&repo);
}

static void show_plan(struct promoting *p)
{
	struct json *ok = json_object(), *plan = promote_plan_to_json(&p->plan);
	char token[PLANS_TOKEN];

	plans_token(p->plan.into_ref, p->plan.old, p->plan.new, token);
	json_put_str(plan, "token", token);
	json_put(ok, "plan", plan);
	json_put_str(ok, "token", token);
	plans_keep(p->c, token, &p->plan);
	p->have_plan = false;
	reply_ok(&p->r, ok);
}

static void remember(struct promoting *p)
{
	struct action a = { .promote = true };

	a.done.race = p->race;
	a.done.variant = xstrdup(p->variant);
	a.done.into_ref = xstrdup(p->plan.into_ref);
	a.done.old = xstrdup(p->plan.old);
	a.done.new = xstrdup(p->plan.new);
	a.done.tree_dir = p->plan.tree_dir ? xstrdup(p->plan.tree_dir) : NULL;
	undo_push(&p->c->undo, &a);
}

/* The others of the race: ended ones go now, live ones are killed and go when they ended. */
static void archive_rest(struct promoting *p, struct strv *names)
{
	struct race_run *r = p->vr->r;
	struct variant_run **now = xcalloc(r->race->n + 1, sizeof(struct variant_run *));
	size_t n = 0;

	for (size_t i = 0; i < r->race->n; i++) {
		struct variant_run *vr = &r->v[i];
		if (vr == p->vr || vr->v->archived)
			continue;
		strv_add(names, vr->key);
		if (variant_live(vr->v->state)) {
			vr->v->archive_after = true;
			sched_kill(vr, "killed by you, another one was promoted");
		} else {
			now[n++] = vr;
		}
	}
	if (n)
		archive_ops_archive(p->c, now, n, true, NULL, NULL);
	free(now);
}

static void applied(struct promoting *p)
{
	struct json *ok = json_object();
	struct strv names = STRV_INIT;

	xreplace(&p->vr->v->promoted, p->plan.into);
	sched_store(p->vr);
	board_touch(p->vr);
	remember(p);
	notify(p->c, "news", "%s is in %s: %.7s -> %.7s. Nothing is pushed; U takes it back.",
		p->vr->key, p->plan.into, p->plan.old, p->plan.new);
	if (p->archive_rest)
		archive_rest(p, &names);
	sample_conflicts(p->vr->r);
	json_put_str(ok, "into", p->plan.into);
	json_put_str(ok, "old", p->plan.old);
	json_put_str(ok, "new", p->plan.new);
	json_put_strv(ok, "archived", &names);
	strv_release(&names);
	reply_ok(&p->r, ok);
}

static void promote_done(void *arg)
{
	struct promoting *p = arg;

	if (p->c->closing)
		; /* the journal tells the next conductor */
	else if (p->rc)
		reply_err(&p->r, &p->e);
	else if (p->plan_only)
		show_plan(p);
	else
		applied(p);
	promoting_free(p);
}

static int judge(const struct variant_run *vr, struct err *e)
{
	const struct variant *v = vr->v;

	if (variant_live(v->state))
		return err_set(e, "still_live",
			"%s is still %s: wait for its end, or kill it (its work is kept).", vr->key,
			variant_state_name(v->state));
	if (v->scan)
		return err_set(e, "not_recorded", "%s cannot be promoted: %s", vr->key, v->scan);
	if (!v->commit)
		return err_set(e, "nothing_saved", "%s has nothing to promote: %s", vr->key,
			v->reason ? v->reason : "it never ran");
	return 0;
}

static const char *subject(const struct variant_run *vr)
{
	const struct spec *s = &vr->r->race->spec;

	if (s->prompt)
		return s->prompt;
	if (vr->sv && vr->sv->command)
		return vr->sv->command;
	return s->name ? s->name : vr->r->race->slug;
}

static struct promoting *begin(
	const struct reply *r, const struct json *req, struct variant_run *vr, int how)
{
	struct promoting *p = xcalloc(1, sizeof(*p));
	const char *into = json_str(req, "into", NULL);

	ops_begin(r->c);
	p->c = r->c;
	p->r = *r;
	p->vr = vr;
	p->journal = r->c->journal;
	p->common = xstrdup(r->c->store.common);
	p->from = xstrdup(json_str(req, "from", ""));
	p->quarantine = xstrdup(vr->r->quarantine);
	p->state_dir = xstrdup(r->c->store.dir);
	p->variant = xstrdup(vr->v->name);
	p->tip = xstrdup(vr->v->commit);
	p->base = xstrdup(vr->r->race->base);
	p->into = into && *into ? xstrdup(into) : NULL;
	p->subject = xstrdup(subject(vr));
	p->umask = xstrdup(json_str(req, "umask", ""));
	p->race = vr->r->race->number;
	p->how = (enum promote_how)how;
	p->plan_only = json_bool(req, "plan", false);
	p->archive_rest = json_bool(req, "archive_rest", false);
	return p;
}

void ops_promote(const struct reply *r, const struct json *req)
{
	struct err e = ERR_INIT;
	struct variant_run *vr = ops_one(r->c, req, "variant", true, &e);
	const char *token = json_str(req, "token", NULL), *name = json_str(req, "how", "merge");
	int how = promote_how_parse(name);
	struct promoting *p;

	if (vr && how < 0)
		err_set(&e, "usage",
			"\"%s\" is no way to promote: there are merge, squash and rebase", name);
	if (!vr || how < 0 || judge(vr, &e)) {
		reply_err(r, &e);
		return;
	}
	p = begin(r, req, vr, how);
	if (token && !p->plan_only) {
		p->have_plan = plans_take(r->c, token, &p->plan);
		if (!p->have_plan) {
			err_set(&e, "moved_base",
				"What was shown is not known any more (it moved, or was used); look again.");
			reply_err(r, &e);
			promoting_free(p);
			return;
		}
	}
	pool_post_interactive(loop_pool(r->c->loop), SERIAL_REPO, promote_work, promote_done, p);
}
