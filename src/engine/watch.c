/* watch.c - processes by pidfd. */
#include "engine/watch.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

struct watch {
	struct loop_fd *w;
	int pidfd;
	void (*gone)(void *ctx);
	void *ctx;
};

static void ended(void *ctx, int fd, int events)
{
	struct watch *w = ctx;

	loop_unwatch(w->w);
	w->w = NULL;
	w->gone(w->ctx);
}

struct watch *watch_new(
	struct loop *l, const struct child_id *id, void (*gone)(void *ctx), void *ctx)
{
	int pidfd = child_pidfd(id);

	if (pidfd < 0)
		return NULL;
	struct watch *w = xcalloc(1, sizeof *w);
	*w = (struct watch){ .pidfd = pidfd, .gone = gone, .ctx = ctx };
	w->w = loop_watch(l, pidfd, LOOP_READ, ended, w);
	return w;
}

void watch_signal(struct watch *w, int sig)
{
	if (w && w->w)
		(void)syscall(SYS_pidfd_send_signal, w->pidfd, sig, NULL, 0);
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	loop_unwatch(w->w);
	close(w->pidfd);
	free(w);
}

void watch_format(const struct child_id *id, char *out, size_t n)
{
	snprintf(out, n, "%d:%" PRIu64 ":%s", (int)id->pid, id->start, id->boot);
}

int watch_parse(const char *text, struct child_id *id)
{
	int pid, at = 0;

	memset(id, 0, sizeof *id);
	if (sscanf(text, "%d:%" SCNu64 ":%39[0-9a-f-]%n", &pid, &id->start, id->boot, &at) != 3 ||
		text[at] || pid <= 0)
		return -1;
	id->pid = pid;
	return 0;
}

bool watch_has_arg(pid_t pid, const char *arg)
{
	struct buf b = BUF_INIT;
	struct strv args = STRV_INIT;
	char path[64], part[4096];
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, part, sizeof part)) > 0)
		buf_add(&b, part, (size_t)n);
	if (fd >= 0)
		close(fd);
	strv_split0(&args, b.p, b.len);
	bool has = strv_has(&args, arg);
	strv_release(&args);
	buf_release(&b);
	return has;
}
