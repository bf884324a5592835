/* test_conductor_rerun.c - variants run again on the fake engine through the wire; conductors
 * killed meanwhile; entering one. */
#include "wire.h"

#include "git/promote.h"

#define SPEC(rest) "{\"engine\":\"fake\",\"allow_unlimited\":true," rest "}"

/* The one new name. */
static char *rerun(struct wire *w, const char *sel, bool go_on)
{
	struct json *ok = wire_ok(w,
		wire_ask(w, "\"op\":\"rerun\",\"variants\":[\"%s\"],\"continue\":%s", sel,
			go_on ? "true" : "false"));
	char *name = xstrdup(json_to_str(json_first(json_get(ok, "rerun"))));

	assert_int_equal(json_size(json_get(ok, "rerun")), 1);
	json_free(ok);
	return name;
}

static void reruns(struct wire *w, const char *sel, bool go_on, const char *want)
{
	char *name = rerun(w, sel, go_on);

	assert_string_equal(name, want);
	free(name);
}

static char *record(struct wire *w, const char *what)
{
	char *path = store_path(&w->store, "races/1/%s", what);
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	if (fs_read(path, 1 << 20, &b, &e))
		fail_msg("%s", e.msg);
	free(path);
	return buf_take(&b);
}

static void release(struct wire *w, const char *variant)
{
	char *path = store_path(&w->store, "races/1/%s/tmp/go", variant);
	struct err e = ERR_INIT;

	OK(fs_replace(path, "", 0, &e));
	free(path);
}

/* What the command of a test waits for: races/1/<variant>/tmp is its /tmp on a real engine; fake
 * sees it beside work/. */
#define UNTIL_GO "while [ ! -e ../tmp/go ]; do sleep 0.02; done"

static void each_end_can_be_run_again(void **state)
{
	struct wire w;
	struct json *row, *ok;
	char *before, *after, *text;

	wire_begin(&w);
	wire_up(&w);
	wire_race(&w,
		SPEC("\"parallel\":4,\"variants\":["
		     "{\"name\":\"good\",\"check\":\"test -e f1\",\"command\":\"echo $YOLO_VARIANT/$YOLO_INDEX; echo more >>f1\",\"env\":{\"K\":\"v\"}},"
		     "{\"name\":\"bad\",\"check\":\"test -e f1\",\"command\":\"rm f1\"},"
		     "{\"name\":\"long\",\"command\":\"" UNTIL_GO "\"}]"));
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"rerun\",\"variants\":[\"1/long\"]"), "still_live");
	json_free(wire_wait(&w, "1/long", "running"));
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"rerun\",\"variants\":[\"1/good\",\"1/long\"]"),
		"still_live");
	json_free(wire_wait(&w, "1/good", "passed"));
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"kill\",\"variant\":\"1/long\"")));
	wire_over(&w);
	before = record(&w, "race.json");
	text = record(&w, "good/log");
	ok = wire_ok(&w,
		wire_ask(&w, "\"op\":\"rerun\",\"variants\":[\"1/long\",\"1/good\",\"1/bad\"]"));
	assert_string_equal(json_to_str(json_first(json_get(ok, "rerun"))), "1/good.2");
	assert_int_equal(json_size(json_get(ok, "rerun")), 3);
	json_free(ok);
	row = wire_wait(&w, "1/good.2", "passed");
	assert_int_equal(json_int(row, "number", 0), 4);
	assert_string_equal(json_str(row, "origin", ""), "good");
	assert_false(json_bool(row, "continue", true));
	assert_string_equal(json_str(row, "branch", ""), "yolo/1/good.2");
	json_free(row);
	json_free(wire_wait(&w, "1/bad.2", "failed"));
	json_free(wire_wait(&w, "1/6", "running"));
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"rerun\",\"variants\":[\"1/long.2\"]"), "still_live");
	release(&w, "long.2");
	json_free(wire_wait(&w, "1/long.2", "passed"));
	reruns(&w, "1/good.2", false, "1/good.3");
	json_free(wire_wait(&w, "1/good.3", "passed"));
	after = wire_text(&w, 1, "good.3", "log");
	assert_string_equal(after, "good.3/7\n");
	free(after);
	after = record(&w, "race.json");
	assert_string_equal(before, after);
	free(after);
	after = record(&w, "good/log");
	assert_string_equal(text, after);
	free(after);
	sh_says(w.u, "git rev-list --count main..yolo/1/good.3", "1");
	sh_says(w.u, "git rev-list --count main..yolo/1/good", "1");
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"show\",\"variant\":\"1/good.3\""));
	assert_string_equal(json_str(json_get(json_get(ok, "spec_variant"), "env"), "K", ""), "v");
	json_free(ok);
	free(before);
	free(text);
	wire_end(&w);
}

static size_t overs(const struct wire *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nev; i++)
		n += strstr(json_str(w->ev[i], "msg", ""), "race 1 over") != NULL;
	return n;
}

static void the_race_is_over_once_more(void **state)
{
	struct wire w;
	struct json *ok;
	int64_t end;

	wire_begin(&w);
	wire_up(&w);
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"watch\",\"race\":-1")));
	wire_race(&w, SPEC("\"variants\":[{\"name\":\"a\",\"command\":\"true\"}]"));
	for (size_t times = 1; times <= 2; times++) {
		for (end = clock_mono_ms() + UNIT_DEADLINE;
			overs(&w) < times && clock_mono_ms() < end;)
			json_free(wire_ask(&w, "\"op\":\"status\""));
		assert_int_equal(overs(&w), times);
		if (times == 1)
			reruns(&w, "a", false, "1/a.2");
	}
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"report\",\"race\":1"));
	assert_int_equal(json_int(json_get(ok, "race"), "total", 0), 2);
	assert_string_not_equal(json_str(json_get(ok, "race"), "began", ""),
		json_str(json_get(ok, "race"), "created", ""));
	json_free(ok);
	wire_end(&w);
}

static void one_goes_on(void **state)
{
	struct wire w;
	struct json *row, *ok;
	char *first, *text;

	wire_begin(&w);
	wire_up(&w);
	wire_race(&w,
		SPEC("\"variants\":["
		     "{\"name\":\"a\",\"check\":\"true\",\"command\":\"echo line >>new; wc -l <new; git rev-parse HEAD; echo junk >.git/config; exit 1\"},"
		     "{\"name\":\"never\",\"command\":\"x\",\"setup\":\"true\"}]"));
	wire_over(&w);
	row = wire_row(&w, "1/a");
	first = xstrdup(json_str(row, "commit", ""));
	json_free(row);
	reruns(&w, "1/a", true, "1/a.2");
	row = wire_wait(&w, "1/a.2", "passed");
	assert_string_equal(json_str(row, "start", ""), first);
	assert_true(json_bool(row, "continue", false));
	assert_int_equal(json_int(row, "added", -1), 2); /* against the race's base */
	assert_int_equal(json_int(row, "files", -1), 1);
	json_free(row);
	text = wire_text(&w, 1, "a.2", "log");
	assert_true(!strncmp(text, "2\n", 2));
	assert_true(!strncmp(text + 2, first, 40)); /* HEAD is where the first one ended */
	free(text);
	sh_says(w.u, "git rev-list --count main..yolo/1/a.2", "2");
	sh_says(w.u,
		"test \"$(git rev-parse yolo/1/a.2^)\" = \"$(git rev-parse yolo/1/a)\" && echo on it",
		"on it");
	reruns(&w, "1/a.2", true, "1/a.3");
	json_free(wire_wait(&w, "1/a.3", "passed"));
	sh_says(w.u, "git rev-list --count main..yolo/1/a.3", "3");
	sh_says(w.u, "git show yolo/1/a.3:new | wc -l | tr -d ' '", "3");
	ok = wire_ok(&w, wire_ask(&w, "\"op\":\"diff\",\"variant\":\"1/a.3\""));
	assert_int_equal(json_int(ok, "added", -1), 3);
	json_free(ok);
	/* promoted, taken back, archived, brought back: as any other */
	ok = wire_ok(&w,
		wire_ask(&w,
			"\"op\":\"promote\",\"variant\":\"1/a.3\",\"how\":\"rebase\",\"from\":\"%s\"",
			w.u));
	json_free(ok);
	sh_says(w.u, "git show main:new | wc -l | tr -d ' '; git rev-list --count main", "3\n4");
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"undo\"")));
	sh_says(w.u, "git rev-list --count main", "1");
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"archive\",\"variants\":[\"1/a.3\",\"1/a\"]")));
	reruns(&w, "1/a", true, "1/a.4"); /* what it goes on from is archived, not gone */
	json_free(wire_wait(&w, "1/a.4", "passed"));
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"restore\",\"variants\":[\"1/a.3\"]")));
	sh_says(w.u, "git rev-list --count main..yolo/1/a.3", "3");
	free(first);
	wire_end(&w);
}

static void what_cannot_be(void **state)
{
	struct wire w;
	struct json *ok;

	wire_begin(&w);
	wire_up(&w);
	wire_race(&w,
		SPEC("\"parallel\":1,\"variants\":[{\"name\":\"a\",\"command\":\"" UNTIL_GO
		     "\"},{\"name\":\"b\",\"command\":\"true\"},"
		     "{\"name\":\"evil\",\"command\":\"ln -s /etc/passwd out\"}]"));
	/* in the queue: it has nothing */
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"kill\",\"variant\":\"1/b\"")));
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"rerun\",\"variants\":[\"1/b\"],\"continue\":true"),
		"nothing_saved");
	WIRE_REFUSED(
		wire_ask(&w, "\"op\":\"rerun\",\"variants\":[\"1/nobody\"]"), "no_such_variant");
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"rerun\",\"variants\":[]"), "no_such_variant");
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"rerun\""), "bad_request");
	json_free(wire_wait(&w, "1/a", "running"));
	release(&w, "a");
	wire_over(&w);
	/* refused by its scan: in the quarantine only */
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"rerun\",\"variants\":[\"1/evil\"],\"continue\":true"),
		"nothing_saved");
	/* names that somebody has: a branch of the user's, a directory with files; an empty one is
	 * nothing */
	sh(w.u, "git branch yolo/1/b.2");
	ok = NULL;
	char *dir = store_path(&w.store, "races/1/b.3/work"),
	     *empty = store_path(&w.store, "races/1/b.4");
	struct err e = ERR_INIT;
	OK(fs_mkdirs(dir, 0700, &e));
	OK(fs_mkdirs(empty, 0700, &e));
	free(dir);
	free(empty);
	reruns(&w, "1/b", false, "1/b.4");
	json_free(wire_wait(&w, "1/b.4", "passed"));
	json_free(ok);
	wire_end(&w);
}

static void at_most_ninety_nine(void **state)
{
	struct wire w;
	struct json *answer;
	struct buf spec = BUF_INIT;

	wire_begin(&w);
	wire_up(&w);
	buf_str(&spec, SPEC("\"parallel\":1,\"variants\":["));
	spec.p[--spec.len] = '\0';
	for (int i = 1; i <= 97; i++)
		buf_fmt(&spec, "%s{\"name\":\"n-%d\",\"command\":\"%s\"}", i > 1 ? "," : "", i,
			i > 1 ? "true" : UNTIL_GO);
	buf_str(&spec, "]}");
	wire_race(&w, spec.p);
	buf_release(&spec);
	/* the others are in the queue: nothing to save */
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"kill\",\"all\":true")));
	wire_over(&w);
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"rerun\",\"variants\":[\"1/4\"]")));
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"rerun\",\"variants\":[\"1/2\",\"1/3\"]"), "too_many");
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"rerun\",\"variants\":[\"1/3\"]")));
	answer = wire_ask(&w, "\"op\":\"rerun\",\"variants\":[\"1/2\"]");
	assert_non_null(strstr(json_str(json_get(answer, "err"), "msg", ""), "at most 99"));
	json_free(answer);
	wire_over(&w);
	wire_end(&w);
}

/* However the conductor dies, the new variant is there once, or was never promised; and its command
 * runs once. */
static void killed_meanwhile(void **state)
{
	struct wire w;
	struct json *row;

	wire_begin(&w);
	wire_up(&w);
	wire_race(&w,
		SPEC("\"parallel\":2,\"variants\":[{\"name\":\"a\",\"command\":\"echo once; echo more >>f1; cat f1 | wc -l\"}]"));
	wire_over(&w);
	for (int k = 2; k < 8; k++) {
		char *name, *log;
		struct json *ok = NULL;
		/* killed at once, and a little later each time */
		name = rerun(&w, "1/a", k % 2);
		poll(NULL, 0, (k - 2) * 12);
		wire_kill9(&w);
		wire_up(&w);
		row = wire_wait(&w, name, "passed");
		assert_int_equal(json_int(row, "number", 0), k);
		assert_string_equal(json_str(row, "origin", ""), "a");
		json_free(row);
		log = wire_text(&w, 1, name + 2, "log");
		assert_string_equal(log, k % 2 ? "once\n5\n" : "once\n4\n");
		free(log);
		free(name);
		json_free(ok);
	}
	/* without waiting for the answer */
	wire_put(&w.io, "{\"id\":900,\"op\":\"rerun\",\"variants\":[\"1/a\",\"1/a.2\"]}");
	wire_kill9(&w);
	wire_up(&w);
	wire_over(&w);
	for (int n = 8;; n++) {
		char sel[16];
		snprintf(sel, sizeof(sel), "1/%d", n);
		struct json *answer = wire_ask(&w, "\"op\":\"show\",\"variant\":\"%s\"", sel);
		bool there = json_get(answer, "ok") != NULL;
		if (there)
			assert_string_equal(
				json_str(json_get(json_get(answer, "ok"), "row"), "state", ""),
				"passed");
		json_free(answer);
		if (!there)
			break;
	}
	wire_end(&w);
}

static void entered_while_it_runs(void **state)
{
	struct wire w;
	struct json *ok;
	struct strv argv = STRV_INIT;
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	struct err e = ERR_INIT;

	wire_begin(&w);
	wire_up(&w);
	wire_race(&w,
		SPEC("\"parallel\":1,\"variants\":[{\"name\":\"a\",\"command\":\"" UNTIL_GO
		     "\",\"env\":{\"K\":\"a b\"}},"
		     "{\"name\":\"b\",\"command\":\"true\"}]"));
	json_free(wire_wait(&w, "1/a", "running"));
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"shell\",\"variant\":\"1/b\""), "not_running");
	WIRE_REFUSED(
		wire_ask(&w, "\"op\":\"shell\",\"variant\":\"1/a\",\"argv\":[]"), "bad_request");
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"shell\",\"variant\":\"1/a\",\"argv\":[\"\"]"),
		"bad_request");
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"shell\",\"variant\":\"1/a\",\"argv\":\"ls\""),
		"bad_request");
	/* words stay words, whatever is in them */
	ok = wire_ok(&w,
		wire_ask(&w,
			"\"op\":\"shell\",\"variant\":\"1/a\",\"tty\":true,\"term\":\"xterm\","
			"\"argv\":[\"/bin/sh\",\"-c\",\"printf '%%s|' \\\"$K\\\" \\\"$TERM\\\" \\\"$@\\\"; basename $PWD\",\"x\",\"$(id)\",\"`id`;\\\"\"]"));
	assert_int_equal(json_get_strv(ok, "argv", &argv), 0);
	s.argv = strv_argv(&argv);
	OK(child_run(&s, NULL, 0, 4096, UNIT_DEADLINE, &r, &e));
	assert_string_equal(r.out.p, "a b|xterm|$(id)|`id`;\"|work\n");
	child_result_release(&r);
	strv_release(&argv);
	json_free(ok);
	ok = wire_ok(&w,
		wire_ask(&w, "\"op\":\"shell\",\"variant\":\"1/a\",\"tty\":true,\"term\":\"x;y\""));
	assert_int_equal(json_get_strv(ok, "argv", &argv), 0);
	assert_false(strv_has(&argv, "TERM=x;y"));
	strv_release(&argv);
	json_free(ok);
	release(&w, "a");
	wire_over(&w);
	WIRE_REFUSED(wire_ask(&w, "\"op\":\"shell\",\"variant\":\"1/a\""), "not_running");
	wire_end(&w);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(each_end_can_be_run_again),
		cmocka_unit_test(the_race_is_over_once_more),
		cmocka_unit_test(one_goes_on),
		cmocka_unit_test(what_cannot_be),
		cmocka_unit_test(at_most_ninety_nine),
		cmocka_unit_test(killed_meanwhile),
		cmocka_unit_test(entered_while_it_runs),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(int argc, char **argv)
{
	return wire_main(argc, argv, tests);
}
