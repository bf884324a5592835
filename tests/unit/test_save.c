/* test_save.c - saving: the branch, its words, refusals, and eight variants in one repository at
 * once. */
#include "snapfix.h"

#include "base/pool.h"
#include "git/cache.h"

static void save(struct saving_out *out, const char *old)
{
	OK(saving_run(&s.in, old, out, &E));
}

static void saving_makes_the_branch(void **state)
{
	struct saving_out one, two;

	begin(NULL);
	sh(a, "echo 4 >>work/f1; echo new >work/n");
	save(&one, NULL);
	assert_null(one.scan);
	assert_string_equal(one.branch, "yolo/7/a-1");
	sh_says(f.u,
		"git rev-list --count main..yolo/7/a-1; git diff --stat main yolo/7/a-1 | tail -1",
		"1\n 2 files changed, 2 insertions(+)");
	sh(f.u,
		"test \"$(git rev-parse yolo/7/a-1)\" = \"$(git rev-parse "
		"refs/yolodeck/7/a-1/tip)\"; git fsck --strict;"
		"test -z \"$(git status --porcelain)\"; test ! -e .git/FETCH_HEAD; test -z "
		"\"$(find .git -name '*.lock')\"");
	/* Saving again moves nothing; and after more work the branch still holds one commit. */
	save(&two, one.snap.commit);
	assert_string_equal(one.snap.commit, two.snap.commit);
	assert_non_null(two.branch);
	saving_out_release(&two);
	sh(a, "echo 5 >>work/f1");
	save(&two, one.snap.commit);
	assert_string_equal(two.branch, "yolo/7/a-1");
	sh_says(f.u, "git rev-list --count main..yolo/7/a-1", "1");
	saving_out_release(&one);
	saving_out_release(&two);
	end();
}

static void saving_nothing_makes_a_commit_of_its_own(void **state)
{
	struct saving_out one, two;

	begin(NULL);
	save(&one, NULL);
	assert_int_equal(one.snap.files, 0);
	assert_string_equal(one.branch, "yolo/7/a-1");
	sh_says(f.u, "git rev-list --count main..yolo/7/a-1; git diff --stat main yolo/7/a-1", "1");
	save(&two, one.snap.commit);
	assert_string_equal(one.snap.commit, two.snap.commit);
	saving_out_release(&one);
	saving_out_release(&two);
	end();
}

static void no_change_no_branch_when_none_is_wanted(void **state)
{
	struct saving_out out, again;

	begin("echo 1 >f1; echo '*.o' >.gitignore");
	sh(a, "echo x >work/left.o; touch work/f1");
	s.in.only_changed = true;
	OK(saving_run(&s.in, NULL, &out, &E));
	assert_null(out.snap.commit);
	assert_null(out.branch);
	assert_null(out.scan);
	assert_string_equal(out.snap.not_recorded, "1 ignored");
	saving_out_release(&out);
	sh_says(f.u, "git for-each-ref refs/heads/yolo 'refs/yolodeck/7/a-1'", "");
	/* what is left out does not make it untouched */
	sh(a, "mkdir -p work/n/.git; echo x >work/n/.git/config");
	OK(saving_run(&s.in, NULL, &out, &E));
	assert_non_null(out.snap.commit);
	assert_non_null(out.scan);
	sh(a, "rm -r work/n; echo 2 >>work/f1");
	OK(saving_run(&s.in, out.snap.commit, &again, &E));
	assert_string_equal(again.branch, "yolo/7/a-1");
	saving_out_release(&again);
	/* a saved change that was taken back again is a state of its own */
	sh(a, "echo 1 >work/f1");
	OK(saving_run(&s.in, out.snap.commit, &again, &E));
	assert_non_null(again.snap.commit);
	saving_out_release(&again);
	saving_out_release(&out);
	end();
}

static void a_saved_commit_can_be_dropped(void **state)
{
	struct saving_out out;
	struct err e = ERR_INIT;

	begin(NULL);
	save(&out, NULL);
	sh(f.u, "git worktree add -q ../wt yolo/7/a-1");
	assert_int_equal(saving_drop(&f.repo, 7, "a-1", out.snap.commit, &e), -1);
	assert_string_equal(e.code, "checked_out");
	sh(f.u, "git worktree remove ../wt; git rev-parse -q --verify yolo/7/a-1");
	assert_int_equal(saving_drop(&f.repo, 7, "a-1", f.repo.head, &e), -1);
	assert_string_equal(e.code, "moved");
	OK(saving_drop(&f.repo, 7, "a-1", out.snap.commit, &E));
	sh_says(f.u, "git for-each-ref refs/heads/yolo 'refs/yolodeck/7/a-1'", "");
	saving_out_release(&out);
	end();
}

/* What a live snapshot called its commit must not end on the branch. */
static void saving_has_its_own_words(void **state)
{
	struct snapshot_out live;
	struct saving_out out;

	begin(NULL);
	sh(a, "echo 4 >>work/f1");
	s.in.subject = "live";
	take(&live, false);
	s.in.subject = "Fix the parser";
	save(&out, NULL);
	assert_string_not_equal(live.commit, out.snap.commit);
	assert_int_equal(out.snap.files, 1);
	sh_says(f.u, "git log -1 --format=%s yolo/7/a-1; git rev-list --count main..yolo/7/a-1",
		"Fix the parser\n1");
	snapshot_out_release(&live);
	/* And a live one after it moves nothing. */
	s.in.subject = "live";
	sh(a, "touch work/f1");
	s.in.full = false;
	take(&live, false);
	assert_false(live.changed);
	assert_string_equal(live.commit, out.snap.commit);
	snapshot_out_release(&live);
	saving_out_release(&out);
	end();
}

static void a_branch_in_use_stays(void **state)
{
	struct saving_out one, two;
	struct buf want = BUF_INIT;

	begin(NULL);
	sh(a, "echo 4 >>work/f1");
	save(&one, NULL);
	sh(f.u, "git worktree add -q ../look yolo/7/a-1");
	sh(a, "echo 5 >>work/f1");
	save(&two, one.snap.commit);
	assert_null(two.branch);
	buf_fmt(&want,
		"The branch yolo/7/a-1 is checked out in %s/look and was not moved; the new state "
		"is in refs/yolodeck/7/a-1/tip.",
		f.dir);
	assert_string_equal(two.scan, want.p);
	sh(f.u, "test -z \"$(git -C ../look status --porcelain)\"");
	saving_out_release(&two);
	/* Moved by somebody: left alone too. */
	sh(f.u, "git worktree remove ../look; git branch -f yolo/7/a-1 main");
	save(&two, one.snap.commit);
	assert_null(two.branch);
	assert_non_null(strstr(two.scan, "was moved by somebody"));
	sh(f.u,
		"test \"$(git rev-parse yolo/7/a-1)\" = \"$(git rev-parse main)\"; git branch -D "
		"-q yolo/7/a-1");
	saving_out_release(&two);
	/* Deleted by somebody, with an old commit expected: the same. */
	save(&two, one.snap.commit);
	assert_null(two.branch);
	assert_non_null(two.scan);
	saving_out_release(&two);
	saving_out_release(&one);
	buf_release(&want);
	end();
}

static void a_refused_scan_keeps_it_out(void **state)
{
	struct saving_out out;

	begin(NULL);
	sh(a, "ln -s /etc/passwd work/abs");
	save(&out, NULL);
	assert_null(out.branch);
	assert_string_equal(out.scan, "The variant holds a link that leaves the tree: abs.");
	assert_non_null(out.snap.commit);
	sh(f.u, "test -z \"$(git for-each-ref refs/heads/yolo refs/yolodeck/7/a-1)\"");
	saving_out_release(&out);
	/* What only fsck sees. */
	sh(a,
		"rm work/abs; printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = -u./evil\\n' "
		">work/.gitmodules");
	save(&out, NULL);
	assert_null(out.branch);
	assert_string_equal(out.scan, "The variant holds a malformed .gitmodules.");
	saving_out_release(&out);
	sh(a, "rm work/.gitmodules; git init -q work/nest; echo x >work/nest/x");
	save(&out, NULL);
	assert_non_null(out.branch);
	assert_string_equal(out.scan, "The variant holds a nested repository: nest.");
	assert_string_equal(out.snap.not_recorded, "1 nested repository's .git");
	sh_says(f.u, "git ls-tree -r --name-only yolo/7/a-1 nest", "nest/x");
	saving_out_release(&out);
	end();
}

/* --continue: from the first one's commit, one more on it, counted against the base. */
static void one_goes_on_from_another(void **state)
{
	struct saving_out one, two;
	struct snapshot_out live;
	struct fix_snap next;
	char *b, *store, *cmd;

	begin(NULL);
	sh(a,
		"cd work; echo 4 >>f1; rm -r d; ln -s f1 link; echo new >new; chmod +x new;"
		"printf '* text eol=crlf\\n*.x filter=evil\\n' >.gitattributes; printf 'a\\r\\nb\\n' >m.x");
	save(&one, NULL);
	b = fs_join(f.race_dir, "a-1.2");
	store = fs_join(f.dir, "start.git");
	OK(fs_mkdirs(b, 0755, &E));
	for (int twice = 0; twice < 2; twice++)
		OK(checkout_continue(&f.race, one.snap.commit, store, b, -1, -1, &E));
	sh(b, "diff -r tpl/tree work");
	checkout_continue_finish(b);
	sh(b, "diff -r --exclude=.git ../a-1/work work; test -x work/new; test ! -e tpl");
	cmd = xasprintf(
		"test \"$(cat work/.git/refs/heads/work)\" = %s; git --git-dir=%s cat-file -e %s^{tree}",
		one.snap.commit, store, one.snap.commit);
	sh(b, cmd);
	free(cmd);
	fix_snap_init(&f, &next, b, "a-1.2");
	next.in.parent = one.snap.commit;
	OK(snapshot_take(&next.in, &live, &E));
	assert_false(live.changed);
	assert_string_equal(live.commit, one.snap.commit);
	assert_int_equal(live.files, 6); /* against the base */
	snapshot_out_release(&live);
	sh(b, "cd work; echo 5 >>f1; rm new");
	OK(saving_run(&next.in, NULL, &two, &E));
	assert_string_equal(two.branch, "yolo/7/a-1.2");
	assert_int_equal(two.snap.files, 5);
	assert_int_equal(two.snap.added, 7);
	cmd = xasprintf("git rev-list --count %s..yolo/7/a-1.2", f.repo.head);
	sh_says(f.u, cmd, "2");
	free(cmd);
	cmd = xasprintf(
		"test \"$(git rev-parse yolo/7/a-1.2^)\" = %s; git show --stat yolo/7/a-1.2 | grep -q '2 files changed'; "
		"test \"$(git rev-parse yolo/7/a-1)\" = %s",
		one.snap.commit, one.snap.commit);
	sh(f.u, cmd);
	free(cmd);
	saving_out_release(&two);
	/* without its cache it still stands where it began */
	sh(b, "rm walk.cache");
	OK(saving_run(&next.in, NULL, &two, &E));
	cmd = xasprintf("test \"$(git rev-parse %s^)\" = %s", two.snap.commit, one.snap.commit);
	sh(f.u, cmd);
	free(cmd);
	saving_out_release(&two);
	saving_out_release(&one);
	fix_snap_release(&next);
	free(b);
	free(store);
	end();
}

static void hooks_of_the_user_do_not_run(void **state)
{
	struct saving_out out;

	begin(NULL);
	sh(f.u,
		"for h in reference-transaction post-index-change update post-checkout; do printf "
		"'#!/bin/sh\\ntouch %s/HOOK\\n' \"$PWD\" "
		">.git/hooks/$h; chmod +x .git/hooks/$h; done");
	sh(a, "echo 4 >>work/f1");
	save(&out, NULL);
	assert_non_null(out.branch);
	sh(f.u, "test ! -e HOOK; git update-ref refs/heads/control main; test -e HOOK");
	saving_out_release(&out);
	end();
}

/* ---- many at once ---- */

enum { MANY = 8, ROUNDS = 4 };

static void one_variant(void *ctx, size_t i)
{
	struct err *errs = ctx;
	char *name = xasprintf("v-%zu", i), *dir = fs_join(f.race_dir, name), *old = NULL, *path;
	struct fix_snap mine;
	int rc = 0;

	fix_snap_init(&f, &mine, dir, name);
	path = fs_join(mine.work, "mine");
	for (int r = 0; r < ROUNDS && !rc; r++) {
		struct snapshot_out live;
		struct saving_out out;
		char *text = xasprintf("%d\n", r);

		rc = fs_replace(path, text, strlen(text), &errs[i]);
		if (!rc)
			rc = snapshot_take(&mine.in, &live, &errs[i]);
		if (!rc)
			rc = saving_run(&mine.in, old, &out, &errs[i]);
		if (!rc && (!out.branch || out.scan))
			rc = err_set(&errs[i], "test", "no branch: %s", out.scan ? out.scan : "");
		if (!rc) {
			free(old);
			old = xstrdup(out.snap.commit);
			snapshot_out_release(&live);
			saving_out_release(&out);
		}
		free(text);
	}
	free(old);
	free(path);
	free(name);
	free(dir);
	fix_snap_release(&mine);
}

static void prepare_one(void *ctx, size_t i)
{
	struct err *errs = ctx;
	char *name = xasprintf("v-%zu", i), *dir = fs_join(f.race_dir, name);

	if (!fs_mkdirs(dir, 0755, &errs[i]))
		checkout_variant(&f.race, dir, -1, -1, &errs[i]);
	free(name);
	free(dir);
}

static void user_works(void *ctx, size_t i)
{
	struct err *errs = ctx;

	if (i < MANY)
		one_variant(ctx, i);
	else if (i == MANY)
		sh(f.u,
			"for k in 1 2 3 4 5 6 7 8 9 10; do echo $k >>mine; git add mine || git add "
			"mine; git commit -qm $k || git commit -qm $k; done");
	else
		sh(f.u, "git gc -q; git pack-refs --all; git gc -q");
	err_clear(&errs[MANY]);
}

static void ask_again(void *ctx, size_t i)
{
	struct err *errs = ctx;
	struct snapshot_in mine = s.in;
	struct snapshot_out out;

	mine.full = i == 3;
	for (int r = 0; r < 5 && !*errs[i].code; r++)
		if (!snapshot_take(&mine, &out, &errs[i]))
			snapshot_out_release(&out);
}

/* Sampling, a diff and saving of one variant at the same time. */
static void one_variant_by_many(void **state)
{
	struct err errs[4] = { 0 };
	struct walk_cache c;
	struct snapshot_out out;

	begin(NULL);
	sh(a, "seq 3000 >work/f1; echo new >work/n");
	pool_parallel(ARRAY_LEN(errs), ARRAY_LEN(errs), ask_again, errs);
	for (size_t i = 0; i < ARRAY_LEN(errs); i++)
		if (*errs[i].code)
			fail_msg("%zu: %s", i, errs[i].msg);
	OK(cache_load(&c, s.cache, &E));
	cache_release(&c);
	take(&out, false);
	assert_tree_is_gits(out.commit);
	snapshot_out_release(&out);
	end();
}

/* Eight variants, the user's commits and his gc, all in one repository; plain and shallow. */
static void many_at_once(void **state)
{
	struct err errs[MANY + 1] = { 0 };
	char *other;

	for (int shallow = 0; shallow < 2; shallow++) {
		fix_init(&f, NULL);
		sh(f.u, "echo 9 >>f1; git commit -qam two");
		sh(f.dir,
			shallow ? "git clone -q --depth 1 file://$PWD/u other"
				: "git clone -q u other");
		other = fs_join(f.dir, "other");
		git_repo_release(&f.repo);
		free(f.u);
		f.u = other;
		OK(git_repo_open(&f.repo, f.u, &E));
		f.race.base = f.repo.head;
		fix_prepare(&f);
		pool_parallel(MANY, 4, prepare_one, errs);
		pool_parallel(MANY + 2, MANY + 2, user_works, errs);
		for (size_t i = 0; i < MANY; i++)
			if (*errs[i].code)
				fail_msg("%zu: %s", i, errs[i].msg);
		sh(f.u,
			"test \"$(git for-each-ref refs/heads/yolo | wc -l)\" = 8; git fsck "
			"--strict; test \"$(cat mine | wc -l)\" = 10;"
			"for i in 0 1 2 3 4 5 6 7; do test \"$(git show yolo/7/v-$i:mine)\" = 3; "
			"done; test -z \"$(find .git -name '*.lock')\"");
		fix_release(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saving_makes_the_branch),
		cmocka_unit_test(saving_nothing_makes_a_commit_of_its_own),
		cmocka_unit_test(no_change_no_branch_when_none_is_wanted),
		cmocka_unit_test(a_saved_commit_can_be_dropped),
		cmocka_unit_test(saving_has_its_own_words),
		cmocka_unit_test(a_branch_in_use_stays),
		cmocka_unit_test(a_refused_scan_keeps_it_out),
		cmocka_unit_test(one_goes_on_from_another),
		cmocka_unit_test(hooks_of_the_user_do_not_run),
		cmocka_unit_test(one_variant_by_many),
		cmocka_unit_test(many_at_once),
	};

	return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
