/* race.c - a race in memory and as race.json. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/race.h"
#include "model/timestamp.h"

struct race *race_new(int number)
{
	struct race *r = xcalloc(1, sizeof(*r));
	r->number = number;
	spec_init(&r->spec);
	return r;
}

void race_free(struct race *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		variant_free(r->v[i]);
	free(r->v);
	free(r->slug);
	free(r->base);
	free(r->base_name);
	free(r->engine);
	free(r->engine_why);
	free(r->isolation);
	spec_release(&r->spec);
	free(r);
}

struct variant *race_add(struct race *r, struct variant *take_v)
{
	r->v = xrealloc(r->v, (r->n + 1) * sizeof(*r->v));
	r->v[r->n++] = take_v;
	if (take_v->number != (int)r->n)
		bug("variant %d/%s has number %d and stands at %zu", r->number, take_v->name,
			take_v->number, r->n);
	return take_v;
}

struct variant *race_find(const struct race *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->v[i]->name, name))
			return r->v[i];
	return NULL;
}

/* The variant of race.json it all began with. */
static const struct variant *root(const struct race *r, const struct variant *v)
{
	for (size_t i = 0; v && i <= r->n; i++) {
		if (!v->origin)
			return (size_t)v->number <= r->spec.nvariants ? v : NULL;
		v = race_find(r, v->origin);
	}
	return NULL;
}

const struct spec_variant *race_recipe(const struct race *r, const struct variant *v)
{
	const struct variant *first = root(r, v);
	return first ? &r->spec.variants[first->number - 1] : NULL;
}

char *race_rerun_name(const struct race *r, const struct variant *origin, int k)
{
	const struct variant *first = root(r, origin);
	const char *stem = first ? first->name : origin->name;
	char *suffix = xasprintf(".%d", k), *name;
	size_t n = strlen(stem);
	if (n + strlen(suffix) > SPEC_MAX_NAME)
		n = SPEC_MAX_NAME - strlen(suffix);
	while (n > 1 && strchr("._-", stem[n - 1]))
		n--;
	name = xasprintf("%.*s%s", (int)n, stem, suffix);
	if (!spec_name_ok(name)) { /* the only letter was in what was cut off */
		free(name);
		name = xasprintf("v%.*s%s", (int)n - 1, stem, suffix);
	}
	free(suffix);
	return name;
}

int64_t race_began_ns(const struct race *r)
{
	int64_t began = r->created_ns, last = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct variant *v = r->v[i];
		/* numbers follow the order of making */
		if (v->origin && last && v->created_ns > last)
			began = v->created_ns;
		if (variant_live(v->state))
			last = INT64_MAX;
		else if (v->ended_ns > last)
			last = v->ended_ns;
	}
	return began;
}

bool race_live(const struct race *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (variant_live(r->v[i]->state))
			return true;
	return false;
}

struct json *race_to_json(const struct race *r)
{
	struct json *o = json_object();
	json_put_int(o, "v", 1);
	json_put_int(o, "number", r->number);
	json_put_str(o, "slug", r->slug);
	json_put_str(o, "base", r->base);
	json_put_str(o, "base_name", r->base_name);
	json_put_str(o, "engine", r->engine);
	json_put_str(o, "engine_why", r->engine_why);
	json_put_str(o, "isolation", r->isolation);
	timestamp_put(o, "created", r->created_ns);
	json_put(o, "spec", spec_to_json(&r->spec));
	return o;
}

struct race *race_from_json(const struct json *j, struct err *e)
{
	int64_t number = json_int(j, "number", 0);
	if (json_int(j, "v", 0) != 1) {
		err_set(e, "damaged",
			"race.json is not of version 1: it was written by another yolodeck");
		return NULL;
	}
	if (number < 1 || number > INT32_MAX) {
		err_set(e, "damaged", "race.json has no number");
		return NULL;
	}
	struct race *r = race_new((int)number);
	xreplace(&r->slug, json_str(j, "slug", NULL));
	xreplace(&r->base, json_str(j, "base", NULL));
	xreplace(&r->base_name, json_str(j, "base_name", NULL));
	xreplace(&r->engine, json_str(j, "engine", NULL));
	xreplace(&r->engine_why, json_str(j, "engine_why", NULL));
	xreplace(&r->isolation, json_str(j, "isolation", NULL));
	r->created_ns = timestamp_get(j, "created");
	if (!r->base || spec_from_json(&r->spec, json_get(j, "spec"), e)) {
		if (!r->base)
			err_set(e, "damaged", "race.json has no base commit");
		race_free(r);
		return NULL;
	}
	return r;
}
