/* dagger_pipe.h - the processes of the pipeline: started, given control lines, followed, found
 * again on disk.
 *
 * Between us and a process there are only files (DESIGN 2 and 6): races/7/pipe/<k>/, one directory
 * for each process, never used twice: plan.json and control.jsonl (ours), events.jsonl (its), lock
 * (it holds it, and its pid stands in it). It outlives us.
 *
 * A process stays in the list while it lives or somebody holds it; one that has nothing to do is
 * told to quit after DAGGER_IDLE_MS. */
#ifndef ENGINE_DAGGER_PIPE_H
#define ENGINE_DAGGER_PIPE_H

#include "base/child.h"
#include "engine/dagger_events.h"
#include "engine/loop.h"
#include "engine/watch.h"

enum { DAGGER_IDLE_MS = 10000 };

struct dagger_pipes;
struct dagger_pipe {
	struct dagger_pipe *next;
	struct dagger_pipes *all;
	int race, k; /* its directory: races/<race>/pipe/<k> */
	char *dir, *host, *binary;
	bool collect; /* it only collects what another one left */
	bool quit; /* it was told to leave */
	bool dead; /* events has all that it will ever say */
	struct dagger_events events;

	/* internal */
	int users; /* dagger_pipe_hold */
	int n; /* last number in control.jsonl */
	struct child child; /* when it is our child */
	bool ours;
	struct watch *w;
	int events_fd, wd; /* of events.jsonl and its inotify watch; -1 = none */
	struct loop_timer *idle, *retry; /* retry: who holds its lock? */
};

/* All processes of one engine. */
struct dagger_pipes {
	struct loop *loop;
	/* p said something or died; from the loop, or from within start and scan. */
	void (*changed)(void *ctx, struct dagger_pipe *p);
	void *ctx;
	struct dagger_pipe *first;
	int inotify;
	struct loop_fd *inotify_w;
	struct loop_timer *poll; /* while a process cannot be watched by inotify */
};
void dagger_pipes_init(struct dagger_pipes *all, struct loop *l,
	void (*changed)(void *ctx, struct dagger_pipe *p), void *ctx);
void dagger_pipes_release(struct dagger_pipes *all); /* the processes go on */
/* Puts those of a race that stand on disk into the list; race_dir: <state>/races/7. */
void dagger_pipes_scan(struct dagger_pipes *all, int race, const char *race_dir);
/* The newest process that was told to start id, dead or not; NULL = none was. */
struct dagger_pipe *dagger_pipes_find_started(struct dagger_pipes *all, int race, const char *id);
/* One that takes another task; NULL = none does. */
struct dagger_pipe *dagger_pipes_find_open(
	struct dagger_pipes *all, int race, const char *host, bool collect);

struct dagger_pipe_plan {
	int race;
	const char *race_dir, *repo_id;
	const char *host; /* the Dagger engine, "" = the default one */
	const char *binary; /* the built pipeline */
	const char *runner; /* host path of the runner */
	bool collect;
};
/* Makes a directory with the plan in it, and starts the process there. */
struct dagger_pipe *dagger_pipe_start(
	struct dagger_pipes *all, const struct dagger_pipe_plan *plan, struct err *e);
/* Tells it to start a task; NULL with e when that cannot be written. */
struct task_status *dagger_pipe_start_task(
	struct dagger_pipe *p, const char *id, const char *file, struct err *e);
/* Appends a control line {"n":…, key: value}; value NULL = true. */
int dagger_pipe_tell(struct dagger_pipe *p, const char *key, const char *value, struct err *e);
/* A task of the caller is with it: it is kept, and not told to quit. */
void dagger_pipe_hold(struct dagger_pipe *p);
void dagger_pipe_drop(struct dagger_pipe *p); /* p may be NULL */

#endif
