/* races.c - the races of a repository and their variants, in memory until the process ends. */
#include "conductor/races.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "conductor/variant_run.h"

struct race_run *races_find(const struct conductor *c, int number)
{
	for (size_t i = 0; i < c->set.n; i++)
		if (c->race[i]->race->number == number)
			return c->race[i];
	return NULL;
}

struct variant_run *races_by_key(const struct conductor *c, const char *key)
{
	for (size_t i = 0; i < c->set.n; i++)
		for (size_t k = 0; k < c->race[i]->race->n; k++)
			if (!strcmp(c->race[i]->v[k].key, key))
				return &c->race[i]->v[k];
	return NULL;
}

struct variant_run *races_run(const struct conductor *c, const struct variant *v)
{
	struct race_run *r = races_find(c, v->race);

	for (size_t i = 0; r && i < r->race->n; i++)
		if (r->v[i].v == v)
			return &r->v[i];
	return NULL;
}

static void wrap_variant(struct race_run *r, size_t i)
{
	struct variant_run *run = &r->v[i];

	run->c = r->c;
	run->r = r;
	run->v = r->race->v[i];
	run->recipe = race_recipe(r->race, run->v);
	run->dir = store_variant_dir(&r->c->store, r->race->number, run->v->name);
	run->work = fs_join(run->dir, "work");
	run->cache = fs_join(run->dir, "walk.cache");
	run->snapshot = (struct snapshot_in){
		.quarantine = r->quarantine,
		.work = run->work,
		.cache = run->cache,
		.race = r->race->number,
		.variant = run->v->name,
		.base = r->race->base,
		.parent = run->v->start,
	};
	run->key = xasprintf("%d/%s", r->race->number, run->v->name);
	run->ct[COMMAND].log = fs_join(run->dir, "log");
	run->ct[COMMAND].idx = fs_join(run->dir, "log.idx");
	run->ct[CHECK].log = fs_join(run->dir, "check.log");
	run->ct[CHECK].idx = fs_join(run->dir, "check.idx");
	if (run->v->start) {
		run->base_store = store_base_store(&r->c->store, run->v->start);
		run->source = fs_join(run->dir, "tpl/tree");
	}
	run->s.cpu = -1;
	run->s.memory = -1;
	run->s.prompt_size = -1;
	run->rev = ++r->c->rev;
}

struct race_run *races_add(struct conductor *c, struct race *take_race)
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
	mark_race(r);
	return r;
}

struct variant_run *races_append(struct race_run *r, struct variant *take_v)
{
	size_t i = r->race->n;

	if (i >= r->room)
		return NULL;
	take_v->number = (int)i + 1;
	race_add(r->race, take_v);
	wrap_variant(r, i);
	mark_dirty(&r->v[i]);
	return &r->v[i];
}

size_t races_live(const struct conductor *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->set.n; i++)
		for (size_t k = 0; k < c->race[i]->race->n; k++)
			n += variant_live(c->race[i]->race->v[k]->state);
	return n;
}
