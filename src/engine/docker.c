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
#include "engine/cgroup.h"
#include "engine/docker_image.h"

enum { REMOVE_MS = 30000, PROBE_MS = 1900, LIST_MS = 5000, PING_MS = 1500 };

static struct docker *of(struct engine *g)
{
	return (struct docker *)g;
}

/* ---- probes: which daemon, of what kind, what it enforces; or why there is none ---- */

static void answer_probes(struct docker *d, const struct engine_report *r)
{
	struct docker_probe *p = d->probes, *next;
	loop_cancel(d->probe_over);
	d->probe_over = NULL;
	d->probes = NULL;
	for (; p; p = next) {
		next = p->next;
		p->fn(p->ctx, r);
		free(p);
	}
}

static void probe_good(struct docker *d)
{
	const struct docker_info *i = d->info;
	const struct docker_endpoint *p = docker_conn_endpoint(d->conn);
	struct engine_report r = { .ok = true,
		.isolation = "container",
		.limit_memory = i->memory,
		.limit_pids = i->pids,
		.limit_cpus = i->cpus };
	snprintf(r.why, sizeof(r.why), "%s %.60s, API 1.%d, %s, at %.200s (%.60s)",
		i->podman ? "podman" : "docker", i->version, i->api,
		i->rootless ? "rootless" : "rootful", p->socket, p->how);
	if (i->rootless)
		snprintf(r.warn, sizeof(r.warn), "log not guarded");
	answer_probes(d, &r);
}

static void probe_bad(struct docker *d, const struct err *e, const char *next)
{
	struct engine_report r = { 0 };
	snprintf(r.code, sizeof(r.code), "%s", e->code);
	snprintf(r.why, sizeof(r.why), "%.400s%s%.100s", e->msg, *next ? "; " : "", next);
	answer_probes(d, &r);
}

static void probe_over(void *ctx)
{
	struct docker *d = ctx;
	struct http_answer silent = { .error = HTTP_TIMEOUT, .body = BUF_INIT };
	struct err e = d->failure;
	char next[256] = "";
	d->probe_over = NULL;
	if (docker_conn_endpoint(d->conn))
		docker_error(docker_conn_endpoint(d->conn), &silent, &e, next, sizeof(next));
	probe_bad(d, &e, next);
}

static void on_probe_ping(void *ctx, const struct http_answer *a)
{
	struct docker *d = ctx;
	d->probing = false;
	if (a->error == HTTP_OK) /* else the connection is lost, and the next attempt answers */
		probe_good(d);
	docker_schedule_pump(d);
}

/* It was up already: does it still answer? */
static void probe_again(struct docker *d)
{
	if (!d->probes || d->probing)
		return;
	d->probing = true;
	docker_call_simple(d->conn, "GET", "/_ping", PING_MS, on_probe_ping, d);
}

/* ---- the connection ---- */

static void say_away(struct docker *d, const struct err *why)
{
	if (!d->tasks || (d->said_away && !strncmp(d->away_why, why->msg, 500)))
		return;
	d->said_away = true;
	snprintf(d->away_why, sizeof(d->away_why), "%.500s", why->msg);
	d->ev->away(d->ev->ctx, why->msg, docker_conn_next_step(d->conn));
}

static void on_lost(struct docker *d)
{
	d->up = d->listing = false;
	for (struct docker_task *k = d->tasks; k; k = k->next)
		docker_task_lost(k);
	for (struct docker_remove *r = d->removes; r; r = r->next)
		r->sent = false;
	d->inflight = 0;
}

static void on_conn(void *ctx, enum docker_state state, const struct err *e)
{
	struct docker *d = ctx;
	d->failure = *e;
	docker_schedule_pump(d);
	if (state == DOCKER_UP) {
		d->up = true;
		d->listed = false;
		if (d->probes && !d->probing)
			probe_good(d);
		if (d->said_away)
			d->ev->away(d->ev->ctx, NULL, NULL);
		d->said_away = false;
	} else if (d->up) {
		on_lost(d);
		/* a broken stream may be no more than a restart: the first try will tell; silence
		 * needs no second opinion */
		if (!strcmp(e->code, "docker_silent"))
			say_away(d, e);
	} else {
		if (d->probes)
			probe_bad(d, e, docker_conn_next_step(d->conn));
		docker_images_fail(d->images, e, docker_conn_next_step(d->conn));
		say_away(d, e);
	}
}

/* After those a container may have ended. An "oom" may have hit only a part of it. */
void docker_event(void *docker, const char *line, size_t n)
{
	static const char *const ends[] = { "die", "destroy", "remove", "stop" };
	struct docker *d = docker;
	struct err e = ERR_INIT;
	struct json *j = json_parse(line, n, &e);
	const char *action = json_str(j, "Action", ""),
		   *id = json_str(json_get(j, "Actor"), "ID", "");
	bool ended = false, oom = !strcmp(action, "oom");
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		ended |= !strcmp(action, ends[i]);
	for (struct docker_task *k = d->tasks; (ended || oom) && *id && k; k = k->next) {
		if (strcmp(k->t->id, id))
			continue;
		k->oom_event |= oom;
		k->dirty |= ended;
		docker_schedule_pump(d);
	}
	json_free(j);
}

/* ---- the list: what is there by our label, whatever it is called now ---- */

static void take_listed(struct docker *d, const struct json *container)
{
	const struct json *labels = json_get(container, "Labels");
	const char *id = json_str(container, "Id", "");
	bool known = false;
	for (struct docker_task *k = d->tasks; k; k = k->next) {
		if (!docker_outcome_ours(k->t, labels))
			continue;
		known = true;
		if (!k->t->id[0] && k->phase != TASK_NEW)
			snprintf(k->t->id, sizeof(k->t->id), "%s", id);
	}
	if (!known)
		diag(DIAG_INFO, "docker: container %.12s (race %s, %s) has no task now", id,
			json_str(labels, "yolodeck.race", "?"),
			json_str(labels, "yolodeck.variant", "?"));
}

static void on_list(void *ctx, const struct http_answer *a)
{
	struct docker *d = ctx;
	struct err e = ERR_INIT;
	struct json *j = json_parse(a->body.p, a->body.len, &e);
	d->listing = false;
	d->listed = a->error == HTTP_OK; /* else asked again */
	for (const struct json *c = json_first(j); a->status == 200 && c; c = json_next(c))
		take_listed(d, c);
	json_free(j);
	docker_schedule_pump(d);
}

static void list(struct docker *d)
{
	struct buf path = BUF_INIT;
	char *filters = xasprintf("{\"label\":[\"yolodeck.repo=%s\"]}", d->repo_id);
	buf_str(&path, "/containers/json?all=1&filters=");
	http_encode(filters, &path);
	d->listing = true;
	docker_call_simple(d->conn, "GET", path.p, LIST_MS, on_list, d);
	buf_release(&path);
	free(filters);
}

/* ---- removal ---- */

static void on_removed(void *ctx, const struct http_answer *a)
{
	struct docker_remove *r = ctx;
	char said[DOCKER_TEXT] = "no answer";
	docker_schedule_pump(r->d);
	if (a->error != HTTP_OK && (a->error == HTTP_CANCELLED || ++r->tries < DOCKER_TRIES)) {
		r->sent = false; /* asked again, now or when the connection is back */
		return;
	}
	if (a->error == HTTP_OK)
		docker_message(a, said, sizeof(said));
	if (a->error != HTTP_OK || (a->status >= 400 && a->status != 404 && a->status != 409))
		diag(DIAG_WARN, "docker: %.40s could not be removed (%d): %s", r->key, a->status,
			said);
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
		docker_call(d->conn,
			&(struct docker_request){ .method = "DELETE",
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
			docker_task_finish(k, ENGINE_STOPPED, "stopped before it started");
	}
}

static void set_note(struct docker_task *k, const char *note)
{
	if (!strcmp(k->note, note))
		return;
	snprintf(k->note, sizeof(k->note), "%s", note);
	k->d->ev->note(k->d->ev->ctx, k->t, k->note);
}

/* A task that is to be created has its image, or waits and its row says for what. False = it is
 * over. */
static bool get_image(struct docker_task *k)
{
	struct docker_images *g = k->d->images;
	struct err e = ERR_INIT;
	const char *note = "";
	if (k->phase != TASK_NEW || k->slot || k->stop_asked)
		return true;
	if (k->image_gone)
		docker_images_recheck(g, k->t->race, k->t->image);
	k->image_gone = false;
	if (docker_images_get(g, k->t->race, k->t->image, &k->image, &note, &e) < 0) {
		docker_task_finish(k, ENGINE_NOT_STARTED, e.msg);
		return false;
	}
	if (*note || k->image)
		set_note(k, note);
	return true;
}

static void pump(void *ctx)
{
	struct docker *d = ctx;
	d->pump = NULL;
	if (!d->up) {
		bool now = d->probes || docker_images_asked(d->images);
		end_unsent(d);
		/* an "away" is always followed by a "back" */
		if (now || d->tasks || d->removes || d->said_away)
			docker_conn_open(d->conn, now);
		return;
	}
	probe_again(d);
	if (!d->listed) {
		if (!d->listing)
			list(d);
		return;
	}
	send_removals(d);
	for (struct docker_task *k = d->tasks, *next; k; k = next) {
		next = k->next;
		if (get_image(k))
			docker_task_step(k);
	}
	docker_images_pump(d->images);
}

void docker_schedule_pump(struct docker *d)
{
	if (!d->pump)
		d->pump = loop_after(d->loop, 0, pump, d);
}

static void on_image(void *ctx)
{
	docker_schedule_pump(ctx);
}

/* ---- the table's functions ---- */

static struct engine *docker_open(const struct engine_ctx *c, struct err *e)
{
	struct docker *d = xcalloc(1, sizeof(*d));
	struct docker_conn_events ev = { .changed = on_conn, .event = docker_event, .ctx = d };
	char *label = xasprintf("yolodeck.repo=%s", c->repo_id);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	d->base.type = &engine_docker;
	d->loop = c->loop;
	d->ev = c->ev;
	d->state_dir = xstrdup(c->state_dir);
	d->repo_id = xstrdup(c->repo_id);
	d->runner = xstrdup(c->runner);
	d->window = cores > 0 ? 2 * (int)cores : 2;
	d->conn = docker_conn_new(d->loop, label, &ev);
	d->info = docker_conn_info(d->conn);
	d->images = docker_images_new(d->loop, d->conn, d->state_dir, d->repo_id, on_image, d);
	free(label);
	return &d->base;
}

static void docker_close(struct engine *g)
{
	struct docker *d = of(g);
	while (d->tasks)
		docker_task_free(d->tasks);
	docker_images_free(d->images);
	docker_conn_free(d->conn);
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
	loop_cancel(d->probe_over);
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
		d->probe_over = loop_after(d->loop, PROBE_MS, probe_over, d);
	docker_schedule_pump(d);
}

static void docker_prepare(
	struct engine *g, struct spec *s, const char *from, engine_done_fn fn, void *ctx)
{
	docker_images_check(of(g)->images, s, fn, ctx);
}

static void docker_start(struct engine *g, struct engine_task *t)
{
	t->id[0] = 0;
	docker_task_new(of(g), t, TASK_NEW);
}

static void docker_stop(struct engine *g, struct engine_task *t)
{
	struct docker_task *k = t->priv;
	if (!k)
		return;
	k->stop_asked = true;
	docker_schedule_pump(k->d);
}

static void docker_adopt(struct engine *g, struct engine_task *t)
{
	struct docker_task *k = docker_task_new(of(g), t, TASK_LOOKUP);
	k->adopting = true;
	k->said_started = t->id[0] != 0;
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
	docker_body_key(&t, key, sizeof(key));
	*r = (struct docker_remove){ .d = d, .key = xstrdup(key) };
	while (*at)
		at = &(*at)->next;
	*at = r;
	docker_schedule_pump(d);
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
			"the `docker` program is needed to enter a container and is not on your PATH; install the Docker command line");
	docker_body_owner(d, &uid, &gid);
	docker_body_key(t, key, sizeof(key));
	strv_take(out, client);
	if (docker_conn_endpoint(d->conn))
		strv_fmt(out, "--host=unix://%s", docker_conn_endpoint(d->conn)->socket);
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
	if (!k)
		return;
	docker_conn_heartbeat(k->d->conn);
	if (k->groups)
		cgroup_usage(k->groups, cpu_ns, memory);
}

static void docker_work_owner(struct engine *g, int *uid, int *gid)
{
	*uid = *gid = getuid() == 0 && !of(g)->info->rootless ? DOCKER_NOBODY : -1;
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
