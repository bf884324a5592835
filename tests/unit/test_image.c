/* test_image.c - what images are made of: .dockerignore, the tar of a directory, progress, the
 * names of registries. */

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "engine/image.h"

static void ignoring(void **state)
{
	static const struct {
		const char *file, *path;
		bool out;
	} t[] = {
		{ "a", "a", true },
		{ "a", "a/b/c", true },
		{ "a", "b/a", false },
		{ "a", "ab", false },
		{ "/a/", "a", true },
		{ "./a", "a/x", true },
		{ "*.o", "x.o", true },
		{ "*.o", "d/x.o", false },
		{ "**/*.o", "d/e/x.o", true },
		{ "**/*.o", "x.o", true },
		{ "*/x", "d/x", true },
		{ "*/x", "d/e/x", false },
		{ "d/**", "d/e/f", true },
		{ "d/**", "d", false },
		{ "d/**/f", "d/f", true },
		{ "d/**/f", "d/1/2/f", true },
		{ "**", "anything/at/all", true },
		{ "x?z", "xyz", true },
		{ "x?z", "x/z", false },
		{ "x[a-c]z", "xbz", true },
		{ "x[a-c]z", "xdz", false },
		{ "x[^a-c]z", "xdz", true },
		{ "x[z", "x[z", true },
		{ "x\\*z", "x*z", true },
		{ "x\\*z", "xyz", false },
		{ "*\n!keep", "keep", false },
		{ "*\n!keep", "keep/in", false },
		{ "*\n!keep\nkeep/in", "keep/in", true },
		{ "*\n!keep\nkeep/in", "keep/out", false },
		{ "# a\na b \r\n\n  !c", "a b", true },
		{ "# a", "a", false },
		{ "# a", "# a", false },
		{ "\xef\xbb\xbf"
		  "a",
			"a", true },
		{ "!", "a", false },
		{ "", "a", false },
		{ ".", "a", false },
		{ "/", "a", false },
		{ "node_modules\n.git\n", "node_modules/x/y.js", true },
		{ "a/*/c", "a/b/c/d", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct strv p = STRV_INIT;
		image_ignore_parse(t[i].file, &p);
		if (image_ignored(&p, t[i].path) != t[i].out)
			fail_msg("\"%s\" and %s: not %d", t[i].file, t[i].path, t[i].out);
		strv_release(&p);
	}
}

static char dir[64];

static void put(const char *name, const char *text)
{
	struct err e = ERR_INIT;
	char *path = fs_join(dir, name), *up = fs_dirname(path);
	assert_int_equal(fs_mkdirs(up, 0755, &e), 0);
	assert_int_equal(fs_create(path, 0644, text, strlen(text), &e), 0);
	free(path);
	free(up);
}

static char *sh(const char *script)
{
	struct child_result r;
	struct err e = ERR_INIT;
	struct child_spec s = CHILD_SPEC_INIT;
	s.argv = (const char *const[]){ "/bin/sh", "-c", script, "sh", dir, NULL };
	s.cwd = "/";
	assert_int_equal(child_run(&s, NULL, 0, 1 << 20, UNIT_DEADLINE, &r, &e), 0);
	char *out = xstrdup(r.out.p);
	if (r.code)
		fail_msg("%s: exit %d: %s", script, r.code, r.err.p);
	child_result_release(&r);
	return out;
}

/* tar itself reads what we wrote, and finds the same files. */
static void the_tar(void **state)
{
	struct err e = ERR_INIT;
	atomic_bool stop = false;
	int64_t size = 0;
	char long_name[130], *out;
	snprintf(dir, sizeof(dir), "/tmp/yolo-image-XXXXXX");
	assert_non_null(mkdtemp(dir));
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = 0;
	char *nested = xasprintf("src/d/%s/%s", long_name, long_name);
	put("src/Dockerfile", "FROM scratch\n");
	put("src/.dockerignore", "*.o\nnode_modules\n!keep.o\nDockerfile\nsecret/*\n!secret/ok\n");
	put("src/a file", "text");
	put("src/x.o", "1");
	put("src/keep.o", "2");
	put("src/node_modules/m/i.js", "3");
	put("src/secret/ok", "4");
	put("src/secret/key", "5");
	put(nested, "deep");
	out = sh(
		"cd $1/src && ln -s /etc/passwd link && mkfifo fifo && chmod 755 'a file' && mkdir empty && touch big && truncate -s 300001 big");
	free(out);
	char *src = fs_join(dir, "src");
	int fd = image_tar(src, dir, &stop, &size, &e);
	assert_true(fd > 0);
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, size);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(size % 512, 0);
	char *script = xasprintf(
		"cd $1 && mkdir x && tar -C x -xpf /proc/%d/fd/%d && cat x/d/%s/%s && "
		"cmp src/big x/big && readlink x/link && stat -c %%a 'x/a file' && cd x && find . | sort | grep -v nnn | tr '\\n' ' '",
		getpid(), fd, long_name, long_name);
	out = sh(script);
	assert_string_equal(out,
		"deep/etc/passwd\n755\n. ./.dockerignore ./Dockerfile ./a file ./big ./d ./empty "
		"./keep.o ./link ./secret ./secret/ok ");
	free(out);
	close(fd);
	atomic_store(&stop, true);
	assert_int_equal(image_tar(src, dir, &stop, &size, &e), -1);
	assert_string_equal(e.code, "stopped");
	assert_int_equal(image_tar("/no/such", dir, &stop, &size, &e), -1);
	assert_int_equal(image_tar(src, "/no/such", &stop, &size, &e), -1);
	free(sh("ls $1/build-* >/dev/null 2>&1 && exit 1; rm -r $1"));
	free(script);
	free(src);
	free(nested);
}

static void registries(void **state)
{
	static const char *const t[][2] = { { "node:22", "" }, { "library/node", "" },
		{ "quay.test/a/b:1", "quay.test" }, { "localhost/a", "localhost" },
		{ "h:5000/a:1", "h:5000" } };
	char out[256], why[300];
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		image_registry(t[i][0], out, sizeof(out));
		assert_string_equal(out, t[i][1]);
	}
	assert_null(image_auth(NULL, "quay.test", "", why, sizeof(why)));
	assert_null(image_auth("/no/such", "", "https://index.r.test/v1/", why, sizeof(why)));
	assert_string_equal(why, "");
}

static char *login(const char *config, const char *registry, char why[300])
{
	struct err e = ERR_INIT;
	char *path = fs_join(dir, "config.json"), *out;
	assert_int_equal(fs_replace(path, config, strlen(config), &e), 0);
	out = image_auth(dir, registry, "https://index.r.test/v1/", why, 300);
	free(path);
	return out;
}

static void damaged_logins(void **state)
{
	static const char *const none[] = { "", "[]", "{\"auths\":[]}",
		"{\"auths\":{\"q.test\":7}}", "{\"auths\":{\"q.test\":{\"auth\":\"!!!\"}}}",
		"{\"auths\":{\"q.test\":{\"auth\":\"bm8=\"}}}",
		"{\"auths\":{\"q.test.evil\":{\"auth\":\"YTpi\"}}}",
		"{\"auths\":{\"test\":{\"auth\":\"YTpi\"}}}" };
	char why[300], *h;
	snprintf(dir, sizeof(dir), "/tmp/yolo-image-XXXXXX");
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_null(login(none[i], "q.test", why));
	h = login("{\"auths\":{\"https://q.test/v2/\":{\"auth\":\"YTpi\"}}}", "q.test", why);
	assert_non_null(h);
	free(h);
	h = login("{\"auths\":{\"https://index.r.test/v1/\":{\"auth\":\"YTpi\"}}}", "r.test", why);
	assert_non_null(h); /* the default registry by its short name */
	free(h);
	assert_null(login("{\"credsStore\":\"../../evil\"}", "q.test", why));
	assert_non_null(strstr(why, "is not right"));
	assert_null(login("{\"credsStore\":\"yolo-none\"}", "q.test", why));
	assert_non_null(strstr(why, "docker-credential-yolo-none"));
	free(sh("rm -r $1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ignoring),
		cmocka_unit_test(the_tar),
		cmocka_unit_test(registries),
		cmocka_unit_test(damaged_logins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
