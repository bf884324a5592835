/* rank.h - best first, by the race's rule. Pure. */
#ifndef MODEL_RANK_H
#define MODEL_RANK_H

#include "model/race.h"

/* Fills order[n] with indexes into r->v, best first: ended and passed before the rest; default rule
 * check, -lines, -elapsed. */
void rank_order(const struct race *r, size_t *order);
/* Index of the best finished one (passed), or -1. */
int rank_best(const struct race *r);
/* "best first: check, changed lines, time" */
void rank_words(const struct race *r, char *out, size_t n);
/* Checks a rule's word ("check", "-lines", "-elapsed", "files", ...). */
bool rank_word_ok(const char *word);
/* How many tests of a check's log passed, of how many; skipped ones are in neither. -1/-1 when
 * nothing was recognised. whole: nothing is missing before the text; of a part only a closing line
 * that says all by itself counts. */
void rank_parse_check(const char *text, size_t n, bool whole, int *passed, int *total);

#endif
