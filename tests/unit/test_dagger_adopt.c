/* test_dagger_adopt.c - the dagger engine when a conductor ends and the next one takes over. */
#include "dagger_rig.h"

static void go(const struct rig *r)
{
	struct err e;
	char *path = fs_join(r->dir, "go");

	assert_int_equal(fs_create(path, 0600, "", 0, &e), 0);
	free(path);
}

/* The conductor dies with a control line half written; the next one finds the pipeline at work. */
static void adopted(void **state)
{
	struct rig r;
	char *control;

	for (int know = 0; know < 2; know++) {
		rig_task(&r, 40 + know, "a", "wait", NULL);
		engine_dagger.start(r.g, &r.t);
		r.leave = true;
		run(&r);
		rig_close(&r);
		control = xasprintf("%s/races/%d/pipe/0/control.jsonl", top, 40 + know);
		int fd = open(control, O_WRONLY | O_APPEND);
		assert_int_equal(write(fd, "{\"n\":9,\"st", 10), 10);
		close(fd);
		free(control);
		rig_open(&r);
		r.leave = false;
		r.started = r.ended = 0;
		if (!know)
			r.t.id[0] = '\0';
		engine_dagger.adopt(r.g, &r.t);
		if (know)
			go(&r);
		else
			engine_dagger.stop(r.g, &r.t);
		run(&r);
		expect(&r, know ? ENGINE_EXITED : ENGINE_STOPPED, know ? 5 : 143,
			know ? "exit 5" : "stopped");
		assert_int_equal(r.started, !know);
		assert_int_equal(pipes(40 + know), 1);
		/* what is over is told again */
		r.ended = 0;
		engine_dagger.adopt(r.g, &r.t);
		run(&r);
		expect(&r, know ? ENGINE_EXITED : ENGINE_STOPPED, know ? 5 : 143,
			know ? "exit 5" : "stopped");
		rig_done(&r);
	}
}

static void adopted_after_its_pipeline_died(void **state)
{
	struct rig r;

	rig_task(&r, 45, "a", "dies", NULL);
	engine_dagger.start(r.g, &r.t);
	r.leave = true;
	run(&r);
	rig_close(&r);
	rig_open(&r);
	r.leave = false;
	engine_dagger.adopt(r.g, &r.t);
	run(&r);
	expect(&r, ENGINE_EXITED, 4, "exit 4");
	rig_done(&r);
	rig_task(&r, 46, "never-there", "wait", NULL);
	engine_dagger.adopt(r.g, &r.t);
	run(&r);
	expect(&r, ENGINE_GONE, -1, "no pipeline was started");
	rig_done(&r);
}

static void flag(int race, const char *name, bool on)
{
	struct err e = ERR_INIT;
	char *path = xasprintf("%s/races/%d/%s", top, race, name);

	assert_int_equal(on ? fs_create(path, 0600, "", 0, &e) : unlink(path), 0);
	free(path);
}

/* Runs the loop until a file of the race's newest process is there (and locked). */
struct wait_file {
	struct rig *r;
	char *path;
	bool locked;
};

static void look_for_file(void *ctx)
{
	struct wait_file *w = ctx;
	struct err e = ERR_INIT;
	int fd = fs_exists(w->path) ? w->locked ? fs_lock(w->path, &e) : -1 : 0;

	if (fd > 0)
		close(fd);
	if (fd < 0)
		loop_stop(w->r->loop, 0);
	else
		loop_after(w->r->loop, 5, look_for_file, w);
}

static void run_until_file(struct rig *r, int race, const char *name, bool locked)
{
	struct wait_file w = { r, xasprintf("%s/races/%d/pipe/%s", top, race, name), locked };

	loop_after(r->loop, 0, look_for_file, &w);
	run(r);
	free(w.path);
}

static void next_conductor(struct rig *r)
{
	rig_close(r);
	rig_open(r);
	r->leave = false;
	r->started = r->ended = 0;
	engine_dagger.adopt(r->g, &r->t);
}

/* The conductor ends between the start of a collector and the collector's lock: the next one finds
 * the lock free, so that collector can never begin; another one is sent. */
static void adopted_while_its_collector_starts(void **state)
{
	struct rig r;
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	rig_task(&r, 47, "a", "dies", NULL);
	flag(47, "slow-lock", true);
	engine_dagger.start(r.g, &r.t);
	run_until_file(&r, 47, "1/plan.json", false);
	next_conductor(&r);
	flag(47, "slow-lock", false);
	run(&r);
	expect(&r, ENGINE_EXITED, 4, "exit 4");
	assert_int_equal(pipes(47), 3);
	char *events = xasprintf("%s/races/47/pipe/1/events.jsonl", top);
	assert_int_equal(fs_read(events, 1 << 20, &b, &e), 0);
	assert_string_equal(b.p, "");
	buf_release(&b);
	free(events);
	rig_done(&r);
}

static void let_it_write_its_pid(void *ctx)
{
	struct rig *r = ctx;

	flag(r->t.race, "slow-pid", false);
	go(r);
}

/* A process that has its lock, and has not written its pid yet, lives. */
static void adopted_before_its_pid_is_known(void **state)
{
	struct rig r;

	rig_task(&r, 48, "a", "wait", NULL);
	flag(48, "slow-pid", true);
	engine_dagger.start(r.g, &r.t);
	run_until_file(&r, 48, "0/lock", true);
	next_conductor(&r);
	loop_after(r.loop, 300, let_it_write_its_pid, &r);
	run(&r);
	expect(&r, ENGINE_EXITED, 5, "exit 5");
	assert_int_equal(pipes(48), 1);
	rig_done(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(adopted),
	cmocka_unit_test(adopted_after_its_pipeline_died),
	cmocka_unit_test(adopted_while_its_collector_starts),
	cmocka_unit_test(adopted_before_its_pid_is_known),
};

RIG_MAIN(tests)
