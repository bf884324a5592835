/* buf.c - growing byte string and growing string list. */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

char buf_slop[1];

void buf_init(struct buf *b)
{
	b->p = buf_slop;
	b->len = b->cap = 0;
}

void buf_release(struct buf *b)
{
	if (b->cap)
		free(b->p);
	buf_init(b);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->cap)
		b->p[0] = 0;
}

void buf_reserve(struct buf *b, size_t extra)
{
	size_t want, cap;

	if (extra > SIZE_MAX / 2 - b->len)
		bug("buf of %zu + %zu bytes", b->len, extra);
	want = b->len + extra + 1;
	if (want <= b->cap)
		return;
	cap = b->cap + b->cap / 2;
	if (cap < want)
		cap = want;
	if (cap < 32)
		cap = 32;
	if (b->cap) {
		b->p = xrealloc(b->p, cap);
	} else {
		b->p = xmalloc(cap);
		b->p[0] = 0;
	}
	b->cap = cap;
}

void buf_add(struct buf *b, const void *data, size_t n)
{
	if (n == 0)
		return;
	buf_reserve(b, n);
	memcpy(b->p + b->len, data, n);
	b->len += n;
	b->p[b->len] = 0;
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	buf_reserve(b, 64);
	n = vsnprintf(b->p + b->len, b->cap - b->len, fmt, ap);
	if (n < 0)
		bug("format \"%s\" failed", fmt);
	if ((size_t)n >= b->cap - b->len) {
		buf_reserve(b, (size_t)n);
		vsnprintf(b->p + b->len, b->cap - b->len, fmt, again);
	}
	va_end(again);
	b->len += (size_t)n;
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(b, fmt, ap);
	va_end(ap);
}

void buf_drop(struct buf *b, size_t n)
{
	if (n >= b->len) {
		buf_clear(b);
		return;
	}
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->len - n + 1);
	b->len -= n;
}

void buf_trim(struct buf *b)
{
	while (b->len > 0 && strchr(" \t\r\n\v\f", b->p[b->len - 1]) && b->p[b->len - 1])
		b->len--;
	if (b->cap)
		b->p[b->len] = 0;
}

char *buf_take(struct buf *b)
{
	char *p;

	buf_reserve(b, 0);
	p = b->p;
	buf_init(b);
	return p;
}

/* ---- strv ---- */

void strv_clear(struct strv *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	s->n = 0;
	if (s->v)
		s->v[0] = NULL;
}

void strv_release(struct strv *s)
{
	strv_clear(s);
	free(s->v);
	s->v = NULL;
	s->cap = 0;
}

static void strv_grow(struct strv *s)
{
	if (s->n + 1 < s->cap)
		return;
	s->cap = s->cap ? s->cap * 2 : 8;
	s->v = xrealloc(s->v, s->cap * sizeof *s->v);
}

void strv_take(struct strv *s, char *take_str)
{
	strv_grow(s);
	s->v[s->n++] = take_str;
	s->v[s->n] = NULL;
}

void strv_add(struct strv *s, const char *str)
{
	strv_take(s, xstrdup(str));
}

void strv_fmt(struct strv *s, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	strv_take(s, buf_take(&b));
}

void strv_addl(struct strv *s, ...)
{
	const char *str;
	va_list ap;

	va_start(ap, s);
	while ((str = va_arg(ap, const char *)))
		strv_add(s, str);
	va_end(ap);
}

void strv_addv(struct strv *s, const char *const *v)
{
	for (; *v; v++)
		strv_add(s, *v);
}

void strv_copy(struct strv *dst, const struct strv *src)
{
	struct strv n = STRV_INIT;

	for (size_t i = 0; i < src->n; i++)
		strv_add(&n, src->v[i]);
	strv_release(dst);
	*dst = n;
}

const char *const *strv_argv(struct strv *s)
{
	strv_grow(s);
	s->v[s->n] = NULL;
	return (const char *const *)s->v;
}

bool strv_has(const struct strv *s, const char *str)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i], str))
			return true;
	return false;
}

void strv_split0(struct strv *s, const char *data, size_t n)
{
	while (n > 0) {
		size_t len = strnlen(data, n);

		strv_take(s, xstrndup(data, len));
		if (len == n)
			return;
		data += len + 1;
		n -= len + 1;
	}
}

void strv_join(const struct strv *s, size_t max, struct buf *b)
{
	size_t shown = s->n <= max ? s->n : max;

	for (size_t i = 0; i < shown; i++) {
		if (i > 0)
			buf_str(b, i + 1 == s->n ? " and " : ", ");
		buf_str(b, s->v[i]);
	}
	if (shown < s->n)
		buf_fmt(b, "%s%zu%s", shown ? " and " : "", s->n - shown, shown ? " more" : "");
}
