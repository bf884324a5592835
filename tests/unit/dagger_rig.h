/* dagger_rig.h - what the tests of the dagger engine's C side share: one engine on a loop, one
 * task, and a fake pipeline (dagger_fake.c) put where the build would have put it, so neither Go
 * nor Dagger is needed. */
#ifndef DAGGER_RIG_H
#define DAGGER_RIG_H

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "dagger_fake.c"
#include "engine/engine.h"
#include "model/pipeline.h"

static char top[64], *pinned;

struct rig {
	struct loop *loop;
	struct engine *g;
	struct engine_events ev;
	struct engine_ctx c;
	struct engine_task t;
	struct engine_end end;
	int started, ended;
	char notes[1000];
	char *dir, *log, *idx;
	struct loop_timer *late;
	bool leave;
};

static void on_started(void *ctx, struct engine_task *t)
{
	struct rig *r = ctx;

	r->started++;
	if (r->leave)
		loop_stop(r->loop, 0);
}

static void on_ended(void *ctx, struct engine_task *t, const struct engine_end *end)
{
	struct rig *r = ctx;

	r->ended++;
	r->end = *end;
	loop_stop(r->loop, 0);
}

static void on_note(void *ctx, struct engine_task *t, const char *text)
{
	struct rig *r = ctx;
	size_t n = strlen(r->notes);

	snprintf(r->notes + n, sizeof r->notes - n, "[%s]", text);
}

static void on_away(void *ctx, const char *why, const char *next)
{
}

static void too_late(void *ctx)
{
	struct rig *r = ctx;

	r->late = NULL;
	loop_stop(r->loop, 99);
}

static void run(struct rig *r)
{
	r->late = loop_after(r->loop, UNIT_DEADLINE, too_late, r);
	if (loop_run(r->loop) == 99)
		fail_msg("nothing came; notes: %s", r->notes);
	if (r->late)
		loop_cancel(r->late);
	r->late = NULL;
}

static void rig_open(struct rig *r)
{
	struct err e = ERR_INIT;

	r->loop = loop_new(&e);
	r->ev = (struct engine_events){ on_started, on_ended, on_note, on_away, r };
	r->c = (struct engine_ctx){ r->loop, &r->ev, top, "0123456789abcdef",
		"/nonexistent/runner" };
	r->g = engine_dagger.open(&r->c, &e);
	assert_non_null(r->g);
}

static void rig_close(struct rig *r)
{
	engine_dagger.close(r->g);
	loop_free(r->loop);
}

/* The directory and files of a variant, as the conductor makes them. */
static void rig_dir(struct rig *r, int race, const char *variant)
{
	struct err e;

	free(r->dir);
	free(r->log);
	free(r->idx);
	r->dir = xasprintf("%s/races/%d/%s", top, race, variant);
	r->log = fs_join(r->dir, "log");
	r->idx = fs_join(r->dir, "log.idx");
	assert_int_equal(fs_mkdirs(r->dir, 0700, &e), 0);
	assert_int_equal(fs_create(r->log, 0600, "", 0, &e), 0);
	assert_int_equal(fs_create(r->idx, 0600, "", 0, &e), 0);
	r->t.race = race;
	r->t.variant = variant;
	r->t.dir = r->dir;
	r->t.log = r->log;
	r->t.idx = r->idx;
}

static void rig_task(
	struct rig *r, int race, const char *variant, const char *word, const char *second)
{
	memset(r, 0, sizeof *r);
	rig_open(r);
	rig_dir(r, race, variant);
	r->t = (struct engine_task){ .race = race,
		.variant = variant,
		.repo_id = "0123456789abcdef",
		.dir = r->dir,
		.log = r->log,
		.idx = r->idx,
		.image = "tar:/x.tar",
		.prepared = pinned,
		.template_tree = "/src",
		.runner = "",
		.network = "bridge",
		.grace_ms = 400 };
	strv_add(&r->t.argv, word);
	if (second)
		strv_add(&r->t.argv, second);
}

static void rig_done(struct rig *r)
{
	rig_close(r);
	strv_release(&r->t.argv);
	strv_release(&r->t.env);
	free(r->dir);
	free(r->log);
	free(r->idx);
}

static void expect(struct rig *r, enum engine_cause cause, int code, const char *words)
{
	assert_int_equal(r->ended, 1);
	if (r->end.cause != cause || r->end.exit != code || !strstr(r->end.reason, words))
		fail_msg("cause %d exit %d \"%s\", wanted cause %d exit %d \"%s\"", r->end.cause,
			r->end.exit, r->end.reason, cause, code, words);
}

static int pipes(int race)
{
	int n = 0;

	for (;; n++) {
		char path[128];
		snprintf(path, sizeof path, "%s/races/%d/pipe/%d", top, race, n);
		if (!fs_exists(path))
			return n;
	}
}

/* A pinned source, and the fake where its build would stand. */
static int setup(void **state)
{
	struct err e = ERR_INIT;
	struct pipeline_files files = { NULL, 0 };
	char self[256], hash[17], script[400], *dir, *program;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	strcpy(top, "/tmp/yolo-dagger-XXXXXX");
	if (n < 0 || !mkdtemp(top))
		return -1;
	self[n] = '\0';
	pinned = fs_join(top, "pipelines/src");
	dir = fs_join(top, "pipelines");
	if (fs_mkdirs(pinned, 0700, &e))
		return -1;
	program = fs_join(pinned, "main.go");
	int rc = fs_create(program, 0644, "package main\n", 13, &e) ||
		pipeline_read(pinned, &files, &e);
	free(program);
	pipeline_hash(&files, hash);
	pipeline_files_release(&files);
	snprintf(script, sizeof script, "#!/bin/sh\nexec %s \"$@\"\n", self);
	char *at = xasprintf("%s/%s", dir, hash);
	program = fs_join(at, "pipeline");
	rc = rc || fs_mkdirs(at, 0700, &e) || fs_create(program, 0755, script, strlen(script), &e);
	free(program);
	free(at);
	free(dir);
	if (rc)
		printf("%s\n", e.msg);
	return rc ? -1 : 0;
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;

	free(pinned);
	return fs_remove_tree(top, "races", &e);
}

#define RIG_MAIN(tests) \
	int main(int argc, char **argv) \
	{ \
		if (argc == 3 && !strcmp(argv[1], "run")) \
			return dagger_fake(argv[2]); \
		return cmocka_run_group_tests(tests, setup, teardown); \
	}

#endif
