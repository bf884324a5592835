/* pane_help.c - help, made from the table of actions: what is not in the table is not offered. */
#include "ui/pane_help.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "ui/action.h"

enum { MAX_LINES = 60, COLUMNS = 3 };

static const struct {
	const char *title;
	int x, keys; /* column, width of the keys */
} look[COLUMNS] = {
	{ "LOOK", 2, 11 },
	{ "DECIDE", 28, 4 },
	{ "RACE", 54, 4 },
};
/* Where a line of the text section stands: three columns of their own. */
static const struct {
	int x, keys;
} text[COLUMNS] = { { 2, 19 }, { 33, 9 }, { 57, 9 } };

struct page {
	struct deck *d;
	int top, bottom; /* lines of the screen */
};

static int row_y(const struct page *k, int line)
{
	int y = k->top + line - (int)k->d->scroll;

	return y >= k->top && y < k->bottom ? y : -1;
}

static void put_at(struct page *k, int line, int x, enum role r, const char *s)
{
	int y = row_y(k, line);

	if (y >= 0)
		canvas_put(&k->d->canvas, y, x, k->d->canvas.w - x, r, s);
}

static int put_column(struct page *k, int line, enum action_section s, int x, int keys)
{
	for (size_t i = 0; i < action_count; i++) {
		if (actions[i].section != s || !actions[i].help)
			continue;
		put_at(k, line, x, ROLE_ACCENT, actions[i].help_keys);
		put_at(k, line, x + keys, ROLE_TEXT, actions[i].help);
		line++;
	}
	return line;
}

static int put_top(struct page *k, int line, bool wide)
{
	int end = line;

	for (int c = 0; c < COLUMNS; c++) {
		int x = wide ? look[c].x : look[0].x, at = wide ? line : end, last;

		put_at(k, at, x, ROLE_DIM, look[c].title);
		last = put_column(k, at + 1, (enum action_section)(SECTION_LOOK + c), x,
			wide ? look[c].keys : look[0].keys);
		end = last > end ? last : end;
	}
	return end;
}

static int put_text(struct page *k, int line, bool wide)
{
	int n = 0;

	put_at(k, line++, 2, ROLE_DIM, "IN A TEXT (as in less)");
	if (!wide)
		return put_column(k, line, SECTION_TEXT, 2, text[0].keys);
	for (size_t i = 0; i < action_count; i++) {
		const struct action *a = &actions[i];
		int c = n % COLUMNS;

		if (a->section != SECTION_TEXT || !a->help)
			continue;
		put_at(k, line + n / COLUMNS, text[c].x, ROLE_ACCENT, a->help_keys);
		put_at(k, line + n / COLUMNS, text[c].x + text[c].keys, ROLE_TEXT, a->help);
		n++;
	}
	return line + (n + COLUMNS - 1) / COLUMNS;
}

static int put_always(struct page *k, int line)
{
	int x = 11, w = k->d->canvas.w;

	put_at(k, line, 2, ROLE_DIM, "ALWAYS");
	for (size_t i = 0; i < action_count; i++) {
		const struct action *a = &actions[i];
		int need;

		if (a->section != SECTION_ALWAYS || !a->help)
			continue;
		need = (int)(utf8_cells(a->help_keys) + 1 + utf8_cells(a->help));
		if (x + need > w - 1 && x > 11) {
			x = 11;
			line++;
		}
		put_at(k, line, x, ROLE_ACCENT, a->help_keys);
		put_at(k, line, x + (int)utf8_cells(a->help_keys) + 1, ROLE_TEXT, a->help);
		x += need + 4;
	}
	put_at(k, line + 1, 11, ROLE_ACCENT, "q");
	put_at(k, line + 1, 13, ROLE_TEXT, "one step back; at the deck: leave, what runs goes on");
	return line + 2;
}

static int put_signs(struct page *k, int line)
{
	static const struct {
		enum glyph g;
		enum role role;
		const char *word;
	} sign[] = {
		{ G_RUNNING, ROLE_TEXT, "running" },
		{ G_CHECKING, ROLE_TEXT, "checking" },
		{ G_PASSED, ROLE_PASSED, "passed" },
		{ G_FAILED, ROLE_FAILED, "failed" },
		{ G_KILLED, ROLE_DIM, "killed" },
		{ G_NEEDS, ROLE_ATTENTION, "needs you" },
		{ G_BEST, ROLE_BEST, "best" },
	};
	int x = 2;

	for (size_t i = 0; i < ARRAY_LEN(sign); i++) {
		int need = 2 + (int)strlen(sign[i].word);

		if (x + need >= k->d->canvas.w && x > 2) {
			x = 2;
			line++;
		}
		put_at(k, line, x, sign[i].role, glyph(sign[i].g));
		put_at(k, line, x + 2, ROLE_TEXT, sign[i].word);
		x += need + 2;
	}
	return line + 1;
}

void pane_help_draw(struct deck *d)
{
	struct page k = { d, 1, d->canvas.h - 1 };
	bool wide = d->canvas.w >= 80;
	int line;

	canvas_put(&d->canvas, 0, 1, d->canvas.w - 2, ROLE_STRONG, "keys");
	line = put_top(&k, 0, wide) + 1;
	line = put_text(&k, line, wide) + 1;
	line = put_always(&k, line) + 1;
	line = put_signs(&k, line);
	d->scroll_max = line - (k.bottom - k.top);
}
