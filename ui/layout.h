/* layout.h - where everything stands. Pure.
 *
 * Header line, board, band (engine away), grid of panes, footer line. The grid takes the fewest
 * columns that give every pane at least 6 lines of text, never below 38 cells; if none does, the
 * most columns, and it scrolls with the selection. */
#ifndef UI_LAYOUT_H
#define UI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/canvas.h"

enum layout_mode { LAYOUT_BOTH, LAYOUT_BOARD, LAYOUT_PANES, LAYOUT_MODES };
enum { PANE_MIN_W = 38, PANE_MIN_TEXT = 6, BOARD_MIN_W = 58 };

struct layout_in {
	int h, w;
	size_t nrows, row_selected; /* of the board */
	size_t npanes, pane_selected;
	int band; /* lines, 0 = none */
	enum layout_mode mode;
};
struct layout {
	bool tiny; /* under 20x5: one line says so */
	bool fold; /* the board in columns, without a head */
	int fold_cols, board_lines; /* lines of rows, without the head */
	size_t board_first; /* first row shown (of one column when folded) */
	struct rect board, band, grid; /* h = 0: not there */
	int cols, rows; /* of the grid */
	size_t pane_first, pane_count; /* shown */
	bool scrolls; /* not all panes are shown */
	int footer_y;
};

void layout_compute(const struct layout_in *in, struct layout *out);
/* The i-th shown pane: title line and text. *sep = x of the rule to its right, -1 = none. */
struct rect layout_pane(const struct layout *l, size_t i, int *sep);

#endif
