/* test_git.c - the two environments, finding repositories of every kind, refs by compare-and-swap.
 */
#include "gitfix.h"

static void opens_a_plain_repository(void **state)
{
	struct fix f;
	struct git_repo r;
	char *d;

	fix_init(&f, NULL);
	d = fs_join(f.u, "d");
	OK(git_repo_open(&r, d, &E));
	assert_string_equal(r.top, f.u);
	assert_string_equal(r.name, "u");
	assert_string_equal(r.format, "sha1");
	assert_string_equal(r.head_ref, "refs/heads/main");
	assert_true(git_oid_ok(r.head));
	assert_string_equal(r.ident, "A User <user@example.com>");
	assert_string_equal(r.common, r.git_dir);
	assert_false(r.bare);
	git_repo_release(&r);
	free(d);
	d = fs_join(f.u, ".git");
	OK(git_repo_open(&r, d, &E));
	assert_string_equal(r.top, f.u);
	git_repo_release(&r);
	OK(git_repo_open_common(&r, d, &E));
	assert_string_equal(r.top, f.u);
	assert_string_equal(r.head, f.repo.head);
	assert_string_equal(r.ident, "A User <user@example.com>");
	git_repo_release(&r);
	free(d);
	fix_release(&f);
}

/* The conductor knows a submodule by its common dir alone. */
static void opens_submodule(const struct fix *f)
{
	struct git_repo r;
	char *p, *common;

	sh(f->dir, "cp -r u t; git -C t submodule --quiet add ../u sub");
	p = fs_join(f->dir, "t/sub");
	OK(git_repo_open(&r, p, &E));
	assert_string_equal(r.top, p);
	common = xstrdup(r.common);
	git_repo_release(&r);
	OK(git_repo_open_common(&r, common, &E));
	assert_string_equal(r.top, p);
	assert_string_equal(r.head, f->repo.head);
	git_repo_release(&r);
	free(common);
	free(p);
}

static void opens_odd_repositories(void **state)
{
	struct fix f;
	struct git_repo r;
	char *p;

	fix_init(&f, NULL);
	sh(f.dir,
		"git init -q unborn; git init -q --object-format=sha256 big; cd big; echo x >x; "
		"git add x; git commit -qm x");
	sh(f.dir,
		"git clone -q --bare u u2.git; git -C u worktree add -q ../linked -b side; git "
		"-C u checkout -q --detach");
	p = fs_join(f.dir, "unborn");
	OK(git_repo_open(&r, p, &E));
	assert_null(r.head);
	assert_string_equal(r.head_ref, "refs/heads/main");
	assert_string_equal(r.top, p);
	git_repo_release(&r);
	free(p);
	p = fs_join(f.dir, "big");
	OK(git_repo_open(&r, p, &E));
	assert_string_equal(r.format, "sha256");
	assert_int_equal(strlen(r.head), 64);
	git_repo_release(&r);
	free(p);
	p = fs_join(f.dir, "u2.git");
	OK(git_repo_open(&r, p, &E));
	assert_true(r.bare);
	assert_null(r.top);
	assert_string_equal(r.name, "u2");
	assert_non_null(r.head);
	git_repo_release(&r);
	OK(git_repo_open_common(&r, p, &E));
	assert_true(r.bare);
	assert_null(r.top);
	git_repo_release(&r);
	free(p);
	p = fs_join(f.dir, "linked");
	OK(git_repo_open(&r, p, &E));
	assert_string_equal(r.top, p);
	assert_string_equal(r.name, "u");
	assert_string_equal(r.head_ref, "refs/heads/side");
	assert_string_equal(r.common, f.repo.common);
	assert_string_not_equal(r.common, r.git_dir);
	git_repo_release(&r);
	free(p);
	opens_submodule(&f);
	p = fs_join(f.dir, "unborn/.git");
	OK(git_repo_open_common(&r, p, &E));
	assert_null(r.head);
	assert_string_equal(r.name, "unborn");
	git_repo_release(&r);
	free(p);
	OK(git_repo_open(&r, f.u, &E));
	assert_null(r.head_ref);
	assert_string_equal(r.head, f.repo.head);
	git_repo_release(&r);
	fix_release(&f);
}

static void says_why_there_is_none(void **state)
{
	struct fix f;
	struct git_repo r;
	struct err e = ERR_INIT;
	char *path = xstrdup(getenv("PATH")), *gone;

	fix_init(&f, NULL);
	assert_int_equal(git_repo_open(&r, f.dir, &e), -1);
	assert_string_equal(e.code, "not_a_repository");
	assert_non_null(strstr(e.msg, "git init"));
	gone = fs_join(f.dir, "gone.git");
	assert_int_equal(git_repo_open_common(&r, gone, &e), -1);
	assert_string_equal(e.code, "not_a_repository");
	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(git_repo_open(&r, f.u, &e), -1);
	assert_string_equal(e.code, "no_git");
	setenv("PATH", path, 1);
	sh(f.dir,
		"git config --global --unset user.name; git config --global --unset user.email;"
		"git config --global user.useConfigOnly true");
	OK(git_repo_open(&r, f.u, &E));
	assert_null(r.ident);
	git_repo_release(&r);
	free(gone);
	free(path);
	fix_release(&f);
}

/* Variables of a hook that started us must not lead elsewhere, nor may configuration in the
 * environment reach [H]. */
static void environments(void **state)
{
	struct fix f;
	struct buf out = BUF_INIT;
	struct git_call c;
	struct child_result r;

	fix_init(&f, NULL);
	sh(f.dir, "git init -q other");
	setenv("GIT_DIR", "/nonexistent", 1);
	setenv("GIT_INDEX_FILE", "/nonexistent", 1);
	OK(git_out(f.repo.common, &out, &E, "rev-parse", "HEAD", (char *)NULL));
	assert_string_equal(out.p, f.repo.head);
	git_out(f.repo.common, &out, &E, "var", "GIT_COMMITTER_IDENT", (char *)NULL);
	assert_null(strstr(out.p, "user@example.com"));
	git_call_init(&c, f.repo.common);
	c.user = true;
	c.cwd = f.u;
	strv_addl(&c.args, "config", "user.name", (char *)NULL);
	OK(git_run(&c, &r, &E));
	assert_string_equal(r.out.p, "A User\n");
	child_result_release(&r);
	git_call_release(&c);
	unsetenv("GIT_DIR");
	unsetenv("GIT_INDEX_FILE");
	buf_release(&out);
	fix_release(&f);
}

static void refs(void **state)
{
	struct fix f;
	struct err e = ERR_INIT;
	char *first, *second, *got;
	int n;

	fix_init(&f, NULL);
	first = git_resolve(&f.repo, "main", &e);
	assert_string_equal(first, f.repo.head);
	sh(f.u, "echo 4 >>f1; git commit -qam two; git tag -a -m t v1");
	second = git_resolve(&f.repo, "v1", &e);
	assert_string_not_equal(first, second);
	assert_null(git_resolve(&f.repo, "nosuch", &e));
	assert_string_equal(e.code, "no_such_revision");
	assert_null(git_resolve(&f.repo, "--all", &e));
	assert_null(git_resolve(&f.repo, "main:f1", &e));
	OK(git_highest_race(&f.repo, &n, &E));
	assert_int_equal(n, 0);
	OK(git_update_ref(&f.repo, "refs/yolodeck/12/base", first, NULL, "t", &E));
	OK(git_update_ref(&f.repo, "refs/heads/yolo/9/a", first, NULL, "t", &E));
	assert_int_equal(git_update_ref(&f.repo, "refs/heads/yolo/9/a", second, NULL, "t", &e), -1);
	assert_string_equal(e.code, "moved");
	assert_int_equal(
		git_update_ref(&f.repo, "refs/heads/yolo/9/a", first, second, "t", &e), -1);
	assert_string_equal(e.code, "moved");
	OK(git_update_ref(&f.repo, "refs/heads/yolo/9/a", second, first, "t", &E));
	got = git_ref(f.repo.common, "refs/heads/yolo/9/a", &e);
	assert_string_equal(got, second);
	free(got);
	assert_null(git_ref(f.repo.common, "refs/heads/nosuch", &e));
	assert_string_equal(e.code, "");
	OK(git_highest_race(&f.repo, &n, &E));
	assert_int_equal(n, 12);
	OK(git_update_ref(&f.repo, "refs/heads/yolo/9/a", NULL, second, "t", &E));
	sh(f.u, "git branch yolo");
	assert_int_equal(git_highest_race(&f.repo, &n, &e), -1);
	assert_string_equal(e.code, "branch_in_the_way");
	free(first);
	free(second);
	fix_release(&f);
}

static void checked_out(void **state)
{
	struct fix f;
	struct err e = ERR_INIT;
	char *where, *linked;

	fix_init(&f, NULL);
	linked = fs_join(f.dir, "linked");
	sh(f.u, "git branch side; git branch third; git worktree add -q ../linked side");
	OK(git_checked_out(&f.repo, "refs/heads/main", &where, &E));
	assert_string_equal(where, f.u);
	free(where);
	OK(git_checked_out(&f.repo, "refs/heads/side", &where, &E));
	assert_string_equal(where, linked);
	free(where);
	OK(git_checked_out(&f.repo, "refs/heads/third", &where, &E));
	assert_null(where);
	/* A branch that is rebased shows as detached. */
	sh(linked,
		"echo a >>f1; git commit -qam a; GIT_SEQUENCE_EDITOR='sed -i s/pick/edit/' git "
		"rebase -q -i HEAD^ 2>/dev/null");
	sh_says(linked, "git symbolic-ref -q HEAD || echo detached", "detached");
	OK(git_checked_out(&f.repo, "refs/heads/side", &where, &E));
	assert_non_null(where);
	free(where);
	assert_string_equal(e.code, "");
	free(linked);
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_a_plain_repository),
		cmocka_unit_test(opens_odd_repositories),
		cmocka_unit_test(says_why_there_is_none),
		cmocka_unit_test(environments),
		cmocka_unit_test(refs),
		cmocka_unit_test(checked_out),
	};

	return cmocka_run_group_tests_name("git", tests, NULL, NULL);
}
