/* plans.h - promote plans that were shown and are not yet applied. What is applied is exactly what
 * was shown: a plan is never rebuilt behind its token. */
#ifndef CONDUCTOR_PLANS_H
#define CONDUCTOR_PLANS_H

#include "conductor/state.h"

enum { PLANS_KEPT = 4, PLANS_TOKEN = 17 };

/* Token of a plan: 16 hex made from what it moves, from where, to where. */
void plans_token(const char *ref, const char *from, const char *to, char out[PLANS_TOKEN]);
/* Keeps the plan (its contents are taken over) under its token; the oldest falls out. */
void plans_keep(struct conductor *c, const char *token, struct promote_plan *take_p);
/* Takes it out again; false = not known (any more). The caller releases it. */
bool plans_take(struct conductor *c, const char *token, struct promote_plan *out);
void plans_free(struct conductor *c);

#endif
