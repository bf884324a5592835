/* dagger_program.c - probe, suits and prepare of the dagger engine; the program of a race is
 * pinned.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/dagger_probe.h"
#include "engine/dagger_program.h"
#include "model/pipeline.h"

struct dagger_question {
	struct dagger_question *next;
	struct dagger_questions *all; /* NULL = nobody waits any more */
	struct dagger_tools tools;
	char *host, *cache, *user; /* user: the work tree's pipeline, NULL = there is none */
	struct engine_report report;
	char *pinned;
	struct err e;
	struct spec *spec; /* the asker's; NULL = a probe */
	engine_probe_fn probe;
	engine_done_fn done;
	void *ctx;
};

char *dagger_program_cache(const char *state_dir)
{
	return fs_join(state_dir, "pipelines");
}

static struct dagger_question *question_new(struct dagger_questions *q, void *ctx)
{
	struct dagger_question *a = xcalloc(1, sizeof *a);

	a->all = q;
	a->ctx = ctx;
	a->next = q->first;
	q->first = a;
	a->cache = dagger_program_cache(q->state_dir);
	dagger_tools_find(&a->tools);
	return a;
}

static void question_free(struct dagger_question *a)
{
	struct dagger_question **at = a->all ? &a->all->first : NULL;

	while (at && *at && *at != a)
		at = &(*at)->next;
	if (at && *at)
		*at = a->next;
	dagger_tools_release(&a->tools);
	free(a->host);
	free(a->cache);
	free(a->user);
	free(a->pinned);
	free(a);
}

void dagger_questions_release(struct dagger_questions *q)
{
	for (struct dagger_question *a = q->first; a; a = a->next)
		a->all = NULL;
	q->first = NULL;
}

/* ---- the probe ---- */

static void probe_work(void *arg)
{
	struct dagger_question *a = arg;

	dagger_probe(&a->tools, NULL, &a->report);
	snprintf(a->report.isolation, sizeof a->report.isolation, "container");
	/* by the runner's own watch: no limit of the kernel can be set on an exec of Dagger */
	a->report.limit_memory = a->report.limit_pids = true;
}

static void probe_done(void *arg)
{
	struct dagger_question *a = arg;

	if (a->all)
		a->probe(a->ctx, &a->report);
	question_free(a);
}

void dagger_ask_probe(struct dagger_questions *q, engine_probe_fn fn, void *ctx)
{
	struct dagger_question *a = question_new(q, ctx);

	a->probe = fn;
	pool_post(loop_pool(q->loop), probe_work, probe_done, a);
}

/* ---- what suits it ---- */

static bool has_image(const struct spec *s)
{
	for (size_t i = 0; i < s->nvariants; i++) {
		const char *image = s->variants[i].image ? s->variants[i].image : s->image;
		if (!image || !strcmp(image, "host"))
			return false;
	}
	return s->nvariants || (s->image && strcmp(s->image, "host"));
}

static bool asks_cpus(const struct spec *s)
{
	bool any = s->limits.cpus > 0;

	for (size_t i = 0; i < s->nvariants; i++)
		any |= s->variants[i].limits.cpus > 0;
	return any;
}

int dagger_suits(const struct spec *s, struct err *e)
{
	if (!has_image(s))
		return err_set(e, "no_image",
			"no image is known (`yolodeck init` finds one, --image names one)");
	if (s->mounts.n)
		return err_set(e, "mounts",
			"directories of this machine cannot be mounted there; leave out \"mounts\" or take docker");
	if (s->network && !strcmp(s->network, "none"))
		return err_set(e, "network",
			"it cannot take the network away; take docker for \"network\": \"none\"");
	if (asks_cpus(s) && !s->allow_unlimited)
		return err_set(e, "not_enforced",
			"it cannot limit cpus; take docker, or --allow-unlimited");
	return 0;
}

/* ---- the program of a race ---- */

static int pin(struct dagger_question *a, const struct pipeline_files *files)
{
	struct err ignored = ERR_INIT;
	char hash[17], *tmp;
	int lock, rc = 0;

	pipeline_hash(files, hash);
	a->pinned = xasprintf("%s/src-%s", a->cache, hash);
	if (fs_is_dir(a->pinned))
		return 0;
	char *at = xasprintf("%s/pin.lock", a->cache);
	tmp = xasprintf("%s.new", a->pinned);
	lock = open(at, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX))
		rc = err_sys(&a->e, "state", "cannot lock %s", at);
	if (!rc && !fs_is_dir(a->pinned)) {
		if (fs_is_dir(tmp))
			fs_remove_tree(tmp, "go.mod", &ignored);
		rc = pipeline_write(tmp, files, &a->e);
		if (!rc && rename(tmp, a->pinned))
			rc = err_sys(&a->e, "state", "cannot write %s", a->pinned);
	}
	if (lock >= 0)
		close(lock);
	free(at);
	free(tmp);
	return rc;
}

static void prepare_work(void *arg)
{
	struct dagger_question *a = arg;
	struct pipeline_files files = { NULL, 0 };
	int rc;

	if (a->e.msg[0])
		return;
	dagger_probe(&a->tools, a->host, &a->report);
	if (!a->report.ok) {
		err_set(&a->e, a->report.code, "%s", a->report.why);
		return;
	}
	if (a->pinned)
		return; /* a rerun: its race keeps the program it began with */
	rc = fs_mkdirs(a->cache, 0700, &a->e);
	if (!rc && a->user && fs_exists(a->user) && !fs_is_dir(a->user)) {
		rc = err_set(&a->e, "pipeline",
			"%s is no directory; a link is not followed, because it may change while a race runs",
			a->user);
	} else if (!rc && a->user && fs_is_dir(a->user)) {
		rc = pipeline_read(a->user, &files, &a->e);
		if (!rc)
			rc = pipeline_check(a->cache, &files, NULL, &a->e);
	} else if (!rc) {
		rc = pipeline_render(NULL, &files, &a->e);
	}
	if (!rc)
		rc = pin(a, &files);
	pipeline_files_release(&files);
}

static void prepare_done(void *arg)
{
	struct dagger_question *a = arg;

	if (a->all) {
		if (!a->e.msg[0])
			xreplace(&a->spec->prepared, a->pinned);
		a->done(a->ctx, &a->e);
	}
	question_free(a);
}

void dagger_ask_prepare(
	struct dagger_questions *q, struct spec *s, const char *from, engine_done_fn fn, void *ctx)
{
	struct dagger_question *a = question_new(q, ctx);

	a->spec = s;
	a->done = fn;
	a->host = xstrdup(s->runners.n ? s->runners.v[0] : "");
	a->pinned = s->prepared ? xstrdup(s->prepared) : NULL;
	a->user = *from ? fs_join(from, PIPELINE_DIR) : NULL;
	(void)dagger_suits(s, &a->e); /* the worker gives the refusal back */
	pool_post(loop_pool(q->loop), prepare_work, prepare_done, a);
}
