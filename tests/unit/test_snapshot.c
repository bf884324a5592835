/* test_snapshot.c - what becomes of edits: commits, columns, caches; saving and the branch. */
#include "gitfix.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/pool.h"
#include "git/cache.h"
#include "git/feed.h"

static struct fix f;
static char *a;
static struct fix_snap s;

static void begin(const char *script)
{
	fix_init(&f, script);
	fix_prepare(&f);
	a = fix_variant(&f, "a-1");
	fix_snap_init(&f, &s, a, "a-1");
}

static void end(void)
{
	fix_snap_release(&s);
	free(a);
	fix_release(&f);
}

static void take(struct snapshot_out *out, bool full)
{
	s.in.full = full;
	OK(snapshot_take(&s.in, out, &E));
}

static char *git_q(const char *what)
{
	struct buf cmd = BUF_INIT;
	char *out;

	buf_fmt(&cmd, "git --git-dir=%s %s", f.q, what);
	out = sh_in("/", 0, cmd.p);
	buf_release(&cmd);
	return out;
}

/* The tree git itself would make of the files. */
static char *plain_tree(void)
{
	return sh_in(a, 0,
		"rm -rf ../plain; cp -a work ../plain; cd ../plain; rm -rf .git; git init -q; git "
		"add -A; git write-tree");
}

static void assert_tree_is_gits(const char *commit)
{
	struct buf rev = BUF_INIT;
	char *want = plain_tree(), *got;

	buf_fmt(&rev, "rev-parse %s^{tree}", commit);
	got = git_q(rev.p);
	assert_string_equal(got, want);
	free(want);
	free(got);
	buf_release(&rev);
}

static void commit_form(void **state)
{
	struct snapshot_out out;
	char *got, *want;
	struct buf cmd = BUF_INIT;

	begin(NULL);
	s.in.subject = "Fix \x1b[31mit\tnow\nsecond line";
	sh(a, "echo 4 >>work/f1; echo new >work/n; rm work/d/f2");
	take(&out, false);
	assert_true(out.changed);
	assert_int_equal(out.files, 3);
	assert_int_equal(out.added, 2);
	assert_int_equal(out.removed, 1);
	assert_int_equal(out.paths.n, 3);
	assert_string_equal(out.paths.v[0], "d/f2");
	assert_null(out.not_recorded);
	buf_fmt(&cmd, "log -1 --format='%%an <%%ae>|%%cn <%%ce>|%%P|%%B' %s", out.commit);
	got = git_q(cmd.p);
	want = xasprintf("a-1 (yolodeck) <yolodeck@localhost>|A User <user@example.com>|%s|Fix  "
			 "[31mit now\n\nYolodeck: 7/a-1",
		f.repo.head);
	assert_string_equal(got, want);
	assert_tree_is_gits(out.commit);
	free(got);
	free(want);
	buf_release(&cmd);
	snapshot_out_release(&out);
	end();
}

/* Snapshot after snapshot: one commit on the base each time, whole numbers, the newest tree. */
static void one_after_the_other(void **state)
{
	static const char *const edits[] = {
		"echo 1 >>work/f1",
		"chmod +x work/f1",
		"mkdir -p work/x/y; echo deep >work/x/y/z",
		"rm -r work/d",
		"rm work/f1; mkdir work/f1; echo in >work/f1/g",
		"rm -r work/x; echo file >work/x",
		"ln -s f1/g work/link; ln work/x work/hard",
		"rm work/link; echo now a file >work/link",
		"mkdir work/empty",
		"mkdir work/empty/sub; echo 1 >work/empty/sub/a; echo 2 >work/empty/sub/b",
		"rm work/empty/sub/a",
		"rm -r work/empty",
		"mv work/f1 work/f9",
		"rm -rf work/f9 work/x work/hard work/link",
		"printf '1\\n2\\n3\\n' >work/f1; mkdir work/d; echo two >work/d/f2",
	};
	struct snapshot_out out;
	struct buf cmd = BUF_INIT;
	char *parents;

	begin(NULL);
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		sh(a, edits[i]);
		take(&out, i % 5 == 4);
		assert_tree_is_gits(out.commit);
		buf_clear(&cmd);
		buf_fmt(&cmd, "log --format=%%P -1 %s", out.commit);
		parents = git_q(cmd.p);
		assert_string_equal(parents, f.repo.head);
		free(parents);
		snapshot_out_release(&out);
		take(&out, false);
		assert_false(out.changed);
		snapshot_out_release(&out);
	}
	/* Back at the base's files: the commit is one of ours, its tree the base's. */
	take(&out, true);
	assert_int_equal(out.files, 0);
	assert_int_equal(out.paths.n, 0);
	snapshot_out_release(&out);
	buf_release(&cmd);
	end();
}

static void odd_content(void **state)
{
	struct snapshot_out out;

	begin("echo x >f1; printf 'data 5\\nhello\\nM 100644 inline evil\\ndata 1\\nx\\n' >cmds");
	sh(a, "cd work; printf '\\0\\1\\377' >bin; : >empty; head -c 65536 /dev/zero >b1; head -c "
	      "65537 /dev/urandom >b2;"
	      "head -c 3000000 /dev/urandom >b3; printf 'no newline' >nonl; cp cmds cmds2; "
	      "truncate -s 40M sparse;"
	      "printf 'done\\ncommit refs/heads/x\\n' >'done'");
	take(&out, false);
	assert_tree_is_gits(out.commit);
	snapshot_out_release(&out);
	take(&out, true);
	assert_tree_is_gits(out.commit);
	assert_int_equal(out.files, 9);
	snapshot_out_release(&out);
	end();
}

/* Stores through a shared mapping may move no time stamp: full must see them all the same. Here the times are put back. */
static void full_sees_what_stat_hides(void **state)
{
	struct snapshot_out out;
	struct walk_cache c;
	struct stat st;
	char *path;

	begin("echo aaaa >f1; echo x >f2");
	sh(a, "echo bbbb >work/f1; touch -d '2020-01-01 00:00:00Z' work/f1");
	/* The cache is made to believe that this is how it was left. */
	OK(cache_load(&c, s.cache, &E));
	path = fs_join(s.work, "f1");
	assert_int_equal(stat(path, &st), 0);
	cache_add(&c, "f1", MODE_FILE, &st);
	c.time = clock_real_ns() + 1000000000;
	OK(cache_save(&c, s.cache, &E));
	take(&out, false);
	assert_false(out.changed);
	snapshot_out_release(&out);
	take(&out, true);
	assert_true(out.changed);
	assert_int_equal(out.files, 1);
	assert_tree_is_gits(out.commit);
	snapshot_out_release(&out);
	cache_release(&c);
	free(path);
	end();
}

/* A cache that is gone, torn, of a past snapshot, or of a commit that is no longer the ref: never a wrong tree. */
static void caches_of_all_kinds(void **state)
{
	static const char *const damage[] = {
		"rm walk.cache",
		": >walk.cache",
		"head -c 100 walk.cache >t; mv t walk.cache",
		"cp ../first walk.cache",
		"cp ../second walk.cache",
		"printf 'x' | dd of=walk.cache bs=1 seek=30 conv=notrunc 2>/dev/null",
		"rm walk.cache; mkfifo walk.cache",
		"dd if=/dev/zero of=walk.cache bs=1k count=9 2>/dev/null",
	};
	struct snapshot_out out;

	for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
		begin("echo 1 >f1; mkdir d; echo 2 >d/f2; echo 3 >f3");
		sh(a, "cp walk.cache ../first; echo more >>work/f1; echo new >work/gone");
		take(&out, false);
		snapshot_out_release(&out);
		sh(a, "cp walk.cache ../second; rm work/gone; rm -r work/d; echo z >work/z");
		take(&out, false);
		snapshot_out_release(&out);
		sh(a, damage[i]);
		take(&out, false);
		assert_tree_is_gits(out.commit);
		assert_int_equal(out.files, 3);
		snapshot_out_release(&out);
		end();
	}
}

static void ignored_files(void **state)
{
	struct snapshot_out out;

	fix_init(&f, "printf '*.log\\nbuild/\\n' >.gitignore; echo x >kept.log");
	sh(f.u, "git add -f kept.log; git commit -q --amend -m base; echo '*.mine' "
		">.git/info/exclude;"
		"mkdir -p ../home/.config/git; echo '*.global' >../home/.config/git/ignore");
	git_repo_release(&f.repo);
	OK(git_repo_open(&f.repo, f.u, &E));
	f.race.base = f.repo.head;
	fix_prepare(&f);
	a = fix_variant(&f, "a-1");
	fix_snap_init(&f, &s, a, "a-1");
	sh(a, "cd work; echo 1 >a.log; mkdir build sub; echo 1 >build/x; echo 1 >a.mine; echo 1 "
	      ">b.global; echo y >kept.log;"
	      "echo '!keep.log' >sub/.gitignore; echo 1 >sub/keep.log; echo 1 >sub/no.log; echo 1 "
	      ">new");
	take(&out, false);
	assert_int_equal(out.ignored, 5);
	assert_string_equal(out.not_recorded, "5 ignored");
	assert_int_equal(out.paths.n, 4);
	assert_true(strv_has(&out.paths, "kept.log"));
	assert_true(strv_has(&out.paths, "sub/keep.log"));
	snapshot_out_release(&out);
	/* A rule for everything hides new files only. */
	sh(a, "cd work; echo '*' >.gitignore; echo z >>kept.log; echo 2 >new2; echo more >>new; rm "
	      "sub/keep.log");
	take(&out, true);
	assert_true(strv_has(&out.paths, "kept.log"));
	assert_true(strv_has(&out.paths, ".gitignore"));
	assert_true(strv_has(&out.paths, "new"));
	assert_false(strv_has(&out.paths, "new2"));
	assert_false(strv_has(&out.paths, "sub/keep.log"));
	snapshot_out_release(&out);
	end();
}

static void no_identity(void **state)
{
	struct snapshot_out out;

	begin(NULL);
	free(f.repo.ident);
	f.repo.ident = NULL;
	s.in.subject = "";
	sh(a, "echo 1 >work/n");
	take(&out, false);
	assert_true(out.changed);
	snapshot_out_release(&out);
	end();
}

static void failures_leave_all_as_it_was(void **state)
{
	struct snapshot_out out;
	struct err e = ERR_INIT;

	begin(NULL);
	sh(a, "echo 1 >work/n; cp walk.cache ../before; mv ../q.git ../away");
	assert_int_equal(snapshot_take(&s.in, &out, &e), -1);
	assert_non_null(strstr(e.msg, "a-1"));
	snapshot_out_release(&out);
	sh(a, "cmp walk.cache ../before; mv ../away ../q.git; mv work gone");
	assert_int_equal(snapshot_take(&s.in, &out, &e), -1);
	assert_string_equal(e.code, "no_work");
	snapshot_out_release(&out);
	sh(a, "mv gone work; ln -s work link");
	free(s.work);
	s.work = fs_join(a, "link");
	s.in.work = s.work;
	assert_int_equal(snapshot_take(&s.in, &out, &e), -1);
	snapshot_out_release(&out);
	end();
}

/* ---- saving ---- */

static void save(struct save_out *out, const char *old)
{
	OK(git_save(&s.in, old, out, &E));
}

static void saving_makes_the_branch(void **state)
{
	struct save_out one, two;

	begin(NULL);
	sh(a, "echo 4 >>work/f1; echo new >work/n");
	save(&one, NULL);
	assert_null(one.scan);
	assert_string_equal(one.branch, "yolo/7/a-1");
	sh_says(f.u,
		"git rev-list --count main..yolo/7/a-1; git diff --stat main yolo/7/a-1 | tail -1",
		"1\n 2 files changed, 2 insertions(+)");
	sh(f.u, "test \"$(git rev-parse yolo/7/a-1)\" = \"$(git rev-parse "
		"refs/yolodeck/7/a-1/tip)\"; git fsck --strict;"
		"test -z \"$(git status --porcelain)\"; test ! -e .git/FETCH_HEAD; test -z "
		"\"$(find .git -name '*.lock')\"");
	/* Saving again moves nothing; and after more work the branch still holds one commit. */
	save(&two, one.snap.commit);
	assert_string_equal(one.snap.commit, two.snap.commit);
	assert_non_null(two.branch);
	save_out_release(&two);
	sh(a, "echo 5 >>work/f1");
	save(&two, one.snap.commit);
	assert_string_equal(two.branch, "yolo/7/a-1");
	sh_says(f.u, "git rev-list --count main..yolo/7/a-1", "1");
	save_out_release(&one);
	save_out_release(&two);
	end();
}

static void saving_nothing_makes_a_commit_of_its_own(void **state)
{
	struct save_out one, two;

	begin(NULL);
	save(&one, NULL);
	assert_int_equal(one.snap.files, 0);
	assert_string_equal(one.branch, "yolo/7/a-1");
	sh_says(f.u, "git rev-list --count main..yolo/7/a-1; git diff --stat main yolo/7/a-1", "1");
	save(&two, one.snap.commit);
	assert_string_equal(one.snap.commit, two.snap.commit);
	save_out_release(&one);
	save_out_release(&two);
	end();
}

/* What a live snapshot called its commit must not end on the branch. */
static void saving_has_its_own_words(void **state)
{
	struct snapshot_out live;
	struct save_out out;

	begin(NULL);
	sh(a, "echo 4 >>work/f1");
	s.in.subject = "live";
	take(&live, false);
	s.in.subject = "Fix the parser";
	save(&out, NULL);
	assert_string_not_equal(live.commit, out.snap.commit);
	assert_int_equal(out.snap.files, 1);
	sh_says(f.u, "git log -1 --format=%s yolo/7/a-1; git rev-list --count main..yolo/7/a-1", "Fix the parser\n1");
	snapshot_out_release(&live);
	/* And a live one after it moves nothing. */
	s.in.subject = "live";
	sh(a, "touch work/f1");
	s.in.full = false;
	take(&live, false);
	assert_false(live.changed);
	assert_string_equal(live.commit, out.snap.commit);
	snapshot_out_release(&live);
	save_out_release(&out);
	end();
}

static void a_branch_in_use_stays(void **state)
{
	struct save_out one, two;
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
	save_out_release(&two);
	/* Moved by somebody: left alone too. */
	sh(f.u, "git worktree remove ../look; git branch -f yolo/7/a-1 main");
	save(&two, one.snap.commit);
	assert_null(two.branch);
	assert_non_null(strstr(two.scan, "was moved by somebody"));
	sh(f.u, "test \"$(git rev-parse yolo/7/a-1)\" = \"$(git rev-parse main)\"; git branch -D "
		"-q yolo/7/a-1");
	save_out_release(&two);
	/* Deleted by somebody, with an old commit expected: the same. */
	save(&two, one.snap.commit);
	assert_null(two.branch);
	assert_non_null(two.scan);
	save_out_release(&two);
	save_out_release(&one);
	buf_release(&want);
	end();
}

static void a_refused_scan_keeps_it_out(void **state)
{
	struct save_out out;

	begin(NULL);
	sh(a, "ln -s /etc/passwd work/abs");
	save(&out, NULL);
	assert_null(out.branch);
	assert_string_equal(out.scan, "The variant holds a link that leaves the tree: abs.");
	assert_non_null(out.snap.commit);
	sh(f.u, "test -z \"$(git for-each-ref refs/heads/yolo refs/yolodeck/7/a-1)\"");
	save_out_release(&out);
	/* What only fsck sees. */
	sh(a, "rm work/abs; printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = -u./evil\\n' "
	      ">work/.gitmodules");
	save(&out, NULL);
	assert_null(out.branch);
	assert_string_equal(out.scan, "The variant holds a malformed .gitmodules.");
	save_out_release(&out);
	sh(a, "rm work/.gitmodules; git init -q work/nest; echo x >work/nest/x");
	save(&out, NULL);
	assert_non_null(out.branch);
	assert_string_equal(out.scan, "The variant holds a nested repository: nest.");
	assert_string_equal(out.snap.not_recorded, "1 nested repository's .git");
	sh_says(f.u, "git ls-tree -r --name-only yolo/7/a-1 nest", "nest/x");
	save_out_release(&out);
	end();
}

static void hooks_of_the_user_do_not_run(void **state)
{
	struct save_out out;

	begin(NULL);
	sh(f.u, "for h in reference-transaction post-index-change update post-checkout; do printf "
		"'#!/bin/sh\\ntouch %s/HOOK\\n' \"$PWD\" "
		">.git/hooks/$h; chmod +x .git/hooks/$h; done");
	sh(a, "echo 4 >>work/f1");
	save(&out, NULL);
	assert_non_null(out.branch);
	sh(f.u, "test ! -e HOOK; git update-ref refs/heads/control main; test -e HOOK");
	save_out_release(&out);
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
		struct save_out out;
		char *text = xasprintf("%d\n", r);

		rc = fs_replace(path, text, strlen(text), &errs[i]);
		if (!rc)
			rc = snapshot_take(&mine.in, &live, &errs[i]);
		if (!rc)
			rc = git_save(&mine.in, old, &out, &errs[i]);
		if (!rc && (!out.branch || out.scan))
			rc = err_set(&errs[i], "test", "no branch: %s", out.scan ? out.scan : "");
		if (!rc) {
			free(old);
			old = xstrdup(out.snap.commit);
			snapshot_out_release(&live);
			save_out_release(&out);
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
		sh(f.u, "for k in 1 2 3 4 5 6 7 8 9 10; do echo $k >>mine; git add mine || git add mine; git commit -qm $k || git commit -qm $k; done");
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
		sh(f.dir, shallow ? "git clone -q --depth 1 file://$PWD/u other" : "git clone -q u other");
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
		sh(f.u, "test \"$(git for-each-ref refs/heads/yolo | wc -l)\" = 8; git fsck --strict; test \"$(cat mine | wc -l)\" = 10;"
			"for i in 0 1 2 3 4 5 6 7; do test \"$(git show yolo/7/v-$i:mine)\" = 3; done; test -z \"$(find .git -name '*.lock')\"");
		fix_release(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commit_form),
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(odd_content),
		cmocka_unit_test(full_sees_what_stat_hides),
		cmocka_unit_test(caches_of_all_kinds),
		cmocka_unit_test(ignored_files),
		cmocka_unit_test(no_identity),
		cmocka_unit_test(failures_leave_all_as_it_was),
		cmocka_unit_test(saving_makes_the_branch),
		cmocka_unit_test(saving_nothing_makes_a_commit_of_its_own),
		cmocka_unit_test(saving_has_its_own_words),
		cmocka_unit_test(a_branch_in_use_stays),
		cmocka_unit_test(a_refused_scan_keeps_it_out),
		cmocka_unit_test(hooks_of_the_user_do_not_run),
		cmocka_unit_test(one_variant_by_many),
		cmocka_unit_test(many_at_once),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
