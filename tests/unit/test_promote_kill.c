/* test_promote_kill.c - kill -9 of the git child, of the applying process and of both at random
 * instants, then repair as a conductor's start does; and promotes that run at once. The applying
 * process is this program again. */
#include "promote_repo.h"

#include <signal.h>
#include <time.h>

enum { ROUNDS = 24, UNDO_ROUNDS = 12, FILES = 240, TWO_ROUNDS = 6 };

static struct world *w;

static int setup(void **state)
{
	w = world_new("");
	run(w,
		"cd u; for i in $(seq %d); do mkdir -p d$((i %% 9)); seq 1 200 >d$((i %% 9))/g$i; "
		"done; git add -A; git commit -q -m many",
		FILES);
	free(w->base);
	w->base = sh(w, "git -C u rev-parse HEAD");
	world_variant(w,
		VARIANT_EDITS "; for f in d?/g*; do sed -i 's/^1/new 1/' $f; done; rm "
			      "d3/g3 d4/g4; mkdir -p added; for i in $(seq 40); do seq 1 "
			      "$((i * 30)) >added/h$i; done");
	return 0;
}

static int teardown(void **state)
{
	world_free(w);
	return 0;
}

/* ---- the other process: argv = program, "promote" | "undo", dir, base, tip; waits for <dir>/go,
 * says what came of it ---- */

static int other_promote(const struct world *o, struct err *e)
{
	struct promote_in in = world_in(o);
	struct promote_plan p;
	char *go = fs_join(o->dir, "go"), *ready = xasprintf("%s/ready.%d", o->dir, (int)getpid());
	int rc = promote_plan(&in, &p, e);

	if (!rc && fs_create(ready, 0600, "", 0, e) == 0) {
		while (!fs_exists(go))
			poll(NULL, 0, 1);
		rc = promote_apply(&in, &p, o->j, e);
	}
	promote_plan_release(&p);
	free(go);
	free(ready);
	return rc;
}

static int other_undo(const struct world *o, struct err *e)
{
	struct promote_done d = { 0 };
	struct undo_plan p = { 0 };
	char *go = fs_join(o->dir, "go"), *ready = xasprintf("%s/ready.%d", o->dir, (int)getpid());
	int rc = -1;

	for (size_t i = 0; i < o->nline && rc; i++)
		rc = promote_done_from_json(&d, o->line[i]);
	if (!rc)
		rc = promote_undo_plan(&o->repo, o->q, &d, &p, e);
	if (!rc && fs_create(ready, 0600, "", 0, e) == 0) {
		while (!fs_exists(go))
			poll(NULL, 0, 1);
		rc = promote_undo_apply(&o->repo, o->q, o->state, &d, &p, NULL, o->j, e);
	}
	undo_plan_release(&p);
	promote_done_release(&d);
	free(go);
	free(ready);
	return rc;
}

static int other_main(char **argv)
{
	struct world o = { .dir = argv[2], .base = argv[3], .tip = argv[4] };
	struct err e = ERR_INIT;
	char *common = xasprintf("%s/u/.git", o.dir), *path = xasprintf("%s/s/journal", o.dir);
	size_t torn;
	int rc = -1;

	o.q = fs_join(o.dir, "q.git");
	o.state = fs_join(o.dir, "s");
	o.j = journal_open(path, world_line, &o, &torn, &e);
	if (o.j && git_repo_open_common(&o.repo, common, &e) == 0)
		rc = strcmp(argv[1], "undo") ? other_promote(&o, &e) : other_undo(&o, &e);
	printf("%s: %s\n", rc ? e.code : "ok", e.msg);
	while (o.nline)
		json_free(o.line[--o.nline]);
	journal_close(o.j);
	git_repo_release(&o.repo);
	free(common);
	free(path);
	free(o.q);
	free(o.state);
	return rc ? 1 : 0;
}

/* ---- this process ---- */

static void start(struct child *c, const char *what, int out)
{
	struct child_spec s = CHILD_SPEC_INIT;
	const char *argv[] = { "/proc/self/exe", what, w->dir, w->base, w->tip, NULL };
	struct err e = ERR_INIT;

	s.argv = argv;
	s.out = s.err = out;
	/* The leak check at its end runs in a child of its own, which kill_git would take for git:
	 * then it waits for that for ever. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	if (child_start(c, &s, &e) < 0)
		fail_msg("%s", e.msg);
}

/* Its words, for the message of a failing test. */
static void start_logged(struct child *c, const char *what)
{
	char *path = fs_join(w->dir, "said");
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	start(c, what, fileno(f));
	fclose(f);
	free(path);
}

static bool is_ready(const struct child *c)
{
	char *p = xasprintf("%s/ready.%d", w->dir, (int)c->id.pid);
	bool there = fs_exists(p);

	free(p);
	return there;
}

static void wait_ready(const struct child *c)
{
	int64_t end = clock_mono_ms() + 60000;

	while (!is_ready(c) && child_alive(&c->id) && clock_mono_ms() < end)
		poll(NULL, 0, 2);
	if (!is_ready(c))
		fail_msg("it does not get ready, it said: %s", sh(w, "cat said"));
}

/* Kills the git that the applying process runs. */
static bool kill_git(const struct child *c)
{
	char *p = xasprintf("/proc/%d/task/%d/children", (int)c->id.pid, (int)c->id.pid);
	FILE *f = fopen(p, "r");
	int pid = 0;

	free(p);
	if (!f)
		return false;
	if (fscanf(f, "%d", &pid) == 1 && pid > 1)
		kill(pid, SIGKILL);
	fclose(f);
	return pid > 1;
}

/* As a conductor's start: the journal replayed, each open intent repaired. */
static int repair_all(void)
{
	int repaired = 0;

	world_journal(w);
	for (size_t i = 0; i < w->nline; i++) {
		int n = (int)json_int(w->line[i], "n", 0);
		struct buf words = BUF_INIT;
		struct err e = ERR_INIT;

		if (strcmp(json_str(w->line[i], "stage", ""), "intent") ||
			world_stage(w, n, "done") || world_stage(w, n, "failed"))
			continue;
		if (promote_repair(&w->repo, w->q, w->state, w->line[i], world_stage(w, n, "child"),
			    w->j, &words, &e) < 0)
			fail_msg("repair: %s: %s; it said: %s", e.code, e.msg, sh(w, "cat said"));
		repaired++;
		buf_release(&words);
	}
	world_journal(w);
	for (size_t i = 0; i < w->nline; i++) {
		int n = (int)json_int(w->line[i], "n", 0);

		if (!strcmp(json_str(w->line[i], "stage", ""), "intent") &&
			!world_stage(w, n, "done") && !world_stage(w, n, "failed"))
			fail_msg("intent %d is still open", n);
	}
	return repaired;
}

static const char local[] = "cd u; echo edit >>f2; echo staged >>f3; git add f3; echo more >>f3; "
			    "printf 'u\\0' >untracked; echo i >x.ign";

static char *edits(void)
{
	return sh(w,
		"cd u; git status --porcelain --ignored; git diff --cached -- f2 f3; cksum f2 "
		"f3 untracked x.ign; find .git -name '*.lock'");
}

struct tally {
	int old, new, mixed, repaired, locks;
};

static int64_t measure(const char *what)
{
	struct child c;
	int64_t t;
	int code;

	run(w, "rm -f go ready.* said");
	start_logged(&c, what);
	wait_ready(&c);
	run(w, "touch go");
	t = clock_mono_ms();
	assert_int_equal(child_wait(&c, UNIT_DEADLINE, &code), 1);
	if (code)
		fail_msg("%s: %d: %s", what, code, sh(w, "cat said; git -C u status | head -n 20"));
	return clock_mono_ms() - t;
}

/* One kill after `us` microseconds; then everything must be whole. from/to: where the branch may
 * be. */
static void kill_round(const char *what, int mode, int64_t us, const char *from, struct tally *t)
{
	struct child c;
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };
	char *before = edits(), *after, *ref, *mess, *to;
	int code;

	run(w, "rm -f go ready.* said");
	start_logged(&c, what);
	wait_ready(&c);
	run(w, "touch go");
	nanosleep(&ts, NULL);
	if (mode != 1)
		kill_git(&c);
	if (mode != 0)
		child_kill(&c, SIGKILL);
	if (child_wait(&c, 60000, &code) != 1)
		fail_msg("%s, mode %d: it does not end: %s", what, mode,
			sh(w, "cat said; ps -eo pid,ppid,stat,wchan:24,args --forest | grep -v ' \\[' | tail -n 12 | cut -c 1-150"));
	if (mode == 2)
		poll(NULL, 0, 5);
	mess = sh(w,
		"cd u; GIT_OPTIONAL_LOCKS=0 git -c advice.statusHints=false status "
		"--porcelain | wc -l; find .git -name '*.lock' | wc -l");
	t->mixed += strtol(mess, NULL, 10) > 3;
	t->locks += strtol(strchr(mess, '\n'), NULL, 10) > 0;
	t->repaired += repair_all();
	after = edits();
	if (strcmp(before, after))
		fail_msg("%s, mode %d, %lld us:\n%s\n---\n%s", what, mode, (long long)us, before,
			after);
	ref = sh(w, "git -C u rev-parse main");
	to = xstrdup(w->nline ? json_str(w->line[w->nline - 1], "new", "") : "");
	for (size_t i = w->nline; i-- > 0 && !*to;)
		xreplace(&to, json_str(w->line[i], "new", ""));
	if (!strcmp(ref, from))
		t->old++;
	else if (!strcmp(ref, to))
		t->new ++;
	else
		fail_msg("main is at %s, neither %s nor %s", ref, from, to);
	/* HEAD, index and tree agree but for the three edits. */
	is(w, "f2 f3", "cd u; git diff --name-only HEAD | paste -sd' '");
	is(w, "", "git -C u fsck --no-dangling 2>&1");
	free(before);
	free(after);
	free(ref);
	free(mess);
	free(to);
}

static void kills(const char *what, int rounds, const char *prepare)
{
	struct tally t = { 0 };
	int64_t full = 0;
	char *from;

	srand(3);
	run(w, "cp -a u saved0");
	run(w, "cp -a s saved_s");
	/* The quickest of three: a busy disk must not put most kills behind the end. */
	for (int i = 0; i < 3; i++) {
		int64_t one;

		run(w, "rm -rf u s; cp -a saved0 u; cp -a saved_s s");
		one = measure(what);
		full = !i || one < full ? one : full;
	}
	for (int i = 0; i < rounds; i++) {
		run(w, "rm -rf u s; cp -a saved0 u; cp -a saved_s s; %s", prepare);
		world_journal(w);
		run(w, "%s; git update-index -q --refresh || true", local);
		from = sh(w, "git -C u rev-parse main");
		kill_round(what, i % 3,
			(int64_t)((double)rand() / RAND_MAX * (double)full * 1000 * 1.1), from, &t);
		free(from);
	}
	print_message("%s, %d kills -9 within %d ms (git, us, both): branch old %d, new %d; %d "
		      "left a mixed tree, %d a lock, %d repaired at start\n",
		what, rounds, (int)full, t.old, t.new, t.mixed, t.locks, t.repaired);
	assert_int_equal(t.old + t.new, rounds);
}

static void test_kill_promote(void **state)
{
	kills("promote", ROUNDS, ":");
}

static void test_kill_undo(void **state)
{
	promote_ok(w);
	kills("undo", UNDO_ROUNDS, ":");
}

/* Two at once, each with its own plan: one wins, the other says why, truly. */
static void test_two_at_once(void **state)
{
	int busy = 0, moved = 0;

	run(w, "cp -a u saved0");
	for (int i = 0; i < TWO_ROUNDS; i++) {
		struct child c[2];
		int code[2];
		char *said;

		run(w, "rm -rf u go ready.* said s/journal; cp -a saved0 u; touch said");
		world_journal(w);
		for (int k = 0; k < 2; k++) {
			start_logged(&c[k], "promote");
		}
		wait_ready(&c[0]);
		wait_ready(&c[1]);
		run(w, "touch go");
		for (int k = 0; k < 2; k++)
			assert_int_equal(child_wait(&c[k], UNIT_DEADLINE, &code[k]), 1);
		said = sh(w, "sort said");
		if (code[0] + code[1] != 1)
			fail_msg("%d and %d: %s", code[0], code[1], said);
		busy += strstr(said, "busy: Another promotion is running.") != NULL;
		moved += strstr(said,
				 "moved_base: main moved while you looked; the result was "
				 "rebuilt, look again.") != NULL;
		is(w, "", "git -C u status --porcelain");
		is(w, "Merge 7/a: fix it", "git -C u log -1 --format=%%s main");
		free(said);
	}
	assert_int_equal(busy + moved, TWO_ROUNDS);
	print_message("two at once, %d rounds: one won each time; the other heard busy %d, moved "
		      "%d times\n",
		TWO_ROUNDS, busy, moved);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kill_promote, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kill_undo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_at_once, setup, teardown),
	};

	if (argc == 5)
		return other_main(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
