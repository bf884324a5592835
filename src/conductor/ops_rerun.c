/* ops_rerun.c - new variants of the recipes of old ones, in their race: judged first, then claimed
 * and stored, then answered and queued.
 *
 * race.json never changes. What makes such a variant a fact is its own variant.json, which names
 * its origin; nothing of the origin is touched. All of a request are made, or none. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/engine_select.h"
#include "conductor/ops.h"
#include "conductor/sched.h"
#include "conductor/engines.h"
#include "conductor/races.h"
#include "conductor/variant_run.h"

enum { TRIES = 10000 };

struct rerun_one {
	struct race_run *r; /* races stay as long as the conductor does */
	const struct variant_run *origin; /* only on the loop */
	/* the worker's own copy_names of the race: what names and origins there are. Shared within
	 * a race */
	struct race *names;
	const char *from; /* name of the origin, of `names` */
	char *scan; /* why the origin has no branch, or NULL */
	struct variant *v; /* the new one, until it is on the board */
	bool stored;
};

struct rerun {
	struct conductor *c;
	struct reply r;
	bool go_on; /* --continue */
	struct rerun_one *a; /* those of one race stand together */
	size_t n, at;
	/* of the race whose engine is asked: its own copy, because prepare may write into it */
	struct spec spec;
	struct err e;
	int rc;
};

static bool first_of_race(const struct rerun *u, size_t i)
{
	return i == 0 || u->a[i - 1].r != u->a[i].r;
}

static void rerun_free(struct rerun *u)
{
	for (size_t i = 0; i < u->n; i++) {
		if (first_of_race(u, i))
			race_free(u->a[i].names);
		variant_free(u->a[i].v);
		free(u->a[i].scan);
	}
	free(u->a);
	spec_release(&u->spec);
	u->c->running_ops--;
	free(u);
}

static void refuse(struct rerun *u, const struct err *e)
{
	reply_err(&u->r, e);
	rerun_free(u);
}

static void ask_next_engine(struct rerun *u);

static void on_engine(void *ctx, struct engine_handle *s, const char *why, const struct err *e);
static void on_prepared(void *ctx, const struct err *e);
static void make_one(struct rerun *u, size_t i);
static void claim_work(void *arg);
static void claim_done(void *arg);

/* ---- 1. who may be run again ---- */

static int check_rerun(const struct variant_run *run, bool go_on, struct err *e)
{
	const struct variant *v = run->v;

	if (variant_live(v->state))
		return err_set(e, "still_live",
			"%s is still %s: wait for its end or kill it, then run it again", run->key,
			variant_state_name(v->state));
	if (!run->recipe || !run->r->race->engine)
		return err_set(e, "damaged",
			"what %s ran is not known any more (its record is damaged), so it cannot be run again",
			run->key);
	if (go_on && !v->commit)
		return err_set(e, "nothing_saved",
			"%s has no saved work to go on from (%s). Without --continue it is run again from the base.",
			run->key, v->reason ? v->reason : "it never ran");
	return 0;
}

static int by_race(const void *a, const void *b)
{
	const struct rerun_one *x = a, *y = b;

	if (x->r != y->r)
		return x->r->race->number < y->r->race->number ? -1 : 1;
	return x->origin->v->number - y->origin->v->number;
}

void ops_rerun(const struct reply *r, const struct json *req)
{
	struct err e = ERR_INIT;
	struct variant_run **v;
	size_t n;
	bool go_on = json_bool(req, "continue", false);
	struct rerun *u;

	if (ops_pick(r->c, req, true, &v, &n, &e)) {
		reply_err(r, &e);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!check_rerun(v[i], go_on, &e))
			continue;
		reply_err(r, &e);
		free(v);
		return;
	}
	u = xcalloc(1, sizeof(*u));
	u->c = r->c;
	u->r = *r;
	u->go_on = go_on;
	spec_init(&u->spec);
	u->a = xcalloc(n, sizeof(*u->a));
	u->n = n;
	for (size_t i = 0; i < n; i++)
		u->a[i] = (struct rerun_one){ .r = v[i]->r, .origin = v[i] };
	qsort(u->a, n, sizeof(*u->a), by_race);
	free(v);
	r->c->running_ops++;
	ask_next_engine(u);
}

/* ---- 2. what the engines say of the races, one after the other ---- */

static int copy_spec(struct spec *to, const struct spec *from, struct err *e)
{
	struct json *j = spec_to_json(from);
	int rc;

	spec_release(to);
	spec_init(to);
	rc = spec_from_json(to, j, e);
	json_free(j);
	return rc;
}

static void ask_next_engine(struct rerun *u)
{
	struct err e = ERR_INIT;
	size_t room = SPEC_MAX_VARIANTS, more = 0;

	while (u->at < u->n && !first_of_race(u, u->at))
		u->at++;
	if (u->at < u->n) {
		const struct race *race = u->a[u->at].r->race;
		if (copy_spec(&u->spec, &race->spec, &e))
			refuse(u, &e);
		else
			engine_select_choose(u->c, race->engine, &u->spec, on_engine, u);
		return;
	}
	/* Whoever asked went away before anything was made: then nothing is made. */
	if (!reply_wanted(&u->r)) {
		rerun_free(u);
		return;
	}
	for (size_t i = 0; i < u->n; i++) {
		struct race_run *r = u->a[i].r;
		more = first_of_race(u, i) ? 1 : more + 1;
		if (r->race->n + r->claiming + more <= room)
			continue;
		err_set(&e, "too_many",
			"race %d has %zu variants, and a race holds at most %zu: start a new one with `yolodeck run`",
			r->race->number, r->race->n + r->claiming, room);
		refuse(u, &e);
		return;
	}
	for (size_t i = 0; i < u->n; i++)
		make_one(u, i);
	pool_post_interactive(loop_pool(u->c->loop), SERIAL_REPO, claim_work, claim_done, u);
}

static void on_engine(void *ctx, struct engine_handle *s, const char *why, const struct err *e)
{
	struct rerun *u = ctx;
	struct race_run *r = u->a[u->at].r;
	struct err other = ERR_INIT;

	if (!s) {
		refuse(u, e);
		return;
	}
	if (engines_of(r) != s) {
		err_set(&other, "engine_away", "%s does not answer now, so race %d cannot go on",
			s->type->name, r->race->number);
		refuse(u, &other);
		return;
	}
	free(r->warn);
	r->warn = engine_select_warning(&s->report, &r->race->spec);
	s->type->prepare(s->engine, &u->spec, "", on_prepared, u);
}

static void on_prepared(void *ctx, const struct err *e)
{
	struct rerun *u = ctx;

	if (e->msg[0]) {
		refuse(u, e);
		return;
	}
	u->at++;
	ask_next_engine(u);
}

/* ---- 3. names and records, in the serial job of the repository ---- */

static struct race *copy_names(const struct race *r)
{
	struct race *p = race_new(r->number);

	for (size_t i = 0; i < r->spec.nvariants; i++) {
		p->spec.variants = xrealloc(p->spec.variants, (i + 1) * sizeof(*p->spec.variants));
		memset(&p->spec.variants[i], 0, sizeof(*p->spec.variants));
		p->spec.nvariants = i + 1;
	}
	for (size_t i = 0; i < r->n; i++) {
		struct variant *v = race_add(p, variant_new(r->number, (int)i + 1, r->v[i]->name));
		v->origin = r->v[i]->origin ? xstrdup(r->v[i]->origin) : NULL;
	}
	return p;
}

static void make_one(struct rerun *u, size_t i)
{
	struct rerun_one *a = &u->a[i];
	const struct race *race = a->r->race;
	struct variant *v =
		variant_new(race->number, (int)(race->n + ++a->r->claiming), a->origin->v->name);
	const struct spec_variant *recipe = a->origin->recipe;

	v->origin = xstrdup(a->origin->v->name);
	v->start = u->go_on ? xstrdup(a->origin->v->commit) : NULL;
	v->created_ns = clock_real_ns();
	v->engine = xstrdup(race->engine);
	v->image = xstrdup(recipe->image ? recipe->image : "host");
	v->isolation = xstrdup(race->isolation);
	v->base = xstrdup(race->base);
	v->check.state = recipe->check ? CHECK_WAITING : CHECK_NONE;
	a->scan = a->origin->v->scan ? xstrdup(a->origin->v->scan) : NULL;
	a->v = v;
	a->names = first_of_race(u, i) ? copy_names(race) : u->a[i - 1].names;
	a->from = race_find(a->names, v->origin)->name;
}

/* Free = nothing at all has that name: no variant, no record and no files, no ref. */
static bool name_free(
	const struct rerun *u, const struct rerun_one *a, const struct strv *refs, const char *name)
{
	static const char *const files[] = { "variant.json", "log", "work" };
	char *dir = store_variant_dir(&u->c->store, a->v->race, name);
	bool taken = race_find(a->names, name) || strv_has(refs, name);

	for (size_t i = 0; i < ARRAY_LEN(files) && !taken; i++) {
		char *path = fs_join(dir, files[i]);
		taken = fs_exists(path);
		free(path);
	}
	free(dir);
	return !taken;
}

static int take_name(struct rerun *u, struct rerun_one *a, const struct strv *refs)
{
	const struct variant *origin = race_find(a->names, a->from);
	struct variant *seen;

	for (int k = 2; origin && k < TRIES; k++) {
		char *name = race_rerun_name(a->names, origin, k);
		if (!name_free(u, a, refs, name)) {
			free(name);
			continue;
		}
		free(a->v->name);
		a->v->name = name;
		seen = race_add(a->names, variant_new(a->v->race, (int)a->names->n + 1, name));
		seen->origin = xstrdup(a->from);
		return 0;
	}
	return err_set(&u->e, "no_name",
		"%d/%s was run again too often: no name is left for one more", a->v->race, a->from);
}

/* The work must stand in the user's repository, where its scan let it: the quarantine alone is no
 * place to start from. */
static int check_start(struct rerun *u, const struct rerun_one *a)
{
	struct err ignored = ERR_INIT;
	char *ref = xasprintf("refs/yolodeck/%d/%s/tip", a->v->race, a->from);
	char *tip = git_ref(u->c->store.common, ref, &ignored);
	bool there = tip && !strcmp(tip, a->v->start);

	free(ref);
	free(tip);
	if (there)
		return 0;
	return err_set(&u->e, "nothing_saved",
		"the saved work of %d/%s is not in the repository, so nothing can go on from it%s%s Without --continue it is run again "
		"from the base.",
		a->v->race, a->from, a->scan ? ": " : ".", a->scan ? a->scan : "");
}

static int store_all(struct rerun *u)
{
	struct strv refs = STRV_INIT;
	int rc = 0;

	for (size_t i = 0; i < u->n && !rc; i++) {
		struct rerun_one *a = &u->a[i];
		if (first_of_race(u, i)) {
			strv_clear(&refs);
			rc = git_variant_names(u->c->store.common, a->v->race, &refs, &u->e);
		}
		if (!rc && a->v->start)
			rc = check_start(u, a);
		if (!rc)
			rc = take_name(u, a, &refs);
	}
	for (size_t i = 0; i < u->n && !rc; i++) {
		rc = store_save_variant(&u->c->store, u->a[i].v, &u->e);
		u->a[i].stored = !rc;
	}
	strv_release(&refs);
	return rc;
}

/* Nothing of it was announced. */
static void rollback(struct rerun *u)
{
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < u->n; i++) {
		char *dir;
		if (!u->a[i].stored)
			continue;
		dir = store_variant_dir(&u->c->store, u->a[i].v->race, u->a[i].v->name);
		fs_remove_tree(dir, "variant.json", &ignored);
		free(dir);
	}
}

static void claim_work(void *arg)
{
	struct rerun *u = arg;

	u->rc = store_all(u);
	if (u->rc)
		rollback(u);
}

/* ---- 4. on the board ---- */

static void add_to_race(struct rerun *u, struct rerun_one *a, struct strv *names)
{
	int number = a->v->number;
	struct variant_run *run = races_append(a->r, a->v);

	if (!run)
		bug("no room for %d/%s", a->v->race, a->v->name);
	a->v = NULL;
	strv_add(names, run->key);
	if (run->v->number != number)
		variant_store(run);
	mark_dirty(run);
	diag(DIAG_INFO, "%s: run again from %s%s", run->key, run->v->origin,
		run->v->start ? ", goes on from its work" : "");
}

static void claim_done(void *arg)
{
	struct rerun *u = arg;
	struct strv names = STRV_INIT;
	struct json *ok;

	for (size_t i = 0; i < u->n; i++)
		u->a[i].r->claiming--;
	if (u->rc) {
		refuse(u, &u->e);
		return;
	}
	for (size_t i = 0; i < u->n; i++)
		add_to_race(u, &u->a[i], &names);
	ok = json_object();
	json_put_strv(ok, "rerun", &names);
	reply_ok(&u->r, ok);
	strv_release(&names);
	for (size_t i = 0; i < u->n; i++)
		if (first_of_race(u, i))
			sched_reopen(u->a[i].r);
	rerun_free(u);
}
