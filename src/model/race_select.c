/* race_select.c - what a person types to mean a variant: the selectors, with every refusal. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/race.h"
#include "model/rank.h"

struct found {
	struct variant ***out;
	size_t *n;
};

static void add(struct found *f, struct variant *v)
{
	for (size_t i = 0; i < *f->n; i++)
		if ((*f->out)[i] == v)
			return;
	*f->out = xrealloc(*f->out, (*f->n + 1) * sizeof(**f->out));
	(*f->out)[(*f->n)++] = v;
}

/* "12" -> 12; -1 when s is not a number of at most 9 digits. n = bytes of s looked at. */
static int number_of(const char *s, size_t n)
{
	int v = 0;
	if (n == 0 || n > 9)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

static void names(const struct race *r, struct buf *b)
{
	struct strv list = STRV_INIT;
	for (size_t i = 0; i < r->n; i++)
		strv_add(&list, r->v[i]->name);
	strv_join(&list, 6, b);
	strv_release(&list);
}

static int no_such(const struct race *r, const char *sel, struct err *e)
{
	struct buf b = BUF_INIT;
	names(r, &b);
	err_set(e, "no_such_variant", "no variant \"%s\" in race %d: it has %s", sel, r->number,
		b.p);
	buf_release(&b);
	return -1;
}

/* @words of one race. */
static int by_word(const struct race *r, const char *word, struct found *f, struct err *e)
{
	size_t before = *f->n;
	if (!strcmp(word, "@best")) {
		int best = rank_best(r);
		if (best < 0)
			return err_set(e, "no_such_variant",
				"no variant of race %d has passed, so there is no best one",
				r->number);
		add(f, r->v[best]);
		return 0;
	}
	if (strcmp(word, "@passed") && strcmp(word, "@failed") && strcmp(word, "@live"))
		return err_set(e, "usage",
			"\"%s\" is no selector; there are @best, @passed, @failed and @live", word);
	for (size_t i = 0; i < r->n; i++) {
		struct variant *v = r->v[i];
		bool fits = !strcmp(word, "@passed") ? v->state == VS_PASSED
			: !strcmp(word, "@failed")   ? v->state == VS_FAILED
						     : variant_live(v->state);
		if (fits && !v->archived)
			add(f, v);
	}
	if (*f->n == before)
		return err_set(
			e, "no_such_variant", "no variant of race %d is %s", r->number, word + 1);
	return 0;
}

/* The variant of one race that a name, number or prefix means; NULL = none. *many = several fit the
 * prefix (in e). */
static struct variant *in_race(const struct race *r, const char *name, bool *many, struct err *e)
{
	int number = number_of(name, strlen(name));
	struct variant *hit = race_find(r, name);
	struct strv fits = STRV_INIT;
	*many = false;
	if (hit)
		return hit;
	if (number >= 0)
		return number >= 1 && (size_t)number <= r->n ? r->v[number - 1] : NULL;
	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i]->archived || strncmp(r->v[i]->name, name, strlen(name)))
			continue;
		hit = r->v[i];
		strv_fmt(&fits, "%d/%s", r->number, hit->name);
	}
	if (fits.n > 1) {
		struct buf b = BUF_INIT;
		strv_join(&fits, 6, &b);
		err_set(e, "ambiguous", "\"%s\" fits %s: write more of the name", name, b.p);
		buf_release(&b);
		*many = true;
	}
	strv_release(&fits);
	return *many ? NULL : hit;
}

static const struct race *by_number(const struct race_set *set, int number)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->r[i]->number == number)
			return set->r[i];
	return NULL;
}

/* "7/claude-1", "7/2", "7/@best", "7-flaky/claude-1". */
static int qualified(const struct race_set *set, const char *sel, const char *slash,
	struct found *f, struct err *e)
{
	size_t digits = strspn(sel, "0123456789");
	int number = number_of(sel, digits);
	const struct race *r = number < 0 ? NULL : by_number(set, number);
	bool slug_ok = sel + digits == slash ||
		(r && r->slug && sel[digits] == '-' &&
			strlen(r->slug) == (size_t)(slash - sel - digits - 1) &&
			!strncmp(sel + digits + 1, r->slug, strlen(r->slug)));
	if (number < 0)
		return err_set(e, "usage",
			"\"%s\" is no variant: before the slash stands the number of a race, "
			"as in 7/claude-1",
			sel);
	if (!r || !slug_ok)
		return err_set(e, "no_such_race",
			"no race %.*s: `yolodeck ls --all` shows all of them", (int)(slash - sel),
			sel);
	if (slash[1] == '@')
		return by_word(r, slash + 1, f, e);
	bool many;
	struct variant *v = in_race(r, slash + 1, &many, e);
	if (v)
		add(f, v);
	return v ? 0 : many ? -1 : no_such(r, slash + 1, e);
}

/* A short name for a verb that changes something must not fit in a second race that has live
 * variants. */
static int only_one(
	const struct race_set *set, const struct variant *v, const char *sel, struct err *e)
{
	if (!race_live(by_number(set, v->race)))
		return 0;
	for (size_t i = 0; i < set->n; i++) {
		bool many;
		struct err ignored = ERR_INIT;
		if (set->r[i]->number == v->race || !race_live(set->r[i]))
			continue;
		struct variant *other = in_race(set->r[i], sel, &many, &ignored);
		if (other || many)
			return err_set(e, "ambiguous",
				"\"%s\" fits %d/%s and %d/%s, and both races have live variants: "
				"write the "
				"race's number before it",
				sel, v->race, v->name, set->r[i]->number,
				other ? other->name : sel);
	}
	return 0;
}

static int short_name(
	const struct race_set *set, const char *sel, bool changes, struct found *f, struct err *e)
{
	const struct race *newest = set->r[set->n - 1];
	bool many;
	if (sel[0] == '@')
		return by_word(newest, sel, f, e);
	struct variant *v = in_race(newest, sel, &many, e);
	if (many)
		return -1;
	if (!v)
		return no_such(newest, sel, e);
	if (changes && only_one(set, v, sel, e))
		return -1;
	add(f, v);
	return 0;
}

int race_select(const struct race_set *set, const char *sel, bool changes, struct variant ***out,
	size_t *nout, struct err *e)
{
	struct found f = { out, nout };
	const char *s = strncmp(sel, "refs/heads/", 11) ? sel : sel + 11;
	if (!strncmp(s, "yolo/", 5))
		s += 5;
	if (!*s || s[strlen(s) - 1] == '/')
		return err_set(
			e, "usage", "\"%s\" is no variant: write its name, as in 7/claude-1", sel);
	if (set->n == 0)
		return err_set(e, "no_race", "there is no race yet: `yolodeck run` starts one");
	const char *slash = strchr(s, '/');
	return slash ? qualified(set, s, slash, &f, e) : short_name(set, s, changes, &f, e);
}
