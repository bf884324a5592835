/* test_checkout.c - raw trees, private .git, base store, seeds; crashes in the middle; odd
 * repositories. */
#include "gitfix.h"

#include <sys/stat.h>

#include "git/template.h"

static char *script(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *script(const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	return buf_take(&b);
}

/* Snapshot of a fresh copy: nothing may differ, incremental or full. */
static void assert_no_difference(struct fix *f, const char *dir, const char *name)
{
	struct fix_snap s;
	struct snapshot_out out;

	fix_snap_init(f, &s, dir, name);
	OK(snapshot_take(&s.in, &out, &E));
	assert_false(out.changed);
	assert_string_equal(out.commit, f->repo.head);
	assert_int_equal(out.files, 0);
	assert_null(out.not_recorded);
	snapshot_out_release(&out);
	s.in.full = true;
	OK(snapshot_take(&s.in, &out, &E));
	assert_int_equal(out.files, 0);
	assert_int_equal(out.refused.n, 0);
	snapshot_out_release(&out);
	fix_snap_release(&s);
}

static void copies_are_equal_and_independent(void **state)
{
	struct fix f;
	char *a, *b;

	fix_init(&f,
		"seq 500 >f1; mkdir -p d/e; echo x >d/e/f2; echo '#!/bin/sh' >run; chmod +x "
		"run; ln -s d/e/f2 link;"
		"head -c 300000 /dev/zero >big; printf sp >'a b'; printf '\\377' >\"$(printf "
		"'bad\\377')\"");
	fix_prepare(&f);
	a = fix_variant(&f, "a");
	b = fix_variant(&f, "b");
	checkout_finish(&f.race);
	sh(f.race_dir, "diff -r a/work b/work; test ! -e tpl; test ! -e a/copy");
	sh(f.race_dir,
		"test \"$(stat -c %a a/work/run a/work/f1 a/work a/work/d a/tmp a/home | tr "
		"'\\n' ' ')\" = '755 644 755 755 1777 700 '");
	sh(f.race_dir,
		"test \"$(stat -c %Y a/work/f1 a/work/d a/work/link | sort -u)\" = 1577836800");
	assert_no_difference(&f, a, "a");
	sh(f.race_dir,
		"echo changed >>a/work/f1; echo changed >>a/work/big; rm a/work/run; echo y "
		">a/work/.git/HEAD");
	assert_no_difference(&f, b, "b");
	sh(f.u,
		"test -z \"$(git status --porcelain)\"; git rev-parse -q --verify "
		"refs/yolodeck/7/base");
	free(a);
	free(b);
	fix_release(&f);
}

/* Conversions of the user's attributes would make differences that nobody made; export-ignore would
 * lose files. */
static void raw_tree_makes_no_difference(void **state)
{
	struct fix f;
	char *a;

	fix_init(&f,
		"printf '*.txt text eol=crlf\\n*.c ident\\n*.u "
		"working-tree-encoding=UTF-16LE\\nskip export-ignore\\nsub "
		"export-subst\\n' >.gitattributes; printf 'a\\nb\\n' >a.txt; printf '/* $Id$ "
		"*/\\n' >x.c;"
		"printf 'h\\0i\\0' >y.u; echo s >skip; echo '$Format:%H$' >sub");
	sh(f.dir, "git config --global core.autocrlf true");
	fix_prepare(&f);
	a = fix_variant(&f, "a");
	assert_no_difference(&f, a, "a");
	sh(a,
		"cd work; printf 'a\\nb\\n' | cmp - a.txt; printf '/* $Id$ */\\n' | cmp - x.c; "
		"printf hi | cmp - y.u;"
		"test -e skip; grep -q Format sub");
	free(a);
	fix_release(&f);
}

#define BOX \
	"bwrap --unshare-all --dev /dev --proc /proc --tmpfs /tmp --ro-bind /usr /usr " \
	"--ro-bind-try /bin /bin " \
	"--ro-bind-try /lib /lib --ro-bind-try /lib64 /lib64 --ro-bind-try /etc /etc "

/* As a container sees it: the store at its fixed path, read-only. */
static char *in_box(const char *dir, const char *base_store, int want, const char *what)
{
	char *s = script(BOX "--bind %s /tmp/w --ro-bind %s %s --chdir /tmp/w env -i "
			     "PATH=\"$PATH\" HOME=/nonexistent sh -ec '%s'",
		dir, base_store, CHECKOUT_BASE_STORE, what);
	char *out = sh_in("/", want, s);

	free(s);
	return out;
}

static bool have_bwrap(void)
{
	char *r = sh_in("/", -1, BOX "true && echo yes");
	bool have = !strcmp(r, "yes");

	free(r);
	return have;
}

static void private_git_works_in_a_box(void **state)
{
	struct fix f;
	char *a, *work, *out;

	fix_init(&f, NULL);
	sh(f.u,
		"git branch secret; echo more >>f1; git commit -qam secret-history; git tag "
		"secret-tag");
	git_repo_release(&f.repo);
	OK(git_repo_open(&f.repo, f.u, &E));
	f.race.base = f.repo.head;
	fix_prepare(&f);
	a = fix_variant(&f, "a");
	work = fs_join(a, "work");
	if (!have_bwrap()) {
		print_message("skipped: no bubblewrap here that can mount the base store\n");
	} else {
		out = in_box(work, f.base_store, 0,
			"git status --porcelain; git branch --show-current; git rev-parse HEAD;"
			"git log --oneline | wc -l; git for-each-ref --format=\"%(refname)\"");
		{
			char *want = script("work\n%s\n1\nrefs/heads/work", f.repo.head);

			assert_string_equal(out, want);
			free(want);
		}
		free(out);
		out = in_box(work, f.base_store, 0,
			"echo mine >>f1; git commit -qam mine; git gc -q; git blame f1 | wc -l;"
			"git fsck --connectivity-only 2>&1 | grep -E "
			"\"^(error|fatal|missing|broken)\" || true; git status --porcelain; "
			"touch " CHECKOUT_BASE_STORE "/x 2>/dev/null && echo writable; true");
		assert_string_equal(out, "5");
		free(out);
	}
	sh(f.dir, "test \"$(find base.git -type d ! -perm 755 -o -type f ! -perm 644)\" = ''");
	free(work);
	free(a);
	fix_release(&f);
}

/* Whatever step a crash interrupted: the same calls again finish. */
static void crash_and_again(void **state)
{
	static const char *const damage[] = {
		"rm races/7/tpl/ready",
		"rm -rf races/7/tpl/ready races/7/tpl/tree/f1 races/7/tpl/base-tree",
		"rm -rf races/7/tpl; mkdir races/7/tpl",
		"mv races/7/q.git races/7/q.git.new; rm -rf races/7/q.git.new/info races/7/tpl",
		"mv races/7/q.git races/7/q.git.new; rm -rf races/7/q.git.new/HEAD "
		"races/7/q.git.new/objects races/7/tpl",
		"mv base.git base.git.7.new; rm -rf races/7/tpl",
		"mv base.git base.git.7.new; rm base.git.7.new/objects/pack/*; rm -rf races/7/tpl",
		"mkdir -p races/7/a; mv races/7/tpl races/7/x; cp -a races/7/x races/7/tpl; rm -rf "
		"races/7/x",
		"mkdir -p races/7/a/copy",
		"mkdir -p races/7/a/copy/work/d; touch races/7/a/copy/yolodeck-copy "
		"races/7/a/copy/work/torn",
		"mkdir -p races/7/a/home races/7/a/copy; touch races/7/a/walk.cache "
		"races/7/a/copy/yolodeck-copy",
	};
	struct fix f;
	char *a;

	for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
		fix_init(&f, NULL);
		fix_prepare(&f);
		sh(f.dir, damage[i]);
		fix_prepare(&f);
		a = fix_variant(&f, "a");
		sh(f.dir,
			"diff -r u races/7/a/work -x .git; test ! -e races/7/a/copy; test ! -e "
			"base.git.7.new; test ! -e races/7/q.git.new");
		assert_no_difference(&f, a, "a");
		/* Once more: nothing to do, nothing changed. */
		sh(a, "echo mine >work/f1");
		OK(checkout_variant(&f.race, a, -1, -1, &E));
		sh_says(a, "cat work/f1", "mine");
		free(a);
		fix_release(&f);
	}
}

static void a_strange_work_is_left_alone(void **state)
{
	struct fix f;
	struct err e = ERR_INIT;
	char *a;

	fix_init(&f, NULL);
	fix_prepare(&f);
	a = fs_join(f.race_dir, "a");
	sh(f.race_dir, "mkdir -p a/work; echo precious >a/work/x");
	assert_int_equal(checkout_variant(&f.race, a, -1, -1, &e), -1);
	assert_string_equal(e.code, "in_the_way");
	sh_says(a, "cat work/x", "precious");
	sh(f.race_dir, "mkdir -p b/copy; echo precious >b/copy/x");
	free(a);
	a = fs_join(f.race_dir, "b");
	assert_int_equal(checkout_variant(&f.race, a, -1, -1, &e), -1);
	sh_says(a, "cat copy/x", "precious");
	free(a);
	fix_release(&f);
}

static void another_base_is_refused(void **state)
{
	struct fix f;
	struct err e = ERR_INIT;

	fix_init(&f, NULL);
	sh(f.u, "echo x >>f1; git commit -qam x; git update-ref refs/yolodeck/7/base HEAD");
	assert_int_equal(checkout_prepare(&f.race, &e), -1);
	assert_string_equal(e.code, "moved");
	fix_release(&f);
}

static void submodules_and_lfs_are_told(void **state)
{
	struct fix f;
	char *a;
	struct fix_snap s;
	struct snapshot_out out;

	fix_init(&f,
		"git init -q ../s; (cd ../s; echo s >s; git add s; git commit -qm s); git "
		"submodule --quiet add ../s sub;"
		"echo '*.bin filter=lfs' >.gitattributes; printf 'version "
		"https://git-lfs.github.com/spec/v1\\noid 1\\n' >l.bin");
	fix_prepare(&f);
	assert_non_null(f.race.warning);
	assert_non_null(strstr(f.race.warning, "1 file is an LFS pointer"));
	assert_non_null(strstr(f.race.warning, "(sub)"));
	a = fix_variant(&f, "a");
	sh(a, "test -d work/sub; test -z \"$(ls -A work/sub)\"");
	assert_no_difference(&f, a, "a");
	/* Files written there must not turn the submodule into a plain directory. */
	sh(a, "echo x >work/sub/x; echo y >work/y");
	fix_snap_init(&f, &s, a, "a");
	OK(snapshot_take(&s.in, &out, &E));
	assert_int_equal(out.files, 1);
	assert_string_equal(out.refused.v[0], "The variant holds a new or changed submodule: sub.");
	snapshot_out_release(&out);
	sh(a, "rm -r work/sub");
	s.in.full = true;
	OK(snapshot_take(&s.in, &out, &E));
	assert_int_equal(out.files, 1);
	snapshot_out_release(&out);
	fix_snap_release(&s);
	free(a);
	fix_release(&f);
}

static void save_ok(struct fix *f, const char *dir, const char *name)
{
	struct fix_snap s;
	struct saving_out out;

	fix_snap_init(f, &s, dir, name);
	OK(saving_run(&s.in, NULL, &out, &E));
	if (out.scan)
		fail_msg("%s", out.scan);
	assert_non_null(out.branch);
	saving_out_release(&out);
	fix_snap_release(&s);
}

static void repositories_of_every_kind(void **state)
{
	static const char *const make[] = {
		"git clone -q --bare u other",
		"git clone -q --depth 1 file://$PWD/u other",
		"git clone -q --shared u other",
		"git clone -q --shared u mid; (cd mid/.git; echo ../../../u/.git/objects "
		">objects/info/alternates); mv mid other",
		"git init -q --object-format=sha256 other; cd other; echo 1 >f1; git add f1; git "
		"commit -qm base",
		"git -C u worktree add -q ../other -b side",
		"cp -r u t; git -C t submodule --quiet add ../u sub; ln -s t/sub other",
		"git clone -q u other; git -C other pack-refs --all; git -C other gc -q",
	};

	for (size_t i = 0; i < ARRAY_LEN(make); i++) {
		struct fix f;
		char *other, *a;

		fix_init(&f, NULL);
		sh(f.u, "echo 9 >>f1; git commit -qam two");
		sh(f.dir, make[i]);
		other = fs_join(f.dir, "other");
		git_repo_release(&f.repo);
		OK(git_repo_open(&f.repo, other, &E));
		f.race.base = f.repo.head;
		fix_prepare(&f);
		a = fix_variant(&f, "a");
		assert_no_difference(&f, a, "a");
		sh(a, "echo more >>work/f1; echo new >work/new");
		save_ok(&f, a, "a");
		sh(other,
			"test \"$(git log --format=%an -1 yolo/7/a)\" = 'a (yolodeck)';"
			"test \"$(git diff --name-only yolo/7/a^ yolo/7/a | tr '\\n' ' ')\" = "
			"'f1 new '; git fsck --strict 2>&1");
		free(a);
		free(other);
		fix_release(&f);
	}
}

static void partial_clone_is_completed(void **state)
{
	static const char *const filters[] = { "blob:none", "tree:0" };

	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		struct fix f;
		char *s, *other, *a;
		struct err e = ERR_INIT;

		fix_init(&f, "mkdir -p a/b/c; echo 1 >a/b/c/f; echo 2 >f2");
		s = script("git -C u config uploadpack.allowFilter true; git -C u config "
			   "uploadpack.allowAnySHA1InWant true;"
			   "git clone -q --no-checkout --filter=%s file://$PWD/u other",
			filters[i]);
		sh(f.dir, s);
		free(s);
		other = fs_join(f.dir, "other");
		git_repo_release(&f.repo);
		OK(git_repo_open(&f.repo, other, &E));
		f.race.base = f.repo.head;
		sh(f.dir, "mv u away");
		assert_int_equal(checkout_prepare(&f.race, &e), -1);
		assert_non_null(strstr(e.msg, "partial clone"));
		assert_non_null(strstr(e.msg, "origin"));
		sh(f.dir, "mv away u");
		fix_prepare(&f);
		a = fix_variant(&f, "a");
		sh(f.dir, "diff -r u races/7/a/work -x .git");
		assert_no_difference(&f, a, "a");
		free(a);
		free(other);
		fix_release(&f);
	}
}

static void the_base_survives_gc(void **state)
{
	struct fix f;
	char *a;

	fix_init(&f, NULL);
	sh(f.u,
		"git commit -q --allow-empty -m keep; echo gone >gone; git add gone; git commit "
		"-qm gone");
	git_repo_release(&f.repo);
	OK(git_repo_open(&f.repo, f.u, &E));
	f.race.base = f.repo.head;
	fix_prepare(&f);
	sh(f.u,
		"git reset -q --hard HEAD^; git reflog expire --expire=now --all; git gc -q "
		"--prune=now");
	a = fix_variant(&f, "a");
	sh(a, "echo x >work/x");
	save_ok(&f, a, "a");
	free(a);
	fix_release(&f);
}

/* Files may belong to another user than we are: only root can try. */
static void owner_is_given(void **state)
{
	struct fix f;
	char *a;

	if (geteuid()) {
		print_message("skipped: giving files away needs root\n");
		return;
	}
	fix_init(&f, "mkdir d; echo x >d/f; ln -s d/f l");
	fix_prepare(&f);
	a = fs_join(f.race_dir, "a");
	sh(f.race_dir, "mkdir a");
	OK(checkout_variant(&f.race, a, 65532, 65533, &E));
	sh(a,
		"test -z \"$(find work home tmp ! -uid 65532 -o ! -gid 65533)\"; test \"$(stat -c %u "
		"walk.cache)\" = 0");
	assert_no_difference(&f, a, "a");
	free(a);
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_equal_and_independent),
		cmocka_unit_test(raw_tree_makes_no_difference),
		cmocka_unit_test(private_git_works_in_a_box),
		cmocka_unit_test(crash_and_again),
		cmocka_unit_test(a_strange_work_is_left_alone),
		cmocka_unit_test(another_base_is_refused),
		cmocka_unit_test(submodules_and_lfs_are_told),
		cmocka_unit_test(repositories_of_every_kind),
		cmocka_unit_test(partial_clone_is_completed),
		cmocka_unit_test(the_base_survives_gc),
		cmocka_unit_test(owner_is_given),
	};

	return cmocka_run_group_tests_name("checkout", tests, NULL, NULL);
}
