/* test_session.c - the pace of flushes, and the tokens of plans. */
#include "unit.h"

#include "conductor/plan_cache.h"
#include "conductor/session.h"

static void at_most_twenty(void **state)
{
	int64_t now = 1000, last = 0;
	int flushes = 0;

	/* a change every millisecond for ten seconds */
	for (now = 1000; now < 11000; now++) {
		if (session_flush_delay(now, last) > 0)
			continue;
		flushes++;
		last = now;
	}
	assert_int_equal(flushes, 200);
	assert_int_equal(session_flush_delay(5000, 0), 0); /* the first one at once */
	assert_int_equal(session_flush_delay(1010, 1000), 40);
	assert_int_equal(session_flush_delay(1000, 2000), 0); /* never for ever */
}

static void tokens(void **state)
{
	char a[PLAN_CACHE_TOKEN], b[PLAN_CACHE_TOKEN];

	plan_cache_token("refs/heads/main", "1111", "2222", a);
	plan_cache_token("refs/heads/main", "1111", "2222", b);
	assert_string_equal(a, b);
	plan_cache_token("refs/heads/main", "11112", "222", b);
	assert_string_not_equal(a, b);
	plan_cache_token("refs/heads/main", NULL, "2222", b);
	assert_string_not_equal(a, b);
	assert_int_equal(strlen(a), 16);
}

static struct promote_plan plan_of(const char *new)
{
	struct promote_plan p;

	memset(&p, 0, sizeof(p));
	p.new = xstrdup(new);
	return p;
}

static void plans_fall_out(void **state)
{
	struct conductor c;
	char token[PLAN_CACHE_TOKEN], name[16];

	memset(&c, 0, sizeof(c));
	for (int i = 0; i < PLAN_CACHE_KEPT + 2; i++) {
		snprintf(name, sizeof(name), "%d", i);
		struct promote_plan p = plan_of(name);
		plan_cache_token("r", "o", name, token);
		plan_cache_put(&c, token, &p);
	}
	struct promote_plan got;
	plan_cache_token("r", "o", "0", token);
	assert_false(plan_cache_take(&c, token, &got));
	plan_cache_token("r", "o", "5", token);
	assert_true(plan_cache_take(&c, token, &got));
	assert_string_equal(got.new, "5");
	promote_plan_release(&got);
	assert_false(plan_cache_take(&c, token, &got));
	plan_cache_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_most_twenty),
		cmocka_unit_test(tokens),
		cmocka_unit_test(plans_fall_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
