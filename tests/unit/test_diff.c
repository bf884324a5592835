/* test_diff.c - numbers, patches, conflicts, limits; hostile attributes and configuration of others
 * do nothing. */
#include "gitfix.h"

#include "git/diff.h"
#include "git/quarantine.h"

static struct fix f;

/* Commits what the script leaves in u and gives the commit; u goes back to main. */
static char *commit_of(const char *script)
{
	char *id;

	sh(f.u, "git checkout -q -B t main");
	sh(f.u, script);
	id = sh_in(f.u, 0,
		"git add -A; git commit -qm t --allow-empty; git rev-parse HEAD; git checkout -q "
		"main");
	return id;
}

static void numbers(void **state)
{
	struct diff_stat st;
	char *b;

	fix_init(&f,
		"seq 10 >f1; echo x >f2; printf 'a\\0b' >bin; echo m >mode; mkdir "
		"d; echo y >d/f3");
	fix_prepare(&f);
	b = commit_of("seq 5 15 >f1; rm f2; printf 'a\\0c' >bin; chmod +x mode; mv d/f3 "
		      "d/f4; printf 't\\tab\\n' >\"$(printf 'a\\tb')\"");
	OK(diff_stat(f.q, f.repo.head, b, &st, &E));
	assert_int_equal(st.n, 6);
	assert_int_equal(st.added, 5 + 1);
	assert_int_equal(st.removed, 4 + 1);
	assert_false(st.cut);
	for (size_t i = 0; i < st.n; i++) {
		if (!strcmp(st.f[i].path, "bin"))
			assert_int_equal(st.f[i].added, -1);
		if (!strcmp(st.f[i].path, "f1"))
			assert_int_equal(st.f[i].removed, 4);
	}
	assert_string_equal(st.f[0].path, "a\tb");
	diff_stat_release(&st);
	OK(diff_stat(f.q, b, b, &st, &E));
	assert_int_equal(st.n, 0);
	diff_stat_release(&st);
	free(b);
	fix_release(&f);
}

static void renames_count_once(void **state)
{
	struct diff_stat st;
	struct strv names = STRV_INIT;
	char *b;

	fix_init(&f,
		"for i in $(seq 600); do echo $i >f$i; done; echo all: >Makefile; seq 20 >Edited");
	fix_prepare(&f);
	b = commit_of("mkdir d; mv f* d; mv Makefile d/build; mv Edited d; echo more >>d/Edited");
	OK(diff_stat(f.q, f.repo.head, b, &st, &E));
	assert_int_equal(st.n, 602);
	assert_int_equal(st.added, 1);
	assert_int_equal(st.removed, 0);
	assert_string_equal(st.f[0].path, "d/Edited");
	assert_string_equal(st.f[0].from, "Edited");
	/* the name it had counts too */
	diff_auto_run(&st, &names);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "d/build");
	strv_release(&names);
	diff_stat_release(&st);
	free(b);
	fix_release(&f);
}

/* Numbers that no file has do not overflow the sum. */
static void absurd_numbers(void **state)
{
	struct diff_stat st;
	char *path = xstrdup(getenv("PATH")), *with;

	fix_init(&f, NULL);
	sh(f.dir,
		"mkdir bin; printf '#!/bin/sh\\nprintf "
		"\"9223372036854775807\\\\t9223372036854775807\\\\tf1\\\\0"
		"9223372036854775807\\\\t-\\\\tf2\\\\0\"\\n' >bin/git; chmod +x bin/git");
	with = xasprintf("%s/bin:%s", f.dir, path);
	setenv("PATH", with, 1);
	OK(diff_stat(f.q, "a", "b", &st, &E));
	setenv("PATH", path, 1);
	assert_int_equal(st.n, 2);
	assert_int_equal(st.added, 2 * (int64_t)INT32_MAX);
	assert_int_equal(st.removed, INT32_MAX);
	diff_stat_release(&st);
	free(path);
	free(with);
	fix_release(&f);
}

static void patches(void **state)
{
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	bool cut;
	char *b;

	fix_init(&f, NULL);
	fix_prepare(&f);
	b = commit_of("echo 4 >>f1; mv d/f2 d/moved; echo x >':(glob)*'; echo y >other");
	OK(diff_patch(f.q, f.repo.head, b, NULL, 1 << 20, &out, &cut, &E));
	assert_false(cut);
	assert_non_null(strstr(out.p, "+4\n"));
	assert_non_null(strstr(out.p, "rename from d/f2"));
	OK(diff_patch(f.q, f.repo.head, b, "f1", 1 << 20, &out, &cut, &E));
	assert_non_null(strstr(out.p, "+4\n"));
	assert_null(strstr(out.p, "moved"));
	/* Paths are paths. */
	OK(diff_patch(f.q, f.repo.head, b, ":(glob)*", 1 << 20, &out, &cut, &E));
	assert_non_null(strstr(out.p, "+x\n"));
	assert_null(strstr(out.p, "+y\n"));
	OK(diff_patch(f.q, f.repo.head, b, NULL, 100, &out, &cut, &E));
	assert_true(cut);
	assert_int_equal(out.len, 100);
	assert_int_equal(
		diff_patch(f.q, f.repo.head, "--output=/tmp/evil", NULL, 100, &out, &cut, &e), -1);
	assert_false(fs_exists("/tmp/evil"));
	buf_release(&out);
	free(b);
	fix_release(&f);
}

static void conflicts(void **state)
{
	struct strv names = STRV_INIT;
	char *b, *tip, *clean;

	fix_init(&f, "seq 30 >f1; seq 30 >f2; seq 30 >f3");
	fix_prepare(&f);
	b = commit_of("sed -i 's/^10$/theirs/' f1; sed -i 's/^10$/theirs/' f2; echo n >new");
	tip = commit_of("sed -i 's/^10$/mine/' f1; sed -i 's/^10$/mine/' f2; echo m >new");
	clean = commit_of("sed -i 's/^20$/mine/' f1; echo o >>f3");
	OK(diff_conflicts(f.q, f.repo.common, f.repo.head, tip, b, &names, &E));
	assert_int_equal(names.n, 3);
	assert_true(strv_has(&names, "f1") && strv_has(&names, "f2") && strv_has(&names, "new"));
	OK(diff_conflicts(f.q, f.repo.common, f.repo.head, clean, b, &names, &E));
	assert_int_equal(names.n, 0);
	OK(diff_conflicts(f.q, f.repo.common, f.repo.head, f.repo.head, b, &names, &E));
	assert_int_equal(names.n, 0);
	strv_release(&names);
	free(b);
	free(tip);
	free(clean);
	fix_release(&f);
}

/* History that is cut off shows no common commit: then the base we know is taken. */
static void conflicts_without_history(void **state)
{
	struct strv names = STRV_INIT;
	char *other, *b, *tip;

	fix_init(&f, "seq 30 >f1");
	sh(f.u, "echo x >f2; git add f2; git commit -qm two");
	sh(f.dir, "git clone -q --depth 1 file://$PWD/u other");
	other = fs_join(f.dir, "other");
	git_repo_release(&f.repo);
	OK(git_repo_open(&f.repo, other, &E));
	f.race.base = f.repo.head;
	fix_prepare(&f);
	sh(f.u,
		"sed -i 's/^10$/mine/' f1; git commit -qam mine; git -C ../other fetch -q --depth "
		"1 origin main");
	tip = sh_in(other, 0, "git rev-parse FETCH_HEAD");
	b = sh_in(
		other, 0, "sed -i 's/^10$/theirs/' f1; git commit -qam theirs; git rev-parse HEAD");
	OK(quarantine_sync_shallow(&f.repo, f.q, &E));
	OK(diff_conflicts(f.q, f.repo.common, f.repo.head, tip, b, &names, &E));
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "f1");
	free(b);
	b = sh_in(other, 0,
		"git reset -q --hard HEAD^; echo y >>f2; git commit -qam theirs2; git rev-parse "
		"HEAD");
	OK(diff_conflicts(f.q, f.repo.common, f.repo.head, tip, b, &names, &E));
	assert_int_equal(names.n, 0);
	strv_release(&names);
	free(b);
	free(tip);
	free(other);
	fix_release(&f);
}

/* Attributes in the trees name drivers; the user has drivers of these names, his HOME too. None may
 * run. */
static void drivers_do_not_run(void **state)
{
	struct strv names = STRV_INIT;
	struct buf out = BUF_INIT;
	struct diff_stat st;
	bool cut;
	char *b, *tip, *conf;

	fix_init(&f, "echo '* filter=x diff=x merge=x' >.gitattributes; seq 30 >f1");
	fix_prepare(&f);
	conf = xasprintf("for c in diff.x.textconv diff.x.command merge.x.driver filter.x.clean "
			 "filter.x.smudge; do "
			 "git config --global $c \"touch %s/MARK-$c; cat\"; done; git config "
			 "--global diff.external 'touch %s/MARK-ext'",
		f.dir, f.dir);
	b = commit_of("sed -i 's/^10$/theirs/' f1");
	tip = commit_of("sed -i 's/^10$/mine/' f1");
	sh(f.dir, conf);
	OK(diff_stat(f.q, f.repo.head, b, &st, &E));
	assert_int_equal(st.n, 1);
	assert_int_equal(st.added, 1);
	diff_stat_release(&st);
	OK(diff_patch(f.q, f.repo.head, b, NULL, 1 << 20, &out, &cut, &E));
	assert_non_null(strstr(out.p, "+theirs"));
	OK(diff_conflicts(f.q, f.repo.common, f.repo.head, tip, b, &names, &E));
	assert_int_equal(names.n, 1);
	sh_says(f.dir, "ls | grep MARK || true", "");
	/* Control: in his own work tree they do. */
	sh(f.u, "git diff main t >/dev/null 2>&1 || true; ls .. | grep -q MARK");
	free(conf);
	free(b);
	free(tip);
	buf_release(&out);
	strv_release(&names);
	fix_release(&f);
}

/* 16 MB of digits keep xdiff busy for more than a minute; here they count as binary. */
static void hostile_content_ends_soon(void **state)
{
	struct diff_stat st;
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	bool cut;
	char *b;
	int64_t began;

	fix_init(&f,
		"head -c 12000000 /dev/urandom | od -An -tu1 | tr -s ' ' '\\n' | head -c "
		"16000000 >digits; echo x >f1");
	fix_prepare(&f);
	b = commit_of("head -c 12000000 /dev/urandom | od -An -tu1 | tr -s ' ' '\\n' | head -c "
		      "16000000 >digits; echo y >>f1");
	began = clock_mono_ms();
	OK(diff_stat(f.q, f.repo.head, b, &st, &E));
	assert_int_equal(st.n, 2);
	assert_int_equal(st.added, 1);
	diff_stat_release(&st);
	assert_int_equal(diff_patch(f.q, f.repo.head, b, NULL, 1 << 20, &out, &cut, &e), 0);
	assert_int_equal(diff_patch(f.q, f.repo.head, b, "digits", 1 << 20, &out, &cut, &e), 0);
	assert_true(clock_mono_ms() - began < 30000);
	free(b);
	buf_release(&out);
	fix_release(&f);
}

static void paths_that_run_by_themselves(void **state)
{
	static const char *const yes[] = { ".gitattributes", "sub/.gitattributes",
		".husky/pre-commit", ".github/workflows/ci.yml", ".envrc", "Makefile",
		"src/Makefile", "package.json", ".GitHub/x", ".claude/settings.json",
		"a/.vscode/tasks.json", ".github", "sub/.husky" };
	static const char *const no[] = { "src/main.c", "github/x", "Makefile.am", "my.envrc",
		".huskyx/a", "README" };
	struct diff_stat st = { 0 };
	struct diff_file files[ARRAY_LEN(yes) + ARRAY_LEN(no)];
	struct strv out = STRV_INIT;

	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		files[st.n++] = (struct diff_file){ (char *)yes[i], NULL, 1, 0 };
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		files[st.n++] = (struct diff_file){ (char *)no[i], NULL, 1, 0 };
	st.f = files;
	diff_auto_run(&st, &out);
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(strv_has(&out, yes[i]));
	assert_int_equal(out.n, ARRAY_LEN(yes));
	strv_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(renames_count_once),
		cmocka_unit_test(absurd_numbers),
		cmocka_unit_test(patches),
		cmocka_unit_test(conflicts),
		cmocka_unit_test(conflicts_without_history),
		cmocka_unit_test(drivers_do_not_run),
		cmocka_unit_test(hostile_content_ends_soon),
		cmocka_unit_test(paths_that_run_by_themselves),
	};

	return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
