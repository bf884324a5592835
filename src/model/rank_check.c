/* rank_check.c - what a check's log says of itself: "3 of 12", from the closing lines of test
 * programs.
 *
 * A table of forms, each anchored on the framework's own line; the last one that is complete
 * counts. TAP and go have no such line: their marks are counted, when the whole log is there. What
 * is not known stays -1: a wrong number is worse than none. */
#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/vt.h"
#include "model/rank.h"

enum { MOST = 10000000, LONGEST_LINE = 4096 };
enum {
	START = 1, /* begins a summary of its kind */
	JOIN = 2, /* belongs to the summary of its kind that is there; with START: or begins one */
	LAST = 4, /* now the summary is complete */
	ADDS = 8, /* START: adds to the summaries of its kind so far (one a package, a module) */
	ONE = START | LAST,
};

/* `need` must be in the line before the pattern is tried. `counts`: a role and where its number
 * stands, "p# passed" before a word, "tTests: #" after one. Roles: passed, failed, total, skipped.
 */
static const struct form {
	const char *kind, *need, *pattern, *counts;
	unsigned flags;
} forms[] = {
	{ "plain", " passed, ", "^[0-9]+ passed, [0-9]+ failed(, [0-9]+ [a-z]+)*[.]?$",
		"p# passed,f# failed", ONE },
	{ "pytest", " in ",
		"^=* ?([0-9]+ [a-z]+( [a-z]+)?(, )?)+ in [0-9.]+s( \\([0-9:]+\\))?( =*)?$",
		"p# passed,f# failed,f# error", ONE },
	{ "unittest", "Ran ", "^Ran [0-9]+ tests? in [0-9.]+s$", "tRan #", START },
	{ "unittest", "OK", "^OK( \\(.*\\))?$", "sskipped=#", JOIN | LAST },
	{ "unittest", "FAILED (", "^FAILED \\(.*\\)$",
		"f(failures=#,ferrors=#,sskipped=#,funexpected successes=#", JOIN | LAST },
	{ "cargo", "test result:", "^test result: [A-Za-z]+\\. [0-9]+ passed; [0-9]+ failed; ",
		"p# passed,f# failed", ONE | ADDS },
	{ "nextest", "Summary [", "^ *Summary \\[ *[0-9.]+s\\] .*[0-9] tests? run: ",
		"p# passed,f# failed,f# timed out", ONE },
	{ "jest, vitest, pest", "Tests",
		"^ *Tests:? +[0-9]+ .*(passed|failed|total)( \\([0-9]+( assertions?)?\\))?$",
		"p# passed,f# failed", ONE },
	{ "mocha", "passing", "^ +[0-9]+ passing \\(.*\\)$", "p# passing", ONE },
	{ "mocha", "failing", "^ +[0-9]+ failing$", "f# failing", JOIN },
	{ "playwright", "Running ", "^Running [0-9]+ tests? using [0-9]+ workers?", "-Running #",
		ONE },
	{ "playwright", "ed", "^  [0-9]+ (failed|interrupted)$", "f# failed,f# interrupted",
		START | JOIN },
	{ "playwright", " flaky", "^  [0-9]+ flaky$", "p# flaky", START | JOIN },
	{ "playwright", " passed (", "^  [0-9]+ passed \\([0-9.]+(ms|s|m|h)\\)$", "p# passed",
		START | JOIN | LAST },
	{ "node, tape", " tests ", "^(#|\u2139) tests +[0-9]+$", "ttests #", START },
	{ "node, tape", " pass ", "^(#|\u2139) pass +[0-9]+$", "ppass #", JOIN | LAST },
	{ "node, tape", "l", "^(#|\u2139) (fail|cancelled) +[0-9]+$", "ffail #,fcancelled #",
		JOIN },
	{ "bun", " pass", "^ +[0-9]+ pass$", "p# pass", START },
	{ "bun", " fail", "^ +[0-9]+ fail$", "f# fail", JOIN },
	{ "bun", " across ", "^Ran [0-9]+ tests? across [0-9]+ files?\\.", "", JOIN | LAST },
	{ "deno", " | ", "^(ok|FAILED) \\| [0-9]+ passed.* \\| [0-9]+ failed",
		"p# passed,f# failed", ONE },
	{ "cmocka, googletest", "[  PASSED  ]", "^\\[  PASSED  \\] [0-9]+ test", "p# test",
		ONE | ADDS },
	{ "cmocka, googletest", "listed below", "^\\[  FAILED  \\] [0-9]+ test.*, listed below",
		"f# test", JOIN },
	{ "catch2, doctest", "test cases: ", "^(\\[doctest\\] )?test cases: +[0-9]+ \\|",
		"p# passed,f# failed", ONE },
	{ "catch2", "All tests passed (",
		"^All tests passed \\([0-9]+ assertions? in [0-9]+ test cases?\\)$", "tin #", ONE },
	{ "ctest", "failed out of", "^[0-9]+% tests passed, [0-9]+ tests? failed out of [0-9]+$",
		"f# tests failed,f# test failed,tout of #", ONE },
	{ "meson", "Ok:", "^Ok: +[0-9]+ *$", "pOk: #", START },
	{ "meson", ": ", "^(Fail|Timeout|Unexpected Pass): +[0-9]+ *$",
		"fFail: #,fTimeout: #,fUnexpected Pass: #", JOIN | LAST },
	{ "automake", "# TOTAL:", "^# TOTAL: +[0-9]+$", "tTOTAL: #", START | ADDS },
	{ "automake", "# PASS:", "^# PASS: +[0-9]+$", "pPASS: #", JOIN },
	{ "automake", "# ", "^# (FAIL|XPASS|ERROR): +[0-9]+$", "f FAIL: #,fXPASS: #,fERROR: #",
		JOIN | LAST },
	{ "maven, junit", "Tests run:",
		"^(\\[[A-Z]+\\] )?Tests run: [0-9]+, +Failures: [0-9]+(, Errors: [0-9]+)?(, Skipped: [0-9]+)?$",
		"tTests run: #,fFailures: #,fErrors: #,sSkipped: #", ONE | ADDS },
	{ "gradle", " completed, ", "^[0-9]+ tests? completed, [0-9]+ failed(, [0-9]+ skipped)?$",
		"t# tests completed,t# test completed,f# failed,s# skipped", ONE | ADDS },
	{ "phpunit, junit", "OK (", "^OK \\([0-9]+ tests?(, [0-9]+ assertions?)?\\)$", "t# test",
		ONE },
	{ "phpunit",
		"Assertions:", "^Tests: [0-9]+, Assertions: [0-9]+(, [A-Z][A-Za-z ]*: [0-9]+)*\\.$",
		"tTests: #,fErrors: #,fFailures: #,sSkipped: #,sIncomplete: #", ONE },
	{ "junit xml", "<testsuite ", "^ *<testsuite .*tests=\"[0-9]+\"",
		"ttests=\"#,ffailures=\"#,ferrors=\"#,sskipped=\"#", ONE | ADDS },
	{ "dotnet", "Passed:", "^[A-Z][a-z]+! +- Failed: +[0-9]+, Passed: +[0-9]+, ",
		"pPassed: #,fFailed: #", ONE | ADDS },
	{ "dotnet", "Total tests:", "^Total tests: [0-9]+$", "tTotal tests: #", START | ADDS },
	{ "dotnet", "ed: ", "^ +(Passed|Failed): [0-9]+$", "pPassed: #,fFailed: #", JOIN | LAST },
	{ "dotnet", "Test summary:", "^Test summary: total: [0-9]+, failed: [0-9]+, ",
		"ttotal: #,ffailed: #,sskipped: #", ONE },
	{ "rspec", " example", "^[0-9]+ examples?, [0-9]+ failures?(, [0-9]+ [a-z ]+)*$",
		"t# example,f# failure,s# pending,f# error", ONE },
	{ "minitest, test-unit", " assertions, ",
		"^[0-9]+ (runs|tests), [0-9]+ assertions, [0-9]+ failures, [0-9]+ errors(, [0-9]+ [a-z]+)*$",
		"t# runs,t# tests,f# failure,f# error,s# skip,s# pending,s# omission", ONE },
	{ "bats, exunit", " test",
		"^([0-9]+ (doctests?|property|properties), )*[0-9]+ tests?, [0-9]+ failures?(, [0-9]+ [a-z ]+)*$",
		"t# doctest,t# property,t# properties,t# test,f# failure,f# invalid,s# skipped,s# excluded,s# not run",
		ONE | ADDS },
	{ "gotestsum", "DONE ",
		"^DONE ([0-9]+ runs, )?[0-9]+ tests?(, [0-9]+ [a-z]+)* in [0-9.]+s$",
		"t# test,s# skipped,f# failure,f# error", ONE },
	{ "prove", "(Wstat: ", "\\(Wstat: .* Tests: [0-9]+ Failed: [0-9]+\\)$", "fFailed: #",
		START | JOIN },
	{ "prove", "Files=", "^Files=[0-9]+, Tests=[0-9]+, ", "tTests=#", START | JOIN | LAST },
	{ "busted", " success", "^[0-9]+ success(es)? / [0-9]+ failures? / [0-9]+ errors? / ",
		"p# success,f# failure,f# error", ONE },
	{ "testthat", "[ FAIL ",
		"^\\[ FAIL [0-9]+ \\| WARN [0-9]+ \\| SKIP [0-9]+ \\| PASS [0-9]+ \\]",
		"pPASS #,fFAIL #", ONE },
	{ "xctest", "Executed ", "^[ \t]*Executed [0-9]+ tests?, with .*[0-9]+ failures? \\(",
		"t# test,s# tests skipped,f# failure", ONE },
};

struct tally {
	const char *kind; /* NULL = none */
	bool complete, adds, passed_known; /* else passed is the total less the others */
	long passed, failed, total, skipped;
	size_t line; /* of its last line */
};

struct log {
	size_t line;
	struct tally now, before; /* the newest summary; the complete one before it */
	struct {
		long ok, not_ok, skipped, plan, first; /* plan: -1 = none; first number, 0 = none */
		size_t line;
	} tap;
	struct {
		long passed, failed, packages, failed_packages;
		bool each; /* -v or -json: every test has its mark, not only the failed ones */
		size_t line;
	} go;
	regex_t pattern[ARRAY_LEN(forms)];
	bool compiled[ARRAY_LEN(forms)];
};

/* A number, limited to MOST, which is never reported. */
static long parse_number(const char *s, char **end)
{
	long v = strtol(s, end, 10);

	return v > MOST ? MOST : v < 0 ? 0 : v;
}

/* ---- closing lines ---- */

/* The number before a word of the line, in the singular or the plural. -1 = not there. */
static long number_before(const char *line, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = line; *p; p++) {
		char *end;
		long v;

		if (!isdigit((unsigned char)*p) ||
			(p > line && (isalnum((unsigned char)p[-1]) || p[-1] == '.')))
			continue;
		v = parse_number(p, &end);
		p = end - 1;
		if (strncmp(end, word, n))
			continue;
		end += n;
		end += !strncmp(end, "es", 2) ? 2 : *end == 's';
		if (!isalnum((unsigned char)*end) && strncmp(end, " as expected", 12))
			return v;
	}
	return -1;
}

/* The number after a text of n bytes. -1 = not there. */
static long number_after(const char *line, const char *text, size_t n)
{
	const char *p = memmem(line, strlen(line), text, n);

	if (!p)
		return -1;
	p += n;
	p += strspn(p, " ");
	return isdigit((unsigned char)*p) ? parse_number(p, NULL) : -1;
}

/* Adds what the line says of each role; how many numbers it has. */
static int add_counts(const char *counts, const char *line, struct tally *t)
{
	long *const to[128] = {
		['p'] = &t->passed, ['f'] = &t->failed, ['t'] = &t->total, ['s'] = &t->skipped
	};
	char *copy = xstrdup(counts), *rest = copy;
	int found = 0;

	for (char *item; (item = strsep(&rest, ",")) && *item;) {
		char *hash = strchr(item, '#');
		long v = hash == item + 1 ? number_before(line, hash + 1)
					  : number_after(line, item + 1, (size_t)(hash - item - 1));

		if (v < 0)
			continue;
		found++;
		t->passed_known |= *item == 'p';
		if (to[(int)*item])
			*to[(int)*item] += v;
	}
	free(copy);
	return found;
}

static bool matches(struct log *l, size_t i, const char *line)
{
	if (!strstr(line, forms[i].need))
		return false;
	if (!l->compiled[i] && regcomp(&l->pattern[i], forms[i].pattern, REG_EXTENDED | REG_NOSUB))
		bug("rank_check: the pattern of %s", forms[i].kind);
	l->compiled[i] = true;
	return !regexec(&l->pattern[i], line, 0, NULL, 0);
}

static void see_form(struct log *l, const struct form *f, const char *line)
{
	struct tally t = { .kind = f->kind };
	bool mine = l->now.kind && !strcmp(l->now.kind, f->kind);
	bool joins = mine && (f->flags & (JOIN | ADDS));

	if (joins)
		t = l->now;
	else if (!(f->flags & START))
		return;
	if (!add_counts(f->counts, line, &t) && (f->flags & START))
		return;
	t.adds = f->flags & ADDS || (joins && t.adds);
	t.complete = f->flags & LAST || (t.complete && f->flags & JOIN);
	t.line = l->line;
	if (l->now.complete && !joins)
		l->before = l->now;
	l->now = t;
}

/* ---- marks ---- */

static bool has_directive(const char *line, const char *word)
{
	for (const char *p = line; (p = strchr(p, '#')); p++)
		if (!strncasecmp(p + 1 + strspn(p + 1, " "), word, strlen(word)))
			return true;
	return false;
}

/* "1..4", "ok 1 - name", "not ok 2 # TODO why". */
static void see_tap(struct log *l, const char *line)
{
	bool not_ok = !strncmp(line, "not ok", 6);
	const char *p = line + (not_ok ? 6 : 2);

	if (!strncmp(line, "1..", 3) && isdigit((unsigned char)line[3])) {
		char *end;
		long plan = parse_number(line + 3, &end);

		if (*end && strncmp(end, " #", 2))
			return;
		l->tap.plan = (l->tap.plan < 0 ? 0 : l->tap.plan) + plan;
		l->tap.line = l->line;
		return;
	}
	if ((!not_ok && strncmp(line, "ok", 2)) || (*p && *p != ' '))
		return;
	p += strspn(p, " ");
	if (*p && !isdigit((unsigned char)*p) && *p != '-' && *p != '#')
		return;
	if (isdigit((unsigned char)*p)) {
		if (!l->tap.first)
			l->tap.first = parse_number(p, NULL);
		l->tap.line = l->line;
	}
	if (has_directive(p, "skip"))
		l->tap.skipped++;
	else if (not_ok && !has_directive(p, "todo"))
		l->tap.not_ok++;
	else
		l->tap.ok++;
}

static bool starts_with(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

/* A line of `go test -json` that ends a test, not one of its subtests: 'p', 'f' or 0. */
static char go_json(const char *line)
{
	const char *test = *line == '{' ? strstr(line, "\"Test\":\"") : NULL;

	if (!test || !strstr(line, "\"Package\":"))
		return 0;
	test += strlen("\"Test\":\"");
	if (memchr(test, '/', strcspn(test, "\"")))
		return 0;
	return strstr(line, "\"Action\":\"pass\"")    ? 'p'
		: strstr(line, "\"Action\":\"fail\"") ? 'f'
						      : 0;
}

static void see_go(struct log *l, const char *line)
{
	char json = go_json(line);
	bool unbuilt = starts_with(line, "FAIL\t") && strstr(line, " failed]");
	long all = l->go.passed + l->go.failed + l->go.packages + l->go.failed_packages;

	l->go.each |= json || starts_with(line, "=== RUN   ");
	l->go.passed += json == 'p' || starts_with(line, "--- PASS: ");
	l->go.failed += json == 'f' || starts_with(line, "--- FAIL: ") || unbuilt;
	l->go.packages += starts_with(line, "ok  \t");
	l->go.failed_packages += starts_with(line, "FAIL\t");
	if (all != l->go.passed + l->go.failed + l->go.packages + l->go.failed_packages)
		l->go.line = l->line;
}

/* ---- the log ---- */

static void see_line(struct log *l, const char *raw, size_t n)
{
	struct buf clean = BUF_INIT;
	char *copy;

	l->line++;
	if (n > LONGEST_LINE)
		return;
	copy = xstrndup(raw, n);
	see_go(l, copy);
	vt_clean(raw, n, &clean);
	buf_trim(&clean);
	see_tap(l, clean.p);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (matches(l, i, clean.p))
			see_form(l, &forms[i], clean.p);
	buf_release(&clean);
	free(copy);
}

/* What is complete and newest of the three. */
static void choose_result(const struct log *l, bool whole, long *passed, long *failed)
{
	const struct tally *t = l->now.complete ? &l->now : &l->before;
	long seen = l->tap.ok + l->tap.not_ok + l->tap.skipped;
	size_t line = 0;

	if (t->complete && (whole || !t->adds)) {
		*failed = t->failed;
		*passed = t->passed_known ? t->passed : t->total - t->failed - t->skipped;
		line = t->line;
	}
	if (!whole)
		return;
	if (l->tap.line > line && seen > 0 && (l->tap.plan >= 0 || l->tap.first == 1)) {
		*failed = l->tap.not_ok + (l->tap.plan > seen ? l->tap.plan - seen : 0);
		*passed = l->tap.ok;
		line = l->tap.line;
	}
	if (l->go.line > line) {
		*passed = l->go.each ? l->go.passed : l->go.packages;
		*failed = l->go.each ? l->go.failed : l->go.failed_packages;
	}
}

void rank_parse_check(const char *text, size_t n, bool whole, int *passed, int *total)
{
	struct log *l = xcalloc(1, sizeof *l);
	long good = -1, bad = -1;
	bool half = !whole; /* the first line may be the end of one */

	l->tap.plan = -1;
	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end ? (size_t)(end - text) - at : n - at;

		if (!half)
			see_line(l, text + at, len);
		half = false;
		at += len + 1;
	}
	choose_result(l, whole, &good, &bad);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (l->compiled[i])
			regfree(&l->pattern[i]);
	free(l);
	if (good < 0)
		good = bad < 0 ? -1 : 0;
	*passed = *total = -1;
	if (good < 0 || good + bad < 1 || good >= MOST || bad >= MOST)
		return;
	*passed = (int)good;
	*total = (int)(good + bad);
}
