/* docker_task.c - one task's life: at any moment the one call it needs next, and what each answer
 * makes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "engine/docker.h"

enum {
	CREATE_MS = 30000,
	START_MS = 60000,
	INSPECT_MS = 5000,
	DROP_MS = 30000,
	LOOK_MS = 200,
	HOLD_MS = 1500
};

/* ---- the end of a task ---- */

static void release_slot(struct docker_task *k)
{
	if (!k->slot)
		return;
	k->slot = false;
	k->d->inflight--;
	docker_poke(k->d);
}

void docker_task_free(struct docker_task *k)
{
	struct docker_task **at = &k->d->tasks;
	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	release_slot(k);
	loop_cancel(k->again);
	docker_usage_close(&k->usage);
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

void docker_finish(struct docker_task *k, enum engine_cause cause, const char *words)
{
	struct engine_end end = { .cause = cause, .exit = -1 };
	snprintf(end.reason, sizeof(end.reason), "%.500s", words);
	finish(k, &end);
}

/* There is a container that must not run: away with it first. */
static void drop(struct docker_task *k, enum engine_cause cause, const char *words)
{
	k->end = (struct engine_end){ .cause = cause, .exit = -1 };
	snprintf(k->end.reason, sizeof(k->end.reason), "%.500s", words);
	k->phase = TASK_DROP;
	loop_cancel(k->again);
	k->again = NULL;
	docker_poke(k->d);
}

/* Something asked for is not enforced ("" = nothing): a reason not to run, unless the race allows
 * it. */
static bool refused_unlimited(const struct docker_task *k, char *words, size_t n)
{
	size_t len = strlen(words);
	if (!len || k->t->allow_unlimited)
		return false;
	snprintf(words + len, n - len, "; --allow-unlimited runs it without");
	return true;
}

/* ---- steps: one call each ---- */

static void call(
	struct docker_task *k, const char *method, const char *action, int timeout_ms, docker_fn fn)
{
	char key[128], *path;
	docker_key(k->t, key, sizeof(key));
	path = xasprintf("/containers/%s%s", key, action);
	docker_call(k->d, k,
		&(struct docker_req){ .method = method, .path = path, .timeout_ms = timeout_ms },
		fn, k);
	free(path);
}

static void on_create(void *ctx, const struct http_answer *a)
{
	struct docker_task *k = ctx;
	struct err e = ERR_INIT;
	char words[256];
	if (a->status == 404 && k->tries == 1) { /* the image was removed since we looked */
		release_slot(k);
		image_gone(k);
		return;
	}
	if (a->status == 409) { /* the name is taken: by us before a crash, or by a stranger */
		k->phase = TASK_LOOK;
		return;
	}
	struct json *j = a->status == 201 ? json_parse(a->body.p, a->body.len, &e) : NULL;
	const char *id = json_str(j, "Id", "");
	if (!*id) {
		struct engine_end end;
		docker_refused(k->t, false, a, &end);
		json_free(j);
		finish(k, &end);
		return;
	}
	snprintf(k->t->id, sizeof(k->t->id), "%s", id);
	k->phase = TASK_CREATED;
	docker_discarded(j, words, sizeof(words));
	json_free(j);
	if (refused_unlimited(k, words, sizeof(words)))
		drop(k, ENGINE_NOT_STARTED, words);
}

static bool may_begin(const struct docker_task *k)
{
	return k->slot || k->d->inflight < k->d->window;
}

static void create(struct docker_task *k)
{
	struct docker *d = k->d;
	struct buf body = BUF_INIT;
	struct err e = ERR_INIT;
	char name[128], words[256];
	const char *image = NULL;
	int have = image_for(k, &image, &e);
	if (have <= 0 || !may_begin(k)) {
		if (have < 0)
			docker_finish(k, ENGINE_NOT_STARTED, e.msg);
		return;
	}
	docker_unlimited(d, k->t, NULL, words, sizeof(words));
	if (refused_unlimited(k, words, sizeof(words))) {
		docker_finish(k, ENGINE_NOT_STARTED, words);
		return;
	}
	if (docker_body(d, k->t, image, &body, &e) < 0) {
		docker_finish(k, ENGINE_NOT_STARTED, e.msg);
		return;
	}
	docker_name(k->t, name, sizeof(name));
	char *path = xasprintf("/containers/create?name=%s", name);
	k->slot = true;
	d->inflight++;
	k->tries++;
	docker_call(d, k,
		&(struct docker_req){ .method = "POST",
			.path = path,
			.body = &body,
			.timeout_ms = CREATE_MS,
			.late_ms = 5000 },
		on_create, k);
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
		k->phase = TASK_LOOK;
		return;
	}
	docker_refused(k->t, true, a, &end);
	drop(k, end.cause, end.reason);
}

static void start(struct docker_task *k)
{
	if (!k->slot) {
		k->slot = true;
		k->d->inflight++;
	}
	k->tries++;
	call(k, "POST", "/start", START_MS, on_start);
}

static void look_again(void *ctx)
{
	struct docker_task *k = ctx;
	k->again = NULL;
	if (k->phase == TASK_RUNNING) {
		k->dirty = true;
		k->stop_sent = false;
	} else if (k->phase != TASK_DROP) {
		k->phase = TASK_LOOK;
	}
	docker_poke(k->d);
}

/* The inspect told nothing we can use, or an event was ahead of it. */
static void look_later(struct docker_task *k, const char *what)
{
	if (++k->looks > DOCKER_LOOKS) {
		docker_finish(k, ENGINE_GONE, what);
		return;
	}
	if (!k->again)
		k->again = loop_after(k->d->loop, LOOK_MS * k->looks, look_again, k);
}

void docker_unanswered(struct docker_task *k)
{
	release_slot(k);
	k->stop_sent = false;
	if (k->phase != TASK_DROP)
		k->phase = TASK_LOOK;
	look_later(k, "Docker does not answer when it is asked what became of it");
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
	char words[256];
	bool told =
		k->phase == TASK_RUNNING; /* an event sent us here, and was ahead of the state */
	k->phase = TASK_RUNNING;
	if (told) {
		if (k->looks < DOCKER_LOOKS)
			look_later(k, "");
		else
			k->looks = 0;
		return;
	}
	k->looks = 0;
	k->losses = k->said_started ? k->losses : k->d->losses;
	if (k->usage.cpu < 0)
		docker_usage_open(&k->usage, (pid_t)json_int(json_get(j, "State"), "Pid", -1));
	docker_unlimited(k->d, k->t, j, words, sizeof(words));
	if (!k->adopting && refused_unlimited(k, words, sizeof(words))) {
		drop(k, ENGINE_NOT_STARTED, words);
		return;
	}
	say_started(k);
}

static void not_there(struct docker_task *k)
{
	struct engine_end end;
	if (k->adopting || k->t->id[0]) {
		docker_ended(k, NULL, &end);
		finish(k, &end);
	} else {
		k->phase = TASK_NEW; /* the create was never carried out */
		k->looks = 0;
		release_slot(k);
	}
}

static void held_over(void *ctx)
{
	struct docker_task *k = ctx;
	k->again = NULL;
	if (k->d->losses > k->losses) {
		k->end.cause = ENGINE_RESTARTED;
		snprintf(k->end.reason, sizeof(k->end.reason), "%s",
			k->d->link == LINK_UP ? "Docker restarted" : "Docker was stopped");
	}
	finish(k, &k->end);
}

/* A daemon that is told to stop ends its containers first and then itself. */
static void hold(struct docker_task *k, const struct engine_end *end)
{
	k->end = *end;
	k->phase = TASK_HELD;
	loop_cancel(k->again);
	k->again = loop_after(k->d->loop, HOLD_MS, held_over, k);
}

static void take_state(struct docker_task *k, const struct json *j)
{
	const char *status = json_str(json_get(j, "State"), "Status", "");
	struct engine_end end;
	char words[512];
	if (!docker_ours(k->d, k->t, j)) {
		char name[128];
		docker_name(k->t, name, sizeof(name));
		snprintf(words, sizeof(words),
			"a container named %s is in the way and is not ours; `docker rm %s` "
			"removes it",
			name, name);
		docker_finish(k, ENGINE_NOT_STARTED, words);
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
		if (strncmp(json_str(json_get(j, "State"), "StartedAt", "0001-"), "0001-", 5))
			say_started(k); /* it was over before we looked */
		if (docker_ended(k, j, &end))
			hold(k, &end);
		else
			finish(k, &end);
	} else {
		look_later(k, "Docker does not say what became of it");
	}
}

static void on_inspect(void *ctx, const struct http_answer *a)
{
	struct docker_task *k = ctx;
	struct err e = ERR_INIT;
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
	char said[DOCKER_TEXT], words[DOCKER_TEXT + 64];
	docker_message(a, said, sizeof(said));
	snprintf(words, sizeof(words), "Docker cannot say what became of it (%d): %s", a->status,
		said);
	look_later(k, words);
}

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
	char key[128];
	int64_t seconds = (k->t->grace_ms + 999) / 1000 + 2;
	docker_key(k->t, key, sizeof(key));
	char *path = xasprintf("/containers/%s/stop?t=%lld", key, (long long)seconds);
	k->stop_sent = true;
	docker_call(k->d, k,
		&(struct docker_req){ .method = "POST",
			.path = path,
			.timeout_ms = (int)(seconds + 10) * 1000,
			.late_ms = (int)(seconds + 2) * 1000 },
		on_stop, k);
	free(path);
}

static void on_dropped(void *ctx, const struct http_answer *a)
{
	struct docker_task *k = ctx;
	finish(k, &k->end);
}

void docker_step(struct docker_task *k)
{
	if (k->call || k->again)
		return;
	bool begins = k->phase == TASK_NEW || k->phase == TASK_CREATED;
	if (begins && k->tries >= DOCKER_TRIES) {
		docker_finish(k, ENGINE_NOT_STARTED,
			"Docker did not create and start it in six attempts");
		return;
	}
	switch (k->phase) {
	case TASK_NEW:
		if (k->stop_asked)
			docker_finish(k, ENGINE_STOPPED, "stopped before it started");
		else
			create(k);
		break;
	case TASK_LOOK:
		call(k, "GET", "/json", INSPECT_MS, on_inspect);
		break;
	case TASK_CREATED:
		if (k->stop_asked)
			drop(k, ENGINE_STOPPED, "stopped before it started");
		else if (may_begin(k))
			start(k);
		break;
	case TASK_RUNNING:
		if (k->dirty) {
			k->dirty = false;
			call(k, "GET", "/json", INSPECT_MS, on_inspect);
		} else if (k->stop_asked && !k->stop_sent) {
			stop(k);
		}
		break;
	case TASK_HELD:
		break;
	case TASK_DROP:
		call(k, "DELETE", "?force=1&v=1", DROP_MS, on_dropped);
		break;
	}
}
