/* bar.c - header, footer, and the band that says the engine is away. */
#include "ui/bar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "ui/action.h"
#include "ui/message.h"
#include "ui/state.h"

enum { WIDE = 120, BASE_HEX = 7, MESSAGE_LINES = 4 };

struct count {
	int n;
	enum glyph g;
	const char *word;
	enum role role;
};

/* Puts counts right-aligned before x; returns where they begin. Words where there is room, glyphs
 * where not. */
static int put_counts(struct canvas *c, int x, const struct count *k, size_t n, bool words)
{
	char text[48];

	for (size_t i = n; i-- > 0;) {
		if (k[i].n <= 0)
			continue;
		if (words)
			snprintf(text, sizeof(text), "%d %s", k[i].n, k[i].word);
		else
			snprintf(text, sizeof(text), "%s %d", glyph(k[i].g), k[i].n);
		x -= (int)utf8_cells(text);
		canvas_put(c, 0, x, (int)utf8_cells(text), k[i].role, text);
		x -= 2;
	}
	return x;
}

static void since_text(const struct deck *d, char *out, size_t n)
{
	int64_t s = (deck_now_ns() - d->rows.away_since_ns) / 1000000000;

	if (d->rows.away_since_ns <= 0)
		out[0] = '\0';
	else if (s < 120)
		snprintf(out, n, " silent %lld s", (long long)(s < 0 ? 0 : s));
	else
		snprintf(out, n, " silent %lld min", (long long)(s / 60));
}

static int put_right(struct deck *d, const struct race_info *r)
{
	bool words = d->canvas.w >= WIDE;
	struct count k[] = {
		{ r->attention, G_NEEDS, r->attention == 1 ? "needs you" : "need you",
			ROLE_ATTENTION },
		{ r->live, G_RUNNING, "live", ROLE_TEXT },
		{ r->passed, G_PASSED, "passed", ROLE_PASSED },
		{ r->failed, G_FAILED, "failed", ROLE_FAILED },
	};
	int x = d->canvas.w - 1;
	const char *engine = r->engine ? r->engine : "";
	char away[80], since[40];

	if (!d->client) {
		canvas_right(&d->canvas, 0, 0, x, ROLE_ATTENTION, "! conductor away");
		return x - 18;
	}
	if (d->rows.engine_away) {
		since_text(d, since, sizeof(since));
		snprintf(away, sizeof(away), "! %s%s", engine, since);
		canvas_right(&d->canvas, 0, 0, x, ROLE_ATTENTION, away);
		return x - (int)utf8_cells(away) - 2;
	}
	canvas_right(&d->canvas, 0, 0, x, ROLE_DIM, engine);
	x -= (int)utf8_cells(engine) + (words ? 4 : 2);
	if (words) { /* what needs you stands last among words, as a sentence ends */
		struct count w[] = { k[1], k[2], k[3], k[0] };

		return put_counts(&d->canvas, x, w, ARRAY_LEN(w), true);
	}
	return put_counts(&d->canvas, x, k, ARRAY_LEN(k), false);
}

void bar_header(struct deck *d)
{
	const struct race_info *r = state_race(d);
	struct canvas *c = &d->canvas;
	int right, x = 1, max;

	if (!r) {
		canvas_put(c, 0, 1, c->w - 2, ROLE_STRONG, d->project);
		return;
	}
	right = put_right(d, r);
	max = right - 1;
	x += canvas_put(c, 0, x, max - x, ROLE_STRONG, d->project) + 2;
	if (max - x > 6)
		x += canvas_putf(c, 0, x, max - x, ROLE_TEXT, "race %d %s", r->number,
			     r->slug ? r->slug : "") +
			2;
	if (max - x > 10 && r->base)
		x += canvas_putf(c, 0, x, max - x, ROLE_DIM, "%s %.*s",
			     r->base_name ? r->base_name : "", BASE_HEX, r->base) +
			4;
	if (d->best_first && max - x > 20)
		canvas_put(
			c, 0, x, max - x, ROLE_DIM, r->rank_words ? r->rank_words : "best first");
}

void bar_zoom_header(struct deck *d, struct item *it)
{
	static const char *const tab[TAB_COUNT] = { "Log", "Info" };
	const struct variant *v = it->row->v;
	struct canvas *c = &d->canvas;
	int right = c->w - 1, x, used;
	char text[64], took[32], check[32];

	for (int i = TAB_COUNT - 1; i >= 0; i--) {
		snprintf(text, sizeof(text), (int)d->tab == i ? "[%s]" : "%s", tab[i]);
		right -= (int)strlen(text);
		canvas_put(c, 0, right, (int)strlen(text),
			(int)d->tab == i ? ROLE_ACCENT : ROLE_DIM, text);
		right -= 2;
	}
	x = 1 +
		canvas_putf(
			c, 0, 1, right - 1, ROLE_STRONG, "%d/%d %s", v->race, v->number, v->name) +
		2;
	used = canvas_putf(c, 0, x, right - x, table_state_role(v->state), "%s %s%s",
		glyph(glyph_state(v->state)), variant_state_name(v->state),
		state_uncertain(d) && variant_live(v->state) ? "?" : "");
	x += used;
	table_check_text(v, check);
	if (v->check.total >= 0)
		x += 1 + canvas_put(c, 0, x + 1, right - x - 1, ROLE_TEXT, check);
	if (v->started_ns) {
		clock_fmt_elapsed(table_elapsed_ms(v, deck_now_ns()), took, sizeof(took));
		x += 1 + canvas_put(c, 0, x + 1, right - x - 1, ROLE_TEXT, took);
	}
	if (v->files >= 0 && right - x > 12)
		canvas_putf(c, 0, x + 2, right - x - 2, ROLE_TEXT, "+%lld -%lld in %d file%s",
			(long long)v->added, (long long)v->removed, v->files,
			v->files == 1 ? "" : "s");
}

/* Actions of this place that fit, the least needed left out first, in the order of the table. */
static int footer_rank_that_fits(unsigned context, int w)
{
	for (int rank = 9; rank > 0; rank--) {
		int need = 1;

		for (size_t i = 0; i < action_count; i++)
			if (actions[i].foot && (actions[i].foot_contexts & context) &&
				actions[i].foot_rank <= rank)
				need += (int)(utf8_cells(actions[i].foot_key) +
						utf8_cells(actions[i].foot)) +
					3;
		if (need - 2 <= w)
			return rank;
	}
	return 0;
}

static void put_actions(struct deck *d, int y, int w)
{
	unsigned context = action_context(d);
	int rank = footer_rank_that_fits(context, w - 1), x = 1;

	for (size_t i = 0; i < action_count; i++) {
		const struct action *a = &actions[i];

		if (!a->foot || !(a->foot_contexts & context) || a->foot_rank > rank)
			continue;
		x += canvas_put(&d->canvas, y, x, w - x, ROLE_ACCENT, a->foot_key) + 1;
		x += canvas_put(&d->canvas, y, x, w - x, ROLE_DIM, a->foot) + 2;
	}
}

/* A message takes the footer's line, and the lines above it when it is long: a refusal is read
 * whole. */
static void put_message(struct deck *d, const struct message *m)
{
	struct canvas *c = &d->canvas;
	struct rect r = { 0, 1, 0, c->w - 2 };
	int h = canvas_wrap(c, r, ROLE_TEXT, m->text);

	h = h < 1 ? 1 : h > MESSAGE_LINES ? MESSAGE_LINES : h;
	r.y = c->h - h;
	r.h = h;
	canvas_blank(c, (struct rect){ r.y, 0, h, c->w });
	canvas_wrap(c, r, m->warn ? ROLE_ATTENTION : ROLE_TEXT, m->text);
}

void bar_footer(struct deck *d)
{
	const struct message *m = message_shown(d);
	struct canvas *c = &d->canvas;
	int y = c->h - 1, w = c->w;
	char range[48] = "";

	if (m) {
		put_message(d, m);
		return;
	}
	if (d->dialog.asking && d->dialog.number && d->dialog.kind == DIALOG_NONE) {
		canvas_putf(c, y, 1, w - 2, ROLE_DIM, "asking what promoting %d would do ...",
			d->dialog.number);
		return;
	}
	if (deck_screen(d) == SCREEN_DECK && d->npane && (w >= WIDE || d->layout.scrolls) &&
		d->layout.grid.h) {
		snprintf(range, sizeof(range), "%zu-%zu of %zu", d->layout.pane_first + 1,
			d->layout.pane_first + d->layout.pane_count, d->npane);
		canvas_right(c, y, 0, w - 1, ROLE_DIM, range);
		w -= (int)strlen(range) + 3;
	}
	put_actions(d, y, w);
}

int bar_away_height(const struct deck *d)
{
	return d->rows.engine_away ? 5 : 0;
}

void bar_away(struct deck *d, struct rect r)
{
	struct canvas *c = &d->canvas;
	const struct race_info *info = state_race(d);
	const char *name = d->rows.engine_name ? d->rows.engine_name
		: info && info->engine         ? info->engine
					       : "the engine";
	char when[32] = "";
	int x;

	canvas_fill(c, r.y, 0, r.w, ROLE_RULE, G_HLINE);
	x = 2 + canvas_putf(c, r.y, 2, r.w - 3, ROLE_ATTENTION, "%s does not answer", name);
	canvas_put(c, r.y, 1, 1, ROLE_TEXT, " ");
	canvas_put(c, r.y, x, 1, ROLE_TEXT, " ");
	if (d->rows.away_since_ns > 0)
		clock_fmt_time(d->rows.away_since_ns, when, sizeof(when));
	canvas_putf(c, r.y + 1, 2, r.w - 3, ROLE_TEXT, "%s%s%s", d->rows.engine_away,
		*when ? ", since " : "", when);
	canvas_putf(c, r.y + 2, 2, r.w - 3, ROLE_TEXT,
		"Containers may still run. Logs below are live: they are files, not %s.", name);
	x = 2 + canvas_put(c, r.y + 3, 2, r.w - 3, ROLE_TEXT, "Works now: logs, promote, archive.");
	canvas_put(c, r.y + 3, x + 3, r.w - x - 4, ROLE_TEXT, "Waits: kill, what is queued.");
	x = 2 +
		canvas_putf(c, r.y + 4, 2, r.w - 3, ROLE_STRONG, "Next step: %s",
			d->rows.engine_next ? d->rows.engine_next : "start it again");
	canvas_put(c, r.y + 4, x + 6, r.w - x - 7, ROLE_TEXT, "The deck finds it by itself.");
}
