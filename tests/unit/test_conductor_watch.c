/* test_conductor_watch.c - what is sampled while a client watches, what goes on without one, and
 * that else nothing wakes. */
#include "wire.h"

/* Newest row of a variant among the events that came; NULL = none. */
static const struct json *last_row(struct wire *w, const char *variant)
{
	for (size_t i = w->nev; i-- > 0;) {
		const struct json *row = json_get(w->ev[i], "row");
		if (row && !strcmp(json_str(row, "variant", ""), variant))
			return row;
	}
	return NULL;
}

static void pump(struct wire *w)
{
	json_free(wire_ask(w, "\"op\":\"status\""));
}

static int64_t turns(struct wire *w)
{
	struct json *ok = wire_ok(w, wire_ask(w, "\"op\":\"status\""));
	int64_t n = json_int(ok, "turns", -1);

	json_free(ok);
	return n;
}

static bool evidence(struct wire *w, const char *variant, const char *words)
{
	const struct json *row;

	pump(w);
	row = last_row(w, variant);
	return row && json_int(row, "attention", 0) == 1 &&
		strstr(json_str(row, "evidence", ""), words);
}

static bool added(struct wire *w, const char *variant, int64_t n)
{
	const struct json *row;

	pump(w);
	row = last_row(w, variant);
	return row && json_int(row, "added", -1) == n &&
		!strcmp(json_str(row, "state", ""), "running");
}

static void watched(void **state)
{
	struct wire w;

	setenv("YOLODECK_SILENT_S", "3", 1);
	wire_begin(&w);
	wire_up(&w);
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"watch\",\"race\":-1")));
	wire_race(&w,
		"{\"engine\":\"fake\",\"allow_unlimited\":true,\"parallel\":4,\"variants\":["
		"{\"name\":\"asks\",\"command\":\"echo hello; printf 'Proceed? (y/N) '; sleep 100\"},"
		"{\"name\":\"quiet\",\"command\":\"printf '1\\\\n2\\\\n' >new; echo working; sleep 100\"},"
		"{\"name\":\"big\",\"limits\":{\"disk\":1000000},\"command\":\"head -c 3000000 /dev/zero >zeros; sleep 100\"}]}");
	UNIT_WAIT(added(&w, "quiet", 2));
	UNIT_WAIT(evidence(&w, "asks", "waits at \"Proceed? (y/N)\""));
	UNIT_WAIT(evidence(&w, "quiet", "silent "));
	UNIT_WAIT(({
		struct json *row = wire_row(&w, "big");
		bool k = !strcmp(json_str(row, "state", ""), "killed") &&
			strstr(json_str(row, "reason", ""), "disk limit");
		json_free(row);
		k;
	}));
	unsetenv("YOLODECK_SILENT_S");
	wire_end(&w);
}

/* The turns of its loop, once nothing has woken it for a second. */
static int64_t quiet(struct wire *w)
{
	int64_t before, end = clock_mono_ms() + UNIT_DEADLINE;

	do {
		before = turns(w);
		poll(NULL, 0, 1200);
	} while (turns(w) - before > 1 && clock_mono_ms() < end);
	return turns(w);
}

/* Four variants that sleep, a client that only listens: the loop sleeps too. */
static void nothing_wakes(void **state)
{
	struct wire w;
	int64_t before;

	wire_begin(&w);
	wire_up(&w);
	wire_race(&w,
		"{\"engine\":\"fake\",\"allow_unlimited\":true,\"parallel\":4,\"variants\":["
		"{\"name\":\"a\",\"command\":\"sleep 100\"},{\"name\":\"b\",\"command\":\"sleep 100\"},"
		"{\"name\":\"c\",\"command\":\"sleep 100\"},{\"name\":\"d\",\"command\":\"sleep 100\"}]}");
	for (const char *v = "abcd"; *v; v++) {
		char name[2] = { *v, 0 };
		json_free(wire_wait(&w, name, "running"));
	}
	before = quiet(&w);
	poll(NULL, 0, 3000);
	assert_int_equal(turns(&w) - before, 1); /* our own question */
	/* one who watched and left leaves nothing behind */
	struct line_io io = wire_dial(&w);
	wire_put(&io, "{\"id\":1,\"op\":\"watch\"}");
	assert_non_null(wire_line(&io));
	poll(NULL, 0, 1200);
	line_io_release(&io);
	before = quiet(&w);
	poll(NULL, 0, 2500);
	assert_int_equal(turns(&w) - before, 1);
	wire_end(&w);
}

int tests_run(void);
int tests_run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watched),
		cmocka_unit_test(nothing_wakes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	return wire_main(argc, argv, tests_run);
}
