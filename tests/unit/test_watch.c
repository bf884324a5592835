/* test_watch.c - processes by identity, and the words and files of control groups. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "engine/cgroup.h"
#include "engine/watch.h"

static struct loop *loop;
static int gone_count;

static int setup(void **state)
{
	struct err e;

	loop = loop_new(&e);
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	loop_free(loop);
	return 0;
}

static void gone(void *ctx)
{
	gone_count++;
	loop_stop(loop, 0);
}

static void late(void *ctx)
{
	loop_stop(loop, 99);
}

static void run(const char *const *argv, struct child *c)
{
	struct err e = ERR_INIT;
	struct child_spec s = CHILD_SPEC_INIT;

	s.argv = argv;
	if (child_start(c, &s, &e) < 0)
		fail_msg("%s", e.msg);
}

static void tells_the_end_once(void **state)
{
	static const char *const argv[] = { "/bin/sleep", "60", NULL };
	struct child c;
	char text[128];
	struct child_id id;
	int code;

	run(argv, &c);
	watch_format(&c.id, text, sizeof text);
	assert_int_equal(watch_parse(text, &id), 0);
	assert_memory_equal(&id, &c.id, sizeof id);
	assert_true(watch_has_arg(id.pid, "60"));
	assert_false(watch_has_arg(id.pid, "6"));
	struct watch *w = watch_new(loop, &id, gone, NULL);
	assert_non_null(w);
	watch_signal(w, SIGTERM);
	struct loop_timer *t = loop_after(loop, UNIT_DEADLINE, late, NULL);
	assert_int_equal(loop_run(loop), 0);
	loop_cancel(t);
	assert_int_equal(gone_count, 1);
	watch_signal(w, SIGTERM); /* too late: nobody is hit */
	watch_free(w);
	/* ended, not yet collected: gone all the same */
	assert_null(watch_new(loop, &id, gone, NULL));
	assert_int_equal(child_wait(&c, UNIT_DEADLINE, &code), 1);
	assert_int_equal(code, 143);
	assert_null(watch_new(loop, &id, gone, NULL));
}

static void never_a_stranger(void **state)
{
	struct child_id me;

	assert_int_equal(child_identify(getpid(), &me), 0);
	struct watch *w = watch_new(loop, &me, gone, NULL);
	assert_non_null(w);
	watch_free(w);
	me.start++;
	assert_null(watch_new(loop, &me, gone, NULL));
	me.start--;
	me.boot[0] ^= 1;
	assert_null(watch_new(loop, &me, gone, NULL));
	static const char *const bad[] = { "", "1", "1:2", "1:2:", "0:2:aa", "-5:2:aa", "1:2:aa bb",
		"1:2:XYZ", "x:2:aa" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(watch_parse(bad[i], &me), -1);
}

static void scope_words(void **state)
{
	const struct cgroup_can none = { .way = CGROUP_NONE },
				systemd = { .way = CGROUP_SYSTEMD, .memory = true, .pids = true };
	struct limits l = { .memory = 1 << 30, .pids = 100, .cpus = 1.5 };
	struct strv v = STRV_INIT;
	struct buf b = BUF_INIT;

	cgroup_scope(&none, "yolo-x", &l, &v);
	assert_int_equal(v.n, 0);
	cgroup_scope(&systemd, "yolo-x", &l, &v);
	for (size_t i = 0; i < v.n; i++)
		buf_fmt(&b, "%s ", v.v[i]);
	const char *user = geteuid() ? "--user " : "";
	char *want = xasprintf(
		"systemd-run %s--scope --quiet --collect --unit=yolo-x --property=MemoryMax=1073741824 "
		"--property=MemorySwapMax=0 --property=TasksMax=104 --property=CPUQuota=150%% -- ",
		user);
	assert_string_equal(b.p, want);
	free(want);
	strv_release(&v);
	buf_release(&b);
	assert_true(cgroup_trial_ok("67108864\n64\n"));
	assert_false(cgroup_trial_ok("max\nmax\n"));
	assert_false(cgroup_trial_ok(""));
}

static void group_by_hand(void **state)
{
	struct cgroup_can can;
	struct limits l = { .memory = 64 << 20, .pids = 50 };
	struct err e = ERR_INIT;
	char dir[] = "/tmp/yolo-cgroup-XXXXXX";
	int fds[CGROUP_FDS], n = 0, code;

	cgroup_probe(&can);
	if (can.way != CGROUP_V1) {
		printf("skipped: control groups version 1 (not root, or not here)\n");
		return;
	}
	assert_non_null(mkdtemp(dir));
	char *file = fs_join(dir, "groups");
	assert_int_equal(cgroup_make(&can, file, "yolo-unit-test", &l, fds, &n, &e), 0);
	assert_in_range(n, 1, CGROUP_FDS);
	/* a process that enters as the runner's child does */
	struct child c;
	static const char *const argv[] = { "/bin/sleep", "60", NULL };
	run(argv, &c);
	char pid[16];
	int len = snprintf(pid, sizeof pid, "%d", (int)c.id.pid);
	for (int i = 0; i < n; i++) {
		assert_int_equal(write(fds[i], pid, (size_t)len), len);
		close(fds[i]);
	}
	int64_t cpu, memory;
	cgroup_sample(file, &cpu, &memory);
	assert_true(cpu >= 0 && memory >= 0);
	assert_false(cgroup_oom(file));
	cgroup_remove(file); /* kills what is left in it */
	assert_int_equal(child_wait(&c, UNIT_DEADLINE, &code), 1);
	assert_int_equal(code, 137);
	assert_false(fs_exists(file));
	cgroup_sample(file, &cpu, &memory);
	assert_int_equal(cpu, -1);
	/* the directories themselves go once the kernel has let go of the process */
	assert_int_equal(cgroup_make(&can, file, "yolo-unit-test", &l, fds, &n, &e), 0);
	while (n > 0)
		close(fds[--n]);
	cgroup_remove(file);
	free(file);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tells_the_end_once),
		cmocka_unit_test(never_a_stranger), cmocka_unit_test(scope_words),
		cmocka_unit_test(group_by_hand) };
	return cmocka_run_group_tests(tests, setup, teardown);
}
