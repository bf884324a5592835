/* test_race.c - race.json there and back, and the selectors with every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/race.h"

static void add(struct race *r, const char *name, enum variant_state s, bool archived)
{
	struct variant *v = race_add(r, variant_new(r->number, (int)r->n + 1, name));
	v->state = s;
	v->archived = archived;
}

/* 3 old and over, 6 old with a live one, 7 the newest with live ones. */
static struct race_set set;

static int setup(void **state)
{
	static struct race *all[3];
	all[0] = race_new(3);
	add(all[0], "claude-1", VS_PASSED, false);
	all[1] = race_new(6);
	all[1]->slug = xstrdup("flaky");
	add(all[1], "claude-1", VS_RUNNING, false);
	add(all[1], "aider-1", VS_FAILED, false);
	all[2] = race_new(7);
	all[2]->slug = xstrdup("flaky-parser");
	add(all[2], "claude-1", VS_RUNNING, false);
	add(all[2], "claude-2", VS_PASSED, false);
	add(all[2], "codex-1", VS_FAILED, false);
	add(all[2], "old-one", VS_PASSED, true);
	set.r = all;
	set.n = 3;
	return 0;
}

static int teardown(void **state)
{
	for (size_t i = 0; i < 3; i++)
		race_free(set.r[i]);
	return 0;
}

static int ask(
	const struct race_set *s, const char *sel, bool changes, struct buf *found, struct err *e)
{
	struct variant **out = NULL;
	size_t n = 0;
	int rc = race_select(s, sel, changes, &out, &n, e);
	buf_clear(found);
	for (size_t i = 0; i < n; i++)
		buf_fmt(found, "%s%d/%s", i ? " " : "", out[i]->race, out[i]->name);
	free(out);
	return rc;
}

static void what_is_meant_is_found(void **state)
{
	static const struct {
		const char *sel, *found;
	} right[] = {
		{ "7/claude-1", "7/claude-1" },
		{ "7/2", "7/claude-2" },
		{ "yolo/7/claude-1", "7/claude-1" },
		{ "refs/heads/yolo/3/claude-1", "3/claude-1" },
		{ "claude-1", "7/claude-1" },
		{ "co", "7/codex-1" },
		{ "2", "7/claude-2" },
		{ "@best", "7/claude-2" },
		{ "@passed", "7/claude-2" },
		{ "@failed", "7/codex-1" },
		{ "@live", "7/claude-1" },
		{ "6/@live", "6/claude-1" },
		{ "7/old-one", "7/old-one" },
		{ "7/4", "7/old-one" },
		{ "7-flaky-parser/co", "7/codex-1" },
		{ "6/ai", "6/aider-1" },
		{ "7/@failed", "7/codex-1" },
	};
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		struct err e = ERR_INIT;
		if (ask(&set, right[i].sel, false, &b, &e) || strcmp(b.p, right[i].found))
			fail_msg("%s: \"%s\" %s", right[i].sel, b.p, e.msg);
	}
	buf_release(&b);
}

static void what_is_not_clear_is_refused(void **state)
{
	static const struct {
		const char *sel, *code, *words;
	} wrong[] = {
		{ "claude-9", "no_such_variant",
			"no variant \"claude-9\" in race 7: it has claude-1, claude-2" },
		{ "claude", "ambiguous", "7/claude-1 and 7/claude-2: write more" },
		{ "7/cl", "ambiguous", "7/claude-1" },
		{ "9/claude-1", "no_such_race", "no race 9" },
		{ "7-other/claude-1", "no_such_race", "no race 7-other" },
		{ "x/claude-1", "usage", "number of a race" },
		{ "7/", "usage", "write its name" },
		{ "", "usage", "write its name" },
		{ "yolo/", "usage", "write its name" },
		{ "7/9", "no_such_variant", "no variant \"9\"" },
		{ "0", "no_such_variant", "no variant \"0\"" },
		{ "99999999999", "no_such_variant", "no variant" },
		{ "@fastest", "usage", "@best, @passed, @failed and @live" },
		{ "6/@best", "no_such_variant", "no variant of race 6 has passed" },
		{ "3/@live", "no_such_variant", "no variant of race 3 is live" },
		{ "old", "no_such_variant", "no variant \"old\"" },
	};
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct err e = ERR_INIT;
		int rc = ask(&set, wrong[i].sel, false, &b, &e);
		if (rc != -1 || b.len || strcmp(e.code, wrong[i].code) ||
			!strstr(e.msg, wrong[i].words))
			fail_msg("\"%s\": %d \"%s\" %s: %s", wrong[i].sel, rc, b.p, e.code, e.msg);
	}
	struct race_set none = { NULL, 0 };
	struct err e = ERR_INIT;
	assert_int_equal(ask(&none, "a", false, &b, &e), -1);
	assert_string_equal(e.code, "no_race");
	buf_release(&b);
}

static void a_change_wants_the_race_when_two_are_live(void **state)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(ask(&set, "claude-1", true, &b, &e), -1);
	assert_string_equal(e.code, "ambiguous");
	assert_non_null(strstr(e.msg, "7/claude-1 and 6/claude-1"));
	assert_int_equal(ask(&set, "7/claude-1", true, &b, &e), 0);
	assert_int_equal(ask(&set, "codex-1", true, &b, &e), 0);
	set.r[1]->v[0]->state = VS_PASSED;
	assert_int_equal(ask(&set, "claude-1", true, &b, &e), 0);
	assert_string_equal(b.p, "7/claude-1");
	buf_release(&b);
}

static void several_selectors_give_each_once(void **state)
{
	struct variant **out = NULL;
	size_t n = 0;
	struct err e = ERR_INIT;
	assert_int_equal(race_select(&set, "7/1", false, &out, &n, &e), 0);
	assert_int_equal(race_select(&set, "claude-1", false, &out, &n, &e), 0);
	assert_int_equal(race_select(&set, "@passed", false, &out, &n, &e), 0);
	assert_int_equal(n, 2);
	free(out);
}

static void a_race_survives_json(void **state)
{
	static const char file[] =
		"{ \"name\": \"N\", \"command\": \"x\", \"repeat\": 3, \"check\": \"make\" }";
	struct race *r = race_new(7);
	struct err e = ERR_INIT;
	struct buf one = BUF_INIT, two = BUF_INIT;
	assert_int_equal(spec_parse(&r->spec, "r.json", file, strlen(file), &e), 0);
	assert_int_equal(spec_expand(&r->spec, &e), 0);
	r->slug = xstrdup("n");
	r->base = xstrdup("0123456789012345678901234567890123456789");
	r->engine = xstrdup("local");
	r->created_ns = 1764000000123456789;
	struct json *j = race_to_json(r), *again;
	struct race *back = race_from_json(j, &e);
	if (!back)
		fail_msg("%s", e.msg);
	assert_int_equal(back->number, 7);
	assert_int_equal(back->spec.nvariants, 3);
	assert_string_equal(back->spec.variants[2].name, "n-3");
	assert_int_equal(back->created_ns, r->created_ns);
	assert_null(back->engine_why);
	again = race_to_json(back);
	json_print(j, &one);
	json_print(again, &two);
	assert_string_equal(one.p, two.p);
	json_put_int(again, "v", 2);
	assert_null(race_from_json(again, &e));
	json_put_int(j, "number", 0);
	assert_null(race_from_json(j, &e));
	json_free(j);
	json_free(again);
	buf_release(&one);
	buf_release(&two);
	race_free(r);
	race_free(back);
}

static void live_as_long_as_one_is(void **state)
{
	assert_false(race_live(set.r[0]));
	assert_true(race_live(set.r[2]));
	assert_ptr_equal(race_find(set.r[2], "codex-1"), set.r[2]->v[2]);
	assert_null(race_find(set.r[2], "codex"));
}

static void again(struct race *r, const char *name, const char *origin, enum variant_state s)
{
	add(r, name, s, false);
	xreplace(&r->v[r->n - 1]->origin, origin);
}

static void what_is_run_again_has_a_name_and_a_recipe(void **state)
{
	static const char file[] =
		"{ \"command\": \"x\", \"variants\": [ { \"name\": \"opus-0.5\", \"command\": \"y\" }, "
		"{ \"name\": \"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff-1g\" }, "
		"{ \"name\": \"11111111112222222222333333333344444444445555555555666666666612a\" } ] }";
	struct race *r = race_new(7);
	struct err e = ERR_INIT;
	char *name;
	assert_int_equal(spec_parse(&r->spec, "r.json", file, strlen(file), &e), 0);
	assert_int_equal(spec_expand(&r->spec, &e), 0);
	for (size_t i = 0; i < 3; i++)
		add(r, r->spec.variants[i].name, VS_FAILED, false);
	again(r, "opus-0.5.2", "opus-0.5", VS_LOST);
	again(r, "opus-0.5.3", "opus-0.5.2", VS_PASSED);
	again(r, "orphan.2", "gone", VS_LOST);
	again(r, "snake.2", "snake.2", VS_LOST);
	assert_ptr_equal(race_recipe(r, r->v[0]), &r->spec.variants[0]);
	assert_ptr_equal(race_recipe(r, r->v[4]), &r->spec.variants[0]);
	assert_null(race_recipe(r, r->v[5]));
	assert_null(race_recipe(r, r->v[6]));
	name = race_rerun_name(r, r->v[4], 4);
	assert_string_equal(name, "opus-0.5.4");
	free(name);
	name = race_rerun_name(r, r->v[1], 10); /* cut, and not left with a mark at its end */
	assert_string_equal(
		name, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff.10");
	assert_true(spec_name_ok(name));
	free(name);
	name = race_rerun_name(r, r->v[2], 2);
	assert_true(spec_name_ok(name));
	assert_string_equal(name + strlen(name) - 2, ".2");
	free(name);
	race_free(r);
}

static void a_race_run_again_begins_again(void **state)
{
	struct race *r = race_new(7);
	r->created_ns = 100;
	add(r, "a", VS_PASSED, false);
	add(r, "b", VS_FAILED, false);
	r->v[0]->created_ns = r->v[1]->created_ns = 100;
	r->v[0]->ended_ns = 200;
	r->v[1]->ended_ns = 300;
	assert_int_equal(race_began_ns(r), 100);
	again(r, "a.2", "a", VS_PASSED); /* while b ran */
	r->v[2]->created_ns = 250;
	r->v[2]->ended_ns = 400;
	assert_int_equal(race_began_ns(r), 100);
	again(r, "a.3", "a", VS_RUNNING); /* when all was over */
	r->v[3]->created_ns = 500;
	assert_int_equal(race_began_ns(r), 500);
	again(r, "b.2", "b", VS_QUEUED);
	r->v[4]->created_ns = 600;
	assert_int_equal(race_began_ns(r), 500);
	race_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_meant_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_clear_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_change_wants_the_race_when_two_are_live, setup, teardown),
		cmocka_unit_test_setup_teardown(several_selectors_give_each_once, setup, teardown),
		cmocka_unit_test_setup_teardown(live_as_long_as_one_is, setup, teardown),
		cmocka_unit_test(a_race_survives_json),
		cmocka_unit_test(what_is_run_again_has_a_name_and_a_recipe),
		cmocka_unit_test(a_race_run_again_begins_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
