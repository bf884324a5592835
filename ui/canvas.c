/* canvas.c - drawing on the grid. */
#include "ui/canvas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

static const struct vt_cell blank = { .cp = ' ', .width = 1, .attr = { -1, -1, 0 } };

void canvas_init(struct canvas *c, const struct theme *t)
{
	memset(c, 0, sizeof(*c));
	c->theme = t;
	c->cursor_y = c->cursor_x = -1;
}

void canvas_release(struct canvas *c)
{
	free(c->cell);
	c->cell = NULL;
	c->h = c->w = 0;
}

void canvas_clear(struct canvas *c)
{
	for (int i = 0; i < c->h * c->w; i++)
		c->cell[i] = blank;
	c->cursor_y = c->cursor_x = -1;
}

void canvas_resize(struct canvas *c, int h, int w)
{
	c->h = h < 1 ? 1 : h;
	c->w = w < 1 ? 1 : w;
	c->cell = xrealloc(c->cell, (size_t)c->h * (size_t)c->w * sizeof(*c->cell));
	canvas_clear(c);
}

static struct vt_cell *cell_at(struct canvas *c, int y, int x)
{
	return y >= 0 && y < c->h && x >= 0 && x < c->w ? &c->cell[y * c->w + x] : NULL;
}

/* A cell of width 2 needs both halves inside the grid. */
static void put_cell(struct canvas *c, int y, int x, const struct vt_cell *cell)
{
	struct vt_cell *p = cell_at(c, y, x), *q;

	if (!p || cell->width == 0)
		return;
	if (cell->width == 2) {
		q = cell_at(c, y, x + 1);
		if (!q) {
			*p = blank;
			return;
		}
		*q = *cell;
		q->cp = 0;
		q->width = 0;
		memset(q->comb, 0, sizeof(q->comb));
	}
	*p = *cell;
}

static int put_cells(struct canvas *c, int y, int x, int max, const struct vt_line *l, size_t from,
	const struct vt_attr *a)
{
	int used = 0;

	if (from < l->n && l->cell[from].width == 0 && from > 0) {
		from++; /* the left half of a wide one is scrolled out */
		used++;
	}
	for (size_t i = from; i < l->n && used < max; i++) {
		struct vt_cell cell = l->cell[i];

		if (cell.width == 0)
			continue;
		if (used + cell.width > max)
			break;
		if (a)
			cell.attr = *a;
		put_cell(c, y, x + used, &cell);
		used += cell.width;
	}
	return used;
}

int canvas_put(struct canvas *c, int y, int x, int max, enum role r, const char *text)
{
	struct vt_line l = { 0 };
	struct vt v;
	int used;

	if (max <= 0 || y < 0 || y >= c->h || !text)
		return 0;
	if (x + max > c->w)
		max = c->w - x;
	if (max <= 0)
		return 0;
	vt_init(&v);
	/* a name or message is one line: line ends show as blanks */
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n\r\t\b");

		vt_feed(&v, p, n, &l, (size_t)max + 1);
		p += n;
		if (*p) {
			if (*p == '\n' || *p == '\t')
				vt_feed(&v, " ", 1, &l, (size_t)max + 1);
			p++;
		}
	}
	vt_end(&v, &l, (size_t)max + 1);
	if (l.cursor > (size_t)max) {
		used = put_cells(c, y, x, max - 1, &l, 0, &c->theme->attr[r]);
		canvas_glyph(c, y, x + used, r, G_MORE);
		used++;
	} else {
		used = put_cells(c, y, x, max, &l, 0, &c->theme->attr[r]);
	}
	vt_line_release(&l);
	return used;
}

int canvas_putf(struct canvas *c, int y, int x, int max, enum role r, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	int used;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	used = canvas_put(c, y, x, max, r, b.p);
	buf_release(&b);
	return used;
}

size_t canvas_break(const char *text, int w)
{
	size_t fit = utf8_fit(text, w > 0 ? (size_t)w : 1), cut = fit;

	if (!text[fit])
		return fit;
	while (cut > fit / 2 && text[cut] != ' ')
		cut--;
	if (cut > fit / 2)
		return cut;
	return fit ? fit : strlen(text);
}

int canvas_wrap(struct canvas *c, struct rect r, enum role role, const char *text)
{
	struct buf b = BUF_INIT;
	int lines = 0;

	vt_clean(text, strlen(text), &b);
	for (const char *p = b.p; *p; lines++) {
		size_t n = canvas_break(p, r.w);

		if (lines < r.h)
			canvas_putf(c, r.y + lines, r.x, r.w, role, "%.*s", (int)n, p);
		p += n;
		p += strspn(p, " ");
	}
	buf_release(&b);
	return lines;
}

void canvas_right(struct canvas *c, int y, int x, int w, enum role r, const char *text)
{
	int n = (int)utf8_cells(text);

	canvas_put(c, y, n < w ? x + w - n : x, n < w ? n : w, r, text);
}

void canvas_glyph(struct canvas *c, int y, int x, enum role r, enum glyph g)
{
	struct vt_cell cell = blank;
	const char *s = glyph(g);

	utf8_decode(s, strlen(s), &cell.cp);
	cell.attr = c->theme->attr[r];
	put_cell(c, y, x, &cell);
}

void canvas_fill(struct canvas *c, int y, int x, int w, enum role r, enum glyph g)
{
	for (int i = 0; i < w; i++)
		canvas_glyph(c, y, x + i, r, g);
}

void canvas_blank(struct canvas *c, struct rect r)
{
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			put_cell(c, y, x, &blank);
}

void canvas_line(struct canvas *c, int y, int x, int w, const struct vt_line *l, size_t skip)
{
	if (x + w > c->w)
		w = c->w - x;
	if (y >= 0 && y < c->h && skip < l->n)
		put_cells(c, y, x, w, l, skip, NULL);
}

void canvas_select(struct canvas *c, int y, int x, int w)
{
	const struct vt_attr *s = &c->theme->attr[ROLE_SELECT], *dim = &c->theme->attr[ROLE_DIM];

	for (int i = 0; i < w; i++) {
		struct vt_cell *p = cell_at(c, y, x + i);

		if (!p)
			continue;
		if (p->attr.fg == dim->fg && dim->fg >= 0)
			p->attr.fg = c->theme->dim_selected.fg;
		if (p->attr.fg < 0)
			p->attr.fg = s->fg;
		p->attr.bg = s->bg;
		p->attr.flags ^= s->flags & VT_REVERSE;
		p->attr.flags |= s->flags & ~VT_REVERSE;
	}
}

void canvas_bold(struct canvas *c, int y, int x, int w)
{
	for (int i = 0; i < w; i++) {
		struct vt_cell *p = cell_at(c, y, x + i);

		if (p)
			p->attr.flags |= VT_BOLD;
	}
}

void canvas_text(const struct canvas *c, struct buf *out)
{
	for (int y = 0; y < c->h; y++) {
		size_t end = out->len;

		for (int x = 0; x < c->w; x++) {
			const struct vt_cell *p = &c->cell[y * c->w + x];
			char utf[4];

			if (p->width == 0)
				continue;
			buf_add(out, utf, utf8_encode(p->cp, utf));
			for (int m = 0; m < 3 && p->comb[m]; m++)
				buf_add(out, utf, utf8_encode(p->comb[m], utf));
			if (p->cp != ' ')
				end = out->len;
		}
		out->len = end;
		buf_char(out, '\n');
	}
}
