/* docker_link.c - the connection to the daemon: which one, in which version, is it there, and every
 * call on it.
 *
 * Finding is: ping a place (the answer names the version), ask /info once, open the event stream,
 * then list. Only then is the link UP: subscribed first, looked second, so nothing can happen
 * unseen. A loss drops all calls; when tasks wait it is tried again after 0.25 s, doubling to 5 s,
 * else at the next need. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "engine/docker.h"

enum {
	PING_MS = 1500,
	INFO_MS = 5000,
	LIST_MS = 5000,
	LATE_MS = 2000,
	HEARTBEAT_MS = 1000,
	RETRY_MIN_MS = 250,
	RETRY_MAX_MS = 5000
};

struct docker_call {
	struct docker_call *next;
	struct docker *d;
	struct docker_task *task;
	struct http_call *http;
	int64_t late_at_ms;
	int late_ms;
	void (*line)(void *ctx, const char *line, size_t n);
	docker_fn fn;
	void *ctx;
};

static void find_place(struct docker *d);

static const struct docker_place *place(const struct docker *d)
{
	return d->place < d->nplaces ? &d->places[d->place] : NULL;
}

/* ---- calls ---- */

static void unlink_call(struct docker_call *c)
{
	struct docker_call **at = &c->d->calls;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (c->task)
		c->task->call = NULL;
}

static void on_ping_late(void *ctx, const struct http_answer *a);

static void ping_late(struct docker *d)
{
	struct http_request r = { .socket = place(d)->socket,
		.method = "GET",
		.path = "/_ping",
		.timeout_ms = LATE_MS,
		.fn = on_ping_late,
		.ctx = d };
	d->ping_ms = clock_mono_ms();
	d->ping = http_start(d->loop, &r);
}

void docker_heartbeat(struct docker *d)
{
	if (d->link == LINK_UP && !d->ping && clock_mono_ms() - d->ping_ms >= HEARTBEAT_MS)
		ping_late(d);
}

static void on_late(void *ctx)
{
	struct docker *d = ctx;
	int64_t now = clock_mono_ms(), next = -1;
	bool overdue = false;
	d->late = NULL;
	for (const struct docker_call *c = d->calls; c; c = c->next) {
		if (c->late_at_ms <= now)
			overdue = true;
		else if (next < 0 || c->late_at_ms < next)
			next = c->late_at_ms;
	}
	if (overdue && !d->ping) {
		ping_late(d);
	} else if (next >= 0) {
		d->late = loop_after(d->loop, next - now, on_late, d);
	}
}

static void on_ping_late(void *ctx, const struct http_answer *a)
{
	struct docker *d = ctx;
	d->ping = NULL;
	if (a->trouble != HTTP_OK)
		docker_lost(d, a, "_ping");
	else if (d->calls && !d->late) /* it lives, it is only slow */
		d->late = loop_after(d->loop, LATE_MS, on_late, d);
}

static void arm_late(struct docker *d)
{
	if (!d->calls) {
		loop_cancel(d->late);
		d->late = NULL;
	} else if (!d->late && !d->ping) {
		int64_t first = d->calls->late_at_ms;
		for (const struct docker_call *c = d->calls; c; c = c->next)
			first = c->late_at_ms < first ? c->late_at_ms : first;
		d->late = loop_after(d->loop, first - clock_mono_ms(), on_late, d);
	}
}

static void on_call(void *ctx, const struct http_answer *a)
{
	struct docker_call *c = ctx;
	struct docker *d = c->d;
	docker_fn fn = c->fn;
	void *fn_ctx = c->ctx;
	struct docker_task *task = c->task;
	unlink_call(c);
	free(c);
	arm_late(d);
	if (a->trouble == HTTP_OK || !task)
		fn(fn_ctx, a);
	else
		docker_unanswered(task);
	/* one call that got no answer says nothing of the others: whether the daemon lives, it is
	 * asked */
	if (a->trouble != HTTP_OK && d->link == LINK_UP && !d->ping)
		ping_late(d);
	docker_poke(d);
}

/* What brings lines is not late. */
static void on_call_line(void *ctx, const char *line, size_t n)
{
	struct docker_call *c = ctx;
	c->late_at_ms = clock_mono_ms() + c->late_ms;
	c->line(c->ctx, line, n);
}

void docker_call_cancel(struct docker_call *c)
{
	struct docker *d = c->d;
	http_cancel(c->http);
	unlink_call(c);
	free(c);
	arm_late(d);
}

int64_t docker_call_uploaded(const struct docker_call *c)
{
	return http_uploaded(c->http);
}

struct docker_call *docker_call(struct docker *d, struct docker_task *task,
	const struct docker_req *r, docker_fn fn, void *ctx)
{
	if (d->link != LINK_UP)
		bug("docker_call while the link is not up");
	struct docker_call *c = xcalloc(1, sizeof(*c));
	char *path = xasprintf("/v1.%d%s", d->info.api, r->path);
	*c = (struct docker_call){ .next = d->calls, .d = d, .task = task, .fn = fn, .ctx = ctx };
	c->late_ms = r->late_ms ? r->late_ms : LATE_MS;
	c->late_at_ms = clock_mono_ms() + c->late_ms;
	c->line = r->line;
	struct http_request q = { .socket = place(d)->socket,
		.method = r->method,
		.path = path,
		.content_type = r->content_type,
		.timeout_ms = r->timeout_ms,
		.header = r->header,
		.upload_fd = r->upload_fd,
		.upload_size = r->upload_size,
		.line = r->line ? on_call_line : NULL,
		.fn = on_call,
		.ctx = c };
	if (r->body) {
		q.body = r->body->p;
		q.nbody = r->body->len;
	}
	c->http = http_start(d->loop, &q);
	free(path);
	d->calls = c;
	if (task)
		task->call = c;
	arm_late(d);
	return c;
}

static void drop_calls(struct docker *d, bool answer)
{
	struct http_answer none = { .trouble = HTTP_CANCELLED, .body = BUF_INIT };
	while (d->calls) {
		struct docker_call *c = d->calls;
		docker_fn fn = answer && !c->task ? c->fn : NULL;
		void *ctx = c->ctx;
		http_cancel(c->http);
		unlink_call(c);
		free(c);
		if (fn)
			fn(ctx, &none);
	}
	loop_cancel(d->late);
	d->late = NULL;
}

/* ---- lost and back ---- */

static bool needed(const struct docker *d)
{
	return d->tasks || d->removes ||
		d->said_away; /* who was told that it is away is told that it is back */
}

static void on_retry(void *ctx)
{
	struct docker *d = ctx;
	d->retry = NULL;
	docker_connect(d);
}

static void retry_later(struct docker *d)
{
	if (d->retry)
		return;
	d->retry = loop_after(d->loop, d->retry_ms, on_retry, d);
	d->retry_ms = d->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : d->retry_ms * 2;
}

static void say_away(struct docker *d, const struct err *why)
{
	d->link = LINK_AWAY;
	if (!d->tasks || (d->said_away && !strncmp(d->away_why, why->msg, 500)))
		return;
	d->said_away = true;
	snprintf(d->away_why, sizeof(d->away_why), "%.500s", why->msg);
	d->ev->away(d->ev->ctx, why->msg, d->next_step);
}

static void drop_streams(struct docker *d)
{
	http_cancel(d->find_call);
	http_cancel(d->events);
	http_cancel(d->ping);
	d->find_call = d->events = d->ping = NULL;
}

void docker_lost(struct docker *d, const struct http_answer *a, const char *what)
{
	if (d->link != LINK_UP)
		return;
	struct err e = ERR_INIT;
	docker_trouble(place(d), a, &e, d->next_step, sizeof(d->next_step));
	diag(DIAG_INFO, "docker: link lost (%s): %s", what, e.msg);
	d->link = LINK_DOWN;
	d->losses++;
	drop_streams(d);
	drop_calls(d, true);
	for (struct docker_task *k = d->tasks; k; k = k->next) {
		if (k->phase == TASK_NEW && !k->slot)
			continue;
		if (k->phase != TASK_DROP && k->phase != TASK_HELD)
			k->phase = TASK_LOOK;
		k->stop_sent = false;
		k->slot = false;
	}
	for (struct docker_remove *r = d->removes; r; r = r->next)
		r->sent = false;
	d->inflight = 0;
	d->retry_ms = RETRY_MIN_MS;
	if (!needed(d))
		return;
	/* a broken stream may be no more than a restart: the first try will tell; silence needs no
	 * second opinion */
	if (a->trouble == HTTP_TIMEOUT)
		say_away(d, &e);
	retry_later(d);
}

static void connect_failed(struct docker *d)
{
	drop_streams(d);
	d->link = LINK_DOWN;
	if (!d->settled) {
		docker_places_free(d->places, d->nplaces);
		d->places = NULL;
		d->nplaces = d->place = 0;
	}
	docker_probe_done(d);
	image_fail(d, &d->failure);
	if (needed(d)) {
		say_away(d, &d->failure);
		retry_later(d);
	}
}

static void link_up(struct docker *d)
{
	d->link = LINK_UP;
	d->retry_ms = RETRY_MIN_MS;
	if (d->said_away) {
		d->said_away = false;
		d->ev->away(d->ev->ctx, NULL, NULL);
	}
	docker_poke(d);
}

/* ---- events and the list ---- */

static void on_list(void *ctx, const struct http_answer *a)
{
	struct docker *d = ctx;
	d->find_call = NULL;
	if (a->trouble != HTTP_OK || a->status != 200) {
		docker_trouble(place(d), a, &d->failure, d->next_step, sizeof(d->next_step));
		connect_failed(d);
		return;
	}
	docker_list(d, a);
	link_up(d);
}

static void on_event_line(void *ctx, const char *line, size_t n)
{
	docker_event(ctx, line, n);
}

static void on_events_open(void *ctx)
{
	struct docker *d = ctx;
	char *filters = docker_filters(d, false), *path;
	path = xasprintf("/v1.%d/containers/json?all=1&filters=%s", d->info.api, filters);
	struct http_request r = { .socket = place(d)->socket,
		.method = "GET",
		.path = path,
		.timeout_ms = LIST_MS,
		.fn = on_list,
		.ctx = d };
	d->find_call = http_start(d->loop, &r);
	free(path);
	free(filters);
}

static void on_events_end(void *ctx, const struct http_answer *a)
{
	struct docker *d = ctx;
	struct http_answer cut = { .trouble = a->trouble == HTTP_OK ? HTTP_CUT : a->trouble,
		.body = BUF_INIT };
	d->events = NULL;
	if (d->link == LINK_UP) {
		docker_lost(d, &cut, "events");
		return;
	}
	docker_trouble(
		place(d), a->status ? a : &cut, &d->failure, d->next_step, sizeof(d->next_step));
	connect_failed(d);
}

static void open_events(struct docker *d)
{
	char *filters = docker_filters(d, true);
	char *path = xasprintf("/v1.%d/events?filters=%s", d->info.api, filters);
	struct http_request r = { .socket = place(d)->socket,
		.method = "GET",
		.path = path,
		.line = on_event_line,
		.open = on_events_open,
		.fn = on_events_end,
		.ctx = d };
	d->events = http_start(d->loop, &r);
	free(path);
	free(filters);
}

/* ---- finding ---- */

static void ask_info(struct docker *d);

static void next_place(struct docker *d, const struct http_answer *a)
{
	struct err e = ERR_INIT;
	char next[sizeof(d->next_step)];
	int rank = docker_trouble(place(d), a, &e, next, sizeof(next));
	if (rank > d->failure_rank) {
		d->failure_rank = rank;
		d->failure = e;
		memcpy(d->next_step, next, sizeof(next));
	}
	if (!d->settled && ++d->place < d->nplaces)
		find_place(d);
	else
		connect_failed(d);
}

static void on_ping(void *ctx, const struct http_answer *a)
{
	struct docker *d = ctx;
	int major = 0, minor = 0;
	d->find_call = NULL;
	if (a->trouble != HTTP_OK || a->status != 200 ||
		sscanf(a->api_version, "%d.%d", &major, &minor) != 2 || major != 1) {
		next_place(d, a);
		return;
	}
	if (minor < DOCKER_API_FLOOR) {
		err_set(&d->failure, "docker_old",
			"the Docker engine at %s is too old: it speaks API %.15s, and 1.%d (Docker "
			"20.10) "
			"or newer is needed",
			place(d)->socket, a->api_version, DOCKER_API_FLOOR);
		snprintf(d->next_step, sizeof(d->next_step), "upgrade Docker");
		connect_failed(d);
		return;
	}
	d->info.api = minor > DOCKER_API_NEWEST ? DOCKER_API_NEWEST : minor;
	ask_info(d);
}

static bool has_option(const struct json *info, const char *name)
{
	size_t n = strlen(name);
	for (const struct json *s = json_first(json_get(info, "SecurityOptions")); s;
		s = json_next(s)) {
		const char *text = json_to_str(s);
		if (!strncmp(text, "name=", 5) && !strncmp(text + 5, name, n) &&
			(!text[5 + n] || text[5 + n] == ','))
			return true;
	}
	return false;
}

static void take_info(struct docker *d, const struct json *j)
{
	struct docker_info *i = &d->info;
	snprintf(i->version, sizeof(i->version), "%s", json_str(j, "ServerVersion", "?"));
	snprintf(i->id, sizeof(i->id), "%s", json_str(j, "ID", ""));
	snprintf(i->arch, sizeof(i->arch), "%s", json_str(j, "Architecture", ""));
	snprintf(i->registry, sizeof(i->registry), "%s", json_str(j, "IndexServerAddress", ""));
	i->memory = json_bool(j, "MemoryLimit", false);
	i->pids = json_bool(j, "PidsLimit", false);
	i->cpus = json_bool(j, "CpuCfsQuota", false);
	i->podman = json_get(j, "BuildahVersion") != NULL;
	i->rootless = has_option(j, "rootless") || json_bool(j, "Rootless", false);
	i->userns = has_option(j, "userns") && !i->rootless;
	i->selinux = has_option(j, "selinux");
}

/* "client version 1.51 is too new. Maximum supported API version is 1.41": once, then it is an
 * error. */
static bool renegotiate(struct docker *d, const struct http_answer *a)
{
	const char *at = a->status == 400 ? strstr(a->body.p, "API version is 1.") : NULL;
	int minor = at ? (int)strtol(at + 17, NULL, 10) : 0;
	if (d->renegotiated || minor < DOCKER_API_FLOOR || minor > DOCKER_API_NEWEST ||
		minor == d->info.api)
		return false;
	d->renegotiated = true;
	d->info.api = minor;
	ask_info(d);
	return true;
}

static void on_info(void *ctx, const struct http_answer *a)
{
	struct docker *d = ctx;
	struct err e = ERR_INIT;
	d->find_call = NULL;
	if (a->trouble == HTTP_OK && renegotiate(d, a))
		return;
	struct json *j = a->trouble == HTTP_OK && a->status == 200
		? json_parse(a->body.p, a->body.len, &e)
		: NULL;
	if (!j) {
		next_place(d, a);
		return;
	}
	take_info(d, j);
	json_free(j);
	d->settled = true;
	err_clear(&d->failure);
	docker_probe_done(d);
	open_events(d);
}

static void ask_info(struct docker *d)
{
	char *path = xasprintf("/v1.%d/info", d->info.api);
	struct http_request r = { .socket = place(d)->socket,
		.method = "GET",
		.path = path,
		.timeout_ms = INFO_MS,
		.fn = on_info,
		.ctx = d };
	d->find_call = http_start(d->loop, &r);
	free(path);
}

static void find_place(struct docker *d)
{
	struct http_request r = { .socket = place(d)->socket,
		.method = "GET",
		.path = "/_ping",
		.timeout_ms = PING_MS,
		.fn = on_ping,
		.ctx = d };
	d->find_call = http_start(d->loop, &r);
}

void docker_connect(struct docker *d)
{
	if (d->link == LINK_UP || d->link == LINK_FINDING)
		return;
	loop_cancel(d->retry);
	d->retry = NULL;
	d->renegotiated = false;
	d->failure_rank = -1;
	err_clear(&d->failure);
	if (!d->places && docker_places(&d->places, &d->nplaces, &d->failure) < 0) {
		snprintf(d->next_step, sizeof(d->next_step), "change where Docker is looked for");
		connect_failed(d);
		return;
	}
	d->link = LINK_FINDING;
	find_place(d);
}

void docker_link_close(struct docker *d)
{
	drop_streams(d);
	drop_calls(d, false);
	loop_cancel(d->retry);
	loop_cancel(d->probe_over);
	d->retry = d->probe_over = NULL;
	docker_places_free(d->places, d->nplaces);
	d->places = NULL;
	d->link = LINK_DOWN;
}
