/* test_host.c - the mount table of image "host": what is in it, what is refused, what the sentence
 * for 127 says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/host.h"

static char dir[64], *home, *state, *repo, *tools;

static int setup(void **s)
{
	struct err e;

	strcpy(dir, "/tmp/yolo-host-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	home = fs_join(dir, "home");
	state = fs_join(home, ".local/state/yolodeck");
	repo = fs_join(home, "src/repo");
	tools = fs_join(home, ".nvm/bin");
	if (fs_mkdirs(state, 0700, &e) || fs_mkdirs(repo, 0755, &e) || fs_mkdirs(tools, 0755, &e))
		return -1;
	char *claude = fs_join(tools, "claude"), *link = fs_join(home, "link-to-etc");
	fs_create(claude, 0755, "#!/bin/sh\n", 10, &e);
	int rc = symlink("/etc", link);
	free(claude);
	free(link);
	setenv("HOME", home, 1);
	return rc;
}

static int teardown(void **s)
{
	struct err e;
	int rc = fs_remove_tree(dir, "home", &e);

	free(home);
	free(state);
	free(repo);
	free(tools);
	return rc;
}

static const struct host_mount *find(const struct host *h, const char *target)
{
	for (size_t i = 0; i < h->n; i++)
		if (!strcmp(h->m[i].target, target))
			return &h->m[i];
	return NULL;
}

static void table(void **s)
{
	struct strv mounts = STRV_INIT;
	struct host h;
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	char *hidden = fs_join(home, "hidden-link");
	char *path =
		xasprintf("%s:%s:/usr/bin:relative::/usr/bin:/no/such/dir:/etc", tools, hidden);
	assert_int_equal(symlink("/usr/share", hidden), 0);

	setenv("PATH", path, 1);
	strv_add(&mounts, "~/.nvm");
	assert_int_equal(host_table(&h, state, 4711, 4712, &mounts, &e), 0);
	assert_non_null(find(&h, "/usr"));
	static const char *const never[] = { "/", "/run", "/var/run", "/etc", "/etc/shadow",
		"/home", "/root", "/proc", "/sys", "/dev", "/tmp" };
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		assert_null(find(&h, never[i]));
	for (size_t i = 0; i < h.n; i++) {
		assert_int_equal(h.m[i].source[0], '/');
		assert_true(fs_exists(h.m[i].source));
		if (h.m[i].link)
			assert_true(strcmp(h.m[i].source, h.m[i].target) != 0);
	}
	struct stat st;
	if (lstat("/bin", &st) == 0 && S_ISLNK(st.st_mode)) {
		assert_string_equal(find(&h, "/bin")->link, "usr/bin");
		assert_string_equal(find(&h, "/bin")->source, "/usr/bin");
	}
	char *nvm = fs_join(home, ".nvm");
	assert_string_equal(find(&h, nvm)->source, nvm);
	free(nvm);
	assert_int_equal(fs_read(find(&h, "/etc/passwd")->source, 1000, &b, &e), 0);
	assert_non_null(strstr(b.p, "yolo:x:4711:4712:yolo:/home/yolo:/bin/sh\n"));
	assert_int_equal(stat(find(&h, "/etc/passwd")->source, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(fs_read(find(&h, "/etc/group")->source, 1000, &b, &e), 0);
	assert_non_null(strstr(b.p, "yolo:x:4712:\n"));
	/* the visible part of PATH, in its order, each once */
	char *want = xasprintf("%s:/usr/share:/usr/bin", tools);
	assert_memory_equal(h.path, want, strlen(want));
	assert_null(strstr(h.path, "hidden"));
	assert_null(strstr(h.path, "relative"));
	assert_null(strstr(h.path, "/etc"));
	assert_null(strstr(h.path, "such"));
	free(want);
	host_release(&h);
	strv_release(&mounts);
	buf_release(&b);
	free(path);
	free(hidden);
}

static void refused(void **s)
{
	static const struct {
		const char *mount, *word;
	} bad[] = {
		{ "/", "whole machine" },
		{ "//", "whole machine" },
		{ "~", "whole home" },
		{ "~/", "whole home" },
		{ "/run", "/run" },
		{ "/run/user", "/run" },
		{ "/var", "/var/run" },
		{ "/var/run", "/run" },
		{ "/proc/1", "/proc" },
		{ "/sys", "/sys" },
		{ "/dev/shm", "/dev" },
		{ "/etc/ssl", "/etc" },
		{ "~/link-to-etc", "/etc" },
		{ "~/link-to-etc/ssl", "/etc" },
		{ "~/.local/state/yolodeck", "state of yolodeck" },
		{ "~/.local/state", "state of yolodeck" },
		{ "~/src/repo", "repository" },
		{ "~/src", "repository" },
		{ "~/../home/src/../src/repo", "repository" },
		{ "relative", "absolute" },
		{ "~other/x", "absolute" },
		{ "/no/such/dir", "no such file" },
		{ "/usr/a\nb", "control" },
		{ "/usr/../usr/share", "without" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct strv m = STRV_INIT;
		struct err e = ERR_INIT;
		strv_add(&m, "~/.nvm");
		strv_add(&m, bad[i].mount);
		assert_int_equal(host_check_mounts(&m, state, repo, &e), -1);
		if (!strstr(e.msg, bad[i].word))
			fail_msg("%s: %s", bad[i].mount, e.msg);
		strv_release(&m);
	}
	struct strv good = STRV_INIT;
	struct err e = ERR_INIT;
	strv_addl(&good, "~/.nvm", "~/.nvm/bin/claude", "/usr/share/", NULL);
	assert_int_equal(host_check_mounts(&good, state, repo, &e), 0);
	strv_release(&good);
}

static void explains_127(void **s)
{
	struct strv none = STRV_INIT, mounts = STRV_INIT;
	struct host h;
	struct err e = ERR_INIT;
	char out[512], *path = xasprintf("%s:/usr/bin", tools), *full = fs_join(tools, "claude");

	setenv("PATH", path, 1);
	assert_int_equal(host_table(&h, state, 1, 1, &none, &e), 0);
	assert_true(host_explain_127(&h, "claude", out, sizeof out));
	assert_string_equal(
		out, "claude is in ~/.nvm/bin, which the container does not see; add it to mounts");
	assert_true(host_explain_127(&h, full, out, sizeof out));
	assert_false(host_explain_127(&h, "no-such-program", out, sizeof out));
	assert_false(host_explain_127(&h, "env", out, sizeof out));
	host_release(&h);
	strv_add(&mounts, "~/.nvm");
	assert_int_equal(host_table(&h, state, 1, 1, &mounts, &e), 0);
	assert_false(host_explain_127(&h, "claude", out, sizeof out));
	host_release(&h);
	strv_release(&mounts);
	free(path);
	free(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table), cmocka_unit_test(refused),
		cmocka_unit_test(explains_127) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
