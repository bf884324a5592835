/* test_buf.c - byte strings and string lists. */
#include "unit.h"

#include "base/buf.h"

static void test_empty(void **state)
{
	struct buf b = BUF_INIT;
	char *s;

	assert_string_equal(b.p, "");
	buf_clear(&b);
	buf_trim(&b);
	buf_drop(&b, 5);
	buf_add(&b, "", 0);
	assert_int_equal(b.len, 0);
	s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
	assert_ptr_equal(b.p, buf_slop);
	buf_release(&b);
	assert_int_equal(buf_slop[0], 0);
}

static void test_grows_and_ends_with_nul(void **state)
{
	struct buf b = BUF_INIT;

	for (int i = 0; i < 100000; i++) {
		buf_char(&b, (char)('a' + i % 26));
		assert_int_equal(b.p[b.len], 0);
	}
	assert_int_equal(b.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
	buf_release(&b);
}

static void test_holds_nul(void **state)
{
	struct buf b = BUF_INIT;

	buf_add(&b, "a\0b", 3);
	buf_str(&b, "c");
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.p, "a\0bc", 5);
	buf_trim(&b);
	assert_int_equal(b.len, 4);
	buf_clear(&b);
	buf_add(&b, "x\0", 2); /* NUL is no blank */
	buf_trim(&b);
	assert_int_equal(b.len, 2);
	buf_release(&b);
}

static void test_fmt_at_every_size(void **state)
{
	for (int n = 0; n < 300; n++) {
		struct buf b = BUF_INIT;

		buf_fmt(&b, "%*s|", n, "");
		buf_fmt(&b, "%d", n);
		assert_true(b.len > (size_t)n && b.p[n] == '|');
		assert_int_equal(atoi(b.p + n + 1), n);
		buf_release(&b);
	}
}

static void test_drop_and_trim(void **state)
{
	struct buf b = BUF_INIT;

	buf_str(&b, "hello world \t\r\n\n");
	buf_trim(&b);
	assert_string_equal(b.p, "hello world");
	buf_drop(&b, 6);
	assert_string_equal(b.p, "world");
	buf_drop(&b, 0);
	buf_drop(&b, 99);
	assert_string_equal(b.p, "");
	buf_str(&b, " \n ");
	buf_trim(&b);
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

static void test_strv(void **state)
{
	struct strv s = STRV_INIT, t = STRV_INIT;
	static const char *const more[] = { "d", "e", NULL };

	assert_null(strv_argv(&s)[0]);
	strv_add(&s, "a");
	strv_take(&s, xstrdup("b"));
	strv_fmt(&s, "c%d", 3);
	strv_addv(&s, more);
	strv_addl(&s, "f", "g", NULL);
	assert_int_equal(s.n, 7);
	assert_null(s.v[7]);
	assert_string_equal(strv_argv(&s)[2], "c3");
	assert_true(strv_has(&s, "g"));
	assert_false(strv_has(&s, "h"));
	strv_add(&t, "old");
	strv_copy(&t, &s);
	assert_int_equal(t.n, 7);
	strv_copy(&t, &t);
	assert_string_equal(t.v[6], "g");
	for (int i = 0; i < 1000; i++) {
		strv_fmt(&t, "%d", i);
		assert_null(t.v[t.n]);
	}
	strv_clear(&t);
	assert_int_equal(t.n, 0);
	assert_null(t.v[0]);
	strv_release(&t);
	strv_release(&s);
	strv_release(&s);
}

static void test_split0(void **state)
{
	struct strv s = STRV_INIT;

	strv_split0(&s, "", 0);
	assert_int_equal(s.n, 0);
	strv_split0(&s, "a\0\0b\0torn", 9);
	assert_int_equal(s.n, 4);
	assert_string_equal(s.v[0], "a");
	assert_string_equal(s.v[1], "");
	assert_string_equal(s.v[2], "b");
	assert_string_equal(s.v[3], "torn");
	strv_clear(&s);
	strv_split0(&s, "x\0", 2);
	assert_int_equal(s.n, 1);
	strv_release(&s);
}

static void test_join(void **state)
{
	static const char *const want[] = { "", "a", "a and b", "a, b and c", "a, b, c and 1 more",
		"a, b, c and 2 more" };
	struct strv s = STRV_INIT;

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct buf b = BUF_INIT;

		strv_join(&s, 3, &b);
		assert_string_equal(b.p, want[i]);
		buf_release(&b);
		strv_fmt(&s, "%c", (int)('a' + i));
	}
	strv_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_grows_and_ends_with_nul),
		cmocka_unit_test(test_holds_nul),
		cmocka_unit_test(test_fmt_at_every_size),
		cmocka_unit_test(test_drop_and_trim),
		cmocka_unit_test(test_strv),
		cmocka_unit_test(test_split0),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
