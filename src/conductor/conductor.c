/* conductor.c - the process: lock, socket, signals, one loop, what follows once a turn, and its
 * end. */
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
#include "conductor/attention.h"
#include "conductor/board.h"
#include "conductor/disk.h"
#include "conductor/engines.h"
#include "conductor/finish.h"
#include "conductor/ops.h"
#include "conductor/races.h"
#include "conductor/sample.h"
#include "conductor/save.h"
#include "conductor/sched.h"
#include "conductor/session.h"
#include "git/git.h"

enum { IDLE_MS = 60000, LOCK_MS = 20, ENDING_MAX = 512, ENDING_NAMES = 3, SETTLE_MAX = 1000 };

/* ---- once a turn ---- */

static void idle_over(void *ctx)
{
	struct conductor *c = ctx;

	c->idle_timer = NULL;
	diag(DIAG_INFO, "nothing is live and nobody is connected: the conductor ends");
	loop_stop(c->loop, 0);
}

/* May the process end? Settle runs after whatever makes it not idle, so the timer fires only when
 * it was idle for all its time. */
static void idle(struct conductor *c)
{
	bool busy =
		c->session || c->running_ops || pool_pending(loop_pool(c->loop)) || races_live(c);

	if (busy && c->idle_timer) {
		loop_cancel(c->idle_timer);
		c->idle_timer = NULL;
	} else if (!busy && !c->idle_timer) {
		c->idle_timer = loop_after(c->loop, c->idle_ms, idle_over, c);
	}
}

static void settle_race(struct race_run *r)
{
	r->dirty = false;
	adopt_turn(r);
	sched_turn(r);
	save_turn(r);
	finish_turn(r);
	board_rank(r);
	for (size_t i = 0; i < r->race->n; i++)
		attention_update(&r->v[i]);
}

/* All that follows from a change, level-triggered: whoever changes something only marks it. Only
 * this function knows the list. */
static void settle(void *ctx)
{
	struct conductor *c = ctx;
	bool any;

	session_reap(c);
	any = c->dirty;
	for (int n = 0; c->dirty; n++) {
		if (n == SETTLE_MAX)
			bug("settle does not come to an end");
		c->dirty = false;
		for (size_t i = 0; i < c->set.n; i++)
			if (c->race[i]->dirty)
				settle_race(c->race[i]);
	}
	if (any) {
		sample_timer(c);
		disk_timer(c);
	}
	session_publish(c);
	idle(c);
}

/* ---- the lock ---- */

/* The directory is locked as well: a lock file that somebody removed would be made once more. 0 =
 * ours, 1 = another conductor has it, -1 = error. */
static int take_lock(struct conductor *c, struct err *e)
{
	char *path = store_path(&c->store, "conductor.lock");
	int rc = 0;

	c->lock_fd = fs_lock(path, e);
	free(path);
	if (c->lock_fd < 0)
		return strcmp(e->code, "locked") ? -1 : 1;
	c->dir_fd = open(c->store.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir_fd < 0)
		return err_sys(e, "state", "cannot open %s", c->store.dir);
	if (!flock(c->dir_fd, LOCK_EX | LOCK_NB))
		return 0;
	rc = errno == EWOULDBLOCK ? 1 : err_sys(e, "state", "cannot lock %s", c->store.dir);
	close(c->dir_fd);
	close(c->lock_fd);
	c->dir_fd = c->lock_fd = -1;
	return rc;
}

/* What a conductor that ends still does, as it wrote it down; NULL = none is ending. */
static char *read_ending(const struct conductor *c)
{
	char *path = store_path(&c->store, "ending");
	struct buf b = BUF_INIT;
	struct err ignored = ERR_INIT;
	bool there = !fs_read(path, ENDING_MAX, &b, &ignored);

	free(path);
	if (there)
		return buf_take(&b);
	buf_release(&b);
	return NULL;
}

/* One waits for the conductor that ends; those beside it leave. */
static bool next_in_line(struct conductor *c)
{
	char *path = store_path(&c->store, "next.lock"), *doing = read_ending(c);
	struct err ignored = ERR_INIT;

	c->next_fd = doing ? fs_lock(path, &ignored) : -1;
	if (c->next_fd >= 0)
		c->waiting = xasprintf("the last conductor is ending: %s", doing);
	free(doing);
	free(path);
	return c->next_fd >= 0;
}

/* ---- the start ---- */

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

static void remove_file(const struct conductor *c, const char *name)
{
	char *path = store_path(&c->store, "%s", name);

	unlink(path);
	free(path);
}

/* The lock is ours: all that the state directory holds is taken up. */
static int take_up(struct conductor *c, struct err *e)
{
	remove_file(c, "ending");
	if (engines_runner(c, e) || adopt_load(c, e))
		return -1;
	diag(DIAG_INFO, "conductor %s, pid %ld, %s", YOLODECK_VERSION, (long)getpid(),
		c->store.common);
	adopt_all(c);
	return 0;
}

/* Meanwhile clients connect, hear why nothing is answered, and wait. */
static void retry_lock(void *ctx)
{
	struct conductor *c = ctx;
	struct err e = ERR_INIT;
	int rc = take_lock(c, &e);
	char *doing = rc == 1 ? read_ending(c) : NULL;

	if (doing) {
		free(doing);
		loop_after(c->loop, LOCK_MS, retry_lock, c);
	} else if (rc == 1) { /* somebody was faster, and the socket is theirs */
		c->listens = false;
		loop_stop(c->loop, 0);
	} else if (rc < 0 || take_up(c, &e)) {
		diag(DIAG_ERROR, "%s", e.msg);
		loop_stop(c->loop, 1);
	} else {
		free(c->waiting);
		c->waiting = NULL;
		session_resume(c);
	}
}

static int start(struct conductor *c, struct err *e)
{
	int fd = block_signals(e);

	if (fd < 0)
		return -1;
	c->loop = loop_new(e);
	if (!c->loop || (!c->waiting && take_up(c, e)))
		return -1;
	c->listen_fd = sock_listen(c->store.dir, "sock", e);
	if (c->listen_fd < 0)
		return -1;
	c->listens = true;
	loop_watch(c->loop, fd, LOOP_READ, on_signal, c);
	c->listen_w = loop_watch(c->loop, c->listen_fd, LOOP_READ, on_listen, c);
	loop_before_poll(c->loop, settle, c);
	if (c->waiting)
		loop_after(c->loop, LOCK_MS, retry_lock, c);
	return 0;
}

/* ---- the end ---- */

static void add_doing(const struct conductor *c, bool saving, const char *verb, struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < c->set.n; i++) {
		for (size_t k = 0; k < c->race[i]->race->n; k++) {
			const struct variant_run *run = &c->race[i]->v[k];
			if (!(saving ? run->saving : run->copying))
				continue;
			if (n++ < ENDING_NAMES)
				buf_fmt(b, "%s%s%s",
					n > 1            ? ", "
						: b->len ? "; "
							 : "",
					n > 1 ? "" : verb, run->key);
		}
	}
	if (n > ENDING_NAMES)
		buf_fmt(b, " and %zu more", n - ENDING_NAMES);
}

/* For the next conductor, which waits for us and says so; it removes the file when it has the lock.
 */
static void write_ending(const struct conductor *c)
{
	char *path = store_path(&c->store, "ending");
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	add_doing(c, true, "saving ", &b);
	add_doing(c, false, "copying ", &b);
	if (!b.len)
		buf_str(&b, "finishing what was asked");
	unlink(path);
	if (fs_create(path, 0600, b.p, b.len, &e))
		diag(DIAG_WARN, "%s", e.msg);
	else
		diag(DIAG_INFO, "waiting for workers: %s", b.p);
	buf_release(&b);
	free(path);
}

/* The door first: who comes now starts the next conductor. Then the workers that are at something;
 * what is queued the next one does. No memory is freed: the process ends. */
static void end(struct conductor *c)
{
	if (c->lock_fd >= 0 && pool_pending(loop_pool(c->loop)))
		write_ending(c);
	if (c->listens)
		remove_file(c, "sock");
	if (c->listen_w)
		loop_unwatch(c->listen_w);
	if (c->listen_fd >= 0)
		close(c->listen_fd);
	session_close_all(c);
	pool_stop(loop_pool(c->loop));
}

int conductor_main(const char *common_dir)
{
	/* not on the stack: what hangs on it lives until the process has ended */
	static struct conductor c = { .lock_fd = -1, .dir_fd = -1, .next_fd = -1, .listen_fd = -1 };
	struct err e = ERR_INIT;
	int rc = 1, locked;

	git_set_umask(umask(077));
	diag_set_level(getenv("YOLODECK_DEBUG") ? DIAG_DEBUG : DIAG_INFO);
	if (common_dir[0] != '/') {
		diag(DIAG_ERROR, "%s is not an absolute path", common_dir);
		return 2;
	}
	c.idle_ms = idle_limit();
	c.request = ops_do;
	c.home = getenv("HOME") ? xstrdup(getenv("HOME")) : NULL;
	locked = store_open(&c.store, common_dir, true, &e) ? -1 : take_lock(&c, &e);
	if (locked == 1 && !next_in_line(&c)) {
		/* Two clients found nobody at the same time: the other one's conductor serves both.
		 */
		diag(DIAG_INFO, "another conductor has the lock");
		return 0;
	}
	if (locked < 0 || start(&c, &e))
		diag(DIAG_ERROR, "%s", e.msg);
	else
		rc = loop_run(c.loop);
	if (c.loop)
		end(&c);
	return rc;
}
