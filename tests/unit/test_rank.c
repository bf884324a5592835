/* test_rank.c - best first by rule, and what check logs say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
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
	{ "tap", "1..4\nok 1 - a\nok 2\nnot ok 3 - b\nok 4 # skip no net\n", 2, 3 },
	{ "tap, plan last", "ok 1\nnot ok 2\n1..2\n", 1, 2 },
	{ "tap, stopped early", "1..12\nok 1\nok 2\nok 3\n", 3, 12 },
	{ "tap without numbers", "1..3\nok\nok - b\nnot ok\n", 2, 3 },
	{ "no tap", "compiling\nok\n", -1, -1 },
	{ "tap, two programs", "1..2\nok 1\nok 2\n1..2\nok 1\nnot ok 2\n", 3, 4 },
	{ "tap, nothing to do", "1..0 # SKIP no network\n", -1, -1 },
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
	{ "words of a log", "test failed\nthe 3 passed me by 4.5 failed\n", -1, -1 },
	{ "retries", "attempt 1 failed, retrying\nok now\n", -1, -1 },
	{ "logins", "checked: 2024 failed logins\n", -1, -1 },
	{ "numbered tests", "Test 1 passed\nTest 2 failed\nTest 3 passed\n", -1, -1 },
	{ "playwright",
		"  1 failed\n    [chromium] > a.spec.ts:3:1 > b ---\n  1 flaky\n    [chromium] > c\n"
		"  2 skipped\n  2 passed (3.0s)\n",
		3, 4 },
	{ "playwright, all failed", "Running 2 tests using 1 worker\n\n  2 failed\n    [x] > a\n",
		0, 2 },
	{ "gradle", "3 tests completed, 1 failed\n", 2, 3 },
	{ "gradle, skipped", "4 tests completed, 1 failed, 1 skipped\n", 2, 3 },
	{ "unittest, expected failures", "Ran 2 tests in 0.001s\n\nOK (expected failures=1)\n", 2,
		2 },
	{ "catch2", "test cases: 3 | 2 passed | 1 failed\nassertions: 10 | 9 passed | 1 failed\n",
		2, 3 },
	{ "catch2, expected",
		"test cases: 3 | 2 passed | 1 failed as expected\nassertions: 3 | 3 passed\n", 2,
		2 },
	{ "catch2, all", "All tests passed (10 assertions in 3 test cases)\n", 3, 3 },
	{ "doctest", "[doctest] test cases:  3 |  2 passed | 1 failed | 0 skipped\n", 2, 3 },
	{ "dotnet",
		"Failed!  - Failed:     1, Passed:    11, Skipped:     2, Total:    14, Duration: 57 ms - a.dll (net8.0)\n"
		"Passed!  - Failed:     0, Passed:     3, Skipped:     0, Total:     3, Duration: 5 ms - b.dll (net8.0)\n",
		14, 15 },
	{ "dotnet vstest", "Total tests: 4\n     Passed: 2\n     Failed: 1\n    Skipped: 1\n", 2,
		3 },
	{ "dotnet terminal",
		"Test summary: total: 4, failed: 1, succeeded: 2, skipped: 1, duration: 1.2s\n", 2,
		3 },
	{ "exunit", "Finished in 0.03 seconds\n2 doctests, 12 tests, 1 failure, 2 skipped\n", 11,
		12 },
	{ "exunit, one", "1 test, 0 failures\n", 1, 1 },
	{ "gotestsum",
		"=== FAIL: x/p TestA (0.00s)\n\nDONE 12 tests, 1 skipped, 1 failure in 0.512s\n",
		10, 11 },
	{ "gotestsum, all", "DONE 3 tests in 0.100s\n", 3, 3 },
	{ "bun",
		"\n 11 pass\n 2 skip\n 1 fail\n 20 expect() calls\nRan 14 tests across 2 files. [12.00ms]\n",
		11, 12 },
	{ "meson",
		"Ok:                 10  \nExpected Fail:      1   \nFail:               1   \n"
		"Unexpected Pass:    0   \nSkipped:            3   \nTimeout:            1   \n",
		10, 12 },
	{ "automake",
		"# TOTAL: 6\n# PASS:  3\n# SKIP:  1\n# XFAIL: 0\n# FAIL:  1\n# XPASS: 0\n# ERROR: 1\n",
		3, 5 },
	{ "nextest", "     Summary [   0.512s] 12 tests run: 11 passed, 1 failed, 3 skipped\n", 11,
		12 },
	{ "pest", "  Tests:    1 failed, 12 passed (20 assertions)\n", 12, 13 },
	{ "deno", "FAILED | 2 passed (3 steps) | 1 failed (12ms)\n", 2, 3 },
	{ "busted", "12 successes / 1 failure / 0 errors / 2 pending : 0.5 seconds\n", 12, 13 },
	{ "testthat", "[ FAIL 1 | WARN 0 | SKIP 2 | PASS 12 ]\n", 12, 13 },
	{ "xctest",
		"\t Executed 12 tests, with 2 tests skipped and 1 failure (0 unexpected) in 0.1 (0.2) seconds\n",
		9, 10 },
	{ "junit", "OK (3 tests)\n", 3, 3 },
	{ "maven, one line a class",
		"[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 s - in A\n"
		"[ERROR] Tests run: 5, Failures: 1, Errors: 0, Skipped: 1\n",
		3, 4 },
	{ "go, one does not build",
		"=== RUN   TestA\n--- PASS: TestA (0.00s)\nok  \tx/a\t0.1s\nFAIL\tx/b [build failed]\n",
		1, 2 },
	{ "tap inside, closing line behind", "ok 1\n1..1\n== 7 passed in 0.01s ==\n", 7, 7 },
	{ "closing line inside, tap behind", "1..2\n== 7 passed in 0.01s ==\nok 1 - pytest\nok 2\n",
		2, 2 },
	{ "last one counts", "1 passed, 5 failed\nagain\n6 passed, 0 failed", 6, 6 },
	{ "progress bar", "10%\r50%\r3 passed, 1 failed\n", 3, 4 },
};

static void summaries_are_recognised(void **state)
{
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		int passed, total;
		rank_parse_check(logs[i].text, strlen(logs[i].text), true, &passed, &total);
		if (passed != logs[i].passed || total != logs[i].total) {
			print_error("%s: %d of %d\n", logs[i].name, passed, total);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* Output of real programs, kept as it was written. Right is what the program's own closing line
 * says, less what it skipped. */
static void real_outputs_are_counted(void **state)
{
	static const struct {
		const char *file;
		int passed, total;
	} real[] = {
		{ "bats-junit", 2, 3 },
		{ "bats-pretty", 2, 3 },
		{ "bats-tap", 2, 3 },
		{ "bats-tap13", 2, 3 },
		{ "cargo-fail", 1, 2 },
		{ "cargo-q", 2, 3 },
		{ "ctest", 2, 3 },
		{ "ctest-none", -1, -1 },
		{ "ctest-ok", 1, 1 },
		{ "go-cached", 1, 1 },
		{ "go-json", 2, 3 },
		{ "go-ok", 1, 1 },
		{ "go-plain", 1, 2 },
		{ "go-v", 2, 3 },
		{ "minitest", 1, 3 },
		{ "node-default", 3, 4 },
		{ "node-spec", 3, 4 },
		{ "node-tap", 3, 4 },
		{ "phpunit", 1, 3 },
		{ "phpunit-ok", 2, 2 },
		{ "prove", 4, 6 },
		{ "prove-ok", 2, 2 },
		{ "prove-v", 4, 6 },
		{ "pytest-collect-error", 0, 1 },
		{ "pytest-fail", 0, 2 },
		{ "pytest-mixed", 2, 4 },
		{ "pytest-none", -1, -1 },
		{ "pytest-ok", 2, 2 },
		{ "pytest-q", 2, 4 },
		{ "rspec", 1, 2 },
		{ "rspec-ok", 1, 1 },
		{ "testunit", 1, 2 },
		{ "unittest", 3, 5 },
		{ "unittest-ok", 1, 1 },
	};
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_LEN(real); i++) {
		char *path = xasprintf("tests/fixtures/check/%s.txt", real[i].file);
		struct buf b = BUF_INIT;
		struct err e = ERR_INIT;
		int passed, total;

		if (fs_read(path, 1 << 20, &b, &e))
			fail_msg("%s (run it from the root of the project)", e.msg);
		rank_parse_check(b.p, b.len, true, &passed, &total);
		if (passed != real[i].passed || total != real[i].total) {
			print_error("%s: %d of %d\n", real[i].file, passed, total);
			wrong++;
		}
		buf_release(&b);
		free(path);
	}
	assert_int_equal(wrong, 0);
}

/* A byte of any value: NUL too, in a text that ends where its buffer does. */
static void any_byte_may_stand_in_a_log(void **state)
{
	static const char text[] =
		"ok 1\0x\xff\033[\n\0\0\0 in 3 passed\n== 7 passed in 0.01s ==\n\0";
	size_t n = sizeof text - 1;
	char *exact = xmalloc(n);
	int passed, total;

	memcpy(exact, text, n);
	rank_parse_check(exact, n, true, &passed, &total);
	assert_int_equal(passed, 7);
	assert_int_equal(total, 7);
	free(exact);
}

/* Of a log that was cut at its front only a line that says all by itself counts. */
static void a_cut_log_is_not_counted(void **state)
{
	static const struct {
		const char *text;
		int passed, total;
	} cut[] = {
		{ "ok 1\n=== RUN   TestA\n--- PASS: TestA (0.00s)\nok  \tx/a\t0.1s\n", -1, -1 },
		{ "x\nok 1\nok 2\n1..2\n", -1, -1 },
		{ "x\ntest result: ok. 5 passed; 0 failed; 0 ignored\n", -1, -1 },
		{ "== 9 passed in 1s ==\n", -1, -1 }, /* half a line, perhaps */
		{ "x\n== 9 passed in 1s ==\n", 9, 9 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
		int passed, total;

		rank_parse_check(cut[i].text, strlen(cut[i].text), false, &passed, &total);
		assert_int_equal(passed, cut[i].passed);
		assert_int_equal(total, cut[i].total);
	}
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
		rank_parse_check(b.p, b.len, true, &passed, &total);
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
		cmocka_unit_test(real_outputs_are_counted),
		cmocka_unit_test(any_byte_may_stand_in_a_log),
		cmocka_unit_test(a_cut_log_is_not_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
