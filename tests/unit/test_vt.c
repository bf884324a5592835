/* test_vt.c - the filter of foreign bytes: hostile sequences at every split point, the alphabet of
 * what comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/vt.h"
#include "base/utf8.h"

struct sample {
	const char *in; /* bytes of a log */
	size_t n; /* 0 = strlen */
	const char *line; /* what the line shows at its end */
};
#define S(s) s, sizeof(s) - 1

static const struct sample corpus[] = {
	{ S("plain"), "plain" },
	{ S("a\x1b]0;title\x07z"), "az" },
	{ S("a\x1b]52;c;cm0gLXJm\x1b\\z"), "az" },
	{ S("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\z"), "alinkz" },
	{ S("a\x1bP$q\"p\x1b\\z"), "az" },
	{ S("a\x1b[c\x1b[5n\x1b[6n\x1b[>c\x1b[=cz"), "az" },
	{ S("a\x1b[2J\x1b[H\x1b[1;1f\x1b[?1049hz"), "az" },
	{ S("a\x1b[?2004h\x1b[?1000h\x1b[!pz"), "az" },
	{ S("a\x1b"
	    "cz\x1b#8\x1b(0q"),
		"azq" },
	{ S("a\x1b[21t\x1b[>4;2mz"), "az" },
	{ S("a\xc2\x9b"
	    "31mz\xc2\x9d"
	    "0;t\x07!"),
		"az!" },
	{ S("a\x9b"
	    "31m"),
		"a\xef\xbf\xbd"
		"31m" },
	{ S("a\x1b_apc\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d"), "abcd" },
	{ S("a\x1b[31\x18z"), "az" },
	{ S("a\x1b[31\x1b[32mz"), "az" },
	{ S("a\x1b]0;x\x1b[31mz"), "az" },
	{ S("a\x1b[38:2::1:2:3mz\x1b[38;5;300mq"), "azq" },
	{ S("a\x1b[1;2;3;4;5;6;7;8;9;1;2;3;4;5;6;7;8;9mz"), "az" },
	{ S("a\x1b[99999999999999mz"), "az" },
	{ S("a\x1b[3\xc3\xa9z"), "a\xc3\xa9z" },
	{ S("a\x07\x0b\x0c\x0e\x0f\x7f\0z"), "az" },
	{ S("admin\xe2\x80\xae"
	    "gpj.exe"),
		"admin<U+202E>gpj.exe" },
	{ S("a\xe2\x80\x8b\xef\xbb\xbf\xc2\xad\xe3\x85\xa4z"),
		"a<U+200B><U+FEFF><U+00AD><U+3164>z" },
	{ S("a\xee\x80\x80\xf3\xa0\x81\x81z"), "a<U+E000><U+E0041>z" },
	{ S("a\xe2\x81\xa6z\xe2\x80\xa8q"), "a<U+2066>z<U+2028>q" },
	{ S("a\xc0\xaf\xed\xa0\x80z"),
		"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz" },
	{ S("e\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85z"), "e\xcc\x81\xcc\x82\xcc\x83z" },
	{ S("\xcc\x81z"), "\xe2\x97\x8c\xcc\x81z" },
	{ S("\xe4\xb8\xad\xe6\x96\x87"), "\xe4\xb8\xad\xe6\x96\x87" },
	{ S("10%\r20%\r100%"), "100%" },
	{ S("long text\rab\r\n"), "ab" },
	{ S("ab\b_\bc"), "ac" },
	{ S("\xe4\xb8\xad\bx"), " x" },
	{ S("\ta\tb"), "        a       b" },
	{ S("x\x1b[0m\x1b[1;31my\x1b[mz"), "xyz" },
	/* spinners: column 1, then erased to the end, or the whole line first */
	{ S("- one\x1b[K\x1b[G\\ two\x1b[K\x1b[1G| x\x1b[K"), "| x" },
	{ S("long text\x1b[2K\x1b[1Gok"), "ok" },
	{ S("long text\x1b[2K"), "" },
	{ S("long text\r\x1b[Kok"), "ok" },
	{ S("long text\r\x1b[K"), "" },
	{ S("abcd\x1b[1K\x1b[?2K\x1b[77G!"), "abcd!" },
	/* joiners where a script needs them; else they are as invisible as any other */
	{ S("\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae"), "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae" },
	{ S("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"),
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb" },
	{ S("\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7"),
		"\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7" },
	{ S("\xef\xbb\xbfi\xc3\xa9\xef\xbb\xbft"), "i\xc3\xa9t" },
	{ S("ma\xe2\x80\x8din"), "ma<U+200D>in" },
	{ S("\xe2\x80\x8d"), "<U+200D>" },
	{ S("\xd7\x90\xe2\x80\x8f\xe2\x80\xab"), "\xd7\x90<U+200F><U+202B>" },
	{ S("half \xe4\xb8"), "half \xef\xbf\xbd" },
	{ S("half \x1b[3"), "half " },
	{ S("half \x1b]52;c;"), "half " },
};

static void cells_text(const struct vt_line *l, struct buf *b)
{
	char utf[4];

	for (size_t i = 0; i < l->n; i++) {
		const struct vt_cell *c = &l->cell[i];

		if (!c->width)
			continue;
		buf_add(b, utf, utf8_encode(c->cp, utf));
		for (int m = 0; m < 3 && c->comb[m]; m++)
			buf_add(b, utf, utf8_encode(c->comb[m], utf));
	}
}

static void assert_same_line(const struct vt_line *a, const struct vt_line *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->cell[i].cp, b->cell[i].cp);
		assert_int_equal(a->cell[i].width, b->cell[i].width);
		assert_memory_equal(a->cell[i].comb, b->cell[i].comb, sizeof(a->cell[i].comb));
		assert_int_equal(a->cell[i].attr.fg, b->cell[i].attr.fg);
		assert_int_equal(a->cell[i].attr.bg, b->cell[i].attr.bg);
		assert_int_equal(a->cell[i].attr.flags, b->cell[i].attr.flags);
	}
}

static void test_lines(void **state)
{
	for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		struct vt v;
		struct vt_line l = { 0 };
		struct buf b = BUF_INIT;

		vt_init(&v);
		vt_feed(&v, corpus[i].in, corpus[i].n, &l, 500);
		vt_end(&v, &l, 500);
		cells_text(&l, &b);
		assert_string_equal(b.p, corpus[i].line);
		buf_release(&b);
		vt_line_release(&l);
	}
}

static void test_line_splits(void **state)
{
	for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		struct vt v;
		struct vt_line whole = { 0 };

		vt_init(&v);
		vt_feed(&v, corpus[i].in, corpus[i].n, &whole, 500);
		vt_end(&v, &whole, 500);
		for (size_t cut = 0; cut <= corpus[i].n; cut++) {
			struct vt w;
			struct vt_line l = { 0 };

			vt_init(&w);
			vt_feed(&w, corpus[i].in, cut, &l, 500);
			vt_feed(&w, corpus[i].in + cut, corpus[i].n - cut, &l, 500);
			vt_end(&w, &l, 500);
			assert_same_line(&whole, &l);
			assert_int_equal(v.removed, w.removed);
			vt_line_release(&l);
		}
		vt_line_release(&whole);
	}
}

/* What vt_stream may write: printable UTF-8, \n \t \b, "\r\033[K" and, with colour, "\033[0...m" of
 * digits and semicolons. */
static void assert_alphabet(const char *s, size_t n, bool color)
{
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)s[i];
		uint32_t cp;

		if (c == '\r') {
			assert_true(n - i >= 4 && !memcmp(s + i, "\r\033[K", 4));
			i += 4;
			continue;
		}
		if (c == 0x1b) {
			assert_true(color);
			assert_true(n - i >= 4 && !memcmp(s + i, "\033[0", 3));
			for (i += 3; i < n && s[i] != 'm'; i++)
				assert_true(s[i] == ';' || (s[i] >= '0' && s[i] <= '9'));
			assert_true(i < n);
			i++;
			continue;
		}
		if (c == '\n' || c == '\t' || c == '\b') {
			i++;
			continue;
		}
		i += utf8_decode(s + i, n - i, &cp);
		assert_true(cp >= 0x20 && cp != 0x7f && !(cp >= 0x80 && cp < 0xa0));
		assert_false((cp >= 0x200b && cp <= 0x200f && cp != 0x200c && cp != 0x200d) ||
			cp == 0xfeff);
		assert_false(cp >= 0x2028 && cp <= 0x202e);
		assert_false(cp >= 0x2060 && cp <= 0x206f);
		assert_false(cp >= 0xe000 && cp <= 0xf8ff);
		assert_false(cp >= 0xe0000);
	}
}

/* The lines a terminal would show of a text. */
static void render(const char *s, size_t n, struct vt_line *l)
{
	struct vt v;

	vt_init(&v);
	vt_feed(&v, s, n, l, 500);
	vt_end(&v, l, 500);
}

static void test_stream(void **state)
{
	for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		const char *in = corpus[i].in;
		size_t n = corpus[i].n;
		struct vt_line whole = { 0 };

		for (int color = 0; color < 2; color++) {
			for (size_t cut = 0; cut <= n; cut++) {
				struct vt v;
				struct buf b = BUF_INIT;
				struct vt_line l = { 0 };

				vt_init(&v);
				vt_stream(&v, in, cut, color, &b);
				vt_stream(&v, in + cut, n - cut, color, &b);
				assert_alphabet(b.p, b.len, color);
				render(b.p, b.len, &l);
				if (cut == 0) {
					vt_line_release(&whole);
					whole = l;
				} else {
					assert_same_line(&whole, &l);
					vt_line_release(&l);
				}
				buf_release(&b);
			}
		}
		vt_line_release(&whole);
	}
}

static void test_stream_idempotent(void **state)
{
	struct buf all = BUF_INIT, once = BUF_INIT, twice = BUF_INIT;
	struct vt v;

	for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		buf_add(&all, corpus[i].in, corpus[i].n);
		buf_char(&all, '\n');
	}
	vt_init(&v);
	vt_stream(&v, all.p, all.len, true, &once);
	vt_init(&v);
	vt_stream(&v, once.p, once.len, true, &twice);
	assert_int_equal(once.len, twice.len);
	assert_memory_equal(once.p, twice.p, once.len);
	buf_release(&all);
	buf_release(&once);
	buf_release(&twice);
}

static void test_clean(void **state)
{
	static const char *const t[][2] = {
		{ "a\nb\tc", "a b c" },
		{ "\x1b[31mred\x1b[0m", "red" },
		{ "main\xe2\x80\xae", "main<U+202E>" },
		{ "x\rY\bz", "Yz" },
		{ "0% done of it\r 50% done\r100%\r\n", "100% " },
		{ "one\r\ntwo\rthree", "one three" },
		{ "/ installing\x1b[2K\x1b[1Gadded 3 packages", "added 3 packages" },
		{ "Proceed?\x1b[K", "Proceed?" },
		{ "old\r\x1b[K", "" },
		{ "\x1b]0;t\x07ok", "ok" },
		{ "bad\xff", "bad\xef\xbf\xbd" },
	};
	char small[8];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct buf b = BUF_INIT, again = BUF_INIT;

		vt_clean(t[i][0], strlen(t[i][0]), &b);
		assert_string_equal(b.p, t[i][1]);
		vt_clean(b.p, b.len, &again);
		assert_string_equal(again.p, b.p);
		buf_release(&b);
		buf_release(&again);
	}
	assert_string_equal(vt_clean_str("abc\xe4\xb8\xad\xe4\xb8\xad", small, sizeof(small)),
		"abc\xe4\xb8\xad");
}

static void test_clean_corpus(void **state)
{
	for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		struct buf b = BUF_INIT, again = BUF_INIT;

		vt_clean(corpus[i].in, corpus[i].n, &b);
		assert_alphabet(b.p, b.len, false);
		assert_null(strpbrk(b.p, "\n\t\b\r\x1b"));
		vt_clean(b.p, b.len, &again);
		assert_string_equal(again.p, b.p);
		buf_release(&b);
		buf_release(&again);
	}
}

static void test_sgr(void **state)
{
	static const struct {
		const char *in;
		int32_t fg, bg;
		uint8_t flags;
	} t[] = {
		{ "\x1b[1;31mx", 1, -1, VT_BOLD },
		{ "\x1b[31;1m\x1b[22mx", 1, -1, 0 },
		{ "\x1b[38;5;208mx", 208, -1, 0 },
		{ "\x1b[38;2;1;2;3mx", 0x1010203, -1, 0 },
		{ "\x1b[38:2::1:2:3mx", 0x1010203, -1, 0 },
		{ "\x1b[48:5:7;4mx", -1, 7, VT_UNDERLINE },
		{ "\x1b[97;104mx", 15, 12, 0 },
		{ "\x1b[4:3mx", -1, -1, VT_UNDERLINE },
		{ "\x1b[4:0mx", -1, -1, 0 },
		{ "\x1b[5;8mx", -1, -1, 0 },
		{ "\x1b[7mx", -1, -1, VT_REVERSE },
		{ "\x1b[31m\x1b[39mx", -1, -1, 0 },
		{ "\x1b[38;2;1;2mx", -1, -1, 0 },
		{ "x\bx", -1, -1, VT_BOLD },
		{ "_\bx", -1, -1, VT_UNDERLINE },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vt_line l = { 0 };

		render(t[i].in, strlen(t[i].in), &l);
		assert_int_equal(l.n, 1);
		assert_int_equal(l.cell[0].attr.fg, t[i].fg);
		assert_int_equal(l.cell[0].attr.bg, t[i].bg);
		assert_int_equal(l.cell[0].attr.flags, t[i].flags);
		vt_line_release(&l);
	}
}

/* A string without end may hide 4 KiB of its own line, never the next one; cells beyond the cap are
 * counted only. */
static void test_limits(void **state)
{
	struct vt v;
	struct vt_line l = { 0 };
	struct buf b = BUF_INIT;
	char *big = malloc(10000);

	memset(big, 'q', 10000);
	vt_init(&v);
	vt_stream(&v, "a\x1b]0;never ends\nb\n", 18, true, &b);
	assert_string_equal(b.p, "a\nb\n");
	vt_init(&v);
	vt_feed(&v, "\x1b]", 2, &l, 100);
	vt_feed(&v, big, 10000, &l, 100);
	assert_int_equal(l.cursor, 10000 - 4096);
	assert_int_equal(l.n, 100);
	free(big);
	buf_release(&b);
	vt_line_release(&l);
}

/* Any bytes at all: the output keeps its alphabet. A fixed generator, so a failure comes again. */
static void test_random(void **state)
{
	static const char *const bits[] = { "\x1b", "[", "]", "\xc2\x9b", "m", "38;5;1", "\r", "\b",
		"\t", "\n", "\xe4\xb8\xad", "\xcc\x81", "\xe2\x80\xae", "a", "\x07", "\\", "P", ":",
		"\xff", "?" };
	unsigned seed = 1;
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct vt_line l = { 0 };
	struct vt v;

	for (int round = 0; round < 3000; round++) {
		buf_clear(&in);
		buf_clear(&out);
		for (int i = 0; i < 40; i++) {
			seed = seed * 1103515245u + 12345u;
			buf_str(&in, bits[(seed >> 16) % (sizeof(bits) / sizeof(bits[0]))]);
		}
		vt_init(&v);
		vt_stream(&v, in.p, in.len, true, &out);
		assert_alphabet(out.p, out.len, true);
		vt_line_clear(&l);
		vt_init(&v);
		vt_feed(&v, in.p, in.len, &l, 20);
		vt_end(&v, &l, 20);
		assert_true(l.n <= 20);
	}
	buf_release(&in);
	buf_release(&out);
	vt_line_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_line_splits),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_stream_idempotent),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_clean_corpus),
		cmocka_unit_test(test_sgr),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
