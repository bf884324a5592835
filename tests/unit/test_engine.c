/* test_engine.c - one suite over every row of engine_table that is there: what a race may count on
 * from any engine.
 *
 * As root it runs itself once more as an ordinary user. `test_engine owner ENGINE DIR VARIANT` is a
 * conductor that starts one task and waits to be killed: the suite adopts what it leaves. */
#include "engine_bench.h"

/* ---- the table of ends ---- */

static const struct ending {
	const char *name, *script, *setup;
	int64_t time_ms, log;
	enum engine_cause cause;
	int exit;
	const char *words, *log_text;
} endings[] = {
	{ "ok", "echo out; cd /; cd - >/dev/null; pwd >/dev/null", NULL, 0, 0, ENGINE_EXITED, 0,
		"exit 0", "out\n" },
	{ "three", "printf 'no newline'; exit 3", NULL, 0, 0, ENGINE_EXITED, 3, "exit 3",
		"no newline" },
	{ "shell-127", "no-such-program-at-all 2>/dev/null", NULL, 0, 0, ENGINE_EXITED, 127,
		"exit 127", "" },
	{ "signal", "kill -KILL $$", NULL, 0, 0, ENGINE_EXITED, 137, "signal 9", "" },
	{ "setup", "echo command", "echo setup", 0, 0, ENGINE_EXITED, 0, "exit 0",
		"setup\ncommand\n" },
	{ "setup-fails", "echo command", "echo setup; exit 4", 0, 0, ENGINE_SETUP, 4,
		"setup failed: exit 4", "setup\n" },
	{ "time", "echo go; exec sleep 60", NULL, 300, 0, ENGINE_TIME, 143, "time limit 300ms",
		"go\n" },
	{ "time-in-setup", "echo never", "exec sleep 60", 300, 0, ENGINE_TIME, 143,
		"time limit 300ms", "" },
	{ "stubborn", "trap '' TERM; echo go; while :; do sleep 0.05; done", NULL, 300, 0,
		ENGINE_TIME, 137, "time limit", "go\n" },
	{ "environment",
		"echo \"$YOLO_VARIANT\"; id -u >/dev/null; cat </dev/null; tty -s || echo none",
		NULL, 0, 0, ENGINE_EXITED, 0, "exit 0", "it's a \"test\" $HOME\nnone\n" },
	{ "writes",
		"echo x >work-file && echo y >\"$HOME/h\" && mkdir \"${TMPDIR:-/tmp}/d\" && echo done",
		NULL, 0, 0, ENGINE_EXITED, 0, "exit 0", "done\n" },
};

static void ends(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		const struct ending *x = &endings[i];
		struct bench b;
		bench_open(&b);
		task(&b, x->name, x->script);
		b.t.setup = x->setup;
		b.t.limits.time_ms = x->time_ms;
		start(&b);
		run_loop(&b);
		assert_int_equal(b.started, 1);
		expect_end(&b, x->cause, x->exit, x->words);
		expect_log(&b, x->log_text);
		finish(&b);
	}
}

static void written_files_are_on_the_host(void **state)
{
	struct buf b = BUF_INIT;
	struct err e;
	char *path = xasprintf("%s/races/7/writes/work/work-file", dir);

	assert_int_equal(fs_read(path, 100, &b, &e), 0);
	assert_string_equal(b.p, "x\n");
	buf_release(&b);
	free(path);
}

static void not_found(void **state)
{
	struct bench b;

	bench_open(&b);
	task(&b, "exec-127", NULL);
	strv_add(&b.t.argv, "no-such-program-at-all");
	start(&b);
	run_loop(&b);
	assert_int_equal(b.started, 1);
	expect_end(&b, ENGINE_NOT_STARTED, 127, "no-such-program-at-all");
	finish(&b);
}

/* Bytes as written, per stream, the cap with its count. */
static void exact_bytes(void **state)
{
	struct err e = ERR_INIT;
	struct bench b;
	struct buf out = BUF_INIT, want = BUF_INIT;

	bench_open(&b);
	task(&b, "bytes", "printf 'a\\000b\\377\\r\\n'; seq 1 20000 >&2; printf end");
	start(&b);
	run_loop(&b);
	expect_end(&b, ENGINE_EXITED, 0, "exit 0");
	text_of(&b, &out);
	struct buf idx = BUF_INIT, stream[3] = { BUF_INIT, BUF_INIT, BUF_INIT };
	assert_int_equal(fs_read(b.idx, 1 << 20, &idx, &e), 0);
	for (size_t i = 0; i + RUNLOG_RECORD <= idx.len; i += RUNLOG_RECORD) {
		struct runlog_record r;
		assert_int_equal(runlog_decode((unsigned char *)idx.p + i, &r), 0);
		if (r.kind == RUNLOG_OUTPUT)
			buf_add(&stream[r.stream], out.p + r.off, r.len);
	}
	assert_int_equal(stream[1].len, 9);
	assert_memory_equal(stream[1].p, "a\0b\377\r\nend", 9);
	for (int i = 1; i <= 20000; i++)
		buf_fmt(&want, "%d\n", i);
	assert_string_equal(stream[2].p, want.p);
	finish(&b);
	bench_open(&b);
	task(&b, "cap", "head -c 5000000 /dev/zero");
	b.t.limits.log = 200000;
	start(&b);
	run_loop(&b);
	expect_end(&b, ENGINE_EXITED, 0, "exit 0");
	struct tail *t = tail_open(b.dir, "log", &e);
	assert_true(tail_size(t) <= 200000 && tail_size(t) > 190000);
	assert_int_equal(tail_gap(t) + tail_size(t), 5000000);
	tail_close(t);
	finish(&b);
	struct buf *all[] = { &out, &want, &idx, &stream[1], &stream[2] };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		buf_release(all[i]);
}

static void stops(void **state)
{
	static const struct {
		const char *name, *script;
		int exit;
	} cases[] = {
		{ "stop-nice",
			"exec 2>/dev/null; trap 'echo bye; exit 6' TERM; echo up; while :; do sleep 0.02; done",
			6 },
		{ "stop-plain", "echo up; exec sleep 60", 143 },
		{ "stop-stubborn", "trap '' TERM; echo up; while :; do sleep 0.02; done", 137 },
		{ "stop-children",
			"trap '' TERM; (trap '' TERM; setsid sleep 60 & wait) & echo up; wait",
			137 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;
		bench_open(&b);
		task(&b, cases[i].name, cases[i].script);
		start(&b);
		until_log(&b, "up");
		int64_t t0 = clock_mono_ms();
		type->stop(b.g, &b.t);
		type->stop(b.g, &b.t);
		run_loop(&b);
		expect_end(&b, ENGINE_STOPPED, cases[i].exit, "");
		assert_true(clock_mono_ms() - t0 < 30000);
		finish(&b);
	}
	struct bench b;
	bench_open(&b);
	task(&b, "stop-at-once", "exec sleep 60");
	start(&b);
	type->stop(b.g, &b.t);
	run_loop(&b);
	assert_int_equal(b.ended, 1);
	assert_int_equal(b.end.cause, ENGINE_STOPPED);
	finish(&b);
}

static void survives_close(void **state)
{
	struct bench b;

	bench_open(&b);
	task(&b, "close", "echo one; sleep 0.3; echo two; exit 9");
	start(&b);
	b.leave_when_started = true;
	run_loop(&b);
	assert_int_equal(b.ended, 0);
	char id[128];
	snprintf(id, sizeof id, "%s", b.t.id);
	bench_close(&b);
	bench_open(&b);
	task(&b, "close", "never started again");
	snprintf(b.t.id, sizeof b.t.id, "%s", id);
	type->adopt(b.g, &b.t);
	run_loop(&b);
	assert_int_equal(b.started, 0);
	expect_end(&b, ENGINE_EXITED, 9, "exit 9");
	expect_log(&b, "one\ntwo\n");
	finish(&b);
	/* it ended while nobody looked: adopted again, it says the same */
	bench_open(&b);
	task(&b, "close", "never started again");
	snprintf(b.t.id, sizeof b.t.id, "%s", id);
	type->adopt(b.g, &b.t);
	run_loop(&b);
	expect_end(&b, ENGINE_EXITED, 9, "exit 9");
	finish(&b);
}

static void gone_and_never_there(void **state)
{
	struct bench b;

	bench_open(&b);
	task(&b, "nowhere", "x");
	type->adopt(b.g, &b.t);
	run_loop(&b);
	assert_int_equal(b.started, 0);
	expect_end(&b, ENGINE_GONE, -1, "");
	finish(&b);
}

/* ---- a conductor that dies ---- */

static int owner(const char *name, const char *state_dir, const char *variant)
{
	struct bench b;

	type = engine_find(name);
	snprintf(dir, sizeof dir, "%s", state_dir);
	snprintf(runner, sizeof runner, "%s/runner", dir);
	bench_open(&b);
	task(&b, variant,
		"echo one; i=0; while [ ! -e go ]; do sleep 0.02; done; echo two; exit 5");
	b.id_file = fs_join(b.dir, "id");
	start(&b);
	run_loop(&b);
	return 0;
}

/* Where work/ is a copy, only a second container reaches the command's own. */
static void beside(struct bench *b, const char *script)
{
	const char *const cmd[] = { "/bin/sh", "-c", script, NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct strv argv = STRV_INIT;
	struct child_result r;
	struct err e = ERR_INIT;

	assert_int_equal(type->exec_argv(b->g, &b->t, cmd, false, &argv, &e), 0);
	s.argv = strv_argv(&argv);
	assert_int_equal(child_run(&s, NULL, 0, 1 << 16, UNIT_DEADLINE, &r, &e), 0);
	assert_int_equal(r.code, 0);
	child_result_release(&r);
	strv_release(&argv);
}

static void owner_dies(bool know_id)
{
	struct bench b;
	struct child c;
	struct err e = ERR_INIT;
	struct buf id = BUF_INIT;
	struct timespec ms = { 0, 5000000 };
	int code;

	const char *variant = know_id ? "owned" : "owned-unknown";
	char *old = xasprintf("%s/races/7/%s", dir, variant);
	struct child_spec s = CHILD_SPEC_INIT;
	s.argv = (const char *const[]){ "/proc/self/exe", "owner", type->name, dir, variant, NULL };
	s.out = s.err = CHILD_INHERIT;
	assert_int_equal(child_start(&c, &s, &e), 0);
	char *path = fs_join(old, "id");
	for (int64_t end = clock_mono_ms() + UNIT_DEADLINE; fs_read(path, 200, &id, &e) != 0;
		nanosleep(&ms, NULL))
		assert_true(clock_mono_ms() < end);
	child_kill(&c, SIGKILL);
	assert_int_equal(child_wait(&c, UNIT_DEADLINE, &code), 1);
	assert_int_equal(code, 137);
	bench_open(&b);
	task(&b, variant, "never started again");
	if (know_id)
		snprintf(b.t.id, sizeof b.t.id, "%s", id.p);
	type->adopt(b.g, &b.t);
	until_log(&b, "one");
	char *go = fs_join(b.dir, "work/go");
	if (type == &engine_dagger)
		beside(&b, "touch go");
	else
		assert_int_equal(fs_create(go, 0644, "", 0, &e), 0);
	run_loop(&b);
	assert_int_equal(b.started, know_id ? 0 : 1);
	assert_string_equal(b.t.id, id.p);
	expect_end(&b, ENGINE_EXITED, 5, "exit 5");
	expect_log(&b, "one\ntwo\n");
	finish(&b);
	free(go);
	free(path);
	free(old);
	buf_release(&id);
}

static void adopt_after_the_owner_died(void **state)
{
	owner_dies(true);
}

static void adopt_before_the_id_was_stored(void **state)
{
	owner_dies(false);
}

/* ---- walls ---- */

/* Runs a probing script and gives back its output. */
static void inside(const char *variant, const char *script, const char *network, struct buf *out)
{
	struct bench b;

	bench_open(&b);
	task(&b, variant, script);
	b.t.network = network;
	start(&b);
	run_loop(&b);
	text_of(&b, out);
	finish(&b);
}

static char *look_script(void)
{
	return xasprintf(
		"for p in /var/run/docker.sock /run/docker.sock %s/sock %s/races/7/look/log /root /home/yolo/../../etc/shadow %s/repo; do "
		"[ -e \"$p\" ] && echo \"sees $p\"; done; echo looked",
		dir, dir, dir);
}

static void sees_nothing_of_ours(void **state)
{
	struct err e;
	struct buf out = BUF_INIT;

	if (!strcmp(report.isolation, "none")) {
		printf("skipped: %s has no walls\n", type->name);
		return;
	}
	int sock = sock_listen(dir, "sock", &e);
	assert_true(sock >= 0);
	char *script = look_script();
	inside("look", script, "bridge", &out);
	assert_string_equal(out.p, "looked\n");
	/* control: over the whole root the same script sees them */
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	s.argv = (const char *const[]){ "bwrap", "--ro-bind", "/", "/", "/bin/sh", "-c", script,
		NULL };
	if (child_run(&s, NULL, 0, 1 << 16, UNIT_DEADLINE, &r, &e) == 0 && r.code == 0) {
		char *want = xasprintf("sees %s/sock\nsees %s/races/7/look/log\n", dir, dir);
		assert_non_null(strstr(r.out.p, want));
		free(want);
	} else {
		printf("skipped: control by bwrap --ro-bind / /\n");
	}
	child_result_release(&r);
	close(sock);
	free(script);
	buf_release(&out);
}

static void cannot_touch_the_runner(void **state)
{
	struct buf out = BUF_INIT;

	if (!strcmp(report.isolation, "none")) {
		printf("skipped: %s has no walls\n", type->name);
		return;
	}
	inside("touch",
		"kill -KILL 1 2>/dev/null; for f in fd mem environ root cwd; do (ls /proc/1/$f/ || exec 3</proc/1/$f) >/dev/null 2>&1 && echo \"opens $f\"; done;"
		"ls /.yolo >/dev/null 2>&1 && ls /.yolo | grep -v '^run$'; (: >/usr/x) 2>/dev/null && echo writes; ls /proc/self/fd | grep -c .;"
		"grep -h -e NoNewPrivs -e CapEff /proc/self/status",
		"none", &out);
	assert_string_equal(out.p, "4\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n");
	buf_release(&out);
}

static void network_none_has_only_lo(void **state)
{
	struct buf out = BUF_INIT;

	if (!strcmp(report.isolation, "none") || type == &engine_dagger) {
		printf("skipped: %s takes no network away\n", type->name);
		return;
	}
	inside("net", "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '", "none", &out);
	assert_string_equal(out.p, "lo\n");
	buf_release(&out);
}

static void fork_bomb(void **state)
{
	struct bench b;

	if (!report.limit_pids) {
		printf("skipped: %s enforces no pids limit here\n", type->name);
		return;
	}
	bench_open(&b);
	task(&b, "bomb",
		"i=0; while [ $i -lt 300 ]; do sleep 20 & i=$((i+1)); echo $i; done; wait");
	b.t.limits.pids = 60;
	start(&b);
	run_loop(&b);
	assert_int_equal(b.ended, 1);
	assert_int_not_equal(b.end.exit, 0);
	/* Dagger: counted ten times a second, so it comes a little further */
	assert_true(type == &engine_dagger || !log_has(&b, "\n61\n"));
	assert_true(log_has(&b, "\n40\n"));
	finish(&b);
}

static void memory_hog(void **state)
{
	struct bench b;

	if (!report.limit_memory) {
		printf("skipped: %s enforces no memory limit here\n", type->name);
		return;
	}
	bench_open(&b);
	task(&b, "hog", "head -c 400000000 /dev/zero | tail | wc -c; exec tail </dev/zero");
	b.t.limits.memory = 64 * MIB;
	start(&b);
	run_loop(&b);
	expect_end(&b, ENGINE_OOM, 137, "out of memory (limit 64");
	finish(&b);
}

static void exec_beside(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;
	struct strv argv = STRV_INIT;
	struct child_result r;

	bench_open(&b);
	task(&b, "beside", "echo here >mark; echo up; exec sleep 60");
	start(&b);
	until_log(&b, "up");
	const char *const cmd[] = { "/bin/sh", "-c",
		"cat mark; echo \"$HOME\" | grep -c home; exit 7", NULL };
	assert_int_equal(type->exec_argv(b.g, &b.t, cmd, false, &argv, &e), 0);
	struct child_spec s = CHILD_SPEC_INIT;
	s.argv = strv_argv(&argv);
	if (child_run(&s, NULL, 0, 1 << 16, UNIT_DEADLINE, &r, &e) < 0)
		fail_msg("%s: %s", argv.v[0], e.msg);
	if (r.code != 7)
		fail_msg("%s: %s", type->name, r.err.p);
	assert_string_equal(r.out.p, "here\n1\n");
	child_result_release(&r);
	strv_release(&argv);
	type->stop(b.g, &b.t);
	run_loop(&b);
	expect_end(&b, ENGINE_STOPPED, 143, "");
	finish(&b);
}

static void check_beside_the_command(void **state)
{
	struct bench b;
	struct err e;

	bench_open(&b);
	task(&b, "checked", "echo result >file");
	start(&b);
	run_loop(&b);
	expect_end(&b, ENGINE_EXITED, 0, "exit 0");
	finish(&b);
	bench_open(&b);
	task(&b, "checked", "cat file; exit 2");
	free(b.log);
	free(b.idx);
	b.t.log = b.log = fs_join(b.dir, "check.log");
	b.t.idx = b.idx = fs_join(b.dir, "check.idx");
	assert_int_equal(fs_create(b.log, 0600, "", 0, &e), 0);
	assert_int_equal(fs_create(b.idx, 0600, "", 0, &e), 0);
	b.t.check = true;
	start(&b);
	run_loop(&b);
	expect_end(&b, ENGINE_EXITED, 2, "exit 2");
	expect_log(&b, "result\n");
	finish(&b);
}

/* A directory of the race's mounts: there under its own name (also below /tmp, which is the
 * variant's own), on PATH, read-only. */
static void mounts(void **state)
{
	struct bench b;
	struct err e = ERR_INIT;
	char tools[] = "/tmp/yolo-tools-XXXXXX";

	if (!strcmp(report.isolation, "none") || type == &engine_dagger)
		return;
	assert_non_null(mkdtemp(tools));
	assert_int_equal(chmod(tools, 0755), 0);
	char *tool = fs_join(tools, "yolo-tool"), *path = xstrdup(getenv("PATH")),
	     *with = xasprintf("%s:%s", tools, path);
	assert_int_equal(fs_create(tool, 0755, "#!/bin/sh\necho tool ran\n", 23, &e), 0);
	bench_open(&b);
	task(&b, "mounts",
		"yolo-tool; (: >/etc/passwd) 2>/dev/null || echo read-only; (: >\"$(command -v yolo-tool)\") || echo safe; : >/tmp/x");
	strv_add(&b.t.mounts, tools);
	setenv("PATH", with, 1);
	start(&b);
	run_loop(&b);
	setenv("PATH", path, 1);
	expect_end(&b, ENGINE_EXITED, 0, "exit 0");
	assert_true(log_has(&b, "tool ran\n"));
	assert_true(log_has(&b, "read-only\n"));
	assert_true(log_has(&b, "safe\n"));
	finish(&b);
	unlink(tool);
	rmdir(tools);
	free(tool);
	free(path);
	free(with);
}

static void refuses_mounts(void **state)
{
	struct bench b;
	struct spec s;

	if (!strcmp(report.isolation, "none"))
		return;
	bench_open(&b);
	spec_init(&s);
	if (type == &engine_dagger)
		xreplace(&s.image, getenv("YOLO_TEST_IMAGE"));
	type->prepare(b.g, &s, "", prepared, &b);
	run_loop(&b);
	assert_string_equal(b.end.reason, "");
	strv_add(&s.mounts, "/var/run");
	type->prepare(b.g, &s, "", prepared, &b);
	run_loop(&b);
	assert_non_null(strstr(b.end.reason,
		type == &engine_dagger ? "cannot be mounted there" : "/run is never mounted"));
	spec_release(&s);
	bench_close(&b);
}

static const struct CMUnitTest tests[] = { cmocka_unit_test(ends),
	cmocka_unit_test(written_files_are_on_the_host), cmocka_unit_test(not_found),
	cmocka_unit_test(exact_bytes), cmocka_unit_test(stops), cmocka_unit_test(survives_close),
	cmocka_unit_test(gone_and_never_there), cmocka_unit_test(adopt_after_the_owner_died),
	cmocka_unit_test(adopt_before_the_id_was_stored), cmocka_unit_test(sees_nothing_of_ours),
	cmocka_unit_test(cannot_touch_the_runner), cmocka_unit_test(network_none_has_only_lo),
	cmocka_unit_test(fork_bomb), cmocka_unit_test(memory_hog), cmocka_unit_test(exec_beside),
	cmocka_unit_test(check_beside_the_command), cmocka_unit_test(refuses_mounts),
	cmocka_unit_test(mounts) };

int main(int argc, char **argv)
{
	setenv("YOLODECK_FAKE", "1", 1);
	setenv("YOLODECK_STRICT", "1", 1);
	if (argc == 5 && !strcmp(argv[1], "owner"))
		return owner(argv[2], argv[3], argv[4]);
	int failed = run_rows(argc > 1 ? argv[1] : NULL, tests, ARRAY_LEN(tests));
	if (geteuid() == 0)
		failed += as_ordinary_user(argv);
	return failed ? 1 : 0;
}
