/* test_input.c - bytes to keys: cut anywhere, half sequences, pastes, hostile bytes. */
#include "unit.h"

#include <string.h>

#include "ui/input.h"

static struct input in;

static void feed(const char *s, size_t n, int64_t now)
{
	input_feed(&in, s, n, now);
}

static void start(void)
{
	input_release(&in);
	input_init(&in, 25);
}

static void test_keys(void **state)
{
	static const struct {
		const char *s;
		int32_t key;
	} t[] = {
		{ "a", 'a' },
		{ "\r", KEY_RETURN },
		{ "\t", KEY_TAB },
		{ "\x7f", KEY_RUBOUT },
		{ "\x0c", KEY_CTRL('l') },
		{ "\033[A", KEY_CURSOR_UP },
		{ "\033OB", KEY_CURSOR_DOWN },
		{ "\033[5~", KEY_PAGE_UP },
		{ "\033[Z", KEY_BACKTAB },
		{ "\xc3\xa9", 0xe9 },
		{ "\033[?2026;2$y", KEY_SYNC_YES },
		{ "\033[?2026;0$y", KEY_UNKNOWN },
		{ "\033[1;5A", KEY_UNKNOWN },
		{ "\033x", KEY_UNKNOWN },
		{ "\033]0;t\007", KEY_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		size_t n = strlen(t[i].s);

		for (size_t cut = 0; cut < n; cut++) {
			start();
			feed(t[i].s, cut, 100);
			if (cut)
				assert_int_equal(input_next(&in, 101), KEY_NONE);
			feed(t[i].s + cut, n - cut, 102);
			assert_int_equal(input_next(&in, 103), t[i].key);
			assert_int_equal(input_next(&in, 103), KEY_NONE);
			assert_int_equal(input_deadline(&in), -1);
		}
	}
}

static void test_escape(void **state)
{
	start();
	feed("\033", 1, 100);
	assert_int_equal(input_next(&in, 110), KEY_NONE);
	assert_int_equal(input_deadline(&in), 125);
	assert_int_equal(input_next(&in, 125), KEY_ESCAPE);
	feed("\033[", 2, 200);
	assert_int_equal(input_next(&in, 300), KEY_NONE);
	assert_int_equal(input_next(&in, 450), KEY_UNKNOWN); /* dropped whole, not read as "[" */
	assert_int_equal(input_next(&in, 450), KEY_NONE);
	feed("\033[12", 4, 500);
	feed("y", 1, 510);
	assert_int_equal(input_next(&in, 510), KEY_UNKNOWN);
	assert_int_equal(input_next(&in, 510), KEY_NONE);
}

static void test_paste(void **state)
{
	start();
	feed("\033[200~y\ryes", 11, 100);
	assert_int_equal(input_next(&in, 100), KEY_NONE);
	feed("\xc3\xa9\033[201~q", 9, 101);
	assert_int_equal(input_next(&in, 101), KEY_PASTE);
	assert_int_equal(in.paste_len, 6);
	assert_string_equal(in.paste.p, "y\ryes\xc3\xa9");
	assert_int_equal(input_next(&in, 101), 'q');
	feed("\033[200~abc", 9, 200); /* its end never comes */
	assert_int_equal(input_next(&in, 200), KEY_NONE);
	assert_int_equal(input_next(&in, 200 + INPUT_PASTE_MS + 1), KEY_PASTE);
	feed("x", 1, 5000);
	assert_int_equal(input_next(&in, 5000), 'x');
}

static void test_drain(void **state)
{
	start();
	feed("yyy\033[A", 6, 100);
	input_discard(&in);
	assert_int_equal(input_next(&in, 100), KEY_NONE);
}

static void test_names(void **state)
{
	char name[16];

	assert_int_equal(input_key_parse("ctrl-l"), 12);
	assert_int_equal(input_key_parse("enter"), KEY_RETURN);
	assert_int_equal(input_key_parse("?"), '?');
	assert_int_equal(input_key_parse("nothing"), KEY_NONE);
	assert_string_equal(input_key_name(KEY_PAGE_UP, name), "pgup");
	assert_string_equal(input_key_name(12, name), "^L");
	assert_string_equal(input_key_name('p', name), "p");
	input_release(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys),
		cmocka_unit_test(test_escape), cmocka_unit_test(test_paste),
		cmocka_unit_test(test_drain), cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
