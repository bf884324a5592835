/* dagger_prepare.c - one task made ready in a worker: program, image, task file. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/dagger_prepare.h"
#include "engine/dagger_program.h"
#include "engine/image_save.h"
#include "model/pipeline.h"

enum { TASK_MAX = 4 << 20, DAGGER_UID = 65532 };

struct dagger_prepare {
	dagger_prepare_fn fn; /* NULL = nobody waits any more */
	void *ctx;
	char *cache, *pinned, *image, *file, *binary;
	struct json *task;
	struct err e;
};

static void prepare_free(struct dagger_prepare *r)
{
	json_free(r->task);
	free(r->cache);
	free(r->pinned);
	free(r->image);
	free(r->file);
	free(r->binary);
	free(r);
}

static int build(struct dagger_prepare *r)
{
	struct pipeline_files files = { NULL, 0 };
	int rc = pipeline_read(r->pinned, &files, &r->e);

	if (!rc)
		rc = pipeline_build(r->cache, &files, &r->binary, &r->e);
	pipeline_files_release(&files);
	return rc;
}

/* A name that the local Docker knows is what the docker engine would take too: the same bytes are
 * handed over. */
static int image(struct dagger_prepare *r)
{
	static const char *const kinds[] = { "tar", "build" };
	struct json *j = json_object();
	char *tar = NULL;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i]);
		if (!strncmp(r->image, kinds[i], n) && r->image[n] == ':' && r->image[n + 1] == '/')
			json_put_str(j, kinds[i], r->image + n + 1);
	}
	if (!json_size(j)) {
		rc = image_save(r->image, r->cache, &tar, &r->e);
		if (rc == 0)
			json_put_str(j, "tar", tar);
		else if (rc > 0)
			json_put_str(j, "ref", r->image);
	}
	json_put(r->task, "image", j);
	free(tar);
	return rc < 0 ? -1 : 0;
}

static void work(void *arg)
{
	struct dagger_prepare *r = arg;
	struct buf b = BUF_INIT;

	if (build(r) || image(r))
		return;
	json_print(r->task, &b);
	buf_char(&b, '\n');
	fs_replace(r->file, b.p, b.len, &r->e);
	buf_release(&b);
}

static void done(void *arg)
{
	struct dagger_prepare *r = arg;

	if (r->fn)
		r->fn(r->ctx, r->binary, &r->e);
	else
		free(r->binary);
	r->binary = NULL;
	prepare_free(r);
}

/* ---- the task file ---- */

static void nonce(char out[17])
{
	unsigned char b[8];

	fs_random(b, sizeof b);
	for (size_t i = 0; i < sizeof b; i++)
		snprintf(out + 2 * i, 3, "%02x", b[i]);
}

/* The check works in the volumes of the command, so it has the command's nonce. */
static void set_nonce(const struct engine_task *t, struct json *j)
{
	char fresh[17], *of = fs_join(t->dir, "task.json");
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	struct json *old =
		t->check && !fs_read(of, TASK_MAX, &b, &e) ? json_parse(b.p, b.len, &e) : NULL;

	nonce(fresh);
	json_put_str(j, "nonce", json_str(old, "nonce", fresh));
	json_free(old);
	buf_release(&b);
	free(of);
}

static struct json *task_json(const struct engine_task *t, const char *id)
{
	struct json *j = json_object();

	json_put_int(j, "v", 1);
	json_put_str(j, "id", id);
	json_put_str(j, "variant", t->variant);
	json_put_bool(j, "check", t->check);
	set_nonce(t, j);
	json_put_str(j, "dir", t->dir);
	json_put_str(j, "src", t->template_tree ? t->template_tree : "");
	json_put_str(j, "base_store", t->base_store ? t->base_store : "");
	json_put_str(j, "log", t->log);
	json_put_str(j, "idx", t->idx);
	json_put_strv(j, "argv", &t->argv);
	if (t->setup)
		json_put_str(j, "setup", t->setup);
	json_put_strv(j, "env", &t->env);
	json_put_int(j, "uid", DAGGER_UID);
	json_put_int(j, "gid", DAGGER_UID);
	json_put_int(j, "memory", t->limits.memory);
	json_put_int(j, "pids", t->limits.pids);
	json_put_int(j, "time_ms", t->limits.time_ms);
	json_put_int(j, "log_cap", t->limits.log);
	json_put_int(j, "grace_ms", t->grace_ms);
	return j;
}

struct dagger_prepare *dagger_prepare_start(const struct engine_ctx *c, const struct engine_task *t,
	const char *id, const char *file, dagger_prepare_fn fn, void *ctx)
{
	struct dagger_prepare *r = xcalloc(1, sizeof *r);

	r->fn = fn;
	r->ctx = ctx;
	r->cache = dagger_program_cache(c->state_dir);
	r->pinned = xstrdup(t->prepared ? t->prepared : "");
	r->image = xstrdup(t->image);
	r->file = xstrdup(file);
	r->task = task_json(t, id);
	pool_post_serial(loop_pool(c->loop), "dagger", work, done, r);
	return r;
}

void dagger_prepare_cancel(struct dagger_prepare *r)
{
	if (r)
		r->fn = NULL;
}
