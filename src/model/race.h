/* race.h - a set of variants with one base, one check and one ranking rule, as race.json keeps it;
 * and selectors. */
#ifndef MODEL_RACE_H
#define MODEL_RACE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/spec.h"
#include "model/variant.h"

struct race {
	int number;
	char *slug; /* for display */
	char *base; /* commit id */
	char *base_name; /* "main", or the revision asked for */
	char *engine, *engine_why; /* chosen, and the reason in words */
	char *isolation; /* "container", "namespace (shares your network)", "none (test)" */
	int64_t created_ns;
	struct spec spec; /* expanded */
	struct variant **v; /* v[i]->number == i + 1 */
	size_t n;
};

struct race *race_new(int number);
void race_free(struct race *r);
/* race.json only (no variants' state); "v":1. */
struct json *race_to_json(const struct race *r);
struct race *race_from_json(const struct json *j, struct err *e);
bool race_live(const struct race *r);
/* Appends a variant (its number must be n + 1) and returns it; finds one by its exact name, or
 * NULL. */
struct variant *race_add(struct race *r, struct variant *take_v);
struct variant *race_find(const struct race *r, const char *name);

/* A race also holds variants that were run again (rerun): race.json never changes and does not name
 * them; their numbers go on after its own, their recipe is that of the variant at the end of the
 * chain of origins. NULL = not known (damaged). */
const struct spec_variant *race_recipe(const struct race *r, const struct variant *v);
/* The k-th try of that recipe: "claude-1.2" for claude-1 and for claude-1.3 alike. Cut where it
 * would be too long. The caller frees. */
char *race_rerun_name(const struct race *r, const struct variant *origin, int k);
/* When what runs now, or ran last, began: when the race was made, or when it was run again after it
 * had been over. */
int64_t race_began_ns(const struct race *r);

/* Selectors (DESIGN 1), in race_select.c. races[] is ordered by number; the newest is the last.
 * Adds the found variants to out (not owned). "7/claude-1" "7/2" "yolo/7/claude-1" "claude-1" "cl"
 * "2" "@best" "@passed" "@failed" "@live". changes: a short name that fits variants of two races
 * with live ones is refused. Archived variants are found by their full name and by number, never by
 * a prefix or an @word. Codes: no_such_variant, no_such_race, ambiguous, no_race, usage. */
struct race_set {
	struct race **r;
	size_t n;
};
int race_select(const struct race_set *set, const char *sel, bool changes, struct variant ***out,
	size_t *nout, struct err *e);

#endif
