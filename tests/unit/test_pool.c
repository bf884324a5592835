/* test_pool.c - work on threads, done on the owner's, order by key. */
#include "unit.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "base/pool.h"

enum { JOBS = 500 };

struct job {
	int n;
	pid_t worked, done;
	int *order;
	atomic_int *at;
};

static pid_t tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static void wake(void *ctx)
{
	uint64_t one = 1;

	assert_int_equal(write(*(int *)ctx, &one, sizeof one), sizeof one);
}

static void job_work(void *arg)
{
	struct job *j = arg;

	j->worked = tid();
	if (j->order)
		j->order[atomic_fetch_add(j->at, 1)] = j->n;
}

static void job_done(void *arg)
{
	struct job *j = arg;

	j->done = tid();
}

/* Waits on the descriptor that wake writes to: a lost wake-up shows as a time-out here. */
static void reap_all(struct pool *p, int fd)
{
	int64_t end = clock_mono_ms() + UNIT_DEADLINE;

	while (pool_pending(p) > 0) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		uint64_t count;

		assert_true(clock_mono_ms() < end);
		assert_int_equal(poll(&pfd, 1, UNIT_DEADLINE), 1);
		assert_int_equal(read(fd, &count, sizeof count), sizeof count);
		pool_reap(p);
	}
}

static void test_all_done_on_owner(void **state)
{
	static struct job job[JOBS];
	int fd = eventfd(0, EFD_CLOEXEC);
	struct pool *p = pool_new(4, wake, &fd);

	memset(job, 0, sizeof job);
	for (int i = 0; i < JOBS; i++)
		pool_post(p, job_work, job_done, &job[i]);
	reap_all(p, fd);
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(job[i].done, tid());
		assert_int_not_equal(job[i].worked, tid());
		assert_int_not_equal(job[i].worked, 0);
	}
	assert_int_equal(pool_pending(p), 0);
	pool_free(p);
	close(fd);
}

static void test_same_key_in_order(void **state)
{
	static struct job job[3][JOBS];
	static int order[3][JOBS];
	atomic_int at[3] = { 0, 0, 0 };
	int fd = eventfd(0, EFD_CLOEXEC);
	struct pool *p = pool_new(4, wake, &fd);

	for (int i = 0; i < JOBS; i++) {
		for (int k = 0; k < 3; k++) {
			char key[8] = { (char)('a' + k), 0 };

			job[k][i] = (struct job){ .n = i, .order = order[k], .at = &at[k] };
			pool_post_serial(p, key, job_work, job_done, &job[k][i]);
		}
	}
	reap_all(p, fd);
	for (int k = 0; k < 3; k++)
		for (int i = 0; i < JOBS; i++)
			assert_int_equal(order[k][i], i);
	pool_free(p);
	close(fd);
}

struct gate {
	atomic_int entered, open, most, now;
};

static void gate_work(void *arg)
{
	struct gate *g = arg;
	int now = atomic_fetch_add(&g->now, 1) + 1, most = atomic_load(&g->most);

	while (now > most && !atomic_compare_exchange_weak(&g->most, &most, now))
		;
	atomic_fetch_add(&g->entered, 1);
	while (!atomic_load(&g->open))
		poll(NULL, 0, 1);
	atomic_fetch_sub(&g->now, 1);
}

/* One key takes one worker; the other worker goes on with what comes behind it in the queue. */
static void test_key_blocks_only_itself(void **state)
{
	struct gate g = { 0 };
	struct job job = { .n = 1 };
	struct pool *p = pool_new(2, NULL, NULL);

	pool_post_serial(p, "k", gate_work, NULL, &g);
	pool_post_serial(p, "k", gate_work, NULL, &g);
	pool_post(p, job_work, job_done, &job);
	UNIT_WAIT((pool_reap(p), job.done != 0));
	assert_int_equal(atomic_load(&g.entered), 1);
	atomic_store(&g.open, 1);
	UNIT_WAIT((pool_reap(p), pool_pending(p) == 0));
	assert_int_equal(atomic_load(&g.entered), 2);
	assert_int_equal(atomic_load(&g.most), 1);
	pool_free(p);
}

static atomic_int dones;

static void count_done(void *arg)
{
	atomic_fetch_add(&dones, 1);
}

/* All bulk workers are busy and more is queued: what a person waits for runs at once; a key that is
 * in hand in one lane holds its job in the other up, and only that one. */
static void test_interactive_never_waits(void **state)
{
	struct gate g = { 0 };
	static struct job bulk[20];
	struct job held = { .n = 1 }, now = { .n = 1 };
	struct pool *p = pool_new(2, NULL, NULL);

	memset(bulk, 0, sizeof bulk);
	pool_post_serial(p, "k", gate_work, NULL, &g);
	pool_post(p, gate_work, NULL, &g);
	for (int i = 0; i < 20; i++)
		pool_post(p, job_work, job_done, &bulk[i]);
	UNIT_WAIT(atomic_load(&g.entered) == 2);
	pool_post_interactive(p, "k", job_work, job_done, &held);
	pool_post_interactive(p, NULL, job_work, job_done, &now);
	UNIT_WAIT((pool_reap(p), now.done != 0));
	assert_int_equal(held.done, 0);
	assert_int_equal(bulk[0].done, 0);
	atomic_store(&g.open, 1);
	UNIT_WAIT((pool_reap(p), pool_pending(p) == 0));
	assert_true(held.done != 0);
	pool_free(p);
}

/* The end of a process: what runs is waited for, nothing else happens. */
static void test_stop(void **state)
{
	struct gate g = { 0 };
	struct job never = { .n = 1 };
	struct pool *p = pool_new(1, NULL, NULL);

	atomic_store(&dones, 0);
	pool_post(p, gate_work, count_done, &g);
	pool_post(p, job_work, job_done, &never);
	UNIT_WAIT(atomic_load(&g.entered) == 1);
	atomic_store(&g.open, 1);
	pool_stop(p);
	assert_int_equal(atomic_load(&g.now), 0);
	assert_int_equal(atomic_load(&dones), 0);
	assert_int_equal(never.done, 0);
	pool_free(p);
}

/* What runs is waited for, what is queued never runs, and each done is called: nothing leaks. */
static void test_free_drops_queue(void **state)
{
	struct gate g = { 0 };
	static struct job never[20];
	struct pool *p = pool_new(1, NULL, NULL);

	memset(never, 0, sizeof never);
	atomic_store(&dones, 0);
	pool_post(p, gate_work, count_done, &g);
	for (int i = 0; i < 20; i++)
		pool_post_serial(p, i % 2 ? "x" : "y", job_work, count_done, &never[i]);
	UNIT_WAIT(atomic_load(&g.entered) == 1);
	atomic_store(&g.open, 1);
	pool_free(p);
	assert_int_equal(atomic_load(&dones), 21);
	assert_int_equal(atomic_load(&g.now), 0);
	pool_free(NULL);
}

struct repost {
	struct pool *p;
	int left;
};

static void nothing(void *arg)
{
}

static void post_again(void *arg)
{
	struct repost *r = arg;

	if (r->left-- > 0)
		pool_post(r->p, nothing, post_again, r);
}

static void test_done_may_post(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	struct pool *p = pool_new(2, wake, &fd);
	struct repost r = { p, 10 };

	pool_post(p, nothing, post_again, &r);
	reap_all(p, fd);
	assert_int_equal(r.left, -1);
	pool_free(p);
	close(fd);
}

static void mark(void *ctx, size_t i)
{
	atomic_fetch_add(&((atomic_int *)ctx)[i], 1);
}

static void test_parallel(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 7, 1000 };

	for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
		for (int threads = 0; threads <= 9; threads += 3) {
			atomic_int *hit = xcalloc(sizes[k] + 1, sizeof *hit);

			pool_parallel(sizes[k], threads, mark, hit);
			for (size_t i = 0; i < sizes[k]; i++)
				assert_int_equal(atomic_load(&hit[i]), 1);
			assert_int_equal(atomic_load(&hit[sizes[k]]), 0);
			free(hit);
		}
	}
}

struct shared {
	struct pool_lock *lock;
	long long sum; /* not atomic on purpose: only the lock guards it */
};

static void add_locked(void *ctx, size_t i)
{
	struct shared *s = ctx;

	pool_lock_take(s->lock);
	s->sum += (long long)i;
	pool_lock_give(s->lock);
}

static void test_lock(void **state)
{
	struct shared s = { pool_lock_new(), 0 };

	pool_parallel(20000, 4, add_locked, &s);
	assert_int_equal(s.sum, 20000LL * 19999 / 2);
	pool_lock_free(s.lock);
	pool_lock_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_done_on_owner),
		cmocka_unit_test(test_same_key_in_order),
		cmocka_unit_test(test_key_blocks_only_itself),
		cmocka_unit_test(test_interactive_never_waits),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_free_drops_queue),
		cmocka_unit_test(test_done_may_post),
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
