/* board.c - rows, races and messages as clients see them. */
#include "conductor/board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "conductor/variant_run.h"
#include "model/rank.h"

void board_engine(struct conductor *c)
{
	c->engine_rev = ++c->rev;
}

void board_rank(struct race_run *r)
{
	size_t n = r->race->n;
	size_t *order = xcalloc(n + 1, sizeof(*order));
	int best = rank_best(r->race), rank = 0;

	rank_order(r->race, order);
	for (size_t i = 0; i < n; i++) {
		struct variant_run *run = &r->v[order[i]];
		enum variant_state s = run->v->state;
		int mine = s == VS_PASSED || s == VS_FAILED ? ++rank : 0;
		bool first = best >= 0 && (size_t)best == order[i];
		if (mine == run->rank && first == run->best)
			continue;
		run->rank = mine;
		run->best = first;
		mark_dirty(run);
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

struct json *board_row_json(const struct variant_run *run)
{
	struct row row = {
		.v = run->v,
		.rank = run->rank,
		.best = run->best,
		.attention = run->attention,
		.evidence = run->evidence,
		.cpu = run->s.cpu,
		.memory = run->s.memory,
		.slug = run->r->race->slug,
		.warn = variant_live(run->v->state) ? run->r->warn : NULL,
		.rev = run->rev,
	};

	return row_to_json(&row);
}

static void count_race(const struct race_run *r, struct race_info *i)
{
	for (size_t k = 0; k < r->race->n; k++) {
		const struct variant_run *run = &r->v[k];
		if (run->v->archived)
			continue;
		i->total++;
		i->live += variant_live(run->v->state);
		i->passed += run->v->state == VS_PASSED;
		i->failed += run->v->state == VS_FAILED;
		i->attention += run->attention != 0;
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
