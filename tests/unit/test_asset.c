/* test_asset.c - what is embedded, and the user's files in front of it. Each case is a process: the
 * set is made once. */
#include "unit.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "base/asset.h"
#include "base/pool.h"

static void user_file(const char *config, const char *name, const char *data, size_t n)
{
	char *base = fs_join(config, "yolodeck"), *path = fs_join(base, name),
	     *dir = fs_dirname(path);
	struct err e = ERR_INIT;

	if (fs_mkdirs(dir, 0700, &e) < 0 || fs_create(path, 0600, data, n, &e) < 0)
		fail_msg("%s", e.msg);
	free(dir);
	free(path);
	free(base);
}

/* Runs fn in a child with this XDG_CONFIG_HOME; fn returns 0, or the line that failed. */
static void in_child(const char *config, int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setenv("XDG_CONFIG_HOME", config, 1);
		/* Through a file: a line number does not fit into an exit code. */
		int line = fn();

		if (line)
			fprintf(stderr, "line %d failed\n", line);
		_exit(line != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define NEED(cond) \
	do { \
		if (!(cond)) \
			return __LINE__; \
	} while (0)

static bool holds(const struct asset *a, const char *text)
{
	return a && a->len == strlen(text) && !memcmp(a->data, text, a->len);
}

static int plain_set(void)
{
	const struct asset *runner = asset_find("runner"), *all;
	size_t n;

	NEED(runner && runner->len > 1000 && !memcmp(runner->data, "\177ELF", 4));
	NEED(!asset_find("none") && !asset_find("themes/none.json") && !asset_find("") &&
		!asset_find("runne"));
	all = asset_all(&n);
	NEED(n >= 1);
	for (size_t i = 1; i < n; i++)
		NEED(strcmp(all[i - 1].name, all[i].name) < 0);
	/* Embedded is what stands in the source tree, byte for byte. */
	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT;
		struct err e = ERR_INIT;

		NEED(asset_find(all[i].name) && asset_find(all[i].name)->data == all[i].data);
		if (!fs_exists(all[i].name))
			continue;
		NEED(fs_read(all[i].name, 1 << 20, &b, &e) == 0);
		NEED(b.len == all[i].len && !memcmp(b.p, all[i].data, b.len));
		buf_release(&b);
	}
	return 0;
}

static void test_embedded(void **state)
{
	char *dir = unit_mkdir();

	in_child(dir, plain_set);
	unit_rmdir(dir);
}

static int user_set(void)
{
	const struct asset *mine = asset_find("themes/mine.json"), *all;
	size_t n, seen = 0;

	NEED(holds(mine, "{\"x\":1}"));
	NEED(asset_find("themes/mine.json") == mine);
	NEED(holds(asset_find("templates/a/b/deep.txt"), "deep"));
	NEED(holds(asset_find("templates/empty"), ""));
	NEED(holds(asset_find("templates/a/.yolodeck/race.json"), "{}"));
	NEED(!asset_find("themes/.hidden.json") && !asset_find("templates/.git/config"));
	NEED(!asset_find("themes/big.json") && !asset_find("themes/fifo") && !asset_find("themes"));
	NEED(!asset_find("other/x") && !asset_find("themes/../runner"));
	NEED(!memcmp(asset_find("runner")->data, "\177ELF", 4));
	all = asset_all(&n);
	for (size_t i = 0; i < n; i++) {
		NEED(i == 0 || strcmp(all[i - 1].name, all[i].name) < 0);
		seen += !strcmp(all[i].name, "themes/mine.json");
	}
	NEED(seen == 1);
	return 0;
}

static void test_user_files(void **state)
{
	char *dir = unit_mkdir(), *fifo = fs_join(dir, "yolodeck/themes/fifo"),
	     *big = xcalloc(1, 5 << 20);

	user_file(dir, "themes/mine.json", "{\"x\":1}", 7);
	user_file(dir, "themes/.hidden.json", "{}", 2);
	user_file(dir, "themes/big.json", big, 5 << 20);
	user_file(dir, "templates/a/b/deep.txt", "deep", 4);
	user_file(dir, "templates/empty", "", 0);
	user_file(dir, "templates/a/.yolodeck/race.json", "{}", 2);
	user_file(dir, "templates/.git/config", "x", 1);
	user_file(dir, "runner", "mine", 4);
	user_file(dir, "other/x", "x", 1);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	in_child(dir, user_set);
	free(big);
	free(fifo);
	unit_rmdir(dir);
}

static int replaced(void)
{
	const struct asset *all;
	size_t n, i;

	all = asset_all(&n);
	for (i = 0; i < n && strcmp(all[i].name, getenv("UNIT_NAME")); i++)
		;
	NEED(i < n && holds(&all[i], "mine") && holds(asset_find(all[i].name), "mine"));
	return 0;
}

static void test_user_file_replaces(void **state)
{
	char *dir = unit_mkdir();
	const struct asset *all;
	size_t n, i;

	setenv("XDG_CONFIG_HOME", dir, 1);
	all = asset_all(&n);
	for (i = 0; i < n && !strcmp(all[i].name, "runner"); i++)
		;
	if (i == n) {
		unit_rmdir(dir);
		print_message("skipped: no theme and no template is embedded\n");
		skip();
	}
	/* This process has its set already; the child is a fresh one by exec. */
	user_file(dir, all[i].name, "mine", 4);
	setenv("UNIT_NAME", all[i].name, 1);
	setenv("UNIT_CASE", "replaced", 1);
	{
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			execl("/proc/self/exe", "test_asset", (char *)NULL);
			_exit(9);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	unsetenv("UNIT_CASE");
	unit_rmdir(dir);
}

enum { ASKERS = 16 };

static void ask(void *ctx, size_t i)
{
	((const struct asset **)ctx)[i] = asset_find("themes/mine.json");
}

static int many_at_once(void)
{
	const struct asset *got[ASKERS];

	pool_parallel(ASKERS, 8, ask, got);
	for (int i = 0; i < ASKERS; i++)
		NEED(got[i] && got[i] == got[0]);
	return 0;
}

static void test_threads_agree(void **state)
{
	char *dir = unit_mkdir();

	user_file(dir, "themes/mine.json", "{}", 2);
	in_child(dir, many_at_once);
	unit_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_user_files),
		cmocka_unit_test(test_threads_agree),
		cmocka_unit_test(test_user_file_replaces),
	};

	if (getenv("UNIT_CASE"))
		return replaced() != 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
