/* sample.c - cpu, memory and live diff columns, only while a client watches. */
#include "conductor/sample.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/board.h"
#include "conductor/borrowed_repo.h"
#include "conductor/runlog_times.h"
#include "git/diff.h"
#include "git/snapshot.h"

enum { TAIL = 4096 };

static bool runs(const struct variant_run *vr)
{
	enum variant_state s = vr->v->state;

	return (s == VS_RUNNING && vr->held) || (s == VS_CHECKING && vr->check_held);
}

/* ---- cpu, memory, the log ---- */

static void sample_cpu(struct variant_run *vr)
{
	struct engine_handle *s = vr->r->slot;
	bool check = vr->v->state == VS_CHECKING;
	int64_t cpu = -1, memory = -1, now = clock_mono_ms();
	double percent = -1;

	if (s && s->g && s->type->sample)
		s->type->sample(s->g, check ? &vr->check : &vr->task, &cpu, &memory);
	if (cpu >= 0 && vr->s.cpu_ns >= 0 && vr->s.at_ms && now > vr->s.at_ms &&
		cpu >= vr->s.cpu_ns)
		percent = (double)(cpu - vr->s.cpu_ns) / 10000.0 / (double)(now - vr->s.at_ms);
	vr->s.cpu_ns = cpu;
	vr->s.at_ms = now;
	if ((int)percent != (int)vr->s.cpu || memory >> 20 != vr->s.memory >> 20)
		board_touch(vr);
	vr->s.cpu = percent;
	vr->s.memory = memory;
}

static void look_at_end(struct variant_run *vr, int64_t size)
{
	char tail[TAIL];
	struct buf shown = BUF_INIT;
	struct stat st;
	int fd = open(vr->log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = 0;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode))
		n = pread(fd, tail, sizeof(tail), st.st_size > TAIL ? st.st_size - TAIL : 0);
	if (fd >= 0)
		close(fd);
	vr->s.prompt_size = size;
	xreplace(
		&vr->s.prompt, n > 0 && attention_prompt(tail, (size_t)n, &shown) ? shown.p : NULL);
	buf_release(&shown);
}

static void sample_log(struct variant_run *vr)
{
	int64_t size = runlog_times_size(vr->log, vr->idx, &vr->s.quiet_ns);

	/* its end is read once it has rested for a second */
	if (size == vr->s.log_bytes && size != vr->s.prompt_size)
		look_at_end(vr, size);
	else if (size != vr->s.prompt_size)
		xreplace(&vr->s.prompt, NULL);
	vr->s.log_bytes = size;
}

/* ---- live snapshots ---- */

struct snap_job {
	struct variant_run *vr;
	struct conductor *c;
	char *common, *quarantine, *work, *cache, *variant, *base, *parent, *base_ref, *live;
	const struct git_repo *shared;
	int race;
	struct snapshot_out out;
	struct strv conflicts;
	bool judged;
	struct err e;
	int rc;
};

static void snap_work(void *arg)
{
	struct snap_job *j = arg;
	struct lent lent;
	struct snapshot_in in = {
		.quarantine = j->quarantine,
		.work = j->work,
		.cache = j->cache,
		.race = j->race,
		.variant = j->variant,
		.base = j->base,
		.parent = j->parent,
		.subject = "live",
	};
	struct err ignored = ERR_INIT;
	char *tip;

	j->rc = borrowed_repo_open(&lent, j->shared, j->common, &j->e);
	if (j->rc)
		return;
	in.repo = lent.repo;
	j->rc = snapshot_take(&in, &j->out, &j->e);
	if (!j->rc && j->out.commit && (!j->live || strcmp(j->live, j->out.commit))) {
		tip = git_ref(j->common, j->base_ref, &ignored);
		if (tip)
			j->judged = !diff_conflicts(j->quarantine, j->common, j->base, tip,
				j->out.commit, &j->conflicts, &ignored);
		free(tip);
	}
	borrowed_repo_close(&lent);
}

static void snap_next(struct conductor *c);

static void snap_done(void *arg)
{
	struct snap_job *j = arg;
	struct variant *v = j->vr->v;

	if (!j->c->closing) {
		j->c->snapping = NULL;
		if (j->rc) {
			diag(DIAG_DEBUG, "%s: %s", j->vr->key, j->e.msg);
		} else if (v->state == VS_RUNNING && (!v->live || strcmp(v->live, j->out.commit))) {
			xreplace(&v->live, j->out.commit);
			v->files = j->out.files;
			v->added = j->out.added;
			v->removed = j->out.removed;
			if (j->judged)
				xreplace(&v->conflict, j->conflicts.n ? j->conflicts.v[0] : "");
			board_touch(j->vr);
		}
		if (j->c->nwatch)
			snap_next(j->c);
	}
	snapshot_out_release(&j->out);
	strv_release(&j->conflicts);
	free(j->common);
	free(j->quarantine);
	free(j->work);
	free(j->cache);
	free(j->variant);
	free(j->base);
	free(j->parent);
	free(j->base_ref);
	free(j->live);
	free(j);
}

static void snap(struct variant_run *vr)
{
	struct snap_job *j = xcalloc(1, sizeof(*j));
	const struct race *r = vr->r->race;

	vr->c->snapping = vr;
	vr->s.snap_ms = clock_mono_ms();
	j->vr = vr;
	j->c = vr->c;
	j->common = xstrdup(vr->c->store.common);
	j->quarantine = xstrdup(vr->r->quarantine);
	j->work = fs_join(vr->dir, "work");
	j->cache = fs_join(vr->dir, "walk.cache");
	j->variant = xstrdup(vr->v->name);
	j->base = xstrdup(r->base);
	j->parent = vr->v->start ? xstrdup(vr->v->start) : NULL;
	j->base_ref = xasprintf("refs/heads/%s", r->base_name ? r->base_name : "HEAD");
	j->live = vr->v->live ? xstrdup(vr->v->live) : NULL;
	j->race = r->number;
	j->shared = borrowed_repo_of(vr->r);
	pool_post_serial(loop_pool(vr->c->loop), vr->key, snap_work, snap_done, j);
}

/* One at a time, the one that waited longest: the walk is cheap, but eight at once are felt. */
static void snap_next(struct conductor *c)
{
	struct variant_run *oldest = NULL;
	int64_t now = clock_mono_ms();

	if (c->snapping)
		return;
	for (size_t i = 0; i < c->set.n; i++) {
		for (size_t k = 0; k < c->race[i]->race->n; k++) {
			struct variant_run *vr = &c->race[i]->v[k];
			if (vr->v->state != VS_RUNNING || !vr->held ||
				(vr->s.snap_ms && now - vr->s.snap_ms < SAMPLE_SNAP_MS))
				continue;
			if (!oldest || vr->s.snap_ms < oldest->s.snap_ms)
				oldest = vr;
		}
	}
	if (!oldest)
		return;
	struct engine_handle *s = oldest->r->slot;
	if (s && s->g && s->type->fetch_work && !s->type->fetch_work(s->g, &oldest->task))
		oldest->s.snap_ms = now; /* nothing is known of it yet, so its columns stay "-" */
	else
		snap(oldest);
}

/* ---- the timer ---- */

void sample_all(struct conductor *c)
{
	for (size_t i = 0; i < c->set.n; i++) {
		if (!race_live(c->race[i]->race))
			continue;
		for (size_t k = 0; k < c->race[i]->race->n; k++) {
			struct variant_run *vr = &c->race[i]->v[k];
			if (runs(vr)) {
				sample_cpu(vr);
				sample_log(vr);
			}
			attention_update(vr);
		}
	}
}

static void tick(void *ctx);

static void arm(struct conductor *c)
{
	if (!c->sample_timer && c->nwatch && !c->closing && board_live(c))
		c->sample_timer = loop_after(c->loop, SAMPLE_MS, tick, c);
}

static void tick(void *ctx)
{
	struct conductor *c = ctx;

	c->sample_timer = NULL;
	sample_all(c);
	snap_next(c);
	arm(c);
}

void sample_begin(struct conductor *c)
{
	arm(c);
}

void sample_stop(struct conductor *c)
{
	if (c->sample_timer)
		loop_cancel(c->sample_timer);
	c->sample_timer = NULL;
}

void sample_forget(struct variant_run *vr)
{
	vr->s.cpu = -1;
	vr->s.memory = -1;
	vr->s.at_ms = 0;
	vr->s.cpu_ns = -1;
	xreplace(&vr->s.prompt, NULL);
	attention_update(vr);
	sample_disk(vr->c);
	arm(vr->c);
}
