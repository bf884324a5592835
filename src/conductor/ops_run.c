/* ops_run.c - from a request to a race: judged by git and the engine first, then claimed and
 * stored, then answered and queued.
 *
 * What is refused before the claim has left nothing behind. After race.json is on disk the race is
 * a fact, whoever dies. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/engine_select.h"
#include "conductor/engines.h"
#include "conductor/ops.h"
#include "conductor/races.h"
#include "conductor/task.h"
#include "conductor/variant_run.h"
#include "model/docker_env.h"

struct run_request {
	struct conductor *c;
	struct reply r;
	struct spec spec;
	char *from;
	char *base, *base_name; /* found by git */
	int floor;
	struct engine_handle *handle;
	char *why;
	char unlimited[256];
	struct race *race;
	struct err e;
	int rc;
};

static void run_request_free(struct run_request *u)
{
	spec_release(&u->spec);
	free(u->from);
	free(u->base);
	free(u->base_name);
	free(u->why);
	race_free(u->race);
	u->c->running_ops--;
	free(u);
}

static void refuse(struct run_request *u, const struct err *e)
{
	reply_err(&u->r, e);
	run_request_free(u);
}

static void inspect_work(void *arg);
static void inspect_done(void *arg);
static void on_engine(void *ctx, struct engine_handle *s, const char *why, const struct err *e);
static void on_prepared(void *ctx, const struct err *e);
static void claim_work(void *arg);
static void claim_done(void *arg);

/* ---- 1. what is asked ---- */

static int check_spec(struct run_request *u, const struct json *req, struct err *e)
{
	const struct json *spec = json_get(req, "spec");
	struct strv paths = STRV_INIT;
	int rc;

	if (!spec || json_type(spec) != JSON_OBJECT)
		return err_set(e, "bad_request", "the request has no \"spec\"");
	if (spec_from_json(&u->spec, spec, e))
		return -1;
	if (!u->spec.nvariants)
		return err_set(e, "bad_spec", "the race has no variant");
	xreplace(&u->spec.prepared, NULL); /* the engine's to say */
	rc = task_mounts(u->c, &u->spec.mounts, &paths, e);
	if (!rc)
		strv_copy(&u->spec.mounts, &paths);
	strv_release(&paths);
	return rc;
}

void ops_run(const struct reply *r, const struct json *req)
{
	struct run_request *u = xcalloc(1, sizeof(*u));
	struct err e = ERR_INIT;
	const char *from = json_str(req, "from", "");

	u->c = r->c;
	u->r = *r;
	r->c->running_ops++;
	spec_init(&u->spec);
	if (from[0] && from[0] != '/') {
		err_set(&e, "bad_request", "\"from\" is an absolute path");
		refuse(u, &e);
		return;
	}
	if (docker_env_same(json_get(req, "env"), &e) || check_spec(u, req, &e)) {
		refuse(u, &e);
		return;
	}
	u->from = xstrdup(from);
	pool_post_interactive(loop_pool(r->c->loop), NULL, inspect_work, inspect_done, u);
}

/* ---- 2. what git says, in a worker ---- */

static int open_repo(const char *from, const char *common, struct git_repo *repo, struct err *e)
{
	if (!from[0])
		return git_repo_open_common(repo, common, e);
	if (git_repo_open(repo, from, e))
		return -1;
	if (!strcmp(repo->common, common))
		return 0;
	err_set(e, "other_repository", "%s belongs to another repository than this conductor's %s",
		from, common);
	git_repo_release(repo);
	return -1;
}

static char *name_of_base(const struct spec *s, const struct git_repo *repo)
{
	if (s->base)
		return xstrdup(s->base);
	if (repo->head_ref && !strncmp(repo->head_ref, "refs/heads/", 11))
		return xstrdup(repo->head_ref + 11);
	return xstrdup("HEAD");
}

static void inspect_work(void *arg)
{
	struct run_request *u = arg;
	struct git_repo repo;

	u->rc = open_repo(u->from, u->c->store.common, &repo, &u->e);
	if (u->rc)
		return;
	if (!repo.ident) {
		u->rc = err_set(&u->e, "no_identity",
			"git does not know who you are: set user.name and user.email (git config --global user.name ...), "
			"then run again.");
	} else if (!repo.head && !u->spec.base) {
		u->rc = err_set(&u->e, "no_commit",
			"This branch has no commit yet; make one, then run again.");
	} else {
		u->base_name = name_of_base(&u->spec, &repo);
		u->base = git_resolve(&repo, u->spec.base ? u->spec.base : "HEAD", &u->e);
		u->rc = u->base ? git_highest_race(&repo, &u->floor, &u->e) : -1;
	}
	git_repo_release(&repo);
}

/* ---- 3. the engine, and what it says of the race ---- */

static void inspect_done(void *arg)
{
	struct run_request *u = arg;

	if (u->rc) {
		refuse(u, &u->e);
		return;
	}
	engine_select_choose(u->c, u->spec.engine, &u->spec, on_engine, u);
}

static void on_engine(void *ctx, struct engine_handle *s, const char *why, const struct err *e)
{
	struct run_request *u = ctx;
	struct err refusal = ERR_INIT;

	if (!s) {
		refuse(u, e);
		return;
	}
	u->handle = s;
	u->why = xstrdup(why);
	engine_select_unlimited(&s->report, &u->spec, u->unlimited, sizeof(u->unlimited));
	if (u->unlimited[0] && !u->spec.allow_unlimited) {
		err_set(&refusal, "not_enforced",
			"%s (engine %s). Run again with --allow-unlimited to accept that.",
			u->unlimited, s->type->name);
		refuse(u, &refusal);
		return;
	}
	s->type->prepare(s->engine, &u->spec, u->from, on_prepared, u);
}

/* ---- 4. claim and store, in the serial job of the repository ---- */

static void make_race(struct run_request *u)
{
	struct race *r = race_new(0);
	const struct spec *s = &u->spec;
	const char *text = s->name ? s->name
		: s->prompt        ? s->prompt
		: s->command       ? s->command
		: s->argv.n        ? s->argv.v[0]
				   : NULL;
	char slug[32];

	if (!text)
		text = s->variants[0].command   ? s->variants[0].command
			: s->variants[0].argv.n ? s->variants[0].argv.v[0]
						: "race";
	spec_slug(text, slug, sizeof(slug));
	r->slug = xstrdup(slug);
	r->base = xstrdup(u->base);
	r->base_name = xstrdup(u->base_name);
	r->engine = xstrdup(u->handle->type->name);
	r->engine_why = xstrdup(u->why);
	r->isolation = xstrdup(u->handle->report.isolation);
	r->created_ns = clock_real_ns();
	r->spec = u->spec;
	spec_init(&u->spec);
	for (size_t i = 0; i < r->spec.nvariants; i++) {
		const struct spec_variant *recipe = &r->spec.variants[i];
		struct variant *v = race_add(r, variant_new(0, (int)i + 1, recipe->name));
		v->created_ns = r->created_ns;
		if (r->spec.runners.n)
			v->engine = xasprintf(
				"%s at %s", r->engine, r->spec.runners.v[i % r->spec.runners.n]);
		else
			v->engine = xstrdup(r->engine);
		v->image = xstrdup(recipe->image ? recipe->image : "host");
		v->isolation = xstrdup(r->isolation);
		v->base = xstrdup(r->base);
		v->check.state = recipe->check ? CHECK_WAITING : CHECK_NONE;
	}
	u->race = r;
}

static void on_prepared(void *ctx, const struct err *e)
{
	struct run_request *u = ctx;

	if (e->msg[0]) {
		refuse(u, e);
		return;
	}
	/* Whoever asked went away before anything was made: then nothing is made. */
	if (!reply_wanted(&u->r)) {
		run_request_free(u);
		return;
	}
	make_race(u);
	pool_post_interactive(loop_pool(u->c->loop), SERIAL_REPO, claim_work, claim_done, u);
}

static int store_all(struct run_request *u)
{
	if (store_save_race(&u->c->store, u->race, &u->e))
		return -1;
	for (size_t i = 0; i < u->race->n; i++)
		if (store_save_variant(&u->c->store, u->race->v[i], &u->e))
			return -1;
	return 0;
}

/* A claim that could not be filled is taken back: nothing of it was announced. */
static void rollback(struct run_request *u)
{
	struct err ignored = ERR_INIT;
	char *dir = store_race_dir(&u->c->store, u->race->number);
	char *mark = fs_join(dir, "race.json");

	if (fs_exists(mark))
		fs_remove_tree(dir, "race.json", &ignored);
	else
		(void)remove(dir);
	free(mark);
	free(dir);
}

static void claim_work(void *arg)
{
	struct run_request *u = arg;
	struct err ignored = ERR_INIT;
	struct json *o = json_object();
	int n;

	u->rc = u->race->number = store_claim_race(&u->c->store, u->floor, &u->e);
	if (u->rc < 0) {
		json_free(o);
		return;
	}
	for (size_t i = 0; i < u->race->n; i++)
		u->race->v[i]->race = u->race->number;
	json_put_int(o, "race", u->race->number);
	n = journal_intent(u->c->journal, "create", o, &u->e);
	u->rc = n < 0 ? -1 : store_all(u);
	if (u->rc)
		rollback(u);
	if (n > 0 && journal_stage(u->c->journal, n, u->rc ? "failed" : "done", NULL, &ignored))
		diag(DIAG_ERROR, "%s", ignored.msg);
}

static struct json *answer(const struct run_request *u, const struct race_run *r)
{
	struct json *ok = json_object();

	json_put_int(ok, "race", r->race->number);
	json_put_str(ok, "slug", r->race->slug);
	json_put_str(ok, "engine", r->race->engine);
	json_put_str(ok, "why", r->race->engine_why);
	json_put_strv(ok, "warnings", &r->warnings);
	json_put_str(ok, "dir", r->dir);
	return ok;
}

static void claim_done(void *arg)
{
	struct run_request *u = arg;
	struct race_run *r;

	if (u->rc < 0) {
		refuse(u, &u->e);
		return;
	}
	r = races_add(u->c, u->race);
	u->race = NULL;
	engines_set(r, u->handle);
	r->warn = engine_select_warning(&r->handle->report, &r->race->spec);
	if (r->warn)
		strv_add(&r->warnings, r->warn);
	reply_ok(&u->r, answer(u, r));
	for (size_t i = 0; i < r->race->n; i++)
		mark_dirty(&r->v[i]);
	run_request_free(u);
}
