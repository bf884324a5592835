/* ops_read.c - requests that only read: list, watch, show, status, report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "conductor/engine_select.h"
#include "conductor/board.h"
#include "conductor/ops.h"
#include "conductor/races.h"
#include "conductor/sample.h"
#include "conductor/engines.h"
#include "model/docker_env.h"
#include "model/rank.h"

static void add_engine(const struct conductor *c, struct json *into)
{
	json_put(into, "engine", board_engine_json(c));
}

void ops_list(const struct reply *r, const struct json *req)
{
	struct json *ok = json_object();

	board_lists(r->c, 0, json_bool(req, "all", false), ok);
	add_engine(r->c, ok);
	reply_ok(r, ok);
}

static void on_engine_known(
	void *ctx, struct engine_handle *s, const char *why, const struct err *e)
{
	struct conductor *c = ctx;

	xreplace(&c->engine_why_not, s ? NULL : e->msg);
	board_engine(c);
}

/* Before the first race a deck wants to say what one would run on. */
static void choose_shown_engine(struct conductor *c)
{
	if (c->engine_shown || c->engine_asked)
		return;
	c->engine_asked = true;
	engine_select_choose(c, NULL, NULL, on_engine_known, c);
}

void ops_watch(const struct reply *r, const struct json *req)
{
	struct conductor *c = r->c;
	struct session *s = session_find(c, r->session);
	struct json *ok = json_object();
	int64_t race = json_int(req, "race", 0);
	int from = (int)race;
	struct err e = ERR_INIT;

	if (race < -1 || race > INT32_MAX || (race > 0 && !races_find(c, from))) {
		json_free(ok);
		err_set(&e, "no_such_race", "there is no race %lld", (long long)race);
		reply_err(r, &e);
		return;
	}
	if (race == 0 && c->set.n)
		from = c->race[c->set.n - 1]->race->number;
	choose_shown_engine(c);
	board_lists(c, from, false, ok);
	add_engine(c, ok);
	session_watch(s, from);
	reply_ok(r, ok);
}

static struct json *spec_variant_json(const struct variant_run *run)
{
	struct json *spec = spec_to_json(&run->r->race->spec), *copy = NULL;
	const struct json *v = json_first(json_get(spec, "variants"));

	for (const struct spec_variant *s = run->r->race->spec.variants;
		v && run->recipe && s < run->recipe; s++)
		v = json_next(v);
	if (v && run->recipe)
		copy = json_copy(v);
	json_free(spec);
	return copy;
}

void ops_show(const struct reply *r, const struct json *req)
{
	struct err e = ERR_INIT;
	struct variant_run *run = ops_one(r->c, req, "variant", false, &e);
	struct json *ok, *recipe;

	if (!run) {
		reply_err(r, &e);
		return;
	}
	ok = json_object();
	json_put(ok, "row", board_row_json(run));
	json_put(ok, "race", board_race_json(run->r));
	recipe = spec_variant_json(run);
	if (recipe)
		json_put(ok, "spec_variant", recipe);
	json_put_str(ok, "dir", run->dir);
	json_put_str(ok, "log", run->ct[COMMAND].log);
	json_put_str(ok, "container", run->v->engine_id);
	json_put_strv(ok, "warnings", &run->r->warnings);
	reply_ok(r, ok);
}

void ops_status(const struct reply *r, const struct json *req)
{
	struct conductor *c = r->c;
	struct json *ok = json_object();
	int64_t needs = 0, live = 0, passed = 0, failed = 0;
	const struct race_run *newest = c->set.n ? c->race[c->set.n - 1] : NULL;

	if (!c->nwatch)
		sample_all(c);
	for (size_t i = 0; i < c->set.n; i++) {
		const struct race_run *rr = c->race[i];
		bool counts = rr == newest || race_live(rr->race);
		for (size_t k = 0; counts && k < rr->race->n; k++) {
			const struct variant_run *run = &rr->v[k];
			if (run->v->archived)
				continue;
			needs += run->attention != 0;
			live += variant_live(run->v->state);
			passed += run->v->state == VS_PASSED;
			failed += run->v->state == VS_FAILED;
		}
	}
	json_put_int(ok, "needs", needs);
	json_put_int(ok, "live", live);
	json_put_int(ok, "passed", passed);
	json_put_int(ok, "failed", failed);
	json_put_int(ok, "race", newest ? newest->race->number : 0);
	json_put_int(ok, "pid", getpid());
	json_put_str(ok, "version", YOLODECK_VERSION);
	json_put_int(ok, "turns", (int64_t)loop_turns(c->loop));
	reply_ok(r, ok);
}

void ops_report(const struct reply *r, const struct json *req)
{
	struct conductor *c = r->c;
	int64_t number = json_int(req, "race", 0);
	struct race_run *rr = number > 0 && number <= INT32_MAX ? races_find(c, (int)number) : NULL;
	struct err e = ERR_INIT;
	struct json *ok, *rows;
	size_t *order;

	if (number == 0 && c->set.n)
		rr = c->race[c->set.n - 1];
	if (!rr) {
		err_set(&e, number ? "no_such_race" : "no_race",
			number ? "there is no race %lld" : "there is no race yet",
			(long long)number);
		reply_err(r, &e);
		return;
	}
	ok = json_object();
	rows = json_array();
	order = xcalloc(rr->race->n + 1, sizeof(*order));
	rank_order(rr->race, order);
	for (size_t i = 0; i < rr->race->n; i++)
		json_add(rows, board_row_json(&rr->v[order[i]]));
	free(order);
	json_put(ok, "race", board_race_json(rr));
	json_put(ok, "rows", rows);
	json_put(ok, "spec", spec_to_json(&rr->race->spec));
	json_put_strv(ok, "warnings", &rr->warnings);
	reply_ok(r, ok);
}

/* ---- engines: all of them are on_report, one after the other ---- */

struct engine_survey {
	struct reply r;
	struct json *list;
	size_t at;
	const char *chosen;
	const char *image; /* comes before it for a race that names an image */
};

static void probe_next(struct engine_survey *a);

static void add_report(
	struct engine_survey *a, const struct engine_type *t, const struct engine_report *rep)
{
	struct json *j = json_object();

	json_put_str(j, "name", t->name);
	json_put_str(j, "help", t->help);
	json_put_bool(j, "ok", rep->ok);
	json_put_str(j, "why", rep->why);
	json_put_str(j, "isolation", rep->isolation[0] ? rep->isolation : NULL);
	json_put_str(j, "warn",
		rep->warn[0]                  ? rep->warn
			: rep->shares_network ? "shares your network"
					      : NULL);
	json_add(a->list, j);
	if (rep->ok && (t->caps & ENGINE_AUTO) && t->suits && !a->image)
		a->image = t->name;
	else if (rep->ok && (t->caps & ENGINE_AUTO) && !a->chosen)
		a->chosen = t->name;
}

static void on_report(void *ctx, const struct engine_report *rep)
{
	struct engine_survey *a = ctx;
	const struct engine_type *t = engine_table[a->at++];

	add_report(a, t, rep);
	probe_next(a);
}

static void answer_engines(struct engine_survey *a)
{
	struct json *ok = json_object();
	struct buf why = BUF_INIT;
	const struct json *e = json_first(a->list);

	while (e && a->chosen && strcmp(json_str(e, "name", ""), a->chosen))
		e = json_next(e);
	json_put_str(ok, "auto", a->chosen);
	buf_str(&why,
		a->chosen && e     ? json_str(e, "why", "")
			: a->image ? "no engine for a race without an image"
				   : "no engine answers");
	if (a->image)
		buf_fmt(&why, "; %s for a race that names an image", a->image);
	json_put_str(ok, "auto_why", why.p);
	buf_release(&why);
	json_put(ok, "engines", a->list);
	reply_ok(&a->r, ok);
	a->r.c->running_ops--;
	free(a);
}

static void probe_next(struct engine_survey *a)
{
	for (; engine_table[a->at]; a->at++) {
		const struct engine_type *t = engine_table[a->at];
		struct engine_report rep = { .ok = false };
		struct err e = ERR_INIT;
		struct engine_handle *s;
		if ((t->caps & ENGINE_TEST_ONLY) &&
			engine_select_allowed(t, true, NULL, engine_select_fake(), &e))
			continue;
		s = engines_open(a->r.c, t, &e);
		if (s) {
			s->engine->type->probe(s->engine, on_report, a);
			return;
		}
		snprintf(rep.why, sizeof(rep.why), "%.500s", e.msg);
		add_report(a, t, &rep);
	}
	answer_engines(a);
}

void ops_engines(const struct reply *r, const struct json *req)
{
	struct engine_survey *a;
	struct err e = ERR_INIT;

	if (docker_env_same(json_get(req, "env"), &e)) {
		reply_err(r, &e);
		return;
	}
	a = xcalloc(1, sizeof(*a));
	a->r = *r;
	a->list = json_array();
	r->c->running_ops++;
	probe_next(a);
}
