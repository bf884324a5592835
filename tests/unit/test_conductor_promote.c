/* test_conductor_promote.c - promote, undo, archive and restore through the wire, with crashes and
 * a restart in between. */
#include "wire.h"

#define RACE \
	"{\"engine\":\"fake\",\"allow_unlimited\":true,\"parallel\":3,\"variants\":[" \
	"{\"name\":\"a\",\"command\":\"echo A >>f1\"},{\"name\":\"b\",\"command\":\"echo B >new\"}," \
	"{\"name\":\"c\",\"command\":\"echo C >c; exit 1\"}]}"

static void begin(struct wire *w)
{
	wire_begin(w);
	wire_up(w);
	wire_race(w, RACE);
	wire_over(w);
}

static char *plan(struct wire *w, const char *variant)
{
	struct json *ok = wire_ok(w,
		wire_ask(w, "\"op\":\"promote\",\"variant\":\"%s\",\"from\":\"%s\",\"plan\":true",
			variant, w->u));
	char *token = xstrdup(json_str(json_get(ok, "plan"), "token", ""));

	assert_string_equal(json_str(json_get(ok, "plan"), "into", ""), "main");
	assert_int_equal(strlen(token), 16);
	json_free(ok);
	return token;
}

static void plan_apply_undo(void **state)
{
	struct wire w;
	struct json *ok;

	begin(&w);
	char *before = sh_in(w.u, 0, "git rev-parse main"), *token = plan(&w, "a");
	sh_says(w.u, "cat f1", "1\n2\n3"); /* a plan changes nothing */
	ok = wire_ok(&w,
		wire_ask(&w,
			"\"op\":\"promote\",\"variant\":\"a\",\"from\":\"%s\",\"token\":\"%s\"",
			w.u, token));
	assert_string_equal(json_str(ok, "into", ""), "main");
	assert_string_equal(json_str(ok, "old", ""), before);
	sh_says(w.u, "git rev-parse main", json_str(ok, "new", ""));
	json_free(ok);
	sh_says(w.u, "cat f1", "1\n2\n3\nA");
	sh_says(w.u, "git status --porcelain", "");
	ok = wire_row(&w, "1/a");
	assert_string_equal(json_str(ok, "promoted", ""), "main");
	json_free(ok);
	/* a token is good for once */
	WIRE_REFUSED(
		wire_ask(&w,
			"\"op\":\"promote\",\"variant\":\"a\",\"from\":\"%s\",\"token\":\"%s\"",
			w.u, token),
		"moved_base");
	free(token);
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"undo\",\"plan\":true"));
	assert_true(strlen(json_str(json_get(ok, "plan"), "words", "")) > 10);
	token = xstrdup(json_str(ok, "token", ""));
	json_free(ok);
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"undo\",\"token\":\"%s\"", token)));
	sh_says(w.u, "git rev-parse main", before);
	sh_says(w.u, "cat f1", "1\n2\n3");
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"undo\""), "nothing_to_undo");
	free(token);
	free(before);
	wire_end(&w);
}

static void stale_token(void **state)
{
	struct wire w;

	begin(&w);
	char *token = plan(&w, "b");
	sh(w.u, "echo more >other; git add other; git commit -qm 'somebody was faster'");
	char *now = sh_in(w.u, 0, "git rev-parse main");
	WIRE_REFUSED(
		wire_ask(&w,
			"\"op\":\"promote\",\"variant\":\"b\",\"from\":\"%s\",\"token\":\"%s\"",
			w.u, token),
		"moved_base");
	sh_says(w.u, "git rev-parse main", now);
	free(token);
	token = plan(&w, "b");
	json_free(wire_ok(&w,
		wire_ask(&w,
			"\"op\":\"promote\",\"variant\":\"b\",\"from\":\"%s\",\"how\":\"squash\",\"token\":\"%s\"",
			w.u, token)));
	sh_says(w.u, "cat new other", "B\nmore");
	WIRE_REFUSED(
		wire_ask(&w, "\"op\":\"promote\",\"variant\":\"b\",\"how\":\"cherry\""), "usage");
	free(token);
	free(now);
	wire_end(&w);
}

static void dirt_is_kept(void **state)
{
	struct wire w;

	begin(&w);
	sh(w.u, "echo mine >>d/f2");
	json_free(wire_ok(
		&w, wire_ask(&w, "\"op\":\"promote\",\"variant\":\"a\",\"from\":\"%s\"", w.u)));
	sh_says(w.u, "git status --porcelain", " M d/f2");
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"undo\"")));
	sh_says(w.u, "cat d/f2", "two\nmine");
	sh(w.u, "echo mine >>f1");
	struct json *no = wire_ask(&w, "\"op\":\"promote\",\"variant\":\"a\",\"from\":\"%s\"", w.u);
	assert_non_null(strstr(json_str(json_get(no, "err"), "msg", ""), "f1"));
	json_free(no);
	sh_says(w.u, "tail -n 1 f1", "mine");
	wire_end(&w);
}

static void archive_and_back(void **state)
{
	struct wire w;
	struct json *ok;

	begin(&w);
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"archive\",\"variants\":[\"1/a\",\"1/c\"]"));
	assert_int_equal(json_size(json_get(ok, "archived")), 2);
	json_free(ok);
	sh_says(w.u, "git branch --list 'yolo/*' --format='%(refname:short)'", "yolo/1/b");
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"list\""));
	assert_int_equal(json_size(json_get(ok, "rows")), 1);
	json_free(ok);
	/* a new conductor knows what to take back, and does it as one thing */
	wire_kill9(&w);
	wire_up(&w);
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"undo\",\"plan\":true"));
	assert_non_null(strstr(json_str(json_get(ok, "plan"), "words", ""), "1/a and 1/c"));
	json_free(ok);
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"undo\"")));
	sh_says(w.u, "git branch --list 'yolo/*' --format='%(refname:short)'",
		"yolo/1/a\nyolo/1/b\nyolo/1/c");
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"undo\""), "nothing_to_undo");
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"archive\",\"race\":1"));
	assert_int_equal(json_size(json_get(ok, "archived")), 3);
	json_free(ok);
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"restore\",\"variants\":[\"1/b\",\"1/b\"]"));
	assert_int_equal(json_size(json_get(ok, "restored")), 1);
	json_free(ok);
	sh_says(w.u, "git branch --list 'yolo/*' --format='%(refname:short)'", "yolo/1/b");
	wire_end(&w);
}

static void rest_goes(void **state)
{
	struct wire w;
	struct json *ok;

	wire_begin(&w);
	wire_up(&w);
	wire_race(&w,
		"{\"engine\":\"fake\",\"allow_unlimited\":true,\"parallel\":3,\"variants\":["
		"{\"name\":\"good\",\"command\":\"echo A >>f1\"},{\"name\":\"bad\",\"command\":\"echo C >c; exit 1\"},"
		"{\"name\":\"live\",\"command\":\"touch x; while :; do read y </dev/null; done\"}]}");
	json_free(wire_wait(&w, "good", "passed"));
	json_free(wire_wait(&w, "bad", "failed"));
	json_free(wire_wait(&w, "live", "running"));
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"promote\",\"variant\":\"live\""), "still_live");
	ok = wire_ok(&w,
		wire_ask(&w,
			"\"op\":\"promote\",\"variant\":\"good\",\"from\":\"%s\",\"archive_rest\":true",
			w.u));
	assert_int_equal(json_size(json_get(ok, "archived")), 2);
	json_free(ok);
	json_free(wire_wait(&w, "1/live", "killed"));
	UNIT_WAIT(({
		char *b = sh_in(w.u, 0, "git branch --list 'yolo/*' --format='%(refname:short)'");
		bool one = !strcmp(b, "yolo/1/good");
		free(b);
		one;
	}));
	poll(NULL, 0, 50);
	/* U takes all of it back */
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"undo\""));
	json_free(ok);
	sh_says(w.u, "cat f1", "1\n2\n3");
	sh_says(w.u, "git branch --list 'yolo/*' --format='%(refname:short)'",
		"yolo/1/bad\nyolo/1/good\nyolo/1/live");
	wire_end(&w);
}

/* Killed somewhere around a promote: the branch is at its old or its new commit, and what is undone
 * afterwards is true. */
static void crash_around(void **state)
{
	struct wire w;
	unsigned seed = (unsigned)clock_mono_ns();
	int moved = 0;

	begin(&w);
	print_message("seed %u\n", seed);
	char *before = sh_in(w.u, 0, "git rev-parse main");
	for (int i = 0; i < 12; i++) {
		char line[600];
		snprintf(line, sizeof(line),
			"{\"id\":900,\"op\":\"promote\",\"variant\":\"1/a\",\"from\":\"%s\"}", w.u);
		wire_put(&w.io, line);
		poll(NULL, 0, (int)(rand_r(&seed) % 250));
		wire_kill9(&w);
		wire_up(&w);
		/* the answer comes after the repair: both are serial */
		struct json *u = wire_ask(&w, "\"op\":\"undo\"");
		bool undone = json_get(u, "ok") != NULL;
		if (!undone && strcmp(json_str(json_get(u, "err"), "code", ""), "nothing_to_undo"))
			fail_msg("round %d: %s", i, json_str(json_get(u, "err"), "msg", ""));
		json_free(u);
		sh_says(w.u, "git rev-parse main", before);
		sh_says(w.u, "git status --porcelain", "");
		sh_says(w.u, "cat f1", "1\n2\n3");
		moved += undone;
	}
	print_message("%d of 12 had moved\n", moved);
	sh(w.u, "git fsck --strict 2>&1");
	free(before);
	wire_end(&w);
}

int tests_run(void);
int tests_run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_apply_undo),
		cmocka_unit_test(stale_token),
		cmocka_unit_test(dirt_is_kept),
		cmocka_unit_test(archive_and_back),
		cmocka_unit_test(rest_goes),
		cmocka_unit_test(crash_around),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	return wire_main(argc, argv, tests_run);
}
