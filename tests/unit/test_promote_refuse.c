/* test_promote_refuse.c - every refusal of a promote: its code, its sentence, and that nothing was
 * changed by it. */
#include "promote_repo.h"

#include "git/promote_move.h"

static struct world *w;
static struct promote_in in;

static int setup(void **state)
{
	w = world_new("");
	in = world_in(w);
	return 0;
}

static int teardown(void **state)
{
	world_free(w);
	return 0;
}

/* Everything of the user's: refs (ours apart), index, status, every file. */
static char *snapshot(void)
{
	return sh(w,
		"cd u; git for-each-ref refs/heads; git ls-files -s; git status --porcelain "
		"--ignored; find . -path ./.git -prune -o "
		"-print | LC_ALL=C sort | while read -r f; do stat -c '%%F %%a %%n' \"$f\"; "
		"test ! -f \"$f\" || cksum \"$f\"; done");
}

static void refused(const char *code, const char *words)
{
	char *before = snapshot(), *after;

	plan_refused(&in, code, words);
	after = snapshot();
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void test_no_identity(void **state)
{
	run(w,
		"git config --global --unset user.name; git config --global --unset user.email; git "
		"config --global user.useConfigOnly true");
	refused("no_identity", "set user.name and user.email");
}

static void test_detached(void **state)
{
	run(w, "git -C u checkout -q --detach");
	refused("detached_head",
		"No branch is checked out (detached HEAD); name a target branch (--into BRANCH).");
	in.into = "main";
	plan_passes(&in);
}

static void test_unborn(void **state)
{
	run(w, "git -C u checkout -q --orphan fresh");
	refused("unborn_branch", "This branch has no commit yet.");
	in.into = "fresh";
	refused("unborn_branch", "This branch has no commit yet.");
}

static void test_no_such_branch(void **state)
{
	in.into = "nowhere";
	refused("no_such_branch", "There is no branch nowhere here");
	in.into = "--upload-pack=x";
	refused("no_such_branch", "cannot be the name of a branch");
	in.into = "a..b";
	refused("no_such_branch", "cannot be the name of a branch");
	run(w, "git -C u branch yolo/7/a");
	in.into = "yolo/7/a";
	refused("own_branch", "yolo/7/a is the branch of a variant; choose one of yours.");
}

static void test_other_repository(void **state)
{
	char *other = fs_join(w->dir, "other");

	run(w, "git init -q other");
	in.asked_from = other;
	refused("other_repository", "belongs to another repository");
	free(other);
}

/* Each unfinished operation, made by git itself. */
static const struct {
	const char *how, *word;
} unfinished[] = {
	{ "git merge side", "merge" },
	{ "git merge --no-commit --no-ff clean", "merge" },
	{ "git cherry-pick side", "cherry-pick" },
	{ "git cherry-pick clean~1 side clean && git cherry-pick --quit; git cherry-pick side "
	  "clean; git reset -q --hard",
		"cherry-pick" },
	{ "git revert --no-edit HEAD~1", "revert" },
	{ "git rebase side", "rebase" },
	{ "git rebase --apply side", "rebase" },
	{ "GIT_SEQUENCE_EDITOR='sed -i s/pick/edit/' git rebase -i HEAD~1", "rebase" },
	{ "git bisect start; git bisect bad HEAD", "bisect" },
	{ "git format-patch -q --stdout main~1..side >../p; git am ../p", "git am" },
};

static void test_unfinished(void **state)
{
	char *words;

	run(w,
		"cd u; echo more >>f1; git commit -q -a -m two; git checkout -q -b side HEAD~1; "
		"echo other >>f1; git commit -q -a -m s; git "
		"checkout -q -b clean main~1; echo c >c; git add c; git commit -q -m c; echo d >d; "
		"git add d; git commit -q -m d; git checkout "
		"-q main; echo more >>f1; git commit -q -a -m three; cd ..; cp -a u saved");
	for (size_t i = 0; i < ARRAY_LEN(unfinished); i++) {
		run(w, "rm -rf u; cp -a saved u; cd u; (%s) >/dev/null 2>&1 || true",
			unfinished[i].how);
		words = xasprintf("You are in the middle of a %s", unfinished[i].word);
		refused("unfinished", words);
		in.into = "main";
		refused("unfinished", words);
		in.into = NULL;
		free(words);
	}
}

/* The same in the linked work tree that holds the branch, or that rebases or bisects it with a
 * detached HEAD. */
static void test_unfinished_elsewhere(void **state)
{
	run(w,
		"cd u; git branch one; git worktree add -q ../wt one; cd ../wt; echo a >>f1; git "
		"commit -q -a -m a; git checkout -q -b two HEAD~1; "
		"echo b >>f1; git commit -q -a -m b; cd ..; cp -a u u0; cp -a wt wt0");
	run(w, "cd wt; git rebase one >/dev/null 2>&1 || true");
	in.into = "two";
	refused("unfinished", "You are in the middle of a rebase in ");
	refused("unfinished", "/wt; finish it first.");
	run(w,
		"cd wt; git rebase --abort; git bisect start >/dev/null; git bisect bad two "
		">/dev/null; git bisect good two~1 >/dev/null");
	refused("unfinished", "You are in the middle of a bisect in ");
	run(w, "cd wt; git bisect reset >/dev/null 2>&1; git merge one >/dev/null 2>&1 || true");
	refused("unfinished", "You are in the middle of a merge in ");
	/* main is not touched by any of that. */
	in.into = NULL;
	plan_passes(&in);
}

static void test_locks(void **state)
{
	run(w, "touch u/.git/index.lock");
	refused("git_locked", "A git command is running here (index.lock).");
	run(w, "rm u/.git/index.lock; touch u/.git/refs/heads/main.lock");
	refused("git_locked", "A git command is running here (main.lock).");
	run(w, "rm u/.git/refs/heads/main.lock; touch u/.git/HEAD.lock");
	refused("git_locked", "A git command is running here (HEAD.lock).");
	is(w, "HEAD.lock", "ls u/.git | grep lock");
}

static void test_checked_out_twice(void **state)
{
	run(w, "git -C u worktree add -q -f ../wt main");
	refused("checked_out_twice", "main is checked out in two work trees");
}

static void test_tree_missing(void **state)
{
	run(w, "git -C u worktree add -q -b side ../wt; rm -rf wt");
	in.into = "side";
	refused("tree_missing", "which is not there");
}

static void test_conflicts(void **state)
{
	run(w, "cd u; sed -i 's/^10$/ten/' f1; echo changed >>f4; git commit -q -a -m c");
	refused("conflict", "2 files conflict with main: f1, f4.");
	in.how = PROMOTE_SQUASH;
	refused("conflict", "2 files conflict with main: f1, f4.");
	in.how = PROMOTE_REBASE;
	refused("conflict", "2 files conflict with main: f1, f4.");
	run(w, "cd u; git checkout -q HEAD~1 f4; git commit -q -m c2");
	in.how = PROMOTE_MERGE;
	refused("conflict", "1 file conflicts with main: f1.");
}

static void test_nothing(void **state)
{
	promote_ok(w);
	refused("nothing_to_promote", "7/a brings nothing that main does not have already.");
	in.how = PROMOTE_SQUASH;
	refused("nothing_to_promote", "7/a brings nothing");
	in.how = PROMOTE_REBASE;
	refused("nothing_to_promote", "7/a brings nothing");
	in.tip = NULL;
	refused("no_commit", "7/a has nothing recorded that could be promoted.");
}

static void test_unmerged(void **state)
{
	run(w,
		"cd u; echo s >>f5; git stash -q; echo t >>f5; git commit -q -a -m t; git stash pop "
		">/dev/null 2>&1 || true");
	refused("unmerged", "still in conflict: f5");
}

/* What stands in the way, with the words of the plan; %s of `made` runs in u. */
static const struct obstacle {
	const char *name, *variant, *made, *code, *words;
	bool git_lets_through; /* git's own check would not stop at it */
	const char *git_code; /* NULL = the same as ours */
} obstacles[] = {
	{ "edit", VARIANT_EDITS, "echo e >>f1", "dirty",
		"Your unsaved changes touch the same files: f1; commit or stash them.", false,
		NULL },
	{ "staged", VARIANT_EDITS, "echo e >>f1; git add f1", "dirty", "touch the same files: f1;",
		false, NULL },
	{ "edit of a deleted one", VARIANT_EDITS, "echo e >>f4", "dirty",
		"touch the same files: f4;", false, NULL },
	{ "two", VARIANT_EDITS, "echo e >>f4; echo e >>f1", "dirty",
		"touch the same files: f1, f4;", false, NULL },
	{ "user deleted it", VARIANT_EDITS, "rm f1", "dirty", "touch the same files: f1;", true,
		NULL },
	{ "staged new of that name", VARIANT_EDITS, "echo e >nf; git add nf", "dirty",
		"touch the same files: nf;", false, NULL },
	{ "untracked", VARIANT_EDITS, "echo e >nf", "in_the_way",
		"An untracked file of yours is in the way: nf", false, NULL },
	{ "ignored", VARIANT_EDITS, "echo nf >.git/info/exclude; echo e >nf", "in_the_way",
		"An ignored file of yours is in the way: nf", false, NULL },
	{ "two untracked", VARIANT_EDITS, "echo e >nf; mkdir new; echo e >new/deep", "in_the_way",
		"2 untracked files of yours are in the way: new/deep, nf;", false, NULL },
	{ "file where a directory comes", VARIANT_EDITS, "echo e >new", "in_the_way",
		"An untracked file of yours is in the way: new;", false, NULL },
	{ "link where a directory comes", VARIANT_EDITS, "ln -s dir new", "in_the_way",
		"An untracked file of yours is in the way: new;", false, NULL },
	{ "staged file where a directory comes", VARIANT_EDITS, "echo e >new; git add new", "dirty",
		"touch the same files: new;", false, "in_the_way" },
	{ "directory becomes a file", "git rm -q -r dir; echo f >dir", "echo e >dir/z",
		"in_the_way", "An untracked file of yours is in the way: dir/z", false, NULL },
	{ "directory becomes a file, ignored in it", "git rm -q -r dir; echo f >dir",
		"echo e >dir/z.ign", "in_the_way",
		"An ignored file of yours is in the way: dir/z.ign", true, NULL },
	{ "directory becomes a file, edit in it", "git rm -q -r dir; echo f >dir", "echo e >>dir/x",
		"dirty", "touch the same files: dir/x;", false, NULL },
	{ "directory becomes a file, staged new in it", "git rm -q -r dir; echo f >dir",
		"echo e >dir/n; git add dir/n", "dirty", "touch the same files: dir/n;", true,
		NULL },
	{ "mode only", "chmod +x f3", "echo e >>f3", "dirty", "touch the same files: f3;", false,
		NULL },
};

static void test_obstacles(void **state)
{
	run(w, "cp -a u saved");
	for (size_t i = 0; i < ARRAY_LEN(obstacles); i++) {
		world_variant(w, obstacles[i].variant);
		in = world_in(w);
		run(w, "rm -rf u; cp -a saved u; cd u; %s", obstacles[i].made);
		refused(obstacles[i].code, obstacles[i].words);
	}
}

/* It comes between the plan and its application. */
static void test_obstacles_at_apply(void **state)
{
	char *before, *after;

	run(w, "cp -a u saved");
	for (size_t i = 0; i < ARRAY_LEN(obstacles); i++) {
		struct promote_plan p;

		run(w, "rm -rf u; cp -a saved u");
		world_variant(w, obstacles[i].variant);
		in = world_in(w);
		plan_ok(&in, &p);
		run(w, "cd u; %s", obstacles[i].made);
		before = snapshot();
		apply_refused(w, &in, &p, obstacles[i].code, obstacles[i].words);
		after = snapshot();
		assert_string_equal(before, after);
		free(before);
		free(after);
		promote_plan_release(&p);
	}
	world_journal(w);
	assert_int_equal(w->nline, 0);
}

/* Later still: past our own look, when git is at work. Its words become ours, and nothing is
 * changed. */
static void test_obstacles_for_git(void **state)
{
	size_t let = 0;

	run(w, "cp -a u saved");
	for (size_t i = 0; i < ARRAY_LEN(obstacles); i++) {
		struct move m = { .repo = &w->repo, .quarantine = w->q };
		struct promote_plan p;
		struct err e = ERR_INIT;
		char *before, *after;
		int n, rc;

		run(w, "rm -rf u; cp -a saved u");
		world_variant(w, obstacles[i].variant);
		in = world_in(w);
		plan_ok(&in, &p);
		m.ref = xstrdup(p.into_ref);
		m.name = xstrdup(p.into);
		m.from = xstrdup(p.old);
		m.to = xstrdup(p.new);
		m.dir = xstrdup(p.tree_dir);
		m.git_dir = xstrdup(p.tree_git_dir);
		m.label = xstrdup("7/a");
		m.keep_ref = xstrdup("refs/yolodeck/7/a/promoted");
		m.ident = xstrdup("U Ser <u@x>");
		m.op = xstrdup("promote");
		run(w, "cd u; %s", obstacles[i].made);
		before = snapshot();
		n = journal_intent(w->j, "promote", move_to_json(&m, 7, "a", 0, 0), &e);
		rc = promote_move_run(&m, clock_real_ns() / 1000000, w->j, n, &e);
		after = snapshot();
		if (rc) {
			assert_string_equal(before, after);
			if (strcmp(e.code,
				    obstacles[i].git_code ? obstacles[i].git_code
							  : obstacles[i].code))
				fail_msg("%s: %s: %s", obstacles[i].name, e.code, e.msg);
		} else {
			let++;
			if (!obstacles[i].git_lets_through)
				fail_msg("%s: git did not stop", obstacles[i].name);
		}
		free(before);
		free(after);
		move_release(&m);
		promote_plan_release(&p);
	}
	print_message("%zu obstacles, git alone lets %zu through\n", ARRAY_LEN(obstacles), let);
}

static void test_moved_base(void **state)
{
	struct promote_plan p, again;
	char *before, *after;

	plan_ok(&in, &p);
	run(w, "cd u; echo moved >>f3; git commit -q -a -m moved");
	before = snapshot();
	apply_refused(w, &in, &p, "moved_base",
		"main moved while you looked; the result was rebuilt, look again.");
	after = snapshot();
	assert_string_equal(before, after);
	free(before);
	free(after);
	/* Rebuilt, it goes. */
	plan_ok(&in, &again);
	assert_string_not_equal(again.old, p.old);
	apply_ok(w, &in, &again);
	is(w, "moved", "tail -n 1 u/f3");
	/* Twice the same plan: the branch is not where it was. */
	apply_refused(w, &in, &again, "moved_base", "main moved while you looked");
	promote_plan_release(&p);
	promote_plan_release(&again);
}

static void test_moved_base_elsewhere(void **state)
{
	struct promote_plan p;

	run(w, "git -C u branch other");
	in.into = "other";
	plan_ok(&in, &p);
	run(w, "cd u; git commit -q --allow-empty -m m; git branch -f other main");
	apply_refused(w, &in, &p, "moved_base", "other moved while you looked");
	/* Its branch got a work tree meanwhile. */
	run(w, "cd u; git branch -f other %s; git worktree add -q ../wt other", w->base);
	apply_refused(w, &in, &p, "moved_base", "while you looked; look again.");
	is(w, w->base, "git -C u rev-parse other");
	is(w, "", "git -C wt status --porcelain");
	promote_plan_release(&p);
}

/* Unfinished things and locks that came after the plan. */
static void test_state_at_apply(void **state)
{
	struct promote_plan p;

	plan_ok(&in, &p);
	run(w, "touch u/.git/index.lock");
	apply_refused(w, &in, &p, "git_locked", "A git command is running here (index.lock).");
	run(w, "rm u/.git/index.lock; cd u; git bisect start >/dev/null");
	apply_refused(w, &in, &p, "unfinished", "You are in the middle of a bisect");
	is(w, w->base, "git -C u rev-parse main");
	promote_plan_release(&p);
}

static void test_refused_plan_is_not_applied(void **state)
{
	struct promote_plan p;
	struct err e = ERR_INIT;

	run(w, "echo e >>u/f1");
	assert_int_equal(promote_plan(&in, &p, &e), 0);
	run(w, "git -C u checkout -q f1");
	apply_refused(w, &in, &p, "dirty", "touch the same files: f1");
	promote_plan_release(&p);
}

static void test_busy(void **state)
{
	struct promote_plan p;
	struct err e = ERR_INIT;
	int fd;

	plan_ok(&in, &p);
	fd = move_lock(w->state, &e);
	assert_true(fd >= 0);
	apply_refused(w, &in, &p, "busy", "Another promotion is running.");
	close(fd);
	apply_ok(w, &in, &p);
	promote_plan_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_detached, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unborn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_such_branch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_repository, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unfinished, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unfinished_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_checked_out_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tree_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conflicts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unmerged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_obstacles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_obstacles_at_apply, setup, teardown),
		cmocka_unit_test_setup_teardown(test_obstacles_for_git, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved_base, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved_base_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state_at_apply, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_plan_is_not_applied, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
