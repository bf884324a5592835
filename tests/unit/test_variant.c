/* test_variant.c - the whole next[state][event] table, variant.json there and back, and damaged
 * ones. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/timestamp.h"
#include "model/variant.h"

/* Every legal pair; all others are not. */
static const struct {
	const char *from, *event, *to;
} legal[] = {
	{ "queued", "prepare", "preparing" },
	{ "queued", "failed_start", "failed" },
	{ "queued", "kill", "killed" },
	{ "preparing", "prepare", "preparing" },
	{ "preparing", "started", "running" },
	{ "preparing", "ended", "saving" },
	{ "preparing", "failed_start", "failed" },
	{ "preparing", "kill", "stopping" },
	{ "preparing", "gone", "saving" },
	{ "running", "started", "running" },
	{ "running", "ended", "saving" },
	{ "running", "kill", "stopping" },
	{ "running", "gone", "saving" },
	{ "saving", "kill", "saving" },
	{ "saving", "saved_check", "checking" },
	{ "saving", "saved_passed", "passed" },
	{ "saving", "saved_failed", "failed" },
	{ "saving", "saved_killed", "killed" },
	{ "saving", "saved_lost", "lost" },
	{ "checking", "failed_start", "failed" },
	{ "checking", "kill", "stopping" },
	{ "checking", "gone", "lost" },
	{ "checking", "check_passed", "passed" },
	{ "checking", "check_failed", "failed" },
	{ "stopping", "started", "stopping" },
	{ "stopping", "ended", "saving" },
	{ "stopping", "failed_start", "killed" },
	{ "stopping", "kill", "stopping" },
	{ "stopping", "gone", "saving" },
	{ "stopping", "saved_killed", "killed" },
};

static int expected(int s, int ev)
{
	for (size_t i = 0; i < ARRAY_LEN(legal); i++)
		if (!strcmp(legal[i].from, variant_state_name(s)) &&
			!strcmp(legal[i].event, variant_event_name(ev)))
			return variant_state_parse(legal[i].to);
	return -1;
}

static void the_whole_table(void **state)
{
	size_t found = 0;
	for (int s = 0; s < VS_COUNT; s++)
		for (int ev = 0; ev < VE_COUNT; ev++) {
			int to = variant_next(s, ev);
			if (to != expected(s, ev))
				fail_msg("%s + %s -> %d", variant_state_name(s),
					variant_event_name(ev), to);
			found += to >= 0;
		}
	assert_int_equal(found, ARRAY_LEN(legal));
	assert_int_equal(variant_next(VS_COUNT, 0), -1);
	assert_int_equal(variant_next(0, VE_COUNT), -1);
}

static void an_end_is_an_end_and_every_state_can_reach_one(void **state)
{
	bool ends[VS_COUNT];
	for (int s = 0; s < VS_COUNT; s++) {
		ends[s] = variant_ended(s);
		assert_int_equal(variant_live(s), !ends[s]);
		for (int ev = 0; ends[s] && ev < VE_COUNT; ev++)
			assert_int_equal(variant_next(s, ev), -1);
	}
	for (int round = 0; round < VS_COUNT; round++)
		for (int s = 0; s < VS_COUNT; s++)
			for (int ev = 0; ev < VE_COUNT; ev++)
				if (variant_next(s, ev) >= 0 && ends[variant_next(s, ev)])
					ends[s] = true;
	for (int s = 0; s < VS_COUNT; s++)
		assert_true(ends[s]);
}

static void names_are_read_back(void **state)
{
	for (int s = 0; s < VS_COUNT; s++)
		assert_int_equal(variant_state_parse(variant_state_name(s)), s);
	assert_int_equal(variant_state_parse("asleep"), -1);
	assert_int_equal(variant_state_parse(NULL), -1);
	assert_string_equal(variant_state_name(VS_COUNT), "?");
	assert_string_equal(variant_event_name(VE_COUNT), "?");
}

static void an_illegal_event_changes_nothing(void **state)
{
	struct variant *v = variant_new(7, 1, "a");
	unsetenv("YOLODECK_STRICT");
	assert_int_equal(variant_apply(v, VE_PREPARE), 0);
	assert_int_equal(variant_apply(v, VE_CHECK_PASSED), -1);
	assert_int_equal(v->state, VS_PREPARING);
	pid_t pid = fork();
	if (pid == 0) {
		/* the abort must be the child's end, not a report of cmocka's handler */
		signal(SIGABRT, SIG_DFL);
		setenv("YOLODECK_STRICT", "1", 1);
		fclose(stderr);
		variant_apply(v, VE_CHECK_PASSED);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	variant_free(v);
}

static struct variant *full(void)
{
	struct variant *v = variant_new(7, 2, "claude-1");
	v->state = VS_FAILED;
	v->reason = xstrdup("exit 1, \"so\"\n");
	v->exit = 1;
	v->created_ns = 1764000000123456789;
	v->started_ns = 1764000001000000001;
	v->ended_ns = 1764000002999999999;
	v->engine = xstrdup("docker");
	v->engine_id = xstrdup("abc");
	v->log_dev = UINT64_MAX;
	v->log_ino = (1ULL << 60) + 1;
	v->base = xstrdup("b");
	v->commit = xstrdup("c");
	v->branch = xstrdup("yolo/7/claude-1");
	v->conflict = xstrdup("");
	v->files = 2;
	v->added = 42;
	v->removed = 0;
	v->check.state = CHECK_FAILED;
	v->check.exit = 2;
	v->check.passed = 3;
	v->check.total = 12;
	v->kill_asked = true;
	v->promoted = xstrdup("main");
	return v;
}

static void a_record_survives(void **state)
{
	struct variant *v = full();
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct err e = ERR_INIT;
	struct json *j = variant_to_json(v), *p, *again;
	json_print(j, &one);
	p = json_parse(one.p, one.len, &e);
	struct variant *back = variant_from_json(p, &e);
	if (!back)
		fail_msg("%s", e.msg);
	assert_int_equal(back->created_ns, v->created_ns);
	assert_int_equal(back->ended_ns, v->ended_ns);
	assert_true(back->log_dev == v->log_dev && back->log_ino == v->log_ino);
	assert_string_equal(back->reason, v->reason);
	assert_string_equal(back->conflict, "");
	assert_null(back->scan);
	assert_int_equal(back->removed, 0);
	assert_int_equal(back->check.total, 12);
	assert_true(back->kill_asked && !back->archived);
	again = variant_to_json(back);
	json_print(again, &two);
	assert_string_equal(one.p, two.p);
	json_free(j);
	json_free(p);
	json_free(again);
	buf_release(&one);
	buf_release(&two);
	variant_free(v);
	variant_free(back);
}

static void what_is_not_known_stays_so(void **state)
{
	struct variant *v = variant_new(1, 1, "a");
	struct json *j = variant_to_json(v);
	struct err e = ERR_INIT;
	struct variant *back = variant_from_json(j, &e);
	assert_non_null(back);
	assert_int_equal(back->exit, -1);
	assert_int_equal(back->files, -1);
	assert_int_equal(back->added, -1);
	assert_int_equal(back->check.passed, -1);
	assert_int_equal(back->started_ns, 0);
	assert_null(back->conflict);
	json_free(j);
	variant_free(v);
	variant_free(back);
}

static void damaged_records_are_refused(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"[]",
		"7",
		"null",
		"{\"v\":2,\"race\":7,\"number\":1,\"variant\":\"a\",\"state\":\"queued\"}",
		"{\"v\":1,\"race\":0,\"number\":1,\"variant\":\"a\",\"state\":\"queued\"}",
		"{\"v\":1,\"race\":7,\"number\":0,\"variant\":\"a\",\"state\":\"queued\"}",
		"{\"v\":1,\"race\":7,\"number\":1,\"variant\":\"../a\",\"state\":\"queued\"}",
		"{\"v\":1,\"race\":7,\"number\":1,\"variant\":7,\"state\":\"queued\"}",
		"{\"v\":1,\"race\":7,\"number\":1,\"variant\":\"a\",\"state\":\"asleep\"}",
		"{\"v\":1,\"race\":7,\"number\":1,\"variant\":\"a\"}",
		"{\"v\":1,\"race\":7,\"number\":1,\"variant\":\"a\",\"state\":\"queued\","
		"\"reason\":[]}",
		"{\"v\":1,\"race\":7,\"number\":1,\"variant\":\"a\",\"state\":\"queued\",\"check\":"
		"{\"state\":\"odd\"}}",
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct err e = ERR_INIT;
		struct json *j = json_parse(wrong[i], strlen(wrong[i]), &e);
		assert_non_null(j);
		struct variant *v = variant_from_json(j, &e);
		if (v)
			fail_msg("accepted: %s", wrong[i]);
		assert_string_equal(e.code, "damaged");
		json_free(j);
	}
}

static void times_are_exact(void **state)
{
	static const int64_t times[] = { 1, 999999999, 1000000000, 1764000000123456789,
		4102444800000000000 };
	struct err e = ERR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct json *o = json_object();
		timestamp_put(o, "t", times[i]);
		/* below one second the text cannot be told from 1970 itself: only later times
		 * matter */
		if (times[i] >= 1000000000)
			assert_int_equal(timestamp_get(o, "t"), times[i]);
		json_free(o);
	}
	static const char bad[] = "{\"a\":\"yesterday\",\"b\":7,\"c\":\"2026-11-24T15:04:05Z\","
				  "\"d\":\"2026-11-24T15:04:05.123456789Zx\"}";
	struct json *j = json_parse(bad, strlen(bad), &e);
	for (const char *k = "abcde"; *k; k++)
		assert_int_equal(timestamp_get(j, (char[]){ *k, 0 }), 0);
	json_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_table),
		cmocka_unit_test(an_end_is_an_end_and_every_state_can_reach_one),
		cmocka_unit_test(names_are_read_back),
		cmocka_unit_test(an_illegal_event_changes_nothing),
		cmocka_unit_test(a_record_survives),
		cmocka_unit_test(what_is_not_known_stays_so),
		cmocka_unit_test(damaged_records_are_refused),
		cmocka_unit_test(times_are_exact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
