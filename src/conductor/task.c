/* task.c - what an engine needs for one container: the task of a command or of its check, and its
 * two log files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "conductor/mounts.h"
#include "conductor/sched.h"

static void set_env(struct variant_run *vr, struct engine_task *t)
{
	const struct spec *s = &vr->r->race->spec;

	strv_clear(&t->env);
	for (size_t i = 0; i < vr->sv->env.n; i++)
		strv_add(&t->env, vr->sv->env.v[i]);
	strv_fmt(&t->env, "YOLO_RACE=%d", vr->r->race->number);
	strv_fmt(&t->env, "YOLO_VARIANT=%s", vr->v->name);
	strv_fmt(&t->env, "YOLO_INDEX=%d", vr->v->number);
	if (s->prompt)
		strv_fmt(&t->env, "YOLO_PROMPT=%s", s->prompt);
}

static void set_argv(const struct variant_run *vr, bool check, struct engine_task *t)
{
	const struct spec_variant *sv = vr->sv;

	strv_clear(&t->argv);
	if (check)
		strv_addl(&t->argv, "/bin/sh", "-c", sv->check, (char *)NULL);
	else if (sv->argv.n)
		for (size_t i = 0; i < sv->argv.n; i++)
			strv_add(&t->argv, sv->argv.v[i]);
	else
		strv_addl(&t->argv, "/bin/sh", "-c", sv->command ? sv->command : ":", (char *)NULL);
}

void sched_task(struct variant_run *vr, bool check)
{
	struct engine_task *t = check ? &vr->check : &vr->task;
	const struct spec *s = &vr->r->race->spec;
	struct err ignored = ERR_INIT; /* they were judged when the race was accepted */

	t->race = vr->r->race->number;
	t->variant = vr->v->name;
	t->check = check;
	t->repo_id = vr->c->store.id;
	t->dir = vr->dir;
	t->log = check ? vr->check_log : vr->log;
	t->idx = check ? vr->check_idx : vr->idx;
	t->base_store = vr->base_store ? vr->base_store : vr->r->base_store;
	t->template_tree = vr->source ? vr->source : vr->r->source;
	t->prepared = s->prepared;
	t->runner = s->runners.n ? s->runners.v[(size_t)(vr->v->number - 1) % s->runners.n] : "";
	t->image = vr->sv->image ? vr->sv->image : "host";
	set_argv(vr, check, t);
	t->setup = check ? NULL : vr->sv->setup;
	set_env(vr, t);
	strv_clear(&t->mounts);
	mounts_resolve(vr->c, &s->mounts, &t->mounts, &ignored);
	t->limits = vr->sv->limits;
	engine_defaults(&t->limits, s->parallel > 0 ? s->parallel : engine_default_parallel());
	t->network = s->network ? s->network : "bridge";
	t->grace_ms = GRACE_MS;
	t->allow_unlimited = s->allow_unlimited;
	t->id[0] = '\0';
	t->priv = NULL;
	t->owner = vr;
}

static int create(const char *path, struct stat *st, struct err *e)
{
	int fd;

	/* Of a start that never came to be: it holds nothing, or the caller would not ask. */
	if (unlink(path) && errno != ENOENT)
		return err_sys(e, "state", "cannot make %s anew", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "state", "cannot make %s", path);
	if (fstat(fd, st)) {
		close(fd);
		return err_sys(e, "state", "cannot look at %s", path);
	}
	close(fd);
	return 0;
}

int sched_logs(struct variant_run *vr, bool check, struct err *e)
{
	struct stat st, idx;

	if (create(check ? vr->check_idx : vr->idx, &idx, e) ||
		create(check ? vr->check_log : vr->log, &st, e))
		return -1;
	if (!check) {
		vr->v->log_dev = st.st_dev;
		vr->v->log_ino = st.st_ino;
	}
	return 0;
}
