/* test_loop.c - the conductor's loop: descriptors, timers in order, posts from threads, silence
 * when nothing happens. */

#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/loop.h"

struct bench {
	struct loop *l;
	struct loop_fd *w, *w2;
	int pipe[2], other[2];
	char order[64];
	int reads, writes;
	struct loop_timer *victim;
	int64_t posted_ns;
	int worker_ran;
};

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct err e = ERR_INIT;
	b->l = loop_new(&e);
	assert_non_null(b->l);
	assert_int_equal(pipe2(b->pipe, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(b->other, O_CLOEXEC | O_NONBLOCK), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	loop_free(b->l);
	for (int i = 0; i < 2; i++) {
		close(b->pipe[i]);
		close(b->other[i]);
	}
	free(b);
	return 0;
}

static void mark(struct bench *b, char c)
{
	size_t n = strlen(b->order);
	if (n + 1 < sizeof(b->order))
		b->order[n] = c;
}

static void stop(void *ctx)
{
	struct bench *b = ctx;
	loop_stop(b->l, 3);
}

static void timer_a(void *ctx)
{
	mark(ctx, 'a');
}
static void timer_b(void *ctx)
{
	mark(ctx, 'b');
}
static void timer_c(void *ctx)
{
	mark(ctx, 'c');
}
static void timer_kills(void *ctx)
{
	struct bench *b = ctx;
	mark(b, 'k');
	loop_cancel(b->victim);
}

static void timers_run_in_order(void **state)
{
	struct bench *b = *state;
	int64_t t0 = clock_mono_ns();
	loop_after(b->l, 40, stop, b);
	loop_after(b->l, 20, timer_c, b);
	loop_after(b->l, 5, timer_a, b);
	loop_after(b->l, 5, timer_b, b); /* same time: in the order they were made */
	loop_after(b->l, 10, timer_kills, b);
	b->victim = loop_after(b->l, 15, timer_a, b);
	assert_int_equal(loop_run(b->l), 3);
	assert_string_equal(b->order, "abkc");
	assert_true(clock_mono_ns() - t0 >= 40 * 1000000LL); /* never early */
}

static void again_at_once(void *ctx)
{
	struct bench *b = ctx;
	if (++b->writes < 1000)
		loop_after(b->l, 0, again_at_once, b);
}

static void on_read(void *ctx, int fd, int events)
{
	struct bench *b = ctx;
	char buf[8];
	assert_int_equal(events, LOOP_READ);
	assert_true(read(fd, buf, sizeof(buf)) >= 0);
	b->reads++;
	mark(b, 'r');
	loop_stop(b->l, 0);
}

/* A chain of timers of 0 ms must not keep descriptors from being served. */
static void zero_timers_starve_nobody(void **state)
{
	struct bench *b = *state;
	b->w = loop_watch(b->l, b->pipe[0], LOOP_READ, on_read, b);
	assert_int_equal(write(b->pipe[1], "x", 1), 1);
	loop_after(b->l, 0, again_at_once, b);
	loop_run(b->l);
	assert_int_equal(b->reads, 1);
	assert_true(b->writes < 10);
}

static void unwatch_both(void *ctx, int fd, int events)
{
	struct bench *b = ctx;
	b->reads++;
	loop_unwatch(b->w);
	loop_unwatch(b->w2);
	close(fd); /* allowed right after unwatch */
	b->pipe[0] = b->pipe[0] == fd ? -1 : b->pipe[0];
	b->other[0] = b->other[0] == fd ? -1 : b->other[0];
	loop_after(b->l, 30, stop, b);
}

/* Both are readable in the same turn; the first to run removes the other and itself: the other must
 * not run. */
static void unwatch_inside_a_callback(void **state)
{
	struct bench *b = *state;
	b->w = loop_watch(b->l, b->pipe[0], LOOP_READ, unwatch_both, b);
	b->w2 = loop_watch(b->l, b->other[0], LOOP_READ, unwatch_both, b);
	assert_int_equal(write(b->pipe[1], "x", 1), 1);
	assert_int_equal(write(b->other[1], "x", 1), 1);
	loop_after(b->l, UNIT_DEADLINE, stop, b);
	loop_run(b->l);
	assert_int_equal(b->reads, 1);
}

static void watch_more(void *ctx, int fd, int events)
{
	struct bench *b = ctx;
	char buf[8];
	assert_true(read(fd, buf, sizeof(buf)) > 0);
	for (int i = 0; i < 40; i++) /* the table moves under the loop's feet */
		loop_unwatch(loop_watch(b->l, b->other[1], LOOP_READ, on_read, b));
	b->w2 = loop_watch(b->l, b->other[0], LOOP_READ, on_read, b);
}

static void watch_inside_a_callback(void **state)
{
	struct bench *b = *state;
	b->w = loop_watch(b->l, b->pipe[0], LOOP_READ, watch_more, b);
	assert_int_equal(write(b->pipe[1], "x", 1), 1);
	assert_int_equal(write(b->other[1], "x", 1), 1);
	loop_after(b->l, UNIT_DEADLINE, stop, b);
	assert_int_equal(loop_run(b->l), 0);
	assert_int_equal(b->reads, 1);
}

static void count_writes(void *ctx, int fd, int events)
{
	struct bench *b = ctx;
	assert_int_equal(events, LOOP_WRITE);
	if (++b->writes < 3)
		return;
	loop_watch_events(b->w, 0);
	loop_after(b->l, 50, stop, b);
}

static void masked_descriptors_do_not_wake(void **state)
{
	struct bench *b = *state;
	b->w = loop_watch(b->l, b->pipe[1], LOOP_WRITE, count_writes, b);
	b->w2 = loop_watch(b->l, b->other[0], 0, on_read, b);
	assert_int_equal(write(b->other[1], "x", 1), 1);
	loop_run(b->l);
	assert_int_equal(b->writes, 3);
	assert_int_equal(b->reads, 0);
	assert_true(loop_turns(b->l) <= 6);
	loop_watch_events(b->w2, LOOP_READ);
	loop_after(b->l, UNIT_DEADLINE, stop, b);
	assert_int_equal(loop_run(b->l), 0);
	assert_int_equal(b->reads, 1);
}

static void hung_up(void *ctx, int fd, int events)
{
	struct bench *b = ctx;
	b->writes++;
	assert_int_equal(events, LOOP_WRITE);
	loop_unwatch(b->w);
	loop_stop(b->l, 0);
}

/* A full pipe whose reader leaves: the writer must be told, although poll only speaks of a hang-up.
 */
static void hang_up_reaches_a_writer(void **state)
{
	struct bench *b = *state;
	char block[4096];
	memset(block, 'x', sizeof(block));
	while (write(b->pipe[1], block, sizeof(block)) > 0)
		;
	b->w = loop_watch(b->l, b->pipe[1], LOOP_WRITE, hung_up, b);
	close(b->pipe[0]);
	b->pipe[0] = -1;
	loop_after(b->l, UNIT_DEADLINE, stop, b);
	assert_int_equal(loop_run(b->l), 0);
	assert_int_equal(b->writes, 1);
}

static void silent_when_idle(void **state)
{
	struct bench *b = *state;
	b->w = loop_watch(b->l, b->pipe[0], LOOP_READ, on_read, b);
	loop_after(b->l, 300, stop, b);
	uint64_t before = loop_turns(b->l);
	loop_run(b->l);
	assert_int_equal(loop_turns(b->l) - before, 1); /* the one timer */
	assert_int_equal(b->reads, 0);
}

static void worker(void *arg)
{
	struct bench *b = arg;
	b->worker_ran = 1;
	b->posted_ns = clock_mono_ns();
}

static void worker_done(void *arg)
{
	struct bench *b = arg;
	mark(b, 'd');
	loop_stop(b->l, 7);
}

static void posts_come_back_on_the_loop(void **state)
{
	struct bench *b = *state;
	loop_after(b->l, UNIT_DEADLINE, stop, b);
	pool_post(loop_pool(b->l), worker, worker_done, b);
	assert_int_equal(loop_run(b->l), 7);
	assert_int_equal(b->worker_ran, 1);
	assert_string_equal(b->order, "d");
	assert_true(loop_turns(b->l) <= 3);
}

static void before(void *ctx)
{
	struct bench *b = ctx;

	mark(b, 'p');
	if (strlen(b->order) >= 4)
		loop_stop(b->l, 3);
}

static void timer(void *ctx)
{
	struct bench *b = ctx;

	mark(b, 't');
	loop_after(b->l, 0, timer, b);
}

/* Once a turn, behind what was due; a turn that it ends does not sleep any more. */
static void before_poll(void **state)
{
	struct bench *b = *state;

	loop_before_poll(b->l, before, b);
	loop_after(b->l, 0, timer, b);
	assert_int_equal(loop_run(b->l), 3);
	assert_string_equal(b->order, "tptp");
}

/* In a child, because it must abort. */
static void closed_descriptor_is_a_bug(void **state)
{
	struct bench *b = *state;
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(null, 2);
		signal(SIGABRT, SIG_DFL);
		loop_watch(b->l, b->pipe[0], LOOP_READ, on_read, b);
		close(b->pipe[0]);
		loop_after(b->l, UNIT_DEADLINE, stop, b);
		loop_run(b->l);
		_exit(0);
	}
	int st = 0;
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFSIGNALED(st));
	assert_int_equal(WTERMSIG(st), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(timers_run_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(zero_timers_starve_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(unwatch_inside_a_callback, setup, teardown),
		cmocka_unit_test_setup_teardown(watch_inside_a_callback, setup, teardown),
		cmocka_unit_test_setup_teardown(masked_descriptors_do_not_wake, setup, teardown),
		cmocka_unit_test_setup_teardown(hang_up_reaches_a_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(silent_when_idle, setup, teardown),
		cmocka_unit_test_setup_teardown(posts_come_back_on_the_loop, setup, teardown),
		cmocka_unit_test_setup_teardown(before_poll, setup, teardown),
		cmocka_unit_test_setup_teardown(closed_descriptor_is_a_bug, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
