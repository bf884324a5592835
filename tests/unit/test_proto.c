/* test_proto.c - rows, races and the first line as they travel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/proto.h"

static void a_row_survives(void **state)
{
	struct row *r = row_new(variant_new(7, 1, "a"));
	struct err e = ERR_INIT;
	struct buf one = BUF_INIT;
	r->v->state = VS_PASSED;
	r->v->started_ns = 1764000000000000000;
	r->v->ended_ns = r->v->started_ns + 118000000000;
	r->v->note = xstrdup("copying");
	r->rank = 1;
	r->best = true;
	r->attention = 1;
	r->evidence = xstrdup("silent 94 s, cpu 0%");
	r->cpu = 12.5;
	r->memory = 312 << 20;
	r->slug = xstrdup("flaky");
	r->warn = xstrdup("log not guarded");
	r->rev = 99;
	struct json *j = row_to_json(r), *p;
	assert_int_equal(json_int(j, "elapsed_ms", 0), 118000);
	json_print(j, &one);
	p = json_parse(one.p, one.len, &e);
	struct row *back = row_from_json(p, &e);
	assert_non_null(back);
	assert_string_equal(back->v->note, "copying");
	assert_int_equal(back->rank, 1);
	assert_true(back->best);
	assert_string_equal(back->evidence, r->evidence);
	assert_true(back->cpu > 12.4 && back->cpu < 12.6);
	assert_int_equal(back->memory, r->memory);
	assert_string_equal(back->slug, "flaky");
	assert_string_equal(back->warn, "log not guarded");
	assert_true(back->rev == 99 && back->v->rev == 99);
	json_free(j);
	json_free(p);
	buf_release(&one);
	row_free(r);
	row_free(back);
}

static void what_a_row_does_not_know_is_null(void **state)
{
	static const char *const nulls[] = { "rank", "cpu", "memory", "elapsed_ms", "evidence",
		"warn", "exit", "started" };
	struct row *r = row_new(variant_new(7, 1, "a"));
	struct json *j = row_to_json(r);
	struct err e = ERR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(nulls); i++) {
		assert_non_null(json_get(j, nulls[i]));
		assert_int_equal(json_type(json_get(j, nulls[i])), JSON_NULL);
	}
	struct row *back = row_from_json(j, &e);
	assert_non_null(back);
	assert_true(back->cpu < 0);
	assert_int_equal(back->memory, -1);
	assert_null(back->evidence);
	json_put_str(j, "state", "odd");
	assert_null(row_from_json(j, &e));
	json_free(j);
	row_free(r);
	row_free(back);
}

static void a_live_row_counts_on(void **state)
{
	struct row *r = row_new(variant_new(7, 1, "a"));
	r->v->state = VS_RUNNING;
	r->v->started_ns = clock_real_ns() - 5000000000;
	struct json *j = row_to_json(r);
	assert_in_range(json_int(j, "elapsed_ms", 0), 5000, 60000);
	json_free(j);
	row_free(r);
}

static void a_race_survives(void **state)
{
	struct race_info i = { .number = 7,
		.total = 6,
		.live = 3,
		.passed = 2,
		.failed = 1,
		.attention = 1,
		.created_ns = 1764000000123456789 },
			 back;
	struct err e = ERR_INIT;
	i.slug = xstrdup("flaky");
	i.dir = xstrdup("/x");
	struct json *j = race_info_to_json(&i);
	assert_int_equal(race_info_from_json(&back, j, &e), 0);
	assert_string_equal(back.slug, "flaky");
	assert_string_equal(back.dir, "/x");
	assert_null(back.engine);
	assert_int_equal(back.live, 3);
	assert_int_equal(back.attention, 1);
	assert_int_equal(back.created_ns, i.created_ns);
	assert_int_equal(back.over_ns, 0);
	race_info_release(&back);
	json_put_null(j, "number");
	assert_int_equal(race_info_from_json(&back, j, &e), -1);
	race_info_release(&back);
	json_free(j);
	race_info_release(&i);
}

static void the_first_line(void **state)
{
	static const struct {
		const char *line, *code;
		int proto;
	} wrong[] = {
		{ "", "protocol", 0 },
		{ "HTTP/1.1 200 OK", "protocol", 0 },
		{ "{}", "protocol", 0 },
		{ "[]", "protocol", 0 },
		{ "{\"hello\":\"tmux\",\"proto\":1}", "protocol", 0 },
		{ "{\"hello\":\"yolodeck\"}", "protocol", 0 },
		{ "{\"hello\":\"yolodeck\",\"proto\":999,\"version\":\"9\"}", "newer", 999 },
	};
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char *version;
	int proto;
	proto_hello(&b);
	assert_null(memchr(b.p, '\n', b.len));
	assert_int_equal(proto_check_hello(b.p, &proto, &version, &e), 0);
	assert_int_equal(proto, PROTO_VERSION);
	assert_string_equal(version, YOLODECK_VERSION);
	free(version);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(proto_check_hello(wrong[i].line, &proto, &version, &e), -1);
		assert_string_equal(e.code, wrong[i].code);
		assert_int_equal(proto, wrong[i].proto);
		assert_int_equal(version != NULL, wrong[i].proto != 0);
		free(version);
	}
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_survives),
		cmocka_unit_test(what_a_row_does_not_know_is_null),
		cmocka_unit_test(a_live_row_counts_on),
		cmocka_unit_test(a_race_survives),
		cmocka_unit_test(the_first_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
