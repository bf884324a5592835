/* draw.c - one frame: what each part shows, put together. The only place that reads logs. */
#include "ui/draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "ui/action.h"
#include "ui/bar.h"
#include "ui/dialog.h"
#include "ui/log_watch.h"
#include "ui/message.h"
#include "ui/pane_help.h"
#include "ui/pane_info.h"
#include "ui/pane_list.h"
#include "ui/prompt.h"
#include "ui/state.h"
#include "ui/term.h"

enum { NOTE_MS = 200 };

/* Items whose panes are drawn: all, or without the killed ones when not all fit. */
static void choose_panes(struct deck *d, bool with_killed)
{
	d->pane = xrealloc(d->pane, (d->nitem + 1) * sizeof(*d->pane));
	d->npane = 0;
	for (size_t i = 0; i < d->nitem; i++) {
		const struct item *it = d->item[d->order[i]];

		if (!with_killed && it->row->v->state == VS_KILLED && it->number != d->selected)
			continue;
		d->pane[d->npane++] = d->order[i];
	}
}

static size_t index_of_selected(const struct deck *d, const size_t *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (d->item[list[i]]->number == d->selected)
			return i;
	return 0;
}

static void compute_layout(struct deck *d)
{
	struct layout_in in = { .h = d->canvas.h,
		.w = d->canvas.w,
		.nrows = d->nitem,
		.band = bar_away_height(d),
		.mode = d->layout_mode };

	in.row_selected = index_of_selected(d, d->order, d->nitem);
	for (int all = 1; all >= 0; all--) {
		choose_panes(d, all);
		in.npanes = d->npane;
		in.pane_selected = index_of_selected(d, d->pane, d->npane);
		layout_compute(&in, &d->layout);
		if (!d->layout.scrolls)
			return;
	}
}

/* Arms first, reads then: what is written in between fires again. The last line in the note changes
 * at most a few times a second: nobody reads faster, and each reading costs. */
static void refresh_item(struct deck *d, struct item *it)
{
	struct buf b = BUF_INIT;
	int64_t now = clock_mono_ms();

	log_watch_arm(d, it);
	if (!it->stale)
		return;
	pane_log_refresh(&it->log);
	if (now - it->last_read < NOTE_MS) {
		if (!d->note_due || it->last_read + NOTE_MS < d->note_due)
			d->note_due = it->last_read + NOTE_MS;
		return;
	}
	it->stale = false;
	it->last_read = now;
	if (pane_log_last(&it->log, &b))
		xreplace(&it->last, b.p);
	buf_release(&b);
}

static void draw_board(struct deck *d)
{
	const struct race_info *r = state_race(d);
	struct table_row *rows = xcalloc(d->nitem + 1, sizeof(*rows));
	struct table_opts o = { deck_now_ns(), r ? r->base_name : NULL,
		r && r->over_ns && !r->live };

	for (size_t i = 0; i < d->nitem; i++) {
		struct item *it = d->item[d->order[i]];

		rows[i] = (struct table_row){ .row = it->row,
			.selected = it->number == d->selected,
			.marked = it->marked,
			.changed = it->changed,
			.uncertain = state_uncertain(d),
			.seen_ns = d->client ? d->rows.away_since_ns : d->away_ns,
			.last = it->last };
		memcpy(rows[i].bar, it->bar, sizeof(it->bar));
	}
	table_draw(&d->canvas, &d->layout, rows, d->nitem, &o);
	free(rows);
}

/* "silent 94 s" of "silent 94 s, cpu 0%": a title has room for the first part of the evidence. */
static void title_label(const struct row *r, char out[64])
{
	const struct variant *v = r->v;
	char text[256] = "";

	if (r->attention && r->evidence)
		snprintf(text, sizeof(text), "%s", r->evidence);
	else if (v->conflict && *v->conflict)
		snprintf(text, sizeof(text), "conflict: %s", v->conflict);
	text[strcspn(text, ",")] = '\0';
	snprintf(out, 64, "%.60s", text);
}

static void draw_title(struct deck *d, const struct item *it, struct rect r, int sep)
{
	struct canvas *c = &d->canvas;
	const struct variant *v = it->row->v;
	bool selected = it->number == d->selected,
	     away = state_uncertain(d) && variant_live(v->state);
	enum role rule = selected ? ROLE_ACCENT : ROLE_RULE,
		  name = selected ? ROLE_ACCENT : ROLE_TEXT;
	char took[32] = "", label[64];
	int x = r.x + 1, end = r.x + r.w, n;
	int64_t ms = table_elapsed_ms(v, deck_now_ns());

	canvas_fill(c, r.y, r.x, r.w, rule, selected ? G_HEAVY : G_HLINE);
	if (sep >= 0)
		canvas_glyph(c, r.y, sep, rule, selected ? G_TEE_HEAVY : G_TEE);
	x += canvas_put(c, r.y, x, end - x, name, " ");
	if (it->row->attention)
		x += canvas_putf(c, r.y, x, end - x, ROLE_ATTENTION, "%s ", glyph(G_NEEDS));
	x += canvas_putf(c, r.y, x, end - x, name, "%d %s ", v->number, v->name);
	x += canvas_putf(c, r.y, x, end - x, table_state_role(v->state), "%s %s%s ",
		glyph(glyph_state(v->state)), variant_state_name(v->state), away ? "?" : "");
	if (ms >= 0) {
		clock_fmt_elapsed(ms, took, sizeof(took));
		x += canvas_putf(c, r.y, x, end - x, name, "%s ", took);
	}
	if (it->row->best)
		x += canvas_putf(c, r.y, x, end - x, ROLE_BEST, "%s ", glyph(G_BEST));
	title_label(it->row, label);
	n = (int)utf8_cells(label);
	if (n && x + n + 5 < end) {
		canvas_putf(c, r.y, end - n - 3, n + 2, it->row->attention ? ROLE_ATTENTION : name,
			" %s ", label);
	}
}

static void group_digits(uint64_t n, char out[32])
{
	char plain[32];
	size_t len, o = 0;

	snprintf(plain, sizeof(plain), "%llu", (unsigned long long)n);
	len = strlen(plain);
	for (size_t i = 0; i < len; i++) {
		out[o++] = plain[i];
		if ((len - i) % 3 == 1 && i + 1 < len)
			out[o++] = ',';
	}
	out[o] = '\0';
}

/* A pane that was scrolled in the zoom stays where it is, and says what it does not show. */
static void draw_scrolled(struct deck *d, struct item *it, struct rect r)
{
	char n[32];

	if (it->log.follow || r.h < 3)
		return;
	group_digits(pane_log_new(&it->log), n);
	canvas_blank(&d->canvas, (struct rect){ r.y + r.h - 1, r.x, 1, r.w });
	canvas_putf(&d->canvas, r.y + r.h - 1, r.x, r.w, ROLE_ACCENT, "%s %s new lines",
		glyph(G_DOWN), n);
}

/* No pane is ever blank: what it waits for. */
static const char *empty_words(const struct variant *v)
{
	if (v->state <= VS_PREPARING && v->note && *v->note)
		return v->note;
	if (v->state <= VS_PREPARING)
		return v->state == VS_QUEUED ? "queued: starts when a place is free" : "preparing";
	return variant_live(v->state) ? "no output yet" : "no output";
}

static void draw_panes(struct deck *d)
{
	struct pane_log_opts o = { .align_bottom = true, .now_ns = deck_now_ns() };

	for (size_t i = 0; d->layout.grid.h && i < d->layout.pane_count; i++) {
		struct item *it = d->item[d->pane[d->layout.pane_first + i]];
		int sep;
		struct rect r = layout_pane(&d->layout, i, &sep);

		draw_title(d, it, r, sep);
		for (int y = r.y + 1; sep >= 0 && y < r.y + r.h; y++)
			canvas_glyph(&d->canvas, y, sep, ROLE_RULE, G_VLINE);
		o.v = it->row->v;
		o.empty = empty_words(o.v);
		pane_log_draw(
			&it->log, &d->canvas, (struct rect){ r.y + 1, r.x, r.h - 1, r.w }, &o);
		draw_scrolled(d, it, r);
	}
}

static void draw_deck(struct deck *d)
{
	compute_layout(d);
	bar_header(d);
	if (!d->nitem) {
		pane_list_draw_empty(d, (struct rect){ 1, 0, d->canvas.h - 2, d->canvas.w });
		return;
	}
	for (size_t i = 0; i < d->nitem; i++)
		refresh_item(d, d->item[i]);
	draw_board(d);
	if (d->layout.band.h)
		bar_away(d, d->layout.band);
	draw_panes(d);
}

static void draw_position(struct deck *d, struct item *it, int y)
{
	struct canvas *c = &d->canvas;
	struct pane_log *p = &it->log;
	char left[80], right[120], a[32], b[32];

	canvas_fill(c, y, 0, c->w, ROLE_RULE, G_HLINE);
	group_digits(pane_log_new(p), a);
	if (p->follow)
		snprintf(left, sizeof(left), " %s ",
			variant_live(it->row->v->state) ? "following" : "end");
	else
		snprintf(left, sizeof(left), " %s %s new lines ", glyph(G_DOWN), a);
	canvas_put(c, y, 1, c->w - 2, p->follow ? ROLE_DIM : ROLE_ACCENT, left);
	group_digits(p->bottom_line, a);
	group_digits(p->total_lines, b);
	snprintf(right, sizeof(right), " %d%%  %sline %s of %s ",
		p->total_lines ? (int)(p->bottom_line * 100 / p->total_lines) : 100,
		p->bottom_part ? "check " : "", a, b);
	canvas_right(c, y, 0, c->w - 1, ROLE_DIM, right);
}

static void draw_zoom(struct deck *d)
{
	struct item *it = state_selected(d);
	struct rect r = { 1, 0, d->canvas.h - 2, d->canvas.w };

	if (!it) {
		d->depth = 0;
		draw_deck(d);
		return;
	}
	refresh_item(d, it);
	bar_zoom_header(d, it);
	if (d->rows.engine_away && d->canvas.h >= 16) {
		bar_away(d, (struct rect){ 1, 0, bar_away_height(d), d->canvas.w });
		r.y += bar_away_height(d);
		r.h -= bar_away_height(d);
	}
	if (d->tab == TAB_INFO) {
		pane_info_draw(d, it, r);
		return;
	}
	if (r.h >= 2) {
		struct pane_log_opts o = { .times = d->times,
			.wrap = d->wrap,
			.marks = true,
			.empty = empty_words(it->row->v),
			.v = it->row->v,
			.now_ns = deck_now_ns() };

		pane_log_draw(&it->log, &d->canvas, (struct rect){ r.y, 0, r.h - 1, r.w }, &o);
		draw_position(d, it, r.y + r.h - 1);
	}
}

static void draw_page(struct deck *d)
{
	struct rect r = { 2, 0, d->canvas.h - 3, d->canvas.w };

	switch (deck_screen(d)) {
	case SCREEN_HELP:
		pane_help_draw(d);
		break;
	case SCREEN_MESSAGES:
		canvas_put(&d->canvas, 0, 1, d->canvas.w - 2, ROLE_STRONG, "messages");
		message_draw_all(d, r);
		break;
	default:
		pane_list_draw_races(d, r);
		break;
	}
}

void draw_frame(struct deck *d)
{
	int h, w;

	term_size(&h, &w);
	canvas_resize(&d->canvas, h, w);
	if (w < 20 || h < 5) {
		canvas_putf(&d->canvas, 0, 0, w, ROLE_TEXT, "too small: %dx%d, 20x5 is the least",
			w, h);
		term_show(&d->canvas);
		return;
	}
	d->scroll_max = 0;
	if (deck_screen(d) == SCREEN_DECK)
		draw_deck(d);
	else if (deck_screen(d) == SCREEN_ZOOM)
		draw_zoom(d);
	else
		draw_page(d);
	/* the page got shorter, or the window higher */
	if (d->scroll > 0 && d->scroll > d->scroll_max) {
		d->scroll = d->scroll_max > 0 ? d->scroll_max : 0;
		d->dirty = true;
	}
	bar_footer(d);
	dialog_draw(d);
	if (d->prompt.kind != PROMPT_NONE)
		prompt_draw(d);
	term_show(&d->canvas);
}
