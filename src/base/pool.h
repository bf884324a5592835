/* pool.h - the only threads. A worker runs `work` on its own argument and touches nothing else;
 * `done` runs later on the owner's thread, from pool_reap. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

struct pool;
typedef void (*pool_fn)(void *arg);

/* wake(ctx) is called from a worker each time something finished: it must be safe there
 * (curl_multi_wakeup, eventfd write). */
struct pool *pool_new(int threads, void (*wake)(void *ctx), void *ctx);
void pool_post(struct pool *p, pool_fn work, pool_fn done, void *arg);
/* As pool_post, but jobs with the same key (a string, copied) run one after the other in order. */
void pool_post_serial(struct pool *p, const char *key, pool_fn work, pool_fn done, void *arg);
void pool_reap(struct pool *p); /* runs the done functions of what has finished */
size_t pool_pending(const struct pool *p); /* posted and not yet reaped */
/* waits for what runs, drops what is queued (their done is called) */
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
