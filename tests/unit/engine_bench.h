/* engine_bench.h - one engine, one loop, one task at a time: what test_engine.c does everything
 * with. */
#ifndef TESTS_ENGINE_BENCH_H
#define TESTS_ENGINE_BENCH_H
#pragma GCC diagnostic ignored "-Wunused-function" /* each test uses some of it */

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "base/asset.h"
#include "base/child.h"
#include "base/sock.h"
#include "engine/engine.h"
#include "model/tail.h"

#define MIB ((int64_t)1 << 20)

static char dir[64], runner[96];
static const struct engine_type *type;
static struct engine_report report;

/* 16 hex made of the directory's name: whoever runs this suite beside us has other containers. */
static const char *repo_id(void)
{
	static char id[17];
	uint64_t h = 0xcbf29ce484222325;

	for (const char *p = dir; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3;
	snprintf(id, sizeof id, "%016llx", (unsigned long long)h);
	return id;
}

/* ---- one engine, one task ---- */

struct bench {
	struct loop *loop;
	struct engine *g;
	struct engine_events ev;
	struct engine_ctx c;
	struct engine_task t;
	struct engine_end end;
	char *dir, *log, *idx, *stop_at, *id_file;
	int started, ended;
	bool leave_when_started, in_call;
	struct loop_timer *late, *poll;
};

static void on_started(void *ctx, struct engine_task *t)
{
	struct bench *b = ctx;
	struct err e;

	assert_false(b->in_call);
	assert_int_equal(b->ended, 0);
	assert_true(*t->id);
	b->started++;
	if (b->id_file)
		fs_replace(b->id_file, t->id, strlen(t->id), &e);
	if (b->leave_when_started)
		loop_stop(b->loop, 0);
}

static void on_ended(void *ctx, struct engine_task *t, const struct engine_end *end)
{
	struct bench *b = ctx;

	assert_false(b->in_call);
	assert_ptr_equal(t, &b->t);
	b->ended++;
	b->end = *end;
	loop_stop(b->loop, 0);
}

static void on_note(void *ctx, struct engine_task *t, const char *text)
{
}

static void on_away(void *ctx, const char *why, const char *next_step)
{
}

static void too_late(void *ctx)
{
	struct bench *b = ctx;

	b->late = NULL;
	loop_stop(b->loop, 99);
}

static void bench_open(struct bench *b)
{
	struct err e = ERR_INIT;

	memset(b, 0, sizeof *b);
	b->loop = loop_new(&e);
	b->ev = (struct engine_events){ on_started, on_ended, on_note, on_away, b };
	b->c = (struct engine_ctx){ b->loop, &b->ev, dir, repo_id(), runner };
	b->g = type->open(&b->c, &e);
	if (!b->g)
		fail_msg("%s: %s", type->name, e.msg);
}

static void run_loop(struct bench *b)
{
	/* the first task on Dagger waits for a build, all of them for a copy and a collection */
	int dagger = type == &engine_dagger;

	b->late = loop_after(b->loop, UNIT_DEADLINE * (dagger ? 3 : 1), too_late, b);
	if (loop_run(b->loop) == 99)
		fail_msg("%s: nothing came", type->name);
	if (b->late)
		loop_cancel(b->late);
	b->late = NULL;
}

/* The variant's directory as the conductor makes it. */
static void make_dirs(struct bench *b, const char *variant)
{
	static const char *const names[] = { "work", "home", "tmp" };
	struct err e;
	int uid, gid;

	type->owner(b->g, &uid, &gid);
	b->dir = xasprintf("%s/races/7/%s", dir, variant);
	assert_int_equal(fs_mkdirs(b->dir, 0700, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *p = fs_join(b->dir, names[i]);
		if (!fs_exists(p))
			assert_int_equal(mkdir(p, 0700), 0);
		if (uid >= 0)
			assert_int_equal(chown(p, (uid_t)uid, (gid_t)gid), 0);
		free(p);
	}
}

static void prepared(void *ctx, const struct err *e)
{
	struct bench *b = ctx;

	snprintf(b->end.reason, sizeof b->end.reason, "%.500s", e->msg);
	loop_stop(b->loop, 0);
}

/* What a race on Dagger has beyond the others: an image ($YOLO_TEST_IMAGE, in the local Docker),
 * its pipeline pinned, and a tree to fill from. */
static void for_dagger(struct bench *b)
{
	static char *pinned, *source, *store;
	struct spec s;
	struct err e;

	if (!pinned) {
		source = fs_join(dir, "races/7/tpl/tree");
		store = fs_join(dir, "base.git");
		assert_int_equal(fs_mkdirs(source, 0755, &e) | fs_mkdirs(store, 0755, &e), 0);
		spec_init(&s);
		xreplace(&s.image, getenv("YOLO_TEST_IMAGE"));
		type->prepare(b->g, &s, "", prepared, b);
		run_loop(b);
		assert_string_equal(b->end.reason, "");
		pinned = xstrdup(s.prepared);
		spec_release(&s);
	}
	b->t.image = getenv("YOLO_TEST_IMAGE");
	b->t.prepared = pinned;
	b->t.template_tree = source;
	b->t.base_store = store;
	b->t.runner = "";
}

static void task(struct bench *b, const char *variant, const char *script)
{
	struct err e;

	make_dirs(b, variant);
	b->log = fs_join(b->dir, "log");
	b->idx = fs_join(b->dir, "log.idx");
	if (!fs_exists(b->log)) {
		assert_int_equal(fs_create(b->log, 0600, "", 0, &e), 0);
		assert_int_equal(fs_create(b->idx, 0600, "", 0, &e), 0);
	}
	b->t = (struct engine_task){ .race = 7,
		.variant = variant,
		.repo_id = repo_id(),
		.dir = b->dir,
		.log = b->log,
		.idx = b->idx,
		.image = "host",
		.network = "none",
		.grace_ms = 400,
		.owner = b };
	if (script)
		strv_addl(&b->t.argv, "/bin/sh", "-c", script, NULL);
	if (type == &engine_dagger)
		for_dagger(b);
	strv_add(&b->t.env, "YOLO_VARIANT=it's a \"test\" $HOME");
	engine_defaults(&b->t.limits, 8);
	if (!report.limit_cpus)
		b->t.limits.cpus = 0;
}

static void start(struct bench *b)
{
	b->in_call = true;
	type->start(b->g, &b->t);
	b->in_call = false;
}

static void bench_close(struct bench *b)
{
	type->close(b->g);
	loop_free(b->loop);
	strv_release(&b->t.argv);
	strv_release(&b->t.env);
	strv_release(&b->t.mounts);
	char **all[] = { &b->dir, &b->log, &b->idx, &b->stop_at, &b->id_file };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(*all[i]);
}

/* Removes it twice: the second time there is nothing, and that is fine too. A daemon is asked once
 * more after it, so that the removal has reached it before we leave. */
static void finish(struct bench *b)
{
	for (int i = 0; i < 2; i++)
		type->remove(b->g, 7, b->t.variant, b->t.check, b->t.id);
	if ((type->caps & ENGINE_CONTAINER) && b->ended) {
		b->ended = 0;
		type->adopt(b->g, &b->t);
		run_loop(b);
	}
	bench_close(b);
}

static void text_of(struct bench *b, struct buf *out)
{
	struct err e = ERR_INIT;

	assert_int_equal(fs_read(b->log, 1 << 20, out, &e), 0);
}

static void expect_log(struct bench *b, const char *want)
{
	struct buf got = BUF_INIT;

	text_of(b, &got);
	assert_string_equal(got.p, want);
	buf_release(&got);
}

static bool log_has(struct bench *b, const char *word)
{
	struct buf got = BUF_INIT;

	text_of(b, &got);
	bool has = strstr(got.p, word) != NULL;
	buf_release(&got);
	return has;
}

static void expect_end(struct bench *b, enum engine_cause cause, int code, const char *words)
{
	if (b->end.cause != cause || b->end.exit != code || !strstr(b->end.reason, words)) {
		struct buf got = BUF_INIT;
		text_of(b, &got);
		fail_msg(
			"%s/%s: cause %d exit %d \"%s\", wanted cause %d exit %d \"%s\"; log: %.300s",
			type->name, b->t.variant, b->end.cause, b->end.exit, b->end.reason, cause,
			code, words, got.p);
	}
	assert_int_equal(b->ended, 1);
}

static void tick(void *ctx)
{
	struct bench *b = ctx;

	b->poll = NULL;
	if (log_has(b, b->stop_at)) {
		loop_stop(b->loop, 0);
		return;
	}
	b->poll = loop_after(b->loop, 5, tick, b);
}

/* Runs the loop until the log holds a word (or the task ended, which fails). */
static void until_log(struct bench *b, const char *word)
{
	xreplace(&b->stop_at, word);
	b->poll = loop_after(b->loop, 0, tick, b);
	run_loop(b);
	assert_true(log_has(b, word));
	if (b->poll)
		loop_cancel(b->poll);
	b->poll = NULL;
}

/* ---- the suite over every row ---- */

static void probed(void *ctx, const struct engine_report *r)
{
	struct bench *b = ctx;

	report = *r;
	loop_stop(b->loop, 0);
}

static int setup(void **state)
{
	struct err e;
	const struct asset *a = asset_find("runner");

	strcpy(dir, "/tmp/yolo-engine-XXXXXX");
	if (!mkdtemp(dir) || !a)
		return -1;
	snprintf(runner, sizeof runner, "%s/runner", dir);
	return fs_create(runner, 0755, a->data, a->len, &e);
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;
	int rc = fs_remove_tree(dir, "runner", &e);

	if (rc)
		printf("%s\n", e.msg);
	return rc;
}

static bool present(void)
{
	struct bench b;
	char made[64] = "/tmp/yolo-probe-XXXXXX";
	struct err e;

	/* a place for the probe alone */
	assert_non_null(mkdtemp(made));
	snprintf(dir, sizeof dir, "%s", made);
	snprintf(runner, sizeof runner, "%s/runner", made);
	const struct asset *a = asset_find("runner");
	assert_int_equal(fs_create(runner, 0755, a->data, a->len, &e), 0);
	bench_open(&b);
	int64_t t0 = clock_mono_ms();
	type->probe(b.g, probed, &b);
	run_loop(&b);
	int64_t took = clock_mono_ms() - t0;
	bench_close(&b);
	fs_remove_tree(made, "runner", &e);
	if (took > 20000)
		fail_msg("%s: the probe took %lld ms", type->name, (long long)took);
	return report.ok;
}

static int run_rows(const char *only, const struct CMUnitTest *tests, size_t n)
{
	int failed = 0;

	for (size_t i = 0; engine_table[i]; i++) {
		type = engine_table[i];
		if (only && strcmp(only, type->name))
			continue;
		if (type == &engine_dagger && !getenv("YOLO_TEST_IMAGE")) {
			printf("skipped: engine dagger: tests/engine/dagger.sh runs it\n");
			continue;
		}
		if (!present()) {
			printf("skipped: engine %s as uid %d: %s\n", type->name, (int)geteuid(),
				report.why);
			continue;
		}
		printf("engine %s as uid %d: %s; limits: memory %d, pids %d, cpus %d\n", type->name,
			(int)geteuid(), report.why, report.limit_memory, report.limit_pids,
			report.limit_cpus);
		fflush(stdout);
		failed += _cmocka_run_group_tests(type->name, tests, n, setup, teardown);
	}
	return failed;
}

/* A copy where everyone may enter: the project may stand in a home directory that is shut. */
static int as_ordinary_user(char **argv)
{
	char *setpriv = child_which("setpriv", NULL), made[] = "/tmp/yolo-copy-XXXXXX", *copy;
	struct buf self = BUF_INIT;
	struct child c;
	struct err e = ERR_INIT;
	int code = 1;

	if (!setpriv) {
		printf("skipped: the engines as an ordinary user (no setpriv)\n");
		return 0;
	}
	if (!mkdtemp(made) || chmod(made, 0755) < 0)
		return 1;
	copy = fs_join(made, fs_basename(argv[0]));
	struct child_spec s = CHILD_SPEC_INIT;
	s.argv = (const char *const[]){ setpriv, "--reuid", "65531", "--regid", "65531",
		"--clear-groups", copy, argv[1], NULL };
	s.cwd = "/";
	s.out = s.err = CHILD_INHERIT;
	fflush(stdout);
	if (fs_read("/proc/self/exe", 256 << 20, &self, &e) ||
		fs_create(copy, 0755, self.p, self.len, &e) || child_start(&c, &s, &e) < 0 ||
		child_wait(&c, 4 * UNIT_DEADLINE, &code) != 1)
		printf("as an ordinary user: %s\n", e.msg);
	unlink(copy);
	rmdir(made);
	buf_release(&self);
	free(copy);
	free(setpriv);
	return code;
}

#endif
