/* engines.c - the opened engines; what they say is noted at the container. */
#include "conductor/engines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/asset.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/fnv1a64.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/board.h"
#include "conductor/variant_run.h"

enum { RETRY_MS = 5000 };

/* What the engine says is noted; settle follows it. */
static void on_started(void *ctx, struct engine_task *t)
{
	struct variant_run *run = t->owner;

	run->ct[t->check].started = true;
	mark_race(run->r);
}

static void on_ended(void *ctx, struct engine_task *t, const struct engine_end *end)
{
	struct variant_run *run = t->owner;
	struct container *ct = &run->ct[t->check];

	ct->held = false;
	ct->ended = true;
	ct->end = *end;
	mark_race(run->r);
}

static void on_note(void *ctx, struct engine_task *t, const char *text)
{
	struct variant_run *run = t->owner;

	xreplace(&run->v->note, text && *text ? text : NULL);
	mark_dirty(run);
}

static void on_away(void *ctx, const char *why, const char *next_step)
{
	struct engine_handle *h = ctx;

	if (why && !h->away)
		h->away_ns = clock_real_ns();
	else if (!why)
		h->away_ns = 0;
	if (why || h->away)
		diag(DIAG_WARN, "engine %s: %s", h->type->name, why ? why : "is back");
	xreplace(&h->away, why);
	xreplace(&h->next, why ? next_step : NULL);
	for (size_t i = 0; i < h->c->set.n; i++)
		if (h->c->race[i]->handle == h)
			mark_race(h->c->race[i]);
	engines_show(h);
}

void engines_show(struct engine_handle *h)
{
	h->c->engine_shown = h;
	board_engine(h->c);
}

static struct engine_handle *handle_of(struct conductor *c, const struct engine_type *t)
{
	struct engine_handle *h;

	for (size_t i = 0; i < c->nengine; i++)
		if (c->handle[i].type == t)
			return &c->handle[i];
	if (c->nengine == ENGINES_MAX)
		bug("more than %d engines", ENGINES_MAX);
	h = &c->handle[c->nengine++];
	h->c = c;
	h->type = t;
	h->ev = (struct engine_events){ on_started, on_ended, on_note, on_away, h };
	return h;
}

struct engine_handle *engines_open(struct conductor *c, const struct engine_type *t, struct err *e)
{
	struct engine_handle *h = handle_of(c, t);
	struct engine_ctx ctx = { c->loop, &h->ev, c->store.dir, c->store.id, c->runner };

	if (h->engine)
		return h;
	h->engine = t->open(&ctx, e);
	return h->engine ? h : NULL;
}

/* An engine could not be opened while variants of it are live: settle asks for it again. */
static void retry(void *ctx)
{
	struct conductor *c = ctx;

	c->retry_timer = NULL;
	for (size_t i = 0; i < c->set.n; i++)
		if (!c->race[i]->handle && race_live(c->race[i]->race))
			mark_race(c->race[i]);
}

struct engine_handle *engines_of(struct race_run *r)
{
	struct conductor *c = r->c;
	const struct engine_type *t;
	struct err e = ERR_INIT;

	if (r->handle)
		return r->handle;
	t = r->race->engine ? engine_find(r->race->engine) : NULL;
	if (t)
		r->handle = engines_open(c, t, &e);
	else
		err_set(&e, "no_engine", "this yolodeck has no engine \"%s\"",
			r->race->engine ? r->race->engine : "?");
	if (r->handle) {
		engines_set(r, r->handle);
		if (r->handle->away)
			on_away(r->handle, NULL, NULL);
		return r->handle;
	}
	if (c->retry_timer)
		return NULL;
	diag(DIAG_WARN, "race %d: %s", r->race->number, e.msg);
	if (t)
		on_away(handle_of(c, t), e.msg, NULL);
	c->retry_timer = loop_after(c->loop, RETRY_MS, retry, c);
	return NULL;
}

void engines_set(struct race_run *r, struct engine_handle *h)
{
	r->handle = h;
	if (h->type->owner)
		h->type->owner(h->engine, &r->uid, &r->gid);
}

void engines_remove(struct race_run *r, const struct variant *v)
{
	struct engine *g = r->handle->engine;

	if (v->engine_id)
		g->type->remove(g, v->race, v->name, false, v->engine_id);
	if (v->check_id)
		g->type->remove(g, v->race, v->name, true, v->check_id);
}

int engines_runner(struct conductor *c, struct err *e)
{
	const struct asset *a = asset_find("runner");
	struct stat st;
	char *tmp;
	int rc;

	if (!a)
		return err_set(e, "internal", "this yolodeck was built without its runner");
	c->runner = store_path(&c->store, "runner-%016llx",
		(unsigned long long)fnv1a64(FNV1A64_START, a->data, a->len));
	if (!lstat(c->runner, &st) && S_ISREG(st.st_mode) && (size_t)st.st_size == a->len &&
		(st.st_mode & 0777) == 0755)
		return 0;
	tmp = xasprintf("%s.new", c->runner);
	unlink(tmp);
	rc = fs_create(tmp, 0755, a->data, a->len, e);
	/* umask 077 is in force, the containers' users must read it */
	if (!rc && (chmod(tmp, 0755) || rename(tmp, c->runner)))
		rc = err_sys(e, "state", "cannot write %s", c->runner);
	free(tmp);
	return rc;
}
