/* plan_cache.c - promote plans that were shown and are not yet applied. */
#include "conductor/plan_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv1a64.h"
#include "base/mem.h"

struct pending_plan {
	struct pending_plan *next;
	char token[PLAN_CACHE_TOKEN];
	struct promote_plan plan;
};

static uint64_t add(uint64_t h, const char *s)
{
	return fnv1a64(h, s ? s : "", s ? strlen(s) + 1 : 1);
}

void plan_cache_token(const char *ref, const char *from, const char *to, char out[PLAN_CACHE_TOKEN])
{
	uint64_t h = add(add(add(FNV1A64_START, ref), from), to);

	snprintf(out, PLAN_CACHE_TOKEN, "%016llx", (unsigned long long)h);
}

static void drop(struct pending_plan **at)
{
	struct pending_plan *k = *at;

	*at = k->next;
	promote_plan_release(&k->plan);
	free(k);
}

bool plan_cache_take(struct conductor *c, const char *token, struct promote_plan *out)
{
	for (struct pending_plan **at = &c->plan; *at; at = &(*at)->next) {
		struct pending_plan *k = *at;
		if (strcmp(k->token, token))
			continue;
		*out = k->plan;
		*at = k->next;
		free(k);
		return true;
	}
	return false;
}

void plan_cache_put(struct conductor *c, const char *token, struct promote_plan *take_p)
{
	struct pending_plan *k = xcalloc(1, sizeof(*k));
	struct promote_plan same;
	struct pending_plan **at;
	int n = 0;

	if (plan_cache_take(c, token, &same))
		promote_plan_release(&same);
	snprintf(k->token, sizeof(k->token), "%s", token);
	k->plan = *take_p;
	memset(take_p, 0, sizeof(*take_p));
	k->next = c->plan;
	c->plan = k;
	for (at = &c->plan; *at;) {
		if (++n > PLAN_CACHE_KEPT)
			drop(at);
		else
			at = &(*at)->next;
	}
}

void plan_cache_free(struct conductor *c)
{
	while (c->plan)
		drop(&c->plan);
}
