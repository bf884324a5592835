/* job.c - children on the loop. The end is that of the process: what a grandchild that keeps the
 * pipe open writes later is not read. */
#include "engine/job.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { MAX_LINE = 64 << 10 };

struct job {
	struct job_events ev;
	struct child c;
	bool group;
	int pipe; /* -1 = none, or at its end */
	struct loop_fd *output, *end;
	struct buf in;
};

static void job_free(struct job *j)
{
	loop_unwatch(j->output);
	loop_unwatch(j->end);
	if (j->pipe >= 0)
		close(j->pipe);
	buf_release(&j->in);
	free(j);
}

static void give_lines(struct job *j, bool all)
{
	char *nl;
	while ((nl = memchr(j->in.p, '\n', j->in.len)) || j->in.len > MAX_LINE ||
		(all && j->in.len)) {
		size_t n = nl ? (size_t)(nl - j->in.p) : j->in.len;
		j->in.p[n] = 0;
		j->ev.line(j->ev.ctx, j->in.p, n);
		buf_drop(&j->in, n + (nl != NULL));
	}
}

/* Everything that is there now. */
static void take_output(void *ctx, int fd, int events)
{
	struct job *j = ctx;
	char part[16 << 10];
	ssize_t n = -1;
	while (j->pipe >= 0 && (n = read(j->pipe, part, sizeof(part))) > 0) {
		buf_add(&j->in, part, (size_t)n);
		give_lines(j, false);
	}
	if (j->pipe >= 0 && n == 0) {
		loop_unwatch(j->output);
		close(j->pipe);
		j->output = NULL;
		j->pipe = -1;
	}
}

static void on_end(void *ctx, int fd, int events)
{
	struct job *j = ctx;
	struct job_events ev = j->ev;
	int code = -1;
	take_output(j, -1, 0);
	if (ev.line)
		give_lines(j, true);
	loop_unwatch(j->end);
	j->end = NULL;
	child_reap(&j->c, &code);
	job_free(j);
	ev.ended(ev.ctx, code);
}

struct job *job_start(
	struct loop *l, const struct child_spec *s, const struct job_events *ev, struct err *e)
{
	struct child_spec spec = *s;
	int p[2] = { -1, -1 };
	if (ev->line && (pipe2(p, O_CLOEXEC) < 0 || fcntl(p[0], F_SETFL, O_NONBLOCK) < 0)) {
		err_sys(e, "start", "cannot make a pipe");
		return NULL;
	}
	if (ev->line)
		spec.out = spec.err = p[1];
	struct job *j = xcalloc(1, sizeof(*j));
	*j = (struct job){
		.ev = *ev, .pipe = p[0], .group = s->new_group || s->new_session, .in = BUF_INIT
	};
	int rc = child_start(&j->c, &spec, e);
	if (p[1] >= 0)
		close(p[1]);
	if (rc < 0) {
		job_free(j);
		return NULL;
	}
	j->end = loop_watch(l, j->c.pidfd, LOOP_READ, on_end, j);
	if (j->pipe >= 0)
		j->output = loop_watch(l, j->pipe, LOOP_READ, take_output, j);
	return j;
}

void job_kill(struct job *j)
{
	int code;
	if (j->group) /* not collected yet: the group is still its own */
		kill(-j->c.id.pid, SIGKILL);
	child_kill(&j->c, SIGKILL);
	loop_unwatch(j->end);
	j->end = NULL;
	child_wait(&j->c, -1, &code);
	job_free(j);
}

void job_leave(struct job *j)
{
	loop_unwatch(j->end);
	j->end = NULL;
	close(j->c.pidfd);
	job_free(j);
}
