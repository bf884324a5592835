/* test_image.c - how images are fetched: progress of pulls and builds, logins of registries. */

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

static char dir[64];

static void progress_of_a_pull(void **state)
{
	static const struct {
		const char *line, *text;
	} t[] = {
		{ "{\"status\":\"Pulling from library/node\",\"id\":\"22\"}", "" },
		{ "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"aaa\"}",
			"1 layer" },
		{ "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"bbb\"}",
			"2 layers" },
		{ "{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"ccc\"}",
			"3 layers" },
		{ "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":41000000,\"total\":120000000},\"id\":\"aaa\"}",
			"34 % of 120 MB, layer 2 of 3" },
		{ "not json \033[31m", "34 % of 120 MB, layer 2 of 3" },
		{ "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"aaa\"}",
			"100 % of 120 MB, layer 3 of 3" },
		{ "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"bbb\"}",
			"unpacking, layer 2 of 3" },
		{ "{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"aaa\"}",
			"unpacking, layer 3 of 3" },
	};
	struct image_progress *p = xcalloc(1, sizeof(*p));
	char text[200];
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		image_progress_line(p, t[i].line, strlen(t[i].line));
		image_progress_text(p, text, sizeof(text));
		assert_string_equal(text, t[i].text);
	}
	free(p);
}

static void progress_of_a_build(void **state)
{
	static const struct {
		const char *line;
		int step, steps;
		const char *command, *output;
	} t[] = {
		{ "#1 [internal] load build definition from Dockerfile", 0, 0, "", "" },
		{ "#4 [1/3] FROM docker.io/library/alpine", 1, 3, "FROM docker.io/library/alpine",
			"" },
		{ "#4 sha256:ab 1.2MB / 3.4MB", 1, 3, "FROM docker.io/library/alpine", "" },
		{ "#5 [final stage 2/3] RUN a [b] c", 2, 3, "RUN a [b] c", "" },
		{ "#5 0.234 made \033[1mit", 2, 3, "RUN a [b] c", "made it" },
		{ "#5 DONE 0.3s", 2, 3, "RUN a [b] c", "made it" },
		{ "#6 [9/3] what", 2, 3, "RUN a [b] c", "made it" },
		{ "#", 2, 3, "RUN a [b] c", "made it" },
	};
	struct image_progress *p = xcalloc(1, sizeof(*p));
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		image_progress_build(p, t[i].line);
		assert_int_equal(p->step, t[i].step);
		assert_int_equal(p->steps, t[i].steps);
		assert_string_equal(p->command, t[i].command);
		assert_string_equal(p->output, t[i].output);
	}
	free(p);
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

static void registries(void **state)
{
	static const char *const t[][2] = { { "node:22", "" }, { "library/node", "" },
		{ "quay.test/a/b:1", "quay.test" }, { "localhost/a", "localhost" },
		{ "h:5000/a:1", "h:5000" } };
	char out[256], why[300];
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		image_auth_registry(t[i][0], out, sizeof(out));
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
		cmocka_unit_test(progress_of_a_pull),
		cmocka_unit_test(progress_of_a_build),
		cmocka_unit_test(registries),
		cmocka_unit_test(damaged_logins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
