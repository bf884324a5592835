/* plan_cache.h - promote plans that were shown and are not yet applied. What is applied is exactly
 * what was shown: a plan is never rebuilt behind its token. */
#ifndef CONDUCTOR_PLAN_CACHE_H
#define CONDUCTOR_PLAN_CACHE_H

#include "conductor/state.h"

enum { PLAN_CACHE_KEPT = 4, PLAN_CACHE_TOKEN = 17 };

/* Token of a plan: 16 hex made from what it moves, from where, to where. */
void plan_cache_token(
	const char *ref, const char *from, const char *to, char out[PLAN_CACHE_TOKEN]);
/* Keeps the plan (its contents are taken over) under its token; the oldest falls out. */
void plan_cache_put(struct conductor *c, const char *token, struct promote_plan *take_p);
/* Takes it out again; false = not known (any more). The caller releases it. */
bool plan_cache_take(struct conductor *c, const char *token, struct promote_plan *out);
void plan_cache_free(struct conductor *c);

#endif
