/* rank.c - best first, by the race's rule. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/rank.h"

/* The value of a rule's word; false = not known, and that goes last. */
typedef bool (*rank_value_fn)(const struct variant *v, double *out);

static bool value_check(const struct variant *v, double *out)
{
	const struct check_result *c = &v->check;
	if (v->state == VS_PASSED)
		*out = 2;
	else if (c->total > 0 && c->passed >= 0)
		*out = (double)c->passed / c->total;
	else
		*out = v->exit == 0 ? 0 : -1;
	return true;
}

static bool value_lines(const struct variant *v, double *out)
{
	*out = (double)(v->added + v->removed);
	return v->added >= 0 && v->removed >= 0;
}

static bool value_files(const struct variant *v, double *out)
{
	*out = v->files;
	return v->files >= 0;
}

static bool value_added(const struct variant *v, double *out)
{
	*out = (double)v->added;
	return v->added >= 0;
}

static bool value_removed(const struct variant *v, double *out)
{
	*out = (double)v->removed;
	return v->removed >= 0;
}

static bool value_elapsed(const struct variant *v, double *out)
{
	*out = (double)(v->ended_ns - v->started_ns);
	return v->started_ns && v->ended_ns;
}

static const struct rank_word {
	const char *word, *words;
	rank_value_fn value;
} rank_table[] = {
	{ "check", "check", value_check },
	{ "lines", "changed lines", value_lines },
	{ "files", "changed files", value_files },
	{ "added", "added lines", value_added },
	{ "removed", "removed lines", value_removed },
	{ "elapsed", "time", value_elapsed },
};

static const char *const default_rule[] = { "check", "-lines", "-elapsed" };

static const struct rank_word *find_rule(const char *word)
{
	if (word[0] == '-')
		word++;
	for (size_t i = 0; i < ARRAY_LEN(rank_table); i++)
		if (!strcmp(rank_table[i].word, word))
			return &rank_table[i];
	return NULL;
}

bool rank_word_ok(const char *word)
{
	return find_rule(word) && strcmp(word, "-check");
}

static const char *const *rule_of(const struct race *r, size_t *n)
{
	if (r->spec.rank.n) {
		*n = r->spec.rank.n;
		return (const char *const *)r->spec.rank.v;
	}
	*n = ARRAY_LEN(default_rule);
	return default_rule;
}

/* Passed, then failed, then the other ends, then what is still live. */
static int rank_group(const struct variant *v)
{
	return v->state == VS_PASSED      ? 0
		: v->state == VS_FAILED   ? 1
		: variant_ended(v->state) ? 2
					  : 3;
}

/* < 0: a is better. */
static int compare_variants(const struct race *r, const struct variant *a, const struct variant *b)
{
	size_t n;
	const char *const *rule = rule_of(r, &n);
	if (rank_group(a) != rank_group(b))
		return rank_group(a) - rank_group(b);
	for (size_t i = 0; i < n && rank_group(a) < 3; i++) {
		const struct rank_word *w = find_rule(rule[i]);
		double va = 0, vb = 0;
		if (!w)
			continue;
		bool ka = w->value(a, &va), kb = w->value(b, &vb);
		if (ka != kb)
			return ka ? -1 : 1;
		if (ka && (va < vb || va > vb))
			return (va < vb) == (rule[i][0] == '-') ? -1 : 1;
	}
	return a->number - b->number;
}

void rank_order(const struct race *r, size_t *order)
{
	for (size_t i = 0; i < r->n; i++) {
		size_t at = i;
		for (; at > 0 && compare_variants(r, r->v[order[at - 1]], r->v[i]) > 0; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

int rank_best(const struct race *r)
{
	int best = -1;
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i]->state == VS_PASSED &&
			(best < 0 || compare_variants(r, r->v[i], r->v[best]) < 0))
			best = (int)i;
	return best;
}

void rank_words(const struct race *r, char *out, size_t n)
{
	size_t rules;
	const char *const *rule = rule_of(r, &rules);
	struct buf b = BUF_INIT;
	buf_str(&b, "best first: ");
	for (size_t i = 0; i < rules; i++) {
		const struct rank_word *w = find_rule(rule[i]);
		bool most = rule[i][0] != '-' && w && w->value != value_check;
		buf_fmt(&b, "%s%s%s", i ? ", " : "", most ? "most " : "", w ? w->words : rule[i]);
	}
	snprintf(out, n, "%s", b.p);
	buf_release(&b);
}
