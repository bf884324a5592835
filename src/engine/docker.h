/* docker.h - the parts of the docker engine among themselves; others see only engine_docker.
 *
 * Who does what: docker.c the vtable and the pump; docker_task.c each task's steps; docker_link.c
 * the connection (finding, version, away and back, events, late calls); docker_find.c where a
 * daemon may be; docker_body.c what a container is made of; docker_events.c events and lists;
 * docker_end.c what an inspect means; docker_words.c the sentences; image*.c images (image.h). The
 * daemon's events are hints, an inspect is the truth, the log's exit record tells why.
 *
 * Everything is level-triggered: callbacks set fields and call docker_poke(); the pump then looks
 * at each task and makes the one call it needs next. When the link is lost all calls are dropped
 * and every task is looked up anew on return, so nothing has to be remembered about a call that got
 * no answer. */
#ifndef ENGINE_DOCKER_H
#define ENGINE_DOCKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "engine/docker_usage.h"
#include "engine/engine.h"
#include "engine/http.h"

enum {
	DOCKER_API_FLOOR = 41, /* 1.41, Docker 20.10 */
	DOCKER_API_NEWEST = 51, /* 1.51: newest whose changes were read */
	DOCKER_NOBODY = 65532, /* uid and gid of the command when the conductor is root */
	DOCKER_TRIES = 6, /* create and start sent for one task, a removal sent: then it is over */
	DOCKER_LOOKS = 10, /* inspects that told nothing, then it is over */
	DOCKER_TEXT = 300, /* bytes shown of what a daemon says */
};

/* ---- docker_find.c ---- */
struct docker_place {
	char *socket;
	char *how; /* "DOCKER_HOST", "context work", "default socket" */
};
/* Where to try, in order. -1 with the sentence when what the user chose cannot be used (not a unix
 * socket, unknown context). */
int docker_places(struct docker_place **out, size_t *n, struct err *e);
/* $DOCKER_CONFIG or ~/.docker; NULL = there is no home. The caller frees. */
char *docker_config_dir(void);
void docker_places_free(struct docker_place *p, size_t n);

/* ---- docker_link.c ---- */
enum docker_link { LINK_DOWN, LINK_FINDING, LINK_UP, LINK_AWAY };

struct docker_info {
	char version[64], id[128], arch[32];
	/* where references without a host are, as a login names it */
	char registry[256];
	int api; /* minor: 41 */
	bool memory, pids, cpus; /* limits the daemon can enforce */
	bool rootless, userns, podman, selinux;
};

struct docker_call;
typedef void (*docker_fn)(void *ctx, const struct http_answer *a);
struct docker_req {
	const char *method;
	const char *path; /* after the version: "/containers/json" */
	const struct buf *body;
	const char *content_type;
	const char *header; /* one more, or NULL */
	int upload_fd; /* http.h */
	int64_t upload_size;
	/* a stream of lines, with the call's ctx; not cancelled from in there */
	void (*line)(void *ctx, const char *line, size_t n);
	int timeout_ms;
	/* 0 = 2 s: after that the daemon is asked whether it lives */
	int late_ms;
};

enum task_phase {
	TASK_NEW, /* not asked for yet */
	TASK_LOOK, /* may be there: look it up */
	TASK_CREATED, /* there, not started */
	TASK_RUNNING,
	TASK_DROP, /* created, but not to run: remove it, then `end` */
	TASK_HELD, /* ended by somebody else: is Docker itself about to go? then `end` */
};

struct docker_task {
	struct docker_task *next;
	struct docker *d;
	struct engine_task *t;
	enum task_phase phase;
	struct docker_call *call; /* at most one */
	struct loop_timer *again; /* a second look */
	bool adopting; /* nowhere = gone, instead of: create it */
	bool slot; /* holds one of the window */
	bool dirty; /* an event spoke of it */
	bool stop_asked, stop_sent;
	bool said_started, oom_event;
	int tries, looks;
	int losses; /* of the link, when the task was first seen running */
	bool noted; /* its row says what becomes of its image */
	struct engine_end end; /* of TASK_DROP and TASK_HELD */
	struct docker_usage usage;
};

struct docker_remove {
	struct docker_remove *next;
	struct docker *d;
	char *key;
	bool sent;
	int tries;
};

struct docker_probe {
	struct docker_probe *next;
	engine_probe_fn fn;
	void *ctx;
};

struct docker {
	struct engine base;
	struct loop *loop;
	const struct engine_events *ev;
	char *state_dir, *repo_id, *runner;
	int window, inflight;

	enum docker_link link;
	struct docker_place *places;
	size_t nplaces, place; /* place: tried or used */
	bool settled; /* an engine answered there: stay with it */
	bool renegotiated;
	struct docker_info info;
	struct err failure; /* best reason so far while finding */
	int failure_rank;
	char next_step[256];
	struct http_call *find_call, *events, *ping;
	struct docker_call *calls;
	struct loop_timer *retry, *late, *pump, *probe_over;
	int retry_ms, losses;
	int64_t ping_ms; /* monotonic: when it was last asked whether it lives */
	bool said_away;
	char away_why[512];

	struct docker_task *tasks; /* in the order of start and adopt */
	struct docker_remove *removes;
	struct docker_probe *probes;
	bool probing; /* a ping for them is on its way */
	struct image_ask *asks;
	struct image_source *sources;
};

void docker_poke(struct docker *d); /* the pump runs soon */
void docker_connect(struct docker *d); /* if it is not up or on its way */
void docker_lost(struct docker *d, const struct http_answer *a, const char *what);
/* While somebody watches: asks a link that is UP whether the daemon lives, once a second at most.
 */
void docker_heartbeat(struct docker *d);
void docker_link_close(struct docker *d);
/* A call on a link that is UP. Without a status, a task's call ends in docker_unanswered, other
 * calls get the trouble. When the link is lost meanwhile, a task's call is dropped (task->call
 * cleared), other calls get trouble HTTP_CANCELLED. */
struct docker_call *docker_call(struct docker *d, struct docker_task *task,
	const struct docker_req *r, docker_fn fn, void *ctx);

void docker_call_cancel(struct docker_call *c); /* fn is not called */
int64_t docker_call_uploaded(const struct docker_call *c);

/* ---- docker_task.c ---- */
void docker_step(struct docker_task *k); /* link is up: make the call it needs, if any */
/* Its call got no answer: an inspect tells, after a while, what came of it. */
void docker_unanswered(struct docker_task *k);
void docker_task_free(struct docker_task *k); /* without a word */
/* ended(); k is gone */
void docker_finish(struct docker_task *k, enum engine_cause cause, const char *words);

/* ---- docker_body.c ---- */
/* "yolo-1f2e3d4c-7-claude-1" */
void docker_name(const struct engine_task *t, char *out, size_t n);
/* id, or the name while it has none */
void docker_key(const struct engine_task *t, char *out, size_t n);
/* of the command in the container */
void docker_owner(const struct docker *d, int *uid, int *gid);
/* image = what create names, of image_for. */
int docker_body(const struct docker *d, const struct engine_task *t, const char *image,
	struct buf *out, struct err *e);

/* ---- docker_events.c ---- */
void docker_event(struct docker *d, const char *line, size_t n);
/* percent-encoded; the caller frees */
char *docker_filters(const struct docker *d, bool events);
/* fills ids of tasks by label */
void docker_list(struct docker *d, const struct http_answer *a);

/* ---- docker_words.c ---- */
/* The daemon's own words of an error answer, made safe and cut: "no such image: x". */
void docker_message(const struct http_answer *a, char *out, size_t n);
/* Trouble as a sentence with its next step; returns how much it says (more beats less), for
 * choosing among several places. */
int docker_trouble(const struct docker_place *p, const struct http_answer *a, struct err *e,
	char *next, size_t n);
/* Limits asked and not set, as a sentence, or "": what create warned of; what /info knows (inspect
 * NULL) or inspect shows. */
void docker_discarded(const struct json *created, char *out, size_t n);
void docker_unlimited(const struct docker *d, const struct engine_task *t,
	const struct json *inspect, char *out, size_t n);
/* create or start was refused with a status: the sentence. */
void docker_refused(const struct engine_task *t, bool start, const struct http_answer *a,
	struct engine_end *end);

/* ---- docker_probe.c ---- */
/* answers all who probed, by d->failure or d->info */
void docker_probe_done(struct docker *d);
void docker_probe_again(struct docker *d); /* link is up: does it still answer? */
void docker_probe_over(void *docker); /* their two seconds are over */

/* ---- docker_end.c ---- */
/* Is this container the task's, by its labels? */
bool docker_ours(const struct docker *d, const struct engine_task *t, const struct json *inspect);
/* The container has ended: why, in a sentence. inspect may be NULL (it is gone). True: somebody
 * else ended it, which may be the daemon's own stop, of which we shall know by the loss of the
 * link. */
bool docker_ended(const struct docker_task *k, const struct json *inspect, struct engine_end *end);

/* ---- image.c ---- */
#define DOCKER_EMPTY_IMAGE "yolodeck-empty:1"
/* Queues the quick questions about all images of a spec: well-formed, mounts allowed, files there,
 * made for this processor. What is not here is fetched by the first task that needs it. fn is
 * called once. */
void image_prepare(struct docker *d, const struct spec *s, engine_done_fn fn, void *ctx);
void image_fail(struct docker *d, const struct err *e); /* no daemon: answer all */
void image_pump(struct docker *d); /* link is up: go on with questions and sources */
/* after the tasks had their turn: what nobody waits for ends */
void image_sweep(struct docker *d);
void image_close(struct docker *d);
/* The image of a task that is to be created. 1 = *ref is what create names; 0 = it is being
 * fetched, the task waits and its row says so; -1 = it cannot be had. */
int image_for(struct docker_task *k, const char **ref, struct err *e);
/* create did not find it though it was here: the next image_for looks again. */
void image_gone(struct docker_task *k);

#endif
