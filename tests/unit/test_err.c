/* test_err.c - errors as sentences: cut, prefixed, replaced. */
#include "unit.h"

#include <errno.h>

#include "base/err.h"

static void test_set(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(err_set(&e, "no_docker", "cannot reach %s", "it"), -1);
	assert_string_equal(e.code, "no_docker");
	assert_string_equal(e.msg, "cannot reach it");
	err_set(&e, "other", "second");
	assert_string_equal(e.code, "other");
	assert_string_equal(e.msg, "second");
	err_clear(&e);
	assert_string_equal(e.code, "");
	assert_string_equal(e.msg, "");
}

static void test_sys(void **state)
{
	struct err e = ERR_INIT;

	errno = ENOENT;
	assert_int_equal(err_sys(&e, "io", "cannot read %s", "/x"), -1);
	assert_string_equal(e.msg, "cannot read /x: No such file or directory");
	assert_int_equal(errno, ENOENT);
}

static void test_prefix_keeps_code(void **state)
{
	struct err e = ERR_INIT;

	err_set(&e, "timeout", "too late");
	assert_int_equal(err_prefix(&e, "race %d", 7), -1);
	assert_string_equal(e.code, "timeout");
	assert_string_equal(e.msg, "race 7: too late");
}

/* The arguments may be the error itself. */
static void test_own_text(void **state)
{
	struct err e = ERR_INIT;

	err_set(&e, "a", "inner");
	err_set(&e, e.code, "outer (%s)", e.msg);
	assert_string_equal(e.code, "a");
	assert_string_equal(e.msg, "outer (inner)");
}

static void test_long_is_cut_between_code_points(void **state)
{
	static const char *const chars[] = { "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x9A\x80" };

	for (size_t k = 0; k < ARRAY_LEN(chars); k++) {
		size_t width = strlen(chars[k]);

		for (size_t shift = 0; shift < width; shift++) {
			struct err e = ERR_INIT;
			struct buf b = BUF_INIT;

			for (size_t i = 0; i < shift; i++)
				buf_char(&b, 'x');
			for (int i = 0; i < 2000; i++)
				buf_str(&b, chars[k]);
			err_set(&e, "long", "%s", b.p);
			assert_true(strlen(e.msg) < sizeof e.msg);
			assert_true(strlen(e.msg) + width >= sizeof e.msg);
			assert_int_equal((strlen(e.msg) - shift) % width, 0);
			assert_memory_equal(e.msg, b.p, strlen(e.msg));
			err_prefix(&e, "p");
			assert_int_equal((strlen(e.msg) - 3 - shift) % width, 0);
			buf_release(&b);
		}
	}
}

static void test_long_code_is_cut(void **state)
{
	struct err e = ERR_INIT;

	err_set(&e, "abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz", "m");
	assert_int_equal(strlen(e.code), sizeof e.code - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_sys),
		cmocka_unit_test(test_prefix_keeps_code),
		cmocka_unit_test(test_own_text),
		cmocka_unit_test(test_long_is_cut_between_code_points),
		cmocka_unit_test(test_long_code_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
