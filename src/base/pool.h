/* pool.h - the only threads. A worker runs `work` on its own argument and touches nothing else;
 * `done` runs later on the owner's thread, from pool_reap.
 *
 * Two lanes with threads of their own: what a person waits for (interactive) never waits behind
 * what takes its time (bulk), and has the processor before it. Jobs with the same key, of either
 * lane, never run at once; those of one lane run in the order they were posted. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

struct pool;
typedef void (*pool_fn)(void *arg);

/* `threads` for the bulk lane, and two for the interactive one. wake(ctx) is called from a worker
 * each time something finished: it must be safe there (curl_multi_wakeup, eventfd write). */
struct pool *pool_new(int threads, void (*wake)(void *ctx), void *ctx);
void pool_post(struct pool *p, pool_fn work, pool_fn done, void *arg);
/* As pool_post, with a key (a string, copied; NULL = none). */
void pool_post_serial(struct pool *p, const char *key, pool_fn work, pool_fn done, void *arg);
/* In the interactive lane. */
void pool_post_interactive(struct pool *p, const char *key, pool_fn work, pool_fn done, void *arg);
void pool_reap(struct pool *p); /* runs the done functions of what has finished */
size_t pool_pending(const struct pool *p); /* posted and not yet reaped */
/* Waits for what runs; what is queued is never begun, and no `done` is called any more: for a
 * process that ends, whose memory goes with it. */
void pool_stop(struct pool *p);
/* pool_stop; then `done` of all of them, so that they free what they hold. */
void pool_free(struct pool *p);

/* fn(ctx, i) for i in 0..n-1 on up to `threads` threads; returns when all are done. For use inside
 * a worker. */
void pool_parallel(size_t n, int threads, void (*fn)(void *ctx, size_t i), void *ctx);

/* A lock for the few tables that workers share. */
struct pool_lock;
struct pool_lock *pool_lock_new(void);
void pool_lock_take(struct pool_lock *l);
void pool_lock_give(struct pool_lock *l);
void pool_lock_free(struct pool_lock *l);

#endif
