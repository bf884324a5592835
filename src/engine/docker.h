/* docker.h - the docker engine's own files among themselves; others see only engine_docker.
 *
 * docker.c has the vtable and the pump, and is the only one that knows both the connection
 * (docker_conn.h) and the images (docker_image.h). docker_task.c gives each task its next step,
 * docker_body.c says what a container is made of, docker_outcome.c what the daemon's answers mean.
 * The daemon's events are hints, an inspect is the truth, the log's exit record tells why.
 *
 * Everything is level-triggered: callbacks set fields and call docker_schedule_pump(); the pump
 * then looks at each task and makes the one call it needs next. When the connection is lost every
 * task is looked up again on return, so nothing has to be remembered about a call that got no
 * answer. */
#ifndef ENGINE_DOCKER_H
#define ENGINE_DOCKER_H

#include "base/json.h"
#include "engine/docker_conn.h"
#include "engine/engine.h"

enum {
	DOCKER_NOBODY = 65532, /* uid and gid of the command when the conductor is root */
	DOCKER_TRIES = 6, /* attempts to create and start one task, or to remove a container */
	DOCKER_INSPECTS = 10, /* inspects without a usable answer, then the task ends */
};

enum task_phase {
	TASK_NEW, /* not asked for yet */
	TASK_LOOKUP, /* may be there: inspect it */
	TASK_CREATED, /* there, not started */
	TASK_RUNNING,
	TASK_REMOVING, /* created, but not to run: remove it, then `end` */
	TASK_EXIT_DELAYED, /* ended from outside, perhaps by a daemon that is stopping; then `end`
			    */
};

struct docker_task {
	struct docker_task *next;
	struct docker *d;
	struct engine_task *t;
	enum task_phase phase;
	struct docker_call *call; /* at most one */
	docker_fn answered; /* what its answer is given to */
	struct loop_timer *retry; /* a second inspect; or the end of TASK_EXIT_DELAYED */
	const char *image; /* what create names; NULL = not there yet */
	bool image_gone; /* create did not find it */
	bool adopting; /* nowhere = gone, instead of: create it */
	bool slot; /* holds one of the window */
	bool dirty; /* an event spoke of it */
	bool stop_asked, stop_sent;
	bool said_started, oom_event;
	int tries, inspect_retries;
	int losses; /* of the connection, when the task was first seen running */
	char note[200]; /* what its row says */
	struct engine_end end; /* of TASK_REMOVING and TASK_EXIT_DELAYED */
	char *groups; /* its control groups (cgroup.h), once it runs */
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
	struct docker_conn *conn;
	const struct docker_info *info; /* the connection's */
	struct docker_images *images;
	int window, inflight;
	bool up, listed; /* connected; its containers were listed since */
	bool listing;
	bool said_away;
	char away_why[512];
	struct err failure; /* why it is not up; "" = nothing is known */
	struct loop_timer *pump, *probe_over;
	struct docker_task *tasks; /* in the order of start and adopt */
	struct docker_remove *removes;
	struct docker_probe *probes;
	bool probing; /* a ping for them is on its way */
};

void docker_schedule_pump(struct docker *d); /* it runs soon */
void docker_event(void *docker, const char *line, size_t n); /* one of the daemon's events */

/* ---- docker_task.c ---- */
struct docker_task *docker_task_new(struct docker *d, struct engine_task *t, enum task_phase phase);
void docker_task_free(struct docker_task *k); /* no callback */
/* Connected: makes the call that the task needs next, if any. */
void docker_task_step(struct docker_task *k);
/* The connection is lost, and with it the call. */
void docker_task_lost(struct docker_task *k);
/* ended(); k is gone */
void docker_task_finish(struct docker_task *k, enum engine_cause cause, const char *reason);

/* ---- docker_body.c ---- */
/* "yolo-1f2e3d4c-7-claude-1" */
void docker_body_name(const struct engine_task *t, char *out, size_t n);
/* id, or the name while it has none */
void docker_body_key(const struct engine_task *t, char *out, size_t n);
/* of the command in the container */
void docker_body_owner(const struct docker *d, int *uid, int *gid);
/* What POST /containers/create is given. */
int docker_body(const struct docker *d, const struct engine_task *t, const char *image,
	struct buf *out, struct err *e);

/* ---- docker_outcome.c ---- */
/* Is this container the task's, by its labels? */
bool docker_outcome_ours(const struct engine_task *t, const struct json *labels);
/* The container has ended: why, in a sentence. inspect may be NULL (it is gone). True: it
 * was ended from outside, which may be the daemon's own stop, of which we shall know by the loss of
 * the connection. */
bool docker_outcome_ended(
	const struct docker_task *k, const struct json *inspect, struct engine_end *end);
/* create or start was refused with a status: the sentence. */
void docker_outcome_refused(const struct docker_task *k, bool start, const struct http_answer *a,
	struct engine_end *end);
/* A limit that was asked for and does not bind ("memory limit not enforced here"), or "": by what
 * create answered; by /info and, if there is one, an inspect. */
void docker_outcome_discarded(const struct json *created, char *out, size_t n);
void docker_outcome_unlimited(const struct docker *d, const struct engine_task *t,
	const struct json *inspect, char *out, size_t n);

#endif
