/* docker.c - the docker engine: its table of functions, and the pump that gives every task its next
 * step (see docker.h). */
#include "engine/docker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/diag.h"
#include "base/mem.h"

enum { REMOVE_MS = 30000, PROBE_MS = 1900 };

static struct docker *of(struct engine *g)
{
	return (struct docker *)g;
}

/* ---- removal ---- */

static void on_removed(void *ctx, const struct http_answer *a)
{
	struct docker_remove *r = ctx;
	char said[DOCKER_TEXT];
	if (a->trouble != HTTP_OK && (a->trouble == HTTP_CANCELLED || ++r->tries < DOCKER_TRIES)) {
		r->sent = false; /* asked again, now or when the link is back */
		return;
	}
	if (a->trouble != HTTP_OK) {
		diag(DIAG_WARN, "docker: %.40s could not be removed: no answer", r->key);
	} else if (a->status >= 400 && a->status != 404 && a->status != 409) {
		docker_message(a, said, sizeof(said));
		diag(DIAG_WARN, "docker: %.40s could not be removed (%d): %s", r->key, a->status,
			said);
	}
	struct docker_remove **at = &r->d->removes;
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	free(r->key);
	free(r);
}

static void send_removals(struct docker *d)
{
	for (struct docker_remove *r = d->removes; r; r = r->next) {
		if (r->sent)
			continue;
		char *path = xasprintf("/containers/%s?force=1&v=1", r->key);
		r->sent = true;
		docker_call(d, NULL,
			&(struct docker_req){ .method = "DELETE",
				.path = path,
				.timeout_ms = REMOVE_MS,
				.late_ms = 5000 },
			on_removed, r);
		free(path);
	}
}

/* ---- the pump ---- */

static void end_unsent(struct docker *d)
{
	for (struct docker_task *k = d->tasks, *next; k; k = next) {
		next = k->next;
		if (k->phase == TASK_NEW && !k->slot && k->stop_asked)
			docker_finish(k, ENGINE_STOPPED, "stopped before it started");
	}
}

static void pump(void *ctx)
{
	struct docker *d = ctx;
	d->pump = NULL;
	if (d->link != LINK_UP) {
		end_unsent(d);
		bool waits = (d->tasks || d->removes) && !d->retry;
		if (d->probes || d->asks || waits)
			docker_connect(d);
		return;
	}
	docker_probe_again(d);
	image_pump(d);
	send_removals(d);
	for (struct docker_task *k = d->tasks, *next; k; k = next) {
		next = k->next;
		docker_step(k);
	}
	image_sweep(d);
}

void docker_poke(struct docker *d)
{
	if (!d->pump)
		d->pump = loop_after(d->loop, 0, pump, d);
}

/* ---- the table's functions ---- */

static struct engine *docker_open(const struct engine_ctx *c, struct err *e)
{
	struct docker *d = xcalloc(1, sizeof(*d));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	d->base.type = &engine_docker;
	d->loop = c->loop;
	d->ev = c->ev;
	d->state_dir = xstrdup(c->state_dir);
	d->repo_id = xstrdup(c->repo_id);
	d->runner = xstrdup(c->runner);
	d->window = cores > 0 ? 2 * (int)cores : 2;
	d->retry_ms = 250;
	return &d->base;
}

static void docker_close(struct engine *g)
{
	struct docker *d = of(g);
	docker_link_close(d);
	image_close(d);
	while (d->tasks) {
		d->tasks->call = NULL;
		docker_task_free(d->tasks);
	}
	while (d->removes) {
		struct docker_remove *r = d->removes;
		d->removes = r->next;
		free(r->key);
		free(r);
	}
	while (d->probes) {
		struct docker_probe *p = d->probes;
		d->probes = p->next;
		free(p);
	}
	loop_cancel(d->pump);
	free(d->state_dir);
	free(d->repo_id);
	free(d->runner);
	free(d);
}

static void docker_probe(struct engine *g, engine_probe_fn fn, void *ctx)
{
	struct docker *d = of(g);
	struct docker_probe *p = xcalloc(1, sizeof(*p));
	*p = (struct docker_probe){ .next = d->probes, .fn = fn, .ctx = ctx };
	d->probes = p;
	if (!d->probe_over)
		d->probe_over = loop_after(d->loop, PROBE_MS, docker_probe_over, d);
	docker_poke(d);
}

static void docker_prepare(
	struct engine *g, struct spec *s, const char *from, engine_done_fn fn, void *ctx)
{
	image_prepare(of(g), s, fn, ctx);
}

static struct docker_task *add_task(struct docker *d, struct engine_task *t, enum task_phase phase)
{
	struct docker_task *k = xcalloc(1, sizeof(*k)), **at = &d->tasks;
	*k = (struct docker_task){ .d = d, .t = t, .phase = phase, .usage = DOCKER_USAGE_INIT };
	while (*at)
		at = &(*at)->next;
	*at = k;
	t->priv = k;
	docker_poke(d);
	return k;
}

static void docker_start(struct engine *g, struct engine_task *t)
{
	t->id[0] = 0;
	add_task(of(g), t, TASK_NEW);
}

static void docker_stop(struct engine *g, struct engine_task *t)
{
	struct docker_task *k = t->priv;
	if (!k)
		return;
	k->stop_asked = true;
	docker_poke(k->d);
}

static void docker_adopt(struct engine *g, struct engine_task *t)
{
	struct docker_task *k = add_task(of(g), t, TASK_LOOK);
	k->adopting = true;
	k->said_started = t->id[0] != 0;
	k->losses = k->d->losses;
}

static void docker_remove(
	struct engine *g, int race, const char *variant, bool check, const char *id)
{
	struct docker *d = of(g);
	struct engine_task t = {
		.race = race, .variant = variant, .check = check, .repo_id = d->repo_id
	};
	struct docker_remove *r = xcalloc(1, sizeof(*r)), **at = &d->removes;
	char key[128];
	snprintf(t.id, sizeof(t.id), "%s", id ? id : "");
	docker_key(&t, key, sizeof(key));
	*r = (struct docker_remove){ .d = d, .key = xstrdup(key) };
	while (*at)
		at = &(*at)->next;
	*at = r;
	docker_poke(d);
}

static int docker_exec_argv(struct engine *g, const struct engine_task *t, const char *const *cmd,
	bool tty, struct strv *out, struct err *e)
{
	struct docker *d = of(g);
	char key[128];
	int uid, gid;
	char *client = child_which("docker", NULL);
	if (!client)
		return err_set(e, "no_docker_client",
			"the `docker` program is needed to enter a container and is not on your "
			"PATH; "
			"install the Docker command line");
	docker_owner(d, &uid, &gid);
	docker_key(t, key, sizeof(key));
	strv_take(out, client);
	if (d->settled)
		strv_fmt(out, "--host=unix://%s", d->places[d->place].socket);
	strv_addl(out, "exec", "-i", NULL);
	if (tty)
		strv_add(out, "-t");
	strv_add(out, "-u");
	strv_fmt(out, "%d:%d", uid, gid);
	strv_addl(out, "-w", "/work", key, NULL);
	strv_addv(out, cmd);
	return 0;
}

static void docker_sample(
	struct engine *g, const struct engine_task *t, int64_t *cpu_ns, int64_t *memory)
{
	const struct docker_task *k = t->priv;
	*cpu_ns = *memory = -1;
	if (k) {
		docker_heartbeat(k->d);
		docker_usage_sample(&k->usage, cpu_ns, memory);
	}
}

static void docker_work_owner(struct engine *g, int *uid, int *gid)
{
	if (getuid() == 0 && !of(g)->info.rootless)
		*uid = *gid = DOCKER_NOBODY;
	else
		*uid = *gid = -1;
}

const struct engine_type engine_docker = {
	.name = "docker",
	.help = "containers of a Docker engine on this machine",
	.caps = ENGINE_CONTAINER | ENGINE_AUTO,
	.open = docker_open,
	.close = docker_close,
	.probe = docker_probe,
	.prepare = docker_prepare,
	.start = docker_start,
	.stop = docker_stop,
	.adopt = docker_adopt,
	.remove = docker_remove,
	.exec_argv = docker_exec_argv,
	.sample = docker_sample,
	.owner = docker_work_owner,
};
