/* test_promote_modes.c - files, directories and refs that git makes in the user's repository have
 * the modes of the user's umask, while the conductor's own is 077; and what a plan says of signing.
 */
#include "promote_repo.h"

#include "git/archive.h"

static struct world *w;

static int setup(void **state)
{
	w = world_new("");
	umask(077);
	git_set_umask(022);
	return 0;
}

static int teardown(void **state)
{
	umask(022);
	world_free(w);
	return 0;
}

static void undo(const char *mask)
{
	struct promote_done d;
	struct undo_plan p;
	struct err e = ERR_INIT;

	world_journal(w);
	assert_int_equal(promote_done_from_json(&d, world_stage(w, 0, "intent")), 0);
	if (promote_undo_plan(&w->repo, w->q, &d, &p, &e) < 0 ||
		promote_undo_apply(&w->repo, w->q, w->state, &d, &p, mask, w->j, &e) < 0)
		fail_msg("%s", e.msg);
	undo_plan_release(&p);
	promote_done_release(&d);
}

static void promote(const char *mask)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;

	in.umask = mask;
	plan_ok(&in, &p);
	apply_ok(w, &in, &p);
	promote_plan_release(&p);
}

static void is_modes(const char *modes, const char *paths)
{
	is(w, modes, "cd u; stat -c %%a %s | paste -sd' '", paths);
}

#define NEW_PATHS "f1 nf new new/deep .git/refs/yolodeck .git/refs/yolodeck/7/a/promoted"

static void test_usual(void **state)
{
	promote(NULL);
	is_modes("644 644 755 644 755 644", NEW_PATHS);
	/* New objects too: nobody else could read the repository. */
	is(w, "", "find u/.git/objects -mindepth 1 -type d ! -perm -055");
	undo(NULL);
	is_modes("644 644", "f1 f4");
}

/* Who asks has another umask than who started the conductor. */
static void test_of_who_asks(void **state)
{
	promote("002");
	is_modes("664 664 775 664 775 664", NEW_PATHS);
	undo("002");
	is_modes("664 664", "f1 f4");
	promote("077");
	is_modes("600 600 700 600", "f1 nf new new/deep");
	undo("nonsense");
	is_modes("644 644", "f1 f4");
}

static void test_shared_repository(void **state)
{
	run(w, "git -C u config core.sharedRepository group");
	promote(NULL);
	is(w, "664", "stat -c %%a u/.git/refs/yolodeck/7/a/promoted");
	is(w, "w", "stat -c %%A u/.git/refs/yolodeck/7 | cut -c6");
	is_modes("644 644", "f1 nf");
}

/* The journal keeps the umask for whoever repairs. */
static void test_repair(void **state)
{
	struct buf words = BUF_INIT;
	struct err e = ERR_INIT;

	promote("002");
	world_journal(w);
	run(w, "cd u; git update-ref refs/heads/main %s; git read-tree %s; rm f1", w->base,
		w->base);
	if (promote_repair(&w->repo, w->q, w->state, world_stage(w, 1, "intent"),
		    world_stage(w, 1, "child"), w->j, &words, &e) < 0)
		fail_msg("%s", e.msg);
	buf_release(&words);
	is(w, "", "git -C u status --porcelain");
	is_modes("664 664", "f1 f4");
}

static void test_archive(void **state)
{
	struct err e = ERR_INIT;

	run(w, "cd u; umask 022; git fetch -q ../q.git %s:refs/heads/yolo/7/a", w->tip);
	if (archive_variant(&w->repo, 7, "a", w->tip, w->j, &e) < 0)
		fail_msg("%s", e.msg);
	is_modes("755 644", ".git/refs/yolodeck/7/a .git/refs/yolodeck/7/a/archived");
}

static void test_signing_is_named(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;

	plan_ok(&in, &p);
	assert_int_equal(p.notes.n, 0);
	promote_plan_release(&p);
	run(w, "git -C u config commit.gpgSign true");
	plan_ok(&in, &p);
	assert_int_equal(p.notes.n, 1);
	assert_non_null(strstr(p.notes.v[0], "without signature"));
	promote_plan_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_usual, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_who_asks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared_repository, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_archive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signing_is_named, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
