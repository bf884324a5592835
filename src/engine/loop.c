/* loop.c - the conductor's event loop over curl_multi_poll.
 *
 * One turn is: let curl work, hand over what it finished, run the timers that are due, then sleep
 * in curl_multi_poll with our descriptors beside curl's, then serve descriptors and the pool's
 * results. curl's own timers make poll return until curl_multi_perform has run, so the two are
 * always paired. Everything of ours runs between those calls, never inside one (curl refuses to add
 * a handle in a callback of its own): a callback of curl that has something to say arms a timer of
 * 0 ms.
 *
 * Descriptors and timers may be added and removed by any callback. A removed descriptor stays in
 * the table, dead, until the turn is over; a timer leaves the list before its function runs.
 */
#include "engine/loop.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/loop_curl.h"

struct loop_fd {
	struct loop *loop;
	int fd, events;
	bool dead;
	void (*fn)(void *ctx, int fd, int events);
	void *ctx;
};

struct loop_timer {
	struct loop *loop;
	struct loop_timer *next;
	int64_t due_ns;
	uint64_t seq;
	bool running;
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop {
	CURLM *multi;
	struct pool *pool;
	struct loop_fd **fd;
	struct curl_waitfd *wait;
	struct loop_fd **waiting; /* waiting[i] belongs to wait[i] */
	size_t nfd, capfd;
	struct loop_timer *timers; /* by due_ns, then seq */
	uint64_t seq, turns;
	void (*before_poll)(void *ctx);
	void *before_ctx;
	bool stop;
	int code;
};

struct loop *loop_new(struct err *e)
{
	static bool initialised;
	if (!initialised && curl_global_init(CURL_GLOBAL_DEFAULT)) {
		err_set(e, "no_curl", "libcurl could not be initialised");
		return NULL;
	}
	initialised = true;
	struct loop *l = xcalloc(1, sizeof(*l));
	l->multi = curl_multi_init();
	if (!l->multi) {
		err_set(e, "no_curl", "libcurl gave no multi handle");
		free(l);
		return NULL;
	}
	curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, 16L);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int threads = cores < 2 ? 2 : cores > 8 ? 8 : (int)cores;
	l->pool = pool_new(threads, (void (*)(void *))loop_wake, l);
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	pool_free(l->pool);
	while (l->timers)
		loop_cancel(l->timers);
	for (size_t i = 0; i < l->nfd; i++)
		free(l->fd[i]);
	free(l->fd);
	free(l->wait);
	free(l->waiting);
	curl_multi_cleanup(l->multi);
	free(l);
}

void loop_wake(struct loop *l)
{
	curl_multi_wakeup(l->multi);
}

struct pool *loop_pool(struct loop *l)
{
	return l->pool;
}

uint64_t loop_turns(const struct loop *l)
{
	return l->turns;
}

void loop_before_poll(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	l->before_poll = fn;
	l->before_ctx = ctx;
}

void loop_stop(struct loop *l, int code)
{
	l->stop = true;
	l->code = code;
}

int loop_add(struct loop *l, void *easy)
{
	return curl_multi_add_handle(l->multi, easy) ? -1 : 0;
}

void loop_remove(struct loop *l, void *easy)
{
	curl_multi_remove_handle(l->multi, easy);
}

/* ---- descriptors ---- */

struct loop_fd *loop_watch(
	struct loop *l, int fd, int events, void (*fn)(void *ctx, int fd, int events), void *ctx)
{
	if (fcntl(fd, F_GETFD) < 0)
		bug("loop_watch: descriptor %d is not open", fd);
	struct loop_fd *w = xcalloc(1, sizeof(*w));
	*w = (struct loop_fd){ .loop = l, .fd = fd, .events = events, .fn = fn, .ctx = ctx };
	if (l->nfd == l->capfd) {
		l->capfd = l->capfd ? 2 * l->capfd : 16;
		l->fd = xrealloc(l->fd, l->capfd * sizeof(*l->fd));
		l->wait = xrealloc(l->wait, l->capfd * sizeof(*l->wait));
		l->waiting = xrealloc(l->waiting, l->capfd * sizeof(struct loop_fd *));
	}
	l->fd[l->nfd++] = w;
	return w;
}

void loop_watch_events(struct loop_fd *w, int events)
{
	w->events = events;
}

void loop_unwatch(struct loop_fd *w)
{
	if (w)
		w->dead = true;
}

static void bury(struct loop *l)
{
	size_t k = 0;
	for (size_t i = 0; i < l->nfd; i++) {
		if (l->fd[i]->dead)
			free(l->fd[i]);
		else
			l->fd[k++] = l->fd[i];
	}
	l->nfd = k;
}

static unsigned fill_wait(struct loop *l)
{
	unsigned n = 0;
	for (size_t i = 0; i < l->nfd; i++) {
		struct loop_fd *w = l->fd[i];
		if (w->dead || !w->events)
			continue;
		short ev = (w->events & LOOP_READ ? CURL_WAIT_POLLIN : 0) |
			(w->events & LOOP_WRITE ? CURL_WAIT_POLLOUT : 0);
		l->wait[n] = (struct curl_waitfd){ .fd = w->fd, .events = ev, .revents = 0 };
		l->waiting[n++] = w;
	}
	return n;
}

static bool serve(struct loop *l, unsigned n)
{
	bool any = false;
	for (unsigned i = 0; i < n; i++) {
		/* by value: a callback that watches something may move the arrays */
		struct loop_fd *w = l->waiting[i];
		short got = l->wait[i].revents;
		if (!got)
			continue;
		any = true;
		int ev = (got & (CURL_WAIT_POLLIN | CURL_WAIT_POLLPRI) ? LOOP_READ : 0) |
			(got & CURL_WAIT_POLLOUT ? LOOP_WRITE : 0);
		/* a hang-up seen by one who only writes: let it find out by writing */
		ev = ev & w->events ? ev & w->events : w->events;
		if (!w->dead && ev)
			w->fn(w->ctx, w->fd, ev);
	}
	return any;
}

/* A closed descriptor makes poll return at once, each time, without an event. */
static void find_closed(const struct loop *l)
{
	for (size_t i = 0; i < l->nfd; i++)
		if (!l->fd[i]->dead && l->fd[i]->events && fcntl(l->fd[i]->fd, F_GETFD) < 0 &&
			errno == EBADF)
			bug("descriptor %d was closed while the loop watched it", l->fd[i]->fd);
}

/* ---- timers ---- */

struct loop_timer *loop_after(struct loop *l, int64_t ms, void (*fn)(void *ctx), void *ctx)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));
	*t = (struct loop_timer){ .loop = l, .seq = l->seq++, .fn = fn, .ctx = ctx };
	t->due_ns = clock_mono_ns() + (ms > 0 ? ms : 0) * 1000000;
	struct loop_timer **at = &l->timers;
	while (*at && (*at)->due_ns <= t->due_ns)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	return t;
}

void loop_cancel(struct loop_timer *t)
{
	if (!t || t->running)
		return;
	struct loop_timer **at = &t->loop->timers;
	while (*at && *at != t)
		at = &(*at)->next;
	if (!*at)
		bug("loop_cancel: this timer is not armed");
	*at = t->next;
	free(t);
}

static bool run_timers(struct loop *l)
{
	int64_t now = clock_mono_ns();
	uint64_t end = l->seq; /* those armed meanwhile wait for the next turn: curl and descriptors
				  must not starve */
	bool any = false;
	while (!l->stop) {
		struct loop_timer **at = &l->timers;
		while (*at && (*at)->due_ns <= now && (*at)->seq >= end)
			at = &(*at)->next;
		struct loop_timer *t = *at;
		if (!t || t->due_ns > now)
			return any;
		*at = t->next;
		t->running = true;
		t->fn(t->ctx);
		free(t);
		any = true;
	}
	return any;
}

static int poll_timeout(const struct loop *l)
{
	if (!l->timers)
		return INT_MAX;
	int64_t ns = l->timers->due_ns - clock_mono_ns();
	if (ns <= 0)
		return 0;
	int64_t ms = (ns + 999999) / 1000000;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* ---- the turn ---- */

static void run_curl(struct loop *l)
{
	int running, left;
	CURLMcode rc = curl_multi_perform(l->multi, &running);
	if (rc)
		bug("curl_multi_perform: %s", curl_multi_strerror(rc));
	CURLMsg *m;
	while (!l->stop && (m = curl_multi_info_read(l->multi, &left))) {
		if (m->msg != CURLMSG_DONE)
			continue;
		char *priv = NULL;
		int code = (int)m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &priv);
		struct loop_transfer *t = (struct loop_transfer *)(void *)priv;
		t->done(t, code);
	}
}

int loop_run(struct loop *l)
{
	l->stop = false;
	while (!l->stop) {
		run_curl(l);
		bool busy = run_timers(l);
		if (!l->stop && l->before_poll)
			l->before_poll(l->before_ctx);
		if (l->stop)
			break;
		bury(l);
		unsigned n = fill_wait(l);
		int ready = 0;
		CURLMcode rc =
			curl_multi_poll(l->multi, n ? l->wait : NULL, n, poll_timeout(l), &ready);
		if (rc && rc != CURLM_UNRECOVERABLE_POLL)
			bug("curl_multi_poll: %s", curl_multi_strerror(rc));
		l->turns++;
		bool served = serve(l, n);
		if (ready > 0 && !served && !busy)
			find_closed(l);
		pool_reap(l->pool);
	}
	bury(l);
	return l->code;
}
