/* state.c - the variants of the shown race: which there are, their order, what is selected, what is
 * new. */
#include "ui/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ui/log_watch.h"
#include "ui/message.h"
#include "ui/term.h"

enum { ORDER_REST_MS = 2000, BELL_REST_MS = 10000, TICK_MS = 1000 };

struct item *state_item(struct deck *d, int number)
{
	for (size_t i = 0; i < d->nitem; i++)
		if (d->item[i]->number == number)
			return d->item[i];
	return NULL;
}

struct item *state_selected(struct deck *d)
{
	return state_item(d, d->selected);
}

const struct race_info *state_race(struct deck *d)
{
	return rows_race(&d->rows, d->race);
}

static void item_free(struct deck *d, struct item *it)
{
	log_watch_forget(d, it);
	pane_log_release(&it->log);
	free(it->name);
	free(it->last);
	free(it);
}

static struct item *item_new(struct deck *d, const struct row *r)
{
	struct item *it = xcalloc(1, sizeof(*it));
	char *dir = store_variant_dir(&d->store, r->v->race, r->v->name);

	it->number = r->v->number;
	it->name = xstrdup(r->v->name);
	it->seen = r->v->state;
	it->stale = true;
	it->watch[0] = it->watch[1] = it->watch_dir = -1;
	it->bell_rung = r->attention != 0;
	pane_log_init(&it->log, dir);
	free(dir);
	return it;
}

/* Archived variants are not on the deck, unless a race has nothing else. */
static bool race_all_archived(const struct deck *d)
{
	for (size_t i = 0; i < d->rows.nrow; i++)
		if (d->rows.row[i]->v->race == d->race && !d->rows.row[i]->v->archived)
			return false;
	return true;
}

static void ring_bell(struct deck *d)
{
	int64_t now = clock_mono_ms();

	if (d->last_bell && now - d->last_bell < BELL_REST_MS)
		return;
	d->last_bell = now;
	term_bell();
}

static void item_update(struct deck *d, struct item *it, const struct row *r)
{
	it->row = r;
	if (r->v->state != it->seen)
		it->changed = true;
	if (!r->attention) {
		it->bell_rung = false;
	} else if (!it->bell_rung) {
		it->bell_rung = true;
		ring_bell(d);
	}
}

static struct item *take_item(struct item **old, size_t nold, const struct row *r)
{
	for (size_t i = 0; i < nold; i++) {
		if (old[i] && old[i]->number == r->v->number && !strcmp(old[i]->name, r->v->name)) {
			struct item *it = old[i];

			old[i] = NULL;
			return it;
		}
	}
	return NULL;
}

static void build_items(struct deck *d)
{
	struct item **old = d->item;
	size_t nold = d->nitem;
	bool all = race_all_archived(d);

	d->item = xcalloc(d->rows.nrow + 1, sizeof(*d->item));
	d->nitem = 0;
	for (size_t i = 0; i < d->rows.nrow; i++) {
		const struct row *r = d->rows.row[i];
		struct item *it;

		if (r->v->race != d->race || (r->v->archived && !all))
			continue;
		it = take_item(old, nold, r);
		if (!it)
			it = item_new(d, r);
		item_update(d, it, r);
		d->item[d->nitem++] = it;
	}
	for (size_t i = 0; i < nold; i++)
		if (old[i])
			item_free(d, old[i]);
	free(old);
}

/* Best first: what passed, by rank; what still runs; what failed; the rest. Launch order inside. */
static int order_class(const struct row *r)
{
	switch (r->v->state) {
	case VS_PASSED:
		return 0;
	case VS_FAILED:
		return 2;
	case VS_KILLED:
	case VS_LOST:
		return 3;
	default:
		return 1;
	}
}

static bool ranks_before(const struct item *a, const struct item *b)
{
	int ca = order_class(a->row), cb = order_class(b->row);
	int ra = a->row->rank ? a->row->rank : 1 << 20, rb = b->row->rank ? b->row->rank : 1 << 20;

	if (ca != cb)
		return ca < cb;
	if (ca != 1 && ra != rb)
		return ra < rb;
	return a->number < b->number;
}

static void sort_order(struct deck *d)
{
	d->order = xrealloc(d->order, (d->nitem + 1) * sizeof(*d->order));
	for (size_t i = 0; i < d->nitem; i++) {
		size_t k = i;

		if (d->best_first)
			for (; k > 0 && ranks_before(d->item[i], d->item[d->order[k - 1]]); k--)
				d->order[k] = d->order[k - 1];
		d->order[k] = i;
	}
	d->order_due = 0;
}

/* Rows never move within 2 s after a key: what a finger aims at stays where it is. */
void state_order(struct deck *d, bool now)
{
	int64_t t = clock_mono_ms();

	if (now || !d->best_first || !d->last_key || t - d->last_key >= ORDER_REST_MS)
		sort_order(d);
	else
		d->order_due = d->last_key + ORDER_REST_MS;
}

static void keep_selection(struct deck *d)
{
	int next = 0;

	if (state_selected(d))
		return;
	for (size_t i = 0; i < d->nitem; i++)
		if (!next || d->item[i]->number <= d->selected)
			next = d->item[i]->number;
	d->selected = next;
}

static void announce_end(struct deck *d)
{
	const struct race_info *r = state_race(d);
	const struct row *best = NULL;
	char took[32];

	if (!r || !r->over_ns || r->live > 0) {
		d->end_announced = r == NULL;
		return;
	}
	if (d->end_announced)
		return;
	d->end_announced = true;
	for (size_t i = 0; i < d->nitem; i++)
		if (d->item[i]->row->best)
			best = d->item[i]->row;
	clock_fmt_elapsed((r->over_ns - (r->began_ns ? r->began_ns : r->created_ns)) / 1000000,
		took, sizeof(took));
	if (best)
		message_add(d, true,
			"race %d over in %s: %d of %d passed, best %d %s. p promotes it.",
			r->number, took, r->passed, r->total, best->v->number, best->v->name);
	else
		message_add(d, true, "race %d over in %s: none of %d passed.", r->number, took,
			r->total);
	ring_bell(d);
}

static int newest_race(const struct deck *d)
{
	return d->rows.nrace ? d->rows.race[d->rows.nrace - 1].number : 0;
}

void state_sync(struct deck *d)
{
	size_t before_n = d->nitem;
	bool first = d->item == NULL;

	if (d->open_newest && newest_race(d) > d->newest) {
		d->open_newest = false;
		d->newest = newest_race(d);
		state_open_race(d, d->newest);
		return;
	}
	if (d->newest && newest_race(d) > d->newest && d->race)
		message_add(d, false, "race %d began; L shows it", newest_race(d));
	if (newest_race(d) > d->newest)
		d->newest = newest_race(d);
	if (d->race == 0 || !state_race(d)) {
		d->race = newest_race(d);
		d->end_announced = true; /* an end that was there before us is no news */
	}
	build_items(d);
	keep_selection(d);
	if (first || d->nitem != before_n)
		sort_order(d);
	else
		state_order(d, false);
	announce_end(d);
	d->dirty = true;
}

void state_open_race(struct deck *d, int race)
{
	for (size_t i = 0; i < d->nitem; i++)
		item_free(d, d->item[i]);
	free(d->item);
	d->item = NULL;
	d->nitem = 0;
	d->race = race;
	d->selected = 0;
	d->end_announced = true;
	d->dialog.number = 0; /* its variant is not on the deck any more: it closes itself */
	state_sync(d);
}

void state_release(struct deck *d)
{
	for (size_t i = 0; i < d->nitem; i++)
		item_free(d, d->item[i]);
	free(d->item);
	free(d->order);
	free(d->pane);
	d->item = NULL;
	d->nitem = 0;
}

void state_key(struct deck *d)
{
	for (size_t i = 0; i < d->nitem; i++) {
		struct item *it = d->item[i];

		d->dirty |= it->changed;
		it->changed = false;
		it->seen = it->row->v->state;
	}
	d->last_key = clock_mono_ms();
	if (d->order_due)
		d->order_due = d->last_key + ORDER_REST_MS;
}

void state_move(struct deck *d, int by)
{
	for (size_t i = 0; i < d->nitem; i++) {
		long to = (long)i + by;

		if (d->item[d->order[i]]->number != d->selected)
			continue;
		if (to >= 0 && to < (long)d->nitem)
			state_select(d, d->item[d->order[to]]->number);
		return;
	}
}

bool state_select(struct deck *d, int number)
{
	if (!state_item(d, number))
		return false;
	if (d->selected != number)
		d->scroll = 0;
	d->selected = number;
	d->dirty = true;
	return true;
}

bool state_uncertain(const struct deck *d)
{
	return d->rows.engine_away || !d->client;
}

bool state_ticks(struct deck *d)
{
	if (d->rows.engine_away)
		return true;
	for (size_t i = 0; i < d->nitem; i++) {
		const struct variant *v = d->item[i]->row->v;

		if (variant_live(v->state) && v->started_ns && !v->ended_ns)
			return true;
	}
	return false;
}

/* Level of a rate for the sparkline: a step is a factor of eight, from 1 byte a second. */
static uint8_t rate_level(uint64_t bytes)
{
	uint8_t level = 0;

	while (bytes > 0 && level < 6) {
		bytes >>= 3;
		level++;
	}
	return level;
}

void state_tick(struct deck *d)
{
	int64_t now = clock_mono_ms();

	if (now - d->last_tick < TICK_MS)
		return;
	d->last_tick = now;
	d->dirty = true;
	for (size_t i = 0; i < d->nitem; i++) {
		struct item *it = d->item[i];
		uint64_t size;

		if (!variant_live(it->row->v->state))
			continue;
		pane_log_refresh(&it->log);
		size = pane_log_size(&it->log);
		memmove(it->bar, it->bar + 1, TABLE_BARS - 1);
		it->bar[TABLE_BARS - 1] = rate_level(
			size > it->rate_size && it->rate_size ? size - it->rate_size : 0);
		it->rate_size = size;
	}
}
