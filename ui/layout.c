/* layout.c - the rules of UI 2 as arithmetic. */
#include "ui/layout.h"

#include <string.h>

static int clamp(int v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static int ceil_div(int a, int b)
{
	return (a + b - 1) / b;
}

/* First of `shown` entries, in whole pages, so that `selected` is among them. */
static size_t page_first(size_t n, size_t shown, size_t selected)
{
	size_t first;

	if (n <= shown || shown == 0)
		return 0;
	first = selected / shown * shown;
	return first > n - shown ? n - shown : first;
}

static void place_board(const struct layout_in *in, struct layout *out, int room, bool panes)
{
	int n = (int)in->nrows, keep = panes ? (room / 4 > 3 ? room / 4 : 3) : 0;
	int max = clamp(room - keep, 1, room), lines;

	out->fold = in->w < BOARD_MIN_W || (panes ? n > in->h / 2 : n > room - 1);
	out->fold_cols = out->fold ? clamp(in->w / PANE_MIN_W, 1, 99) : 1;
	lines = out->fold ? ceil_div(n, out->fold_cols) : n;
	out->board_lines = clamp(lines, 1, out->fold ? max : max - 1);
	if (out->fold)
		out->board_first = page_first((size_t)lines, (size_t)out->board_lines,
			in->row_selected % (size_t)(lines ? lines : 1));
	else
		out->board_first =
			page_first((size_t)n, (size_t)out->board_lines, in->row_selected);
	out->board = (struct rect){ 1, 0, out->board_lines + !out->fold, in->w };
}

static void place_grid(const struct layout_in *in, struct layout *out)
{
	int h = out->grid.h, n = (int)in->npanes;
	int most = clamp((in->w + 1) / (PANE_MIN_W + 1), 1, 99);
	size_t total;

	if (n == 0 || h < 2) {
		out->grid.h = 0;
		return;
	}
	for (int c = 1; c <= most && c <= n; c++) {
		int rows = ceil_div(n, c);

		if (h / rows >= PANE_MIN_TEXT + 1) {
			out->cols = c;
			out->rows = rows;
			out->pane_count = in->npanes;
			return;
		}
	}
	out->scrolls = n > 1;
	out->cols = h >= PANE_MIN_TEXT + 1 && most < n ? most : 1;
	out->rows = h >= PANE_MIN_TEXT + 1 ? h / (PANE_MIN_TEXT + 1) : 1;
	if (out->rows > ceil_div(n, out->cols))
		out->rows = ceil_div(n, out->cols);
	total = (size_t)ceil_div(n, out->cols);
	out->pane_first = (size_t)out->cols *
		page_first(total, (size_t)out->rows, in->pane_selected / (size_t)out->cols);
	out->pane_count = (size_t)(out->cols * out->rows);
	if (out->pane_first + out->pane_count > in->npanes)
		out->pane_count = in->npanes - out->pane_first;
}

void layout_compute(const struct layout_in *in, struct layout *out)
{
	bool panes = in->h >= 10 && in->w >= 40 && in->mode != LAYOUT_BOARD && in->npanes > 0;
	int room = in->h - 2, y = 1;

	memset(out, 0, sizeof(*out));
	out->tiny = in->w < 20 || in->h < 5;
	out->footer_y = in->h - 1;
	out->cols = out->rows = 1;
	if (out->tiny)
		return;
	if (in->mode != LAYOUT_PANES || !panes) {
		place_board(in, out, room - (room > in->band + 2 ? in->band : 0), panes);
		y += out->board.h;
	}
	if (in->band && y + in->band <= in->h - 1) {
		out->band = (struct rect){ y, 0, in->band, in->w };
		y += in->band;
	}
	out->grid = (struct rect){ y, 0, panes ? in->h - 1 - y : 0, in->w };
	if (panes)
		place_grid(in, out);
}

struct rect layout_pane(const struct layout *l, size_t i, int *sep)
{
	int row = (int)i / l->cols, col = (int)i % l->cols;
	int base = l->grid.h / l->rows, more = l->grid.h % l->rows;
	int cell = (l->grid.w - (l->cols - 1)) / l->cols;
	bool last = col == l->cols - 1 || i + 1 == l->pane_count;
	struct rect r;

	r.y = l->grid.y + row * base + (row < more ? row : more);
	r.h = base + (row < more);
	r.x = l->grid.x + col * (cell + 1);
	r.w = last ? l->grid.x + l->grid.w - r.x : cell;
	*sep = last ? -1 : r.x + r.w;
	return r;
}
