/* test_dagger.c - the C side of the dagger engine against a fake pipeline: every end, every death,
 * and that a task arrives as it was meant. */
#include "dagger_rig.h"

static void ends(void **state)
{
	static const struct {
		const char *word, *second;
		int started, code, pipes;
		enum engine_cause cause;
		const char *words;
	} cases[] = {
		{ "exit", "3", 1, 3, 1, ENGINE_EXITED, "exit 3" },
		{ "never", NULL, 0, -1, 1, ENGINE_NOT_STARTED, "no such image: x" },
		{ "fatal", NULL, 0, -1, 1, ENGINE_NOT_STARTED, "install v0.21.8" },
		{ "gone", NULL, 1, -1, 1, ENGINE_GONE, "went away" },
		{ "no-tree", NULL, 1, 0, 1, ENGINE_GONE,
			"exit 0; its files could not be fetched from the engine: no room" },
		{ "dies", NULL, 1, 4, 2, ENGINE_EXITED, "exit 4" },
		{ "dies", "silent", 1, -1, 2, ENGINE_GONE,
			"the pipeline died, and its containers with it; what they left was collected" },
		{ "dies", "both", 1, -1, 3, ENGINE_GONE, "could not be collected" },
		{ "dies-early", NULL, 0, -1, 2, ENGINE_NOT_STARTED, "pipeline.log says more" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig r;
		rig_task(&r, 10 + (int)i, "a", cases[i].word, cases[i].second);
		engine_dagger.start(r.g, &r.t);
		assert_int_equal(r.started + r.ended, 0);
		run(&r);
		expect(&r, cases[i].cause, cases[i].code, cases[i].words);
		assert_int_equal(r.started, cases[i].started);
		assert_int_equal(pipes(10 + (int)i), cases[i].pipes);
		assert_null(r.t.priv);
		if (cases[i].pipes >= 2 && cases[i].started)
			assert_non_null(
				strstr(r.notes, "[the pipeline died; collecting what it left]"));
		rig_done(&r);
	}
}

static void stopped_while_it_runs(void **state)
{
	struct rig r;

	rig_task(&r, 30, "a", "wait", NULL);
	engine_dagger.start(r.g, &r.t);
	r.leave = true;
	run(&r);
	assert_int_equal(r.started, 1);
	assert_string_equal(r.t.id, "0");
	engine_dagger.stop(r.g, &r.t);
	engine_dagger.stop(r.g, &r.t);
	run(&r);
	expect(&r, ENGINE_STOPPED, 143, "stopped");
	assert_non_null(strstr(r.notes, "[loading image]"));
	rig_done(&r);
}

static void stopped_before_it_is_sent(void **state)
{
	struct rig r;

	rig_task(&r, 31, "a", "wait", NULL);
	engine_dagger.start(r.g, &r.t);
	engine_dagger.stop(r.g, &r.t);
	assert_int_equal(r.ended, 0);
	run(&r);
	expect(&r, ENGINE_STOPPED, -1, "stopped");
	assert_int_equal(r.started, 0);
	rig_done(&r);
}

static int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void stop_now(void *ctx)
{
	struct rig *r = ctx;

	loop_stop(r->loop, 0);
}

/* What a process that is over and that no task needs held open is closed. */
static void many_races_leave_nothing_open(void **state)
{
	struct rig r;
	int before = 0;

	rig_task(&r, 600, "a", "fatal", NULL);
	for (int i = 0; i < 20; i++) {
		rig_dir(&r, 601 + i, "a");
		r.ended = 0;
		engine_dagger.start(r.g, &r.t);
		run(&r);
		expect(&r, ENGINE_NOT_STARTED, -1, "install v0.21.8");
		loop_after(r.loop, 20, stop_now, &r);
		run(&r);
		if (i == 1)
			before = descriptors();
	}
	assert_int_equal(descriptors(), before);
	rig_done(&r);
}

static void check_and_command_share_their_volumes(void **state)
{
	struct rig r;
	struct err e;
	struct buf b = BUF_INIT;
	char first[17];

	rig_task(&r, 50, "a", "exit", "0");
	engine_dagger.start(r.g, &r.t);
	run(&r);
	char *path = fs_join(r.dir, "task.json");
	assert_int_equal(fs_read(path, 1 << 20, &b, &e), 0);
	struct json *j = json_parse(b.p, b.len, &e);
	snprintf(first, sizeof first, "%s", json_str(j, "nonce", ""));
	assert_int_equal(strlen(first), 16);
	json_free(j);
	free(path);
	unlink(r.log);
	unlink(r.idx);
	assert_int_equal(fs_create(r.log, 0600, "", 0, &e) | fs_create(r.idx, 0600, "", 0, &e), 0);
	r.t.check = true;
	r.ended = 0;
	engine_dagger.start(r.g, &r.t);
	run(&r);
	path = fs_join(r.dir, "check-task.json");
	assert_int_equal(fs_read(path, 1 << 20, &b, &e), 0);
	j = json_parse(b.p, b.len, &e);
	assert_string_equal(json_str(j, "nonce", ""), first);
	assert_string_equal(json_str(j, "id", ""), "check:a");
	json_free(j);
	free(path);
	assert_int_equal(pipes(50), 1);
	buf_release(&b);
	rig_done(&r);
}

/* Whatever stands in a command, the task file holds it. */
static void any_text_arrives(void **state)
{
	static const char nasty[] =
		"a'b\"c`d$(e)\\n\nf\tg\r%s{{setup}}\x01 \xc5\xbc\xf0\x9f\x92\xa9 ${x} </script>";
	struct rig r;
	struct err e;
	struct buf b = BUF_INIT, big = BUF_INIT;
	struct strv argv = STRV_INIT, env = STRV_INIT;

	while (big.len < 100 << 10)
		buf_str(&big, nasty);
	rig_task(&r, 51, "a", "exit", "0");
	strv_addl(&r.t.argv, nasty, big.p, "", NULL);
	strv_fmt(&r.t.env, "K=%s", nasty);
	r.t.setup = nasty;
	engine_dagger.start(r.g, &r.t);
	run(&r);
	char *path = fs_join(r.dir, "task.json");
	assert_int_equal(fs_read(path, 4 << 20, &b, &e), 0);
	struct json *j = json_parse(b.p, b.len, &e);
	assert_int_equal(json_get_strv(j, "argv", &argv) | json_get_strv(j, "env", &env), 0);
	assert_int_equal(argv.n, 5);
	assert_string_equal(argv.v[2], nasty);
	assert_string_equal(argv.v[3], big.p);
	assert_string_equal(argv.v[4], "");
	assert_string_equal(env.v[0] + 2, nasty);
	assert_string_equal(json_str(j, "setup", ""), nasty);
	assert_string_equal(json_str(json_get(j, "image"), "tar", ""), "/x.tar");
	json_free(j);
	free(path);
	strv_release(&argv);
	strv_release(&env);
	buf_release(&b);
	buf_release(&big);
	rig_done(&r);
}

static void what_suits_it(void **state)
{
	struct err e = ERR_INIT;
	struct spec s;

	spec_init(&s);
	assert_int_equal(engine_dagger.suits(&s, &e), -1);
	assert_string_equal(e.code, "no_image");
	s.image = xstrdup("node:22");
	assert_int_equal(engine_dagger.suits(&s, &e), 0);
	s.limits.cpus = 2;
	assert_int_equal(engine_dagger.suits(&s, &e), -1);
	s.allow_unlimited = true;
	assert_int_equal(engine_dagger.suits(&s, &e), 0);
	s.network = xstrdup("none");
	assert_int_equal(engine_dagger.suits(&s, &e), -1);
	assert_string_equal(e.code, "network");
	spec_release(&s);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(ends),
	cmocka_unit_test(stopped_while_it_runs),
	cmocka_unit_test(stopped_before_it_is_sent),
	cmocka_unit_test(many_races_leave_nothing_open),
	cmocka_unit_test(check_and_command_share_their_volumes),
	cmocka_unit_test(any_text_arrives),
	cmocka_unit_test(what_suits_it),
};

RIG_MAIN(tests)
