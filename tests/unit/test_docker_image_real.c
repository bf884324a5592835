/* test_docker_image_real.c - images loaded from a tar and built from a directory by the Docker
 * daemon of this machine; a pull that no registry answers. Skipped where there is no Docker or no
 * static busybox. */
#include "docker_rig.c"

static bool have;

static int setup(void **state)
{
	*state = rig_new();
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	if (have) {
		rig_remove_all(r);
		char *build = xasprintf("yolodeck-build-%.8s", r->repo),
		     *tar = xasprintf("yolodeck-tar-%.8s", r->repo);
		const char *const names[] = { build, tar };
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			char *ids = CLI(NULL, "images", "-q", names[i]), *rest = ids, *id;
			while ((id = strsep(&rest, "\n")))
				if (*id)
					free(CLI(NULL, "rmi", "-f", id));
			free(ids);
		}
		free(build);
		free(tar);
	}
	rig_free(r);
	return 0;
}

/* A directory with a Dockerfile around busybox. */
static char *environment(struct rig *r, const char *dockerfile)
{
	char *dir = xasprintf("%s/env", r->dir), *busybox = child_which("busybox", NULL);
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	char *file = fs_join(dir, "Dockerfile"), *copy = fs_join(dir, "busybox"),
	     *secret = fs_join(dir, "secret"), *ignore = fs_join(dir, ".dockerignore");
	assert_int_equal(fs_mkdirs(dir, 0700, &e), 0);
	assert_int_equal(fs_read(busybox, 8 << 20, &b, &e), 0);
	if (!fs_exists(copy))
		assert_int_equal(fs_create(copy, 0755, b.p, b.len, &e), 0);
	assert_int_equal(fs_replace(file, dockerfile, strlen(dockerfile), &e), 0);
	assert_int_equal(fs_replace(secret, "x", 1, &e), 0);
	assert_int_equal(fs_replace(ignore, "secret\n", 7, &e), 0);
	buf_release(&b);
	free(busybox);
	free(file);
	free(copy);
	free(secret);
	free(ignore);
	return dir;
}

static const char good[] =
	"FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"ln\", \"-s\", \"busybox\", \"/bin/sh\"]\n"
	"COPY . /all\nRUN echo made > /made\n";

static void expect(const struct rig_task *k, int code, const char *reason)
{
	if (k->end.exit != code || !strstr(k->end.reason, reason))
		fail_msg("%s: exit %d \"%s\", not %d \"%s\"; notes: %s", k->name, k->end.exit,
			k->end.reason, code, reason, k->noted);
}

static void built_and_loaded(void **state)
{
	struct rig *r = *state;
	if (!have)
		skip();
	char *dir = environment(r, good), *build = xasprintf("build:%s", dir),
	     *tar = xasprintf("%s/i.tar", r->dir), *load = xasprintf("tar:%s", tar);
	rig_prepare(r, build);
	assert_string_equal(r->prepare_err.msg, "");
	struct rig_task *
		a = rig_task(r, "a",
		       "read -r x </made; echo $x; [ -e /all/Dockerfile ] && [ ! -e /all/secret ] && exit 7"),
	       *b = rig_task(r, "b", "exit 8");
	a->t.image = b->t.image = build;
	rig_start(r, a);
	rig_start(r, b);
	rig_run_until(r, rig_all_ended, "the ends");
	expect(a, 7, "exit 7");
	expect(b, 8, "exit 8");
	assert_non_null(strstr(a->noted, "building env: step 4 of 5"));
	char *log = rig_log(a);
	assert_non_null(strstr(log, "made"));
	free(log);
	/* another engine finds it made: no step */
	rig_close(r);
	rig_engine(r);
	struct rig_task *c = rig_task(r, "c", "exit 9");
	c->t.image = build;
	rig_start(r, c);
	rig_run_until(r, rig_all_ended, "the end");
	expect(c, 9, "exit 9");
	assert_string_equal(c->noted, "");

	/* saved and removed, it comes back from the tar */
	char *ref = xasprintf("yolodeck-build-%.8s", r->repo), *id = CLI(NULL, "images", "-q", ref);
	int code;
	free(CLI(&code, "save", "-o", tar, id));
	assert_int_equal(code, 0);
	rig_remove_all(r);
	free(CLI(&code, "rmi", "-f", id));
	assert_int_equal(code, 0);
	rig_prepare(r, load);
	assert_string_equal(r->prepare_err.msg, "");
	struct rig_task *d = rig_task(r, "d", "exit 10");
	d->t.image = load;
	rig_start(r, d);
	rig_run_until(r, rig_all_ended, "the end");
	expect(d, 10, "exit 10");
	assert_non_null(strstr(d->noted, "loading i.tar"));
	struct rig_task *f = rig_task(r, "f", "exit 11");
	f->t.image = load;
	rig_start(r, f);
	rig_run_until(r, rig_all_ended, "the end");
	expect(f, 11, "exit 11");
	assert_string_equal(f->noted, "");
	free(ref);
	free(id);
	free(dir);
	free(build);
	free(tar);
	free(load);
}

static void what_fails(void **state)
{
	struct rig *r = *state;
	static const struct {
		const char *file, *says;
	} t[] = {
		{ "FORM scratch\n", "building env failed: " },
		{ "FROM scratch\nCOPY busybox /bin/sh\nRUN echo it broke; exit 3\n",
			"failed at step 3 of 3 (RUN echo it broke; exit 3): The command '/bin/sh -c echo it broke; exit 3' returned a non-zero code: 3; it said last: it broke" },
		{ "FROM scratch\nCOPY secret /\n", "failed at step 2 of 2 (COPY secret /)" },
	};
	struct err e = ERR_INIT;
	if (!have)
		skip();
	char *build = NULL, *zeros = xcalloc(1, 10240), *tar = xasprintf("%s/empty.tar", r->dir),
	     *load = xasprintf("tar:%s", tar);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char name[8], *dir = environment(r, t[i].file);
		free(build);
		build = xasprintf("build:%s", dir);
		free(dir);
		snprintf(name, sizeof(name), "x%zu", i);
		struct rig_task *k = rig_task(r, name, "exit 1");
		k->t.image = build;
		rig_start(r, k);
		rig_run_until(r, rig_all_ended, "the end");
		expect(k, -1, t[i].says);
	}
	memcpy(zeros + 257, "ustar", 5);
	assert_int_equal(fs_create(tar, 0600, zeros, 10240, &e), 0);
	struct rig_task *k = rig_task(r, "empty", "exit 1"), *p = rig_task(r, "pull", "exit 1");
	k->t.image = load;
	rig_start(r, k);
	p->t.image = "no.such.invalid/image:1";
	rig_start(r, p);
	rig_run_until(r, rig_all_ended, "the ends");
	expect(k, -1, "empty.tar");
	expect(p, -1,
		"image no.such.invalid/image:1 is not here and its registry cannot be reached");
	print_message("%s\n%s\n", k->end.reason, p->end.reason);
	free(build);
	free(zeros);
	free(tar);
	free(load);
}

#define REAL(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = { REAL(built_and_loaded), REAL(what_fails) };
	int code = -1;
	char *docker = child_which("docker", NULL), *busybox = child_which("busybox", NULL);
	if (docker)
		free(CLI(&code, "version"));
	have = code == 0 && busybox;
	if (!have)
		print_message("# skip: no Docker daemon or no busybox here\n");
	free(docker);
	free(busybox);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
