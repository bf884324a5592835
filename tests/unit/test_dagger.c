/* test_dagger.c - the C side of the dagger engine against a fake pipeline: every end, every death,
 * adoption, and that a task arrives as it was meant. The program is put where the build would have
 * put it, so neither Go nor Dagger is needed. */

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "dagger_fake.c"
#include "engine/engine.h"
#include "model/pipeline.h"

static char top[64], *pinned;

struct rig {
	struct loop *loop;
	struct engine *g;
	struct engine_events ev;
	struct engine_ctx c;
	struct engine_task t;
	struct engine_end end;
	int started, ended;
	char notes[1000];
	char *dir, *log, *idx;
	struct loop_timer *late;
	bool leave;
};

static void on_started(void *ctx, struct engine_task *t)
{
	struct rig *r = ctx;

	r->started++;
	if (r->leave)
		loop_stop(r->loop, 0);
}

static void on_ended(void *ctx, struct engine_task *t, const struct engine_end *end)
{
	struct rig *r = ctx;

	r->ended++;
	r->end = *end;
	loop_stop(r->loop, 0);
}

static void on_note(void *ctx, struct engine_task *t, const char *text)
{
	struct rig *r = ctx;
	size_t n = strlen(r->notes);

	snprintf(r->notes + n, sizeof r->notes - n, "[%s]", text);
}

static void on_away(void *ctx, const char *why, const char *next)
{
}

static void too_late(void *ctx)
{
	struct rig *r = ctx;

	r->late = NULL;
	loop_stop(r->loop, 99);
}

static void run(struct rig *r)
{
	r->late = loop_after(r->loop, UNIT_DEADLINE, too_late, r);
	if (loop_run(r->loop) == 99)
		fail_msg("nothing came; notes: %s", r->notes);
	if (r->late)
		loop_cancel(r->late);
	r->late = NULL;
}

static void rig_open(struct rig *r)
{
	struct err e = ERR_INIT;

	r->loop = loop_new(&e);
	r->ev = (struct engine_events){ on_started, on_ended, on_note, on_away, r };
	r->c = (struct engine_ctx){ r->loop, &r->ev, top, "0123456789abcdef",
		"/nonexistent/runner" };
	r->g = engine_dagger.open(&r->c, &e);
	assert_non_null(r->g);
}

static void rig_close(struct rig *r)
{
	engine_dagger.close(r->g);
	loop_free(r->loop);
}

static void rig_task(
	struct rig *r, int race, const char *variant, const char *word, const char *second)
{
	struct err e;

	memset(r, 0, sizeof *r);
	rig_open(r);
	r->dir = xasprintf("%s/races/%d/%s", top, race, variant);
	r->log = fs_join(r->dir, "log");
	r->idx = fs_join(r->dir, "log.idx");
	assert_int_equal(fs_mkdirs(r->dir, 0700, &e), 0);
	assert_int_equal(fs_create(r->log, 0600, "", 0, &e), 0);
	assert_int_equal(fs_create(r->idx, 0600, "", 0, &e), 0);
	r->t = (struct engine_task){ .race = race,
		.variant = variant,
		.repo_id = "0123456789abcdef",
		.dir = r->dir,
		.log = r->log,
		.idx = r->idx,
		.image = "tar:/x.tar",
		.pipeline = pinned,
		.source = "/src",
		.runner_host = "",
		.network = "bridge",
		.grace_ms = 400 };
	strv_add(&r->t.argv, word);
	if (second)
		strv_add(&r->t.argv, second);
}

static void rig_done(struct rig *r)
{
	rig_close(r);
	strv_release(&r->t.argv);
	strv_release(&r->t.env);
	free(r->dir);
	free(r->log);
	free(r->idx);
}

static void expect(struct rig *r, enum engine_cause cause, int code, const char *words)
{
	assert_int_equal(r->ended, 1);
	if (r->end.cause != cause || r->end.exit != code || !strstr(r->end.reason, words))
		fail_msg("cause %d exit %d \"%s\", wanted cause %d exit %d \"%s\"", r->end.cause,
			r->end.exit, r->end.reason, cause, code, words);
}

static int pipes(int race)
{
	int n = 0;

	for (;; n++) {
		char path[128];
		snprintf(path, sizeof path, "%s/races/%d/pipe/%d", top, race, n);
		if (!fs_exists(path))
			return n;
	}
}

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
		{ "dies", "both", 1, -1, 2, ENGINE_GONE, "could not be collected" },
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
		if (cases[i].pipes == 2 && cases[i].started)
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

static void go(const struct rig *r)
{
	struct err e;
	char *path = fs_join(r->dir, "go");

	assert_int_equal(fs_create(path, 0600, "", 0, &e), 0);
	free(path);
}

/* The conductor dies with a control line half written; the next one finds the pipeline at work. */
static void adopted(void **state)
{
	struct rig r;
	char *control;

	for (int know = 0; know < 2; know++) {
		rig_task(&r, 40 + know, "a", "wait", NULL);
		engine_dagger.start(r.g, &r.t);
		r.leave = true;
		run(&r);
		rig_close(&r);
		control = xasprintf("%s/races/%d/pipe/0/control.jsonl", top, 40 + know);
		int fd = open(control, O_WRONLY | O_APPEND);
		assert_int_equal(write(fd, "{\"n\":9,\"st", 10), 10);
		close(fd);
		free(control);
		rig_open(&r);
		r.leave = false;
		r.started = r.ended = 0;
		if (!know)
			r.t.id[0] = '\0';
		engine_dagger.adopt(r.g, &r.t);
		if (know)
			go(&r);
		else
			engine_dagger.stop(r.g, &r.t);
		run(&r);
		expect(&r, know ? ENGINE_EXITED : ENGINE_STOPPED, know ? 5 : 143,
			know ? "exit 5" : "stopped");
		assert_int_equal(r.started, !know);
		assert_int_equal(pipes(40 + know), 1);
		/* what is over is told again */
		r.ended = 0;
		engine_dagger.adopt(r.g, &r.t);
		run(&r);
		expect(&r, know ? ENGINE_EXITED : ENGINE_STOPPED, know ? 5 : 143,
			know ? "exit 5" : "stopped");
		rig_done(&r);
	}
}

static void adopted_after_its_pipeline_died(void **state)
{
	struct rig r;

	rig_task(&r, 45, "a", "dies", NULL);
	engine_dagger.start(r.g, &r.t);
	r.leave = true;
	run(&r);
	rig_close(&r);
	rig_open(&r);
	r.leave = false;
	engine_dagger.adopt(r.g, &r.t);
	run(&r);
	expect(&r, ENGINE_EXITED, 4, "exit 4");
	rig_done(&r);
	rig_task(&r, 46, "never-there", "wait", NULL);
	engine_dagger.adopt(r.g, &r.t);
	run(&r);
	expect(&r, ENGINE_GONE, -1, "never told");
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

/* A pinned source, and the fake where its build would stand. */
static int setup(void **state)
{
	struct err e = ERR_INIT;
	struct pipeline_files files = { NULL, 0 };
	char self[256], hash[17], script[400], *dir, *program;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	strcpy(top, "/tmp/yolo-dagger-XXXXXX");
	if (n < 0 || !mkdtemp(top))
		return -1;
	self[n] = '\0';
	pinned = fs_join(top, "pipelines/src");
	dir = fs_join(top, "pipelines");
	if (fs_mkdirs(pinned, 0700, &e))
		return -1;
	program = fs_join(pinned, "main.go");
	int rc = fs_create(program, 0644, "package main\n", 13, &e) ||
		pipeline_read(pinned, &files, &e);
	free(program);
	pipeline_hash(&files, hash);
	pipeline_files_release(&files);
	snprintf(script, sizeof script, "#!/bin/sh\nexec %s \"$@\"\n", self);
	char *at = xasprintf("%s/%s", dir, hash);
	program = fs_join(at, "pipeline");
	rc = rc || fs_mkdirs(at, 0700, &e) || fs_create(program, 0755, script, strlen(script), &e);
	free(program);
	free(at);
	free(dir);
	if (rc)
		printf("%s\n", e.msg);
	return rc ? -1 : 0;
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;

	free(pinned);
	return fs_remove_tree(top, "races", &e);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends),
		cmocka_unit_test(stopped_while_it_runs),
		cmocka_unit_test(stopped_before_it_is_sent),
		cmocka_unit_test(adopted),
		cmocka_unit_test(adopted_after_its_pipeline_died),
		cmocka_unit_test(check_and_command_share_their_volumes),
		cmocka_unit_test(any_text_arrives),
		cmocka_unit_test(what_suits_it),
	};

	if (argc == 3 && !strcmp(argv[1], "run"))
		return dagger_fake(argv[2]);
	return cmocka_run_group_tests(tests, setup, teardown);
}
