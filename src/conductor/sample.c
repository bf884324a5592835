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
#include "conductor/attention.h"
#include "conductor/borrowed_repo.h"
#include "conductor/races.h"
#include "conductor/runlog_times.h"
#include "conductor/variant_run.h"
#include "git/diff.h"
#include "git/snapshot.h"

enum { TAIL = 4096, SAMPLE_MS = 1000, SNAP_MS = 4000 };

static bool is_running(const struct variant_run *run)
{
	enum variant_state s = run->v->state;

	return (s == VS_RUNNING && run->ct[COMMAND].held) ||
		(s == VS_CHECKING && run->ct[CHECK].held);
}

/* ---- cpu, memory, the log ---- */

static void sample_cpu(struct variant_run *run)
{
	struct engine_handle *s = run->r->handle;
	bool check = run->v->state == VS_CHECKING;
	int64_t cpu = -1, memory = -1, now = clock_mono_ms();
	double percent = -1;

	if (s && s->engine && s->type->sample)
		s->type->sample(s->engine, check ? &run->ct[CHECK].task : &run->ct[COMMAND].task,
			&cpu, &memory);
	if (cpu >= 0 && run->s.cpu_ns >= 0 && run->s.at_ms && now > run->s.at_ms &&
		cpu >= run->s.cpu_ns)
		percent = (double)(cpu - run->s.cpu_ns) / 10000.0 / (double)(now - run->s.at_ms);
	run->s.cpu_ns = cpu;
	run->s.at_ms = now;
	if ((int)percent != (int)run->s.cpu || memory >> 20 != run->s.memory >> 20)
		mark_dirty(run);
	run->s.cpu = percent;
	run->s.memory = memory;
}

static void read_end(struct variant_run *run, int64_t size)
{
	char tail[TAIL];
	struct buf shown = BUF_INIT;
	struct stat st;
	int fd = open(run->ct[COMMAND].log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = 0;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode))
		n = pread(fd, tail, sizeof(tail), st.st_size > TAIL ? st.st_size - TAIL : 0);
	if (fd >= 0)
		close(fd);
	run->s.prompt_size = size;
	xreplace(&run->s.prompt,
		n > 0 && attention_prompt(tail, (size_t)n, &shown) ? shown.p : NULL);
	buf_release(&shown);
}

static void sample_log(struct variant_run *run)
{
	int64_t size =
		runlog_times_size(run->ct[COMMAND].log, run->ct[COMMAND].idx, &run->s.quiet_ns);

	/* its end is read once it has rested for a second */
	if (size == run->s.log_bytes && size != run->s.prompt_size)
		read_end(run, size);
	else if (size != run->s.prompt_size)
		xreplace(&run->s.prompt, NULL);
	run->s.log_bytes = size;
}

/* ---- live snapshots ---- */

struct snap_job {
	struct variant_run *run;
	const struct snapshot_in *in;
	struct borrowed_repo repo;
	char *base_ref, *live;
	struct snapshot_out out;
	struct strv conflicts;
	bool judged;
	struct err e;
	int rc;
};

static void snap_work(void *arg);
static void snap_done(void *arg);
static void snapshot_next(struct conductor *c);

static void start_snapshot(struct variant_run *run)
{
	struct snap_job *j = xcalloc(1, sizeof(*j));
	const struct race *r = run->r->race;

	run->c->snapping = run;
	run->s.snap_ms = clock_mono_ms();
	j->run = run;
	j->in = &run->snapshot;
	borrowed_repo_init(&j->repo, run->r);
	j->base_ref = xasprintf("refs/heads/%s", r->base_name ? r->base_name : "HEAD");
	j->live = run->v->live ? xstrdup(run->v->live) : NULL;
	pool_post_serial(loop_pool(run->c->loop), run->key, snap_work, snap_done, j);
}

static void snap_work(void *arg)
{
	struct snap_job *j = arg;
	struct snapshot_in in = *j->in;
	struct err ignored = ERR_INIT;
	char *tip;

	in.subject = "live";
	in.repo = borrowed_repo_get(&j->repo, &j->e);
	j->rc = in.repo ? snapshot_take(&in, &j->out, &j->e) : -1;
	if (!j->rc && j->out.commit && (!j->live || strcmp(j->live, j->out.commit))) {
		tip = git_ref(j->repo.common, j->base_ref, &ignored);
		if (tip)
			j->judged = !diff_conflicts(in.quarantine, j->repo.common, in.base, tip,
				j->out.commit, &j->conflicts, &ignored);
		free(tip);
	}
	borrowed_repo_release(&j->repo);
}

static void snap_done(void *arg)
{
	struct snap_job *j = arg;
	struct conductor *c = j->run->c;
	struct variant *v = j->run->v;

	c->snapping = NULL;
	if (j->rc) {
		diag(DIAG_DEBUG, "%s: %s", j->run->key, j->e.msg);
	} else if (v->state == VS_RUNNING && (!v->live || strcmp(v->live, j->out.commit))) {
		xreplace(&v->live, j->out.commit);
		v->files = j->out.files;
		v->added = j->out.added;
		v->removed = j->out.removed;
		if (j->judged)
			xreplace(&v->conflict, j->conflicts.n ? j->conflicts.v[0] : "");
		mark_dirty(j->run);
	}
	if (c->nwatch)
		snapshot_next(c);
	snapshot_out_release(&j->out);
	strv_release(&j->conflicts);
	free(j->base_ref);
	free(j->live);
	free(j);
}

/* One at a time, the one that waited longest: the walk is cheap, but eight at once are felt. */
static void snapshot_next(struct conductor *c)
{
	struct variant_run *oldest = NULL;
	int64_t now = clock_mono_ms();

	if (c->snapping)
		return;
	for (size_t i = 0; i < c->set.n; i++) {
		for (size_t k = 0; k < c->race[i]->race->n; k++) {
			struct variant_run *run = &c->race[i]->v[k];
			if (run->v->state != VS_RUNNING || !run->ct[COMMAND].held ||
				(run->s.snap_ms && now - run->s.snap_ms < SNAP_MS))
				continue;
			if (!oldest || run->s.snap_ms < oldest->s.snap_ms)
				oldest = run;
		}
	}
	if (!oldest)
		return;
	struct engine_handle *s = oldest->r->handle;
	if (s && s->engine && s->type->fetch_work &&
		!s->type->fetch_work(s->engine, &oldest->ct[COMMAND].task))
		oldest->s.snap_ms = now; /* nothing is known of it yet, so its columns stay "-" */
	else
		start_snapshot(oldest);
}

/* ---- the timer ---- */

void sample_all(struct conductor *c)
{
	for (size_t i = 0; i < c->set.n; i++) {
		if (!race_live(c->race[i]->race))
			continue;
		for (size_t k = 0; k < c->race[i]->race->n; k++) {
			struct variant_run *run = &c->race[i]->v[k];
			if (is_running(run)) {
				sample_cpu(run);
				sample_log(run);
			}
			attention_update(run);
		}
	}
}

static void sample_tick(void *ctx)
{
	struct conductor *c = ctx;

	c->sample_timer = NULL;
	sample_all(c);
	snapshot_next(c);
	sample_timer(c);
}

void sample_timer(struct conductor *c)
{
	if (c->sample_timer && !c->nwatch) {
		loop_cancel(c->sample_timer);
		c->sample_timer = NULL;
	} else if (!c->sample_timer && c->nwatch && races_live(c)) {
		c->sample_timer = loop_after(c->loop, SAMPLE_MS, sample_tick, c);
	}
}

void sample_forget(struct variant_run *run)
{
	run->s.cpu = -1;
	run->s.memory = -1;
	run->s.at_ms = 0;
	run->s.cpu_ns = -1;
	xreplace(&run->s.prompt, NULL);
}
