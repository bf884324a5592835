/* test_promote_hooks.c - nothing that a repository, its tree or the variant plants runs by our git
 * calls: hooks in the tree (husky) and beside it, fsmonitor, external diff, textconv, merge
 * drivers, signing, auto-gc, aliases. With plain git each one does. */
#include "promote_repo.h"

#include "git/archive.h"

static struct world *w;

/* Every hook there is writes its name; so does every program configured. */
static const char plant[] =
	"cd u; mkdir -p .husky ../marks; for h in applypatch-msg pre-applypatch post-applypatch "
	"pre-commit pre-merge-commit "
	"prepare-commit-msg commit-msg post-commit pre-rebase post-checkout post-merge pre-push "
	"reference-transaction pre-auto-gc "
	"post-rewrite post-index-change fsmonitor-watchman; do printf '#!/bin/sh\\ntouch "
	"%s/marks/'$h'\\n' \"$(dirname \"$PWD\")\" >.husky/$h; "
	"chmod +x .husky/$h; done; cp .husky/* .git/hooks/\n"
	"prog() { printf '#!/bin/sh\\ntouch %s/marks/%s\\n%s\\n' \"$(dirname \"$PWD\")\" \"$1\" "
	"\"$2\" >../$1.sh; chmod +x ../$1.sh; }\n"
	"prog fsm 'exit 1'; prog extdiff 'exit 0'; prog textconv 'cat \"$1\"'; prog driver 'cp "
	"\"$2\" \"$1\"'; prog gpg 'exit 1'; prog pager cat; prog "
	"editor 'exit 0'; prog ssh 'exit 1'; prog recent 'exit 0'\n"
	"git add -A; git -c core.hooksPath=/dev/null commit -q -m husky; D=$(dirname \"$PWD\")\n"
	"git config core.fsmonitor $D/fsm.sh; git config diff.external $D/extdiff.sh; git config "
	"diff.t.textconv $D/textconv.sh\n"
	"git config diff.t.command $D/extdiff.sh; git config merge.d.driver \"$D/driver.sh %A "
	"%B\"; git config commit.gpgSign true\n"
	"git config gpg.program $D/gpg.sh; git config merge.verifySignatures true; git config "
	"core.pager $D/pager.sh; git config core.editor "
	"$D/editor.sh; git config gc.auto 1; git config alias.merge '!touch '$D/marks/alias; git "
	"config alias.status '!touch '$D/marks/alias\n"
	"git config merge.autoStash true; git config branch.main.mergeOptions '--no-commit "
	"--squash'; git config pull.rebase true\n"
	"git config gc.recentObjectsHook $D/recent.sh; git config fetch.writeCommitGraph true; git "
	"config rerere.enabled true\n"
	"printf '* diff=t merge=d\\n' >.git/info/attributes; git config core.hooksPath .husky; rm "
	"-f ../marks/*";

static int setup(void **state)
{
	w = world_new("");
	run(w, "%s", plant);
	free(w->base);
	w->base = sh(w, "git -c core.fsmonitor=false -C u rev-parse HEAD");
	world_variant(w,
		VARIANT_EDITS "; printf '* filter=evil diff=t merge=d\\n' >.gitattributes; echo "
			      ":  >>.husky/post-merge; mkdir -p sub/.github");
	run(w, "rm -f marks/*");
	return 0;
}

static int teardown(void **state)
{
	world_free(w);
	return 0;
}

static void nothing_ran(void)
{
	is(w, "", "ls marks");
}

/* Plain git, the same acts: the markers are alive. */
static void test_control(void **state)
{
	static const char *const must[] = { "fsm", "reference-transaction", "post-index-change",
		"post-checkout", "post-merge", "gpg", "extdiff", "textconv", "driver" };

	run(w,
		"cd u; git -c protocol.file.allow=always -c merge.verifySignatures=false fetch -q "
		"../q.git refs/yolodeck/7/a/tip; git branch t "
		"FETCH_HEAD; git -c merge.verifySignatures=false merge --no-squash --commit "
		"--ff-only -q t; git status >/dev/null; git diff "
		"HEAD~1 >/dev/null; git diff --no-ext-diff HEAD~1 >/dev/null; git checkout -q -b x "
		"HEAD~1; sed -i "
		"s/^10/X/ f1; git -c commit.gpgSign=false commit -q -a -m x; git -c "
		"merge.verifySignatures=false merge --no-edit -q t >/dev/null "
		"2>&1 || true; git commit -q -m signed --allow-empty 2>/dev/null || true");
	for (size_t i = 0; i < ARRAY_LEN(must); i++) {
		char *p = xasprintf("%s/marks/%s", w->dir, must[i]);

		if (!fs_exists(p))
			fail_msg("the control is dead: %s did not run with plain git", must[i]);
		free(p);
	}
}

static void promote_undo_revert(enum promote_how how)
{
	struct promote_in in = world_in(w);
	struct promote_done d;
	struct promote_plan p;
	struct undo_plan up;
	struct err e = ERR_INIT;

	in.how = how;
	run(w,
		"cd u; echo 1 >>f3; git -c core.fsmonitor=false -c core.hooksPath=/dev/null -c "
		"commit.gpgSign=false commit -q -a -m moved; echo "
		"dirt >>f2; rm -f ../marks/*");
	plan_ok(&in, &p);
	assert_true(strv_has(&p.auto_run, ".gitattributes") &&
		strv_has(&p.auto_run, ".husky/post-merge"));
	nothing_ran();
	apply_ok(w, &in, &p);
	nothing_ran();
	is(w, "TEN", "sed -n 10p u/f1");
	is(w, p.new, "git --git-dir u/.git rev-parse main");
	run(w, "rm -f marks/*");
	world_journal(w);
	assert_int_equal(promote_done_from_json(&d, world_stage(w, 1, "intent")), 0);
	assert_int_equal(promote_undo_plan(&w->repo, w->q, &d, &up, &e), 0);
	nothing_ran();
	if (promote_undo_apply(&w->repo, w->q, w->state, &d, &up, NULL, w->j, &e) < 0)
		fail_msg("%s", e.msg);
	nothing_ran();
	undo_plan_release(&up);
	promote_plan_release(&p);
	plan_ok(&in, &p);
	apply_ok(w, &in, &p);
	promote_done_release(&d);
	world_journal(w);
	assert_int_equal(promote_done_from_json(&d, world_stage(w, 3, "intent")), 0);
	run(w,
		"cd u; git -c core.fsmonitor=false -c core.hooksPath=/dev/null -c "
		"commit.gpgSign=false commit -q --allow-empty -m later; rm -f "
		"../marks/*");
	assert_int_equal(promote_undo_plan(&w->repo, w->q, &d, &up, &e), 0);
	assert_true(up.revert);
	if (promote_undo_apply(&w->repo, w->q, w->state, &d, &up, NULL, w->j, &e) < 0)
		fail_msg("%s", e.msg);
	nothing_ran();
	is(w, "dirt", "tail -n 1 u/f2");
	undo_plan_release(&up);
	promote_plan_release(&p);
	promote_done_release(&d);
}

static void test_merge(void **state)
{
	promote_undo_revert(PROMOTE_MERGE);
}

static void test_squash(void **state)
{
	promote_undo_revert(PROMOTE_SQUASH);
}

static void test_rebase(void **state)
{
	promote_undo_revert(PROMOTE_REBASE);
}

static void test_archive_and_bare_target(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;
	struct err e = ERR_INIT;

	run(w,
		"cd u; git -c core.fsmonitor=false -c core.hooksPath=/dev/null branch other; git -c "
		"core.hooksPath=/dev/null update-ref "
		"refs/heads/yolo/7/a main; rm -f ../marks/*");
	in.into = "other";
	plan_ok(&in, &p);
	apply_ok(w, &in, &p);
	assert_int_equal(archive_variant(&w->repo, 7, "a", w->base, w->j, &e), 0);
	assert_int_equal(archive_restore(&w->repo, 7, "a", w->base, w->j, &e), 0);
	nothing_ran();
	promote_plan_release(&p);
}

/* A repair, over a tree that was cut off half-way. */
static void test_repair(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;
	struct err e = ERR_INIT;
	struct buf words = BUF_INIT;

	plan_ok(&in, &p);
	apply_ok(w, &in, &p);
	world_journal(w);
	run(w,
		"cd u; git -c core.fsmonitor=false -c core.hooksPath=/dev/null update-ref "
		"refs/heads/main %s; printf ne >nf; rm f1; touch "
		".git/index.lock; rm -f ../marks/*",
		w->base);
	if (promote_repair(&w->repo, w->q, w->state, world_stage(w, 1, "intent"),
		    world_stage(w, 1, "child"), w->j, &words, &e) < 0)
		fail_msg("%s", e.msg);
	nothing_ran();
	is(w, "",
		"git --git-dir u/.git --work-tree u -c core.fsmonitor=false -c "
		"core.hooksPath=/dev/null -c alias.status= -C u status --porcelain 2>/dev/null "
		"| grep -v '^$' || true");
	assert_non_null(strstr(words.p, "main is as it was before"));
	promote_plan_release(&p);
	buf_release(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_control, setup, teardown),
		cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_squash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rebase, setup, teardown),
		cmocka_unit_test_setup_teardown(test_archive_and_bare_target, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repair, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
