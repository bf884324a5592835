/* docker_conn.h - the connection to a Docker daemon: at which endpoint, in which version of the
 * API, is it there, and every call on it. Knows HTTP, not containers.
 *
 * Connecting is: ping an endpoint (the answer names the version), ask /info once, open the stream
 * of events. Only then is it UP: whoever then looks at the daemon's state misses nothing that
 * happens later. Ended streams and a ping without an answer end the connection; a single call that
 * fails does not. Callbacks come from the loop, never from inside a function of this header. */
#ifndef ENGINE_DOCKER_CONN_H
#define ENGINE_DOCKER_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/docker_errors.h"

enum {
	DOCKER_API_FLOOR = 41, /* 1.41, Docker 20.10 */
	DOCKER_API_NEWEST = 51, /* 1.51: newest whose changes were read */
};

struct docker_info {
	char version[64], id[128], arch[32];
	/* where references without a host are, as a login names it */
	char registry[256];
	int api; /* minor: 41 */
	bool memory, pids, cpus; /* limits the daemon can enforce */
	bool rootless, userns, podman, selinux;
};

enum docker_state { DOCKER_DOWN, DOCKER_CONNECTING, DOCKER_UP };

struct docker_conn;
struct docker_conn_events {
	/* UP (e empty), or DOWN: it was lost, or could not be made. All calls are over by then. */
	void (*changed)(void *ctx, enum docker_state state, const struct err *e);
	/* one event, a JSON object */
	void (*event)(void *ctx, const char *line, size_t n);
	void *ctx;
};
/* label: of the containers whose events are wanted ("yolodeck.repo=1f2e"). */
struct docker_conn *docker_conn_new(
	struct loop *l, const char *label, const struct docker_conn_events *ev);
void docker_conn_free(struct docker_conn *c); /* no callback any more */

/* Connects if it is DOWN: at once, or (now false) not before the pause after the last failure is
 * over, 0.25 s doubling to 5 s. */
void docker_conn_open(struct docker_conn *c, bool now);
/* Pings the daemon, once a second at most: for as long as a client watches. */
void docker_conn_heartbeat(struct docker_conn *c);
enum docker_state docker_conn_state(const struct docker_conn *c);
int docker_conn_losses(const struct docker_conn *c); /* how often it was UP and then lost */
/* Of the daemon that answered last; all zero before. */
const struct docker_info *docker_conn_info(const struct docker_conn *c);
/* The one that answered, or is tried; NULL = none is known. */
const struct docker_endpoint *docker_conn_endpoint(const struct docker_conn *c);
/* What the user can do about the last error; "" = nothing is known. */
const char *docker_conn_next_step(const struct docker_conn *c);

struct docker_call;
typedef void (*docker_fn)(void *ctx, const struct http_answer *a);
struct docker_request {
	const char *method;
	const char *path; /* after the version: "/containers/json" */
	const struct buf *body;
	const char *content_type;
	const char *header; /* one more, or NULL */
	int upload_fd; /* http.h */
	int64_t upload_size;
	/* a stream of lines; the call is not cancelled from in there */
	void (*line)(void *ctx, const char *line, size_t n);
	int timeout_ms;
	/* 0 = 2 s: after that without an answer or a line the daemon is asked whether it lives */
	int late_ms;
};
/* While it is UP. fn is called once; with the error HTTP_CANCELLED when the connection was lost. */
struct docker_call *docker_call(
	struct docker_conn *c, const struct docker_request *r, docker_fn fn, void *ctx);
/* The short form: a GET, POST or DELETE of that path with a time limit and nothing else. */
struct docker_call *docker_call_simple(struct docker_conn *c, const char *method, const char *path,
	int timeout_ms, docker_fn fn, void *ctx);
void docker_call_cancel(struct docker_call *call); /* fn is not called */
int64_t docker_call_uploaded(const struct docker_call *call);

#endif
