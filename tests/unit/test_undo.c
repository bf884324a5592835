/* test_undo.c - a promote taken back exactly, by a revert commit after a later commit, and what is
 * refused. */
#include "promote_repo.h"

static struct world *w;

static int setup(void **state)
{
	w = world_new("");
	return 0;
}

static int setup256(void **state)
{
	w = world_new("--object-format=sha256");
	return 0;
}

static int teardown(void **state)
{
	world_free(w);
	return 0;
}

static char *snapshot(const char *tree)
{
	return sh(w,
		"cd %s; git rev-parse main; git ls-files -s; git status --porcelain --ignored; "
		"find . -path ./.git -prune -o -print | "
		"LC_ALL=C sort | while read -r f; do stat -c '%%F %%a %%n' \"$f\"; test ! -f "
		"\"$f\" || cksum \"$f\"; done",
		tree);
}

/* The promote that the journal says is the last one. */
static void last_done(struct promote_done *d)
{
	world_journal(w);
	for (size_t i = w->nline; i-- > 0;)
		if (!promote_done_from_json(d, w->line[i]))
			return;
	fail_msg("no promote in the journal");
}

static void plan_undo(const struct promote_done *d, struct undo_plan *p)
{
	struct err e = ERR_INIT;

	if (promote_undo_plan(&w->repo, w->q, d, p, &e) < 0)
		fail_msg("%s: %s", e.code, e.msg);
}

static void undo_ok(const struct promote_done *d, const struct undo_plan *p)
{
	struct err e = ERR_INIT;

	if (p->refuse)
		fail_msg("refused: %s", p->refuse);
	if (promote_undo_apply(&w->repo, w->q, w->state, d, p, NULL, w->j, &e) < 0)
		fail_msg("%s: %s", e.code, e.msg);
}

static void undo_refused(const struct promote_done *d, const char *code, const char *words)
{
	struct undo_plan p;
	char *before = snapshot("u"), *after;

	plan_undo(d, &p);
	if (!p.refuse || strcmp(p.refuse_code, code) || !strstr(p.refuse, words))
		fail_msg("%s: %s\nexpected %s: %s", p.refuse_code, p.refuse, code, words);
	after = snapshot("u");
	assert_string_equal(before, after);
	free(before);
	free(after);
	undo_plan_release(&p);
}

static void test_exact(void **state)
{
	struct promote_done d;
	struct undo_plan p;
	char *before, *after;

	run(w,
		"cd u; echo e >>f2; echo s >>f3; git add f3; echo u >untracked; echo i >x.ign; rm "
		"dir/x");
	before = snapshot("u");
	promote_ok(w);
	last_done(&d);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.race, 7);
	assert_string_equal(d.variant, "a");
	assert_string_equal(d.tree_dir, w->u);
	/* Touched is not edited: by a build, a backup, a copy of the whole tree. */
	run(w, "cp -a u u2; rm -rf u; mv u2 u; touch u/f1 u/f5 u/new/deep");
	plan_undo(&d, &p);
	assert_false(p.revert);
	assert_string_equal(p.back_to, w->base);
	assert_non_null(strstr(p.words, "takes main back from "));
	undo_ok(&d, &p);
	after = snapshot("u");
	assert_string_equal(before, after);
	is(w, "", "find . -name '*.lock' ! -name promote.lock");
	is(w, "", "git -C u fsck --strict --no-dangling 2>&1");
	undo_plan_release(&p);
	world_journal(w);
	assert_string_equal(json_str(world_stage(w, 2, "intent"), "op", ""), "undo");
	assert_int_equal(json_int(world_stage(w, 2, "intent"), "of", 0), 1);
	assert_non_null(world_stage(w, 2, "done"));
	/* Taken back, it is gone: and it can be promoted again. */
	undo_refused(&d, "nothing_to_undo", "main does not hold this promotion any more");
	promote_ok(w);
	promote_done_release(&d);
	free(before);
	free(after);
}

static void test_not_checked_out(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan pp;
	struct promote_done d;
	struct undo_plan p;

	run(w, "git -C u branch other");
	in.into = "other";
	plan_ok(&in, &pp);
	apply_ok(w, &in, &pp);
	last_done(&d);
	assert_null(d.tree_dir);
	plan_undo(&d, &p);
	undo_ok(&d, &p);
	is(w, w->base, "git -C u rev-parse other");
	undo_plan_release(&p);
	promote_done_release(&d);
	promote_plan_release(&pp);
}

static void revert(const char *quarantine_gone)
{
	struct promote_done d;
	struct undo_plan p;
	struct json *o;
	char *tip;

	promote_ok(w);
	run(w, "cd u; echo later >>f5; git commit -q -a -m later; echo e >>f2; %s",
		quarantine_gone);
	tip = sh(w, "git -C u rev-parse main");
	last_done(&d);
	plan_undo(&d, &p);
	assert_true(p.revert);
	assert_string_equal(
		p.words, "Undo would drop your later commit; make a revert commit instead?");
	assert_string_equal(p.current, tip);
	o = undo_plan_to_json(&p);
	assert_true(json_bool(o, "revert", false));
	json_free(o);
	undo_ok(&d, &p);
	is(w, p.revert_commit, "git -C u rev-parse main");
	is(w, tip, "git -C u rev-parse main~1");
	is(w, "Revert \"Promote 7/a\"", "git -C u log -1 --format=%%s");
	/* Of the promote nothing is left, of the later commit and the edit everything. */
	is(w, "f5", "git -C u diff --name-only %s main", w->base);
	is(w, " M f2", "git -C u status --porcelain");
	is(w, "f4", "cd u; ls f4 nf new 2>/dev/null || true");
	is(w, "", "git -C u fsck --strict --no-dangling 2>&1");
	undo_plan_release(&p);
	undo_refused(&d, "nothing_to_undo", "Nothing of 7/a is left in main");
	promote_done_release(&d);
	free(tip);
}

static void test_revert(void **state)
{
	revert(":");
}

/* The race was cleaned away since. */
static void test_revert_without_quarantine(void **state)
{
	revert("rm -rf ../q.git");
}

static void test_revert_conflict(void **state)
{
	struct promote_done d;

	promote_ok(w);
	run(w, "cd u; sed -i 's/^TEN$/ELEVEN/' f1; git commit -q -a -m later");
	last_done(&d);
	undo_refused(&d, "conflict",
		"Later commits on main changed the same lines in f1; revert by hand.");
	promote_done_release(&d);
}

/* Of a replay with two commits. */
static void test_revert_of_rebase(void **state)
{
	struct promote_in in;
	struct promote_plan pp;
	struct promote_done d;
	struct undo_plan p;

	world_variant(w, VARIANT_EDITS "; git add -A; git commit -q -m one; echo 2 >second");
	in = world_in(w);
	in.how = PROMOTE_REBASE;
	plan_ok(&in, &pp);
	apply_ok(w, &in, &pp);
	last_done(&d);
	run(w, "cd u; git commit -q --allow-empty -m later");
	plan_undo(&d, &p);
	undo_ok(&d, &p);
	is(w, "", "git -C u diff --name-only %s main", w->base);
	undo_plan_release(&p);
	promote_done_release(&d);
	promote_plan_release(&pp);
}

static void test_refused(void **state)
{
	struct promote_done d;

	promote_ok(w);
	last_done(&d);
	run(w, "echo e >>u/f1");
	undo_refused(&d, "dirty",
		"Your unsaved changes touch the same files: f1; commit or stash them.");
	run(w, "git -C u checkout -q f1; echo e >u/f4; echo f4 >>u/.git/info/exclude");
	undo_refused(&d, "in_the_way", "An ignored file of yours is in the way: f4");
	run(w, "rm u/f4; touch u/.git/index.lock");
	undo_refused(&d, "git_locked", "A git command is running here (index.lock).");
	run(w, "rm u/.git/index.lock; cd u; git bisect start >/dev/null");
	undo_refused(&d, "unfinished", "You are in the middle of a bisect");
	run(w, "cd u; git bisect reset >/dev/null 2>&1; git reset -q --hard HEAD~1");
	undo_refused(&d, "nothing_to_undo", "main does not hold this promotion any more");
	run(w, "cd u; git checkout -q --detach; git branch -q -D main");
	{
		struct undo_plan p;

		plan_undo(&d, &p);
		assert_string_equal(p.refuse_code, "no_such_branch");
		undo_plan_release(&p);
	}
	promote_done_release(&d);
}

/* A commit between the plan and its application: never dropped. */
static void test_moved_since(void **state)
{
	struct promote_done d;
	struct undo_plan p;
	struct err e = ERR_INIT;
	char *tip;

	promote_ok(w);
	last_done(&d);
	plan_undo(&d, &p);
	run(w, "cd u; echo later >>f5; git commit -q -a -m later");
	tip = sh(w, "git -C u rev-parse main");
	assert_int_equal(promote_undo_apply(&w->repo, w->q, w->state, &d, &p, NULL, w->j, &e), -1);
	assert_string_equal(e.code, "moved_base");
	is(w, tip, "git -C u rev-parse main");
	undo_plan_release(&p);
	promote_done_release(&d);
	free(tip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_exact, setup, teardown),
		{ "test_exact, sha256", test_exact, setup256, teardown, NULL },
		cmocka_unit_test_setup_teardown(test_not_checked_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revert, setup, teardown),
		{ "test_revert, sha256", test_revert, setup256, teardown, NULL },
		cmocka_unit_test_setup_teardown(test_revert_without_quarantine, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revert_conflict, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revert_of_rebase, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved_since, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
