/* test_diag.c - the program's own log, and the ways it ends on purpose. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/diag.h"

/* Memory that cannot be had must come back as NULL under the address sanitizer too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:detect_leaks=1";
}

/* Runs fn in a child and collects its stderr; the child's wait status is returned. */
static int collect(void (*fn)(void), char *out, size_t size)
{
	int p[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(p[1], 2);
		fn();
		_exit(0);
	}
	close(p[1]);
	while (len < size - 1 && (n = read(p[0], out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = 0;
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void default_level(void)
{
	unsetenv("YOLODECK_DEBUG");
	diag(DIAG_DEBUG, "one");
	diag(DIAG_INFO, "two");
	diag(DIAG_WARN, "three %d", 3);
	diag(DIAG_ERROR, "four");
}

static void debug_level(void)
{
	setenv("YOLODECK_DEBUG", "1", 1);
	diag(DIAG_DEBUG, "one");
}

static void other_value(void)
{
	setenv("YOLODECK_DEBUG", "0", 1);
	diag(DIAG_INFO, "one");
}

static void set_level(void)
{
	setenv("YOLODECK_DEBUG", "1", 1);
	diag_set_level(DIAG_ERROR);
	diag(DIAG_WARN, "one");
	diag(DIAG_ERROR, "two");
}

/* "2026-11-24T15:04:05.123 warn text" */
static const char *after_stamp(const char *line)
{
	static const char pattern[] = "dddd-dd-ddTdd:dd:dd.ddd ";

	for (size_t i = 0; pattern[i]; i++)
		if (pattern[i] == 'd' ? line[i] < '0' || line[i] > '9' : line[i] != pattern[i])
			fail_msg("no time stamp: %s", line);
	return line + sizeof pattern - 1;
}

static void test_levels(void **state)
{
	char out[4096], *second;

	assert_int_equal(collect(default_level, out, sizeof out), 0);
	second = strchr(out, '\n');
	assert_non_null(second);
	*second++ = 0;
	assert_string_equal(after_stamp(out), "warn three 3");
	assert_string_equal(after_stamp(second), "error four\n");
	collect(debug_level, out, sizeof out);
	assert_string_equal(after_stamp(out), "debug one\n");
	collect(other_value, out, sizeof out);
	assert_string_equal(out, "");
	collect(set_level, out, sizeof out);
	assert_string_equal(after_stamp(out), "error two\n");
}

static void hostile(void)
{
	diag(DIAG_ERROR, "a\nb\x1b[31m\tc\x7f \xC3\xA9");
}

static void test_one_safe_line(void **state)
{
	char out[4096];

	collect(hostile, out, sizeof out);
	assert_string_equal(after_stamp(out), "error a?b?[31m?c? \xC3\xA9\n");
}

static void endless(void)
{
	char *s = xmalloc(100001);

	memset(s, 'x', 100000);
	s[100000] = 0;
	diag(DIAG_ERROR, "%s", s);
	free(s);
}

static void test_long_line_is_cut(void **state)
{
	static char out[200000];
	size_t len;

	collect(endless, out, sizeof out);
	len = strlen(out);
	assert_true(len > 4000 && len <= 4096);
	assert_int_equal(out[len - 1], '\n');
	assert_ptr_equal(strchr(out, '\n'), out + len - 1);
}

static void broken(void)
{
	bug("the %s is %d", "answer", 41);
}

static void test_bug(void **state)
{
	char out[4096];
	int status = collect(broken, out, sizeof out);

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(out, "BUG at tests/unit/test_diag.c:"));
	assert_non_null(strstr(out, ": the answer is 41\n"));
}

static void greedy(void)
{
	char *p = xmalloc(SIZE_MAX / 4);

	p[0] = 0;
}

static void test_no_memory(void **state)
{
	char out[65536];
	int status = collect(greedy, out, sizeof out);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 4);
	assert_non_null(strstr(out, "yolodeck: out of memory"));
}

static void test_mem(void **state)
{
	char *s = xstrndup("hello", 3), *t, *zero = xmalloc(0);

	assert_string_equal(s, "hel");
	xreplace(&s, s + 1); /* a part of itself */
	assert_string_equal(s, "el");
	xreplace(&s, NULL);
	assert_null(s);
	xreplace(&s, "x");
	assert_string_equal(s, "x");
	t = xasprintf("%s-%d", s, 7);
	assert_string_equal(t, "x-7");
	assert_non_null(zero);
	zero = xrealloc(zero, 0);
	assert_non_null(zero);
	free(zero);
	free(t);
	free(s);
	/* Reads no further than n. */
	s = xstrndup((const char[]){ 'a', 'b' }, 2);
	assert_string_equal(s, "ab");
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_one_safe_line),
		cmocka_unit_test(test_long_line_is_cut),
		cmocka_unit_test(test_bug),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_mem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
