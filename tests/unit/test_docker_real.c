/* test_docker_real.c - the docker engine with the Docker daemon of this machine (skipped, with one
 * line, where there is none). */
#include "docker_rig.c"
#include "engine/docker_image.h"

#include <signal.h>
#include <sys/wait.h>

static bool have_docker;

static int setup(void **state)
{
	*state = rig_new();
	return 0;
}

static int teardown(void **state)
{
	if (have_docker)
		rig_remove_all(*state);
	rig_free(*state);
	return 0;
}

static struct rig *ready(void **state)
{
	struct rig *r = *state;
	if (!have_docker)
		skip();
	rig_prepare(r, "host");
	assert_string_equal(r->prepare_err.msg, "");
	return r;
}

static void expect(const struct rig_task *k, int code, enum engine_cause cause, const char *reason)
{
	if (k->end.exit != code || k->end.cause != cause || !strstr(k->end.reason, reason))
		fail_msg("%s: exit %d cause %d \"%s\", not %d %d \"%s\"", k->name, k->end.exit,
			(int)k->end.cause, k->end.reason, code, (int)cause, reason);
	assert_int_equal(k->ended, 1);
}

static void says(const struct rig_task *k, const char *text, bool want)
{
	char *log = rig_log(k);
	if ((strstr(log, text) != NULL) != want)
		fail_msg("%s: \"%s\" %s its log:\n%.3000s", k->name, text,
			want ? "is not in" : "is in", log);
	free(log);
}

static void codes_and_words(void **state)
{
	static const struct {
		const char *name, *script;
		int code;
		enum engine_cause cause;
		const char *reason;
	} table[] = {
		{ "fine",
			"echo out; echo err >&2; echo $PWD $HOME $(id -u) $YOLO; touch /tmp/a "
			"/work/b $HOME/c",
			0, ENGINE_EXITED, "exit 0" },
		{ "three", "exit 3", 3, ENGINE_EXITED, "exit 3" },
		{ "signal", "kill -9 $$", 137, ENGINE_EXITED, "exit 137" },
		{ "hog", "exec tail /dev/zero", 137, ENGINE_OOM,
			"out of memory (limit 256.0 MiB)" },
		{ "hog-inside", "tail /dev/zero; exit 4", 4, ENGINE_EXITED,
			"exit 4, a process was out of memory (limit 256.0 MiB)" },
		{ "late", "sleep 100", 143, ENGINE_TIME, "time limit 300ms" },
		{ "missing", "no-such-program-anywhere", 127, ENGINE_EXITED, "exit 127" },
		{ "bomb", "while :; do sleep 30 & done", 2, ENGINE_EXITED,
			"exit 2, process limit (64) reached" },
		{ "bomb-late", "b() { b | b & }; b 2>/dev/null; exec sleep 100", 143, ENGINE_TIME,
			"time limit 4s, process limit (64) reached" },
	};
	struct rig *r = ready(state);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct rig_task *k = rig_task(r, table[i].name, table[i].script);
		strv_add(&k->t.env, "YOLO=deck");
		k->t.limits.time_ms = !strcmp(table[i].name, "late") ? 300
			: !strcmp(table[i].name, "bomb-late")        ? 4000
								     : 30000;
		rig_start(r, k);
		rig_run_until(r, rig_all_ended, "the end"); /* a bomb leaves no time to others */
	}
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		expect(&r->task[i], table[i].code, table[i].cause, table[i].reason);
		assert_int_equal(r->task[i].started, 1);
	}
	char want[128];
	snprintf(want, sizeof(want), "/work /home/yolo %d deck\n",
		getuid() ? (int)getuid() : DOCKER_NOBODY);
	says(&r->task[0], want, true);
	says(&r->task[0], "out\n", true);
	says(&r->task[0], "err\n", true);
	char *b = xasprintf("%s/work/b", r->task[0].dir),
	     *c = xasprintf("%s/home/c", r->task[0].dir);
	assert_true(fs_exists(b) && fs_exists(c));
	free(b);
	free(c);
	assert_int_equal(rig_containers(r), (int)ARRAY_LEN(table));
	rig_remove_all(r);
	assert_int_equal(rig_containers(r), 0);
}

static bool both_up(struct rig *r)
{
	char *a = rig_log(&r->task[0]), *b = rig_log(&r->task[1]);
	bool yes = strstr(a, "up") && strstr(b, "up");
	free(a);
	free(b);
	return yes;
}

static void stopping(void **state)
{
	struct rig *r = ready(state);
	struct rig_task *kind = rig_task(
		r, "kind", "trap 'echo asked; exit 5' TERM; echo up; while :; do sleep 0.05; done");
	struct rig_task *deaf =
		rig_task(r, "deaf", "trap '' TERM; echo up; while :; do sleep 0.05; done");
	struct rig_task *early = rig_task(r, "early", "echo never");
	deaf->t.grace_ms = 300;
	rig_start(r, kind);
	rig_start(r, deaf);
	rig_start(r, early);
	engine_docker.stop(r->g, &early->t); /* before anything was sent */
	rig_run_until(r, rig_all_started, "the starts");
	rig_run_until(r, both_up, "both commands");
	engine_docker.stop(r->g, &kind->t);
	engine_docker.stop(r->g, &deaf->t);
	engine_docker.stop(r->g, &deaf->t); /* twice is once */
	rig_run_until(r, rig_all_ended, "the ends");
	expect(kind, 5, ENGINE_STOPPED, "stopped");
	expect(deaf, 137, ENGINE_STOPPED, "stopped");
	expect(early, -1, ENGINE_STOPPED, "before it started");
	says(kind, "asked", true);
	assert_int_equal(early->started, 0);
	assert_int_equal(rig_containers(r), 2);
}

/* From outside: killed, removed, and a name that is taken. */
static void strangers(void **state)
{
	struct rig *r = ready(state);
	struct rig_task *killed = rig_task(r, "killed", "sleep 100"),
			*removed = rig_task(r, "removed", "sleep 100");
	struct rig_task *taken = rig_task(r, "taken", "true");
	char name[128];
	int code;
	docker_body_name(&taken->t, name, sizeof(name));
	char *id =
		CLI(&code, "create", "--network", "none", "--name", name, DOCKER_IMAGE_EMPTY, "x");
	assert_int_equal(code, 0);
	rig_start(r, killed);
	rig_start(r, removed);
	rig_start(r, taken);
	rig_run_until(r, rig_all_started, "the starts");
	expect(taken, -1, ENGINE_NOT_STARTED, "is in the way and is not ours");
	free(CLI(&code, "kill", killed->t.id));
	free(CLI(&code, "rm", "-f", removed->t.id));
	rig_run_until(r, rig_all_ended, "the ends");
	free(CLI(&code, "rm", "-f", id));
	free(id);
	expect(killed, 137, ENGINE_EXITED, "killed from outside");
	expect(removed, removed->end.exit, removed->end.exit < 0 ? ENGINE_GONE : ENGINE_EXITED,
		removed->end.exit < 0 ? "gone" : "killed from outside");
	taken->t.id[0] = 0;
}

/* What the command may see of its own log, with the gate and (control) without. */
static void the_gate(void **state)
{
	static const char script[] =
		"t() { if eval \"$2\" >/dev/null 2>&1; then echo \"$1 OPEN\"; else echo \"$1 "
		"denied\"; fi; };"
		"t read 'cat /.yolo/log'; t list 'ls /.yolo'; t append 'echo forged >>/.yolo/log'; "
		"t index 'cat /.yolo/idx';"
		"t unlink 'rm -f /.yolo/log'; t replace 'mv /.yolo/log /.yolo/other'; t fds 'ls "
		"/proc/1/fd'; t environ 'cat /proc/1/environ';"
		"t root 'ls /proc/1/root/'; t kill 'kill -9 1'; t docker 'ls "
		"/var/run/docker.sock'; t caps 'grep -q \"CapEff:.*[1-9a-f]\" /proc/self/status';"
		"grep NoNewPrivs /proc/self/status";
	static const char *const closed[] = { "read", "list", "append", "index", "unlink",
		"replace", "fds", "environ", "root", "kill", "docker", "caps" };
	static const char *const open_without[] = { "read", "list", "append", "index" };
	struct rig *r = ready(state);
	struct rig_task *k = rig_task(r, "guarded", script);
	char line[64];
	rig_start(r, k);
	rig_run_until(r, rig_all_ended, "the end");
	expect(k, 0, ENGINE_EXITED, "exit 0");
	for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
		snprintf(line, sizeof(line), "%s denied\n", closed[i]);
		says(k, line, true);
	}
	says(k, "OPEN", false);
	says(k, "NoNewPrivs:\t1", true);
	if (getuid() != 0) {
		print_message("skipped: the control without a gate needs container root to be the "
			      "log's owner\n");
		return;
	}
	((struct docker_info *)((struct docker *)r->g)->info)->rootless =
		true; /* the body of a daemon that cannot guard */
	struct rig_task *c = rig_task(r, "control", script);
	char *work = xasprintf("%s/work", c->dir);
	assert_int_equal(chown(work, 0, 0), 0);
	free(work);
	rig_start(r, c);
	rig_run_until(r, rig_all_ended, "the end of the control");
	for (size_t i = 0; i < ARRAY_LEN(open_without); i++) {
		snprintf(line, sizeof(line), "%s OPEN\n", open_without[i]);
		says(c, line, true);
	}
	assert_int_equal(c->end.exit, 0);
}

static void networks_and_mounts(void **state)
{
	struct rig *r = ready(state);
	struct rig_task *none = rig_task(r, "none", "cat /proc/net/dev"),
			*bridge = rig_task(r, "bridge", "cat /proc/net/dev");
	struct rig_task *writes = rig_task(
		r, "writes", "touch /usr/x /etc/ssl/x; ls -d /root /home/* /run/* /work; id -un");
	struct rig_task *base =
		rig_task(r, "base", "cat /yolo-base.git/f && echo x >/yolo-base.git/f");
	struct rig_task *mount = rig_task(r, "mount", "cat /tmp/../$M/f; echo x >$M/f");
	char *given = xasprintf("%s/given", r->dir), *file = xasprintf("%s/f", given);
	struct err e = ERR_INIT;
	assert_int_equal(mkdir(given, 0755), 0);
	assert_int_equal(chmod(r->dir, 0711), 0);
	assert_int_equal(fs_create(file, 0666, "given\n", 6, &e), 0);
	bridge->t.network = "bridge";
	strv_add(&mount->t.mounts, given);
	strv_fmt(&mount->t.env, "M=%s", given);
	rig_start(r, none);
	rig_start(r, bridge);
	rig_start(r, writes);
	base->t.base_store = given;
	rig_start(r, base);
	rig_start(r, mount);
	rig_run_until(r, rig_all_ended, "the ends");
	says(none, "eth0", false);
	says(none, "lo:", true);
	says(bridge, "eth0", true);
	expect(writes, 0, ENGINE_EXITED, "");
	says(writes, "/work", true);
	says(writes, "/root\n", false);
	says(writes, "yolo\n", true);
	expect(mount, 2, ENGINE_EXITED, "");
	says(mount, "given\n", true);
	expect(base, 2, ENGINE_EXITED, "");
	says(base, "given\n", true);
	says(base, "Read-only", true);
	free(given);
	free(file);
}

static void images(void **state)
{
	struct rig *r = ready(state);
	static const char *const bad[] = { "../x", "a b", "-x", "a?b=c", "a//b" };
	rig_prepare(r, "no.such.invalid/image:1"); /* to be pulled when it is needed */
	assert_string_equal(r->prepare_err.msg, "");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		rig_prepare(r, bad[i]);
		assert_string_equal(r->prepare_err.code, "bad_image");
	}
	/* an image of ours that is here, but holds no program */
	struct rig_task *k = rig_task(r, "bare", "true"), *gone = rig_task(r, "noimage", "true");
	k->t.image = DOCKER_IMAGE_EMPTY;
	gone->t.image = "no.such.invalid/image:1";
	rig_start(r, k);
	rig_start(r, gone);
	rig_run_until(r, rig_all_ended, "the ends");
	expect(k, 127, ENGINE_NOT_STARTED, "command not found in image yolodeck-empty:1: /bin/sh");
	expect(gone, -1, ENGINE_NOT_STARTED, "its registry cannot be reached");
}

/* An image that brings its own /.yolo, open for all: the runner must close it or refuse. */
static void an_image_with_its_own_yolo(void **state)
{
	struct rig *r = ready(state);
	char *root = xasprintf("%s/root", r->dir), *inner = xasprintf("%s/root/.yolo", r->dir),
	     *tar = xasprintf("%s/i.tar", r->dir);
	char *tag = xasprintf("yolotest-%.8s:1", r->repo);
	int code;
	assert_int_equal(mkdir(root, 0755) | mkdir(inner, 0777) | chmod(inner, 0777), 0);
	if (getuid() == 0)
		assert_int_equal(chown(inner, DOCKER_NOBODY, DOCKER_NOBODY), 0);
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result res;
	struct err e = ERR_INIT;
	s.argv = (const char *const[]){ "tar", "-C", root, "-cf", tar, ".yolo", NULL };
	assert_int_equal(child_run(&s, NULL, 0, 1000, UNIT_DEADLINE, &res, &e), 0);
	assert_int_equal(res.code, 0);
	child_result_release(&res);
	free(CLI(&code, "import", tar, tag));
	assert_int_equal(code, 0);
	struct rig_task *k = rig_task(r, "brings", "true");
	k->t.image = tag;
	rig_start(r, k);
	rig_run_until(r, rig_all_ended, "the end");
	print_message("an image's own /.yolo: exit %d, %s\n", k->end.exit, k->end.reason);
	assert_int_equal(k->end.cause,
		ENGINE_NOT_STARTED); /* 125 refused, or 127: guarded, and no such program in it */
	assert_true(k->end.exit == 125 || k->end.exit == 127);
	rig_remove_all(r);
	free(CLI(&code, "rmi", tag));
	free(tag);
	free(tar);
	free(inner);
	free(root);
}

static void exec_beside(void **state)
{
	struct rig *r = ready(state);
	struct rig_task *k = rig_task(r, "host", "sleep 100");
	struct strv argv = STRV_INIT;
	struct err e = ERR_INIT;
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result res;
	char want[64];
	rig_start(r, k);
	rig_run_until(r, rig_all_started, "the start");
	const char *const cmd[] = { "sh", "-c", "echo $(id -u) $PWD $(cat /.yolo/log 2>&1)", NULL };
	assert_int_equal(engine_docker.exec_argv(r->g, &k->t, cmd, false, &argv, &e), 0);
	s.argv = strv_argv(&argv);
	assert_int_equal(child_run(&s, NULL, 0, 10000, UNIT_DEADLINE, &res, &e), 0);
	snprintf(want, sizeof(want), "%d /work cat: /.yolo/log: Permission denied\n",
		getuid() ? (int)getuid() : DOCKER_NOBODY);
	assert_string_equal(res.out.p, want);
	child_result_release(&res);
	strv_release(&argv);
}

static void eight_idle(void **state)
{
	struct rig *r = ready(state);
	int64_t t0 = clock_mono_ns(), sum = 0, max = 0, cpu, mem;
	for (int i = 0; i < 8; i++) {
		char name[16];
		snprintf(name, sizeof(name), "v%d", i);
		rig_start(r, rig_task(r, name, "sleep 100"));
	}
	rig_run_until(r, rig_all_started, "eight starts");
	for (size_t i = 0; i < r->n; i++) {
		int64_t ns = r->task[i].started_ns - r->task[i].asked_ns;
		sum += ns;
		max = ns > max ? ns : max;
		engine_docker.sample(r->g, &r->task[i].t, &cpu, &mem);
		assert_true(cpu > 0 && mem > 0);
	}
	print_message(
		"8 at once: all running after %.0f ms, request to running mean %.0f max %.0f ms\n",
		(double)(clock_mono_ns() - t0) / 1e6, (double)sum / 8e6, (double)max / 1e6);
	/* 3 s without a wake-up, once what the calls left behind is over */
	uint64_t before;
	int64_t end = clock_mono_ms() + UNIT_DEADLINE;
	do {
		before = loop_turns(r->l);
		rig_run_for(r, 3000);
	} while (loop_turns(r->l) - before > 1 && clock_mono_ms() < end);
	print_message("8 idle containers, 3 s: %d wake-ups (1 = the test's own timer)\n",
		(int)(loop_turns(r->l) - before));
	assert_true(loop_turns(r->l) - before <= 1);
	for (size_t i = 0; i < r->n; i++)
		engine_docker.stop(r->g, &r->task[i].t);
	rig_run_until(r, rig_all_ended, "eight ends");
	engine_docker.sample(r->g, &r->task[0].t, &cpu, &mem);
	assert_true(cpu == -1 && mem == -1);
}

static void count_script(char *out, size_t n)
{
	snprintf(out, n,
		"i=0; while [ $i -lt 6000 ]; do echo line $i; echo err $i >&2; i=$((i+1)); "
		"[ $((i %% 100)) = 0 ] && sleep 0.02; done; exit 9");
}

/* Every line once, in order, per stream. */
static void whole(const struct rig_task *k)
{
	char *log = rig_log(k), want[32];
	int out = 0, err = 0, other = 0;
	for (char *l = log, *nl; (nl = strchr(l, '\n')); l = nl + 1) {
		*nl = 0;
		snprintf(want, sizeof(want), "line %d", out);
		if (!strcmp(l, want)) {
			out++;
			continue;
		}
		snprintf(want, sizeof(want), "err %d", err);
		if (!strcmp(l, want))
			err++;
		else
			other++;
	}
	free(log);
	if (out != 6000 || err != 6000 || other)
		fail_msg("%s: %d + %d lines in order, %d others", k->name, out, err, other);
}

/* An owner of its own process starts four, is killed by SIGKILL; we adopt: two by id, two by
 * nothing but their name. */
static void a_killed_owner(void **state)
{
	struct rig *r = ready(state);
	char script[256], ids[4][128] = { "" };
	int p[2];
	count_script(script, sizeof(script));
	for (int i = 0; i < 4; i++) {
		char name[16];
		snprintf(name, sizeof(name), "v%d", i);
		rig_task(r, name, script);
	}
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		rig_engine(r); /* the parent's is left alone */
		for (int i = 0; i < 4; i++)
			rig_start(r, &r->task[i]);
		rig_run_until(r, rig_all_started, "four starts");
		for (int i = 0; i < 4; i++)
			if (write(p[1], r->task[i].t.id, 128) != 128)
				_exit(1);
		rig_run_for(r, 60000);
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(read(p[0], ids[i], 128), 128);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(p[0]);
	close(p[1]);
	for (int i = 0; i < 4; i++) {
		if (i < 2)
			snprintf(r->task[i].t.id, sizeof(r->task[i].t.id), "%.127s", ids[i]);
		engine_docker.adopt(r->g, &r->task[i].t);
	}
	rig_run_until(r, rig_all_ended, "four ends");
	for (int i = 0; i < 4; i++) {
		expect(&r->task[i], 9, ENGINE_EXITED, "exit 9");
		assert_int_equal(r->task[i].started,
			i < 2 ? 0 : 1); /* only where the identity was not known */
		assert_string_equal(r->task[i].t.id, ids[i]);
		whole(&r->task[i]);
	}
	assert_int_equal(rig_containers(r), 4); /* no second one */
	struct rig_task *nowhere = rig_task(r, "nowhere", "true");
	engine_docker.adopt(r->g, &nowhere->t);
	rig_run_until(r, rig_all_ended, "the one that is nowhere");
	expect(nowhere, -1, ENGINE_GONE, "gone");
}

static void thirty_two(void **state)
{
	struct rig *r = ready(state);
	int64_t t0 = clock_mono_ns(), sum = 0, max = 0;
	for (int i = 0; i < 32; i++) {
		char name[16];
		snprintf(name, sizeof(name), "v%d", i);
		rig_start(r, rig_task(r, name, "sleep 100"));
	}
	r->patience = 4;
	rig_run_until(r, rig_all_started, "32 starts");
	for (size_t i = 0; i < r->n; i++) {
		int64_t ns = r->task[i].started_ns - r->task[i].asked_ns;
		assert_int_equal(r->task[i].started, 1);
		sum += ns;
		max = ns > max ? ns : max;
	}
	print_message(
		"32 at once: all running after %.0f ms, request to running mean %.0f max %.0f ms\n",
		(double)(clock_mono_ns() - t0) / 1e6, (double)sum / 32e6, (double)max / 1e6);
	t0 = clock_mono_ns();
	for (size_t i = 0; i < r->n; i++)
		engine_docker.stop(r->g, &r->task[i].t);
	rig_run_until(r, rig_all_ended, "32 ends");
	print_message("32 stopped after %.0f ms\n", (double)(clock_mono_ns() - t0) / 1e6);
}

#define REAL(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	struct rig *r = rig_new();
	rig_probe(r);
	have_docker = r->report.ok;
	print_message("%s%s\n", have_docker ? "" : "skipped: ", r->report.why);
	rig_free(r);
	const struct CMUnitTest tests[] = {
		REAL(codes_and_words),
		REAL(stopping),
		REAL(strangers),
		REAL(the_gate),
		REAL(networks_and_mounts),
		REAL(images),
		REAL(an_image_with_its_own_yolo),
		REAL(exec_beside),
		REAL(eight_idle),
		REAL(a_killed_owner),
		REAL(thirty_two),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
