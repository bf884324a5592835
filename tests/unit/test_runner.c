/* test_runner.c - the static runner as the engines start it: codes, phases, limits, orphans, cap,
 * guards. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/asset.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "model/tail.h"

static char dir[64], runner[80], log_path[80], idx_path[80];

static void fresh(void)
{
	unlink(log_path);
	unlink(idx_path);
	close(open(log_path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
	close(open(idx_path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
}

static int setup(void **state)
{
	struct err e;
	const struct asset *a = asset_find("runner");

	strcpy(dir, "/tmp/yolo-runner-XXXXXX");
	if (!mkdtemp(dir) || !a || chmod(dir, 0755) < 0)
		return -1;
	snprintf(runner, sizeof runner, "%s/runner", dir);
	snprintf(log_path, sizeof log_path, "%s/log", dir);
	snprintf(idx_path, sizeof idx_path, "%s/log.idx", dir);
	return fs_create(runner, 0755, a->data, a->len, &e);
}

static int teardown(void **state)
{
	struct err e;

	return fs_remove_tree(dir, "runner", &e);
}

/* runner --log --idx <opts...> -- <cmd...>; opts and cmd are NULL-terminated. */
static void start(
	struct child *c, const char *const *before, const char *const *opts, const char *const *cmd)
{
	struct strv v = STRV_INIT;
	struct err e;

	strv_addv(&v, before);
	strv_addl(&v, runner, "--log", log_path, "--idx", idx_path, NULL);
	strv_addv(&v, opts);
	strv_add(&v, "--");
	strv_addv(&v, cmd);
	struct child_spec s = CHILD_SPEC_INIT;
	s.argv = strv_argv(&v);
	s.new_session = true;
	if (child_start(c, &s, &e) < 0)
		fail_msg("%s", e.msg);
	strv_release(&v);
}

static const char *const none[] = { NULL };

static int finish(struct child *c)
{
	int code = -1;

	assert_int_equal(child_wait(c, 20000, &code), 1);
	return code;
}

#define V(...) ((const char *const[]){ __VA_ARGS__, NULL })
static int run(const char *const *opts, const char *const *cmd)
{
	struct child c;

	fresh();
	start(&c, none, opts, cmd);
	return finish(&c);
}
static int sh(const char *const *opts, const char *script)
{
	return run(opts, V("/bin/sh", "-c", script));
}

static bool add_line(void *ctx, const struct tail_line *l)
{
	struct buf *b = ctx;

	if (l->kind == TAIL_TEXT && l->stream == RUNLOG_STDERR)
		buf_str(b, "!");
	buf_fmt(b, "%s%.*s\n", l->kind == TAIL_MARK ? "# " : "", (int)l->len, l->text);
	return true;
}

static void expect(const char *want)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	struct tail *t = tail_open(dir, "log", &e);

	assert_non_null(t);
	tail_from(t, 0, 1000, add_line, &b);
	assert_string_equal(b.p, want);
	buf_release(&b);
	tail_close(t);
}

static bool log_holds(const char *want)
{
	struct err e;
	struct buf b = BUF_INIT;
	bool found = fs_read(log_path, 1 << 20, &b, &e) == 0 && strstr(b.p, want);

	buf_release(&b);
	return found;
}

static void wait_for(const char *text)
{
	struct timespec ms = { 0, 2000000 };
	int64_t end = clock_mono_ms() + UNIT_DEADLINE;

	while (!log_holds(text)) {
		assert_true(clock_mono_ms() < end);
		nanosleep(&ms, NULL);
	}
}

static void codes(void **state)
{
	assert_int_equal(sh(none, "echo out; exit 3"), 3);
	expect("out\n# exit 3\n");
	assert_int_equal(sh(none, "echo a; sleep 0.05; echo b >&2; sleep 0.05; printf c"), 0);
	expect("a\n!b\nc\n# exit 0\n");
	assert_int_equal(sh(none, "kill -SEGV $$"), 139);
	expect("# exit 139 (signal 11)\n");
	assert_int_equal(run(none, V("no-such-program")), 127);
	expect("# the command could not be started: No such file or directory\n# could not be started: exit 127\n");
	assert_int_equal(run(none, V("/etc/passwd")), 126);
	expect("# the command could not be started: Permission denied\n# could not be started: exit 126\n");
	assert_int_equal(sh(V("--cwd", "/no/such/dir"), "true"), 127);
}

static void phases(void **state)
{
	assert_int_equal(sh(V("--setup", "echo s; x=1"), "echo c$x"), 0);
	expect("# setup begins\ns\n# command begins\nc\n# exit 0\n");
	assert_int_equal(sh(V("--setup", "echo s >&2; exit 5"), "echo c"), 5);
	expect("# setup begins\n!s\n# setup failed: exit 5\n");
	/* a helper that setup started lives on beside the command, and ends with it */
	assert_int_equal(
		sh(V("--setup", "(sleep 0.1; echo helper; exec sleep 99) &"), "sleep 0.3; echo c"),
		0);
	expect("# setup begins\n# command begins\nhelper\nc\n# the command ended, processes it left behind were killed\n# exit 0\n");
}

static void limits(void **state)
{
	int64_t t0 = clock_mono_ms();

	assert_int_equal(sh(V("--time", "1000"), "echo go; exec sleep 100"), 143);
	expect("go\n# time limit 1s reached, asked to stop\n# time limit: exit 143 (signal 15)\n");
	assert_int_equal(sh(V("--time", "1000", "--grace", "100"),
				 "trap '' TERM; while :; do sleep 0.02; done"),
		137);
	expect("# time limit 1s reached, asked to stop\n# did not stop in time, killed\n# time limit: exit 137 (signal 9)\n");
	assert_int_equal(sh(V("--time", "100", "--setup", "exec sleep 100"), "echo never"), 143);
	expect("# setup begins\n# time limit 100ms reached, asked to stop\n# time limit: exit 143 (signal 15)\n");
	assert_int_equal(sh(V("--pids", "1"), "exec /bin/true"), 0);
	assert_true(clock_mono_ms() - t0 < UNIT_DEADLINE);
}

static void stop(void **state)
{
	struct child c;

	fresh();
	start(&c, none, none,
		V("/bin/sh", "-c",
			"exec 2>/dev/null; trap 'echo bye; exit 6' TERM; echo up; while :; do sleep 0.02; done"));
	wait_for("up");
	child_kill(&c, SIGTERM);
	child_kill(&c, SIGTERM);
	assert_int_equal(finish(&c), 6);
	expect("up\n# asked to stop\nbye\n# stopped: exit 6\n");
	fresh();
	start(&c, none, V("--grace", "100"),
		V("/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.02; done"));
	wait_for("up");
	child_kill(&c, SIGTERM);
	assert_int_equal(finish(&c), 137);
	expect("up\n# asked to stop\n# did not stop in time, killed\n# stopped: exit 137 (signal 9)\n");
}

/* Output gets its record while the command is quiet, not only when it goes on or ends. */
static void records_in_time(void **state)
{
	struct timespec ms = { 0, 1000000 };
	struct child c;
	struct stat st = { 0 };

	fresh();
	start(&c, none, none, V("/bin/sh", "-c", "printf up; exec sleep 60"));
	wait_for("up");
	for (int64_t end = clock_mono_ms() + UNIT_DEADLINE; st.st_size != RUNLOG_RECORD;
		nanosleep(&ms, NULL)) {
		assert_true(clock_mono_ms() < end);
		assert_int_equal(stat(idx_path, &st), 0);
	}
	child_kill(&c, SIGTERM);
	assert_int_equal(finish(&c), 143);
}

/* Processes that left the command's session, the first ones' children among them, do not outlive
 * the record. */
static void orphans(void **state)
{
	struct err e;
	struct buf b = BUF_INIT;
	char pids[80], script[400];

	snprintf(pids, sizeof pids, "%s/pids", dir);
	snprintf(script, sizeof script,
		"setsid sh -c 'sleep 91 & echo $! >>%s; echo $$ >>%s; exec setsid sleep 92' >/dev/null 2>&1 & "
		"while [ \"$(wc -l <%s 2>/dev/null)\" != 2 ]; do sleep 0.02; done",
		pids, pids, pids);
	assert_int_equal(sh(none, script), 0);
	assert_int_equal(fs_read(pids, 1000, &b, &e), 0);
	char *end = b.p;
	for (int i = 0; i < 2; i++) {
		pid_t pid = (pid_t)strtol(end, &end, 10);
		assert_true(pid > 1);
		assert_int_equal(kill(pid, 0), -1);
	}
	unlink(pids);
	buf_release(&b);
}

static void cap(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(sh(V("--cap", "50000"), "head -c 3000000 /dev/zero; echo end >&2"), 0);
	struct tail *t = tail_open(dir, "log", &e);
	assert_true(tail_size(t) < 50000 && tail_size(t) > 45000);
	assert_int_equal(tail_gap(t) + tail_size(t), 3000004);
	tail_close(t);
}

/* Every byte, in order per stream, from two writers that do not wait for each other. */
static void exact_bytes(void **state)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	assert_int_equal(sh(none, "seq 1 60000 & seq 100001 160000 >&2 & wait; wait"), 0);
	assert_int_equal(fs_read(log_path, 4 << 20, &b, &e), 0);
	struct buf x = BUF_INIT;
	assert_int_equal(fs_read(idx_path, 4 << 20, &x, &e), 0);
	struct buf out[3] = { BUF_INIT, BUF_INIT, BUF_INIT };
	for (size_t i = 0; i + RUNLOG_RECORD <= x.len; i += RUNLOG_RECORD) {
		struct runlog_record r;
		assert_int_equal(runlog_decode((unsigned char *)x.p + i, &r), 0);
		if (r.kind == RUNLOG_OUTPUT)
			buf_add(&out[r.stream], b.p + r.off, r.len);
	}
	assert_int_equal(out[1].len + out[2].len, b.len);
	for (int s = 1; s <= 2; s++) {
		char *p = out[s].p;
		for (long i = 1 + (s - 1) * 100000L; i <= 60000 + (s - 1) * 100000L; i++)
			assert_int_equal(strtol(p, &p, 10), i);
		assert_string_equal(p, "\n");
		buf_release(&out[s]);
	}
	buf_release(&b);
	buf_release(&x);
}

static int run_log(const char *opts)
{
	struct child c;

	start(&c, none, V(opts, "x"), V("/bin/true"));
	return finish(&c);
}

static void refuses_stale_files(void **state)
{
	char other[80];

	fresh();
	assert_int_equal(run_log("--tag"), 0);
	assert_int_equal(run_log("--tag"), 125); /* the files are no longer empty */
	snprintf(other, sizeof other, "%s/other", dir);
	fresh();
	assert_int_equal(link(log_path, other), 0);
	assert_int_equal(run_log("--tag"), 125);
	unlink(log_path);
	assert_int_equal(symlink(other, log_path), 0);
	assert_int_equal(run_log("--tag"), 125);
	unlink(log_path);
	assert_int_equal(mkfifo(log_path, 0600), 0);
	assert_int_equal(run_log("--tag"), 125);
	unlink(other);
	fresh();
	assert_int_equal(run_log("--nonsense"), 125);
}

static void gate(void **state)
{
	char g[80];

	snprintf(g, sizeof g, "%s/gate", dir);
	assert_int_equal(mkdir(g, 0755), 0);
	assert_int_equal(sh(V("--gate", g), "true"), 125); /* no tmpfs */
	if (mount("yolo", g, "tmpfs", 0, "size=64k,mode=0777") < 0) {
		printf("skipped: gate on a tmpfs (mount: %s)\n", strerror(errno));
		return;
	}
	int open_gate = sh(V("--gate", g), "true");
	struct stat st;
	int stat_rc = stat(g, &st);
	int chown_rc = chown(g, 65532, 65532);
	int foreign = sh(V("--gate", g), "true");
	umount2(g, MNT_DETACH);
	assert_int_equal(open_gate, 0);
	assert_int_equal(stat_rc, 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(chown_rc, 0);
	assert_int_equal(foreign, 125);
}

/* As another user: no capabilities, and nothing of the runner can be opened. Control: our own
 * /proc/self/fd can. */
static void powers(void **state)
{
	if (geteuid() != 0) {
		printf("skipped: change of user (not root)\n");
		return;
	}
	assert_int_equal(
		sh(V("--uid", "65532", "--gid", "65532", "--cwd", "/"),
			"id -u; id -G; grep -c '^CapEff:.0000000000000000' /proc/self/status; grep NoNew /proc/self/status;"
			"ls /proc/self/fd >/dev/null && echo control; ls /proc/$PPID/fd 2>/dev/null || echo guarded"),
		0);
	expect("65532\n65532\n1\nNoNewPrivs:\t1\ncontrol\nguarded\n# exit 0\n");
	/* staying root, the command still has no powers */
	assert_int_equal(sh(none, "grep -c '^CapEff:.0000000000000000' /proc/self/status"), 0);
	expect("1\n# exit 0\n");
}

static void same_user_is_guarded(void **state)
{
	char *setpriv = child_which("setpriv", NULL);
	struct child c;

	if (geteuid() != 0 || !setpriv) {
		printf("skipped: runner and command as one user (needs root and setpriv)\n");
		free(setpriv);
		return;
	}
	fresh();
	assert_int_equal(chown(log_path, 65532, 65532) | chown(idx_path, 65532, 65532), 0);
	start(&c, V(setpriv, "--reuid", "65532", "--regid", "65532", "--clear-groups"), none,
		V("/bin/sh", "-c",
			"ls /proc/$$/fd >/dev/null && echo control; for f in fd mem environ; do "
			"(exec 3</proc/$PPID/$f) 2>/dev/null || echo guarded $f; done"));
	assert_int_equal(finish(&c), 0);
	expect("control\nguarded fd\nguarded mem\nguarded environ\n# exit 0\n");
	free(setpriv);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(codes), cmocka_unit_test(phases),
		cmocka_unit_test(limits), cmocka_unit_test(stop), cmocka_unit_test(records_in_time),
		cmocka_unit_test(orphans), cmocka_unit_test(cap), cmocka_unit_test(exact_bytes),
		cmocka_unit_test(refuses_stale_files), cmocka_unit_test(gate),
		cmocka_unit_test(powers), cmocka_unit_test(same_user_is_guarded) };
	return cmocka_run_group_tests(tests, setup, teardown);
}
