/* test_rank.c - best first by rule, and what check logs say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/rank.h"

static struct variant *add(
	struct race *r, const char *name, enum variant_state s, int64_t lines, int64_t seconds)
{
	struct variant *v = race_add(r, variant_new(r->number, (int)r->n + 1, name));
	v->state = s;
	v->added = lines;
	v->removed = lines < 0 ? -1 : 0;
	v->files = lines < 0 ? -1 : (int)(100 - lines);
	v->started_ns = 1000000000;
	v->ended_ns = variant_ended(s) ? v->started_ns + seconds * 1000000000 : 0;
	return v;
}

static void order_is(const struct race *r, const char *want)
{
	size_t *order = xcalloc(r->n, sizeof(*order));
	struct buf b = BUF_INIT;
	rank_order(r, order);
	for (size_t i = 0; i < r->n; i++)
		buf_fmt(&b, "%s%s", i ? " " : "", r->v[order[i]]->name);
	assert_string_equal(b.p, want);
	buf_release(&b);
	free(order);
}

static void passed_first_then_by_the_rule(void **state)
{
	struct race *r = race_new(1);
	char words[128];
	add(r, "live", VS_RUNNING, 0, 0);
	add(r, "killed", VS_KILLED, 1, 1);
	add(r, "bad", VS_FAILED, 1, 1)->check = (struct check_result){ CHECK_FAILED, 1, 3, 12 };
	add(r, "better", VS_FAILED, 50, 50)->check =
		(struct check_result){ CHECK_FAILED, 1, 11, 12 };
	add(r, "big", VS_PASSED, 40, 1);
	add(r, "slow", VS_PASSED, 10, 20);
	add(r, "quick", VS_PASSED, 10, 10);
	add(r, "unknown", VS_PASSED, -1, 1);
	assert_int_equal(rank_best(r), 6);
	order_is(r, "quick slow big unknown better bad killed live");
	rank_words(r, words, sizeof(words));
	assert_string_equal(words, "best first: check, changed lines, time");
	strv_add(&r->spec.rank, "-elapsed");
	strv_add(&r->spec.rank, "lines");
	order_is(r, "big unknown quick slow bad better killed live");
	rank_words(r, words, sizeof(words));
	assert_string_equal(words, "best first: time, most changed lines");
	race_free(r);
}

static void nobody_is_best_before_one_passed(void **state)
{
	struct race *r = race_new(1);
	assert_int_equal(rank_best(r), -1);
	add(r, "a", VS_FAILED, 1, 1);
	add(r, "b", VS_RUNNING, 1, 1);
	assert_int_equal(rank_best(r), -1);
	order_is(r, "a b");
	race_free(r);
}

static void words_of_a_rule(void **state)
{
	static const char *const good[] = { "check", "-lines", "lines", "-files", "files", "-added",
		"-removed", "-elapsed" };
	static const char *const bad[] = { "", "-", "-check", "--lines", "speed", "latency_ms" };
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(rank_word_ok(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(rank_word_ok(bad[i]));
}

static const struct {
	const char *name, *text;
	int passed, total;
} logs[] = {
	{ "nothing", "building\ndone\n", -1, -1 },
	{ "empty", "", -1, -1 },
	{ "tap", "1..4\nok 1 - a\nok 2\nnot ok 3 - b\nok 4 # skip no net\n", 3, 4 },
	{ "tap, plan last", "ok 1\nnot ok 2\n1..2\n", 1, 2 },
	{ "tap, stopped early", "1..12\nok 1\nok 2\nok 3\n", 3, 12 },
	{ "tap without numbers", "ok\nok - b\nnot ok\n", 2, 3 },
	{ "tap todo", "1..2\nok 1\nnot ok 2 # TODO later\n", 2, 2 },
	{ "tap subtests", "    ok 1 - inner\n    1..1\nok 1 - outer\n1..1\n", 1, 1 },
	{ "tap, beginning lost", "ok 40\nok 41\n", -1, -1 },
	{ "plain", "x\n12 passed, 1 failed\n", 12, 13 },
	{ "plain, no failure", "12 passed, 0 failed\n", 12, 12 },
	{ "pytest", "=== 1 failed, 12 passed, 2 skipped in 0.12s ===\n", 12, 13 },
	{ "pytest errors", "== 3 passed, 2 errors in 1.2s ==\n", 3, 5 },
	{ "pytest colour",
		"\033[31m==== \033[31m\033[1m1 failed\033[0m, \033[32m2 passed\033[0m\033[31m in "
		"0.1s ====\033[0m\n",
		2, 3 },
	{ "pytest only passed", "== 7 passed in 0.01s ==\n", 7, 7 },
	{ "cargo",
		"running 2 tests\ntest a ... ok\ntest b ... FAILED\n\n"
		"test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n"
		"test result: ok. 5 passed; 0 failed; 0 ignored\n",
		6, 7 },
	{ "jest",
		"Test Suites: 1 failed, 1 passed, 2 total\nTests:       1 failed, 12 passed, 13 "
		"total\n"
		"Snapshots:   0 total\n",
		12, 13 },
	{ "vitest", " Test Files  1 passed (1)\n      Tests  2 passed (2)\n", 2, 2 },
	{ "mocha", "  12 passing (30ms)\n  1 failing\n", 12, 13 },
	{ "go -v",
		"=== RUN   TestA\n--- PASS: TestA (0.00s)\n--- FAIL: TestB "
		"(0.00s)\nFAIL\nFAIL\tx\t0.1s\n",
		1, 2 },
	{ "go", "ok  \tx/a\t0.1s\nok  \tx/b\t0.2s\nFAIL\tx/c\t0.1s\n", 2, 3 },
	{ "cmocka",
		"[==========] 3 test(s) run.\n[  PASSED  ] 2 test(s).\n[  FAILED  ] 1 test(s), "
		"listed below:\n"
		"[  FAILED  ] some_test\n\n 1 FAILED TEST(S)\n",
		2, 3 },
	{ "googletest",
		"[  PASSED  ] 12 tests.\n[  FAILED  ] 1 test, listed below:\n[  FAILED  ] A.B\n\n "
		"1 FAILED TEST\n",
		12, 13 },
	{ "ctest", "92% tests passed, 1 tests failed out of 13\n", 12, 13 },
	{ "unittest", "Ran 12 tests in 0.001s\n\nFAILED (failures=1, errors=1)\n", 10, 12 },
	{ "unittest ok", "Ran 3 tests in 0.001s\n\nOK (skipped=1)\n", 2, 2 },
	{ "maven", "Tests run: 12, Failures: 1, Errors: 1, Skipped: 2\n", 8, 10 },
	{ "rspec", "12 examples, 1 failure\n", 11, 12 },
	{ "minitest", "4 runs, 20 assertions, 1 failures, 0 errors, 0 skips\n", 3, 4 },
	{ "words of a log", "test failed\nthe 3 passed me by 4.5 failed\n", 3, 3 },
	{ "last one counts", "1 passed, 5 failed\nagain\n6 passed, 0 failed", 6, 6 },
	{ "progress bar", "10%\r50%\r3 passed, 1 failed\n", 3, 4 },
};

static void summaries_are_recognised(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		int passed, total;
		rank_parse_check(logs[i].text, strlen(logs[i].text), &passed, &total);
		if (passed != logs[i].passed || total != logs[i].total)
			fail_msg("%s: %d of %d", logs[i].name, passed, total);
	}
}

static void only_the_end_of_a_long_log_is_read(void **state)
{
	struct buf b = BUF_INIT;
	int passed, total;
	for (int i = 0; i < 5000; i++)
		buf_fmt(&b, "ok %d - a test with some words\n", i + 1);
	rank_parse_check(b.p, b.len, &passed, &total);
	assert_int_equal(passed, -1);
	buf_str(&b, "5000 passed, 0 failed\n");
	rank_parse_check(b.p, b.len, &passed, &total);
	assert_int_equal(passed, 5000);
	buf_clear(&b);
	buf_add(&b, "\0\xff\033[", 4);
	rank_parse_check(b.p, b.len, &passed, &total);
	assert_int_equal(total, -1);
	buf_release(&b);
}

static void noise_gives_no_nonsense(void **state)
{
	static const char *const bits[] = { "ok ", "not ok ", "1..", "12", "999999999999999999999",
		" passed", " failed", "\n", "\r", "\033[", "m", "Tests run:", "Ran ", "FAILED",
		"% tests passed,", " failed out of ", "0", " ", "test(s)", "[  PASSED  ] " };
	uint32_t seed = 7;
	for (int round = 0; round < 3000; round++) {
		struct buf b = BUF_INIT;
		int passed, total;
		for (int k = 0; k < 40; k++) {
			seed = seed * 1664525u + 1013904223u;
			buf_str(&b, bits[(seed >> 10) % ARRAY_LEN(bits)]);
		}
		rank_parse_check(b.p, b.len, &passed, &total);
		if (!(passed == -1 && total == -1) && !(passed >= 0 && passed <= total))
			fail_msg("%d of %d from: %s", passed, total, b.p);
		buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passed_first_then_by_the_rule),
		cmocka_unit_test(nobody_is_best_before_one_passed),
		cmocka_unit_test(words_of_a_rule),
		cmocka_unit_test(summaries_are_recognised),
		cmocka_unit_test(noise_gives_no_nonsense),
		cmocka_unit_test(only_the_end_of_a_long_log_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
