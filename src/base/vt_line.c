/* vt_line.c - a line of cells from a log: what a terminal would show of it at its end, made of safe
 * characters only. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/vt_parse.h"
#include "base/utf8.h"

struct line_sink {
	struct vt_sink k; /* first */
	struct vt_line *l;
	size_t max;
};

static struct vt_cell *line_at(struct vt_line *l, size_t i, const struct vt_attr *a)
{
	if (i >= l->cap) {
		l->cap = i + 1 > 64 ? (i + 1) * 2 : 128;
		l->cell = xrealloc(l->cell, l->cap * sizeof(*l->cell));
	}
	while (l->n <= i)
		l->cell[l->n++] = (struct vt_cell){ .cp = ' ', .width = 1, .attr = *a };
	return &l->cell[i];
}

/* Takes a cell out of a wide character that is there: the other half must not stay alone. */
static void line_break_wide(struct vt_line *l, size_t i)
{
	struct vt_cell blank = { .cp = ' ', .width = 1, .attr = vt_attr_default };

	if (i >= l->n)
		return;
	if (l->cell[i].width == 2 && i + 1 < l->n)
		l->cell[i + 1] = blank;
	else if (l->cell[i].width == 0 && i > 0)
		l->cell[i - 1] = blank;
}

static void line_mark(struct line_sink *k, struct vt *v, uint32_t cp)
{
	struct vt_line *l = k->l;
	size_t i = l->cursor;

	if (i == 0) {
		k->k.text(&k->k, v, 0x25cc);
		i = l->cursor;
	}
	if (i > l->n || i == 0)
		return; /* its character was not kept either */
	i--;
	if (l->cell[i].width == 0 && i > 0)
		i--;
	for (int m = 0; m < 3; m++) {
		if (!l->cell[i].comb[m]) {
			l->cell[i].comb[m] = cp;
			return;
		}
	}
	v->removed++;
}

/* Overstrike as typewriters and man pages mean it: x BS x is bold, _ BS x and x BS _ are
 * underlined. */
static bool line_overstrike(struct vt_line *l, struct vt *v, uint32_t cp, struct vt_attr *a)
{
	struct vt_cell *c;

	*a = v->attr;
	if (l->cursor >= l->n)
		return false;
	c = &l->cell[l->cursor];
	if (cp == '_' && c->cp != ' ' && c->cp != '_' && c->width == 1) {
		c->attr.flags |= VT_UNDERLINE;
		l->cursor++;
		return true;
	}
	if (c->cp == '_')
		a->flags |= cp == ' ' ? 0 : VT_UNDERLINE;
	else if (c->cp == cp && cp != ' ')
		a->flags |= VT_BOLD;
	return false;
}

static void line_erase(struct vt_line *l, struct vt *v)
{
	v->restart = 0;
	l->n = l->cursor = 0;
}

static void line_text(struct vt_sink *sink, struct vt *v, uint32_t cp)
{
	struct line_sink *k = (struct line_sink *)sink;
	struct vt_line *l = k->l;
	struct vt_attr a;
	int w = utf8_width(cp);

	if (v->restart)
		line_erase(l, v);
	if (w == 0) {
		line_mark(k, v, cp);
		return;
	}
	if (line_overstrike(l, v, cp, &a))
		return;
	if (l->cursor + (size_t)w > k->max) {
		l->cursor += (size_t)w;
		return;
	}
	line_break_wide(l, l->cursor);
	if (w == 2)
		line_break_wide(l, l->cursor + 1);
	*line_at(l, l->cursor, &vt_attr_default) =
		(struct vt_cell){ .cp = cp, .width = (uint8_t)w, .attr = a };
	if (w == 2)
		*line_at(l, l->cursor + 1, &a) = (struct vt_cell){ .attr = a };
	l->cursor += (size_t)w;
}

static void line_control(struct vt_sink *sink, struct vt *v, char c)
{
	struct line_sink *k = (struct line_sink *)sink;
	struct vt_line *l = k->l;

	if (c == '\r') {
		v->restart = 1;
	} else if (c == VT_ERASE) {
		line_erase(l, v);
	} else if (c == '\b' && !v->restart) {
		if (l->cursor > 0)
			l->cursor--;
	} else if (c == '\t') {
		if (v->restart)
			line_erase(l, v);
		l->cursor += 8 - l->cursor % 8;
		if (l->cursor <= k->max && l->cursor > 0)
			line_at(l, l->cursor - 1, &vt_attr_default);
	}
}

void vt_feed(struct vt *v, const char *s, size_t n, struct vt_line *l, size_t max_cells)
{
	struct line_sink k = { { line_text, line_control }, l, max_cells };

	vt_parse(v, s, n, &k.k);
}

void vt_end(struct vt *v, struct vt_line *l, size_t max_cells)
{
	struct line_sink k = { { line_text, line_control }, l, max_cells };

	vt_flush(v, &k.k);
	v->restart = 0;
}

void vt_line_clear(struct vt_line *l)
{
	l->n = l->cursor = 0;
}

void vt_line_release(struct vt_line *l)
{
	free(l->cell);
	memset(l, 0, sizeof(*l));
}
