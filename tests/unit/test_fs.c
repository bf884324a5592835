/* test_fs.c - files whole, atomic, private; trees removed without following links. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"

struct place {
	char *dir;
	struct err e;
};

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof *p);

	p->dir = unit_mkdir();
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	unit_rmdir(p->dir);
	free(p);
	return 0;
}

static char *at(const struct place *p, const char *name)
{
	return fs_join(p->dir, name);
}

static void put(const struct place *p, const char *name, const char *text)
{
	char *path = at(p, name);
	struct err e = ERR_INIT;

	if (fs_create(path, 0644, text, strlen(text), &e) < 0)
		fail_msg("%s", e.msg);
	free(path);
}

static void test_read(void **state)
{
	struct place *p = *state;
	char *path = at(p, "f"), *fifo = at(p, "fifo");
	struct buf b = BUF_INIT;

	buf_str(&b, "left over");
	assert_int_equal(fs_read(path, 10, &b, &p->e), -1);
	assert_string_equal(p->e.code, "not_found");
	assert_int_equal(b.len, 0);
	put(p, "f", "0123456789");
	assert_int_equal(fs_read(path, 10, &b, &p->e), 0);
	assert_string_equal(b.p, "0123456789");
	assert_int_equal(fs_read(path, 9, &b, &p->e), -1);
	assert_string_equal(p->e.code, "too_big");
	assert_int_equal(fs_read(p->dir, 9, &b, &p->e), -1);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(fs_read(fifo, 9, &b, &p->e), -1);
	assert_non_null(strstr(p->e.msg, "not a regular file"));
	/* Files of /proc say size 0 and hold something. */
	assert_int_equal(fs_read("/proc/self/stat", 4096, &b, &p->e), 0);
	assert_true(b.len > 10);
	buf_release(&b);
	free(path);
	free(fifo);
}

static size_t entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void test_replace(void **state)
{
	struct place *p = *state;
	char *path = at(p, "state.json"), *link = at(p, "link"), *bad = at(p, "none/state.json");
	struct buf b = BUF_INIT;
	struct stat st;
	size_t before = entries(p->dir);

	for (int i = 0; i < 3; i++) {
		buf_clear(&b);
		buf_fmt(&b, "turn %d", i);
		assert_int_equal(fs_replace(path, b.p, b.len, &p->e), 0);
		assert_int_equal(fs_read(path, 100, &b, &p->e), 0);
		assert_int_equal(b.p[5], '0' + i);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* A link in the place is replaced, what it points at is not touched. */
	assert_int_equal(symlink("state.json", link), 0);
	assert_int_equal(fs_replace(link, "new", 3, &p->e), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(fs_read(path, 100, &b, &p->e), 0);
	assert_string_equal(b.p, "turn 2");
	assert_int_equal(fs_replace(bad, "x", 1, &p->e), -1);
	assert_string_equal(p->e.code, "not_found");
	assert_int_equal(entries(p->dir), before + 2);
	buf_release(&b);
	free(path);
	free(link);
	free(bad);
}

/* A directory in the way: refused, and the temporary is gone again. */
static void test_replace_fails_clean(void **state)
{
	struct place *p = *state;
	char *path = at(p, "d"), *inner = at(p, "d/x");
	struct err e = ERR_INIT;

	assert_int_equal(fs_mkdirs(inner, 0700, &p->e), 0);
	assert_int_equal(fs_replace(path, "x", 1, &p->e), -1);
	unlink(inner);
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(rmdir(path), 0);
	/* unit_rmdir's marker is all that is left: rmdir after removing it shows that no temporary
	 * stayed. */
	free(path);
	path = at(p, ".unit");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(p->dir), 0);
	assert_int_equal(mkdir(p->dir, 0700), 0);
	assert_int_equal(fs_create(path, 0600, "", 0, &e), 0);
	free(path);
	free(inner);
}

static void test_create(void **state)
{
	struct place *p = *state;
	char *path = at(p, "n"), *dangling = at(p, "dangling"), *target = at(p, "target");
	mode_t old = umask(0077);
	struct stat st;

	assert_int_equal(fs_create(path, 0644, "a", 1, &p->e), 0);
	umask(old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(fs_create(path, 0600, "b", 1, &p->e), -1);
	assert_string_equal(p->e.code, "exists");
	assert_int_equal(symlink(target, dangling), 0);
	assert_int_equal(fs_create(dangling, 0600, "b", 1, &p->e), -1);
	assert_false(fs_exists(target));
	free(path);
	free(dangling);
	free(target);
}

static void test_append(void **state)
{
	struct place *p = *state;
	char *path = at(p, "journal");
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600), full;
	struct buf b = BUF_INIT;

	assert_int_equal(fs_append_sync(fd, "one\n", 4, &p->e), 0);
	assert_int_equal(fs_append_sync(fd, "two\n", 4, &p->e), 0);
	assert_int_equal(fs_read(path, 100, &b, &p->e), 0);
	assert_string_equal(b.p, "one\ntwo\n");
	close(fd);
	full = open("/dev/full", O_WRONLY);
	assert_int_equal(fs_append_sync(full, "x", 1, &p->e), -1);
	assert_non_null(strstr(p->e.msg, "No space left"));
	assert_int_equal(fs_write_all(full, "x", 1), -1);
	assert_int_equal(errno, ENOSPC);
	close(full);
	buf_release(&b);
	free(path);
}

static void test_mkdirs(void **state)
{
	struct place *p = *state;
	char *deep = at(p, "a//b/c/"), *file = at(p, "f"), *under = at(p, "f/g"),
	     *link = at(p, "l"), *through = at(p, "l/x");

	assert_int_equal(fs_mkdirs(deep, 0700, &p->e), 0);
	assert_int_equal(fs_mkdirs(deep, 0700, &p->e), 0);
	assert_true(fs_is_dir(deep));
	assert_int_equal(fs_mkdirs("/", 0700, &p->e), 0);
	put(p, "f", "");
	assert_int_equal(fs_mkdirs(file, 0700, &p->e), -1);
	assert_int_equal(fs_mkdirs(under, 0700, &p->e), -1);
	assert_int_equal(symlink("a", link), 0);
	assert_int_equal(fs_mkdirs(through, 0700, &p->e), 0);
	free(deep);
	free(file);
	free(under);
	free(link);
	free(through);
}

static void test_private(void **state)
{
	struct place *p = *state;
	char *dir = at(p, "p/q"), *link = at(p, "l");
	struct stat st;

	assert_int_equal(fs_mkdir_private(dir, &p->e), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(chmod(dir, 0710), 0);
	assert_int_equal(fs_mkdir_private(dir, &p->e), -1);
	assert_string_equal(p->e.code, "not_private");
	assert_non_null(strstr(p->e.msg, "chmod 700"));
	assert_int_equal(chmod(dir, 0704), 0);
	assert_int_equal(fs_mkdir_private(dir, &p->e), -1);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(symlink("p/q", link), 0);
	assert_int_equal(fs_mkdir_private(link, &p->e), -1);
	assert_non_null(strstr(p->e.msg, "link"));
	if (geteuid() == 0) {
		assert_int_equal(chown(dir, 65534, 65534), 0);
		assert_int_equal(fs_mkdir_private(dir, &p->e), -1);
		assert_non_null(strstr(p->e.msg, "another user"));
	}
	free(dir);
	free(link);
}

static void test_remove_needs_marker(void **state)
{
	struct place *p = *state;
	char *tree = at(p, "t"), *file = at(p, "t/sub/f"), *sub = at(p, "t/sub"),
	     *none = at(p, "none");

	assert_int_equal(fs_mkdirs(sub, 0700, &p->e), 0);
	put(p, "t/sub/f", "x");
	put(p, "t/sub/mark", "");
	assert_int_equal(fs_remove_tree(tree, "mark", &p->e), -1);
	assert_string_equal(p->e.code, "not_ours");
	assert_true(fs_exists(file));
	put(p, "t/mark", "");
	assert_int_equal(fs_remove_tree(tree, "mark", &p->e), 0);
	assert_false(fs_exists(tree));
	assert_int_equal(fs_remove_tree(tree, "mark", &p->e), 0);
	free(none);
	none = at(p, "no/such/parent");
	assert_int_equal(fs_remove_tree(none, "mark", &p->e), 0);
	free(tree);
	free(file);
	free(sub);
	free(none);
}

static void test_remove_follows_no_link(void **state)
{
	struct place *p = *state;
	char *tree = at(p, "t"), *out = at(p, "outside/keep"), *link = at(p, "t/l"),
	     *self = at(p, "tl"), *d = at(p, "outside");

	assert_int_equal(fs_mkdirs(tree, 0700, &p->e), 0);
	assert_int_equal(fs_mkdirs(d, 0700, &p->e), 0);
	put(p, "outside/keep", "x");
	put(p, "outside/mark", "");
	put(p, "t/mark", "");
	assert_int_equal(symlink(d, link), 0);
	assert_int_equal(symlink("outside", self), 0);
	assert_int_equal(fs_remove_tree(self, "mark", &p->e), -1);
	assert_true(fs_exists(out));
	assert_int_equal(fs_remove_tree(tree, "mark", &p->e), 0);
	assert_true(fs_exists(out));
	free(tree);
	free(out);
	free(link);
	free(self);
	free(d);
}

/* Deeper than there are descriptors and than PATH_MAX, with closed and read-only directories on the
 * way. */
static void test_remove_deep(void **state)
{
	struct place *p = *state;
	char *tree = at(p, "t"), *mark = at(p, "t/mark");
	int fd, next;

	assert_int_equal(fs_mkdirs(tree, 0700, &p->e), 0);
	put(p, "t/mark", "");
	fd = open(tree, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(mkdirat(fd, "directory", 0700), 0);
		assert_int_equal(symlinkat("/", fd, "link"), 0);
		next = openat(fd, "directory", O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		if (i % 100 == 0)
			assert_int_equal(fchmod(fd, i % 200 ? 0 : 0500), 0);
		close(fd);
		fd = next;
	}
	close(fd);
	if (fs_remove_tree(tree, "mark", &p->e) < 0)
		fail_msg("%s", p->e.msg);
	assert_false(fs_exists(tree));
	free(tree);
	free(mark);
}

/* Root may do all; as another user directories without bits must be opened up first. */
static void test_remove_closed_as_user(void **state)
{
	char dir[] = "/tmp/yolodeck-unit-closed-XXXXXX";
	int status;
	pid_t pid;

	assert_non_null(mkdtemp(dir));
	if (geteuid() == 0)
		assert_int_equal(chown(dir, 65534, 65534), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char *in = fs_join(dir, "t/closed/in"), *tree = fs_join(dir, "t"),
		     *mark = fs_join(dir, "t/mark");
		char *closed = fs_join(dir, "t/closed"), *file = fs_join(dir, "t/closed/in/f");
		struct err e = ERR_INIT;

		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		if (fs_mkdirs(in, 0700, &e) < 0 || fs_create(mark, 0600, "", 0, &e) < 0 ||
			fs_create(file, 0400, "", 0, &e) < 0 || chmod(in, 0500) < 0 ||
			chmod(closed, 0) < 0 || chmod(tree, 0500) < 0)
			_exit(3);
		_exit(fs_remove_tree(tree, "mark", &e) < 0 ? 4 : fs_exists(tree) ? 5 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(rmdir(dir), 0);
}

static void test_remove_wide(void **state)
{
	struct place *p = *state;
	char *tree = at(p, "t");

	assert_int_equal(fs_mkdirs(tree, 0700, &p->e), 0);
	put(p, "t/mark", "");
	for (int i = 0; i < 2000; i++) {
		char name[32];

		snprintf(name, sizeof name, "t/%d", i);
		if (i % 3) {
			put(p, name, "x");
		} else {
			char *d = at(p, name), *f = xasprintf("%s/f", name);

			assert_int_equal(mkdir(d, 0700), 0);
			put(p, f, "x");
			free(f);
			free(d);
		}
	}
	assert_int_equal(fs_remove_tree(tree, "mark", &p->e), 0);
	assert_false(fs_exists(tree));
	free(tree);
}

static void test_names(void **state)
{
	static const struct {
		const char *path, *dir, *base;
	} want[] = {
		{ "/a/b/c", "/a/b", "c" },
		{ "a", ".", "a" },
		{ "/a", "/", "a" },
		{ "a//b", "a", "b" },
		{ "/", "/", "" },
	};
	char *s;

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		s = fs_dirname(want[i].path);
		assert_string_equal(s, want[i].dir);
		free(s);
		assert_string_equal(fs_basename(want[i].path), want[i].base);
	}
	s = fs_join("/a/", "b");
	assert_string_equal(s, "/a/b");
	free(s);
	s = fs_join("a", "b");
	assert_string_equal(s, "a/b");
	free(s);
	s = fs_join("/", "b");
	assert_string_equal(s, "/b");
	free(s);
}

static void check_tilde(const char *path, const char *want)
{
	char *s = fs_tilde(path);

	assert_string_equal(s, want);
	free(s);
}

static void test_tilde(void **state)
{
	setenv("HOME", "/home/u", 1);
	check_tilde("/home/u/src/x", "~/src/x");
	check_tilde("/home/u", "~");
	check_tilde("/home/user", "/home/user");
	check_tilde("rel", "rel");
	setenv("HOME", "/home/u/", 1);
	check_tilde("/home/u/x", "~/x");
	setenv("HOME", "/", 1);
	check_tilde("/x", "/x");
}

static void test_xdg(void **state)
{
	struct place *p = *state;
	char *s;

	setenv("HOME", "/home/u", 1);
	setenv("XDG_STATE_HOME", "relative", 1);
	s = fs_xdg_state(&p->e);
	assert_string_equal(s, "/home/u/.local/state");
	free(s);
	setenv("XDG_STATE_HOME", "/st", 1);
	s = fs_xdg_state(&p->e);
	assert_string_equal(s, "/st");
	free(s);
	unsetenv("XDG_CONFIG_HOME");
	s = fs_xdg_config(&p->e);
	assert_string_equal(s, "/home/u/.config");
	free(s);
	setenv("XDG_RUNTIME_DIR", p->dir, 1);
	s = fs_xdg_runtime();
	assert_string_equal(s, p->dir);
	free(s);
	assert_int_equal(chmod(p->dir, 0755), 0);
	assert_null(fs_xdg_runtime());
	assert_int_equal(chmod(p->dir, 0700), 0);
	unsetenv("XDG_RUNTIME_DIR");
	assert_null(fs_xdg_runtime());
}

static void test_beneath(void **state)
{
	struct place *p = *state;
	char *link = at(p, "l");
	int dir = open(p->dir, O_RDONLY | O_DIRECTORY), proc = open("/", O_RDONLY | O_DIRECTORY),
	    fd;

	put(p, "f", "x");
	assert_int_equal(symlink("f", link), 0);
	fd = fs_open_beneath(dir, "f", O_RDONLY);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(fs_open_beneath(dir, "l", O_RDONLY), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(fs_open_beneath(dir, "..", O_RDONLY), -1);
	assert_int_equal(fs_open_beneath(dir, ".", O_RDONLY), -1);
	assert_int_equal(fs_open_beneath(dir, "", O_RDONLY), -1);
	assert_int_equal(fs_open_beneath(dir, "a/b", O_RDONLY), -1);
	assert_int_equal(fs_open_beneath(dir, "none", O_RDONLY), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fs_open_beneath(proc, "proc", O_RDONLY | O_DIRECTORY), -1);
	assert_int_equal(errno, EXDEV);
	close(dir);
	close(proc);
	free(link);
}

static void test_lock(void **state)
{
	struct place *p = *state;
	char *path = at(p, "lock");
	int a = fs_lock(path, &p->e), b;

	assert_true(a >= 0);
	assert_true(fcntl(a, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fs_lock(path, &p->e), -1);
	assert_string_equal(p->e.code, "locked");
	close(a);
	b = fs_lock(path, &p->e);
	assert_true(b >= 0);
	close(b);
	free(path);
}

static void test_realpath(void **state)
{
	struct place *p = *state;
	char *odd = at(p, ".//../"), *s = fs_realpath(odd, &p->e);

	assert_string_equal(s, "/tmp");
	free(s);
	free(odd);
	odd = at(p, "none");
	assert_null(fs_realpath(odd, &p->e));
	assert_string_equal(p->e.code, "not_found");
	free(odd);
}

static void test_random(void **state)
{
	unsigned char a[64] = { 0 }, b[64] = { 0 };

	fs_random(a, sizeof a);
	fs_random(b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_read),
		T(test_replace),
		T(test_replace_fails_clean),
		T(test_create),
		T(test_append),
		T(test_mkdirs),
		T(test_private),
		T(test_remove_needs_marker),
		T(test_remove_follows_no_link),
		T(test_remove_deep),
		T(test_remove_wide),
		T(test_remove_closed_as_user),
		T(test_names),
		T(test_tilde),
		T(test_xdg),
		T(test_beneath),
		T(test_lock),
		T(test_realpath),
		T(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
