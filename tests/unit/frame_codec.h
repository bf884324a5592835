/* frame_codec.h - reads back what the runner's frames carry: base64 and LZ4 blocks. For
 * test_guarded_log.c.
 */
#ifndef TESTS_UNIT_FRAME_CODEC_H
#define TESTS_UNIT_FRAME_CODEC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static int value(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *d = strchr(digits, c);

	assert_non_null(d);
	return (int)(d - digits);
}

static void decode(const char *s, size_t n, struct buf *out)
{
	assert_int_equal(n % 4, 0);
	for (size_t i = 0; i < n; i += 4) {
		int pad = (s[i + 2] == '=') + (s[i + 3] == '=');
		unsigned v = (unsigned)(value(s[i]) << 18 | value(s[i + 1]) << 12 |
			(pad > 1 ? 0 : value(s[i + 2]) << 6) | (pad ? 0 : value(s[i + 3])));
		for (int k = 0; k < 3 - pad; k++)
			buf_char(out, (char)(v >> (16 - 8 * k)));
	}
}

static size_t length(const unsigned char **p, unsigned half)
{
	size_t n = half;
	unsigned b = half < 15 ? 0 : 255;

	for (; b == 255; n += b)
		b = *(*p)++;
	return n;
}

/* An LZ4 block, as its format is described. */
static void lz4_unpack(const struct buf *in, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)in->p, *end = p + in->len;
	size_t base = out->len;

	while (p < end) {
		unsigned token = *p++;
		size_t n = length(&p, token >> 4);
		assert_true(n <= (size_t)(end - p));
		buf_add(out, p, n);
		p += n;
		if (p == end)
			return;
		size_t back = p[0] | (size_t)p[1] << 8;
		p += 2;
		assert_true(back > 0 && back <= out->len - base);
		for (n = length(&p, token & 15) + 4; n > 0; n--)
			buf_char(out, out->p[out->len - back]);
	}
	fail_msg("no end");
}

#endif
