/* docker_task.c - one task's life: at any moment the one call it needs next, and what each answer
 * makes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "engine/cgroup.h"
#include "engine/docker.h"

enum {
	CREATE_MS = 30000,
	START_MS = 60000,
	INSPECT_MS = 5000,
	REMOVE_MS = 30000,
	RETRY_MS = 200,
	EXIT_DELAY_MS = 1500
};

struct docker_task *docker_task_new(struct docker *d, struct engine_task *t, enum task_phase phase)
{
	struct docker_task *k = xcalloc(1, sizeof(*k)), **at = &d->tasks;
	*k = (struct docker_task){
		.d = d, .t = t, .phase = phase, .losses = docker_conn_losses(d->conn)
	};
	while (*at)
		at = &(*at)->next;
	*at = k;
	t->priv = k;
	docker_schedule_pump(d);
	return k;
}

/* ---- the end of a task ---- */

static void release_slot(struct docker_task *k)
{
	if (!k->slot)
		return;
	k->slot = false;
	k->d->inflight--;
	docker_schedule_pump(k->d);
}

static void take_slot(struct docker_task *k)
{
	if (k->slot)
		return;
	k->slot = true;
	k->d->inflight++;
}

static void cancel_retry(struct docker_task *k)
{
	loop_cancel(k->retry);
	k->retry = NULL;
}

void docker_task_free(struct docker_task *k)
{
	struct docker_task **at = &k->d->tasks;
	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	if (k->call)
		docker_call_cancel(k->call);
	release_slot(k);
	cancel_retry(k);
	free(k->groups);
	k->t->priv = NULL;
	free(k);
}

static void finish(struct docker_task *k, const struct engine_end *end)
{
	struct docker *d = k->d;
	struct engine_task *t = k->t;
	struct engine_end e = *end; /* may be k's own */
	docker_task_free(k);
	d->ev->ended(d->ev->ctx, t, &e);
}

static void set_end(struct engine_end *end, enum engine_cause cause, const char *reason)
{
	*end = (struct engine_end){ .cause = cause, .exit = -1 };
	snprintf(end->reason, sizeof(end->reason), "%.500s", reason);
}

void docker_task_finish(struct docker_task *k, enum engine_cause cause, const char *reason)
{
	struct engine_end end;
	set_end(&end, cause, reason);
	finish(k, &end);
}

/* There is a container that must not run: it is removed first. */
static void remove_first(struct docker_task *k, enum engine_cause cause, const char *reason)
{
	set_end(&k->end, cause, reason);
	k->phase = TASK_REMOVING;
	cancel_retry(k);
}

/* Something asked for is not enforced ("" = nothing): a reason not to run, unless the race allows
 * it. */
static bool refused_unlimited(const struct docker_task *k, char *reason, size_t n)
{
	size_t len = strlen(reason);
	if (!len || k->t->allow_unlimited)
		return false;
	snprintf(reason + len, n - len, "; --allow-unlimited runs it without");
	return true;
}

/* ---- steps: one call each ---- */

static void inspect_later(struct docker_task *k, const char *otherwise);

/* Without an answer the container is inspected after a pause. */
static void on_answer(void *ctx, const struct http_answer *a)
{
	struct docker_task *k = ctx;
	k->call = NULL;
	docker_schedule_pump(k->d);
	if (a->error == HTTP_OK) {
		k->answered(k, a);
	} else if (a->error != HTTP_CANCELLED) {
		release_slot(k);
		k->stop_sent = false;
		if (k->phase != TASK_REMOVING)
			k->phase = TASK_LOOKUP;
		inspect_later(k, "Docker does not answer when it is asked what became of it");
	}
}

static void call(struct docker_task *k, const struct docker_request *r, docker_fn fn)
{
	k->answered = fn;
	k->call = docker_call(k->d->conn, r, on_answer, k);
}

/* A call on its container. */
static void call_container(struct docker_task *k, const char *method, const char *action,
	int timeout_ms, int late_ms, docker_fn fn)
{
	char key[128];
	docker_body_key(k->t, key, sizeof(key));
	char *path = xasprintf("/containers/%s%s", key, action);
	call(k,
		&(struct docker_request){ .method = method,
			.path = path,
			.timeout_ms = timeout_ms,
			.late_ms = late_ms },
		fn);
	free(path);
}

/* ---- create and start ---- */

static void on_create(void *ctx, const struct http_answer *a)
{
	struct docker_task *k = ctx;
	struct err e = ERR_INIT;
	char reason[256];
	if (a->status == 404 && k->tries == 1) { /* the image was removed since we looked */
		release_slot(k);
		k->image = NULL;
		k->image_gone = true;
		return;
	}
	if (a->status == 409) { /* the name is taken: by us before a crash, or by a stranger */
		k->phase = TASK_LOOKUP;
		return;
	}
	struct json *j = a->status == 201 ? json_parse(a->body.p, a->body.len, &e) : NULL;
	const char *id = json_str(j, "Id", "");
	if (!*id) {
		struct engine_end end;
		docker_outcome_refused(k, false, a, &end);
		json_free(j);
		finish(k, &end);
		return;
	}
	snprintf(k->t->id, sizeof(k->t->id), "%s", id);
	k->phase = TASK_CREATED;
	docker_outcome_discarded(j, reason, sizeof(reason));
	json_free(j);
	if (refused_unlimited(k, reason, sizeof(reason)))
		remove_first(k, ENGINE_NOT_STARTED, reason);
}

static void create(struct docker_task *k)
{
	struct buf body = BUF_INIT;
	struct err e = ERR_INIT;
	char name[128], reason[256];
	docker_outcome_unlimited(k->d, k->t, NULL, reason, sizeof(reason));
	if (refused_unlimited(k, reason, sizeof(reason))) {
		docker_task_finish(k, ENGINE_NOT_STARTED, reason);
		return;
	}
	if (docker_body(k->d, k->t, k->image, &body, &e) < 0) {
		docker_task_finish(k, ENGINE_NOT_STARTED, e.msg);
		return;
	}
	docker_body_name(k->t, name, sizeof(name));
	char *path = xasprintf("/containers/create?name=%s", name);
	take_slot(k);
	k->tries++;
	call(k,
		&(struct docker_request){ .method = "POST",
			.path = path,
			.body = &body,
			.timeout_ms = CREATE_MS,
			.late_ms = 5000 },
		on_create);
	free(path);
	buf_release(&body);
}

static void on_start(void *ctx, const struct http_answer *a)
{
	struct docker_task *k = ctx;
	struct engine_end end;
	release_slot(k);
	bool gone = a->status == 404 && strcasestr(a->body.p, "no such container");
	if (a->status == 204 || a->status == 304 || gone) {
		k->phase = TASK_LOOKUP;
		return;
	}
	docker_outcome_refused(k, true, a, &end);
	remove_first(k, end.cause, end.reason);
}

static void start(struct docker_task *k)
{
	take_slot(k);
	k->tries++;
	call_container(k, "POST", "/start", START_MS, 0, on_start);
}

/* ---- inspect: what became of it ---- */

static void inspect_now(void *ctx)
{
	struct docker_task *k = ctx;
	k->retry = NULL;
	if (k->phase == TASK_RUNNING) {
		k->dirty = true;
		k->stop_sent = false;
	} else if (k->phase != TASK_REMOVING) {
		k->phase = TASK_LOOKUP;
	}
	docker_schedule_pump(k->d);
}

/* No usable answer, or an event was ahead of it: inspected again later; after too many retries the
 * task ends with that reason. */
static void inspect_later(struct docker_task *k, const char *otherwise)
{
	if (++k->inspect_retries > DOCKER_INSPECTS)
		docker_task_finish(k, ENGINE_GONE, otherwise);
	else if (!k->retry)
		k->retry = loop_after(k->d->loop, RETRY_MS * k->inspect_retries, inspect_now, k);
}

static void say_started(struct docker_task *k)
{
	if (k->said_started)
		return;
	k->said_started = true;
	k->d->ev->started(k->d->ev->ctx, k->t);
}

static void is_running(struct docker_task *k, const struct json *j)
{
	char reason[256];
	/* an event sent us here, and was ahead of the state */
	bool early = k->phase == TASK_RUNNING;
	k->phase = TASK_RUNNING;
	if (early && k->inspect_retries < DOCKER_INSPECTS) {
		inspect_later(k, "");
		return;
	}
	k->inspect_retries = 0;
	if (early)
		return;
	if (!k->said_started)
		k->losses = docker_conn_losses(k->d->conn);
	if (!k->groups)
		k->groups = cgroup_of((pid_t)json_int(json_get(j, "State"), "Pid", 0));
	docker_outcome_unlimited(k->d, k->t, j, reason, sizeof(reason));
	if (!k->adopting && refused_unlimited(k, reason, sizeof(reason)))
		remove_first(k, ENGINE_NOT_STARTED, reason);
	else
		say_started(k);
}

static void not_there(struct docker_task *k)
{
	struct engine_end end;
	if (k->adopting || k->t->id[0]) {
		docker_outcome_ended(k, NULL, &end);
		finish(k, &end);
	} else {
		k->phase = TASK_NEW; /* the create was never carried out */
		k->inspect_retries = 0;
		release_slot(k);
	}
}

static void exit_delay_over(void *ctx)
{
	struct docker_task *k = ctx;
	k->retry = NULL;
	if (docker_conn_losses(k->d->conn) > k->losses)
		set_end(&k->end, ENGINE_RESTARTED,
			k->d->up ? "Docker restarted" : "Docker was stopped");
	finish(k, &k->end);
}

/* A daemon that is told to stop ends its containers first and then itself. */
static void delay_exit(struct docker_task *k, const struct engine_end *end)
{
	k->end = *end;
	k->phase = TASK_EXIT_DELAYED;
	cancel_retry(k);
	k->retry = loop_after(k->d->loop, EXIT_DELAY_MS, exit_delay_over, k);
}

static void in_the_way(struct docker_task *k)
{
	char name[128], reason[512];
	docker_body_name(k->t, name, sizeof(name));
	snprintf(reason, sizeof(reason),
		"a container named %s is in the way and is not ours; `docker rm %s` removes it",
		name, name);
	docker_task_finish(k, ENGINE_NOT_STARTED, reason);
}

static void take_state(struct docker_task *k, const struct json *j)
{
	const struct json *state = json_get(j, "State");
	const char *status = json_str(state, "Status", "");
	struct engine_end end;
	if (!docker_outcome_ours(k->t, json_get(json_get(j, "Config"), "Labels"))) {
		in_the_way(k);
		return;
	}
	snprintf(k->t->id, sizeof(k->t->id), "%s", json_str(j, "Id", ""));
	if (!strcmp(status, "created")) {
		k->phase = TASK_CREATED;
		k->said_started = k->adopting = false; /* it begins now */
	} else if (!strcmp(status, "running") || !strcmp(status, "paused") ||
		!strcmp(status, "restarting")) {
		is_running(k, j);
	} else if (!strcmp(status, "exited") || !strcmp(status, "dead")) {
		if (strncmp(json_str(state, "StartedAt", "0001-"), "0001-", 5))
			say_started(k); /* it was over before we looked */
		if (docker_outcome_ended(k, j, &end))
			delay_exit(k, &end);
		else
			finish(k, &end);
	} else {
		inspect_later(k, "Docker does not say what became of it");
	}
}

static void on_inspect(void *ctx, const struct http_answer *a)
{
	struct docker_task *k = ctx;
	struct err e = ERR_INIT;
	char said[DOCKER_TEXT], reason[DOCKER_TEXT + 64];
	if (a->status == 404) {
		not_there(k);
		return;
	}
	struct json *j = a->status == 200 ? json_parse(a->body.p, a->body.len, &e) : NULL;
	if (j) {
		take_state(k, j);
		json_free(j);
		return;
	}
	docker_message(a, said, sizeof(said));
	snprintf(reason, sizeof(reason), "Docker cannot say what became of it (%d): %s", a->status,
		said);
	inspect_later(k, reason);
}

static void inspect(struct docker_task *k)
{
	k->dirty = false;
	call_container(k, "GET", "/json", INSPECT_MS, 0, on_inspect);
}

/* ---- stop and remove ---- */

static void on_stop(void *ctx, const struct http_answer *a)
{
	struct docker_task *k = ctx;
	char said[DOCKER_TEXT];
	k->dirty = true;
	if (a->status < 400 || a->status == 404 || a->status == 409)
		return;
	docker_message(a, said, sizeof(said));
	diag(DIAG_WARN, "docker: stop of %s answered %d: %s", k->t->variant, a->status, said);
}

/* The runner forwards TERM and sends KILL itself after the grace; the daemon's own KILL is only for
 * a runner that hangs. */
static void stop(struct docker_task *k)
{
	int seconds = (int)((k->t->grace_ms + 999) / 1000) + 2;
	char action[32];
	snprintf(action, sizeof(action), "/stop?t=%d", seconds);
	k->stop_sent = true;
	call_container(k, "POST", action, (seconds + 10) * 1000, (seconds + 2) * 1000, on_stop);
}

static void on_removed(void *ctx, const struct http_answer *a)
{
	struct docker_task *k = ctx;
	finish(k, &k->end);
}

/* ---- what each phase needs next ---- */

static bool may_begin(const struct docker_task *k)
{
	return k->slot || k->d->inflight < k->d->window;
}

void docker_task_step(struct docker_task *k)
{
	if (k->call || k->retry)
		return;
	bool begins = k->phase == TASK_NEW || k->phase == TASK_CREATED;
	if (begins && k->tries >= DOCKER_TRIES) {
		docker_task_finish(k, ENGINE_NOT_STARTED,
			"Docker did not create and start it in six attempts");
		return;
	}
	if (k->phase == TASK_CREATED && k->stop_asked)
		remove_first(k, ENGINE_STOPPED, "stopped before it started");
	switch (k->phase) {
	case TASK_NEW:
		if (k->stop_asked)
			docker_task_finish(k, ENGINE_STOPPED, "stopped before it started");
		else if (k->image && may_begin(k))
			create(k);
		break;
	case TASK_LOOKUP:
		inspect(k);
		break;
	case TASK_CREATED:
		if (may_begin(k))
			start(k);
		break;
	case TASK_RUNNING:
		if (k->dirty)
			inspect(k);
		else if (k->stop_asked && !k->stop_sent)
			stop(k);
		break;
	case TASK_EXIT_DELAYED:
		break;
	case TASK_REMOVING:
		call_container(k, "DELETE", "?force=1&v=1", REMOVE_MS, 0, on_removed);
		break;
	}
}

void docker_task_lost(struct docker_task *k)
{
	if (k->phase == TASK_NEW && !k->slot)
		return;
	if (k->phase != TASK_REMOVING && k->phase != TASK_EXIT_DELAYED)
		k->phase = TASK_LOOKUP;
	k->stop_sent = false;
	k->slot = false;
}
