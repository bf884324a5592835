/* rows.c - the races and rows a client knows, kept up to date by events. An event carries the whole
 * row, so applying one twice is harmless and an old one is known by its rev. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/client.h"

void rows_init(struct rows *r)
{
	memset(r, 0, sizeof *r);
}

void rows_release(struct rows *r)
{
	for (size_t i = 0; i < r->nrace; i++)
		race_info_release(&r->race[i]);
	for (size_t i = 0; i < r->nrow; i++)
		row_free(r->row[i]);
	free(r->race);
	free(r->row);
	free(r->engine_away);
	free(r->engine_next);
	free(r->engine_name);
	free(r->engine_ready);
	free(r->message);
	free(r->message_level);
	memset(r, 0, sizeof *r);
}

const struct race_info *rows_race(const struct rows *r, int number)
{
	for (size_t i = 0; i < r->nrace; i++)
		if (r->race[i].number == number)
			return &r->race[i];
	return NULL;
}

static void put_race(struct rows *r, const struct json *j)
{
	struct race_info info;
	struct err e = ERR_INIT;
	size_t i = 0;

	memset(&info, 0, sizeof info);
	if (race_info_from_json(&info, j, &e) < 0) {
		race_info_release(&info);
		return;
	}
	while (i < r->nrace && r->race[i].number < info.number)
		i++;
	if (i < r->nrace && r->race[i].number == info.number) {
		race_info_release(&r->race[i]);
	} else {
		r->race = xrealloc(r->race, (r->nrace + 1) * sizeof *r->race);
		memmove(&r->race[i + 1], &r->race[i], (r->nrace - i) * sizeof *r->race);
		r->nrace++;
	}
	r->race[i] = info;
}

static int order(const struct row *a, const struct row *b)
{
	if (a->v->race != b->v->race)
		return a->v->race < b->v->race ? -1 : 1;
	return a->v->number - b->v->number;
}

/* from_list: of a whole list, where a rev of an earlier conductor does not count. */
static void put_row(struct rows *r, const struct json *j, bool from_list)
{
	struct err e = ERR_INIT;
	struct row *row = row_from_json(j, &e);
	size_t i = 0;

	if (!row)
		return;
	while (i < r->nrow && order(r->row[i], row) < 0)
		i++;
	if (i < r->nrow && order(r->row[i], row) == 0) {
		if (!from_list && row->rev < r->row[i]->rev) {
			row_free(row);
			return;
		}
		/* in place: who shows it keeps a pointer to it */
		struct row old = *r->row[i];

		*r->row[i] = *row;
		*row = old;
		row_free(row);
		return;
	}
	r->row = xrealloc(r->row, (r->nrow + 1) * sizeof *r->row);
	memmove(&r->row[i + 1], &r->row[i], (r->nrow - i) * sizeof *r->row);
	r->nrow++;
	r->row[i] = row;
}

static void drop_rows(struct rows *r, int race, const char *variant)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->nrow; i++) {
		struct variant *v = r->row[i]->v;

		if (v->race == race && (!variant || !strcmp(v->name, variant)))
			row_free(r->row[i]);
		else
			r->row[kept++] = r->row[i];
	}
	r->nrow = kept;
}

static void drop_race(struct rows *r, int race)
{
	for (size_t i = 0; i < r->nrace; i++) {
		if (r->race[i].number != race)
			continue;
		race_info_release(&r->race[i]);
		memmove(&r->race[i], &r->race[i + 1], (r->nrace - i - 1) * sizeof *r->race);
		r->nrace--;
		return;
	}
}

static void put_engine(struct rows *r, const struct json *ev)
{
	xreplace(&r->engine_away, json_str(ev, "away", NULL));
	xreplace(&r->engine_next, json_str(ev, "next", NULL));
	xreplace(&r->engine_name, json_str(ev, "name", NULL));
	xreplace(&r->engine_ready, json_str(ev, "ready", NULL));
	r->away_since_ns = json_int(ev, "since_ns", 0);
}

/* The answer to list and watch has the same parts as the events, many at once. */
static void put_lists(struct rows *r, const struct json *answer)
{
	const struct json *j;

	for (j = json_first(json_get(answer, "races")); j; j = json_next(j))
		put_race(r, j);
	for (j = json_first(json_get(answer, "rows")); j; j = json_next(j))
		put_row(r, j, true);
	if (json_get(answer, "engine"))
		put_engine(r, json_get(answer, "engine"));
}

void rows_apply(struct rows *r, const struct json *ev)
{
	const char *kind = json_str(ev, "ev", "");

	r->changes++;
	if (!strcmp(kind, "")) {
		put_lists(r, ev);
	} else if (!strcmp(kind, "variant")) {
		put_row(r, json_get(ev, "row"), false);
	} else if (!strcmp(kind, "race")) {
		put_race(r, json_get(ev, "race"));
	} else if (!strcmp(kind, "engine")) {
		put_engine(r, ev);
	} else if (!strcmp(kind, "gone")) {
		drop_rows(r, (int)json_int(ev, "race", 0), json_str(ev, "variant", NULL));
		if (!json_get(ev, "variant"))
			drop_race(r, (int)json_int(ev, "race", 0));
	} else if (!strcmp(kind, "message")) {
		xreplace(&r->message, json_str(ev, "msg", NULL));
		xreplace(&r->message_level, json_str(ev, "level", "news"));
	}
}
