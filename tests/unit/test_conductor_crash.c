/* test_conductor_crash.c - kill -9 of the conductor: nothing is lost, nothing starts twice. */
#include "wire.h"

/* Every start of a command leaves a line in the file outside of everything: a second start would
 * show. */
#define COUNT "echo $YOLO_RACE/$YOLO_VARIANT >>%s/starts; "

static char *starts(struct wire *w)
{
	return sh_in(w->dir, 0,
		"touch starts; sort starts | uniq -c | awk '{print $1}' | sort -u | tr '\\n' ' '");
}

static void in_the_middle(void **state)
{
	struct wire w;
	struct json *row;

	wire_begin(&w);
	wire_up(&w);
	char *spec = xasprintf(
		"{\"engine\":\"fake\",\"allow_unlimited\":true,\"parallel\":3,\"variants\":["
		"{\"name\":\"lines\",\"command\":\"" COUNT
		"i=0; while test $i -lt 20000; do echo line $i; i=$((i+1)); done; touch done\",\"check\":\"test -f done\"},"
		"{\"name\":\"code\",\"command\":\"" COUNT
		"until test -e %s/go; do :; done; echo end; exit 5\",\"check\":\"test -f done\"},"
		"{\"name\":\"killed\",\"command\":\"" COUNT "until test -e %s/never; do :; done\"},"
		"{\"name\":\"later\",\"command\":\"" COUNT "touch done\"}]}",
		w.dir, w.dir, w.dir, w.dir, w.dir, w.dir);
	wire_race(&w, spec);
	free(spec);
	json_free(wire_wait(&w, "code", "running"));
	json_free(wire_wait(&w, "killed", "running"));
	UNIT_WAIT(({
		char *n = sh_in(w.dir, 0, "cat starts 2>/dev/null | wc -l");
		bool three = atoi(n) == 3;
		free(n);
		three;
	}));
	json_free(wire_ask(&w, "\"op\":\"kill\",\"variants\":[\"killed\"]"));
	wire_kill9(&w);
	sh(w.dir, "touch go");
	wire_up(&w);
	wire_over(&w);
	row = wire_wait(&w, "lines", "passed");
	assert_string_equal(json_str(row, "branch", ""), "yolo/1/lines");
	json_free(row);
	row = wire_wait(&w, "code", "failed");
	assert_int_equal(json_int(row, "exit", -1), 5);
	json_free(row);
	json_free(wire_wait(&w, "killed", "killed"));
	json_free(wire_wait(&w, "later", "passed"));
	char *text = wire_text(&w, 1, "lines", "log"), *p = text;
	for (int i = 0; i < 20000; i++) {
		char want[32];
		int n = snprintf(want, sizeof(want), "line %d\n", i);
		if (strncmp(p, want, (size_t)n))
			fail_msg("line %d is not where it belongs", i);
		p += n;
	}
	assert_int_equal(*p, 0);
	free(text);
	text = starts(&w);
	assert_string_equal(text, "1");
	free(text);
	sh_says(w.dir, "wc -l <starts", "4");
	wire_end(&w);
}

static bool engine_there(struct wire *w, const char *name)
{
	struct json *ok = wire_ok(w, wire_ask(w, "\"op\":\"engines\""));
	bool there = false;

	for (const struct json *j = json_first(json_get(ok, "engines")); j; j = json_next(j))
		there |= !strcmp(json_str(j, "name", ""), name) && json_bool(j, "ok", false);
	json_free(ok);
	return there;
}

/* Five kills while the lines flow; "wait" is told to go on only after the last one. */
static void flowing(const char *engine)
{
	struct wire w;
	struct json *row;

	wire_begin(&w);
	wire_up(&w);
	if (!engine_there(&w, engine)) {
		print_message("skipped: no %s here\n", engine);
		wire_end(&w);
		return;
	}
	char *spec = xasprintf(
		"{\"engine\":\"%s\",\"allow_unlimited\":true,\"parallel\":3,\"variants\":["
		"{\"name\":\"lines\",\"command\":\"i=0; while test $i -lt 50000; do echo line $i; i=$((i+1)); done\",\"check\":\"true\"},"
		"{\"name\":\"wait\",\"command\":\"echo begin; until test -e go; do sleep 0.05; done; echo end; exit 5\"},"
		"{\"name\":\"later\",\"command\":\"seq 1 100000\"},{\"name\":\"queued\",\"command\":\"echo q\"}]}",
		engine);
	wire_race(&w, spec);
	free(spec);
	json_free(wire_wait(&w, "wait", "running"));
	for (int i = 0; i < 5; i++) {
		wire_kill9(&w);
		wire_up(&w);
		poll(NULL, 0, 30 * i);
	}
	sh(w.dir, "cd state/yolodeck/*/races/1/wait/work; touch go");
	wire_over(&w);
	row = wire_wait(&w, "lines", "passed");
	json_free(row);
	row = wire_wait(&w, "wait", "failed");
	assert_int_equal(json_int(row, "exit", -1), 5);
	assert_string_equal(json_str(row, "reason", ""), "exit 5");
	json_free(row);
	json_free(wire_wait(&w, "later", "passed"));
	json_free(wire_wait(&w, "queued", "passed"));
	char *text = wire_text(&w, 1, "wait", "log");
	assert_string_equal(text, "begin\nend\n");
	free(text);
	text = wire_text(&w, 1, "lines", "log");
	char *all = sh_in(w.dir, 0, "seq -f 'line %.0f' 0 49999");
	assert_int_equal(strlen(text), strlen(all) + 1);
	assert_int_equal(strncmp(text, all, strlen(all)), 0);
	free(text);
	free(all);
	wire_end(&w);
}

static void flowing_fake(void **state)
{
	flowing("fake");
}

static void flowing_local(void **state)
{
	flowing("local");
}

static void flowing_docker(void **state)
{
	flowing("docker");
}

/* Random instants, from before the first byte to after the last one. */
static void twenty_times(void **state)
{
	struct wire w;
	unsigned seed = (unsigned)clock_mono_ns();
	int kills = 0, code;

	wire_begin(&w);
	wire_up(&w);
	char *spec = xasprintf(
		"{\"engine\":\"fake\",\"allow_unlimited\":true,\"parallel\":3,\"variants\":["
		"{\"name\":\"a\",\"check\":\"test -f f-a\",\"command\":\"" COUNT
		"echo a >f-a; seq 1 3000\"},{\"name\":\"b\",\"check\":\"test -f f-b\",\"command\":\"" COUNT
		"echo b >f-b; exit 2\"},"
		"{\"name\":\"c\",\"check\":\"test -f f-x\",\"command\":\"" COUNT
		"echo c >f-c; seq 1 200000\"},{\"name\":\"d\",\"command\":\"" COUNT "true\"},"
		"{\"name\":\"e\",\"command\":\"" COUNT
		"seq 1 10 >f-e\"},{\"name\":\"f\",\"check\":\"test -f f-f\",\"command\":\"" COUNT
		"seq 1 50000; touch f-f\"}]}",
		w.dir, w.dir, w.dir, w.dir, w.dir, w.dir);
	print_message("seed %u\n", seed);
	int race = 0, races = 0;
	while (kills < 20) {
		if (!wire_live(&w)) {
			race = wire_race(&w, spec);
			races++;
		}
		wire_hang_up(&w);
		poll(NULL, 0, (int)(rand_r(&seed) % 250));
		child_kill(&w.conductor, SIGKILL);
		child_wait(&w.conductor, -1, &code);
		kills++;
		wire_up(&w);
	}
	wire_over(&w);
	print_message("%d kills, %d races\n", kills, races);
	for (int r = 1; r <= race; r++) {
		static const char want[] = "ppfppp";
		for (int i = 0; i < 6; i++) {
			char sel[16];
			snprintf(sel, sizeof(sel), "%d/%c", r, 'a' + i);
			json_free(wire_wait(&w, sel, want[i] == 'f' ? "failed" : "passed"));
		}
		char *text = wire_text(&w, r, "c", "log"), *all = sh_in(w.dir, 0, "seq 1 200000");
		assert_int_equal(strlen(text), strlen(all) + 1);
		assert_int_equal(strncmp(text, all, strlen(all)), 0);
		free(text);
		free(all);
	}
	char *text = starts(&w);
	assert_string_equal(text, "1");
	free(text);
	sh(w.u, "git fsck --strict 2>&1");
	free(spec);
	wire_end(&w);
}

static void shutdown_leaves(void **state)
{
	struct wire w;
	int code;

	wire_begin(&w);
	wire_up(&w);
	char *spec = xasprintf(
		"{\"engine\":\"fake\",\"allow_unlimited\":true,\"variants\":[{\"name\":\"a\",\"command\":\"until test -e %s/go; do :; done; echo went on\"}]}",
		w.dir);
	wire_race(&w, spec);
	free(spec);
	json_free(wire_wait(&w, "a", "running"));
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"shutdown\"")));
	assert_int_equal(child_wait(&w.conductor, UNIT_DEADLINE, &code), 1);
	assert_int_equal(code, 0);
	wire_hang_up(&w);
	sh(w.dir, "touch go");
	UNIT_WAIT(({
		char *t = wire_text(&w, 1, "a", "log");
		bool up = !strcmp(t, "went on\n");
		free(t);
		up;
	}));
	wire_up(&w);
	json_free(wire_wait(&w, "a", "passed"));
	wire_end(&w);
}

int tests_run(void);
int tests_run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_middle),
		cmocka_unit_test(twenty_times),
		cmocka_unit_test(shutdown_leaves),
		cmocka_unit_test(flowing_fake),
		cmocka_unit_test(flowing_local),
		cmocka_unit_test(flowing_docker),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	return wire_main(argc, argv, tests_run);
}
