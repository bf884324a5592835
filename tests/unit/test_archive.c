/* test_archive.c - a variant's branch away and back: both refs or none, by name when it is not as
 * we left it, after a crash. */
#include "promote_repo.h"

#include "git/archive.h"

static struct world *w;

static int setup(void **state)
{
	w = world_new("");
	run(w,
		"git -C u -c protocol.file.allow=always fetch -q ../q.git "
		"+refs/yolodeck/7/a/tip:refs/heads/yolo/7/a");
	return 0;
}

static int teardown(void **state)
{
	world_free(w);
	return 0;
}

static void refs_are(const char *want)
{
	is(w, want,
		"git -C u for-each-ref --format='%%(refname)' refs/heads/yolo refs/yolodeck | "
		"paste -sd' '");
}

static void ok(int rc, const struct err *e)
{
	if (rc < 0)
		fail_msg("%s: %s", e->code, e->msg);
}

static void refused(int rc, const struct err *e, const char *code, const char *words)
{
	assert_int_equal(rc, -1);
	if (strcmp(e->code, code) || !strstr(e->msg, words))
		fail_msg("%s: %s\nexpected %s: %s", e->code, e->msg, code, words);
}

static void test_there_and_back(void **state)
{
	struct err e = ERR_INIT;

	ok(archive_variant(&w->repo, 7, "a", w->tip, w->j, &e), &e);
	refs_are("refs/yolodeck/7/a/archived");
	is(w, w->tip, "git -C u rev-parse refs/yolodeck/7/a/archived");
	/* Twice is once. */
	ok(archive_variant(&w->repo, 7, "a", w->tip, w->j, &e), &e);
	ok(archive_restore(&w->repo, 7, "a", w->tip, w->j, &e), &e);
	refs_are("refs/heads/yolo/7/a");
	is(w, w->tip, "git -C u rev-parse yolo/7/a");
	ok(archive_restore(&w->repo, 7, "a", w->tip, w->j, &e), &e);
	world_journal(w);
	assert_int_equal(w->nline, 6);
	assert_string_equal(json_str(world_stage(w, 1, "intent"), "op", ""), "archive");
	assert_non_null(world_stage(w, 1, "done"));
	assert_string_equal(json_str(world_stage(w, 2, "intent"), "op", ""), "restore");
	assert_non_null(world_stage(w, 2, "done"));
	is(w, "", "find u/.git -name '*.lock'");
}

static void test_packed(void **state)
{
	struct err e = ERR_INIT;

	run(w, "git -C u pack-refs --all");
	ok(archive_variant(&w->repo, 7, "a", w->tip, w->j, &e), &e);
	refs_are("refs/yolodeck/7/a/archived");
	run(w, "git -C u pack-refs --all");
	ok(archive_restore(&w->repo, 7, "a", w->tip, w->j, &e), &e);
	refs_are("refs/heads/yolo/7/a");
}

static void test_checked_out(void **state)
{
	struct err e = ERR_INIT;

	run(w, "git -C u worktree add -q ../wt yolo/7/a");
	refused(archive_variant(&w->repo, 7, "a", w->tip, w->j, &e), &e, "checked_out",
		"yolo/7/a is checked out in ");
	run(w,
		"cd wt; GIT_SEQUENCE_EDITOR='sed -i s/pick/edit/' git rebase -q -i HEAD~1 "
		"2>/dev/null");
	refused(archive_variant(&w->repo, 7, "a", w->tip, w->j, &e), &e, "checked_out",
		"yolo/7/a is checked out in ");
	refs_are("refs/heads/yolo/7/a");
}

static void test_moved(void **state)
{
	struct err e = ERR_INIT;

	run(w, "git -C u branch -f yolo/7/a main");
	refused(archive_variant(&w->repo, 7, "a", w->tip, w->j, &e), &e, "moved",
		"yolo/7/a was moved by somebody");
	refs_are("refs/heads/yolo/7/a");
	run(w, "git -C u branch -f yolo/7/a %s", w->tip);
	ok(archive_variant(&w->repo, 7, "a", w->tip, w->j, &e), &e);
	/* Somebody made a branch of that name meanwhile. */
	run(w, "git -C u branch yolo/7/a main");
	refused(archive_restore(&w->repo, 7, "a", w->tip, w->j, &e), &e, "moved",
		"yolo/7/a was moved by somebody");
	is(w, w->base, "git -C u rev-parse yolo/7/a");
	is(w, w->tip, "git -C u rev-parse refs/yolodeck/7/a/archived");
}

static void test_missing_and_in_the_way(void **state)
{
	struct err e = ERR_INIT;

	refused(archive_variant(&w->repo, 7, "b", w->tip, w->j, &e), &e, "no_branch",
		"7/b has no branch to archive.");
	refused(archive_restore(&w->repo, 7, "b", w->tip, w->j, &e), &e, "no_branch",
		"7/b has no archived branch to restore.");
	ok(archive_variant(&w->repo, 7, "a", w->tip, w->j, &e), &e);
	run(w, "git -C u branch yolo main");
	refused(archive_restore(&w->repo, 7, "a", w->tip, w->j, &e), &e, "branch_in_the_way",
		"A branch is in the way of yolo/7/a");
	refs_are("refs/heads/yolo refs/yolodeck/7/a/archived");
}

static void test_locked(void **state)
{
	struct err e = ERR_INIT;

	run(w, "touch u/.git/refs/heads/yolo/7/a.lock");
	refused(archive_variant(&w->repo, 7, "a", w->tip, w->j, &e), &e, "git_locked",
		"A git command is running here");
	world_journal(w);
	assert_non_null(world_stage(w, 1, "failed"));
	refs_are("refs/heads/yolo/7/a");
}

/* A crash at each of the three places where it can be, with the locks a killed git leaves. */
static void test_repair(void **state)
{
	static const char *const crashes[] = {
		"touch .git/refs/heads/yolo/7/a.lock; mkdir -p .git/refs/yolodeck/7/a; touch "
		".git/refs/yolodeck/7/a/archived.lock",
		"git update-ref refs/yolodeck/7/a/archived yolo/7/a; touch "
		".git/refs/heads/yolo/7/a.lock .git/packed-refs.lock",
		"git update-ref refs/yolodeck/7/a/archived yolo/7/a; git update-ref -d "
		"refs/heads/yolo/7/a",
	};

	for (size_t i = 0; i < ARRAY_LEN(crashes); i++) {
		struct json *o = json_object();
		struct err e = ERR_INIT;
		struct buf words = BUF_INIT;
		int n;

		json_put_int(o, "race", 7);
		json_put_str(o, "variant", "a");
		json_put_str(o, "commit", w->tip);
		json_put_int(o, "ms", clock_real_ns() / 1000000);
		n = journal_intent(w->j, "archive", o, &e);
		run(w, "cd u; %s", crashes[i]);
		world_journal(w);
		ok(promote_repair(&w->repo, NULL, w->state, world_stage(w, n, "intent"), NULL, w->j,
			   &words, &e),
			&e);
		assert_non_null(strstr(words.p, "7/a was half-way to be archived"));
		refs_are("refs/yolodeck/7/a/archived");
		is(w, "", "find u/.git -name '*.lock'");
		world_journal(w);
		assert_non_null(world_stage(w, n, "done"));
		ok(archive_restore(&w->repo, 7, "a", w->tip, w->j, &e), &e);
		buf_release(&words);
	}
}

/* A lock that was there before is somebody's. */
static void test_repair_leaves_old_locks(void **state)
{
	struct json *o = json_object();
	struct err e = ERR_INIT;
	struct buf words = BUF_INIT;

	json_put_int(o, "race", 7);
	json_put_str(o, "variant", "a");
	json_put_str(o, "commit", w->tip);
	json_put_int(o, "ms", clock_real_ns() / 1000000);
	journal_intent(w->j, "archive", o, &e);
	run(w, "touch -d '1 minute ago' u/.git/packed-refs.lock");
	world_journal(w);
	refused(promote_repair(&w->repo, NULL, w->state, world_stage(w, 1, "intent"), NULL, w->j,
			&words, &e),
		&e, "git_locked", "packed-refs.lock is older");
	is(w, "packed-refs.lock", "ls u/.git | grep lock");
	refs_are("refs/heads/yolo/7/a");
	buf_release(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_there_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_packed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_checked_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_and_in_the_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repair_leaves_old_locks, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
