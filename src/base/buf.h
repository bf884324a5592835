/* buf.h - growing byte string and growing string list.
 *
 * struct buf: p is never NULL after init (an empty buf points at a static NUL) and p[len] is always
 * NUL; the bytes before it may hold NULs. struct strv: v is NULL-terminated whenever n > 0 was ever
 * true, so it can be handed to exec; strv_argv() gives a terminated array even when empty. Both own
 * what they hold.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

extern char buf_slop[1];

struct buf {
	char *p;
	size_t len, cap;
};
#define BUF_INIT \
	{ \
		buf_slop, 0, 0 \
	}

void buf_init(struct buf *b);
void buf_release(struct buf *b); /* frees; usable again as after init */
void buf_clear(struct buf *b); /* len = 0, keeps the memory */
void buf_reserve(struct buf *b, size_t extra); /* room for extra bytes more, and the NUL */
void buf_add(struct buf *b, const void *data, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vfmt(struct buf *b, const char *fmt, va_list ap);
void buf_drop(struct buf *b, size_t n); /* removes n bytes at the front */
void buf_trim(struct buf *b); /* drops trailing blanks and newlines */
char *buf_take(struct buf *b); /* the caller frees; b is empty again */

struct strv {
	char **v;
	size_t n, cap;
};
#define STRV_INIT \
	{ \
		NULL, 0, 0 \
	}

void strv_release(struct strv *s);
void strv_clear(struct strv *s);
void strv_add(struct strv *s, const char *str); /* copies */
void strv_take(struct strv *s, char *take_str); /* takes over */
void strv_fmt(struct strv *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strv_addl(struct strv *s, ...) __attribute__((sentinel)); /* strings up to NULL */
void strv_addv(struct strv *s, const char *const *v); /* NULL-terminated array, copied */
void strv_copy(struct strv *dst, const struct strv *src); /* replaces dst */
const char *const *strv_argv(struct strv *s);
bool strv_has(const struct strv *s, const char *str);
/* Splits a NUL-separated block (git -z) into strings; a last one without NUL counts too. */
void strv_split0(struct strv *s, const char *data, size_t n);
/* "a, b, c and 4 more": at most max names; the text of b grows. */
void strv_join(const struct strv *s, size_t max, struct buf *b);

#endif
