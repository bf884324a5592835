/* board.c - rows, races and messages as clients see them. */
#include "conductor/board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/session.h"
#include "model/rank.h"

void board_touch(struct variant_run *vr)
{
	vr->rev = vr->r->rev = ++vr->c->rev;
	session_kick(vr->c);
}

void board_engine(struct conductor *c)
{
	c->engine_rev = ++c->rev;
	session_kick(c);
}

void board_rank(struct race_run *r)
{
	size_t n = r->race->n;
	size_t *order = xcalloc(n + 1, sizeof(*order));
	int best = rank_best(r->race), rank = 0;

	rank_order(r->race, order);
	for (size_t i = 0; i < n; i++) {
		struct variant_run *vr = &r->v[order[i]];
		enum variant_state s = vr->v->state;
		int mine = s == VS_PASSED || s == VS_FAILED ? ++rank : 0;
		bool first = best >= 0 && (size_t)best == order[i];
		if (mine == vr->rank && first == vr->best)
			continue;
		vr->rank = mine;
		vr->best = first;
		board_touch(vr);
	}
	free(order);
}

void notify(struct conductor *c, const char *level, const char *fmt, ...)
{
	struct message *m = &c->msg[c->nmsg++ % MESSAGES_KEPT];
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	diag(DIAG_INFO, "%s", b.p);
	free(m->text);
	m->text = buf_take(&b);
	m->level = level;
	m->rev = ++c->rev;
	session_kick(c);
}

static int64_t race_over_ns(const struct race *r)
{
	int64_t last = 0;

	if (race_live(r))
		return 0;
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i]->ended_ns > last)
			last = r->v[i]->ended_ns;
	return last ? last : r->created_ns;
}

static size_t count_state(const struct race *r, enum variant_state s)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->v[i]->state == s;
	return n;
}

void board_over(struct race_run *r)
{
	struct race *race = r->race;
	char took[32];
	int best = rank_best(race);
	size_t passed = count_state(race, VS_PASSED);

	clock_fmt_elapsed((race_over_ns(race) - race_began_ns(race)) / 1000000, took, sizeof(took));
	if (best >= 0)
		notify(r->c, "news",
			"race %d over in %s: %zu of %zu passed, best %d %s. p promotes it.",
			race->number, took, passed, race->n, best + 1, race->v[best]->name);
	else
		notify(r->c, "news", "race %d over in %s: none of %zu passed.", race->number, took,
			race->n);
}

struct json *board_row_json(const struct variant_run *vr)
{
	struct row row = {
		.v = vr->v,
		.rank = vr->rank,
		.best = vr->best,
		.attention = vr->attention,
		.evidence = vr->evidence,
		.cpu = vr->s.cpu,
		.memory = vr->s.memory,
		.slug = vr->r->race->slug,
		.warn = variant_live(vr->v->state) ? vr->r->warn : NULL,
		.rev = vr->rev,
	};

	return row_to_json(&row);
}

static void count_race(const struct race_run *r, struct race_info *i)
{
	for (size_t k = 0; k < r->race->n; k++) {
		const struct variant_run *vr = &r->v[k];
		if (vr->v->archived)
			continue;
		i->total++;
		i->live += variant_live(vr->v->state);
		i->passed += vr->v->state == VS_PASSED;
		i->failed += vr->v->state == VS_FAILED;
		i->attention += vr->attention != 0;
	}
}

struct json *board_race_json(const struct race_run *r)
{
	const struct race *race = r->race;
	char words[256];
	struct race_info i = {
		.number = race->number,
		.slug = race->slug,
		.base = race->base,
		.base_name = race->base_name,
		.engine = race->engine,
		.engine_why = race->engine_why,
		.isolation = race->isolation,
		.rank_words = words,
		.dir = r->dir,
		.created_ns = race->created_ns,
		.began_ns = race_began_ns(race),
		.over_ns = race_over_ns(race),
	};

	rank_words(race, words, sizeof(words));
	count_race(r, &i);
	return race_info_to_json(&i);
}

struct json *board_engine_json(const struct conductor *c)
{
	const struct engine_handle *s = c->engine_shown;
	struct json *j = json_object();

	json_put_str(j, "name", s ? s->type->name : NULL);
	json_put_str(j, "away", s ? s->away : c->engine_why_not);
	json_put_str(j, "next", s ? s->next : NULL);
	json_put_int(j, "since_ns", s ? s->away_ns : 0);
	json_put_str(
		j, "ready", s && s->reported && s->report.ok && !s->away ? s->report.why : NULL);
	return j;
}

bool board_race_archived(const struct race_run *r)
{
	for (size_t i = 0; i < r->race->n; i++)
		if (!r->race->v[i]->archived)
			return false;
	return true;
}

void board_lists(const struct conductor *c, int from, bool all, struct json *into)
{
	struct json *races = json_array(), *rows = json_array();

	for (size_t i = 0; i < c->set.n; i++) {
		const struct race_run *r = c->race[i];
		if (r->race->number < from || (!all && board_race_archived(r)))
			continue;
		json_add(races, board_race_json(r));
		for (size_t k = 0; k < r->race->n; k++)
			if (all || !r->v[k].v->archived)
				json_add(rows, board_row_json(&r->v[k]));
	}
	json_put(into, "races", races);
	json_put(into, "rows", rows);
}

struct race_run *board_race(const struct conductor *c, int number)
{
	for (size_t i = 0; i < c->set.n; i++)
		if (c->race[i]->race->number == number)
			return c->race[i];
	return NULL;
}

struct variant_run *board_by_key(const struct conductor *c, const char *key)
{
	for (size_t i = 0; i < c->set.n; i++)
		for (size_t k = 0; k < c->race[i]->race->n; k++)
			if (!strcmp(c->race[i]->v[k].key, key))
				return &c->race[i]->v[k];
	return NULL;
}

struct variant_run *board_find(const struct conductor *c, const struct variant *v)
{
	struct race_run *r = board_race(c, v->race);

	for (size_t i = 0; r && i < r->race->n; i++)
		if (r->v[i].v == v)
			return &r->v[i];
	return NULL;
}

static void wrap_variant(struct race_run *r, size_t i)
{
	struct variant_run *vr = &r->v[i];

	vr->c = r->c;
	vr->r = r;
	vr->v = r->race->v[i];
	vr->sv = race_recipe(r->race, vr->v);
	vr->dir = store_variant_dir(&r->c->store, r->race->number, vr->v->name);
	vr->key = xasprintf("%d/%s", r->race->number, vr->v->name);
	vr->log = fs_join(vr->dir, "log");
	vr->idx = fs_join(vr->dir, "log.idx");
	vr->check_log = fs_join(vr->dir, "check.log");
	vr->check_idx = fs_join(vr->dir, "check.idx");
	if (vr->v->start) {
		vr->base_store = store_base_store(&r->c->store, vr->v->start);
		vr->source = fs_join(vr->dir, "tpl/tree");
	}
	vr->s.cpu = -1;
	vr->s.memory = -1;
	vr->s.prompt_size = -1;
	vr->rev = ++r->c->rev;
}

struct race_run *board_add(struct conductor *c, struct race *take_race)
{
	struct race_run *r = xcalloc(1, sizeof(*r));
	size_t at = c->set.n;

	r->c = c;
	r->race = take_race;
	r->uid = r->gid = -1;
	r->dir = store_race_dir(&c->store, take_race->number);
	r->quarantine = fs_join(r->dir, "q.git");
	r->source = fs_join(r->dir, "tpl/tree");
	r->base_store = store_base_store(&c->store, take_race->base ? take_race->base : "none");
	r->was_live = race_live(take_race);
	r->room = take_race->n > SPEC_MAX_VARIANTS ? take_race->n : SPEC_MAX_VARIANTS;
	r->v = xcalloc(r->room, sizeof(*r->v));
	for (size_t i = 0; i < take_race->n; i++)
		wrap_variant(r, i);
	c->race = xrealloc(c->race, (at + 1) * sizeof(*c->race));
	c->set.r = xrealloc(c->set.r, (at + 1) * sizeof(*c->set.r));
	while (at > 0 && c->race[at - 1]->race->number > take_race->number) {
		c->race[at] = c->race[at - 1];
		c->set.r[at] = c->set.r[at - 1];
		at--;
	}
	c->race[at] = r;
	c->set.r[at] = take_race;
	c->set.n++;
	r->rev = ++c->rev;
	board_rank(r);
	return r;
}

struct variant_run *board_append(struct race_run *r, struct variant *take_v)
{
	size_t i = r->race->n;

	if (i >= r->room)
		return NULL;
	take_v->number = (int)i + 1;
	race_add(r->race, take_v);
	wrap_variant(r, i);
	board_rank(r);
	return &r->v[i];
}

static void free_variant(struct variant_run *vr)
{
	free(vr->base_store);
	free(vr->source);
	free(vr->dir);
	free(vr->key);
	free(vr->log);
	free(vr->idx);
	free(vr->check_log);
	free(vr->check_idx);
	free(vr->evidence);
	free(vr->s.prompt);
	strv_release(&vr->task.argv);
	strv_release(&vr->task.env);
	strv_release(&vr->task.mounts);
	strv_release(&vr->check.argv);
	strv_release(&vr->check.env);
	strv_release(&vr->check.mounts);
}

void board_free(struct race_run *r)
{
	for (size_t i = 0; i < r->race->n; i++)
		free_variant(&r->v[i]);
	free(r->v);
	race_free(r->race);
	free(r->dir);
	free(r->quarantine);
	free(r->source);
	free(r->base_store);
	free(r->warn);
	free(r->co.warning);
	strv_release(&r->warnings);
	git_repo_release(&r->repo);
	free(r);
}

size_t board_live(const struct conductor *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->set.n; i++)
		for (size_t k = 0; k < c->race[i]->race->n; k++)
			n += variant_live(c->race[i]->race->v[k]->state);
	return n;
}
