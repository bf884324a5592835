/* test_utf8.c - decoding is strict; cells, invisible code points, names without case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/utf8.h"

static void test_cp(void **state)
{
	static const struct {
		uint32_t cp;
		int w;
	} t[] = {
		{ 'a', 1 },
		{ 0xe9, 1 },
		{ 0x301, 0 },
		{ 0x4e2d, 2 },
		{ 0xac00, 2 },
		{ 0xff21, 2 },
		{ 0x1f600, 2 },
		{ 0x25b8, 1 },
		{ 0x2713, 1 },
		{ 0x2717, 1 },
		{ 0x25e6, 1 },
		{ 0xbb, 1 },
		{ 0x25b9, 1 },
		{ 0x25ae, 1 },
		{ 0x2726, 1 },
		{ 0x2500, 1 },
		{ 0x20dd, 0 },
		{ 0x1161, 0 },
		{ 0x20000, 2 },
		{ 0x3fff0, 2 },
		{ 0x903, 1 },
		{ 0x200d, 0 },
		{ 0xa8, 1 },
		{ 0xfffd, 1 },
		{ 0x258c, 1 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(utf8_width(t[i].cp), t[i].w);
}

static void test_str(void **state)
{
	assert_int_equal(utf8_cells(""), 0);
	assert_int_equal(utf8_cells("abc"), 3);
	assert_int_equal(utf8_cells("e\xcc\x81"), 1);
	assert_int_equal(utf8_cells("\xe4\xb8\xad\xe6\x96\x87"), 4);
	assert_int_equal(utf8_fit("\xe4\xb8\xad\xe6\x96\x87", 3), 3);
	assert_int_equal(utf8_fit("e\xcc\x81x", 1), 3);
	assert_int_equal(utf8_fit("abc", 9), 3);
	assert_int_equal(utf8_fit("abc", 0), 0);
}

static void test_decode_strict(void **state)
{
	static const struct {
		const char *s;
		size_t used;
		uint32_t cp;
	} t[] = {
		{ "\xc3\xa9", 2, 0xe9 },
		{ "\xc0\x80", 1, 0xfffd },
		{ "\xe0\x80\x80", 1, 0xfffd },
		{ "\xed\xa0\x80", 1, 0xfffd },
		{ "\xf4\x90\x80\x80", 1, 0xfffd },
		{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
		{ "\xe4\xb8", 2, 0xfffd },
		{ "\xff", 1, 0xfffd },
		{ "\x80", 1, 0xfffd },
		{ "\xe4\xb8x", 2, 0xfffd },
		{ "\xf5\x80\x80\x80", 1, 0xfffd },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint32_t cp = 0;

		assert_int_equal(utf8_decode(t[i].s, strlen(t[i].s), &cp), t[i].used);
		assert_int_equal(cp, t[i].cp);
	}
}

static void test_round_trip(void **state)
{
	for (uint32_t cp = 1; cp <= 0x10ffff; cp += cp < 0x3000 ? 1 : 97) {
		char utf[4];
		uint32_t back;
		size_t n;

		if (cp >= 0xd800 && cp < 0xe000)
			continue;
		n = utf8_encode(cp, utf);
		assert_int_equal(utf8_decode(utf, n, &back), n);
		assert_int_equal(back, cp);
		assert_in_range(utf8_width(cp), 0, 2);
	}
}

static void test_trim_and_validity(void **state)
{
	static const struct {
		const char *s;
		size_t n, kept;
	} t[] = {
		{ "abc", 2, 2 },
		{ "a\xc3\xa9", 2, 1 },
		{ "a\xc3\xa9", 3, 3 },
		{ "\xf0\x9f\x98\x80", 3, 0 },
		{ "\xf0\x9f\x98\x80", 4, 4 },
		{ "x\x80\x80\x80\x80", 5, 5 },
		{ "", 0, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(utf8_trim(t[i].s, t[i].n), t[i].kept);
	assert_true(utf8_valid("a\xef\xbf\xbd\xf0\x9f\x98\x80", 8));
	assert_false(utf8_valid("a\xf0\x9f\x98", 4));
	assert_int_equal(utf8_len("\xef\xbf\xbd", 3), 3);
	assert_int_equal(utf8_len("\xf0\x9f\x98", 3), 0);
}

static void test_invisible(void **state)
{
	static const uint32_t yes[] = { 0xad, 0x61c, 0x115f, 0x180e, 0x200b, 0x200f, 0x202e, 0x2065,
		0x2066, 0x3164, 0xe000, 0xfdd0, 0xfeff, 0xfff0, 0xffff, 0x1d173, 0xe0041,
		0x10ffff };
	static const uint32_t no[] = { 'a', 0x7f, 0xa0, 0xe9, 0x301, 0x4e2d, 0x2713, 0xfffd,
		0x1f600, 0x1faf8 };

	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		assert_true(utf8_invisible(yes[i]));
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		assert_false(utf8_invisible(no[i]));
}

static void test_fold(void **state)
{
	static const char *const same[][2] = {
		{ "Makefile", "mAKEFILE" }, { "\xc3\x84", "a\xcc\x88" }, /* composed and not */
		{ "\xce\xa3", "\xcf\x82" }, /* sigma and its final form */
		{ ".g\xe2\x80\x8cit", ".git" }, /* a joiner is nothing */
		{ "\xe1\xbe\xb3", "\xce\x91\xce\x99" }, /* one letter, two capitals */
	};
	static const char *const other[][2] = {
		{ "a", "b" },
		{ "a\xc3\xa9", "a\xc3\xa8" },
		{ "x\xff", "x\xfe" }, /* no UTF-8: bytes */
		{ "x\xc3", "x" },
	};

	for (size_t i = 0; i < 9; i++) {
		const char *const *pair = i < 5 ? same[i] : other[i - 5];
		struct buf a = BUF_INIT, b = BUF_INIT;

		utf8_fold(pair[0], &a);
		utf8_fold(pair[1], &b);
		assert_int_equal(strcmp(a.p, b.p) == 0, i < 5);
		buf_release(&a);
		buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cp),
		cmocka_unit_test(test_str),
		cmocka_unit_test(test_decode_strict),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_trim_and_validity),
		cmocka_unit_test(test_invisible),
		cmocka_unit_test(test_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
