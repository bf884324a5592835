/* conductor.c - the process: lock, socket, signals, one loop, and its end. */
#include "conductor/conductor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sock.h"
#include "conductor/adopt.h"
#include "conductor/board.h"
#include "conductor/idle.h"
#include "conductor/plans.h"
#include "conductor/sample.h"
#include "conductor/session.h"
#include "conductor/engines.h"
#include "conductor/undo.h"
#include "git/git.h"

enum { IDLE_MS = 60000 };

static void on_listen(void *ctx, int fd, int events)
{
	session_accept(ctx);
}

/* TERM and INT end us; what runs goes on. */
static void on_signal(void *ctx, int fd, int events)
{
	struct conductor *c = ctx;
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	diag(DIAG_INFO, "signal %u: the conductor ends, what runs goes on", info.ssi_signo);
	loop_stop(c->loop, 0);
}

/* Before the pool's threads are made: they inherit the mask. */
static int block_signals(struct err *e)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is a failed write, like a full disk */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return err_sys(e, "internal", "sigprocmask");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, "internal", "signalfd") : fd;
}

static int64_t idle_limit(void)
{
	const char *s = getenv("YOLODECK_IDLE_MS");
	long v = s ? strtol(s, NULL, 10) : 0;

	return v > 0 ? v : IDLE_MS;
}

/* The directory is locked as well: a lock file that somebody removed would be made once more. */
static int lock_dir(struct conductor *c, struct err *e)
{
	c->dir_fd = open(c->store.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir_fd < 0)
		return err_sys(e, "state", "cannot open %s", c->store.dir);
	if (!flock(c->dir_fd, LOCK_EX | LOCK_NB))
		return 0;
	return errno == EWOULDBLOCK ? 1 : err_sys(e, "state", "cannot lock %s", c->store.dir);
}

/* 0 = ours, 1 = another conductor has it, -1 = error. */
static int take_lock(struct conductor *c, struct err *e)
{
	char *path = store_path(&c->store, "conductor.lock");

	c->lock_fd = fs_lock(path, e);
	free(path);
	if (c->lock_fd >= 0)
		return lock_dir(c, e);
	return strcmp(e->code, "locked") ? -1 : 1;
}

static int start(struct conductor *c, struct err *e)
{
	c->signal_fd = block_signals(e);
	if (c->signal_fd < 0)
		return -1;
	c->loop = loop_new(e);
	if (!c->loop || engines_runner(c, e) || adopt_load(c, e))
		return -1;
	c->listen_fd = sock_listen(c->store.dir, "sock", e);
	if (c->listen_fd < 0)
		return -1;
	c->listen_w = loop_watch(c->loop, c->listen_fd, LOOP_READ, on_listen, c);
	c->signal_w = loop_watch(c->loop, c->signal_fd, LOOP_READ, on_signal, c);
	return 0;
}

static void cancel(struct loop_timer **t)
{
	if (*t)
		loop_cancel(*t);
	*t = NULL;
}

/* The socket goes first: nobody new; then the engines (what runs goes on), then the pool's last
 * jobs are waited for. */
static void finish(struct conductor *c)
{
	c->closing = true;
	if (c->listen_w)
		loop_unwatch(c->listen_w);
	if (c->signal_w)
		loop_unwatch(c->signal_w);
	session_close_all(c);
	cancel(&c->flush_timer);
	cancel(&c->idle_timer);
	cancel(&c->sample_timer);
	cancel(&c->disk_timer);
	cancel(&c->retry_timer);
	engines_close(c);
	loop_free(c->loop);
	for (size_t i = 0; i < c->set.n; i++)
		board_free(c->race[i]);
	free(c->race);
	free(c->set.r);
	plans_free(c);
	undo_clear(&c->undo);
	if (c->replay)
		replay_release(c->replay);
	free(c->replay);
	journal_close(c->journal);
	for (size_t i = 0; i < MESSAGES_KEPT; i++)
		free(c->msg[i].text);
	free(c->runner);
	free(c->home);
	free(c->engine_why_not);
	if (c->listen_fd >= 0) {
		char *path = store_path(&c->store, "sock");
		unlink(path);
		free(path);
		close(c->listen_fd);
	}
	if (c->signal_fd >= 0)
		close(c->signal_fd);
	store_release(&c->store);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	if (c->dir_fd >= 0)
		close(c->dir_fd);
}

int conductor_main(const char *common_dir)
{
	struct conductor c = { .lock_fd = -1, .dir_fd = -1, .listen_fd = -1, .signal_fd = -1 };
	struct err e = ERR_INIT;
	int rc = 1, locked;

	git_set_umask(umask(077));
	diag_set_level(getenv("YOLODECK_DEBUG") ? DIAG_DEBUG : DIAG_INFO);
	if (common_dir[0] != '/') {
		diag(DIAG_ERROR, "%s is not an absolute path", common_dir);
		return 2;
	}
	c.idle_ms = idle_limit();
	c.home = getenv("HOME") ? xstrdup(getenv("HOME")) : NULL;
	if (store_open(&c.store, common_dir, true, &e)) {
		diag(DIAG_ERROR, "%s", e.msg);
		free(c.home);
		return 1;
	}
	locked = take_lock(&c, &e);
	if (locked == 1) {
		/* Two clients found nobody at the same time: the other one's conductor serves both.
		 */
		diag(DIAG_INFO, "another conductor has the lock");
		rc = 0;
	} else if (!locked && !start(&c, &e)) {
		diag(DIAG_INFO, "conductor %s, pid %ld, %s", YOLODECK_VERSION, (long)getpid(),
			common_dir);
		adopt_all(&c);
		idle_check(&c);
		rc = loop_run(c.loop);
	} else {
		diag(DIAG_ERROR, "%s", e.msg);
	}
	finish(&c);
	return rc;
}
