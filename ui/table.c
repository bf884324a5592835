/* table.c - the board: columns of the table of variants; which leave first when it is narrow; the
 * folded form. */
#include "ui/table.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"

enum column { COL_ADDED, COL_REMOVED, COL_FILES, COL_MERGE, COL_CPU, COL_MEM, COL_OUT, COL_COUNT };

/* In the order they stand; gap = blank cells before; leave = smaller leaves sooner. */
static const struct {
	const char *head;
	int gap, width, leave;
	bool left;
} columns[COL_COUNT] = {
	[COL_ADDED] = { "+", 1, 6, 6, false },
	[COL_REMOVED] = { "-", 1, 5, 7, false },
	[COL_FILES] = { "F", 1, 3, 5, false },
	[COL_MERGE] = { "MERGE", 2, 8, 4, true },
	[COL_CPU] = { "CPU", 1, 5, 3, false },
	[COL_MEM] = { "MEM", 2, 5, 2, false },
	[COL_OUT] = { "OUT", 2, TABLE_BARS, 1, true },
};
enum { NAME_X = 5, NOTE_MIN = 16 };

struct plan {
	int name_w, state_x, word_w, time_x, check_x; /* right edges for time and check */
	int x[COL_COUNT]; /* -1 = left out */
	int note_x, note_w;
};

enum role table_state_role(enum variant_state s)
{
	switch (s) {
	case VS_PASSED:
		return ROLE_PASSED;
	case VS_FAILED:
		return ROLE_FAILED;
	case VS_LOST:
		return ROLE_ATTENTION;
	case VS_KILLED:
	case VS_QUEUED:
		return ROLE_DIM;
	default:
		return ROLE_TEXT;
	}
}

int64_t table_elapsed_ms(const struct variant *v, int64_t now_ns)
{
	int64_t end = v->ended_ns ? v->ended_ns : now_ns;

	return v->started_ns ? (end - v->started_ns) / 1000000 : -1;
}

void table_check_text(const struct variant *v, char out[32])
{
	const struct check_result *k = &v->check;

	out[0] = '\0';
	if (k->state == CHECK_NONE)
		return;
	if (k->total >= 0 && k->passed >= 0)
		snprintf(out, 32, "%d/%d", k->passed, k->total);
	else if (k->state == CHECK_PASSED || k->state == CHECK_FAILED)
		snprintf(out, 32, "%s", glyph(k->state == CHECK_PASSED ? G_PASSED : G_FAILED));
	else
		snprintf(out, 32, "-");
}

void table_size(int64_t bytes, char out[32])
{
	static const char unit[] = "BKMGT";
	double v = (double)bytes;
	int u = 0;

	while (v >= 1000 && u < 4) {
		v /= 1024;
		u++;
	}
	snprintf(out, 32, v < 10 && u > 2 ? "%.1f%c" : "%.0f%c", v, unit[u]);
}

enum role table_note(const struct table_row *b, const struct table_opts *o, struct buf *out)
{
	const struct row *r = b->row;
	const struct variant *v = r->v;
	char when[16];

	buf_clear(out);
	if (b->uncertain && v->kill_asked && variant_live(v->state)) {
		buf_str(out, "kill asked, sent when it answers");
		return ROLE_ATTENTION;
	}
	if (b->uncertain && variant_live(v->state) && b->seen_ns) {
		clock_fmt_time(b->seen_ns, when, sizeof(when));
		buf_fmt(out, "last seen %s", when);
		return ROLE_DIM;
	}
	if (r->attention && r->evidence)
		buf_str(out, r->evidence);
	else if (v->promoted)
		buf_fmt(out, "in %s", v->promoted);
	else if (v->archived)
		buf_str(out, "archived: z restores");
	else if (v->conflict && *v->conflict && (v->state == VS_PASSED || variant_live(v->state)))
		buf_fmt(out, "%s conflicts with %s", v->conflict, o->into ? o->into : "the base");
	else if (r->best)
		buf_fmt(out, "%s %s", glyph(G_BEST), o->over ? "best" : "best so far");
	if (out->len)
		return r->attention ? ROLE_ATTENTION : r->best ? ROLE_BEST : ROLE_TEXT;
	if (variant_ended(v->state) && v->scan)
		buf_fmt(out, "%s: %s", v->branch ? "incomplete" : "no branch", v->scan);
	else if (v->reason && *v->reason && v->state != VS_PASSED && !variant_live(v->state))
		buf_fmt(out, "%s%s", v->state == VS_LOST ? "r runs it again: " : "", v->reason);
	else if (v->note && *v->note && variant_live(v->state))
		buf_str(out, v->note);
	else if (r->warn && v->state == VS_RUNNING && !b->last)
		buf_str(out, r->warn);
	if (out->len)
		return ROLE_TEXT;
	if (b->last)
		vt_clean(b->last, strlen(b->last), out);
	return ROLE_DIM;
}

static const char *state_word(const struct table_row *b, char out[32])
{
	enum variant_state s = b->row->v->state;

	snprintf(
		out, 32, "%s%s", variant_state_name(s), b->uncertain && variant_live(s) ? "?" : "");
	return out;
}

static void make_plan(struct plan *p, int w, const struct table_row *rows, size_t n)
{
	bool wide = w >= 120;
	int longest = 0, fixed, x;

	for (size_t i = 0; i < n; i++) {
		int len = (int)utf8_cells(rows[i].row->v->name);

		longest = len > longest ? len : longest;
	}
	p->name_w = wide ? 14 : 10;
	if (longest > p->name_w)
		p->name_w = longest < (wide ? 30 : 16) ? longest : (wide ? 30 : 16);
	if (w < 80 && p->name_w > 10)
		p->name_w = 10;
	p->state_x = NAME_X + p->name_w + 1;
	p->word_w = wide ? 10 : 9;
	p->time_x = p->state_x + 2 + p->word_w + 6;
	p->check_x = p->time_x + 7;
	fixed = p->check_x + 2; /* the gap before NOTE */
	for (int c = 0; c < COL_COUNT; c++) {
		fixed += columns[c].gap + columns[c].width;
		p->x[c] = 0;
	}
	for (int leave = 1; leave <= COL_COUNT && w - fixed < NOTE_MIN; leave++) {
		for (int c = 0; c < COL_COUNT; c++) {
			if (columns[c].leave == leave) {
				fixed -= columns[c].gap + columns[c].width;
				p->x[c] = -1;
			}
		}
	}
	x = p->check_x;
	for (int c = 0; c < COL_COUNT; c++) {
		if (p->x[c] < 0)
			continue;
		p->x[c] = x + columns[c].gap;
		x = p->x[c] + columns[c].width;
	}
	p->note_x = x + 2;
	p->note_w = w - p->note_x;
}

static void draw_head(struct canvas *c, int y, const struct plan *p)
{
	canvas_put(c, y, 3, 1, ROLE_DIM, "#");
	canvas_put(c, y, NAME_X, 9, ROLE_DIM, "VARIANT");
	canvas_put(c, y, p->state_x + 2, 9, ROLE_DIM, "STATE");
	canvas_right(c, y, p->time_x - 5, 5, ROLE_DIM, "TIME");
	canvas_right(c, y, p->check_x - 5, 5, ROLE_DIM, "CHECK");
	for (int i = 0; i < COL_COUNT; i++) {
		if (p->x[i] < 0)
			continue;
		if (columns[i].left)
			canvas_put(c, y, p->x[i], columns[i].width, ROLE_DIM, columns[i].head);
		else
			canvas_right(c, y, p->x[i], columns[i].width, ROLE_DIM, columns[i].head);
	}
	canvas_put(c, y, p->note_x, p->note_w, ROLE_DIM, "NOTE");
}

static void count_text(int64_t n, const char *sign, char out[32])
{
	if (n < 0)
		snprintf(out, 32, "-");
	else if (n > 9999)
		snprintf(out, 32, "%s%lldk", sign, (long long)(n / 1000));
	else
		snprintf(out, 32, "%s%lld", sign, (long long)n);
}

/* Text of a column's cell; "" = does not apply. */
static void cell_text(const struct table_row *b, int col, char out[32])
{
	const struct variant *v = b->row->v;
	bool live = variant_live(v->state);

	out[0] = '\0';
	switch (col) {
	case COL_ADDED:
		count_text(v->added, "+", out);
		break;
	case COL_REMOVED:
		count_text(v->removed, "-", out);
		break;
	case COL_FILES:
		count_text(v->files, "", out);
		break;
	case COL_MERGE:
		snprintf(out, 32, "%s", !v->conflict ? "-" : *v->conflict ? "conflict" : "clean");
		break;
	case COL_CPU:
		if (live)
			snprintf(out, 32, b->row->cpu < 0 ? "-" : "%.0f%%", b->row->cpu);
		break;
	case COL_MEM:
		if (live && b->row->memory >= 0)
			table_size(b->row->memory, out);
		else if (live)
			snprintf(out, 32, "-");
		break;
	default:
		break;
	}
	if (v->state == VS_QUEUED && !strcmp(out, "-"))
		out[0] = '\0';
}

static void draw_bars(struct canvas *c, int y, int x, const struct table_row *b)
{
	if (!variant_live(b->row->v->state) || b->row->v->state < VS_RUNNING)
		return;
	for (int i = 0; i < TABLE_BARS; i++)
		canvas_glyph(c, y, x + i, ROLE_DIM,
			(enum glyph)(G_BAR0 + (b->bar[i] > 6 ? 6 : b->bar[i])));
}

static void draw_cells(struct canvas *c, int y, const struct plan *p, const struct table_row *b)
{
	char text[32];

	for (int i = 0; i < COL_COUNT; i++) {
		enum role r;

		if (p->x[i] < 0)
			continue;
		if (i == COL_OUT) {
			draw_bars(c, y, p->x[i], b);
			continue;
		}
		cell_text(b, i, text);
		r = !strcmp(text, "-") || !strcmp(text, "clean") || b->row->v->state == VS_KILLED
			? ROLE_DIM
			: ROLE_TEXT;
		if (columns[i].left)
			canvas_put(c, y, p->x[i], columns[i].width, r, text);
		else
			canvas_right(c, y, p->x[i], columns[i].width, r, text);
	}
}

static void time_text(const struct variant *v, const struct table_opts *o, char out[32])
{
	int64_t ms = table_elapsed_ms(v, o->now_ns);

	if (ms < 0)
		snprintf(out, 32, "%s", v->state == VS_QUEUED ? "" : "-");
	else
		clock_fmt_elapsed(ms, out, 32);
}

static enum role check_role(const struct variant *v)
{
	return v->check.state == CHECK_PASSED    ? ROLE_PASSED
		: v->check.state == CHECK_FAILED ? ROLE_FAILED
		: v->check.total >= 0            ? ROLE_TEXT
						 : ROLE_DIM;
}

static void draw_flags(struct canvas *c, int y, int x, const struct table_row *b, bool second)
{
	int at = x;

	if (b->selected)
		canvas_glyph(c, y, at, b->row->attention && !second ? ROLE_ATTENTION : ROLE_ACCENT,
			G_SELECT);
	if (b->selected && second)
		at++;
	if (b->selected && !second)
		return;
	if (b->row->attention)
		canvas_glyph(c, y, at, ROLE_ATTENTION, G_NEEDS);
	else if (b->marked)
		canvas_glyph(c, y, at, ROLE_ACCENT, G_MARK);
	if (b->row->attention && b->marked && second)
		canvas_glyph(c, y, x + 1, ROLE_ACCENT, G_MARK);
}

static void finish_row(struct canvas *c, int y, int x, int w, const struct table_row *b)
{
	if (b->selected)
		canvas_select(c, y, x, w);
	if (b->changed)
		canvas_bold(c, y, x, w);
}

static void draw_row(struct canvas *c, int y, const struct plan *p, const struct table_row *b,
	const struct table_opts *o)
{
	const struct variant *v = b->row->v;
	enum role state = table_state_role(v->state),
		  quiet = state == ROLE_DIM ? ROLE_DIM : ROLE_TEXT;
	struct buf note = BUF_INIT;
	char text[32];

	draw_flags(c, y, 0, b, true);
	snprintf(text, sizeof(text), "%2d", v->number);
	canvas_put(c, y, 2, 3, b->marked ? ROLE_ACCENT : quiet, text);
	canvas_put(c, y, NAME_X, p->name_w, quiet, v->name);
	canvas_glyph(c, y, p->state_x, state, glyph_state(v->state));
	canvas_put(c, y, p->state_x + 2, p->word_w, state, state_word(b, text));
	time_text(v, o, text);
	canvas_right(c, y, p->time_x - 6, 6, quiet, text);
	table_check_text(v, text);
	canvas_right(c, y, p->check_x - 6, 6, check_role(v), text);
	draw_cells(c, y, p, b);
	if (p->note_w > 0) {
		enum role r = table_note(b, o, &note);

		canvas_put(c, y, p->note_x, p->note_w, r, note.p);
	}
	finish_row(c, y, 0, c->w, b);
	buf_release(&note);
}

static void draw_folded(struct canvas *c, int y, int x, int w, const struct table_row *b,
	const struct table_opts *o)
{
	static const char *const word[VS_COUNT] = { "queued", "prepare", "running", "saving",
		"check", "stop", "passed", "failed", "killed", "lost" };
	const struct variant *v = b->row->v;
	enum role state = table_state_role(v->state),
		  quiet = state == ROLE_DIM ? ROLE_DIM : ROLE_TEXT;
	int name_w = w - 29, at;
	char text[32];

	if (name_w < 4)
		name_w = 4;
	at = x + 4 + name_w;
	draw_flags(c, y, x, b, false);
	canvas_putf(c, y, x + 1, 2, b->marked ? ROLE_ACCENT : quiet, "%2d", v->number);
	canvas_put(c, y, x + 4, name_w - 1, quiet, v->name);
	canvas_glyph(c, y, at, state, glyph_state(v->state));
	canvas_putf(c, y, at + 2, 8, state, "%s%s", word[v->state],
		b->uncertain && variant_live(v->state) ? "?" : "");
	time_text(v, o, text);
	canvas_right(c, y, at + 9, 5, quiet, text);
	table_check_text(v, text);
	if (strcmp(text, "-"))
		canvas_right(c, y, at + 15, x + w - at - 15 < 5 ? x + w - at - 15 : 5,
			check_role(v), text);
	count_text(v->added, "+", text);
	if (at + 25 <= x + w && strcmp(text, "-"))
		canvas_right(c, y, at + 20, 5, quiet, text);
	finish_row(c, y, x, w, b);
}

static void draw_fold(struct canvas *c, const struct layout *l, const struct table_row *rows,
	size_t n, const struct table_opts *o)
{
	int cols = l->fold_cols, cell = (l->board.w - (cols - 1)) / cols;
	size_t per = (n + (size_t)cols - 1) / (size_t)cols;

	for (int col = 0; col < cols; col++) {
		int x = col * (cell + 1), w = col == cols - 1 ? l->board.w - x : cell;

		for (int line = 0; line < l->board_lines; line++) {
			size_t i = (size_t)col * per + l->board_first + (size_t)line;

			if (l->board_first + (size_t)line < per && i < n)
				draw_folded(c, l->board.y + line, x, w, &rows[i], o);
			if (col < cols - 1)
				canvas_glyph(c, l->board.y + line, x + w, ROLE_RULE, G_VLINE);
		}
	}
}

void table_draw(struct canvas *c, const struct layout *l, const struct table_row *rows, size_t n,
	const struct table_opts *o)
{
	struct plan p;

	if (l->board.h <= 0)
		return;
	if (l->fold) {
		draw_fold(c, l, rows, n, o);
		return;
	}
	make_plan(&p, l->board.w, rows, n);
	draw_head(c, l->board.y, &p);
	for (int i = 0; i < l->board_lines && l->board_first + (size_t)i < n; i++)
		draw_row(c, l->board.y + 1 + i, &p, &rows[l->board_first + (size_t)i], o);
}
