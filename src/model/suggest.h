/* suggest.h - the nearest of a few right words, for "did you mean". */
#ifndef MODEL_SUGGEST_H
#define MODEL_SUGGEST_H

#include <stddef.h>

/* Edits (insert, delete, replace, swap of two neighbours) from a to b. */
size_t suggest_distance(const char *a, const char *b);
/* The nearest of words[n], or NULL when none is close enough (a third of its length, at
 * least 1 and at most 3 edits; a prefix of at least 3 bytes is close). */
const char *suggest_word(const char *word, const char *const *words, size_t n);

#endif
