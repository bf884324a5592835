/* test_child.c - programs started with nothing but what was named, watched, and ended. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/child.h"

static struct child_result run_ok(const struct child_spec *s, const char *in)
{
	struct child_result r;
	struct err e = ERR_INIT;

	if (child_run(s, in, in ? strlen(in) : 0, 1 << 20, UNIT_DEADLINE, &r, &e) < 0)
		fail_msg("%s", e.msg);
	return r;
}

static void test_outputs_and_code(void **state)
{
	static const char *const argv[] = { "sh", "-c", "echo out; echo err >&2; cat; exit 7",
		NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;

	s.argv = argv;
	r = run_ok(&s, "in\n");
	assert_int_equal(r.code, 7);
	assert_string_equal(r.out.p, "out\nin\n");
	assert_string_equal(r.err.p, "err\n");
	assert_false(r.truncated);
	child_result_release(&r);
	r = run_ok(&s, NULL); /* stdin is /dev/null: cat ends at once */
	assert_string_equal(r.out.p, "out\n");
	child_result_release(&r);
	r = run_ok(&s, "");
	assert_string_equal(r.out.p, "out\n");
	child_result_release(&r);
}

static void test_killed_by_signal(void **state)
{
	static const char *const argv[] = { "sh", "-c", "kill -TERM $$", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;

	s.argv = argv;
	r = run_ok(&s, NULL);
	assert_int_equal(r.code, 128 + SIGTERM);
	child_result_release(&r);
}

/* More than any pipe holds, both ways at once: a loop that fed first and read later would hang. */
static void test_large_both_ways(void **state)
{
	static const char *const argv[] = { "sh", "-c", "tee /dev/stderr", NULL };
	enum { SIZE = 200 * 1024 };
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	struct err e = ERR_INIT;
	char *data = xmalloc(SIZE);

	for (int i = 0; i < SIZE; i++)
		data[i] = (char)(i * 31 + i / 251);
	s.argv = argv;
	assert_int_equal(child_run(&s, data, SIZE, 1 << 20, UNIT_DEADLINE, &r, &e), 0);
	assert_int_equal(r.code, 0);
	assert_int_equal(r.out.len, SIZE);
	assert_int_equal(r.err.len, SIZE);
	assert_memory_equal(r.out.p, data, SIZE);
	assert_memory_equal(r.err.p, data, SIZE);
	child_result_release(&r);
	/* The cap cuts, the rest is read and dropped: the program still ends by itself. */
	assert_int_equal(child_run(&s, data, SIZE, 1000, UNIT_DEADLINE, &r, &e), 0);
	assert_int_equal(r.code, 0);
	assert_true(r.truncated);
	assert_int_equal(r.out.len, 1000);
	assert_int_equal(r.err.len, 1000);
	child_result_release(&r);
	free(data);
}

/* A program that does not read: no SIGPIPE for us, none left pending. */
static void test_deaf(void **state)
{
	static const char *const argv[] = { "true", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	char *data = xcalloc(1, 1 << 20);
	struct child_result r;
	struct err e = ERR_INIT;
	sigset_t pending;

	s.argv = argv;
	assert_int_equal(child_run(&s, data, 1 << 20, 1000, UNIT_DEADLINE, &r, &e), 0);
	assert_int_equal(r.code, 0);
	child_result_release(&r);
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGPIPE));
	free(data);
}

static void test_only_named_descriptors(void **state)
{
	static const char *const argv[] = { "ls", "-1", "/proc/self/fd", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	int leak = open("/dev/null", O_RDONLY), own = open("/dev/null", O_RDONLY | O_CLOEXEC),
	    pass[1];
	int high = fcntl(leak, F_DUPFD, 60); /* not O_CLOEXEC: a library's mistake */
	struct child_result r;

	assert_true(leak >= 3 && high >= 60);
	pass[0] = fcntl(own, F_DUPFD_CLOEXEC, 40);
	s.argv = argv;
	s.pass = pass;
	s.npass = 1;
	r = run_ok(&s, NULL);
	assert_string_equal(r.out.p, "0\n1\n2\n3\n40\n"); /* 3 is ls reading the directory */
	child_result_release(&r);
	assert_true(fcntl(pass[0], F_GETFD) & FD_CLOEXEC); /* still so in us */
	close(leak);
	close(high);
	close(own);
	close(pass[0]);
}

static void caught(int sig)
{
}

static void test_signals_are_plain(void **state)
{
	static const char *const argv[] = { "cat", "/proc/self/status", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, handler = { .sa_handler = caught },
			 dfl = { .sa_handler = SIG_DFL };
	sigset_t block, old, now;
	struct child_result r;

	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGCHLD);
	sigaddset(&block, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &block, &old);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGUSR1, &handler, NULL);
	s.argv = argv;
	r = run_ok(&s, NULL);
	assert_non_null(strstr(r.out.p,
		"\nSigBlk:\t0000000000000000\nSigIgn:"
		"\t0000000000000000\nSigCgt:\t0000000000000000\n"));
	child_result_release(&r);
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_true(sigismember(&now, SIGTERM) && sigismember(&now, SIGRTMIN + 3) &&
		!sigismember(&now, SIGPIPE));
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(SIGPIPE, &dfl, NULL);
	sigaction(SIGINT, &dfl, NULL);
	sigaction(SIGUSR1, &dfl, NULL);
}

static void test_not_there(void **state)
{
	static const char *const none[] = { "no-such-program-here", NULL },
				 *const file[] = { "/no/such/file", NULL };
	static const char *const dir[] = { "/tmp", NULL }, *const ok[] = { "true", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct err e = ERR_INIT;
	struct child c;

	s.argv = none;
	assert_int_equal(child_start(&c, &s, &e), -1);
	assert_string_equal(e.code, "not_found");
	assert_int_equal(c.pidfd, -1);
	s.argv = file;
	assert_int_equal(child_start(&c, &s, &e), -1);
	assert_string_equal(e.code, "not_found");
	s.argv = dir;
	assert_int_equal(child_start(&c, &s, &e), -1);
	assert_string_equal(e.code, "not_executable");
	s.argv = ok;
	s.cwd = "/no/such/dir";
	assert_int_equal(child_start(&c, &s, &e), -1);
	assert_non_null(strstr(e.msg, "/no/such/dir"));
	s.cwd = NULL;
	s.in = 999;
	assert_int_equal(child_start(&c, &s, &e), -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie stays */
	assert_int_equal(errno, ECHILD);
}

static void test_environment_and_cwd(void **state)
{
	static const char *const argv[] = { "sh", "-c",
		"pwd; env | grep -v -e ^PWD= -e ^SHLVL= -e ^_= -e ^OLDPWD= | sort", NULL };
	static const char *const env[] = { "PATH=/usr/bin:/bin", "A=1", "B=two words", NULL };
	static const char *const nopath[] = { "A=1", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	struct err e = ERR_INIT;
	struct child c;

	s.argv = argv;
	s.env = env;
	s.cwd = "/usr";
	r = run_ok(&s, NULL);
	assert_string_equal(r.out.p, "/usr\nA=1\nB=two words\nPATH=/usr/bin:/bin\n");
	child_result_release(&r);
	s.env = nopath;
	assert_int_equal(child_start(&c, &s, &e), -1);
	assert_string_equal(e.code, "not_found");
}

/* Children that hold the pipes open after their parent ended do not hold us. */
static void test_orphan_holds_pipe(void **state)
{
	static const char *const argv[] = { "sh", "-c", "sleep 100 & echo $!", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	int64_t start = clock_mono_ms();
	struct child_result r;

	s.argv = argv;
	r = run_ok(&s, NULL);
	assert_true(clock_mono_ms() - start < UNIT_DEADLINE);
	assert_int_equal(r.code, 0);
	assert_true(atoi(r.out.p) > 1);
	kill(atoi(r.out.p), SIGKILL);
	child_result_release(&r);
}

static void test_timeout_ends_the_group(void **state)
{
	static const char *const argv[] = { "sh", "-c", "trap '' TERM; sleep 100 & echo $!; wait",
		NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	int64_t start = clock_mono_ms();
	struct child_result r;
	struct err e = ERR_INIT;
	struct child_id id;
	pid_t grandchild;

	s.argv = argv;
	assert_int_equal(child_run(&s, NULL, 0, 1000, 300, &r, &e), -1);
	assert_true(clock_mono_ms() - start >= 300 && clock_mono_ms() - start < UNIT_DEADLINE);
	assert_string_equal(e.code, "timeout");
	assert_int_equal(r.code, -1);
	grandchild = (pid_t)atoi(r.out.p);
	assert_true(grandchild > 1);
	UNIT_WAIT(child_identify(grandchild, &id) < 0 || !child_alive(&id));
	child_result_release(&r);
}

static void test_interrupted_calls(void **state)
{
	static const char *const argv[] = { "sh", "-c",
		"dd if=/dev/zero bs=1024 count=4096 2>/dev/null", NULL };
	struct itimerval every = { { 0, 500 }, { 0, 500 } }, off = { { 0, 0 }, { 0, 0 } };
	struct sigaction handler = { .sa_handler = caught }, dfl = { .sa_handler = SIG_DFL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	struct err e = ERR_INIT;
	int rc;

	sigaction(SIGALRM, &handler, NULL); /* no SA_RESTART */
	setitimer(ITIMER_REAL, &every, NULL);
	s.argv = argv;
	rc = child_run(&s, NULL, 0, 8 << 20, UNIT_DEADLINE, &r, &e);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &dfl, NULL);
	assert_int_equal(rc, 0);
	assert_int_equal(r.code, 0);
	assert_int_equal(r.out.len, 4096 * 1024);
	child_result_release(&r);
}

static void test_start_watch_reap(void **state)
{
	static const char *const argv[] = { "cat", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct err e = ERR_INIT;
	struct pollfd pfd;
	struct child c;
	int p[2], code = -5, other;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	s.argv = argv;
	s.in = p[0];
	assert_int_equal(child_start(&c, &s, &e), 0);
	close(p[0]);
	assert_true(fcntl(c.pidfd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(child_reap(&c, &code), 0);
	assert_int_equal(child_wait(&c, 20, &code), 0);
	assert_true(child_alive(&c.id));
	assert_true(child_same_boot(&c.id));
	other = child_pidfd(&c.id);
	assert_true(other >= 0);
	pfd = (struct pollfd){ .fd = other, .events = POLLIN };
	assert_int_equal(poll(&pfd, 1, 0), 0);
	close(p[1]);
	assert_int_equal(poll(&pfd, 1, UNIT_DEADLINE), 1);
	assert_false(child_alive(&c.id)); /* a zombie is not alive */
	assert_int_equal(child_wait(&c, -1, &code), 1);
	assert_int_equal(code, 0);
	assert_int_equal(c.pidfd, -1);
	assert_int_equal(child_pidfd(&c.id), -1);
	child_kill(&c, SIGKILL); /* nothing: it is gone */
	close(other);
}

static void test_kill(void **state)
{
	static const char *const argv[] = { "cat", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct err e = ERR_INIT;
	struct child c;
	int p[2], code;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	s.argv = argv;
	s.in = p[0];
	assert_int_equal(child_start(&c, &s, &e), 0);
	child_kill(&c, SIGKILL);
	assert_int_equal(child_wait(&c, UNIT_DEADLINE, &code), 1);
	assert_int_equal(code, 128 + SIGKILL);
	close(p[0]);
	close(p[1]);
}

static void test_stranger_is_not_ours(void **state)
{
	struct child_id id;

	assert_int_equal(child_identify(getpid(), &id), 0);
	assert_true(child_alive(&id));
	id.start++;
	assert_false(child_alive(&id));
	assert_int_equal(child_pidfd(&id), -1);
	id.start--;
	id.boot[0] = id.boot[0] == 'x' ? 'y' : 'x';
	assert_false(child_alive(&id));
	assert_int_equal(child_pidfd(&id), -1);
	assert_int_equal(child_identify(0, &id), -1);
	assert_int_equal(child_identify(-1, &id), -1);
	assert_int_equal(child_identify(0x3fffffff, &id), -1);
}

/* Fields 5 and 6 of /proc/self/stat: process group and session. */
static void group_and_session(const struct child_spec *base, int *pid, int *group, int *session)
{
	static const char *const argv[] = { "cat", "/proc/self/stat", NULL };
	struct child_spec s = *base;
	struct child_result r;

	s.argv = argv;
	r = run_ok(&s, NULL);
	assert_int_equal(sscanf(r.out.p, "%d (cat) R %*d %d %d", pid, group, session), 3);
	child_result_release(&r);
}

static void test_session_and_group(void **state)
{
	struct child_spec s = CHILD_SPEC_INIT;
	int pid, group, session;

	group_and_session(&s, &pid, &group, &session);
	assert_int_equal(group, pid); /* child_run makes one, for the end at the time limit */
	assert_int_equal(session, getsid(0));
	s.new_session = true;
	group_and_session(&s, &pid, &group, &session);
	assert_int_equal(session, pid);
}

static void test_swapped_and_shared_stdio(void **state)
{
	static const char *const argv[] = { "sh", "-c", "echo out; echo err >&2", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct err e = ERR_INIT;
	char text[64] = { 0 };
	struct child c;
	int p[2], q[2], keep1 = fcntl(1, F_DUPFD_CLOEXEC, 10),
			keep2 = fcntl(2, F_DUPFD_CLOEXEC, 10), rc, code;

	/* Ours at 1 and 2, the child's the other way round. */
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(pipe2(q, O_CLOEXEC), 0);
	fflush(NULL);
	assert_true(dup2(p[1], 1) == 1 && dup2(q[1], 2) == 2);
	s.argv = argv;
	s.out = 2;
	s.err = 1;
	rc = child_start(&c, &s, &e);
	dup2(keep1, 1);
	dup2(keep2, 2);
	assert_int_equal(rc, 0);
	assert_int_equal(child_wait(&c, UNIT_DEADLINE, &code), 1);
	assert_int_equal(read(p[0], text, sizeof text), 4);
	assert_memory_equal(text, "err\n", 4);
	assert_int_equal(read(q[0], text, sizeof text), 4);
	assert_memory_equal(text, "out\n", 4);
	/* One for both. */
	s.out = s.err = p[1];
	assert_int_equal(child_start(&c, &s, &e), 0);
	assert_int_equal(child_wait(&c, UNIT_DEADLINE, &code), 1);
	assert_int_equal(read(p[0], text, sizeof text), 8);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
	close(keep1);
	close(keep2);
}

static void test_closed_stdin(void **state)
{
	static const char *const argv[] = { "sh", "-c", "cat; echo end", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	int keep = fcntl(0, F_DUPFD_CLOEXEC, 10);
	struct child_result r;
	struct err e = ERR_INIT;
	int rc;

	close(0);
	s.argv = argv;
	rc = child_run(&s, "text\n", 5, 1000, UNIT_DEADLINE, &r, &e);
	if (keep >= 0) {
		dup2(keep, 0);
		close(keep);
	}
	assert_int_equal(rc, 0);
	assert_string_equal(r.out.p, "text\nend\n");
	child_result_release(&r);
}

static void test_inherit(void **state)
{
	static const char *const argv[] = { "sh", "-c", "readlink /proc/self/fd/2 >&1", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct err e = ERR_INIT;
	char mine[200] = { 0 }, got[200] = { 0 };
	struct child c;
	int p[2], code;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_true(readlink("/proc/self/fd/2", mine, sizeof mine - 2) > 0);
	s.argv = argv;
	s.out = p[1];
	s.err = CHILD_INHERIT;
	assert_int_equal(child_start(&c, &s, &e), 0);
	assert_int_equal(child_wait(&c, UNIT_DEADLINE, &code), 1);
	assert_true(read(p[0], got, sizeof got - 1) > 0);
	got[strcspn(got, "\n")] = 0;
	assert_string_equal(got, mine);
	close(p[0]);
	close(p[1]);
}

static void test_dies_with_us(void **state)
{
	static const char *const argv[] = { "sleep", "100", NULL };
	struct child_id id;
	int p[2], status;
	pid_t middle;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	middle = fork();
	assert_true(middle >= 0);
	if (middle == 0) {
		struct child_spec s = CHILD_SPEC_INIT;
		struct err e = ERR_INIT;
		struct child c;

		s.argv = argv;
		s.die_with_us = true;
		if (child_start(&c, &s, &e) < 0 || write(p[1], &c.id, sizeof c.id) != sizeof c.id)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(p[0], &id, sizeof id), sizeof id);
	assert_int_equal(waitpid(middle, &status, 0), middle);
	UNIT_WAIT(!child_alive(&id));
	close(p[0]);
	close(p[1]);
}

static void test_which(void **state)
{
	char *dir = unit_mkdir(), *prog = fs_join(dir, "prog"),
	     *path = xasprintf("relative::/no/such:%s:/bin", dir), *got;
	struct err e = ERR_INIT;

	assert_null(child_which("prog", path));
	assert_int_equal(fs_create(prog, 0600, "#!/bin/sh\n", 10, &e), 0);
	assert_null(child_which("prog", path));
	assert_int_equal(chmod(prog, 0700), 0);
	got = child_which("prog", path);
	assert_string_equal(got, prog);
	free(got);
	assert_null(child_which("prog", ""));
	assert_null(child_which("", path));
	/* The working directory is never searched. */
	assert_int_equal(chdir(dir), 0);
	assert_null(child_which("prog", ".:"));
	assert_null(child_which("prog", ":/bin"));
	assert_int_equal(chdir("/"), 0);
	got = child_which("sh", NULL);
	assert_non_null(got);
	free(got);
	free(path);
	free(prog);
	unit_rmdir(dir);
}

/* No descriptor of ours stays behind, whatever happened in the tests before. */
static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_no_descriptor_leaks(void **state)
{
	static const char *const good[] = { "cat", NULL }, *const slow[] = { "sleep", "100", NULL };
	static const char *const bad[] = { "/tmp", NULL };
	const char *const *all[] = { good, slow, bad };
	int before = count_fds();

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct child_spec s = CHILD_SPEC_INIT;
		struct child_result r;
		struct err e = ERR_INIT;

		s.argv = all[i];
		assert_int_equal(child_run(&s, "x", 1, 10, i == 0 ? UNIT_DEADLINE : 200, &r, &e),
			i == 0 ? 0 : -1);
		child_result_release(&r);
	}
	assert_int_equal(count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outputs_and_code),
		cmocka_unit_test(test_killed_by_signal),
		cmocka_unit_test(test_large_both_ways),
		cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_only_named_descriptors),
		cmocka_unit_test(test_signals_are_plain),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_environment_and_cwd),
		cmocka_unit_test(test_orphan_holds_pipe),
		cmocka_unit_test(test_timeout_ends_the_group),
		cmocka_unit_test(test_interrupted_calls),
		cmocka_unit_test(test_start_watch_reap),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_stranger_is_not_ours),
		cmocka_unit_test(test_session_and_group),
		cmocka_unit_test(test_swapped_and_shared_stdio),
		cmocka_unit_test(test_closed_stdin),
		cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_dies_with_us),
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_no_descriptor_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
