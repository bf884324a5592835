/* rank_check.c - what a check's log says of itself: "3 of 12", from the summaries that test
 * programs print.
 *
 * Every line goes to every recogniser; the last summary counts, TAP's own plan before any summary,
 * single marks (go, TAP without plan) only when there is no summary. Guesses are worse than
 * nothing: what was cut off or is not known stays -1. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/rank.h"

enum { MOST = 10000000, WINDOW = 64 << 10, LINE_LONGEST = 4096 };

struct seen {
	long passed, failed; /* of the newest summary; -1 = none */
	const char *kind;
	long tap_ok, tap_not, tap_plan, tap_first;
	long go_pass, go_fail, go_pkg_ok, go_pkg_fail;
	long ran; /* unittest: "Ran 12 tests" waits for OK or FAILED */
};

/* Newest summary; parts of one kind ("test result:" once a crate) add up. */
static void summary(struct seen *s, const char *kind, long passed, long failed, bool adds)
{
	if (adds && s->kind && !strcmp(s->kind, kind)) {
		s->passed += passed;
		s->failed += failed;
		return;
	}
	s->kind = kind;
	s->passed = passed;
	s->failed = failed;
}

static bool word_at(const char *p, const char *w)
{
	size_t n = strlen(w);
	return !strncmp(p, w, n) && !isalnum((unsigned char)p[n]) && p[n] != '_';
}

/* A number; what nobody counts to becomes the most, and is not given to anybody. */
static long count(const char *s, char **end)
{
	long v = strtol(s, end, 10);
	return v > MOST ? MOST : v < 0 ? 0 : v;
}

/* The number before a word of the line: "12 passed", "12 tests passed", "12 test(s) failed". -1 =
 * not there. */
static long before(const char *line, const char *word)
{
	static const char *const between[] = { "tests", "test(s)", "test", "examples", "specs" };
	for (const char *p = line; *p; p++) {
		if (!isdigit((unsigned char)*p) ||
			(p > line && (isalnum((unsigned char)p[-1]) || p[-1] == '.')))
			continue;
		char *end;
		long v = count(p, &end);
		p = end - 1;
		if (*end != ' ')
			continue;
		end++;
		for (size_t i = 0; i < ARRAY_LEN(between); i++)
			if (!strncmp(end, between[i], strlen(between[i])) &&
				end[strlen(between[i])] == ' ') {
				end += strlen(between[i]) + 1;
				break;
			}
		if (word_at(end, word))
			return v;
	}
	return -1;
}

/* The number after a text: "Failures: 1", "failures=1". -1 = not there. */
static long after(const char *line, const char *text)
{
	const char *p = strstr(line, text);
	if (!p)
		return -1;
	p += strlen(text);
	p += strspn(p, " ");
	return isdigit((unsigned char)*p) ? count(p, NULL) : -1;
}

static long known(long v)
{
	return v < 0 ? 0 : v;
}

static void see_tap(struct seen *s, const char *l)
{
	bool not = !strncmp(l, "not ok", 6);
	const char *p = l + (not ? 6 : 2);
	if (!strncmp(l, "1..", 3) && isdigit((unsigned char)l[3]) &&
		!l[3 + strspn(l + 3, "0123456789")]) {
		s->tap_plan = count(l + 3, NULL);
		return;
	}
	if ((!not &&strncmp(l, "ok", 2)) || (*p && *p != ' '))
		return;
	p += strspn(p, " ");
	/* "ok      pkg 0.1s" of go has no number and a tab; TAP without numbers still has "ok"
	 * alone or "ok - text" */
	if (*p && !isdigit((unsigned char)*p) && *p != '-' && *p != '#')
		return;
	if (isdigit((unsigned char)*p) && !s->tap_first)
		s->tap_first = count(p, NULL);
	const char *hash = strchr(p, '#');
	bool todo = hash && !strncasecmp(hash + 1 + strspn(hash + 1, " "), "todo", 4);
	if (not &&!todo)
		s->tap_not++;
	else
		s->tap_ok++;
}

/* pytest, cargo, jest, vitest, ctest and every "12 passed, 1 failed". */
static void see_passed(struct seen *s, const char *l)
{
	long passed = before(l, "passed"), failed = before(l, "failed"),
	     errors = before(l, "errors");
	if (!strncmp(l, "Test Suites:", 12) || !strncmp(l, "Test Files", 10) ||
		!strncmp(l, "Snapshots:", 10))
		return;
	if (errors < 0)
		errors = before(l, "error");
	if (strstr(l, "% tests passed,") && after(l, "failed out of") > 0) {
		long total = after(l, "failed out of");
		summary(s, "ctest", total - known(failed), known(failed), false);
	} else if (!strncmp(l, "test result:", 12) && passed >= 0) {
		summary(s, "cargo", passed, known(failed), true);
	} else if (passed >= 0 || (failed >= 0 && strncmp(l, "test ", 5))) {
		summary(s, "passed", known(passed), known(failed) + known(errors), false);
	}
}

/* mocha: "  12 passing (30ms)" and on a line of its own "  1 failing". */
static void see_mocha(struct seen *s, const char *l)
{
	long passing = before(l, "passing"), failing = before(l, "failing");
	if (passing >= 0)
		summary(s, "mocha", passing, 0, false);
	else if (failing >= 0 && s->kind && !strcmp(s->kind, "mocha"))
		s->failed = failing;
}

/* cmocka and googletest: "[  PASSED  ] 12 test(s).", then "[  FAILED  ] 1 test(s), listed below:"
 * or "... name: 1 test(s), ...". */
static void see_brackets(struct seen *s, const char *l)
{
	bool passed = !strncmp(l, "[  PASSED  ]", 12), failed = !strncmp(l, "[  FAILED  ]", 12);
	if ((!passed && !failed) || !strstr(l, "test"))
		return;
	long v = before(l, "test(s)");
	if (v < 0)
		v = before(l, "tests");
	if (v < 0)
		v = before(l, "test");
	if (v < 0 || (failed && !strstr(l, "listed below")))
		return;
	summary(s, "brackets", passed ? v : 0, failed ? v : 0, true);
}

/* unittest: "Ran 12 tests in 0.1s", then "OK" or "FAILED (failures=1, errors=1)"; maven: "Tests
 * run: 12, Failures: 1, Errors: 0". */
static void see_ran(struct seen *s, const char *l)
{
	long run = after(l, "Tests run:");
	if (run >= 0) {
		long bad = known(after(l, "Failures:")) + known(after(l, "Errors:"));
		long skipped = known(after(l, "Skipped:"));
		summary(s, "maven", run - bad - skipped, bad, false);
	} else if (!strncmp(l, "Ran ", 4) && strstr(l, " test")) {
		s->ran = count(l + 4, NULL);
	} else if (s->ran >= 0 && (word_at(l, "OK") || word_at(l, "FAILED"))) {
		long bad = known(after(l, "failures=")) + known(after(l, "errors="));
		long skipped = known(after(l, "skipped="));
		summary(s, "unittest", s->ran - bad - skipped, bad, false);
		s->ran = -1;
	}
}

/* rspec, minitest: "12 examples, 1 failure", "12 runs, 20 assertions, 1 failures, 0 errors". */
static void see_ruby(struct seen *s, const char *l)
{
	long total = before(l, "examples"), bad = before(l, "failures");
	if (total < 0)
		total = before(l, "runs");
	if (bad < 0)
		bad = before(l, "failure");
	if (total < 0 || bad < 0)
		return;
	bad += known(before(l, "errors"));
	summary(s, "ruby", total - bad, bad, false);
}

static void see_go(struct seen *s, const char *l)
{
	if (!strncmp(l, "--- PASS: ", 10))
		s->go_pass++;
	else if (!strncmp(l, "--- FAIL: ", 10))
		s->go_fail++;
	else if (!strncmp(l, "ok  \t", 5))
		s->go_pkg_ok++;
	else if (!strncmp(l, "FAIL\t", 5))
		s->go_pkg_fail++;
}

static void see_line(struct seen *s, const char *l)
{
	see_tap(s, l);
	see_passed(s, l);
	see_mocha(s, l);
	see_brackets(s, l);
	see_ran(s, l);
	see_ruby(s, l);
	see_go(s, l);
}

/* One line without colours, carriage returns and "=== ... ===" dressing. Returns what of text was
 * used. */
static size_t clean_line(const char *text, size_t n, char *out)
{
	size_t i = 0, o = 0;
	for (; i < n && text[i] != '\n'; i++) {
		if (text[i] == '\033' && i + 1 < n && text[i + 1] == '[') {
			for (i += 2; i < n && text[i] != '\n' && !isalpha((unsigned char)text[i]);
				i++)
				;
			if (i < n && text[i] == '\n')
				break;
		} else if (text[i] == '\r') {
			if (i + 1 < n && text[i + 1] != '\n')
				o = 0;
		} else if (text[i] && o + 1 < LINE_LONGEST) {
			out[o++] = text[i];
		}
	}
	out[o] = '\0';
	return i < n ? i + 1 : i;
}

static void give(long good, long bad, int *passed, int *total)
{
	if (good < 0 || bad < 0 || good >= MOST || bad >= MOST)
		return;
	*passed = (int)good;
	*total = (int)(good + bad);
}

void rank_parse_check(const char *text, size_t n, int *passed, int *total)
{
	struct seen s = { .passed = -1, .failed = -1, .tap_plan = -1, .ran = -1 };
	char line[LINE_LONGEST];
	bool cut = n > WINDOW;
	*passed = *total = -1;
	if (cut) {
		text += n - WINDOW;
		n = WINDOW;
	}
	for (size_t at = 0; at < n;) {
		at += clean_line(text + at, n - at, line);
		if (cut)
			cut = false; /* the first line may be half of one */
		else
			see_line(&s, line);
	}
	bool tap_whole = s.tap_ok + s.tap_not > 0 && s.tap_first <= 1;
	if (tap_whole && s.tap_plan >= s.tap_ok + s.tap_not)
		give(s.tap_ok, s.tap_plan - s.tap_ok, passed, total);
	else if (s.kind)
		give(s.passed, s.failed, passed, total);
	else if (tap_whole)
		give(s.tap_ok, s.tap_not, passed, total);
	else if (s.go_pass + s.go_fail > 0)
		give(s.go_pass, s.go_fail, passed, total);
	else if (s.go_pkg_ok + s.go_pkg_fail > 0)
		give(s.go_pkg_ok, s.go_pkg_fail, passed, total);
}
