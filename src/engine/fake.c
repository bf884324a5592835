/* fake.c - for tests only: the runner as a process of ours, straight in work/ on this machine, with
 * no isolation at all. It has the same identity and the same life as local, so what the tests learn
 * of the conductor holds for real engines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/proc.h"

struct fake {
	struct engine engine;
	struct engine_ctx c;
	struct proc_set set;
};

struct fake_task {
	struct proc p;
	struct child c;
	bool ours; /* our child: to be collected */
};

static void reap(struct fake_task *f)
{
	int code;

	/* the runner has written its record and is ending: a wait is short */
	if (f->ours && child_reap(&f->c, &code) == 0)
		child_wait(&f->c, 1000, &code);
	f->ours = false;
}

static void fake_ending(struct proc_set *set, struct proc *p, struct engine_end *end)
{
	reap((struct fake_task *)p);
}

static struct engine *fake_open(const struct engine_ctx *c, struct err *e)
{
	struct fake *g = xcalloc(1, sizeof *g);

	g->engine.type = &engine_fake;
	g->c = *c;
	g->set = (struct proc_set){ .c = &g->c, .ending = fake_ending };
	return &g->engine;
}

static void fake_close(struct engine *e)
{
	struct fake *g = (struct fake *)e;

	for (struct proc *p = g->set.first; p; p = p->next) {
		struct fake_task *f = (struct fake_task *)p;
		if (f->ours)
			close(f->c.pidfd);
	}
	proc_set_release(&g->set);
	free(g);
}

struct question {
	engine_probe_fn probe;
	engine_done_fn done;
	void *ctx;
};

static void answer(void *ctx)
{
	struct question *q = ctx;
	const char *allowed = getenv("YOLODECK_FAKE");
	struct err e = ERR_INIT;
	struct engine_report r = {
		.ok = allowed && !strcmp(allowed, "1"), .isolation = "none", .limit_pids = false
	};

	if (!r.ok) {
		snprintf(r.code, sizeof r.code, "test_only");
		snprintf(r.why, sizeof r.why,
			"the fake engine runs commands with no isolation; it is for tests and "
			"needs YOLODECK_FAKE=1");
		err_set(&e, r.code, "%s", r.why);
	} else {
		snprintf(r.why, sizeof r.why,
			"tests only: commands run on this machine with no isolation");
		snprintf(r.warn, sizeof r.warn, "no isolation");
	}
	if (q->probe)
		q->probe(q->ctx, &r);
	else
		q->done(q->ctx, &e);
	free(q);
}

static void ask(struct engine *g, struct question with)
{
	struct question *q = xmalloc(sizeof *q);

	*q = with;
	loop_after(((struct fake *)g)->c.loop, 0, answer, q);
}

static void fake_probe(struct engine *g, engine_probe_fn fn, void *ctx)
{
	ask(g, (struct question){ .probe = fn, .ctx = ctx });
}

static void fake_prepare(
	struct engine *g, struct spec *s, const char *from, engine_done_fn fn, void *ctx)
{
	ask(g, (struct question){ .done = fn, .ctx = ctx });
}

/* What the command finds in its environment; the engine knows HOME, PATH and TMPDIR. */
static void environment(const struct engine_task *t, struct strv *env)
{
	const char *path = getenv("PATH");

	strv_copy(env, &t->env);
	strv_fmt(env, "HOME=%s/home", t->dir);
	strv_fmt(env, "TMPDIR=%s/tmp", t->dir);
	strv_fmt(env, "PATH=%s", path ? path : "/usr/bin:/bin");
}

static void spawn_runner(struct fake *g, struct fake_task *f)
{
	struct engine_task *t = f->p.t;
	struct strv argv = STRV_INIT, env = STRV_INIT;
	struct err e = ERR_INIT;
	char *work = fs_join(t->dir, "work");
	int fd[2];

	if (proc_open_log(t, fd, &e) == 0) {
		strv_add(&argv, g->c.runner);
		strv_addl(&argv, "--log", NULL);
		strv_fmt(&argv, "fd:%d", fd[0]);
		strv_add(&argv, "--idx");
		strv_fmt(&argv, "fd:%d", fd[1]);
		proc_runner_args(t, &argv);
		strv_add(&argv, "--");
		strv_addv(&argv, strv_argv((struct strv *)&t->argv));
		environment(t, &env);
		struct child_spec s = CHILD_SPEC_INIT;
		s.argv = strv_argv(&argv);
		s.env = strv_argv(&env);
		s.cwd = work;
		s.pass = fd;
		s.npass = 2;
		s.new_session = true;
		f->ours = child_start(&f->c, &s, &e) == 0;
		close(fd[0]);
		close(fd[1]);
	}
	if (!f->ours)
		proc_fail(&f->p, ENGINE_NOT_STARTED, e.msg);
	strv_release(&argv);
	strv_release(&env);
	free(work);
}

static void begin(void *ctx)
{
	struct fake_task *f = ctx;

	f->p.soon = NULL;
	proc_follow(&f->p, &f->c.id, true);
}

static void fake_start(struct engine *e, struct engine_task *t)
{
	struct fake *g = (struct fake *)e;
	struct fake_task *f = (struct fake_task *)proc_new(&g->set, t, sizeof *f);

	spawn_runner(g, f);
	if (f->ours)
		f->p.soon = loop_after(g->c.loop, 0, begin, f);
}

static void fake_stop(struct engine *e, struct engine_task *t)
{
	if (t->priv)
		proc_stop(t->priv);
}

static void fake_adopt(struct engine *e, struct engine_task *t)
{
	struct fake *g = (struct fake *)e;
	struct proc *p = proc_new(&g->set, t, sizeof(struct fake_task));
	struct child_id id;

	if (*t->id && watch_parse(t->id, &id) == 0)
		proc_follow(p, &id, false);
	else
		proc_find(p, proc_by_tag);
}

static void fake_remove(struct engine *e, int race, const char *variant, bool check, const char *id)
{
	proc_kill_left(id);
}

static int fake_exec(struct engine *e, const struct engine_task *t, const char *const *cmd,
	bool tty, struct strv *out, struct err *err)
{
	struct strv env = STRV_INIT;

	environment(t, &env);
	strv_addl(out, "env", "-i", "-C", NULL);
	strv_fmt(out, "%s/work", t->dir);
	strv_addv(out, strv_argv(&env));
	strv_addv(out, cmd);
	strv_release(&env);
	return 0;
}

static void fake_sample(
	struct engine *e, const struct engine_task *t, int64_t *cpu_ns, int64_t *memory)
{
	*cpu_ns = *memory = -1;
}

static void fake_owner(struct engine *e, int *uid, int *gid)
{
	*uid = *gid = -1;
}

const struct engine_type engine_fake = {
	.name = "fake",
	.help = "tests only: no isolation, needs YOLODECK_FAKE=1",
	.caps = ENGINE_TEST_ONLY,
	.open = fake_open,
	.close = fake_close,
	.probe = fake_probe,
	.prepare = fake_prepare,
	.start = fake_start,
	.stop = fake_stop,
	.adopt = fake_adopt,
	.remove = fake_remove,
	.exec_argv = fake_exec,
	.sample = fake_sample,
	.owner = fake_owner,
};
