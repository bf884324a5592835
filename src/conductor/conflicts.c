/* conflicts.c - would a variant merge into the base branch as it is now? One job for a whole race.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conductor/board.h"
#include "conductor/idle.h"
#include "conductor/sample.h"
#include "conductor/sched.h"
#include "git/diff.h"

struct one {
	struct variant_run *vr;
	char *commit;
	struct strv names;
	bool judged;
};

struct conflicts_job {
	struct conductor *c;
	char *common, *quarantine, *base, *base_ref;
	struct one *v;
	size_t n;
};

static void conflicts_work(void *arg)
{
	struct conflicts_job *j = arg;
	struct err ignored = ERR_INIT;
	char *tip = git_ref(j->common, j->base_ref, &ignored);

	for (size_t i = 0; tip && i < j->n; i++)
		j->v[i].judged = !diff_conflicts(j->quarantine, j->common, j->base, tip,
			j->v[i].commit, &j->v[i].names, &ignored);
	free(tip);
}

static void take(struct one *o)
{
	struct variant *v = o->vr->v;
	const char *now = o->names.n ? o->names.v[0] : "";

	if (!o->judged || !v->commit || strcmp(v->commit, o->commit) ||
		(v->conflict && !strcmp(v->conflict, now)))
		return;
	xreplace(&v->conflict, now);
	sched_store(o->vr);
	board_touch(o->vr);
	attention_update(o->vr);
}

static void conflicts_done(void *arg)
{
	struct conflicts_job *j = arg;

	for (size_t i = 0; i < j->n; i++) {
		if (!j->c->closing)
			take(&j->v[i]);
		free(j->v[i].commit);
		strv_release(&j->v[i].names);
	}
	if (!j->c->closing)
		idle_check(j->c);
	free(j->v);
	free(j->common);
	free(j->quarantine);
	free(j->base);
	free(j->base_ref);
	free(j);
}

void sample_conflicts(struct race_run *r)
{
	struct conflicts_job *j = xcalloc(1, sizeof(*j));

	j->c = r->c;
	j->common = xstrdup(r->c->store.common);
	j->quarantine = xstrdup(r->quarantine);
	j->base = xstrdup(r->race->base);
	j->base_ref = xasprintf("refs/heads/%s", r->race->base_name ? r->race->base_name : "HEAD");
	j->v = xcalloc(r->race->n + 1, sizeof(*j->v));
	for (size_t i = 0; i < r->race->n; i++) {
		struct variant_run *vr = &r->v[i];
		if (!variant_ended(vr->v->state) || vr->v->archived || !vr->v->commit ||
			vr->v->promoted)
			continue;
		j->v[j->n].vr = vr;
		j->v[j->n++].commit = xstrdup(vr->v->commit);
	}
	pool_post(loop_pool(r->c->loop), conflicts_work, conflicts_done, j);
}
