/* dagger.c - the row of the dagger engine. It is not built in yet: every question is answered with that sentence, so that `auto`
 * goes on to the next row and a race that names it is refused. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "engine/engine.h"

static const char why[] = "the dagger engine is not built in yet; choose docker or local, or leave "
			  "the choice to auto";

struct dagger {
	struct engine engine;
	struct engine_ctx c;
};

/* One answer on its way: the loop gives it, because nothing is answered from inside the call. */
struct answer {
	struct dagger *d;
	engine_probe_fn probe;
	engine_done_fn done;
	void *ctx;
	struct engine_task *t;
};

static void give(void *ctx)
{
	struct answer *a = ctx;
	const struct engine_events *ev = a->d->c.ev;

	if (a->probe) {
		struct engine_report r = { .code = "no_dagger", .isolation = "container" };
		snprintf(r.why, sizeof r.why, "%s", why);
		a->probe(a->ctx, &r);
	} else if (a->done) {
		struct err e;
		err_set(&e, "no_dagger", "%s", why);
		a->done(a->ctx, &e);
	} else {
		struct engine_end end = { .cause = ENGINE_NOT_STARTED, .exit = -1 };
		snprintf(end.reason, sizeof end.reason, "%s", why);
		ev->ended(ev->ctx, a->t, &end);
	}
	free(a);
}

static void answer(struct engine *g, struct answer with)
{
	struct answer *a = xmalloc(sizeof *a);

	*a = with;
	a->d = (struct dagger *)g;
	loop_after(a->d->c.loop, 0, give, a);
}

static struct engine *dagger_open(const struct engine_ctx *c, struct err *e)
{
	struct dagger *d = xcalloc(1, sizeof *d);

	d->engine.type = &engine_dagger;
	d->c = *c;
	return &d->engine;
}

static void dagger_close(struct engine *g)
{
	free(g);
}

static void dagger_probe(struct engine *g, engine_probe_fn fn, void *ctx)
{
	answer(g, (struct answer){ .probe = fn, .ctx = ctx });
}

static void dagger_prepare(struct engine *g, struct spec *s, const char *from, engine_done_fn fn, void *ctx)
{
	answer(g, (struct answer){ .done = fn, .ctx = ctx });
}

static void dagger_start(struct engine *g, struct engine_task *t)
{
	answer(g, (struct answer){ .t = t });
}

static void dagger_stop(struct engine *g, struct engine_task *t)
{
}

static void dagger_remove(
	struct engine *g, int race, const char *variant, bool check, const char *id)
{
}

static int dagger_exec(struct engine *g, const struct engine_task *t, const char *const *cmd,
	bool tty, struct strv *out, struct err *e)
{
	return err_set(e, "no_dagger", "%s", why);
}

static void dagger_sample(
	struct engine *g, const struct engine_task *t, int64_t *cpu_ns, int64_t *memory)
{
	*cpu_ns = *memory = -1;
}

static void dagger_owner(struct engine *g, int *uid, int *gid)
{
	*uid = *gid = -1;
}

const struct engine_type engine_dagger = {
	.name = "dagger",
	.help = "containers of a Dagger engine, through a Go pipeline (not built in yet)",
	.container = true,
	.in_auto = true,
	.open = dagger_open,
	.close = dagger_close,
	.probe = dagger_probe,
	.prepare = dagger_prepare,
	.start = dagger_start,
	.stop = dagger_stop,
	.adopt = dagger_start,
	.remove = dagger_remove,
	.exec_argv = dagger_exec,
	.sample = dagger_sample,
	.owner = dagger_owner,
};
