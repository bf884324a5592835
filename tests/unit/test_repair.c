/* test_repair.c - what a crash may leave, state by state, and what repair makes of it.
 * test_promote_kill.c kills for real. */
#include "promote_repo.h"

#include "git/promote_locks.h"

static struct world *w;
static char *new_id;

static int setup(void **state)
{
	w = world_new("");
	return 0;
}

static int teardown(void **state)
{
	free(new_id);
	new_id = NULL;
	world_free(w);
	return 0;
}

/* A promote of which only the intent is known; then the repository is put into the state of a
 * crash: `shell` runs in u, the branch and the index being old, the tree new. */
static void crash(const char *shell)
{
	free(new_id);
	run(w, "rm -f s/journal");
	world_journal(w);
	promote_ok(w);
	world_journal(w);
	new_id = sh(w, "git -C u rev-parse main");
	run(w, "cd u; git update-ref refs/heads/main %s; git read-tree %s; %s", w->base, w->base,
		shell);
}

static int repair(const char *words, const char *code)
{
	struct buf said = BUF_INIT;
	struct err e = ERR_INIT;
	int rc = promote_repair(&w->repo, w->q, w->state, world_stage(w, 1, "intent"),
		world_stage(w, 1, "child"), w->j, &said, &e);

	if (rc < 0 && !code)
		fail_msg("%s: %s", e.code, e.msg);
	if (code)
		assert_string_equal(e.code, code);
	if (!strstr(rc < 0 ? e.msg : said.p, words))
		fail_msg("said: %s\nexpected: %s", rc < 0 ? e.msg : said.p, words);
	buf_release(&said);
	return rc;
}

static void whole_at(const char *id, const char *status)
{
	is(w, id, "git -C u rev-parse main");
	is(w, status, "git -C u status --porcelain");
	is(w, "", "find . -name '*.lock' ! -name promote.lock");
	is(w, "", "git -C u diff --cached --name-only main");
}

static const char *const halves[] = {
	":", /* all written, index not */
	"printf ne >nf", /* torn, of a new file */
	": >nf", /* just opened */
	"head -c 20 f1 >x; mv x f1", /* torn */
	"rm f1", /* unlinked, not yet written */
	"rm -r new; git checkout -q -- f1 f4", /* half old, half new */
	"git checkout -q -- f1 f4; rm -r nf new", /* nothing written */
	"git read-tree -m -u HEAD \"$NEW\" || git read-tree \"$NEW\"", /* index new, ref old */
	"git read-tree \"$NEW\"; touch .git/refs/heads/main.lock .git/HEAD.lock",
	"touch .git/index.lock; rm f1",
	"touch .git/ORIG_HEAD.lock .git/index.lock .git/HEAD.lock .git/refs/heads/main.lock "
	".git/refs/yolodeck/7/a/promoted.lock .git/shallow.lock",
};

static void test_halves(void **state)
{
	run(w, "cp -a u saved");
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		char *shell = xasprintf("NEW=$(git rev-parse refs/yolodeck/7/a/promoted); %s; echo "
					"edit >>f2; echo u >untracked",
			halves[i]);

		run(w, "rm -rf u; cp -a saved u");
		crash(shell);
		repair("The promotion of 7/a was cut off by a crash; main is as it was before.",
			NULL);
		whole_at(w->base, " M f2\n?? untracked");
		is(w, "gone", "test -e u/nf -o -e u/new || echo gone");
		world_journal(w);
		assert_true(json_bool(world_stage(w, 1, "failed"), "repaired", false));
		/* And it can be promoted now, the edit kept. */
		promote_ok(w);
		is(w, " M f2\n?? untracked", "git -C u status --porcelain");
		free(shell);
	}
}

/* It had arrived; also when the user has committed on top since. */
static void test_finished(void **state)
{
	crash(":");
	run(w, "cd u; git update-ref refs/heads/main %s; git reset -q", new_id);
	repair("had been finished when the crash came", NULL);
	whole_at(new_id, "");
	world_journal(w);
	assert_non_null(world_stage(w, 1, "done"));
	run(w, "cd u; echo l >>f5; git commit -q -a -m later");
	repair("had been finished when the crash came", NULL);
}

/* One touched file is neither old, nor new, nor the beginning of new: somebody worked there.
 * Nothing is touched, the intent stays. */
static void test_foreign_file(void **state)
{
	static const char *const foreign[] = { "echo mine >f1", "echo mine >>nf",
		"rm nf; ln -s f2 nf", "echo back >f4", "rm -r new; echo f >new" };

	run(w, "cp -a u saved");
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		char *before, *after;
		const struct json *again;

		run(w, "rm -rf u; cp -a saved u");
		crash(foreign[i]);
		before = sh(w,
			"cd u; git status --porcelain; cksum f* nf new/deep 2>/dev/null || true");
		if (i < 4)
			repair("since then something else changed", NULL);
		else
			repair("was cut off by a crash", NULL);
		world_journal(w);
		again = world_stage(w, 1, "failed");
		after = sh(w,
			"cd u; git status --porcelain; cksum f* nf new/deep 2>/dev/null || true");
		if (i < 4) {
			assert_string_equal(before, after);
			assert_null(again);
		} else {
			/* A file where a directory of ours was: not ours, kept; the rest is old. */
			is(w, "f", "cat u/new");
			assert_non_null(again);
		}
		free(before);
		free(after);
	}
}

static void test_moved_since(void **state)
{
	char *tip;

	crash("git checkout -q -- f1 f4; rm -r nf new; echo o >>f5; git commit -q -a -m other");
	tip = sh(w, "git -C u rev-parse main");
	repair("main was moved by somebody since; nothing was touched", NULL);
	whole_at(tip, "");
	world_journal(w);
	assert_non_null(world_stage(w, 1, "failed"));
	free(tip);
}

static void test_head_elsewhere(void **state)
{
	crash("git checkout -q -f -b side; rm -r nf new");
	repair("main is no longer checked out in ", NULL);
	is(w, "", "git -C u status --porcelain");
}

static void test_old_lock_is_not_ours(void **state)
{
	crash("rm f1; touch -d '10 seconds ago' .git/index.lock");
	repair("index.lock is older than what was done here", "git_locked");
	is(w, "index.lock", "ls u/.git | grep lock");
	run(w, "rm u/.git/index.lock");
	repair("main is as it was before", NULL);
	whole_at(w->base, "");
}

static void test_conversions(void **state)
{
	run(w,
		"cd u; git config core.autocrlf true; git config filter.f.smudge 'sed s/^/S:/'; git "
		"config filter.f.clean 'sed s/^S://'; echo "
		"'nf filter=f' >.git/info/attributes; rm f1 f2; git checkout -q -- f1 f2");
	crash("printf 'S:n' >nf; head -c 21 f1 >x; mv x f1");
	repair("main is as it was before", NULL);
	whole_at(w->base, "");
	is(w, "gone", "test -e u/nf || echo gone");
}

static void test_kinds(void **state)
{
	static const char *const cuts[] = { ":",
		"git checkout -q -- dir 2>/dev/null || rm dir; git checkout -q -- dir",
		"rm -f dir link" };

	world_variant(w,
		"git rm -q -r dir; echo f >dir; ln -s f1 link; chmod +x f3; rm f5; ln -s "
		"f2 f5; mkdir d2; echo 1 >d2/one; echo 'a b' >'d2/- x'; "
		"printf 1 >\"d2/$(printf 'n\\303\\274\\nl')\"");
	run(w, "cp -a u saved");
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		run(w, "rm -rf u; cp -a saved u");
		crash(cuts[i]);
		repair("main is as it was before", NULL);
		whole_at(w->base, "");
		is(w, "x", "cat u/dir/x");
		is(w, "644 regular file", "stat -c '%%a %%F' u/f5");
	}
}

/* Sparse: what is not there stays away. */
static void test_sparse(void **state)
{
	run(w, "git -C u sparse-checkout set --no-cone /f2 /nf 2>/dev/null");
	promote_ok(w);
	world_journal(w);
	is(w, "f2\nnf", "ls u");
	run(w, "cd u; git update-ref refs/heads/main %s", w->base);
	repair("main is as it was before", NULL);
	whole_at(w->base, "");
	is(w, "f2", "ls u");
}

/* Killed while the result was on its way: it is only in the quarantine, nothing of the user's was
 * touched. */
static void test_not_arrived(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;
	struct err e = ERR_INIT;
	struct json *o = json_object();

	plan_ok(&in, &p);
	json_put_int(o, "race", 7);
	json_put_str(o, "variant", "a");
	json_put_str(o, "into_ref", "refs/heads/main");
	json_put_str(o, "old", p.old);
	json_put_str(o, "new", p.new);
	json_put_str(o, "tree_dir", p.tree_dir);
	json_put_str(o, "tree_git_dir", p.tree_git_dir);
	json_put_str(o, "keep_ref", "refs/yolodeck/7/a/promoted");
	json_put_int(o, "ms", clock_real_ns() / 1000000);
	assert_int_equal(journal_intent(w->j, "promote", o, &e), 1);
	run(w,
		"mkdir -p u/.git/refs/yolodeck/7/a; touch u/.git/refs/yolodeck/7/a/promoted.lock; "
		"echo edit >>u/f1");
	world_journal(w);
	repair("main is as it was before", NULL);
	whole_at(w->base, " M f1");
	promote_plan_release(&p);
}

/* Git itself fails half-way, nobody was killed: put back at once, and said. */
static void test_child_fails(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;

	run(w, "echo edit >>u/f2");
	plan_ok(&in, &p);
	/* The plan would refuse a required filter that it sees. */
	run(w,
		"cd u; git config filter.f.smudge 'exit 1'; git config filter.f.clean cat; git "
		"config filter.f.required true; echo 'new/deep filter=f' >.git/info/attributes");
	apply_refused(w, &in, &p, "git_failed",
		"git could not move main: new/deep: smudge filter f failed");
	whole_at(w->base, " M f2");
	is(w, "gone", "test -e u/nf -o -e u/new || echo gone");
	world_journal(w);
	assert_non_null(world_stage(w, 1, "failed"));
	run(w, "git -C u config filter.f.smudge cat");
	apply_ok(w, &in, &p);
	promote_plan_release(&p);
}

/* An undo cut off after the tree and before the branch; and one that had arrived. */
static void test_undo(void **state)
{
	struct promote_done d;
	struct undo_plan p;
	struct err e = ERR_INIT;
	struct buf words = BUF_INIT;
	char *tip;

	promote_ok(w);
	world_journal(w);
	tip = sh(w, "git -C u rev-parse main");
	assert_int_equal(promote_done_from_json(&d, world_stage(w, 1, "intent")), 0);
	assert_int_equal(promote_undo_plan(&w->repo, w->q, &d, &p, &e), 0);
	assert_int_equal(promote_undo_apply(&w->repo, w->q, w->state, &d, &p, NULL, w->j, &e), 0);
	world_journal(w);
	run(w, "cd u; git update-ref refs/heads/main %s; printf 1 >f4; touch .git/index.lock", tip);
	if (promote_repair(&w->repo, w->q, w->state, world_stage(w, 2, "intent"),
		    world_stage(w, 2, "child"), w->j, &words, &e) < 0)
		fail_msg("%s", e.msg);
	assert_non_null(strstr(
		words.p, "Taking back 7/a was cut off by a crash; main is as it was before."));
	whole_at(tip, "");
	buf_clear(&words);
	assert_int_equal(promote_undo_apply(&w->repo, w->q, w->state, &d, &p, NULL, w->j, &e), 0);
	assert_int_equal(promote_repair(&w->repo, w->q, w->state, world_stage(w, 2, "intent"), NULL,
				 w->j, &words, &e),
		0);
	assert_non_null(strstr(words.p, "Taking back 7/a had been finished"));
	whole_at(w->base, "");
	buf_release(&words);
	undo_plan_release(&p);
	promote_done_release(&d);
	free(tip);
}

static void test_branch_alone(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;

	run(w, "git -C u branch other");
	in.into = "other";
	plan_ok(&in, &p);
	apply_ok(w, &in, &p);
	world_journal(w);
	run(w, "cd u; git update-ref refs/heads/other %s; touch .git/refs/heads/other.lock",
		w->base);
	repair("other is as it was before", NULL);
	whole_at(w->base, "");
	promote_plan_release(&p);
}

/* A child that still runs is waited for, and named when it does not end; a reused process number is
 * not it. */
static void test_child_alive(void **state)
{
	const char *argv[] = { "sleep", "60", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct child c;
	struct err e = ERR_INIT;
	struct json *o = json_object();
	int code;

	s.argv = argv;
	s.die_with_us = true;
	assert_int_equal(child_start(&c, &s, &e), 0);
	json_put_int(o, "pid", c.id.pid);
	json_put_int(o, "start", (int64_t)c.id.start);
	json_put_str(o, "boot", c.id.boot);
	assert_int_equal(promote_locks_wait_child(NULL, o, "main", 100, &e), -1);
	assert_string_equal(e.code, "busy");
	json_put_int(o, "start", (int64_t)c.id.start + 1);
	assert_int_equal(promote_locks_wait_child(NULL, o, "main", 100, &e), 0);
	json_put_int(o, "start", (int64_t)c.id.start);
	json_put_str(o, "boot", "00000000-0000-0000-0000-000000000000");
	assert_int_equal(promote_locks_wait_child(NULL, o, "main", 100, &e), 0);
	child_kill(&c, 9);
	child_wait(&c, -1, &code);
	json_free(o);
}

/* One whose record did not get into the journal is known by its command line; the user's pager with
 * the same commit is not. */
static void test_child_by_command_line(void **state)
{
	static const char *const verbs[] = { "merge", "show" };
	char *fake = fs_join(w->dir, "git");
	struct err e = ERR_INIT;
	int code;

	run(w, "cp \"$(command -v tail)\" git");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		const char *argv[] = { fake, "-f", "/dev/null", verbs[i], w->tip, NULL };
		struct child_spec s = CHILD_SPEC_INIT;
		struct child c;

		s.argv = argv;
		s.die_with_us = true;
		assert_int_equal(child_start(&c, &s, &e), 0);
		assert_int_equal(
			promote_locks_wait_child(w->tip, NULL, "main", 100, &e), i ? 0 : -1);
		assert_int_equal(promote_locks_wait_child(w->base, NULL, "main", 100, &e), 0);
		child_kill(&c, 9);
		child_wait(&c, -1, &code);
	}
	free(fake);
}

static void test_not_understood(void **state)
{
	struct json *o = json_object();
	struct buf words = BUF_INIT;
	struct err e = ERR_INIT;

	json_put_str(o, "op", "promote");
	json_put_int(o, "n", 9);
	assert_int_equal(promote_repair(&w->repo, w->q, w->state, o, NULL, w->j, &words, &e), -1);
	assert_string_equal(e.code, "journal");
	json_free(o);
	buf_release(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_halves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_finished, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved_since, setup, teardown),
		cmocka_unit_test_setup_teardown(test_head_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_lock_is_not_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conversions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sparse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_arrived, setup, teardown),
		cmocka_unit_test_setup_teardown(test_child_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_branch_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_child_alive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_child_by_command_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_understood, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
