/* dagger.h - the parts of the dagger engine among themselves; others see only engine_dagger.
 *
 * Who does what: dagger.c the vtable and each task's steps; dagger_ready.c what a task needs before
 * it can be sent (program, image, task file), in a worker; dagger_pipe.c one process of the
 * pipeline: its directory, control lines and events; dagger_scan.c the processes found on disk;
 * dagger_probe.c which dagger, which engine; dagger_prepare.c pins and judges the program of a
 * race.
 *
 * Between us and the pipeline there are only files (DESIGN 2 and 6): races/7/pipe/<k>/, one
 * directory for each process, never used twice: plan.json, control.jsonl (ours), events.jsonl and
 * lock (its). It outlives us; what it has done is read from its first line on, so every state of a
 * task is what its events say, and nothing has to be remembered here.
 *
 * A process that dies leaves volumes in the Dagger engine. For what had been started another
 * process is sent to collect it
 * ("collect_only"); only when that one fails too a task is gone. */
#ifndef ENGINE_DAGGER_H
#define ENGINE_DAGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/child.h"
#include "engine/engine.h"
#include "engine/watch.h"

#define DAGGER_SDK \
	"v0.21.8" /* the SDK in templates/pipeline/go.mod; engine and dagger command must be the \
		     same */
enum {
	DAGGER_UID = 65532,
	/* a process with nothing to do is asked to leave after that */
	DAGGER_IDLE_MS = 10000,
	/* between two checkpoints that a watcher causes, at least */
	DAGGER_REFRESH_MS = 5000,
	/* and at least so many times as long as the last one took */
	DAGGER_REFRESH_SHARE = 20,
	/* processes a start is given to that never began it, and that die while they collect it */
	DAGGER_TRIES = 2,
};

/* ---- dagger_probe.c ---- */
struct dagger_tools {
	char *cli, *go; /* absolute; NULL = not found */
	/* _EXPERIMENTAL_DAGGER_RUNNER_HOST, or NULL: the dagger command's own choice */
	char *host;
};
void dagger_tools_find(struct dagger_tools *t);
void dagger_tools_release(struct dagger_tools *t);
/* Blocking, within a second: is all there, does an engine answer? Fills ok, code, why. */
void dagger_look(const struct dagger_tools *t, const char *host, struct engine_report *r);

/* ---- dagger_pipe.c ---- */
/* What one process was told of and said of one id. */
struct dagger_known {
	struct dagger_known *next;
	char *id, *file; /* "claude-1", "check:claude-1"; its task file */
	int n; /* of the start's control line */
	bool acked, running, ended;
	bool tree; /* at its end: its files are in work/ */
	int checkpoints; /* made so far */
	char *note; /* NULL = none */
	char *cause, *text; /* of its end */
};

struct dagger_pipe {
	struct dagger_pipe *next;
	struct dagger *d;
	int race, k;
	char *dir, *host, *binary;
	bool collect; /* it only collects */
	bool hello, bye, quit, dead;
	char *fatal; /* its last words, NULL = none */
	struct dagger_known *known;
	struct child child; /* when it is our child */
	bool ours;
	struct watch *w;
	int events, wd; /* events.jsonl, its inotify watch; -1 = none */
	struct buf part; /* of a line */
	int n; /* last number in control.jsonl */
	struct loop_timer *idle, *retry; /* retry: who holds its lock? */
};

struct dagger_task {
	struct dagger_task *next;
	struct dagger *d;
	struct engine_task *t;
	struct dagger_ready *ready; /* under way in a worker */
	struct dagger_pipe *p; /* NULL = not sent yet */
	struct dagger_known *known; /* in p */
	char *id, *file, *binary;
	bool said_started, stop_asked, stop_sent;
	int tries, collectors;
	char *note; /* last one told */
	/* when the last was asked for (0 = it came), the log then; not before */
	int64_t refresh_ms, refresh_size, refresh_next;
	int refresh_seen;
	int64_t since_ms; /* of the readying, for its note */
	struct loop_timer *soon, *tick;
	bool has_end; /* told when soon fires */
	struct engine_end end;
};

struct dagger {
	struct engine engine;
	struct engine_ctx c;
	int inotify;
	struct loop_fd *inotify_w;
	struct loop_timer *poll; /* where there is no inotify left */
	struct dagger_pipe *pipes;
	struct dagger_task *tasks;
	struct dagger_ask *asks; /* probes and preparations in a worker */
};

/* Starts a process for a race: makes its directory and plan. race_dir: <state>/races/7. */
struct dagger_pipe *dagger_pipe_start(
	struct dagger *d, const struct dagger_task *k, bool collect, struct err *e);
/* Loads what stands in a directory, and follows the process if it lives. NULL = it holds no plan.
 */
struct dagger_pipe *dagger_pipe_load(struct dagger *d, int race, int number, const char *dir);
/* Appends a control line {"n":…, key: value}; value NULL = true. */
int dagger_pipe_tell(struct dagger_pipe *p, const char *key, const char *value, struct err *e);
void dagger_pipe_read(struct dagger_pipe *p); /* takes what is new in events.jsonl */
struct dagger_known *dagger_pipe_known(struct dagger_pipe *p, const char *id, bool make);
void dagger_pipe_free(struct dagger_pipe *p); /* it goes on */
void dagger_pipe_used(struct dagger_pipe *p); /* a task came or went: the idle timer */

/* ---- dagger_scan.c ---- */
void dagger_scan(struct dagger *d, int race, const char *race_dir);
/* The newest process that was told to start id, dead or not. */
struct dagger_pipe *dagger_find_started(struct dagger *d, int race, const char *id);
struct dagger_pipe *dagger_find_open(struct dagger *d, int race, const char *host, bool collect);

/* ---- dagger_ready.c ---- */
void dagger_ready_start(struct dagger_task *k);
void dagger_ready_forget(struct dagger_task *k); /* its answer is not wanted any more */

/* ---- dagger.c ---- */
void dagger_send(struct dagger_task *k); /* ready: to a process that is open, or a new one */
/* looks at what is known of it; k may be gone afterwards */
void dagger_step(struct dagger_task *k);
void dagger_step_all(struct dagger_pipe *p);
void dagger_fail(struct dagger_task *k, enum engine_cause cause, const char *reason);
void dagger_say(struct dagger_task *k, const char *note);
void dagger_watch_all(struct dagger *d);

/* ---- dagger_prepare.c ---- */
int dagger_suits(const struct spec *s, struct err *e);
void dagger_probe(struct engine *g, engine_probe_fn fn, void *ctx);
void dagger_prepare(
	struct engine *g, struct spec *s, const char *from, engine_done_fn fn, void *ctx);
void dagger_forget_asks(struct dagger *d);
/* <state>/pipelines; the caller frees. */
char *dagger_cache(const struct dagger *d);

#endif
