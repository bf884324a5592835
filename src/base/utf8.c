/* utf8.c - decoding that is strict and says how far it came; the tables of libutf8proc. */
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/mem.h"

/* Length and smallest second byte of a sequence are what keeps overlong forms, surrogates and >
 * U+10FFFF out. */
size_t utf8_decode(const char *s, size_t n, uint32_t *cp)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned char lo = 0x80, hi = 0xbf;
	size_t need;
	uint32_t v;

	*cp = UTF8_BAD;
	if (u[0] < 0x80) {
		*cp = u[0];
		return 1;
	}
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 1;
	need = u[0] < 0xe0 ? 1 : u[0] < 0xf0 ? 2 : 3;
	if (u[0] == 0xe0)
		lo = 0xa0;
	else if (u[0] == 0xed)
		hi = 0x9f;
	else if (u[0] == 0xf0)
		lo = 0x90;
	else if (u[0] == 0xf4)
		hi = 0x8f;
	v = u[0] & (0x3fu >> need);
	for (size_t i = 1; i <= need; i++) {
		if (i >= n || u[i] < lo || u[i] > hi)
			return i;
		v = v << 6 | (u[i] & 0x3f);
		lo = 0x80;
		hi = 0xbf;
	}
	*cp = v;
	return need + 1;
}

size_t utf8_len(const char *s, size_t n)
{
	uint32_t cp;
	size_t used = utf8_decode(s, n, &cp);

	return cp != UTF8_BAD || (used == 3 && !memcmp(s, "\xef\xbf\xbd", 3)) ? used : 0;
}

bool utf8_valid(const char *s, size_t n)
{
	for (size_t len; n > 0; s += len, n -= len)
		if ((len = utf8_len(s, n)) == 0)
			return false;
	return true;
}

size_t utf8_encode(uint32_t cp, char out[4])
{
	if ((cp >= 0xd800 && cp < 0xe000) || cp > 0x10ffff)
		cp = UTF8_BAD;
	return (size_t)utf8proc_encode_char((utf8proc_int32_t)cp, (utf8proc_uint8_t *)out);
}

size_t utf8_trim(const char *s, size_t n)
{
	size_t lead = n;
	uint32_t cp;

	while (lead > 0 && n - lead < 3 && ((unsigned char)s[lead - 1] & 0xc0) == 0x80)
		lead--;
	if (lead == 0 || (unsigned char)s[lead - 1] < 0xc0)
		return n;
	lead--;
	return utf8_decode(s + lead, n - lead, &cp) == n - lead && !utf8_len(s + lead, n - lead)
		? lead
		: n;
}

/* ---- cells ---- */

int utf8_width(uint32_t cp)
{
	if (cp < 0x300)
		return 1;
	/* Hangul vowels and finals join the initial before them. */
	if ((cp >= 0x1160 && cp <= 0x11ff) || (cp >= 0xd7b0 && cp <= 0xd7ff))
		return 0;
	if (cp == 0x200c || cp == 0x200d)
		return 0;
	/* Wide as a whole, also what is not assigned yet. */
	if (cp >= 0x20000 && cp <= 0x3fffd)
		return 2;
	switch (utf8proc_category((utf8proc_int32_t)cp)) {
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_ME:
		return 0;
	default:
		return utf8proc_charwidth((utf8proc_int32_t)cp) == 2 ? 2 : 1;
	}
}

size_t utf8_cells(const char *s)
{
	size_t n = strlen(s), cells = 0;
	uint32_t cp;

	for (size_t i = 0; i < n;) {
		i += utf8_decode(s + i, n - i, &cp);
		cells += (size_t)utf8_width(cp);
	}
	return cells;
}

size_t utf8_fit(const char *s, size_t cells)
{
	size_t n = strlen(s), i = 0, used = 0;
	uint32_t cp;

	while (i < n) {
		size_t len = utf8_decode(s + i, n - i, &cp);
		size_t w = (size_t)utf8_width(cp);

		if (used + w > cells)
			break;
		used += w;
		i += len;
	}
	return i;
}

bool utf8_invisible(uint32_t cp)
{
	const utf8proc_property_t *p;

	if (cp < 0xad)
		return false;
	/* Noncharacters, and ranges that are ignorable before they are assigned. */
	if ((cp & 0xfffe) == 0xfffe || (cp >= 0xfdd0 && cp <= 0xfdef) || cp == 0x2065 ||
		(cp >= 0xfff0 && cp <= 0xfff8) || cp >= 0xe0000)
		return true;
	p = utf8proc_get_property((utf8proc_int32_t)cp);
	switch (p->category) {
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CO:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	default:
		return p->ignorable;
	}
}

/* ---- case ---- */

static void fold_valid(const char *s, size_t n, int options, struct buf *out)
{
	utf8proc_uint8_t *folded;
	utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n,
		&folded, (utf8proc_option_t)options);

	if (len < 0)
		mem_die(); /* it is valid UTF-8: only memory is left as a reason */
	buf_add(out, folded, (size_t)len);
	free(folded);
}

static void fold(const char *s, int options, struct buf *out)
{
	size_t n = strlen(s);

	while (n > 0) {
		size_t run = 0, len;

		while (run < n && (len = utf8_len(s + run, n - run)) > 0)
			run += len;
		if (run > 0)
			fold_valid(s, run, options, out);
		else
			buf_add(out, s, run = 1);
		s += run;
		n -= run;
	}
}

void utf8_fold(const char *s, struct buf *out)
{
	fold(s, UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, out);
}

void utf8_plain(const char *s, struct buf *out)
{
	fold(s,
		UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE |
			UTF8PROC_STRIPMARK,
		out);
}
