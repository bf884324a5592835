/* vt_text.c - safe text from untrusted bytes: one line for names and messages, a stream for a log
 * on a terminal. */
#include <string.h>

#include "base/vt_parse.h"
#include "base/utf8.h"

enum { MAX_MARKS = 3 };

struct text_sink {
	struct vt_sink k; /* first */
	struct buf *out;
	bool color;
	size_t line; /* vt_clean: where in out the line begins that a carriage return starts again
		      */
};

static void text_put(struct text_sink *k, struct vt *v, uint32_t cp)
{
	char utf[4];

	if (utf8_width(cp) == 0) {
		if (v->marks == VT_NO_BASE)
			text_put(k, v, 0x25cc);
		if (v->marks >= MAX_MARKS) {
			v->removed++;
			return;
		}
		v->marks++;
	} else {
		v->marks = 0;
		v->column += (uint32_t)utf8_width(cp);
	}
	buf_add(k->out, utf, utf8_encode(cp, utf));
}

static void clean_erase(struct text_sink *k, struct vt *v)
{
	v->restart = 0;
	v->marks = VT_NO_BASE;
	k->out->len = k->line;
	k->out->p[k->line] = '\0';
}

static void clean_text(struct vt_sink *sink, struct vt *v, uint32_t cp)
{
	struct text_sink *k = (struct text_sink *)sink;

	if (v->restart)
		clean_erase(k, v);
	text_put(k, v, cp);
}

static void clean_control(struct vt_sink *sink, struct vt *v, char c)
{
	struct text_sink *k = (struct text_sink *)sink;

	if (c == '\r') {
		v->restart = 1;
	} else if (c == VT_ERASE) {
		clean_erase(k, v);
	} else if (c == '\n') {
		v->restart = 0;
		text_put(k, v, ' ');
		k->line = k->out->len;
	} else if (c == '\t') {
		clean_text(sink, v, ' ');
	} else {
		v->removed++;
	}
}

void vt_clean(const char *s, size_t n, struct buf *out)
{
	struct text_sink k = { { clean_text, clean_control }, out, false, out->len };
	struct vt v;

	vt_init(&v);
	vt_parse(&v, s, n, &k.k);
	vt_flush(&v, &k.k);
}

char *vt_clean_str(const char *s, char *out, size_t size)
{
	struct buf b = BUF_INIT;
	size_t n;

	vt_clean(s, strlen(s), &b);
	n = utf8_trim(b.p, b.len < size ? b.len : size - 1);
	memcpy(out, b.p, n);
	out[n] = '\0';
	buf_release(&b);
	return out;
}

static void stream_attr(struct text_sink *k, struct vt *v, const struct vt_attr *want)
{
	if (!k->color || vt_attr_same(want, &v->shown))
		return;
	vt_sgr_print(want, k->out);
	v->shown = *want;
}

/* The erase is ours: a shorter text after a carriage return must not show the rest of the longer
 * one. */
static void stream_restart(struct text_sink *k, struct vt *v)
{
	if (!v->restart)
		return;
	v->restart = 0;
	if (v->column > 0) {
		stream_attr(k, v, &vt_attr_default);
		buf_str(k->out, "\r\033[K");
	}
	v->column = 0;
	v->marks = VT_NO_BASE;
}

static void stream_text(struct vt_sink *sink, struct vt *v, uint32_t cp)
{
	struct text_sink *k = (struct text_sink *)sink;

	stream_restart(k, v);
	if (utf8_width(cp) > 0)
		stream_attr(
			k, v, &v->attr); /* a mark stays in its cell: nothing may come between */
	text_put(k, v, cp);
}

static void stream_control(struct vt_sink *sink, struct vt *v, char c)
{
	struct text_sink *k = (struct text_sink *)sink;

	if (c == '\r') {
		v->restart = 1;
	} else if (c == VT_ERASE) {
		v->restart = 1;
		stream_restart(k, v);
	} else if (c == '\n') {
		v->restart = 0;
		stream_attr(k, v, &vt_attr_default);
		buf_char(k->out, '\n');
		v->column = 0;
		v->marks = VT_NO_BASE;
	} else if (c == '\t') {
		stream_restart(k, v);
		buf_char(k->out, '\t');
		v->column += 8 - v->column % 8;
		v->marks = VT_NO_BASE;
	} else if (c == '\b' && !v->restart && v->column > 0) {
		buf_char(k->out, '\b');
		v->column--;
		v->marks = VT_NO_BASE;
	}
}

void vt_stream(struct vt *v, const char *s, size_t n, bool color, struct buf *out)
{
	struct text_sink k = { { stream_text, stream_control }, out, color, 0 };

	vt_parse(v, s, n, &k.k);
	stream_attr(&k, v, &vt_attr_default);
}
