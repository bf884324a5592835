/* conflicts.c - would a variant merge into the base branch as it is now? One job for a whole race.
 */
#include "conductor/conflicts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conductor/variant_run.h"
#include "git/diff.h"

struct judgement {
	struct variant_run *run;
	char *commit;
	struct strv names;
	bool judged;
};

struct conflicts_job {
	const struct race_run *r;
	char *base_ref;
	struct judgement *v;
	size_t n;
};

static void conflicts_work(void *arg);
static void conflicts_done(void *arg);

void conflicts_update(struct race_run *r)
{
	struct conflicts_job *j = xcalloc(1, sizeof(*j));

	j->r = r;
	j->base_ref = xasprintf("refs/heads/%s", r->race->base_name ? r->race->base_name : "HEAD");
	j->v = xcalloc(r->race->n + 1, sizeof(*j->v));
	for (size_t i = 0; i < r->race->n; i++) {
		struct variant_run *run = &r->v[i];
		if (!variant_ended(run->v->state) || run->v->archived || !run->v->commit ||
			run->v->promoted)
			continue;
		j->v[j->n].run = run;
		j->v[j->n++].commit = xstrdup(run->v->commit);
	}
	pool_post(loop_pool(r->c->loop), conflicts_work, conflicts_done, j);
}

static void conflicts_work(void *arg)
{
	struct conflicts_job *j = arg;
	struct err ignored = ERR_INIT;
	char *tip = git_ref(j->r->c->store.common, j->base_ref, &ignored);

	for (size_t i = 0; tip && i < j->n; i++)
		j->v[i].judged = !diff_conflicts(j->r->quarantine, j->r->c->store.common,
			j->r->race->base, tip, j->v[i].commit, &j->v[i].names, &ignored);
	free(tip);
}

static void take_judgement(struct judgement *o)
{
	struct variant *v = o->run->v;
	const char *now = o->names.n ? o->names.v[0] : "";

	if (!o->judged || !v->commit || strcmp(v->commit, o->commit) ||
		(v->conflict && !strcmp(v->conflict, now)))
		return;
	xreplace(&v->conflict, now);
	variant_store(o->run);
	mark_dirty(o->run);
}

static void conflicts_done(void *arg)
{
	struct conflicts_job *j = arg;

	for (size_t i = 0; i < j->n; i++) {
		take_judgement(&j->v[i]);
		free(j->v[i].commit);
		strv_release(&j->v[i].names);
	}
	free(j->v);
	free(j->base_ref);
	free(j);
}
