/* dagger_events.h - what one process of the pipeline has said so far: its events.jsonl as a state.
 * Reading it again from its first line gives the same state, so nothing has to be remembered
 * elsewhere. */
#ifndef ENGINE_DAGGER_EVENTS_H
#define ENGINE_DAGGER_EVENTS_H

#include <stdbool.h>

#include "base/buf.h"

/* One task of a process: what the process was told, and what it said. */
struct task_status {
	struct task_status *next;
	char *id,
		*file; /* "claude-1", "check:claude-1"; its task file, NULL = never told to start */
	int n; /* number of the start's control line */
	bool acked, running, ended;
	bool tree; /* at its end: its files are in work/ */
	int checkpoints; /* made so far */
	char *note; /* the newest, NULL = none */
	char *cause, *text; /* of its end */
};

struct dagger_events {
	bool bye;
	char *fatal; /* why the process gave up, NULL = it did not */
	struct task_status *tasks;
	struct buf part; /* of a line that is not whole yet */
};
#define DAGGER_EVENTS_INIT \
	{ \
		.part = BUF_INIT \
	}

void dagger_events_release(struct dagger_events *v);
/* Takes what is new in fd; name is for messages. True = there was something. */
bool dagger_events_read(struct dagger_events *v, int fd, const char *name);
/* NULL = nothing is known of that id; make: then it is made. Valid until release. */
struct task_status *dagger_events_task(struct dagger_events *v, const char *id, bool make);

#endif
