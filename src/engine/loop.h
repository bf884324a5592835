/* loop.h - the one loop of the conductor: curl_multi_poll with extra descriptors, timers, and posts
 * from threads.
 *
 * Callbacks run on the loop's thread, from loop_run, never from inside curl (those only set flags:
 * adding a handle there is refused). Nothing wakes the loop when nothing happens. A watched
 * descriptor must be unwatched before it is closed. */
#ifndef ENGINE_LOOP_H
#define ENGINE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"

struct loop;
struct loop_fd;
struct loop_timer;
enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop *loop_new(struct err *e);
void loop_free(struct loop *l);
/* fn(ctx) runs once a turn, after all callbacks and before the loop sleeps. */
void loop_before_poll(struct loop *l, void (*fn)(void *ctx), void *ctx);
int loop_run(struct loop *l); /* until loop_stop; returns its code */
void loop_stop(struct loop *l, int code);

struct loop_fd *loop_watch(
	struct loop *l, int fd, int events, void (*fn)(void *ctx, int fd, int events), void *ctx);
void loop_watch_events(struct loop_fd *w, int events); /* 0 = mask it */
void loop_unwatch(struct loop_fd *w); /* safe inside its own callback */

/* One shot after ms; the pointer is dead once fn ran. */
struct loop_timer *loop_after(struct loop *l, int64_t ms, void (*fn)(void *ctx), void *ctx);
void loop_cancel(struct loop_timer *t);

void loop_wake(struct loop *l); /* from any thread */
struct pool *loop_pool(struct loop *l); /* its workers; done functions run on the loop */
uint64_t loop_turns(const struct loop *l); /* wake-ups so far, for the bench */

#endif
