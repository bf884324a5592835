/* store_load.c - all races back from disk. What does not parse is left where it is, logged, and
 * shown as lost. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "model/store.h"

enum { RECORD_MAX = 4 << 20 };

static struct json *read_json(const char *path, struct err *e)
{
	struct buf b = BUF_INIT;
	struct json *j = NULL;
	if (!fs_read(path, RECORD_MAX, &b, e)) {
		j = json_parse(b.p, b.len, e);
		if (!j)
			err_prefix(e, "%s", path);
	}
	buf_release(&b);
	return j;
}

/* A variant whose record cannot be used; its files stay. */
static struct variant *lost(int race, int number, const char *name, const char *why)
{
	struct variant *v = variant_new(race, number, name);
	v->state = VS_LOST;
	v->reason = xstrdup(why);
	diag(DIAG_ERROR, "variant %d/%s is shown as lost: %s", race, name, why);
	return v;
}

static struct variant *load_variant(
	const struct store *s, const struct race *r, int number, const char *name)
{
	char *dir = store_variant_dir(s, r->number, name);
	char *path = fs_join(dir, "variant.json"), *log = fs_join(dir, "log");
	struct err e = ERR_INIT;
	struct variant *v = NULL;
	struct json *j = read_json(path, &e);
	if (j)
		v = variant_from_json(j, &e);
	if (v && (v->race != r->number || v->number != number || strcmp(v->name, name))) {
		err_set(&e, "damaged", "%s is the record of %d/%s", path, v->race, v->name);
		variant_free(v);
		v = NULL;
	}
	if (!v && !strcmp(e.code, "not_found") && !fs_exists(log)) {
		/* written before anything of it starts, so nothing has */
		v = variant_new(r->number, number, name);
		v->created_ns = r->created_ns;
		xreplace(&v->base, r->base);
	} else if (!v) {
		v = lost(r->number, number, name, e.msg);
		xreplace(&v->base, r->base);
	}
	json_free(j);
	free(dir);
	free(path);
	free(log);
	return v;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Without race.json the directories are all that is known of the variants. */
static void variants_of_dir(const struct store *s, struct race *r, const char *why)
{
	char *dir = store_race_dir(s, r->number);
	struct strv names = STRV_INIT;
	struct dirent *de;
	DIR *d = opendir(dir);
	while (d && (de = readdir(d))) {
		char *record = xasprintf("%s/%s/variant.json", dir, de->d_name);
		if (spec_name_ok(de->d_name) && fs_exists(record))
			strv_add(&names, de->d_name);
		free(record);
	}
	if (d)
		closedir(d);
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), by_text);
	for (size_t i = 0; i < names.n; i++)
		race_add(r, lost(r->number, (int)i + 1, names.v[i], why));
	strv_release(&names);
	free(dir);
}

/* ---- what was run again: race.json does not name it, its directory does ---- */

struct again {
	struct variant **v;
	size_t n;
};

static struct variant *load_again(const struct store *s, const struct race *r, const char *name)
{
	char *dir = store_variant_dir(s, r->number, name), *path = fs_join(dir, "variant.json");
	struct err e = ERR_INIT;
	struct json *j = read_json(path, &e);
	struct variant *v = j ? variant_from_json(j, &e) : NULL;
	if (v && (v->race != r->number || strcmp(v->name, name))) {
		err_set(&e, "damaged", "%s is the record of %d/%s", path, v->race, v->name);
		variant_free(v);
		v = NULL;
	}
	if (!v) {
		v = lost(r->number, 0, name, e.msg);
		xreplace(&v->base, r->base);
	}
	json_free(j);
	free(dir);
	free(path);
	return v;
}

/* By number; two that were made at once, before a crash, by time; those of no known number are put
 * where one is missing. */
static int by_number(const void *a, const void *b)
{
	const struct variant *x = *(struct variant *const *)a, *y = *(struct variant *const *)b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->created_ns != y->created_ns)
		return x->created_ns < y->created_ns ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void add_in_order(struct race *r, struct again *a)
{
	size_t unknown = 0, known, next;
	if (a->n)
		qsort(a->v, a->n, sizeof(*a->v), by_number);
	while (unknown < a->n && a->v[unknown]->number == 0)
		unknown++;
	known = unknown;
	for (next = 0; next < unknown || known < a->n;) {
		bool fill =
			known == a->n || (next < unknown && a->v[known]->number > (int)r->n + 1);
		struct variant *v = fill ? a->v[next++] : a->v[known++];
		if (v->number && v->number != (int)r->n + 1)
			diag(DIAG_WARN, "variant %d/%s was number %d and is number %zu now",
				r->number, v->name, v->number, r->n + 1);
		v->number = (int)r->n + 1;
		race_add(r, v);
	}
}

static void add_again(const struct store *s, struct race *r)
{
	char *dir = store_race_dir(s, r->number);
	struct again a = { NULL, 0 };
	struct dirent *de;
	DIR *d = opendir(dir);
	while (d && (de = readdir(d))) {
		char *record = xasprintf("%s/%s/variant.json", dir, de->d_name);
		if (spec_name_ok(de->d_name) && !race_find(r, de->d_name) && fs_exists(record)) {
			a.v = xrealloc(a.v, (a.n + 1) * sizeof(*a.v));
			a.v[a.n++] = load_again(s, r, de->d_name);
		}
		free(record);
	}
	if (d)
		closedir(d);
	add_in_order(r, &a);
	free(a.v);
	free(dir);
}

/* Once all are there, and so every origin. */
static void finish_variants(struct race *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct variant *v = r->v[i];
		if (variant_ended(v->state) && !v->saved) {
			v->state = VS_SAVING;
			v->archive_after |= v->archived;
			v->archived = false;
		}
		if (race_recipe(r, v) || variant_ended(v->state))
			continue;
		v->state = VS_LOST;
		xreplace(&v->reason, "the variant it was run again from is not there any more");
	}
}

static struct race *damaged(const struct store *s, int number, const char *why)
{
	struct race *r = race_new(number);
	r->slug = xstrdup("damaged");
	variants_of_dir(s, r, why);
	return r;
}

/* NULL = a number that was claimed and never became a race. */
static struct race *load_race(const struct store *s, int number)
{
	char *dir = store_race_dir(s, number), *path = fs_join(dir, "race.json");
	struct err e = ERR_INIT;
	struct race *r = NULL;
	struct json *j = read_json(path, &e);
	if (j)
		r = race_from_json(j, &e);
	if (r && r->number != number) {
		err_set(&e, "damaged", "%s is the record of race %d", path, r->number);
		race_free(r);
		r = NULL;
	}
	if (!r) {
		bool never = !strcmp(e.code, "not_found");
		r = damaged(s, number, e.msg);
		if (never && !r->n) {
			race_free(r);
			r = NULL;
		} else {
			diag(DIAG_ERROR, "race %d cannot be read: %s", number, e.msg);
		}
	} else {
		for (size_t i = 0; i < r->spec.nvariants; i++)
			race_add(r, load_variant(s, r, (int)i + 1, r->spec.variants[i].name));
		add_again(s, r);
		finish_variants(r);
	}
	json_free(j);
	free(dir);
	free(path);
	return r;
}

int store_load(const struct store *s, struct race ***out, size_t *n, struct err *e)
{
	int *all;
	size_t count;
	*out = NULL;
	*n = 0;
	if (store_race_numbers(s, &all, &count, e))
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct race *r = load_race(s, all[i]);
		if (!r)
			continue;
		*out = xrealloc(*out, (*n + 1) * sizeof(**out));
		(*out)[(*n)++] = r;
	}
	free(all);
	return 0;
}
