/* proc.h - the life of one runner on this machine, shared by local and fake: followed by (pid,
 * start, boot), stopped by signal, its end read from the exit record, because a process that is not
 * our child gives no status. */
#ifndef ENGINE_PROC_H
#define ENGINE_PROC_H

#include "engine/engine.h"
#include "engine/watch.h"

struct proc_set;

struct proc {
	struct proc *next;
	struct proc_set *set;
	struct engine_task *t;
	struct watch *w; /* NULL = not known yet */
	struct loop_timer *soon, *again, *kill;
	/* while it is searched for, until search_until */
	bool (*locate)(struct proc *p, struct child_id *id);
	int64_t search_until;
	struct engine_end end; /* reported when soon fires */
	bool stop_asked;
};

/* All runners an engine follows. ending: adds to end what the engine knows, and releases what it
 * holds of p's task. */
struct proc_set {
	const struct engine_ctx *c;
	struct proc *first;
	void (*ending)(struct proc_set *set, struct proc *p, struct engine_end *end);
};

/* size >= sizeof(struct proc): an engine's own struct begins with it. t->priv is set to it. */
struct proc *proc_new(struct proc_set *set, struct engine_task *t, size_t size);
/* The runner is this process. announce: t->id is set and started() called. Never calls ended() from
 * inside. */
void proc_follow(struct proc *p, const struct child_id *id, bool announce);
/* After a crash between start and identity: asks locate, again while the log is locked (something
 * is just starting), then follows and announces, or ends. */
void proc_find(struct proc *p, bool (*locate)(struct proc *p, struct child_id *id));
/* the oldest process with the task's tag among its arguments */
bool proc_by_tag(struct proc *p, struct child_id *id);
/* Reads the end from the log (or says it is gone) and reports it from the loop; p is freed then. */
void proc_finish(struct proc *p);
/* Reports this end instead. */
void proc_fail(struct proc *p, enum engine_cause cause, const char *reason);
/* TERM now and once more (a runner that was just starting may have missed it), KILL after grace. */
void proc_stop(struct proc *p);
/* Kills what an identity still names, if anything. */
void proc_kill_left(const char *id);
void proc_set_release(struct proc_set *set); /* forgets all; what runs goes on */

/* The task's files for the runner: appended to, O_CLOEXEC, the index locked for as long as any
 * process holds it. */
int proc_open_log(const struct engine_task *t, int fd[2], struct err *e);
bool proc_log_locked(const struct engine_task *t); /* a runner, or what starts it, is alive */
/* --cap --time --grace --setup ... of the runner, --tag; then the caller adds "--" and the command.
 */
void proc_runner_args(const struct engine_task *t, struct strv *argv);
void proc_tag(const struct engine_task *t, char *out, size_t n);

#endif
