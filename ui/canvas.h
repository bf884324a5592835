/* canvas.h - one frame as a grid of cells, drawn by everything, shown by term. Pure: the golden
 * tests of panes need no terminal.
 *
 * Every text that is put here goes through base/vt first, whoever wrote it. Nothing is drawn
 * outside the grid. */
#ifndef UI_CANVAS_H
#define UI_CANVAS_H

#include "base/buf.h"
#include "base/vt.h"
#include "ui/glyph.h"
#include "ui/theme.h"

struct rect {
	int y, x, h, w;
};

struct canvas {
	int h, w;
	struct vt_cell *cell; /* h * w */
	const struct theme *theme;
	int cursor_y, cursor_x; /* of a text prompt; -1 = hidden */
};

void canvas_init(struct canvas *c, const struct theme *t);
void canvas_release(struct canvas *c);
void canvas_resize(struct canvas *c, int h, int w); /* blank */
void canvas_clear(struct canvas *c);

/* Puts text in at most max cells; cut texts end with the "more" sign. Returns the cells used. */
int canvas_put(struct canvas *c, int y, int x, int max, enum role r, const char *text);
int canvas_putf(struct canvas *c, int y, int x, int max, enum role r, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Ends at column x + w (exclusive). */
void canvas_right(struct canvas *c, int y, int x, int w, enum role r, const char *text);
void canvas_glyph(struct canvas *c, int y, int x, enum role r, enum glyph g);
void canvas_fill(struct canvas *c, int y, int x, int w, enum role r, enum glyph g);
void canvas_blank(struct canvas *c, struct rect r);
/* Bytes of a clean text that make its next line of at most w cells, broken at a blank if there is
 * one in its second half. */
size_t canvas_break(const char *text, int w);
/* Draws a text over as many of the rect's lines as it needs; returns how many it would need. */
int canvas_wrap(struct canvas *c, struct rect r, enum role role, const char *text);
/* A line of a log: cells from `skip` on. */
void canvas_line(struct canvas *c, int y, int x, int w, const struct vt_line *l, size_t skip);
/* Lays the selection under what is there. */
void canvas_select(struct canvas *c, int y, int x, int w);
void canvas_bold(struct canvas *c, int y, int x, int w);
/* The grid as text, trailing blanks cut, lines ended by '\n': what the golden screens compare. */
void canvas_text(const struct canvas *c, struct buf *out);

#endif
