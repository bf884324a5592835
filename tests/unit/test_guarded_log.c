/* test_guarded_log.c - the runner beside the pipeline (dagger): frames, slow and absent readers,
 * the stop file, what its watch catches. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/asset.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "model/tail.h"
#include "frame_codec.h"

static char dir[64], runner[80], vault[80], log_path[96], idx_path[96];

static int setup(void **state)
{
	struct err e;
	const struct asset *a = asset_find("runner");

	strcpy(dir, "/tmp/yolo-guarded-log-XXXXXX");
	if (!mkdtemp(dir) || !a || chmod(dir, 0755) < 0)
		return -1;
	snprintf(runner, sizeof runner, "%s/runner", dir);
	snprintf(vault, sizeof vault, "%s/vault", dir);
	snprintf(log_path, sizeof log_path, "%s/log", vault);
	snprintf(idx_path, sizeof idx_path, "%s/idx", vault);
	return fs_create(runner, 0755, a->data, a->len, &e);
}

static int teardown(void **state)
{
	struct err e;

	return fs_remove_tree(dir, "runner", &e);
}

#define V(...) ((const char *const[]){ __VA_ARGS__, NULL })
static const char *const none[] = { NULL };

struct run {
	struct child c;
	int out; /* read end of its stdout */
	struct buf frames;
};

static void fresh(void)
{
	struct err e;
	char mark[96];

	snprintf(mark, sizeof mark, "%s/mark", vault);
	if (fs_is_dir(vault))
		assert_int_equal(fs_remove_tree(vault, "mark", &e), 0);
	assert_int_equal(mkdir(vault, 0755), 0);
	assert_int_equal(fs_create(mark, 0600, "", 0, &e), 0);
}

static void start_argv(struct run *r, const char *const *argv)
{
	struct err e;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	struct child_spec s = CHILD_SPEC_INIT;
	s.argv = argv;
	s.out = p[1];
	if (child_start(&r->c, &s, &e) < 0)
		fail_msg("%s", e.msg);
	close(p[1]);
	r->out = p[0];
	buf_init(&r->frames);
}

/* before runner --guarded-log <opts...> -- /bin/sh -c script */
static void start(
	struct run *r, const char *const *before, const char *const *opts, const char *script)
{
	struct strv v = STRV_INIT;

	strv_addv(&v, before);
	strv_addl(&v, runner, "--guarded-log", vault, NULL);
	strv_addv(&v, opts);
	strv_addl(&v, "--", "/bin/sh", "-c", script, NULL);
	start_argv(r, strv_argv(&v));
	strv_release(&v);
}

/* Reads frames to their end, waits for the runner; its exit code. */
static int finish(struct run *r)
{
	char b[65536];
	ssize_t n;
	int code = -1;

	while (r->out >= 0 && (n = read(r->out, b, sizeof b)) > 0)
		buf_add(&r->frames, b, (size_t)n);
	if (r->out >= 0)
		close(r->out);
	assert_int_equal(child_wait(&r->c, UNIT_DEADLINE, &code), 1);
	return code;
}

static int squeezed; /* frames that were */

/* One frame as the pipeline takes it: appended where it belongs. */
static void take_frame(const char *line, size_t len, struct buf *log, struct buf *idx)
{
	unsigned long long off, ns, val;
	unsigned n, kind, stream;
	int at = 0;
	unsigned char raw[RUNLOG_RECORD];

	assert_int_equal(sscanf(line, "Y %llu %llu %llu %u %u %u %n", &off, &ns, &val, &n, &kind,
				 &stream, &at),
		6);
	if (kind == RUNLOG_OUTPUT) {
		size_t was = log->len;
		assert_int_equal(off, was);
		if (line[at] == '~') {
			struct buf packed = BUF_INIT;
			decode(line + at + 1, len - (size_t)at - 1, &packed);
			assert_true(packed.len < n);
			lz4_unpack(&packed, log);
			buf_release(&packed);
			squeezed++;
		} else {
			decode(line + at, len - (size_t)at, log);
		}
		assert_int_equal(log->len - was, n);
		assert_true(n <= 24576);
	} else {
		assert_int_equal(len - (size_t)at, 1);
		assert_int_equal(line[at], '-');
	}
	runlog_encode(
		&(struct runlog_record){ off, ns, val, n, (uint8_t)kind, (uint8_t)stream, 0 }, raw);
	buf_add(idx, raw, sizeof raw);
}

/* The host's files made from the frames are the raw ones, to the last byte; the last frame is the
 * exit. */
static void expect_rebuilt(struct run *r)
{
	struct err e;
	struct buf log = BUF_INIT, idx = BUF_INIT, raw = BUF_INIT;

	for (char *s = r->frames.p, *end; *s; s = end + 1) {
		end = strchr(s, '\n');
		assert_non_null(end);
		*end = 0;
		take_frame(s, (size_t)(end - s), &log, &idx);
	}
	assert_int_equal(fs_read(log_path, 64 << 20, &raw, &e), 0);
	assert_int_equal(raw.len, log.len);
	assert_memory_equal(raw.p, log.p, raw.len);
	assert_int_equal(fs_read(idx_path, 64 << 20, &raw, &e), 0);
	assert_int_equal(raw.len, idx.len);
	assert_memory_equal(raw.p, idx.p, raw.len);
	assert_true(raw.len >= RUNLOG_RECORD && raw.p[raw.len - RUNLOG_RECORD + 28] == RUNLOG_EXIT);
	buf_release(&log);
	buf_release(&idx);
	buf_release(&raw);
	buf_release(&r->frames);
}

static bool add_line(void *ctx, const struct tail_line *l)
{
	buf_fmt(ctx, "%s%s%.*s\n", l->kind == TAIL_MARK ? "# " : "",
		l->kind == TAIL_TEXT && l->stream == RUNLOG_STDERR ? "!" : "", (int)l->len,
		l->text);
	return true;
}

static void expect(const char *want)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	char link[96];

	snprintf(link, sizeof link, "%s/log.idx", vault);
	assert_int_equal(rename(idx_path, link), 0);
	struct tail *t = tail_open(vault, "log", &e);
	assert_non_null(t);
	tail_from(t, 0, 1000, add_line, &b);
	assert_string_equal(b.p, want);
	buf_release(&b);
	tail_close(t);
}

static bool is_root(const char *what)
{
	if (geteuid() == 0)
		return true;
	printf("skipped: %s (not root)\n", what);
	return false;
}

static void through(const char *const *opts, const char *script, const char *want)
{
	struct run r;
	struct strv v = STRV_INIT;

	fresh();
	strv_add(&v, "--guarded-log-test");
	strv_addv(&v, opts);
	start(&r, none, strv_argv(&v), script);
	assert_int_equal(finish(&r), 0);
	expect_rebuilt(&r);
	if (want)
		expect(want);
	strv_release(&v);
}

static void frames(void **state)
{
	if (!is_root("frames"))
		return;
	through(none, "echo out; exit 3", "out\n# exit 3\n");
	through(none, "echo a; sleep 0.05; echo b >&2; sleep 0.05; printf c",
		"a\n!b\nc\n# exit 0\n");
	through(none, "kill -SEGV $$", "# exit 139 (signal 11)\n");
	through(V("--setup", "echo s"), "echo c",
		"# setup begins\ns\n# command begins\nc\n# exit 0\n");
	through(V("--cwd", "/no/such/dir"), "true",
		"# the command could not be started: No such file or directory\n# could not be started: exit 127\n");
	through(V("--uid", "65532", "--gid", "65532", "--cwd", "/"), "id -u", "65532\n# exit 0\n");
	through(V("--cap", "50000"), "head -c 3000000 /dev/zero", NULL);
	through(none,
		"head -c 3000000 /dev/urandom; seq 1 60000 & seq 100001 160000 >&2 & wait; wait",
		NULL);
	/* one byte over and over; repetitions far and near, of all lengths; none */
	squeezed = 0;
	through(none, "head -c 500000 /dev/zero; seq 1 60000", NULL);
	assert_true(squeezed > 10);
	through(none,
		"head -c 9000 /dev/urandom >u; for i in 1 20 300 4000 5 255 270 271 18 19 4; do head -c $i u; "
		"head -c $((i * 7)) /dev/zero; tail -c $((i + 300)) u; done; cat u u; rm u",
		NULL);
	squeezed = 0;
	through(none, "head -c 300000 /dev/urandom", NULL);
	assert_int_equal(squeezed, 0);
	/* a base64 of every remainder */
	through(none,
		"printf 1; sleep 0.02; printf 22; sleep 0.02; printf 333; sleep 0.02; printf '\\377\\000\\377\\376'",
		NULL);
	struct stat st;
	assert_int_equal(stat(vault, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static bool has_exit(void)
{
	struct err e;
	struct buf b = BUF_INIT;
	bool yes = fs_read(idx_path, 64 << 20, &b, &e) == 0 && b.len >= RUNLOG_RECORD &&
		b.len % RUNLOG_RECORD == 0 && b.p[b.len - RUNLOG_RECORD + 28] == RUNLOG_EXIT;

	buf_release(&b);
	return yes;
}

static bool log_holds(const char *want)
{
	struct err e;
	struct buf b = BUF_INIT;
	bool yes = fs_read(log_path, 64 << 20, &b, &e) == 0 && strstr(b.p, want);

	buf_release(&b);
	return yes;
}

static void wait_for(bool (*what)(const char *), const char *arg)
{
	struct timespec ms = { 0, 2000000 };

	for (int64_t end = clock_mono_ms() + UNIT_DEADLINE; !what(arg); nanosleep(&ms, NULL))
		assert_true(clock_mono_ms() < end);
}

static bool ended(const char *unused)
{
	return has_exit();
}

/* Nobody reads: the command comes to its end all the same; who reads then gets all of it. */
static void slow_reader(void **state)
{
	struct run r;

	if (!is_root("slow reader"))
		return;
	fresh();
	start(&r, none, V("--guarded-log-test"), "head -c 20000000 /dev/urandom; echo end; exit 4");
	wait_for(ended, NULL);
	assert_int_equal(finish(&r), 0);
	assert_true(r.frames.len > 26000000);
	expect_rebuilt(&r);
}

static void no_reader(void **state)
{
	struct run r;

	if (!is_root("no reader"))
		return;
	fresh();
	start(&r, none, V("--guarded-log-test"),
		"head -c 300000 /dev/zero | tr '\\0' x; echo end; exit 4");
	close(r.out);
	r.out = -1;
	assert_int_equal(finish(&r), 0);
	assert_true(has_exit());
	assert_true(log_holds("xxend"));
}

static void stop(void **state)
{
	struct run r, t;
	char file[96];

	if (!is_root("stop file"))
		return;
	snprintf(file, sizeof file, "%s/stop", vault);
	fresh();
	start(&r, none, V("--guarded-log-test"),
		"exec 2>/dev/null; trap 'echo bye; exit 6' TERM; echo up; while :; do sleep 0.02; done");
	wait_for(log_holds, "up");
	start_argv(&t, V(runner, "--touch", file));
	assert_int_equal(finish(&t), 0);
	assert_int_equal(finish(&r), 0);
	expect_rebuilt(&r);
	expect("up\n# asked to stop\nbye\n# stopped: exit 6\n");
	/* there before the command */
	fresh();
	start_argv(&t, V(runner, "--touch", file));
	assert_int_equal(finish(&t), 0);
	start(&r, none, V("--guarded-log-test", "--grace", "100"), "exec sleep 60");
	assert_int_equal(finish(&r), 0);
	buf_release(&r.frames);
	expect("# asked to stop\n# stopped: exit 143 (signal 15)\n");
}

/* The same by a line to us; when it is cut, the command goes on. */
static void line(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct run r;
	struct err e;
	char go[96], *script;

	if (!is_root("stop by a socket"))
		return;
	snprintf(a.sun_path, sizeof a.sun_path, "%s/ctl", dir);
	snprintf(go, sizeof go, "%s/go", dir);
	script = xasprintf(
		"exec 2>/dev/null; trap 'echo bye; exit 6' TERM; echo up; while [ ! -e %s ]; do sleep 0.02; done; echo by itself",
		go);
	for (int asked = 0; asked < 2; asked++) {
		int at = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(at, (const struct sockaddr *)&a, sizeof a), 0);
		assert_int_equal(listen(at, 1), 0);
		fresh();
		start(&r, none, V("--guarded-log-test", "--stop-socket", a.sun_path), script);
		int conn = accept4(at, NULL, NULL, SOCK_CLOEXEC);
		assert_true(conn >= 0);
		wait_for(log_holds, "up");
		if (asked)
			assert_int_equal(write(conn, "stop", 4), 4);
		close(conn);
		close(at);
		unlink(a.sun_path);
		if (!asked)
			assert_int_equal(fs_create(go, 0600, "", 0, &e), 0);
		assert_int_equal(finish(&r), 0);
		unlink(go);
		expect_rebuilt(&r);
		expect(asked ? "up\n# asked to stop\nbye\n# stopped: exit 6\n"
			     : "up\nby itself\n# exit 0\n");
	}
	free(script);
	through(V("--guarded-log-test", "--stop-socket", a.sun_path), "echo all the same",
		"all the same\n# exit 0\n");
}

static int try_guarded_log(const char *const *opts)
{
	struct run r;

	start(&r, none, opts, "echo ran >&2");
	int code = finish(&r);
	buf_release(&r.frames);
	return code;
}

static void refuses(void **state)
{
	char other[80];

	if (!is_root("refusals"))
		return;
	fresh();
	assert_int_equal(try_guarded_log(none), 125); /* not in a container */
	assert_false(fs_exists(log_path));
	assert_int_equal(try_guarded_log(V("--guarded-log-test")), 0);
	assert_int_equal(try_guarded_log(V("--guarded-log-test")), 125); /* has run already */
	assert_int_equal(unlink(log_path), 0);
	assert_int_equal(try_guarded_log(V("--guarded-log-test")), 125);
	fresh();
	assert_int_equal(chown(vault, 65532, 65532), 0);
	assert_int_equal(try_guarded_log(V("--guarded-log-test")), 125);
	snprintf(other, sizeof other, "%s/other", dir);
	assert_int_equal(chown(vault, 0, 0), 0);
	assert_int_equal(rename(vault, other), 0);
	assert_int_equal(symlink(other, vault), 0);
	assert_int_equal(try_guarded_log(V("--guarded-log-test")), 125);
	assert_int_equal(unlink(vault), 0);
	assert_int_equal(rename(other, vault), 0);
	assert_int_equal(try_guarded_log(V("--guarded-log-test", "--log", "/dev/null")), 125);
}

/* A process namespace as a container has it, in which the runner is not the first one. */
static bool inside(const char *const *opts, const char *script, struct run *r)
{
	static const char *const enter[] = { "unshare", "-p", "-f", "--mount-proc", "/bin/sh", "-c",
		"\"$@\"; exit $?", "-", NULL };
	struct run probe;

	fresh();
	if (!is_root("limits"))
		return false;
	start_argv(&probe, V("unshare", "-p", "-f", "--mount-proc", "/bin/true"));
	if (finish(&probe) != 0) {
		printf("skipped: limits of a guarded log (no process namespace)\n");
		return false;
	}
	start(r, enter, opts, script);
	assert_int_equal(finish(r), 0);
	expect_rebuilt(r);
	return true;
}

static void expect_end(int64_t memory, enum engine_cause cause, int exit, const char *reason)
{
	struct engine_task t = { .idx = idx_path, .limits = { .memory = memory } };
	struct engine_end end;

	assert_true(engine_end_from_log(&t, &end));
	assert_int_equal(end.cause, cause);
	assert_int_equal(end.exit, exit);
	assert_string_equal(end.reason, reason);
}

static void memory(void **state)
{
	struct run r;

	if (!inside(V("--uid", "65532", "--gid", "65532", "--memory", "67108864"),
		    "echo go; exec tail /dev/zero", &r))
		return;
	expect_end(67108864, ENGINE_OOM, 137, "out of memory (limit 64.0 MiB)");
	expect("go\n# memory limit 64.0 MiB reached, killed\n# out of memory: exit 137 (signal 9)\n");
	/* all of it together; a shell that would go on does not */
	inside(V("--memory", "67108864"),
		"for i in 1 2 3 4; do (sleep 0.2; head -c 30m /dev/zero | tail) & done; wait; echo on",
		&r);
	expect_end(67108864, ENGINE_OOM, 137, "out of memory (limit 64.0 MiB)");
	/* pages of files and of other processes' forks are no such memory */
	inside(V("--memory", "67108864"),
		"head -c 100m /dev/zero >/tmp/yolo-guarded-log-$$; cat /tmp/yolo-guarded-log-$$ >/dev/null; rm /tmp/yolo-guarded-log-$$; "
		"sleep 0.3; echo fine",
		&r);
	expect("fine\n# exit 0\n");
}

static void pids(void **state)
{
	struct run r;

	if (!inside(V("--uid", "65532", "--gid", "65532", "--pids", "40"),
		    "b() { b & b & }; b; sleep 30; echo on", &r))
		return;
	expect_end(
		0, ENGINE_EXITED, 137, "exit 137 (signal 9, Killed), process limit (40) reached");
	inside(V("--pids", "40", "--setup",
		       "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.3 & done; wait; echo s"),
		"echo c", &r);
	expect("# setup begins\ns\n# command begins\nc\n# exit 0\n");
	inside(V("--pids", "5", "--setup",
		       "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 30 & done; wait; echo s"),
		"echo c", &r);
	expect("# setup begins\n# process limit reached\n# setup failed: exit 137 (signal 9)\n");
}

/* What left the command's session and its parents does not outlive the record: KILL goes to all
 * that is in the container. */
static void orphans(void **state)
{
	struct run r;
	struct err e;
	struct buf b = BUF_INIT;
	char script[300];

	snprintf(script, sizeof script,
		"setsid sh -c 'setsid sleep 91 & echo x >%s/up; exec setsid sleep 92' >/dev/null 2>&1 & "
		"while [ ! -s %s/up ]; do sleep 0.02; done; ps ax | grep -c '[s]leep 9[12]'",
		dir, dir);
	if (!inside(none, script, &r))
		return;
	struct run after;
	start_argv(&after, V("/bin/sh", "-c", "ps ax | grep '[s]leep 9[12]'"));
	assert_int_equal(finish(&after), 1);
	assert_int_equal(fs_read(log_path, 1000, &b, &e), 0);
	assert_true(strtol(b.p, NULL, 10) >= 1); /* they were there */
	buf_release(&b);
}

/* What a command tries against its log and its runner; as another user nothing of it goes. Control:
 * staying root it does. */
static void walls(void **state)
{
	static const char attempts[] =
		"try() { if \"$@\" >/dev/null 2>&1; then echo \"REACHED $*\"; fi; }; p=$PPID; echo begin;"
		"try ls $vault; try cat $vault/log; try sh -c \"echo x >>$vault/log\"; try sh -c \"echo x >>$vault/idx\"; try sh -c \"echo x >$vault/stap\";"
		"try chmod 755 $vault; try mv $vault $vault.2; try ls /proc/$p/root/; try ls /proc/$p/cwd/; try ls /proc/$p/fd/; try cat /proc/$p/environ;"
		"try sh -c \"echo forged >/proc/$p/fd/1\"; for s in TERM INT HUP USR1 STOP KILL; do try kill -$s $p; try kill -$s 1; done; kill -9 -1; echo end";
	struct run r;
	struct err e;
	struct buf script = BUF_INIT, log = BUF_INIT;

	buf_fmt(&script, "vault=%s; %s", vault, attempts);
	if (inside(V("--uid", "65532", "--gid", "65532", "--cwd", "/"), script.p, &r)) {
		expect("begin\nend\n# exit 0\n");
		buf_clear(&script);
		buf_fmt(&script,
			"vault=%s; ls $vault >/dev/null && echo REACHED; kill -0 $PPID && echo SIGNALLED",
			vault);
		inside(none, script.p, &r);
		assert_int_equal(fs_read(log_path, 1000, &log, &e), 0);
		assert_string_equal(log.p, "REACHED\nSIGNALLED\n");
	}
	buf_release(&script);
	buf_release(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(frames), cmocka_unit_test(slow_reader),
		cmocka_unit_test(no_reader), cmocka_unit_test(stop), cmocka_unit_test(line),
		cmocka_unit_test(refuses), cmocka_unit_test(memory), cmocka_unit_test(pids),
		cmocka_unit_test(orphans), cmocka_unit_test(walls) };
	return cmocka_run_group_tests(tests, setup, teardown);
}
