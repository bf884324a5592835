/* test_width.c - cells of code points and texts; decoding is strict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/width.h"

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
		{ 0xfffd, 1 },
		{ 0x258c, 1 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(width_cp(t[i].cp), t[i].w);
}

static void test_str(void **state)
{
	assert_int_equal(width_str(""), 0);
	assert_int_equal(width_str("abc"), 3);
	assert_int_equal(width_str("e\xcc\x81"), 1);
	assert_int_equal(width_str("\xe4\xb8\xad\xe6\x96\x87"), 4);
	assert_int_equal(width_fit("\xe4\xb8\xad\xe6\x96\x87", 3), 3);
	assert_int_equal(width_fit("e\xcc\x81x", 1), 3);
	assert_int_equal(width_fit("abc", 9), 3);
	assert_int_equal(width_fit("abc", 0), 0);
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

		assert_int_equal(width_decode(t[i].s, strlen(t[i].s), &cp), t[i].used);
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
		n = width_encode(cp, utf);
		assert_int_equal(width_decode(utf, n, &back), n);
		assert_int_equal(back, cp);
		assert_in_range(width_cp(cp), 0, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cp),
		cmocka_unit_test(test_str),
		cmocka_unit_test(test_decode_strict),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
