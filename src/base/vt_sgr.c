/* vt_sgr.c - SGR: parameters to attributes and back. Blinking and concealed text are not among what
 * we know, on purpose. */
#include "base/vt_parse.h"

const struct vt_attr vt_attr_default = { -1, -1, 0 };

bool vt_attr_same(const struct vt_attr *a, const struct vt_attr *b)
{
	return a->fg == b->fg && a->bg == b->bg && a->flags == b->flags;
}

/* Parameter i and those joined to it by ':'; returns how many. */
static unsigned sgr_group(const struct vt *v, unsigned i)
{
	unsigned n = 1;

	while (i + n < v->nparam && (v->coloned >> (i + n) & 1))
		n++;
	return n;
}

static int32_t sgr_rgb(const uint16_t *p)
{
	if (p[0] > 255 || p[1] > 255 || p[2] > 255)
		return -2;
	return 0x1000000 | p[0] << 16 | p[1] << 8 | p[2];
}

/* 38 and 48 in both spellings: 38;5;n 38;2;r;g;b, and 38:5:n 38:2:r:g:b 38:2:space:r:g:b. Returns
 * parameters used. */
static unsigned sgr_color(struct vt *v, unsigned i, int32_t *out)
{
	unsigned group = sgr_group(v, i), left = v->nparam - i;
	const uint16_t *p = v->param + i;
	int32_t c = -2;

	if (group > 1) {
		if (p[1] == 5 && group >= 3)
			c = p[2] < 256 ? p[2] : -2;
		else if (p[1] == 2 && group >= 5)
			c = sgr_rgb(p + (group >= 6 ? 3 : 2));
		left = group;
	} else if (left >= 3 && p[1] == 5) {
		c = p[2] < 256 ? p[2] : -2;
		left = 3;
	} else if (left >= 5 && p[1] == 2) {
		c = sgr_rgb(p + 2);
		left = 5;
	}
	if (c == -2)
		v->removed++;
	else
		*out = c;
	return left;
}

static const struct sgr_flag {
	uint8_t param, clear, set;
} sgr_flags[] = {
	{ 1, 0, VT_BOLD },
	{ 2, 0, VT_DIM },
	{ 3, 0, VT_ITALIC },
	{ 4, 0, VT_UNDERLINE },
	{ 7, 0, VT_REVERSE },
	{ 9, 0, VT_STRIKE },
	{ 21, 0, VT_UNDERLINE },
	{ 22, VT_BOLD | VT_DIM, 0 },
	{ 23, VT_ITALIC, 0 },
	{ 24, VT_UNDERLINE, 0 },
	{ 27, VT_REVERSE, 0 },
	{ 29, VT_STRIKE, 0 },
};

static void sgr_simple(struct vt *v, unsigned p)
{
	struct vt_attr *a = &v->attr;

	for (size_t i = 0; i < sizeof(sgr_flags) / sizeof(sgr_flags[0]); i++) {
		if (sgr_flags[i].param == p) {
			a->flags = (uint8_t)((a->flags & ~sgr_flags[i].clear) | sgr_flags[i].set);
			return;
		}
	}
	if (p == 0)
		*a = vt_attr_default;
	else if (p >= 30 && p <= 37)
		a->fg = (int32_t)p - 30;
	else if (p >= 40 && p <= 47)
		a->bg = (int32_t)p - 40;
	else if (p >= 90 && p <= 97)
		a->fg = (int32_t)p - 90 + 8;
	else if (p >= 100 && p <= 107)
		a->bg = (int32_t)p - 100 + 8;
	else if (p == 39)
		a->fg = -1;
	else if (p == 49)
		a->bg = -1;
	else
		v->removed++;
}

void vt_sgr_apply(struct vt *v)
{
	for (unsigned i = 0; i < v->nparam;) {
		unsigned p = v->param[i], group = sgr_group(v, i);

		if (p == 38 || p == 48) {
			i += sgr_color(v, i, p == 38 ? &v->attr.fg : &v->attr.bg);
			continue;
		}
		if (p == 4 && group > 1)
			p = v->param[i + 1] ? 4 : 24;
		sgr_simple(v, p);
		i += group;
	}
}

static void sgr_print_color(int32_t c, unsigned base, struct buf *out)
{
	if (c < 0)
		return;
	if (c < 8)
		buf_fmt(out, ";%u", base + (unsigned)c);
	else if (c < 16)
		buf_fmt(out, ";%u", base + 60 + (unsigned)c - 8);
	else if (c < 256)
		buf_fmt(out, ";%u;5;%d", base + 8, c);
	else
		buf_fmt(out, ";%u;2;%d;%d;%d", base + 8, c >> 16 & 255, c >> 8 & 255, c & 255);
}

void vt_sgr_print(const struct vt_attr *a, struct buf *out)
{
	buf_str(out, "\033[0");
	for (size_t i = 0; i < 6; i++)
		if (a->flags & sgr_flags[i].set && sgr_flags[i].set)
			buf_fmt(out, ";%u", sgr_flags[i].param);
	sgr_print_color(a->fg, 30, out);
	sgr_print_color(a->bg, 40, out);
	buf_char(out, 'm');
}
