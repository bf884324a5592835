/* docker_conn.c - the connection to a Docker daemon (see docker_conn.h).
 *
 * A loss drops all calls and the stream of events. A call that takes long is no loss: the daemon is
 * asked by a ping of its own whether it lives, and only that ping's failure is. */
#include "engine/docker_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/mem.h"

enum {
	PING_MS = 1500,
	INFO_MS = 5000,
	LATE_MS = 2000,
	HEARTBEAT_MS = 1000,
	RETRY_MIN_MS = 250,
	RETRY_MAX_MS = 5000
};

struct docker_call {
	struct docker_call *next;
	struct docker_conn *c;
	struct http_call *http;
	int64_t late_at_ms;
	int late_ms;
	void (*line)(void *ctx, const char *line, size_t n);
	docker_fn fn;
	void *ctx;
};

struct docker_conn {
	struct loop *loop;
	struct docker_conn_events ev;
	char *label;
	enum docker_state state;
	struct docker_endpoint *endpoints;
	size_t nendpoints, at; /* at: tried or used */
	bool settled; /* an engine answered there: stay with it */
	bool renegotiated;
	struct docker_info info;
	struct err failure; /* best reason so far while connecting */
	int failure_rank;
	char next_step[256];
	struct http_call *step, *events, *ping; /* step: the one of connecting */
	struct docker_call *calls;
	struct loop_timer *retry, *late;
	int64_t not_before_ms, ping_ms; /* monotonic: of the next attempt; of the last ping */
	int retry_ms, losses;
};

static const struct docker_endpoint *endpoint(const struct docker_conn *c)
{
	return c->at < c->nendpoints ? &c->endpoints[c->at] : NULL;
}

static struct http_call *get(
	struct docker_conn *c, char *take_path, int timeout_ms, http_fn fn, struct http_request r)
{
	r.socket = endpoint(c)->socket;
	r.method = "GET";
	r.path = take_path;
	r.timeout_ms = timeout_ms;
	r.fn = fn;
	r.ctx = c;
	struct http_call *call = http_start(c->loop, &r);
	free(take_path);
	return call;
}

/* ---- calls ---- */

static void unlink_call(struct docker_call *call)
{
	struct docker_call **at = &call->c->calls;
	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
}

static void drop_all(struct docker_conn *c, bool answer)
{
	struct http_answer none = { .error = HTTP_CANCELLED, .body = BUF_INIT };
	http_cancel(c->step);
	http_cancel(c->events);
	http_cancel(c->ping);
	c->step = c->events = c->ping = NULL;
	while (c->calls) {
		struct docker_call *call = c->calls;
		docker_fn fn = call->fn;
		void *ctx = call->ctx;
		docker_call_cancel(call);
		if (answer)
			fn(ctx, &none);
	}
}

static void fail_later(struct docker_conn *c)
{
	c->state = DOCKER_DOWN;
	c->not_before_ms = clock_mono_ms() + c->retry_ms;
}

static void lost(struct docker_conn *c, const struct http_answer *a, const char *what)
{
	struct err e = ERR_INIT;
	docker_error(endpoint(c), a, &e, c->next_step, sizeof(c->next_step));
	diag(DIAG_INFO, "docker: connection lost (%s): %s", what, e.msg);
	c->losses++;
	c->retry_ms = RETRY_MIN_MS;
	fail_later(c);
	drop_all(c, true);
	c->ev.changed(c->ev.ctx, DOCKER_DOWN, &e);
}

static void arm_late(struct docker_conn *c);

static void on_ping_late(void *ctx, const struct http_answer *a)
{
	struct docker_conn *c = ctx;
	c->ping = NULL;
	if (a->error != HTTP_OK) {
		lost(c, a, "_ping");
		return;
	}
	/* it lives, it is only slow */
	for (struct docker_call *call = c->calls; call; call = call->next)
		if (call->late_at_ms <= clock_mono_ms())
			call->late_at_ms = clock_mono_ms() + LATE_MS;
	arm_late(c);
}

static void ping(struct docker_conn *c)
{
	if (c->state != DOCKER_UP || c->ping)
		return;
	c->ping_ms = clock_mono_ms();
	c->ping = get(c, xstrdup("/_ping"), LATE_MS, on_ping_late, (struct http_request){ 0 });
}

void docker_conn_heartbeat(struct docker_conn *c)
{
	if (clock_mono_ms() - c->ping_ms >= HEARTBEAT_MS)
		ping(c);
}

static void on_late(void *ctx)
{
	struct docker_conn *c = ctx;
	c->late = NULL;
	for (const struct docker_call *call = c->calls; call; call = call->next)
		if (call->late_at_ms <= clock_mono_ms())
			ping(c);
	arm_late(c);
}

/* One timer for the call that is late first; none while a ping is on its way. */
static void arm_late(struct docker_conn *c)
{
	int64_t first = INT64_MAX;
	for (const struct docker_call *call = c->calls; call; call = call->next)
		first = call->late_at_ms < first ? call->late_at_ms : first;
	if (!c->calls) {
		loop_cancel(c->late);
		c->late = NULL;
	} else if (!c->late && !c->ping) {
		c->late = loop_after(c->loop, first - clock_mono_ms(), on_late, c);
	}
}

static void on_call(void *ctx, const struct http_answer *a)
{
	struct docker_call *call = ctx;
	struct docker_conn *c = call->c;
	docker_fn fn = call->fn;
	void *fn_ctx = call->ctx;
	unlink_call(call);
	free(call);
	arm_late(c);
	if (a->error != HTTP_OK)
		ping(c);
	fn(fn_ctx, a);
}

/* What brings lines is not late. */
static void on_call_line(void *ctx, const char *line, size_t n)
{
	struct docker_call *call = ctx;
	call->late_at_ms = clock_mono_ms() + call->late_ms;
	call->line(call->ctx, line, n);
}

void docker_call_cancel(struct docker_call *call)
{
	struct docker_conn *c = call->c;
	http_cancel(call->http);
	unlink_call(call);
	free(call);
	arm_late(c);
}

int64_t docker_call_uploaded(const struct docker_call *call)
{
	return http_uploaded(call->http);
}

struct docker_call *docker_call(
	struct docker_conn *c, const struct docker_request *r, docker_fn fn, void *ctx)
{
	if (c->state != DOCKER_UP)
		bug("docker_call while the connection is not up");
	struct docker_call *call = xcalloc(1, sizeof(*call));
	char *path = xasprintf("/v1.%d%s", c->info.api, r->path);
	*call = (struct docker_call){
		.next = c->calls, .c = c, .fn = fn, .ctx = ctx, .line = r->line
	};
	call->late_ms = r->late_ms ? r->late_ms : LATE_MS;
	call->late_at_ms = clock_mono_ms() + call->late_ms;
	struct http_request q = { .socket = endpoint(c)->socket,
		.method = r->method,
		.path = path,
		.content_type = r->content_type,
		.body = r->body ? r->body->p : NULL,
		.nbody = r->body ? r->body->len : 0,
		.timeout_ms = r->timeout_ms,
		.header = r->header,
		.upload_fd = r->upload_fd,
		.upload_size = r->upload_size,
		.line = r->line ? on_call_line : NULL,
		.fn = on_call,
		.ctx = call };
	call->http = http_start(c->loop, &q);
	free(path);
	c->calls = call;
	arm_late(c);
	return call;
}

struct docker_call *docker_call_simple(struct docker_conn *c, const char *method, const char *path,
	int timeout_ms, docker_fn fn, void *ctx)
{
	struct docker_request r = { .method = method, .path = path, .timeout_ms = timeout_ms };
	return docker_call(c, &r, fn, ctx);
}

/* ---- connecting: ping, info, events ---- */

static void connect_failed(void *ctx)
{
	struct docker_conn *c = ctx;
	struct err e = c->failure;
	c->retry = NULL;
	drop_all(c, true);
	if (!c->settled) {
		docker_endpoints_free(c->endpoints, c->nendpoints);
		c->endpoints = NULL;
		c->nendpoints = c->at = 0;
	}
	fail_later(c);
	c->retry_ms = c->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : c->retry_ms * 2;
	c->ev.changed(c->ev.ctx, DOCKER_DOWN, &e);
}

static void on_events_open(void *ctx)
{
	struct docker_conn *c = ctx;
	const struct err none = ERR_INIT;
	c->state = DOCKER_UP;
	c->retry_ms = RETRY_MIN_MS;
	c->ev.changed(c->ev.ctx, DOCKER_UP, &none);
}

static void on_event_line(void *ctx, const char *line, size_t n)
{
	struct docker_conn *c = ctx;
	c->ev.event(c->ev.ctx, line, n);
}

static void on_events_end(void *ctx, const struct http_answer *a)
{
	struct docker_conn *c = ctx;
	struct http_answer cut = { .error = a->error == HTTP_OK ? HTTP_CUT : a->error,
		.body = BUF_INIT };
	c->events = NULL;
	if (c->state == DOCKER_UP) {
		lost(c, &cut, "events");
		return;
	}
	docker_error(
		endpoint(c), a->status ? a : &cut, &c->failure, c->next_step, sizeof(c->next_step));
	connect_failed(c);
}

static void open_events(struct docker_conn *c)
{
	struct buf path = BUF_INIT;
	char *filters = xasprintf("{\"type\":[\"container\"],\"label\":[\"%s\"]}", c->label);
	buf_fmt(&path, "/v1.%d/events?filters=", c->info.api);
	http_encode(filters, &path);
	free(filters);
	c->events = get(c, buf_take(&path), 0, on_events_end,
		(struct http_request){ .line = on_event_line, .open = on_events_open });
}

static void ping_endpoint(struct docker_conn *c);
static void ask_info(struct docker_conn *c);

static void next_endpoint(struct docker_conn *c, const struct http_answer *a)
{
	struct err e = ERR_INIT;
	char next[sizeof(c->next_step)];
	int rank = docker_error(endpoint(c), a, &e, next, sizeof(next));
	if (rank > c->failure_rank) {
		c->failure_rank = rank;
		c->failure = e;
		memcpy(c->next_step, next, sizeof(next));
	}
	if (!c->settled && ++c->at < c->nendpoints)
		ping_endpoint(c);
	else
		connect_failed(c);
}

static void on_ping(void *ctx, const struct http_answer *a)
{
	struct docker_conn *c = ctx;
	int major = 0, minor = 0;
	c->step = NULL;
	if (a->error != HTTP_OK || a->status != 200 ||
		sscanf(a->api_version, "%d.%d", &major, &minor) != 2 || major != 1) {
		next_endpoint(c, a);
		return;
	}
	if (minor < DOCKER_API_FLOOR) {
		err_set(&c->failure, "docker_old",
			"the Docker engine at %s is too old: it speaks API %.15s, and 1.%d (Docker 20.10) or newer is needed",
			endpoint(c)->socket, a->api_version, DOCKER_API_FLOOR);
		snprintf(c->next_step, sizeof(c->next_step), "upgrade Docker");
		connect_failed(c);
		return;
	}
	c->info.api = minor > DOCKER_API_NEWEST ? DOCKER_API_NEWEST : minor;
	ask_info(c);
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

static void take_info(struct docker_info *i, const struct json *j)
{
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
static bool renegotiate(struct docker_conn *c, const struct http_answer *a)
{
	const char *at = a->status == 400 ? strstr(a->body.p, "API version is 1.") : NULL;
	int minor = at ? (int)strtol(at + 17, NULL, 10) : 0;
	if (c->renegotiated || minor < DOCKER_API_FLOOR || minor > DOCKER_API_NEWEST ||
		minor == c->info.api)
		return false;
	c->renegotiated = true;
	c->info.api = minor;
	ask_info(c);
	return true;
}

static void on_info(void *ctx, const struct http_answer *a)
{
	struct docker_conn *c = ctx;
	struct err e = ERR_INIT;
	c->step = NULL;
	if (a->error == HTTP_OK && renegotiate(c, a))
		return;
	struct json *j = a->error == HTTP_OK && a->status == 200
		? json_parse(a->body.p, a->body.len, &e)
		: NULL;
	if (!j) {
		next_endpoint(c, a);
		return;
	}
	take_info(&c->info, j);
	json_free(j);
	c->settled = true;
	open_events(c);
}

static void ask_info(struct docker_conn *c)
{
	c->step = get(c, xasprintf("/v1.%d/info", c->info.api), INFO_MS, on_info,
		(struct http_request){ 0 });
}

static void ping_endpoint(struct docker_conn *c)
{
	c->step = get(c, xstrdup("/_ping"), PING_MS, on_ping, (struct http_request){ 0 });
}

static void connect_now(void *ctx)
{
	struct docker_conn *c = ctx;
	c->retry = NULL;
	c->state = DOCKER_CONNECTING;
	c->renegotiated = false;
	c->failure_rank = -1;
	err_clear(&c->failure);
	if (c->endpoints || docker_endpoints(&c->endpoints, &c->nendpoints, &c->failure) == 0) {
		ping_endpoint(c);
		return;
	}
	snprintf(c->next_step, sizeof(c->next_step), "change where Docker is looked for");
	connect_failed(c);
}

void docker_conn_open(struct docker_conn *c, bool now)
{
	int64_t pause = now ? 0 : c->not_before_ms - clock_mono_ms();
	if (c->state == DOCKER_UP || c->step || (c->retry && !now) || c->events)
		return;
	loop_cancel(c->retry);
	c->retry = loop_after(c->loop, pause > 0 ? pause : 0, connect_now, c);
}

/* ---- the rest ---- */

struct docker_conn *docker_conn_new(
	struct loop *l, const char *label, const struct docker_conn_events *ev)
{
	struct docker_conn *c = xcalloc(1, sizeof(*c));
	c->loop = l;
	c->label = xstrdup(label);
	c->ev = *ev;
	c->retry_ms = RETRY_MIN_MS;
	return c;
}

void docker_conn_free(struct docker_conn *c)
{
	drop_all(c, false);
	loop_cancel(c->retry);
	loop_cancel(c->late);
	docker_endpoints_free(c->endpoints, c->nendpoints);
	free(c->label);
	free(c);
}

enum docker_state docker_conn_state(const struct docker_conn *c)
{
	return c->state;
}

int docker_conn_losses(const struct docker_conn *c)
{
	return c->losses;
}

const struct docker_info *docker_conn_info(const struct docker_conn *c)
{
	return &c->info;
}

const struct docker_endpoint *docker_conn_endpoint(const struct docker_conn *c)
{
	return endpoint(c);
}

const char *docker_conn_next_step(const struct docker_conn *c)
{
	return c->next_step;
}
