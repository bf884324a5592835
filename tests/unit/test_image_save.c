/* test_image_save.c - image_save with a `docker` made of a script: once per id, what fails, what a
 * killed writer left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/pool.h"
#include "engine/image_save.h"

#define ID "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

static char dir[64], cache[80], *old_path;

static void docker(const char *inspect, const char *save)
{
	struct err e = ERR_INIT;
	char path[96];
	char *text = xasprintf(
		"#!/bin/sh\necho \"$*\" >>%s/calls\ncase $1 in\nimage) %s;;\nsave) exec >\"$3\"; %s;;\nesac\n",
		dir, inspect, save);
	snprintf(path, sizeof(path), "%s/bin/docker", dir);
	unlink(path);
	assert_int_equal(fs_create(path, 0755, text, strlen(text), &e), 0);
	free(text);
}

static int calls(const char *what)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char path[96];
	int n = 0;
	snprintf(path, sizeof(path), "%s/calls", dir);
	fs_read(path, 1 << 20, &b, &e);
	for (const char *p = b.p; (p = strstr(p, what)); p++)
		n++;
	buf_release(&b);
	return n;
}

static int setup(void **state)
{
	struct err e = ERR_INIT;
	snprintf(dir, sizeof(dir), "/tmp/yolo-save-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(cache, sizeof(cache), "%s/cache/images", dir);
	char *bin = xasprintf("%s/bin", dir), *path = xasprintf("%s:/usr/bin:/bin", bin);
	assert_int_equal(fs_mkdirs(bin, 0700, &e), 0);
	old_path = xstrdup(getenv("PATH"));
	setenv("PATH", path, 1);
	free(bin);
	free(path);
	return 0;
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;
	setenv("PATH", old_path, 1);
	free(old_path);
	return fs_remove_tree(dir, "bin", &e);
}

static void once_per_id(void **state)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	struct stat st;
	char *tar = NULL, *want = xasprintf("%s/%s.tar", cache, ID),
	     *left = xasprintf("%s.new", want);
	docker("echo sha256:" ID, "printf 'the tar'");
	assert_int_equal(fs_mkdir_private(cache, &e), 0);
	assert_int_equal(fs_create(left, 0600, "half of an earlier one", 22, &e), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(image_save("node:22", cache, &tar, &e), 0);
		assert_string_equal(tar, want);
		free(tar);
	}
	assert_int_equal(fs_read(want, 100, &b, &e), 0);
	assert_string_equal(b.p, "the tar");
	assert_int_equal(stat(want, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(calls(".new " ID), 1);
	assert_int_equal(calls("image inspect --format {{.Id}} node:22"), 2);
	assert_false(fs_exists(left));
	buf_release(&b);
	free(want);
	free(left);
}

static void not_there(void **state)
{
	struct err e = ERR_INIT;
	char *tar = NULL;
	docker("echo 'Error: No such image: x' >&2; exit 1", "exit 9");
	assert_int_equal(image_save("node:22", cache, &tar, &e), 1);
	assert_int_equal(calls("save"), 0);
	/* what is no name never becomes an argument */
	assert_int_equal(image_save("-v", cache, &tar, &e), 1);
	assert_int_equal(image_save("a b", cache, &tar, &e), 1);
	assert_int_equal(calls("-v") + calls("a b"), 0);
	docker("echo ../../../etc/passwd", "exit 9");
	assert_int_equal(image_save("node:22", cache, &tar, &e), 1);
	setenv("PATH", "/nowhere", 1);
	assert_int_equal(image_save("node:22", cache, &tar, &e), 1);
	assert_null(tar);
	assert_string_equal(e.msg, "");
}

static void failing(void **state)
{
	struct err e = ERR_INIT;
	char *tar = NULL, *want = xasprintf("%s/%s.tar", cache, ID),
	     *left = xasprintf("%s.new", want);
	docker("echo sha256:" ID,
		"printf half; printf 'no space \\033[31mleft\\nmore' >&2; exit 1");
	assert_int_equal(image_save("node:22", cache, &tar, &e), -1);
	assert_string_equal(e.code, "image_save");
	assert_non_null(strstr(e.msg, "could not save image node:22 (exit 1): no space "));
	assert_null(strchr(e.msg, 27));
	assert_null(strstr(e.msg, "more"));
	assert_false(fs_exists(want));
	assert_false(fs_exists(left));
	assert_null(tar);
	free(want);
	free(left);
}

static void one(void *ctx, size_t i)
{
	struct err e = ERR_INIT;
	char *tar = NULL;
	assert_int_equal(image_save("node:22", cache, &tar, &e), 0);
	free(tar);
}

static void at_once(void **state)
{
	docker("echo sha256:" ID, "printf 'the tar'");
	pool_parallel(6, 6, one, NULL);
	assert_int_equal(calls(".new " ID), 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = { CASE(once_per_id), CASE(not_there), CASE(failing),
		CASE(at_once) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
