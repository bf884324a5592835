/* test_conductor_repair.c - records that a crash, a full disk or a damaged file left behind: the
 * next conductor makes them true again. */
#include "wire.h"

#define SPEC(rest) \
	"{\"engine\":\"fake\",\"allow_unlimited\":true,\"parallel\":2,\"variants\":[" rest "]}"
#define PAIR \
	SPEC("{\"name\":\"a\",\"command\":\"echo A >>f1\"},{\"name\":\"b\",\"command\":\"echo B >new\"}")

static void begin(struct wire *w, const char *spec)
{
	wire_begin(w);
	wire_up(w);
	wire_race(w, spec);
	wire_over(w);
}

static void again(struct wire *w)
{
	wire_kill9(w);
	wire_up(w);
}

static bool row_bool(struct wire *w, const char *sel, const char *key)
{
	struct json *row = wire_row(w, sel);
	bool is = json_bool(row, key, false);

	json_free(row);
	return is;
}

static char *row_str(struct wire *w, const char *sel, const char *key)
{
	struct json *row = wire_row(w, sel);
	char *s = xstrdup(json_str(row, key, "-"));

	json_free(row);
	return s;
}

static void row_says(struct wire *w, const char *sel, const char *key, const char *want)
{
	char *s = row_str(w, sel, key);

	assert_string_equal(s, want);
	free(s);
}

#define REFS "git for-each-ref --format='%(refname)' refs/heads/yolo refs/yolodeck | grep -v base"

/* Archived although it could not be saved: the work is saved by the next conductor all the same,
 * and its branch goes where an archived one belongs. */
static void archived_unsaved(void **state)
{
	struct wire w;

	wire_begin(&w);
	wire_up(&w);
	wire_race(&w,
		SPEC("{\"name\":\"a\",\"command\":\"echo A >>f1; until test -e go; do sleep 0.02; done; rm go\"},"
		     "{\"name\":\"b\",\"command\":\"true\",\"check\":\"false\"}"));
	json_free(wire_wait(&w, "1/b", "failed"));
	sh(w.store.dir, "mv races/1/q.git races/1/away; touch races/1/a/work/go");
	json_free(wire_wait(&w, "1/a", "failed"));
	struct json *ok = wire_ok(&w, wire_ask(&w, "\"op\":\"archive\",\"variants\":[\"1/a\"]"));
	assert_string_equal(json_to_str(json_first(json_get(ok, "archived"))), "1/a");
	json_free(ok);
	assert_true(row_bool(&w, "1/a", "archived"));
	again(&w);
	json_free(wire_wait(&w, "1/a", "failed"));
	wire_kill9(&w);
	sh(w.store.dir, "mv races/1/away races/1/q.git");
	wire_up(&w);
	json_free(wire_wait(&w, "1/a", "passed"));
	UNIT_WAIT(row_bool(&w, "1/a", "archived"));
	row_says(&w, "1/a", "reason", "exit 0");
	sh_says(w.u, "git show refs/yolodeck/1/a/archived:f1", "1\n2\n3\nA");
	sh_says(w.u, "git branch --list 'yolo/1/a'", "");
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"restore\",\"variants\":[\"1/a\"]")));
	sh_says(w.u, "git show yolo/1/a:f1", "1\n2\n3\nA");
	wire_end(&w);
}

/* A named variant whose record says that it comes from one that does not exist: shown as lost, and
 * never started. */
static void unknown_recipe(void **state)
{
	static const char *const states[] = { "queued", "preparing", "running", "saving",
		"stopping", "checking" };
	struct wire w;

	begin(&w, PAIR);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		char *edit = xasprintf(
			"sed -i '0,/\"state\".*$/s//\"state\": \"%s\",/; s/\"origin\":.*$/\"origin\": \"gone\",/' races/1/a/variant.json; grep -q gone races/1/a/variant.json",
			states[i]);
		wire_kill9(&w);
		sh(w.store.dir,
			"test -e a.json || cp races/1/a/variant.json a.json; cp a.json races/1/a/variant.json");
		sh(w.store.dir, edit);
		free(edit);
		wire_up(&w);
		json_free(wire_wait(&w, "1/a", "lost"));
		json_free(wire_wait(&w, "1/b", "passed"));
	}
	wire_end(&w);
}

/* The journal's closing line is on disk and the row is not: killed between the two. */
static void rows_follow_the_journal(void **state)
{
	struct wire w;
	char *refs;

	begin(&w, PAIR);
	sh(w.store.dir, "cp races/1/a/variant.json live.json");
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"archive\",\"variants\":[\"1/a\"]")));
	wire_kill9(&w);
	sh(w.store.dir,
		"cp races/1/a/variant.json archived.json; cp live.json races/1/a/variant.json");
	wire_up(&w);
	assert_true(row_bool(&w, "1/a", "archived"));
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"restore\",\"variants\":[\"1/a\"]")));
	assert_false(row_bool(&w, "1/a", "archived"));
	wire_kill9(&w);
	sh(w.store.dir, "cp archived.json races/1/a/variant.json");
	wire_up(&w);
	assert_false(row_bool(&w, "1/a", "archived"));
	sh_says(w.u, "git branch --list 'yolo/1/a' --format='%(refname:short)'", "yolo/1/a");

	json_free(wire_ok(
		&w, wire_ask(&w, "\"op\":\"promote\",\"variant\":\"1/a\",\"from\":\"%s\"", w.u)));
	wire_kill9(&w);
	sh(w.store.dir,
		"cp races/1/a/variant.json promoted.json; cp live.json races/1/a/variant.json");
	wire_up(&w);
	row_says(&w, "1/a", "promoted", "main");
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"undo\"")));
	row_says(&w, "1/a", "promoted", "-");
	wire_kill9(&w);
	sh(w.store.dir, "cp promoted.json races/1/a/variant.json");
	wire_up(&w);
	row_says(&w, "1/a", "promoted", "-");
	refs = sh_in(w.u, 0, REFS);
	assert_non_null(strstr(refs, "refs/heads/yolo/1/a"));
	free(refs);
	wire_end(&w);
}

/* The same with real ends: SIGTERM while the request is under way. Row and refs agree afterwards.
 */
static void term_meanwhile(void **state)
{
	struct wire w;
	int code;

	begin(&w, PAIR);
	for (int i = 0; i < 16; i++) {
		const char *const ask = i % 2
			? "{\"id\":900,\"op\":\"restore\",\"variants\":[\"1/a\"]}"
			: "{\"id\":900,\"op\":\"archive\",\"variants\":[\"1/a\"]}";
		wire_put(&w.io, ask);
		/* the worker is at it */
		UNIT_WAIT(({
			char *n = sh_in(w.store.dir, 0, "grep -c intent journal || true");
			bool there = atoi(n) > 0;
			free(n);
			there;
		}));
		poll(NULL, 0, 8 * i);
		kill(w.conductor.id.pid, SIGTERM);
		child_wait(&w.conductor, UNIT_DEADLINE, &code);
		assert_int_equal(code, 0);
		wire_hang_up(&w);
		wire_up(&w);
		/* behind the repair */
		json_free(wire_ask(&w, "\"op\":\"undo\",\"plan\":true"));
		char *branch = sh_in(w.u, 0, "git branch --list yolo/1/a");
		assert_int_equal(row_bool(&w, "1/a", "archived"), !branch[0]);
		free(branch);
	}
	wire_end(&w);
}

/* A write beyond a file size limit is an error like a full disk, not the end of the conductor. */
static void file_size_limit(void **state)
{
	struct wire w;

	wire_begin(&w);
	wire_up(&w);
	kill(w.conductor.id.pid, SIGXFSZ);
	kill(w.conductor.id.pid, SIGPIPE);
	wire_race(&w, PAIR);
	wire_over(&w);
	json_free(wire_wait(&w, "1/a", "passed"));
	wire_end(&w);
}

/* The lock's file is gone: there is one conductor nevertheless. */
static void lock_file_removed(void **state)
{
	struct wire w;
	struct child other;
	int code = -1;

	begin(&w, PAIR);
	sh(w.store.dir, "rm conductor.lock");
	other = wire_spawn(&w);
	assert_int_equal(child_wait(&other, UNIT_DEADLINE, &code), 1);
	assert_int_equal(code, 0);
	json_free(wire_wait(&w, "1/a", "passed"));
	wire_end(&w);
}

int tests_run(void);
int tests_run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archived_unsaved),
		cmocka_unit_test(unknown_recipe),
		cmocka_unit_test(rows_follow_the_journal),
		cmocka_unit_test(term_meanwhile),
		cmocka_unit_test(file_size_limit),
		cmocka_unit_test(lock_file_removed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	return wire_main(argc, argv, tests_run);
}
