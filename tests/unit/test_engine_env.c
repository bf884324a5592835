/* test_engine_env.c - what a command finds in every engine: modes of new files, locale, and the
 * sentence for a script with Windows line endings. */
#include "engine_bench.h"

/* Starts it with the conductor's umask and gives back its output. */
static void inside(struct bench *b, const char *variant, const char *script, struct buf *out)
{
	mode_t old = umask(077);

	bench_open(b);
	task(b, variant, script);
	start(b);
	run_loop(b);
	umask(old);
	text_of(b, out);
}

static void modes_of_new_files(void **state)
{
	struct buf out = BUF_INIT;
	struct bench b;

	inside(&b, "modes", "umask; mkdir d; : >f; stat -c %a d f", &out);
	assert_string_equal(out.p, "0022\n755\n644\n");
	expect_end(&b, ENGINE_EXITED, 0, "exit 0");
	buf_release(&out);
	finish(&b);
}

/* Also by the command's user: the directories above what is mounted. */
static void directories_above_mounts_are_open(void **state)
{
	struct buf out = BUF_INIT;
	struct bench b;

	if (type != &engine_local) {
		printf("skipped: only local makes them itself\n");
		return;
	}
	inside(&b, "above", "stat -c '%a %n' / /etc /home /var; ls / /etc /home /var >/dev/null",
		&out);
	assert_string_equal(out.p, "755 /\n755 /etc\n755 /home\n755 /var\n");
	buf_release(&out);
	finish(&b);
}

/* A mount two directories below the variant's own /tmp: its user gets there. */
static void nested_mounts_are_reached(void **state)
{
	char top[] = "/tmp/yolo-nested-XXXXXX";
	struct buf out = BUF_INIT;
	struct err e;
	struct bench b;

	if (type != &engine_docker) {
		printf("skipped: only docker mounts below /tmp\n");
		return;
	}
	assert_non_null(mkdtemp(top));
	char *deep = xasprintf("%s/deep", top), *file = xasprintf("%s/file", deep),
	     *script = xasprintf("cat %s", file);
	assert_int_equal(chmod(top, 0755) | mkdir(deep, 0755) | chmod(deep, 0755), 0);
	assert_int_equal(fs_create(file, 0644, "reached\n", 8, &e), 0);
	mode_t old = umask(077);
	bench_open(&b);
	task(&b, "nested", script);
	strv_add(&b.t.mounts, deep);
	start(&b);
	run_loop(&b);
	umask(old);
	text_of(&b, &out);
	assert_string_equal(out.p, "reached\n");
	buf_release(&out);
	finish(&b);
	unlink(file);
	rmdir(deep);
	rmdir(top);
	free(deep);
	free(file);
	free(script);
}

static void locale_is_utf8(void **state)
{
	struct buf out = BUF_INIT;
	struct bench b;

	if (type != &engine_docker && type != &engine_local) {
		printf("skipped: only image host has a locale of ours\n");
		return;
	}
	inside(&b, "locale", "locale charmap; echo $LANG", &out);
	assert_string_equal(out.p, "UTF-8\nC.UTF-8\n");
	buf_clear(&out);
	finish(&b);
	bench_open(&b);
	task(&b, "locale-own", "env | grep ^LANG=");
	strv_add(&b.t.env, "LANG=de_DE.UTF-8");
	start(&b);
	run_loop(&b);
	text_of(&b, &out);
	assert_string_equal(out.p, "LANG=de_DE.UTF-8\n"); /* the race's own, once */
	buf_release(&out);
	finish(&b);
}

static void write_script(struct bench *b, const char *text)
{
	char *path = xasprintf("%s/work/go.sh", b->dir);
	struct err e;

	unlink(path);
	assert_int_equal(fs_create(path, 0755, text, strlen(text), &e), 0);
	assert_int_equal(chmod(path, 0755), 0);
	free(path);
}

static void windows_line_endings(void **state)
{
	static const struct {
		const char *variant, *script, *setup;
		enum engine_cause cause;
	} t[] = {
		{ "crlf-exec", NULL, NULL, ENGINE_NOT_STARTED },
		{ "crlf-shell", "./go.sh --fast", NULL, ENGINE_EXITED },
		{ "crlf-setup", "true", "./go.sh", ENGINE_SETUP },
	};
	struct bench b;

	if (type == &engine_dagger) {
		printf("skipped: work/ is a copy there\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		bench_open(&b);
		task(&b, t[i].variant, t[i].script);
		b.t.setup = t[i].setup;
		if (!t[i].script)
			strv_add(&b.t.argv, "./go.sh");
		write_script(&b, "#!/bin/sh\r\necho no\r\n");
		start(&b);
		run_loop(&b);
		expect_end(&b, t[i].cause, 127,
			"./go.sh has Windows line endings (CRLF), so its interpreter is not found; "
			"convert it, for example with dos2unix");
		finish(&b);
	}
	/* a script that is right, and exits 127 for its own reason */
	bench_open(&b);
	task(&b, "lf", "./go.sh");
	write_script(&b, "#!/bin/sh\nexit 127\n");
	start(&b);
	run_loop(&b);
	expect_end(&b, ENGINE_EXITED, 127, "exit 127");
	finish(&b);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(modes_of_new_files),
	cmocka_unit_test(directories_above_mounts_are_open),
	cmocka_unit_test(nested_mounts_are_reached),
	cmocka_unit_test(locale_is_utf8),
	cmocka_unit_test(windows_line_endings),
};

int main(int argc, char **argv)
{
	setenv("YOLODECK_FAKE", "1", 1);
	int failed = run_rows(argc > 1 ? argv[1] : NULL, tests, ARRAY_LEN(tests));
	if (geteuid() == 0)
		failed += as_ordinary_user(argv);
	return failed ? 1 : 0;
}
