/* test_conductor.c - races on the fake engine through the wire: to the end, queue, kill, check,
 * setup, refusals. */
#include "wire.h"

#define SPEC(rest) "{\"engine\":\"fake\",\"allow_unlimited\":true," rest "}"

static void four_to_the_end(void **state)
{
	struct wire w;
	struct json *row, *ok;

	wire_begin(&w);
	wire_up(&w);
	int r = wire_race(&w,
		SPEC("\"parallel\":4,\"variants\":["
		     "{\"name\":\"good\",\"command\":\"echo one; echo new >f1; echo done\"},"
		     "{\"name\":\"bad\",\"command\":\"echo two >&2; exit 3\"},"
		     "{\"name\":\"argv\",\"argv\":[\"/bin/sh\",\"-c\",\"echo $YOLO_RACE/$YOLO_VARIANT/$YOLO_INDEX; echo more >more\"]},"
		     "{\"name\":\"none\",\"command\":\"true\"}]"));
	assert_int_equal(r, 1);
	wire_over(&w);
	row = wire_wait(&w, "1/good", "passed");
	assert_string_equal(json_str(row, "branch", ""), "yolo/1/good");
	assert_int_equal(json_int(row, "files", -1), 1);
	assert_int_equal(json_int(row, "added", -1), 1);
	assert_int_equal(json_int(row, "removed", -1), 3);
	assert_int_equal(json_int(row, "exit", -1), 0);
	json_free(row);
	row = wire_wait(&w, "@best", "passed"); /* the fewest lines */
	assert_string_equal(json_str(row, "variant", ""), "none");
	assert_true(json_bool(row, "best", false));
	assert_int_equal(json_int(row, "rank", -1), 1);
	json_free(row);
	row = wire_wait(&w, "1/bad", "failed");
	assert_int_equal(json_int(row, "exit", -1), 3);
	assert_string_equal(json_str(row, "reason", ""), "exit 3");
	json_free(row);
	char *text = wire_text(&w, 1, "argv", "log");
	assert_string_equal(text, "1/argv/3\n");
	free(text);
	text = wire_text(&w, 1, "good", "log");
	assert_string_equal(text, "one\ndone\n");
	free(text);
	sh_says(w.u, "git show yolo/1/good:f1", "new");
	sh_says(w.u, "git rev-list --count main..yolo/1/good", "1");
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"diff\",\"variant\":\"good\""));
	assert_string_equal(json_str(json_first(json_get(ok, "stat")), "path", ""), "f1");
	assert_non_null(strstr(json_str(ok, "patch", ""), "+new"));
	json_free(ok);
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"report\",\"race\":1"));
	assert_int_equal(json_size(json_get(ok, "rows")), 4);
	json_free(ok);
	wire_end(&w);
}

static void queue_of_one(void **state)
{
	struct wire w;

	wire_begin(&w);
	wire_up(&w);
	/* each says when it began and ended; with one at a time no two overlap */
	wire_race(&w,
		SPEC("\"parallel\":1,\"variants\":["
		     "{\"name\":\"a\",\"command\":\"date +%s%N; date +%s%N\"},{\"name\":\"b\",\"command\":\"date +%s%N; date +%s%N\"},"
		     "{\"name\":\"c\",\"command\":\"date +%s%N; date +%s%N\"}]"));
	/* the last one waits at first, and its row says why */
	struct json *row = wire_row(&w, "1/c");
	assert_string_equal(json_str(row, "state", ""), "queued");
	assert_string_equal(json_str(row, "note", ""), "queued: 1 at once");
	json_free(row);
	wire_over(&w);
	long long last = 0;
	for (const char *v = "abc"; *v; v++) {
		char name[2] = { *v, 0 };
		char *text = wire_text(&w, 1, name, "log"), *second = strchr(text, '\n');
		assert_non_null(second);
		assert_true(atoll(text) > last);
		last = atoll(second + 1);
		assert_true(last >= atoll(text));
		free(text);
	}
	wire_end(&w);
}

static void kills(void **state)
{
	struct wire w;
	struct json *row, *ok;

	wire_begin(&w);
	wire_up(&w);
	wire_race(&w,
		SPEC("\"parallel\":1,\"variants\":["
		     "{\"name\":\"runs\",\"command\":\"echo work >new; echo up; while :; do read x </dev/null; done\"},"
		     "{\"name\":\"waits\",\"command\":\"true\"}]"));
	json_free(wire_wait(&w, "runs", "running"));
	json_free(wire_wait(&w, "waits", "queued"));
	UNIT_WAIT(({
		char *t = wire_text(&w, 1, "runs", "log");
		bool up = !strcmp(t, "up\n");
		free(t);
		up;
	}));
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"kill\",\"variants\":[\"waits\",\"runs\"]"));
	assert_int_equal(json_size(json_get(ok, "killed")), 2);
	json_free(ok);
	json_free(wire_wait(&w, "waits", "killed"));
	row = wire_wait(&w, "runs", "killed");
	assert_string_equal(json_str(row, "reason", ""), "killed by you");
	assert_string_equal(json_str(row, "branch", ""), "yolo/1/runs");
	json_free(row);
	sh_says(w.u, "git show yolo/1/runs:new", "work");
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"kill\",\"variants\":[\"waits\",\"runs\"]"));
	assert_int_equal(json_size(json_get(ok, "already")), 2);
	json_free(ok);
	/* of a whole race only what was live is told */
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"kill\",\"race\":1"));
	assert_int_equal(json_size(json_get(ok, "already")) + json_size(json_get(ok, "killed")), 0);
	json_free(ok);
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"kill\",\"variants\":[\"nobody\"]"), "no_such_variant");
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"kill\",\"race\":99"), "no_such_race");
	wire_end(&w);
}

#define CHECK "\"check\":\"echo '3 passed, 1 failed'; echo dirt >from-check; test -f good\""

static void checks(void **state)
{
	struct wire w;
	struct json *row;

	wire_begin(&w);
	wire_up(&w);
	wire_race(&w,
		SPEC("\"parallel\":2,\"variants\":["
		     "{\"name\":\"yes\",\"command\":\"touch good\"," CHECK
		     "},{\"name\":\"no\",\"command\":\"touch other; exit 7\"," CHECK "},"
		     "{\"name\":\"setup\",\"setup\":\"exit 4\",\"command\":\"touch good\"," CHECK
		     "}]"));
	wire_over(&w);
	row = wire_wait(&w, "yes", "passed");
	assert_string_equal(json_str(json_get(row, "check"), "state", ""), "passed");
	assert_int_equal(json_int(json_get(row, "check"), "passed", -1), 3);
	assert_int_equal(json_int(json_get(row, "check"), "total", -1), 4);
	json_free(row);
	row = wire_wait(&w, "no", "failed");
	assert_string_equal(json_str(json_get(row, "check"), "state", ""), "failed");
	assert_int_equal(json_int(row, "exit", -1), 7);
	json_free(row);
	row = wire_wait(&w, "setup", "failed");
	assert_string_equal(json_str(json_get(row, "check"), "state", ""), "none");
	assert_non_null(strstr(json_str(row, "reason", ""), "setup failed"));
	json_free(row);
	/* what a check writes is never on the branch */
	sh_says(w.u, "git ls-tree --name-only yolo/1/yes", "d\nf1\ngood");
	char *text = wire_text(&w, 1, "yes", "check.log");
	assert_string_equal(text, "3 passed, 1 failed\n");
	free(text);
	wire_end(&w);
}

static void refusals(void **state)
{
	struct wire w;

	wire_begin(&w);
	wire_up(&w);
	WIRE_REFUSED(
		wire_ask(&w, "\"op\":\"run\",\"spec\":%s,\"from\":\"%s\"",
			SPEC("\"base\":\"nowhere\",\"variants\":[{\"name\":\"a\",\"command\":\"true\"}]"),
			w.u),
		"no_such_revision");
	WIRE_REFUSED(
		wire_ask(&w,
			"\"op\":\"run\",\"spec\":{\"engine\":\"rocket\",\"variants\":[{\"name\":\"a\",\"command\":\"true\"}]},\"from\":\"%s\"",
			w.u),
		"spec");
	WIRE_REFUSED(
		wire_ask(&w, "\"op\":\"run\",\"spec\":%s,\"from\":\"%s\"",
			SPEC("\"mounts\":[\"/run\"],\"variants\":[{\"name\":\"a\",\"command\":\"true\"}]"),
			w.u),
		"mount");
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"promote\",\"variant\":\"a\""), "no_race");
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"undo\""), "nothing_to_undo");
	sh(w.u, "git config --global --unset user.name; git config --global --unset user.email; git config --global user.useConfigOnly true");
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"run\",\"spec\":%s,\"from\":\"%s\"",
			     SPEC("\"variants\":[{\"name\":\"a\",\"command\":\"true\"}]"), w.u),
		"no_identity");
	/* nothing is left behind */
	char *races = store_path(&w.store, "races");
	sh_says(races, "ls", "");
	sh_says(w.u, "git for-each-ref --format='%(refname)'", "refs/heads/main");
	free(races);
	wire_end(&w);
}

/* The state is on another file system than the repository. */
static void other_file_system(void **state)
{
	char dir[] = "/dev/shm/yolodeck-unit-XXXXXX";
	struct wire w;
	struct stat a, b;
	struct err e = ERR_INIT;

	if (!mkdtemp(dir)) {
		print_message("skipped: no /dev/shm here\n");
		return;
	}
	wire_begin(&w);
	if (!stat(dir, &a) && !stat(w.u, &b) && a.st_dev == b.st_dev)
		print_message("skipped: /dev/shm is the file system of /tmp\n");
	setenv("XDG_STATE_HOME", dir, 1);
	char *common = xstrdup(w.store.common);
	store_release(&w.store);
	assert_int_equal(store_open(&w.store, common, true, &e), 0);
	free(common);
	wire_up(&w);
	wire_race(&w, SPEC("\"variants\":[{\"name\":\"a\",\"command\":\"echo x >>f1\"}]"));
	wire_over(&w);
	json_free(wire_wait(&w, "a", "passed"));
	json_free(wire_ok(
		&w, wire_ask(&w, "\"op\":\"promote\",\"variant\":\"a\",\"from\":\"%s\"", w.u)));
	sh_says(w.u, "tail -n 1 f1", "x");
	wire_end(&w);
	char *rm = xasprintf("rm -rf %s", dir);
	sh("/", rm);
	free(rm);
}

/* Records that cannot be read any more: shown as lost, and every request copes with them. */
static void damaged_records(void **state)
{
	static const char *const ask[] = { "\"op\":\"show\",\"variant\":\"%d/%s\"",
		"\"op\":\"diff\",\"variant\":\"%d/%s\"",
		"\"op\":\"promote\",\"variant\":\"%d/%s\",\"plan\":true",
		"\"op\":\"kill\",\"variants\":[\"%d/%s\"]",
		"\"op\":\"archive\",\"variants\":[\"%d/%s\"]",
		"\"op\":\"restore\",\"variants\":[\"%d/%s\"]" };
	struct wire w;

	wire_begin(&w);
	wire_up(&w);
	for (int i = 0; i < 3; i++)
		wire_race(&w,
			SPEC("\"parallel\":2,\"variants\":[{\"name\":\"a\",\"command\":\"echo x >>f1\"},{\"name\":\"b\",\"command\":\"true\"}]"));
	wire_over(&w);
	wire_kill9(&w);
	sh(w.store.dir,
		"echo '{' >races/1/race.json; echo '{}' >races/2/a/variant.json; rm races/3/race.json; mkdir races/9; "
		"printf '{\"n\":1,' >>journal");
	wire_up(&w);
	json_free(wire_wait(&w, "2/a", "lost"));
	json_free(wire_wait(&w, "2/b", "passed"));
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"list\",\"all\":true")));
	for (int race = 1; race <= 3; race++) {
		for (size_t i = 0; i < ARRAY_LEN(ask); i++)
			json_free(wire_ask(&w, ask[i], race, "a"));
		json_free(wire_ask(&w, "\"op\":\"report\",\"race\":%d", race));
	}
	/* the number of the empty directory is not taken again */
	assert_int_equal(
		wire_race(&w, SPEC("\"variants\":[{\"name\":\"a\",\"command\":\"true\"}]")), 10);
	wire_over(&w);
	wire_end(&w);
}

int tests_run(void);
int tests_run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_to_the_end),
		cmocka_unit_test(queue_of_one),
		cmocka_unit_test(kills),
		cmocka_unit_test(checks),
		cmocka_unit_test(refusals),
		cmocka_unit_test(other_file_system),
		cmocka_unit_test(damaged_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	return wire_main(argc, argv, tests_run);
}
