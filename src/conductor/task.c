/* task.c - what an engine needs for one container of a variant: its task, mounts and log files. */
#include "conductor/task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/host.h"

static void set_env(struct variant_run *run, struct engine_task *t)
{
	const struct spec *s = &run->r->race->spec;

	strv_clear(&t->env);
	for (size_t i = 0; i < run->recipe->env.n; i++)
		strv_add(&t->env, run->recipe->env.v[i]);
	strv_fmt(&t->env, "YOLO_RACE=%d", run->r->race->number);
	strv_fmt(&t->env, "YOLO_VARIANT=%s", run->v->name);
	strv_fmt(&t->env, "YOLO_INDEX=%d", run->v->number);
	if (s->prompt)
		strv_fmt(&t->env, "YOLO_PROMPT=%s", s->prompt);
}

static void set_argv(const struct variant_run *run, bool check, struct engine_task *t)
{
	const struct spec_variant *recipe = run->recipe;

	strv_clear(&t->argv);
	if (check)
		strv_addl(&t->argv, "/bin/sh", "-c", recipe->check, (char *)NULL);
	else if (recipe->argv.n)
		for (size_t i = 0; i < recipe->argv.n; i++)
			strv_add(&t->argv, recipe->argv.v[i]);
	else
		strv_addl(&t->argv, "/bin/sh", "-c", recipe->command ? recipe->command : ":",
			(char *)NULL);
}

static int add_mount(const struct conductor *c, const char *asked, struct strv *out, struct err *e)
{
	bool tilde = asked[0] == '~' && (asked[1] == '/' || !asked[1]);

	if (tilde && !c->home)
		return err_set(e, "mount",
			"the mount %s needs HOME, which is not set; write the whole path", asked);
	if (!tilde && asked[0] != '/')
		return err_set(e, "mount",
			"the mount %s is not an absolute path; begin it with / or ~/", asked);
	if (tilde)
		strv_fmt(out, "%s%s", c->home, asked + 1);
	else
		strv_add(out, asked);
	return 0;
}

int task_mounts(
	const struct conductor *c, const struct strv *asked, struct strv *out, struct err *e)
{
	bool has_tree = !strcmp(fs_basename(c->store.common), ".git");
	char *top = has_tree ? fs_dirname(c->store.common) : xstrdup(c->store.common);
	int rc = 0;

	for (size_t i = 0; i < asked->n && !rc; i++)
		rc = add_mount(c, asked->v[i], out, e);
	if (!rc && out->n)
		rc = host_check_mounts(out, c->store.dir, top, e);
	free(top);
	return rc;
}

void task_make(struct variant_run *run, int which)
{
	struct container *ct = &run->ct[which];
	struct engine_task *t = &ct->task;
	bool check = which == CHECK;
	const struct spec *s = &run->r->race->spec;
	struct err ignored = ERR_INIT; /* they were judged when the race was accepted */

	t->race = run->r->race->number;
	t->variant = run->v->name;
	t->check = check;
	t->repo_id = run->c->store.id;
	t->dir = run->dir;
	t->log = ct->log;
	t->idx = ct->idx;
	t->base_store = run->base_store ? run->base_store : run->r->base_store;
	t->template_tree = run->source ? run->source : run->r->source;
	t->prepared = s->prepared;
	t->runner = s->runners.n ? s->runners.v[(size_t)(run->v->number - 1) % s->runners.n] : "";
	t->image = run->recipe->image ? run->recipe->image : "host";
	set_argv(run, check, t);
	t->setup = check ? NULL : run->recipe->setup;
	set_env(run, t);
	strv_clear(&t->mounts);
	task_mounts(run->c, &s->mounts, &t->mounts, &ignored);
	t->limits = run->recipe->limits;
	engine_defaults(&t->limits, s->parallel > 0 ? s->parallel : engine_default_parallel());
	t->network = s->network ? s->network : "bridge";
	t->grace_ms = GRACE_MS;
	t->allow_unlimited = s->allow_unlimited;
	t->id[0] = '\0';
	t->priv = NULL;
	t->owner = run;
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

int task_logs(struct variant_run *run, int which, struct err *e)
{
	struct stat st, idx;

	if (create(run->ct[which].idx, &idx, e) || create(run->ct[which].log, &st, e))
		return -1;
	if (which == COMMAND) {
		run->v->log_dev = st.st_dev;
		run->v->log_ino = st.st_ino;
	}
	return 0;
}
