/* test_spec_image.c - where an image comes from: texts, objects of a race file, paths made absolute
 * and looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "model/spec.h"
#include "model/spec_image.h"

static void kinds(void **state)
{
	static const struct {
		const char *text, *rest;
		enum image_kind kind;
		bool path;
	} t[] = { { "host", "host", IMAGE_HOST, false }, { "node:22", "node:22", IMAGE_REF, false },
		{ "tar:22", "tar:22", IMAGE_REF, false },
		{ "tar:/a b.tar", "/a b.tar", IMAGE_TAR, true },
		{ "build:/d", "/d", IMAGE_BUILD, true }, { "build:.", "build:.", IMAGE_REF, true },
		{ "tar:~/x", "tar:~/x", IMAGE_REF, true },
		{ "tar:.x", "tar:.x", IMAGE_REF, false } };
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *rest;
		assert_int_equal(spec_image_kind(t[i].text, &rest), t[i].kind);
		assert_string_equal(rest, t[i].rest);
		assert_int_equal(spec_image_is_path(t[i].text), t[i].path);
	}
	assert_int_equal(spec_image_kind(NULL, NULL), IMAGE_HOST);
}

static void put_file(const char *dir, const char *name, const char *data, size_t n)
{
	struct err e = ERR_INIT;
	char *path = fs_join(dir, name);
	assert_int_equal(fs_replace(path, data, n, &e), 0);
	free(path);
}

/* Loads `text` as the race file of dir: -1 and the sentence must hold `words`, else the image's
 * text is `image` below dir. */
static void loads(const char *dir, const char *text, const char *words, const char *image)
{
	struct spec s;
	struct err e = ERR_INIT;
	char *race = fs_join(dir, "race.json");
	put_file(dir, "race.json", text, strlen(text));
	spec_init(&s);
	int rc = spec_load(&s, race, &e);
	if (words && (!rc || !strstr(e.msg, words)))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, e.msg, words);
	if (!words && rc)
		fail_msg("%s: %s", text, e.msg);
	if (image) {
		char *want = xasprintf("%.*s%s/%s", (int)(strchr(image, ':') - image) + 1, image,
			dir, strchr(image, ':') + 1);
		const char *got = s.image ? s.image : s.variants[0].image;
		assert_string_equal(got, want);
		assert_int_equal(spec_expand(&s, &e), 0);
		struct json *j = spec_to_json(&s);
		struct spec back;
		spec_init(&back);
		assert_int_equal(spec_from_json(&back, j, &e), 0);
		assert_string_equal(back.variants[0].image, want);
		spec_release(&back);
		json_free(j);
		free(want);
	}
	spec_release(&s);
	free(race);
}

static void images_from_files(void **state)
{
	char dir[] = "/tmp/yolodeck-spec-XXXXXX", tar[1024] = "";
	struct err e = ERR_INIT;
	struct spec s;
	assert_non_null(mkdtemp(dir));
	memcpy(tar + 257, "ustar", 5);
	put_file(dir, "x.tar", tar, sizeof(tar));
	put_file(dir, "x.tgz", "\x1f\x8b\x08\x00", 4);
	put_file(dir, "text", "no tar at all", 13);
	char *env = fs_join(dir, "env"), *none = fs_join(dir, "none"), *cwd = getcwd(NULL, 0);
	assert_int_equal(fs_mkdirs(env, 0700, &e), 0);
	assert_int_equal(fs_mkdirs(none, 0700, &e), 0);
	put_file(env, "Dockerfile", "FROM scratch\n", 13);
#define IMG(x) "{ \"command\": \"x\",\n \"image\": " x " }"
	loads(dir, IMG("{ \"tar\": \"x.tar\" }"), NULL, "tar:x.tar");
	loads(dir, IMG("{ \"tar\": \"./env/../x.tgz\" }"), NULL, "tar:x.tgz");
	loads(dir, IMG("\"tar:./x.tar\""), NULL, "tar:x.tar");
	loads(dir, IMG("{ \"build\": \"env\" }"), NULL, "build:env");
	loads(dir,
		"{ \"variants\": [ { \"name\": \"a\", \"command\": \"x\", \"image\": { \"build\": \"env\" } } ] }",
		NULL, "build:env");
	loads(dir, IMG("{ \"tar\": \"no.tar\" }"), "race.json:2: image.tar: ", NULL);
	loads(dir, IMG("\"tar:./no.tar\""), "race.json:2: image: ", NULL);
	loads(dir, IMG("{ \"tar\": \"text\" }"), "text is not a tar archive", NULL);
	loads(dir, IMG("{ \"tar\": \"env\" }"), "env is not a tar archive", NULL);
	loads(dir, IMG("\"tar:x.tar\""), "what is here under that name is tar:./x.tar", NULL);
	loads(dir, IMG("{ \"build\": \"none\" }"),
		"race.json:2: image.build: there is no Dockerfile in ", NULL);
	loads(dir, IMG("{ \"build\": \"x.tar\" }"), "is not a directory", NULL);
	loads(dir,
		"{ \"variants\": [\n{ \"name\": \"a\",\n\"command\": \"x\",\n\"image\": { \"build\": \"no\" } } ] }",
		"race.json:4: variants[0].image.build: ", NULL);
	spec_init(&s);
	assert_int_equal(chdir(env), 0);
	assert_int_equal(spec_flag(&s, "image", "tar:../x.tar", &e), 0);
	assert_non_null(strstr(s.image, "/x.tar"));
	assert_int_equal(s.image[4], '/');
	assert_int_equal(spec_flag(&s, "image", "build:.", &e), 0);
	assert_int_equal(spec_flag(&s, "image", "build:..", &e), -1);
	assert_non_null(strstr(e.msg, "--image: there is no Dockerfile"));
	assert_int_equal(spec_flag(&s, "image", "tar:1", &e), 0); /* a reference */
	assert_int_equal(chdir(cwd), 0);
	spec_release(&s);
	static const char wire[] =
		"{\"image\":\"tar:./x\",\"variants\":[{\"name\":\"a\",\"command\":\"x\"}]}";
	struct json *j = json_parse(wire, strlen(wire), &e);
	spec_init(&s);
	assert_int_equal(spec_from_json(&s, j, &e), -1);
	assert_non_null(strstr(e.msg, "not an absolute path"));
	json_free(j);
	spec_release(&s);
	free(env);
	free(none);
	free(cwd);
	assert_int_equal(fs_remove_tree(dir, "race.json", &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(images_from_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
