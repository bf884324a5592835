/* test_job.c - children on the loop: their lines, their end, killed and left. */
#include "unit.h"

#include <signal.h>

#include "engine/job.h"

struct seen {
	struct loop *l;
	char lines[256];
	size_t longest;
	int ended, code;
};

static void on_line(void *ctx, const char *line, size_t n)
{
	struct seen *s = ctx;
	size_t had = strlen(s->lines);

	s->longest = n > s->longest ? n : s->longest;
	snprintf(s->lines + had, sizeof(s->lines) - had, "%.20s|", line);
}

static void on_ended(void *ctx, int code)
{
	struct seen *s = ctx;

	s->ended++;
	s->code = code;
	loop_stop(s->l, 0);
}

static void over(void *ctx)
{
	loop_stop(((struct seen *)ctx)->l, 1);
}

static struct job *start(struct seen *s, const char *script, bool lines)
{
	struct child_spec spec = CHILD_SPEC_INIT;
	struct job_events ev = { .line = lines ? on_line : NULL, .ended = on_ended, .ctx = s };
	struct err e = ERR_INIT;

	memset(s, 0, sizeof *s);
	s->l = loop_new(&e);
	spec.argv = (const char *const[]){ "/bin/sh", "-c", script, NULL };
	spec.new_group = true;
	struct job *j = job_start(s->l, &spec, &ev, &e);
	assert_non_null(j);
	assert_int_equal(s->ended, 0);
	return j;
}

static void run(struct seen *s)
{
	struct loop_timer *t = loop_after(s->l, UNIT_DEADLINE, over, s);

	assert_int_equal(loop_run(s->l), 0);
	loop_cancel(t);
	assert_int_equal(s->ended, 1);
	loop_free(s->l);
}

static void lines_and_code(void **state)
{
	struct seen s;

	start(&s, "echo out; echo err >&2; echo; printf end; exit 7", true);
	run(&s);
	assert_string_equal(s.lines, "out|err||end|");
	assert_int_equal(s.code, 7);
	start(&s, "head -c 150000 /dev/zero | tr '\\0' x; kill -9 $$", true);
	run(&s);
	assert_in_range(s.longest, 64 << 10, 128 << 10);
	assert_int_equal(s.code, 128 + SIGKILL);
	start(&s, "exit 3", false);
	run(&s);
	assert_int_equal(s.code, 3);
}

/* The end is the process's: a grandchild that keeps the pipe does not hold it up. */
static void left_behind(void **state)
{
	struct seen s;

	start(&s, "sleep 1000 & echo $!", true);
	run(&s);
	pid_t left = (pid_t)strtol(s.lines, NULL, 10);
	assert_true(left > 1);
	assert_int_equal(kill(left, SIGKILL), 0);
}

static void first_line(void *ctx, const char *line, size_t n)
{
	on_line(ctx, line, n);
	loop_stop(((struct seen *)ctx)->l, 0);
}

static void killed_and_left(void **state)
{
	struct seen s = { 0 };
	struct child_spec spec = CHILD_SPEC_INIT;
	struct job_events ev = { first_line, on_ended, &s };
	struct err e = ERR_INIT;

	spec.argv = (const char *const[]){ "/bin/sh", "-c", "sleep 1000 & echo $!; wait", NULL };
	spec.new_group = true;
	for (int i = 0; i < 2; i++) {
		memset(&s, 0, sizeof s);
		s.l = loop_new(&e);
		struct job *j = job_start(s.l, &spec, &ev, &e);
		assert_non_null(j);
		struct loop_timer *t = loop_after(s.l, UNIT_DEADLINE, over, &s);
		assert_int_equal(loop_run(s.l), 0);
		loop_cancel(t);
		pid_t below = (pid_t)strtol(s.lines, NULL, 10);
		struct child_id id;
		assert_int_equal(child_identify(below, &id), 0);
		if (i == 0) { /* the whole group */
			job_kill(j);
			UNIT_WAIT(!child_alive(&id));
		} else {
			job_leave(j);
			assert_true(child_alive(&id));
			assert_int_equal(kill(-getpgid(below), SIGKILL), 0);
		}
		assert_int_equal(s.ended, 0);
		loop_free(s.l);
	}
}

static void not_started(void **state)
{
	struct child_spec spec = CHILD_SPEC_INIT;
	struct job_events ev = { on_line, on_ended, NULL };
	struct err e = ERR_INIT;
	struct loop *l = loop_new(&e);

	spec.argv = (const char *const[]){ "/no/such/program", NULL };
	assert_null(job_start(l, &spec, &ev, &e));
	assert_string_equal(e.code, "not_found");
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_code),
		cmocka_unit_test(left_behind),
		cmocka_unit_test(killed_and_left),
		cmocka_unit_test(not_started),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
