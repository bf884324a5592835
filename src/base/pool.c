/* pool.c - the only threads: workers in two lanes, serial keys, and done functions run by the
 * owner.
 */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"

enum lane { BULK, INTERACTIVE, LANES };
enum { INTERACTIVE_THREADS = 2, BULK_NICE = 5 };

struct job {
	struct job *next;
	pool_fn work, done;
	void *arg;
	enum lane lane;
	char *key; /* NULL = free of order */
};

struct list {
	struct job *head, **tail;
};

struct pool {
	pthread_mutex_t m;
	pthread_cond_t more[LANES];
	struct list queued[LANES], finished;
	size_t pending; /* posted and not yet reaped */
	bool ending;
	void (*wake)(void *ctx);
	void *ctx;
	int n, bulk; /* threads; the first ones are the bulk lane's */
	pthread_t *thread;
	const char **busy; /* key each worker has in hand, or NULL */
};

static void list_init(struct list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void list_add(struct list *l, struct job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
}

static struct job *list_take_all(struct list *l)
{
	struct job *j = l->head;

	list_init(l);
	return j;
}

static bool key_busy(const struct pool *p, const char *key)
{
	for (int i = 0; i < p->n; i++)
		if (p->busy[i] && !strcmp(p->busy[i], key))
			return true;
	return false;
}

/* First job whose key no worker has in hand; jobs of one key stay in order because the queue of a
 * lane is one. */
static struct job *next_job(struct pool *p, struct list *queued)
{
	struct job **at;

	for (at = &queued->head; *at; at = &(*at)->next) {
		struct job *j = *at;

		if (j->key && key_busy(p, j->key))
			continue;
		*at = j->next;
		if (!j->next)
			queued->tail = at;
		return j;
	}
	return NULL;
}

struct seat {
	struct pool *p;
	int i;
};

static void run_one(struct pool *p, int seat, struct job *j)
{
	p->busy[seat] = j->key;
	pthread_mutex_unlock(&p->m);
	j->work(j->arg);
	pthread_mutex_lock(&p->m);
	p->busy[seat] = NULL;
	list_add(&p->finished, j);
	for (int i = 0; j->key && i < LANES; i++) /* its successor may start now */
		pthread_cond_broadcast(&p->more[i]);
	if (!p->wake)
		return;
	pthread_mutex_unlock(&p->m);
	p->wake(p->ctx);
	pthread_mutex_lock(&p->m);
}

static void *worker(void *arg)
{
	struct seat s = *(struct seat *)arg;
	struct pool *p = s.p;
	enum lane lane = s.i < p->bulk ? BULK : INTERACTIVE;

	free(arg);
	/* on Linux of this thread alone, and of the processes it starts */
	if (lane == BULK)
		(void)setpriority(PRIO_PROCESS, 0, BULK_NICE);
	pthread_mutex_lock(&p->m);
	while (!p->ending) {
		struct job *j = next_job(p, &p->queued[lane]);

		if (j)
			run_one(p, s.i, j);
		else
			pthread_cond_wait(&p->more[lane], &p->m);
	}
	pthread_mutex_unlock(&p->m);
	return NULL;
}

/* Workers take no signals: they belong to the owner's loop. */
static void start_thread(pthread_t *t, void *(*fn)(void *), void *arg)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(t, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		bug("cannot start a thread: %s", strerror(rc));
}

struct pool *pool_new(int threads, void (*wake)(void *ctx), void *ctx)
{
	struct pool *p = xcalloc(1, sizeof *p);

	if (threads < 1)
		bug("pool of %d threads", threads);
	pthread_mutex_init(&p->m, NULL);
	for (int i = 0; i < LANES; i++) {
		pthread_cond_init(&p->more[i], NULL);
		list_init(&p->queued[i]);
	}
	list_init(&p->finished);
	p->wake = wake;
	p->ctx = ctx;
	p->bulk = threads;
	p->n = threads + INTERACTIVE_THREADS;
	p->thread = xcalloc((size_t)p->n, sizeof *p->thread);
	p->busy = xcalloc((size_t)p->n, sizeof *p->busy);
	for (int i = 0; i < p->n; i++) {
		struct seat *s = xmalloc(sizeof *s);

		s->p = p;
		s->i = i;
		start_thread(&p->thread[i], worker, s);
	}
	return p;
}

static void post(
	struct pool *p, enum lane lane, const char *key, pool_fn work, pool_fn done, void *arg)
{
	struct job *j = xcalloc(1, sizeof *j);

	j->work = work;
	j->done = done;
	j->arg = arg;
	j->lane = lane;
	j->key = key ? xstrdup(key) : NULL;
	pthread_mutex_lock(&p->m);
	list_add(&p->queued[lane], j);
	p->pending++;
	pthread_cond_signal(&p->more[lane]);
	pthread_mutex_unlock(&p->m);
}

void pool_post(struct pool *p, pool_fn work, pool_fn done, void *arg)
{
	post(p, BULK, NULL, work, done, arg);
}

void pool_post_serial(struct pool *p, const char *key, pool_fn work, pool_fn done, void *arg)
{
	post(p, BULK, key, work, done, arg);
}

void pool_post_interactive(struct pool *p, const char *key, pool_fn work, pool_fn done, void *arg)
{
	post(p, INTERACTIVE, key, work, done, arg);
}

static size_t finish(struct job *j)
{
	size_t n = 0;

	while (j) {
		struct job *next = j->next;

		if (j->done)
			j->done(j->arg);
		free(j->key);
		free(j);
		j = next;
		n++;
	}
	return n;
}

void pool_reap(struct pool *p)
{
	struct job *j;

	pthread_mutex_lock(&p->m);
	j = list_take_all(&p->finished);
	for (struct job *k = j; k; k = k->next)
		p->pending--;
	pthread_mutex_unlock(&p->m);
	finish(j);
}

size_t pool_pending(const struct pool *p)
{
	struct pool *q = (struct pool *)p; /* the lock is not part of what const promises */
	size_t n;

	pthread_mutex_lock(&q->m);
	n = q->pending;
	pthread_mutex_unlock(&q->m);
	return n;
}

void pool_stop(struct pool *p)
{
	pthread_mutex_lock(&p->m);
	p->ending = true;
	for (int i = 0; i < LANES; i++)
		pthread_cond_broadcast(&p->more[i]);
	pthread_mutex_unlock(&p->m);
	for (int i = 0; i < p->n; i++)
		pthread_join(p->thread[i], NULL);
	p->n = 0;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pool_stop(p);
	/* A done function may post again: nobody would run that, so its done is called too. */
	while (p->finished.head || p->queued[BULK].head || p->queued[INTERACTIVE].head) {
		finish(list_take_all(&p->finished));
		for (int i = 0; i < LANES; i++)
			finish(list_take_all(&p->queued[i]));
	}
	for (int i = 0; i < LANES; i++)
		pthread_cond_destroy(&p->more[i]);
	pthread_mutex_destroy(&p->m);
	free(p->thread);
	free(p->busy);
	free(p);
}

/* ---- parallel loop ---- */

struct parallel {
	pthread_mutex_t m;
	size_t next, n;
	void (*fn)(void *ctx, size_t i);
	void *ctx;
};

static void *parallel_worker(void *arg)
{
	struct parallel *r = arg;

	for (;;) {
		size_t i;

		pthread_mutex_lock(&r->m);
		i = r->next < r->n ? r->next++ : r->n;
		pthread_mutex_unlock(&r->m);
		if (i == r->n)
			return NULL;
		r->fn(r->ctx, i);
	}
}

void pool_parallel(size_t n, int threads, void (*fn)(void *ctx, size_t i), void *ctx)
{
	struct parallel r = { .n = n, .fn = fn, .ctx = ctx };
	pthread_t *t;
	int extra = threads - 1;

	if (extra < 0)
		extra = 0;
	if (n > 0 && (size_t)extra > n - 1)
		extra = (int)(n - 1);
	pthread_mutex_init(&r.m, NULL);
	t = xcalloc((size_t)extra + 1, sizeof *t);
	for (int i = 0; i < extra; i++)
		start_thread(&t[i], parallel_worker, &r);
	parallel_worker(&r);
	for (int i = 0; i < extra; i++)
		pthread_join(t[i], NULL);
	pthread_mutex_destroy(&r.m);
	free(t);
}

/* ---- lock ---- */

struct pool_lock {
	pthread_mutex_t m;
};

struct pool_lock *pool_lock_new(void)
{
	struct pool_lock *l = xcalloc(1, sizeof *l);

	pthread_mutex_init(&l->m, NULL);
	return l;
}

void pool_lock_take(struct pool_lock *l)
{
	pthread_mutex_lock(&l->m);
}

void pool_lock_give(struct pool_lock *l)
{
	pthread_mutex_unlock(&l->m);
}

void pool_lock_free(struct pool_lock *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->m);
	free(l);
}
