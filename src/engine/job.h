/* job.h - the whole life of a child on the loop: started, its output by lines, its end, collected.
 */
#ifndef ENGINE_JOB_H
#define ENGINE_JOB_H

#include "base/child.h"
#include "engine/loop.h"

struct job;
struct job_events {
	/* NULL = out and err of the child_spec are kept; else both come here, without the newline;
	 * a line over 64 KiB in parts */
	void (*line)(void *ctx, const char *line, size_t n);
	/* after the last line; the job is gone then. code: exit status or 128 + signal */
	void (*ended)(void *ctx, int code);
	void *ctx;
};
/* Callbacks come from the loop, never from inside a function of this header. NULL with the
 * sentence. */
struct job *job_start(
	struct loop *l, const struct child_spec *s, const struct job_events *ev, struct err *e);
void job_kill(struct job *j); /* with its process group, if it has one of its own; no callback */
void job_leave(struct job *j); /* it continues, no callback */

#endif
