/* test_sched.c - slots of the queue, what a check is worth, prompts at the end of a log, the undo
 * stack from a journal. */
#include "unit.h"

#include "base/json.h"
#include "conductor/attention.h"
#include "conductor/save.h"
#include "conductor/sched.h"
#include "conductor/undo.h"

static void slots(void **state)
{
	struct race *r = race_new(1);
	enum variant_state all[] = { VS_RUNNING, VS_QUEUED, VS_PASSED, VS_SAVING, VS_QUEUED,
		VS_KILLED };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		race_add(r, variant_new(1, (int)i + 1, "ab"))->state = all[i];
	assert_int_equal(sched_free(r, 4), 2);
	assert_int_equal(sched_free(r, 2), 0);
	assert_int_equal(sched_free(r, 1), 0);
	assert_int_equal(sched_free(r, 0), 0); /* as 1 */
	race_free(r);
}

/* At least four, as many as there are processors, fewer where memory does not suffice. */
static void default_parallel(void **state)
{
	const int64_t gib = (int64_t)1 << 30;

	assert_int_equal(engine_parallel_of(2, 16 * gib), 4);
	assert_int_equal(engine_parallel_of(16, 64 * gib), 16);
	assert_int_equal(engine_parallel_of(16, 4 * gib), 6);
	assert_int_equal(engine_parallel_of(2, gib), 1);
	assert_int_equal(engine_parallel_of(1, gib / 4), 1);
}

static void worth_a_check(void **state)
{
	struct engine_end end = { .cause = ENGINE_EXITED, .exit = 0 };

	assert_true(save_may_check(&end) && save_passed(&end));
	end.exit = 1;
	assert_true(save_may_check(&end) && !save_passed(&end));
	end.cause = ENGINE_TIME;
	end.exit = 0;
	assert_true(save_may_check(&end) && !save_passed(&end));
	end.cause = ENGINE_SETUP;
	assert_false(save_may_check(&end));
	end.cause = ENGINE_GONE;
	assert_false(save_may_check(&end));
}

static bool asks(const char *tail)
{
	struct buf b = BUF_INIT;
	bool yes = attention_prompt(tail, strlen(tail), &b);

	if (yes)
		assert_null(strstr(b.p, "of it")); /* what was written over is not shown */
	buf_release(&b);
	return yes;
}

static void prompts(void **state)
{
	assert_true(asks("$ npm install\nProceed? (y/N)"));
	assert_true(asks("Proceed? (y/N) "));
	assert_true(asks("Overwrite [y/N]: "));
	assert_true(asks("Password: "));
	assert_true(asks("\033[1mReally?\033[0m "));
	assert_false(asks("Proceed? (y/N)\n"));
	assert_false(asks("compiling:"));
	assert_false(asks("thinking"));
	assert_false(asks(""));
	assert_false(asks("\n"));
	assert_false(asks("time 12:31"));
	assert_true(asks("10% of it\r99% of it\rProceed? (y/N)"));
	assert_false(asks("Proceed? (y/N)\rworking"));
	assert_false(asks("Proceed? (y/N)\033[2K\033[1G/ working"));
}

/* ---- the undo stack ---- */

static void line(struct replay *r, const char *text)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(text, strlen(text), &e);

	assert_non_null(j);
	undo_replay(r, j);
	json_free(j);
}

#define OLD "1111111111111111111111111111111111111111"
#define NEW "2222222222222222222222222222222222222222"

static void promote_lines(struct replay *r, int n, const char *stage)
{
	char b[512];

	snprintf(b, sizeof(b),
		"{\"n\":%d,\"op\":\"promote\",\"stage\":\"intent\",\"race\":7,\"variant\":\"a\",\"into_ref\":\"refs/heads/main\","
		"\"old\":\"" OLD "\",\"new\":\"" NEW "\",\"tree_dir\":null}",
		n);
	line(r, b);
	snprintf(b, sizeof(b), "{\"n\":%d,\"stage\":\"child\",\"pid\":5}", n);
	line(r, b);
	if (stage) {
		snprintf(b, sizeof(b), "{\"n\":%d,\"stage\":\"%s\"}", n, stage);
		line(r, b);
	}
}

static void replayed(void **state)
{
	struct replay r;

	memset(&r, 0, sizeof(r));
	promote_lines(&r, 1, "done");
	promote_lines(&r, 2, "failed");
	assert_int_equal(r.undo.n, 1);
	assert_true(undo_top(&r.undo)->promote);
	assert_string_equal(undo_top(&r.undo)->done.new, NEW);
	line(&r,
		"{\"n\":3,\"op\":\"archives\",\"stage\":\"intent\",\"variants\":[\"7/b\",\"7/c\",\"7/d\"],\"with_promote\":true}");
	line(&r,
		"{\"n\":3,\"stage\":\"done\",\"variants\":[\"7/b\",\"7/c\"],\"with_promote\":true}");
	assert_int_equal(r.undo.n, 1); /* one thing with the promote */
	assert_int_equal(undo_top(&r.undo)->archived.n, 2);
	line(&r,
		"{\"n\":4,\"op\":\"archives\",\"stage\":\"intent\",\"variants\":[\"7/e\"],\"with_promote\":false}");
	line(&r, "{\"n\":4,\"stage\":\"done\",\"variants\":[\"7/e\"],\"with_promote\":false}");
	assert_int_equal(r.undo.n, 2);
	line(&r,
		"{\"n\":5,\"op\":\"restores\",\"stage\":\"intent\",\"variants\":[\"7/e\",\"7/b\"]}");
	line(&r, "{\"n\":5,\"stage\":\"done\",\"variants\":[\"7/e\",\"7/b\"]}");
	assert_int_equal(r.undo.n, 1);
	assert_int_equal(undo_top(&r.undo)->archived.n, 1);
	line(&r, "{\"n\":6,\"op\":\"undo\",\"stage\":\"intent\"}");
	assert_int_equal(r.nopen, 1);
	line(&r, "{\"n\":6,\"stage\":\"done\"}");
	assert_int_equal(r.nopen, 0);
	assert_int_equal(r.undo.n, 0);
	promote_lines(&r, 7, NULL);
	assert_int_equal(r.nopen, 1);
	assert_int_equal(json_int(r.child[0], "pid", 0), 5);
	replay_release(&r);
}

static void many(void **state)
{
	struct replay r;

	memset(&r, 0, sizeof(r));
	for (int i = 1; i <= UNDO_KEPT + 5; i++)
		promote_lines(&r, i, "done");
	assert_int_equal(r.undo.n, UNDO_KEPT);
	replay_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots),
		cmocka_unit_test(default_parallel),
		cmocka_unit_test(worth_a_check),
		cmocka_unit_test(prompts),
		cmocka_unit_test(replayed),
		cmocka_unit_test(many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
