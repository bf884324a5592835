/* proc.c - following, stopping and ending a runner of this machine. */
#include "engine/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { AGAIN_MS = 300, LATE_MS = 3000, SEARCH_MS = 50, SEARCH_MAX_MS = 5000 };

struct proc *proc_new(struct proc_set *set, struct engine_task *t, size_t size)
{
	struct proc *p = xcalloc(1, size);

	p->set = set;
	p->t = t;
	p->next = set->first;
	set->first = p;
	t->priv = p;
	return p;
}

static void disarm(struct proc *p)
{
	struct loop_timer **all[] = { &p->soon, &p->again, &p->kill };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (*all[i])
			loop_cancel(*all[i]);
		*all[i] = NULL;
	}
	watch_free(p->w);
	p->w = NULL;
}

static void proc_free(struct proc *p)
{
	struct proc **at = &p->set->first;

	disarm(p);
	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
	free(p);
}

static void report_end(void *ctx)
{
	struct proc *p = ctx;
	struct engine_task *t = p->t;
	const struct engine_events *ev = p->set->c->ev;
	struct engine_end end = p->end;

	p->soon = NULL;
	p->set->ending(p->set, p, &end);
	t->priv = NULL;
	proc_free(p);
	ev->ended(ev->ctx, t, &end);
}

static void report_end_soon(struct proc *p)
{
	disarm(p);
	p->soon = loop_after(p->set->c->loop, 0, report_end, p);
}

static bool rebooted(const struct engine_task *t)
{
	struct child_id id;

	return *t->id && watch_parse(t->id, &id) == 0 && !child_same_boot(&id);
}

void proc_finish(struct proc *p)
{
	struct engine_end *end = &p->end;

	if (!engine_end_from_log(p->t, end)) {
		end->exit = -1;
		end->cause = ENGINE_GONE;
		snprintf(end->reason, sizeof end->reason,
			"its process is gone and left no exit record");
		if (p->stop_asked) {
			end->exit = 128 + SIGKILL;
			end->cause = ENGINE_STOPPED;
			snprintf(end->reason, sizeof end->reason, "stopped");
		} else if (rebooted(p->t)) {
			end->cause = ENGINE_RESTARTED;
			snprintf(end->reason, sizeof end->reason, "the machine was restarted");
		}
	}
	report_end_soon(p);
}

void proc_fail(struct proc *p, enum engine_cause cause, const char *reason)
{
	p->end.cause = cause;
	p->end.exit = -1;
	snprintf(p->end.reason, sizeof p->end.reason, "%s", reason);
	report_end_soon(p);
}

static void process_ended(void *ctx)
{
	proc_finish(ctx);
}

static void repeat_term(void *ctx)
{
	struct proc *p = ctx;

	p->again = NULL;
	watch_signal(p->w, SIGTERM);
}

static void send_kill(void *ctx)
{
	struct proc *p = ctx;

	p->kill = NULL;
	watch_signal(p->w, SIGKILL);
}

static void send_term(struct proc *p)
{
	struct loop *l = p->set->c->loop;

	watch_signal(p->w, SIGTERM);
	if (!p->again)
		p->again = loop_after(l, AGAIN_MS, repeat_term, p);
	/* the runner itself kills after grace; this is for one that cannot any more */
	if (!p->kill)
		p->kill = loop_after(l, p->t->grace_ms + LATE_MS, send_kill, p);
}

void proc_stop(struct proc *p)
{
	p->stop_asked = true;
	if (p->w)
		send_term(p);
}

void proc_follow(struct proc *p, const struct child_id *id, bool announce)
{
	const struct engine_events *ev = p->set->c->ev;

	p->w = watch_new(p->set->c->loop, id, process_ended, p);
	if (announce) {
		watch_format(id, p->t->id, sizeof p->t->id);
		ev->started(ev->ctx, p->t);
	}
	if (!p->w)
		proc_finish(p);
	else if (p->stop_asked)
		send_term(p);
}

bool proc_by_tag(struct proc *p, struct child_id *id)
{
	const struct dirent *d;
	char tag[256];
	DIR *proc = opendir("/proc");

	proc_tag(p->t, tag, sizeof tag);
	memset(id, 0, sizeof *id);
	while (proc && (d = readdir(proc))) {
		struct child_id at;
		pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);
		if (pid > 1 && watch_has_arg(pid, tag) && child_identify(pid, &at) == 0 &&
			(!id->pid || at.start < id->start))
			*id = at;
	}
	if (proc)
		closedir(proc);
	return id->pid != 0;
}

static void search(void *ctx)
{
	struct proc *p = ctx;
	struct child_id id;

	p->soon = NULL;
	/* the lock first: one that ends in between has its record written by then */
	bool locked = proc_log_locked(p->t);
	if (p->locate(p, &id) && child_alive(&id))
		proc_follow(p, &id, true);
	else if (locked && clock_mono_ms() < p->search_until)
		p->soon = loop_after(p->set->c->loop, SEARCH_MS, search, p);
	else
		proc_finish(p);
}

void proc_find(struct proc *p, bool (*locate)(struct proc *p, struct child_id *id))
{
	p->locate = locate;
	p->search_until = clock_mono_ms() + SEARCH_MAX_MS;
	p->soon = loop_after(p->set->c->loop, 0, search, p);
}

void proc_kill_left(const char *id)
{
	struct child_id who;
	int pidfd = id && watch_parse(id, &who) == 0 ? child_pidfd(&who) : -1;

	if (pidfd < 0)
		return;
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	close(pidfd);
}

void proc_set_release(struct proc_set *set)
{
	while (set->first) {
		set->first->t->priv = NULL;
		proc_free(set->first);
	}
}

int proc_open_log(const struct engine_task *t, int fd[2], struct err *e)
{
	const char *path[2] = { t->log, t->idx };

	fd[0] = fd[1] = -1;
	for (int i = 0; i < 2; i++) {
		fd[i] = open(path[i], O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd[i] < 0) {
			err_sys(e, "log", "cannot open the log %s", path[i]);
			goto fail;
		}
	}
	if (flock(fd[1], LOCK_EX | LOCK_NB) == 0)
		return 0;
	err_set(e, "running", "something still writes to %s; wait for its end, or kill it first",
		t->log);
fail:
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return -1;
}

bool proc_log_locked(const struct engine_task *t)
{
	int fd = open(t->idx, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;

	if (fd >= 0)
		close(fd);
	return locked;
}

void proc_tag(const struct engine_task *t, char *out, size_t n)
{
	snprintf(out, n, "yolo-%.8s-%d-%s%s", t->repo_id, t->race, t->variant,
		t->check ? "-check" : "");
}

void proc_runner_args(const struct engine_task *t, struct strv *argv)
{
	char tag[256];

	proc_tag(t, tag, sizeof tag);
	strv_addl(argv, "--tag", tag, "--cap", NULL);
	strv_fmt(argv, "%" PRId64, t->limits.log);
	strv_add(argv, "--time");
	strv_fmt(argv, "%" PRId64, t->limits.time_ms);
	strv_add(argv, "--grace");
	strv_fmt(argv, "%" PRId64, t->grace_ms);
	if (t->setup)
		strv_addl(argv, "--setup", t->setup, NULL);
}
