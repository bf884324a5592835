/* docker_rig.c - included by the docker engine's tests: a loop, an engine, tasks in a directory of
 * their own, and what was told. */
#pragma GCC diagnostic ignored "-Wunused-function" /* each test uses some of it */

#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/asset.h"
#include "base/child.h"
#include "engine/docker.h"

enum { RIG_TASKS = 40 };

struct rig_task {
	struct engine_task t;
	char *dir, *log, *idx, name[32], note[256], noted[4096]; /* the newest, and all of them */
	int started, ended, notes;
	int64_t asked_ns, started_ns;
	struct engine_end end;
};

struct rig {
	char dir[64], repo[17], runner[96];
	struct loop *l;
	struct engine *g;
	struct engine_events ev;
	struct rig_task task[RIG_TASKS];
	size_t n;
	int away, back, probes, prepared;
	char why[1024], next[256];
	struct engine_report report;
	struct err prepare_err;
	bool timeout;
	int patience; /* deadlines that a wait takes, 0 = one */
	bool (*until)(struct rig *r);
};

static void rig_check(struct rig *r)
{
	if (r->until && r->until(r))
		loop_stop(r->l, 0);
}

static void rig_started(void *ctx, struct engine_task *t)
{
	struct rig_task *k = t->owner;
	k->started++;
	k->started_ns = clock_mono_ns();
	rig_check(ctx);
}

static void rig_ended(void *ctx, struct engine_task *t, const struct engine_end *end)
{
	struct rig_task *k = t->owner;
	k->ended++;
	k->end = *end;
	rig_check(ctx);
}

static void rig_note(void *ctx, struct engine_task *t, const char *text)
{
	struct rig_task *k = t->owner;
	k->notes++;
	snprintf(k->note, sizeof(k->note), "%s", text);
	size_t had = strlen(k->noted);
	snprintf(k->noted + had, sizeof(k->noted) - had, "%s\n", text);
	rig_check(ctx);
}

static void rig_away(void *ctx, const char *why, const char *next)
{
	struct rig *r = ctx;
	if (why) {
		r->away++;
		snprintf(r->why, sizeof(r->why), "%s", why);
		snprintf(r->next, sizeof(r->next), "%s", next);
	} else {
		r->back++;
	}
	rig_check(r);
}

static void rig_probed(void *ctx, const struct engine_report *rep)
{
	struct rig *r = ctx;
	r->probes++;
	r->report = *rep;
	rig_check(r);
}

static void rig_prepared(void *ctx, const struct err *e)
{
	struct rig *r = ctx;
	r->prepared++;
	r->prepare_err = *e;
	rig_check(r);
}

static void rig_engine(struct rig *r)
{
	struct err e = ERR_INIT;
	r->l = loop_new(&e);
	r->ev = (struct engine_events){ rig_started, rig_ended, rig_note, rig_away, r };
	struct engine_ctx c = { .loop = r->l,
		.ev = &r->ev,
		.state_dir = r->dir,
		.repo_id = r->repo,
		.runner = r->runner };
	r->g = engine_docker.open(&c, &e);
	assert_non_null(r->g);
}

static void rig_close(struct rig *r)
{
	if (r->g)
		engine_docker.close(r->g);
	loop_free(r->l);
	r->g = NULL;
	r->l = NULL;
}

static struct rig *rig_new(void)
{
	struct rig *r = xcalloc(1, sizeof(*r));
	struct err e = ERR_INIT;
	const struct asset *a = asset_find("runner");
	unsigned char id[8];
	snprintf(r->dir, sizeof(r->dir), "/tmp/yolo-docker-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	fs_random(id, sizeof(id));
	for (int i = 0; i < 8; i++)
		snprintf(r->repo + 2 * i, 3, "%02x", id[i]);
	snprintf(r->runner, sizeof(r->runner), "%s/run", r->dir);
	assert_non_null(a);
	assert_int_equal(fs_create(r->runner, 0755, a->data, a->len, &e), 0);
	assert_int_equal(chmod(r->runner, 0755), 0);
	rig_engine(r);
	return r;
}

static void rig_free(struct rig *r)
{
	struct err e = ERR_INIT;
	rig_close(r);
	for (size_t i = 0; i < r->n; i++) {
		free(r->task[i].dir);
		free(r->task[i].log);
		free(r->task[i].idx);
		strv_release(&r->task[i].t.argv);
		strv_release(&r->task[i].t.env);
		strv_release(&r->task[i].t.mounts);
	}
	assert_int_equal(fs_remove_tree(r->dir, "run", &e), 0);
	free(r);
}

static void rig_over(void *ctx)
{
	struct rig *r = ctx;
	r->timeout = true;
	loop_stop(r->l, 1);
}

static void rig_tick(void *ctx)
{
	struct rig *r = ctx;
	rig_check(r);
	if (r->until)
		loop_after(r->l, 5, rig_tick, r);
}

/* Runs the loop until cond holds; fails the test at the deadline. */
static void rig_run_until(struct rig *r, bool (*cond)(struct rig *), const char *what)
{
	if (cond(r))
		return;
	r->until = cond;
	r->timeout = false;
	struct loop_timer *t =
		loop_after(r->l, UNIT_DEADLINE * (r->patience ? r->patience : 1), rig_over, r);
	loop_after(r->l, 5, rig_tick, r);
	loop_run(r->l);
	r->until = NULL;
	for (size_t i = 0; r->timeout && i < r->n; i++)
		print_error("%s: started %d, ended %d (%s), note \"%s\"\n", r->task[i].name,
			r->task[i].started, r->task[i].ended, r->task[i].end.reason,
			r->task[i].note);
	if (r->timeout)
		fail_msg("it does not come: %s", what);
	loop_cancel(t);
}

static void rig_run_for(struct rig *r, int ms)
{
	r->until = NULL;
	loop_after(r->l, ms, rig_over, r);
	loop_run(r->l);
}

/* A task that runs `script` by /bin/sh in image "host"; not started yet. */
static struct rig_task *rig_task(struct rig *r, const char *name, const char *script)
{
	static const char *const subs[] = { "work", "home", "tmp" };
	struct rig_task *k = &r->task[r->n++];
	struct err e = ERR_INIT;
	assert_true(r->n <= RIG_TASKS);
	snprintf(k->name, sizeof(k->name), "%s", name);
	k->dir = xasprintf("%s/%s", r->dir, name);
	k->log = xasprintf("%s/log", k->dir);
	k->idx = xasprintf("%s/log.idx", k->dir);
	assert_int_equal(mkdir(k->dir, 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(subs); i++) {
		char *p = fs_join(k->dir, subs[i]);
		assert_int_equal(mkdir(p, 0700), 0);
		if (getuid() == 0)
			assert_int_equal(chown(p, DOCKER_NOBODY, DOCKER_NOBODY), 0);
		free(p);
	}
	assert_int_equal(fs_create(k->log, 0600, "", 0, &e), 0);
	assert_int_equal(fs_create(k->idx, 0600, "", 0, &e), 0);
	k->t = (struct engine_task){ .race = 7,
		.variant = k->name,
		.repo_id = r->repo,
		.dir = k->dir,
		.log = k->log,
		.idx = k->idx,
		.image = "host",
		.network = "none",
		.grace_ms = 2000,
		.owner = k };
	k->t.limits = (struct limits){ .memory = 256 << 20, .pids = 64, .log = 64 << 20 };
	strv_addl(&k->t.argv, "/bin/sh", "-c", script, NULL);
	return k;
}

static void rig_start(struct rig *r, struct rig_task *k)
{
	k->asked_ns = clock_mono_ns();
	engine_docker.start(r->g, &k->t);
	assert_int_equal(k->started + k->ended, 0); /* never from inside the call */
}

static bool rig_all_started(struct rig *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->task[i].started && !r->task[i].ended)
			return false;
	return true;
}

static bool rig_all_ended(struct rig *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->task[i].ended)
			return false;
	return true;
}

static bool rig_is_probed(struct rig *r)
{
	return r->probes > 0;
}

static bool rig_is_prepared(struct rig *r)
{
	return r->prepared > 0;
}

static bool rig_is_away(struct rig *r)
{
	return r->away > 0;
}

static bool rig_is_back(struct rig *r)
{
	return r->back > 0;
}

static bool rig_removed(struct rig *r)
{
	return !((struct docker *)r->g)->removes;
}

static char *rig_log(const struct rig_task *k)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(fs_read(k->log, 64 << 20, &b, &e), 0);
	return buf_take(&b);
}

static void rig_probe(struct rig *r)
{
	r->probes = 0;
	engine_docker.probe(r->g, rig_probed, r);
	assert_int_equal(r->probes, 0);
	rig_run_until(r, rig_is_probed, "the probe's answer");
}

static void rig_prepare(struct rig *r, const char *image)
{
	struct spec s = { .image = (char *)image };
	r->prepared = 0;
	engine_docker.prepare(r->g, &s, "", rig_prepared, r);
	assert_int_equal(r->prepared, 0);
	rig_run_until(r, rig_is_prepared, "the images");
}

/* By each task's id or name; then nothing of ours is left. */
static void rig_remove_all(struct rig *r)
{
	for (size_t i = 0; i < r->n; i++)
		engine_docker.remove(
			r->g, 7, r->task[i].t.variant, r->task[i].t.check, r->task[i].t.id);
	rig_run_until(r, rig_removed, "the removal");
}

/* The Docker command line, as a second opinion. Returns its output, trimmed; the caller frees. */
static char *rig_cli(const char *const *args, int *code)
{
	struct strv argv = STRV_INIT;
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result res;
	struct err e = ERR_INIT;
	strv_add(&argv, "docker");
	strv_addv(&argv, args);
	s.argv = strv_argv(&argv);
	assert_int_equal(child_run(&s, NULL, 0, 1 << 20, UNIT_DEADLINE, &res, &e), 0);
	if (code)
		*code = res.code;
	buf_trim(&res.out);
	char *out = xstrdup(res.out.p);
	child_result_release(&res);
	strv_release(&argv);
	return out;
}
#define CLI(code, ...) rig_cli((const char *const[]){ __VA_ARGS__, NULL }, code)

/* Containers of the rig's repository, running or not. */
static int rig_containers(const struct rig *r)
{
	char *filter = xasprintf("label=yolodeck.repo=%s", r->repo),
	     *out = CLI(NULL, "ps", "-aq", "--filter", filter);
	int n = *out != 0;
	for (const char *p = out; *p; p++)
		n += *p == '\n';
	free(filter);
	free(out);
	return n;
}
