/* suggest.c - edit distance over the few words a person may have meant. */
#include <string.h>

#include "model/suggest.h"

enum { LONGEST = 64 };

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
	size_t d[3][LONGEST + 1];
	size_t na = strlen(a), nb = strlen(b);
	if (na > LONGEST || nb > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *now = d[i % 3], *up = d[(i - 1) % 3], *up2 = d[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] =
				min(min(now[j - 1], up[j]) + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = min(now[j], up2[j - 2] + 1);
		}
	}
	return d[na % 3][nb];
}

const char *suggest_word(const char *word, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t best_d = LONGEST, len = strlen(word);
	for (size_t i = 0; i < n; i++) {
		size_t d = suggest_distance(word, words[i]), most = strlen(words[i]) / 3;
		if (len >= 3 && !strncmp(word, words[i], len))
			d = 1;
		most = most < 1 ? 1 : most > 3 ? 3 : most;
		if (d <= most && d < best_d) {
			best = words[i];
			best_d = d;
		}
	}
	return best;
}
