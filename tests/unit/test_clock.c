/* test_clock.c - durations and times as text. */
#include "unit.h"

#include <time.h>

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "30m", 1800000 },
		{ "90s", 90000 },
		{ "1h30m", 5400000 },
		{ "250ms", 250 },
		{ "2d", 172800000 },
		{ "45", 45000 },
		{ "1d2h3m4s5ms", 93784005 },
		{ "1s500ms", 1500 },
		{ "0m1s", 1000 },
	};
	static const char *const bad[] = {
		"",
		"0",
		"0s",
		"m",
		"-5s",
		"+5s",
		" 5s",
		"5s ",
		"5 s",
		"1.5h",
		"5x",
		"5M",
		"1h30",
		"30m1h",
		"1m1m",
		"5sm",
		"9999999999999999",
		"999999999999999d",
		"1e3",
		"5mss",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(clock_parse_duration(good[i].text), good[i].ms);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (clock_parse_duration(bad[i]) != -1)
			fail_msg("\"%s\" was accepted", bad[i]);
}

static void test_format_is_inverse(void **state)
{
	static const int64_t ms[] = { 1, 999, 1000, 1500, 60000, 90000, 1800000, 3600000, 86400000,
		93784005, 999999999 };
	char s[64];

	for (size_t i = 0; i < ARRAY_LEN(ms); i++) {
		clock_fmt_duration(ms[i], s, sizeof s);
		assert_int_equal(clock_parse_duration(s), ms[i]);
	}
	clock_fmt_duration(1800000, s, sizeof s);
	assert_string_equal(s, "30m");
	clock_fmt_duration(90000, s, sizeof s);
	assert_string_equal(s, "1m30s");
	clock_fmt_duration(0, s, sizeof s);
	assert_string_equal(s, "0s");
	clock_fmt_duration(93784005, s, 5);
	assert_true(strlen(s) < 5);
}

static void test_elapsed(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} want[] = {
		{ -5, "0:00" },
		{ 0, "0:00" },
		{ 7999, "0:07" },
		{ 751000, "12:31" },
		{ 3599999, "59:59" },
		{ 3600000, "1h00m" },
		{ 3720000, "1h02m" },
		{ 360000000, "100h00m" },
	};
	char s[32];

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		clock_fmt_elapsed(want[i].ms, s, sizeof s);
		assert_string_equal(s, want[i].text);
	}
}

static void test_time(void **state)
{
	char s[32];

	setenv("TZ", "UTC", 1);
	tzset();
	clock_fmt_time(1000000000LL * 50561, s, sizeof s);
	assert_string_equal(s, "14:02:41");
	clock_fmt_time(-1, s, sizeof s);
	assert_string_equal(s, "23:59:59");
}

static void test_clocks_move(void **state)
{
	int64_t a = clock_mono_ns(), ms = clock_mono_ms(), b = clock_mono_ns();

	assert_true(b >= a);
	assert_true(ms >= a / 1000000 && ms <= b / 1000000);
	assert_true(clock_real_ns() > 1600000000LL * 1000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_format_is_inverse),
		cmocka_unit_test(test_elapsed),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_clocks_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
