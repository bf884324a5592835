/* test_snapshot.c - what becomes of edits: commits, columns, caches. */
#include "snapfix.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "git/cache.h"
#include "git/message.h"

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
	want = xasprintf("a-1 (yolodeck) <yolodeck@localhost>|A User <user@example.com>|%s|Fix "
			 "it now\n\nYolodeck: 7/a-1",
		f.repo.head);
	assert_string_equal(got, want);
	assert_tree_is_gits(out.commit);
	free(got);
	free(want);
	buf_release(&cmd);
	snapshot_out_release(&out);
	end();
}

/* A long command is no subject: 72 columns of it, the rest below. */
static void long_commands_go_into_the_body(void **state)
{
	static const struct {
		const char *prefix, *text, *want;
	} t[] = {
		{ NULL, "a", "a\n\nYolodeck: 7/a\n" },
		{ NULL, NULL, "Work of 7/a\n\nYolodeck: 7/a\n" },
		{ NULL, " \nb", "Work of 7/a\n\nYolodeck: 7/a\n" },
		{ "Merge 7/a", NULL, "Merge 7/a\n\nYolodeck: 7/a\n" },
		{ "Merge 7/a", "fix it\nnow", "Merge 7/a: fix it\n\nYolodeck: 7/a\n" },
		{ NULL, "123456789 123456789 123456789 123456789 123456789 123456789 123456789 12",
			"123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
			"12\n\nYolodeck: 7/a\n" },
		{ NULL, "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123",
			"123456789 123456789 123456789 123456789 123456789 123456789 "
			"123456789…\n\n…123\n\nYolodeck: 7/a\n" },
		{ "P", "123456789012345678901234567890123456789012345678901234567890123456789é",
			"P: 12345678901234567890123456789012345678901234567890123456789012345678…"
			"\n\n…9é\n\nYolodeck: 7/a\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char *m = message_make(t[i].prefix, t[i].text, "7/a");

		assert_string_equal(m, t[i].want);
		free(m);
	}
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
	sh(a,
		"cd work; printf '\\0\\1\\377' >bin; : >empty; head -c 65536 /dev/zero >b1; head -c "
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

/* Stores through a shared mapping may move no time stamp: full must see them all the same. Here the
 * times are put back. */
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

/* A cache that is gone, torn, of a past snapshot, or of a commit that is no longer the ref: never a
 * wrong tree. */
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
	sh(f.u,
		"git add -f kept.log; git commit -q --amend -m base; echo '*.mine' "
		">.git/info/exclude;"
		"mkdir -p ../home/.config/git; echo '*.global' >../home/.config/git/ignore");
	git_repo_release(&f.repo);
	OK(git_repo_open(&f.repo, f.u, &E));
	f.race.base = f.repo.head;
	fix_prepare(&f);
	a = fix_variant(&f, "a-1");
	fix_snap_init(&f, &s, a, "a-1");
	sh(a,
		"cd work; echo 1 >a.log; mkdir build sub; echo 1 >build/x; echo 1 >a.mine; echo 1 "
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
	sh(a,
		"cd work; echo '*' >.gitignore; echo z >>kept.log; echo 2 >new2; echo more >>new; rm "
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commit_form),
		cmocka_unit_test(long_commands_go_into_the_body),
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(odd_content),
		cmocka_unit_test(full_sees_what_stat_hides),
		cmocka_unit_test(caches_of_all_kinds),
		cmocka_unit_test(ignored_files),
		cmocka_unit_test(no_identity),
		cmocka_unit_test(failures_leave_all_as_it_was),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
