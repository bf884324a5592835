/* engines.c - the opened engines, and the way of their events to the scheduler. */
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
#include "conductor/adopt.h"
#include "conductor/board.h"
#include "conductor/sample.h"
#include "conductor/sched.h"

enum { RETRY_MS = 5000 };

static void on_started(void *ctx, struct engine_task *t)
{
	sched_started(t->owner, t->check);
}

static void on_ended(void *ctx, struct engine_task *t, const struct engine_end *end)
{
	sched_ended(t->owner, t->check, end);
}

static void on_note(void *ctx, struct engine_task *t, const char *text)
{
	struct variant_run *vr = t->owner;

	xreplace(&vr->v->note, text && *text ? text : NULL);
	board_touch(vr);
}

static void on_away(void *ctx, const char *why, const char *next_step)
{
	struct engine_handle *s = ctx;

	if (why && !s->away)
		s->away_ns = clock_real_ns();
	else if (!why)
		s->away_ns = 0;
	if (why || s->away)
		diag(DIAG_WARN, "engine %s: %s", s->type->name, why ? why : "is back");
	xreplace(&s->away, why);
	xreplace(&s->next, why ? next_step : NULL);
	for (size_t i = 0; i < s->c->set.n; i++)
		for (size_t k = 0; s->c->race[i]->slot == s && k < s->c->race[i]->race->n; k++)
			attention_update(&s->c->race[i]->v[k]);
	engines_show(s);
}

void engines_show(struct engine_handle *s)
{
	s->c->engine_shown = s;
	board_engine(s->c);
}

static struct engine_handle *new_slot(struct conductor *c, const struct engine_type *t)
{
	struct engine_handle *s;

	for (size_t i = 0; i < c->nslot; i++)
		if (c->slot[i].type == t)
			return &c->slot[i];
	if (c->nslot == SLOTS_MAX)
		bug("more than %d engines", SLOTS_MAX);
	s = &c->slot[c->nslot++];
	s->c = c;
	s->type = t;
	s->ev = (struct engine_events){ on_started, on_ended, on_note, on_away, s };
	return s;
}

struct engine_handle *engines_open(struct conductor *c, const struct engine_type *t, struct err *e)
{
	struct engine_handle *s = new_slot(c, t);
	struct engine_ctx ctx = { c->loop, &s->ev, c->store.dir, c->store.id, c->runner };

	if (s->g)
		return s;
	s->g = t->open(&ctx, e);
	return s->g ? s : NULL;
}

/* An engine that could not be opened while variants of it are live. */
static void retry(void *ctx)
{
	struct conductor *c = ctx;

	c->retry_timer = NULL;
	for (size_t i = 0; i < c->set.n; i++) {
		struct race_run *r = c->race[i];
		if (!race_live(r->race) || r->slot || !engines_of(r))
			continue;
		on_away(r->slot, NULL, NULL);
		adopt_race(r);
		sched_turn(r);
	}
}

struct engine_handle *engines_of(struct race_run *r)
{
	struct conductor *c = r->c;
	const struct engine_type *t;
	struct err e = ERR_INIT;

	if (r->slot)
		return r->slot;
	t = r->race->engine ? engine_find(r->race->engine) : NULL;
	if (t)
		r->slot = engines_open(c, t, &e);
	else
		err_set(&e, "no_engine", "this yolodeck has no engine \"%s\"",
			r->race->engine ? r->race->engine : "?");
	if (r->slot) {
		if (r->slot->g->type->owner)
			r->slot->g->type->owner(r->slot->g, &r->uid, &r->gid);
		return r->slot;
	}
	diag(DIAG_WARN, "race %d: %s", r->race->number, e.msg);
	if (t)
		on_away(new_slot(c, t), e.msg, NULL);
	if (!c->retry_timer && !c->closing)
		c->retry_timer = loop_after(c->loop, RETRY_MS, retry, c);
	return NULL;
}

void engines_close(struct conductor *c)
{
	for (size_t i = 0; i < c->nslot; i++) {
		if (c->slot[i].g)
			c->slot[i].type->close(c->slot[i].g);
		free(c->slot[i].away);
		free(c->slot[i].next);
	}
	c->nslot = 0;
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
