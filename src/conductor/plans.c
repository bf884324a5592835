/* plans.c - promote plans that were shown and are not yet applied. */
#include "conductor/plans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv1a64.h"
#include "base/mem.h"

struct kept {
	struct kept *next;
	char token[PLANS_TOKEN];
	struct promote_plan plan;
};

static uint64_t add(uint64_t h, const char *s)
{
	return fnv1a64(h, s ? s : "", s ? strlen(s) + 1 : 1);
}

void plans_token(const char *ref, const char *from, const char *to, char out[PLANS_TOKEN])
{
	uint64_t h = add(add(add(FNV1A64_START, ref), from), to);

	snprintf(out, PLANS_TOKEN, "%016llx", (unsigned long long)h);
}

static void drop(struct kept **at)
{
	struct kept *k = *at;

	*at = k->next;
	promote_plan_release(&k->plan);
	free(k);
}

bool plans_take(struct conductor *c, const char *token, struct promote_plan *out)
{
	for (struct kept **at = &c->plan; *at; at = &(*at)->next) {
		struct kept *k = *at;
		if (strcmp(k->token, token))
			continue;
		*out = k->plan;
		*at = k->next;
		free(k);
		return true;
	}
	return false;
}

void plans_keep(struct conductor *c, const char *token, struct promote_plan *take_p)
{
	struct kept *k = xcalloc(1, sizeof(*k));
	struct promote_plan same;
	struct kept **at;
	int n = 0;

	if (plans_take(c, token, &same))
		promote_plan_release(&same);
	snprintf(k->token, sizeof(k->token), "%s", token);
	k->plan = *take_p;
	memset(take_p, 0, sizeof(*take_p));
	k->next = c->plan;
	c->plan = k;
	for (at = &c->plan; *at;) {
		if (++n > PLANS_KEPT)
			drop(at);
		else
			at = &(*at)->next;
	}
}

void plans_free(struct conductor *c)
{
	while (c->plan)
		drop(&c->plan);
}
