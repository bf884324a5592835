/* test_promote.c - promote that works: the three ways, where the branch may be, what of the user's
 * stays byte for byte. */
#include "promote_repo.h"

static struct world *w;

static int setup(void **state)
{
	w = world_new("");
	return 0;
}

static int setup256(void **state)
{
	w = world_new("--object-format=sha256");
	return 0;
}

static int teardown(void **state)
{
	world_free(w);
	return 0;
}

static void no_locks(void)
{
	is(w, "", "find . -name '*.lock' ! -name promote.lock");
}

static void check_content(const char *tree)
{
	is(w, "TEN", "sed -n 10p %s/f1", tree);
	is(w, "new", "cat %s/nf", tree);
	is(w, "deep", "cat %s/new/deep", tree);
	is(w, "gone", "test -e %s/f4 || echo gone", tree);
}

static void check_merge(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;
	const struct json *l;

	plan_ok(&in, &p);
	assert_string_equal(p.into, "main");
	assert_string_equal(p.into_ref, "refs/heads/main");
	assert_string_equal(p.old, w->base);
	assert_string_equal(p.tree_dir, w->u);
	assert_int_equal(p.commits, 2);
	assert_int_equal(p.stat.n, 4);
	assert_int_equal(p.stat.added, 3);
	assert_int_equal(p.stat.removed, 21);
	assert_int_equal(p.auto_run.n + p.local_edits.n + p.conflicts.n, 0);
	/* A plan changes nothing of the user's. */
	is(w, w->base, "git -C u rev-parse main");
	is(w, "", "git -C u for-each-ref refs/yolodeck");
	apply_ok(w, &in, &p);
	is(w, p.new, "git -C u rev-parse main");
	is(w, p.new, "git -C u rev-parse refs/yolodeck/7/a/promoted");
	is(w, "", "git -C u status --porcelain");
	check_content(w->u);
	is(w, "Merge 7/a: fix it\n\nYolodeck: 7/a", "git -C u log -1 --format=%%B");
	is(w, "7/a", "git -C u log -1 --format='%%(trailers:key=Yolodeck,valueonly)'");
	is(w, "U Ser <u@x> U Ser <u@x>", "git -C u log -1 --format='%%an <%%ae> %%cn <%%ce>'");
	free(sh(w, "test \"$(git -C u log -1 --format=%%P)\" = '%s %s'", w->base, w->tip));
	is(w, "main@{0}: yolodeck promote 7/a: Fast-forward",
		"git -C u log -g -1 --format='%%gD: %%gs' main");
	is(w, "", "git -C u fsck --strict --no-dangling 2>&1");
	no_locks();
	world_journal(w);
	l = world_stage(w, 1, "intent");
	assert_string_equal(json_str(l, "op", ""), "promote");
	assert_true(json_int(world_stage(w, 1, "child"), "pid", 0) > 1);
	assert_true(json_int(world_stage(w, 1, "child"), "start", 0) > 0);
	assert_non_null(world_stage(w, 1, "done"));
	promote_plan_release(&p);
}

static void test_squash(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;

	in.how = PROMOTE_SQUASH;
	plan_ok(&in, &p);
	assert_int_equal(p.commits, 1);
	apply_ok(w, &in, &p);
	is(w, w->base, "git -C u log -1 --format=%%P");
	is(w, "Promote 7/a: fix it", "git -C u log -1 --format=%%s");
	check_content(w->u);
	promote_plan_release(&p);
}

/* Two commits on the base, the base moved: both replayed, authors and messages kept, the user as
 * committer. */
static void test_rebase(void **state)
{
	struct promote_in in;
	struct promote_plan p;

	world_variant(w,
		VARIANT_EDITS
		"; git add -A; git commit -q -m 'one  <odd>\n\n  body\n\nend'; echo 2 >second");
	run(w, "cd u; echo mine >>f2; git commit -q -a -m mine");
	in = world_in(w);
	in.how = PROMOTE_REBASE;
	plan_ok(&in, &p);
	assert_int_equal(p.commits, 2);
	apply_ok(w, &in, &p);
	is(w, "fix it|one  <odd>|mine|base", "git -C u log --format=%%s main | paste -sd'|'");
	is(w, "one  <odd>\n\n  body\n\nend", "git -C u log -1 --format=%%B main~1");
	is(w, "a <y@l> U Ser", "git -C u log -1 --format='%%an <%%ae> %%cn' main");
	is(w, "mine", "tail -n 1 u/f2");
	check_content(w->u);
	promote_plan_release(&p);
}

/* On the base itself a replay is the variant's own commits. */
static void test_rebase_on_base(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;

	in.how = PROMOTE_REBASE;
	plan_ok(&in, &p);
	assert_string_equal(p.new, w->tip);
	apply_ok(w, &in, &p);
	check_content(w->u);
	promote_plan_release(&p);
}

static void test_moved_base_merges(void **state)
{
	run(w, "cd u; sed -i 's/^20$/TWENTY/' f1; git commit -q -a -m mine");
	promote_ok(w);
	is(w, "TEN TWENTY", "sed -n '10p;20p' u/f1 | paste -sd' '");
}

/* Edited, staged, untracked, ignored, deleted, made executable elsewhere: the same bytes and the
 * same status afterwards. */
static void test_dirt_elsewhere_is_kept(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;
	char *before, *after;

	run(w,
		"cd u; echo edit >>f2; echo staged >>f3; git add f3; echo more >>f3; printf "
		"'u\\0\\r\\n' >untracked; echo i >x.ign\n"
		"rm dir/x; chmod +x f5; echo added >added; git add added; printf 'odd' >\"$(printf "
		"'na\\tme')\"");
	before = sh(w,
		"cd u; git status --porcelain --ignored; find . -path ./.git -prune -o "
		"-type f -print | grep -v -e /f1 -e /nf -e "
		"/new/deep -e /f4 | LC_ALL=C sort | while read -r f; do stat -c '%%a %%n' "
		"\"$f\"; sha256sum \"$f\"; done");
	run(w, "cp -a u u2; rm -rf u; mv u2 u; touch u/f1 u/f4");
	plan_ok(&in, &p);
	assert_int_equal(p.local_edits.n, 5);
	assert_true(strv_has(&p.local_edits, "f2") && strv_has(&p.local_edits, "f3") &&
		strv_has(&p.local_edits, "dir/x"));
	assert_true(strv_has(&p.local_edits, "f5") && strv_has(&p.local_edits, "added"));
	apply_ok(w, &in, &p);
	after = sh(w,
		"cd u; git status --porcelain --ignored; find . -path ./.git -prune -o -type "
		"f -print | grep -v -e /f1 -e /nf -e "
		"/new/deep -e /f4 | LC_ALL=C sort | while read -r f; do stat -c '%%a %%n' "
		"\"$f\"; sha256sum \"$f\"; done");
	assert_string_equal(before, after);
	check_content(w->u);
	free(before);
	free(after);
	promote_plan_release(&p);
}

static void test_branch_not_checked_out(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;

	run(w, "cd u; git branch other; echo dirt >>f1; echo mine >nf");
	in.into = "other";
	plan_ok(&in, &p);
	assert_null(p.tree_dir);
	apply_ok(w, &in, &p);
	is(w, p.new, "git -C u rev-parse other");
	is(w, w->base, "git -C u rev-parse main");
	is(w, "dirt", "tail -n 1 u/f1");
	is(w, "other@{0}: yolodeck promote 7/a U Ser",
		"git -C u log -g -1 --format='%%gD: %%gs %%gn' other");
	promote_plan_release(&p);
}

static void test_bare(void **state)
{
	struct promote_in in;
	struct promote_plan p;
	struct err e = ERR_INIT;

	run(w, "git clone -q --bare u b.git; git --git-dir b.git config user.name B; mv u gone");
	git_repo_release(&w->repo);

	free(w->u);
	w->u = fs_join(w->dir, "b.git");
	if (git_repo_open_common(&w->repo, w->u, &e) < 0)
		fail_msg("%s", e.msg);
	run(w, "rm -rf q.git");
	assert_int_equal(quarantine_make(&w->repo, w->q, &e), 0);
	run(w, "mv gone u");
	xreplace(&w->tip_of, NULL); /* its commit went with the quarantine */
	world_variant(w, VARIANT_EDITS);
	run(w, "mv u gone");
	in = world_in(w);
	in.into = "main";
	plan_ok(&in, &p);
	assert_null(p.tree_dir);
	apply_ok(w, &in, &p);
	is(w, p.new, "git --git-dir b.git rev-parse main");
	is(w, "TEN", "git --git-dir b.git show main:f1 | sed -n 10p");
	promote_plan_release(&p);
	/* Without a name: the branch of its HEAD. */
	in.into = NULL;
	plan_refused(
		&in, "nothing_to_promote", "7/a brings nothing that main does not have already.");
}

/* The branch of the work tree the person stands in; the other work tree stays as it is. */
static void test_linked_work_tree(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;
	char *wt = fs_join(w->dir, "wt"), *sub = fs_join(w->dir, "wt/dir");

	run(w, "git -C u worktree add -q -b side ../wt; echo dirt >>u/f1; echo edit >>wt/f2");
	in.asked_from = sub;
	plan_ok(&in, &p);
	assert_string_equal(p.into, "side");
	assert_string_equal(p.tree_dir, wt);
	assert_int_equal(p.local_edits.n, 1);
	apply_ok(w, &in, &p);
	check_content(wt);
	is(w, " M f2", "git -C wt status --porcelain");
	is(w, " M f1", "git -C u status --porcelain");
	is(w, w->base, "git -C u rev-parse main");
	promote_plan_release(&p);
	/* And main from there, by name. */
	run(w, "git -C u checkout -q f1");
	in.into = "main";
	plan_ok(&in, &p);
	assert_string_equal(p.tree_dir, w->u);
	apply_ok(w, &in, &p);
	check_content(w->u);
	no_locks();
	promote_plan_release(&p);
	free(wt);
	free(sub);
}

static void test_sparse(void **state)
{
	run(w, "git -C u sparse-checkout set --no-cone /f2 2>/dev/null");
	promote_ok(w);
	is(w, "f2", "ls u");
	is(w, "", "git -C u status --porcelain");
	is(w, "TEN", "git -C u show HEAD:f1 | sed -n 10p");
}

static void test_crlf(void **state)
{
	run(w, "git -C u config core.autocrlf true");
	promote_ok(w);
	is(w, "", "git -C u status --porcelain");
	is(w, "6e65770d0a", "od -An -tx1 u/nf | tr -d ' \\n'");
}

/* The user's own smudge filter runs, as with any checkout of his. */
static void test_own_filter(void **state)
{
	run(w,
		"cd u; git config filter.f.smudge 'sed s/^/S:/'; git config filter.f.clean 'sed "
		"s/^S://'; echo 'nf filter=f' "
		">.git/info/attributes");
	promote_ok(w);
	is(w, "S:new", "cat u/nf");
	is(w, "", "git -C u status --porcelain");
}

static void test_shallow(void **state)
{
	static const enum promote_how hows[] = { PROMOTE_MERGE, PROMOTE_SQUASH, PROMOTE_REBASE };
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
		struct promote_in in;
		struct promote_plan p;
		struct undo_plan up;
		struct promote_done d = { 0 };

		run(w,
			"rm -rf u2 sh q.git; cp -a u u2; cd u2; echo 2 >>f5; git commit -q -a -m "
			"two; cd ..; git clone -q --depth 1 "
			"file://$PWD/u2 sh");
		free(w->u);
		w->u = fs_join(w->dir, "sh");

		free(w->base);
		w->base = sh(w, "git -C sh rev-parse HEAD");
		world_reopen(w);
		assert_int_equal(quarantine_make(&w->repo, w->q, &e), 0);
		run(w,
			"rm -rf v; git clone -q u2 v; cd v; " VARIANT_EDITS
			"; git add -A; git commit -q -m 'fix it'; cd ..; git "
			"--git-dir q.git -c protocol.file.allow=always fetch -q v "
			"+HEAD:refs/yolodeck/7/a/tip");
		free(w->tip);
		w->tip = sh(w, "git --git-dir q.git rev-parse refs/yolodeck/7/a/tip");
		if (i == 2)
			run(w, "cd sh; echo later >>f2; git commit -q -a -m later");
		in = world_in(w);
		in.how = hows[i];
		plan_ok(&in, &p);
		apply_ok(w, &in, &p);
		check_content(w->u);
		is(w, "", "git -C sh status --porcelain");
		is(w, "true", "git -C sh rev-parse --is-shallow-repository");
		is(w, "", "git -C sh fsck --strict --no-dangling 2>&1");
		promote_plan_release(&p);
		world_journal(w);
		run(w, "cd sh; echo after >>f3; git commit -q -a -m after");
		assert_int_equal(promote_done_from_json(&d, world_stage(w, 1, "intent")), 0);
		if (promote_undo_plan(&w->repo, w->q, &d, &up, &e) < 0)
			fail_msg("%s", e.msg);
		assert_null(up.refuse);
		assert_true(up.revert);
		undo_plan_release(&up);
		promote_done_release(&d);
		free(w->u);
		w->u = fs_join(w->dir, "u");
		run(w, "rm -f s/journal");
		world_journal(w);
		free(w->base);
		w->base = sh(w, "git -C u rev-parse HEAD");
	}
}

/* A submodule of the user's, dirty inside and moved, is left alone; and promote works in a
 * submodule's own repository. */
static void test_submodules(void **state)
{
	struct promote_in in;
	struct promote_plan p;
	struct err e = ERR_INIT;

	run(w,
		"git init -q lib; cd lib; echo l >l; git add l; git commit -q -m lib; cd ../u; git "
		"-c protocol.file.allow=always "
		"submodule --quiet add ../lib sub; git commit -q -m sub; echo dirt >>sub/l; echo "
		"more >sub/new; git config "
		"submodule.recurse true");
	promote_ok(w);
	is(w, "dirt", "tail -n 1 u/sub/l");
	is(w, " M sub", "git -C u status --porcelain");
	check_content(w->u);
	/* The submodule as the user's repository. */
	run(w, "git -C u/sub checkout -q l; rm u/sub/new; rm -rf q.git");
	free(w->u);
	w->u = fs_join(w->dir, "u/sub");
	free(w->base);
	w->base = sh(w, "git -C u/sub rev-parse HEAD");
	world_reopen(w);
	assert_string_equal(w->repo.top, w->u);
	assert_int_equal(quarantine_make(&w->repo, w->q, &e), 0);
	run(w,
		"rm -rf v; git clone -q u/sub v; cd v; echo 2 >l; git commit -q -a -m two; cd ..; "
		"git --git-dir q.git -c "
		"protocol.file.allow=always fetch -q v +HEAD:refs/yolodeck/7/a/tip; rm -rf v");
	free(w->tip);
	w->tip = sh(w, "git --git-dir q.git rev-parse refs/yolodeck/7/a/tip");
	in = world_in(w);
	plan_ok(&in, &p);
	assert_string_equal(p.tree_dir, w->u);
	apply_ok(w, &in, &p);
	is(w, "2", "cat u/sub/l");
	is(w, "", "git -C u/sub status --porcelain");
	promote_plan_release(&p);
}

/* A branch without common history: the variant's change is put on it. */
static void test_unrelated(void **state)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;

	run(w, "cd u; git checkout -q --orphan lone; git commit -q -m lone; git checkout -q main");
	in.into = "lone";
	plan_ok(&in, &p);
	apply_ok(w, &in, &p);
	is(w, "TEN", "git -C u show lone:f1 | sed -n 10p");
	promote_plan_release(&p);
}

static void test_odd_names(void **state)
{
	world_variant(w,
		"printf 1 >'- a \"b\"'; printf 2 >\"$(printf 'n\\303\\274l\\nline')\"; "
		"printf 3 >\"$(printf 'bad\\377')\"; printf 4 >':(top)x'; "
		"ln -s f1 link; printf '#!/bin/sh\\n' >run.sh; chmod +x run.sh");
	promote_ok(w);
	is(w, "", "git -C u status --porcelain");
	is(w, "2f1", "cat u/n*line; readlink u/link");
	is(w, "755", "stat -c %%a u/run.sh");
}

static void test_auto_run_and_subject(void **state)
{
	struct promote_in in;
	struct promote_plan p;
	struct json *o;
	struct buf b = BUF_INIT;

	world_variant(
		w, "mkdir .husky; echo x >.husky/post-merge; echo all: >Makefile; echo f1 >>f1");
	in = world_in(w);
	in.subject = "evil \033]52;c;x\007\xe2\x80\xae line\nsecond";
	plan_ok(&in, &p);
	assert_int_equal(p.auto_run.n, 2);
	o = promote_plan_to_json(&p);
	json_print(o, &b);
	assert_non_null(strstr(b.p, "\"auto_run\":[\".husky/post-merge\",\"Makefile\"]"));
	assert_non_null(strstr(b.p, "\"refuse\":null"));
	assert_non_null(strstr(b.p, "{\"path\":\"f1\",\"added\":1,\"removed\":0}"));
	json_free(o);
	buf_release(&b);
	apply_ok(w, &in, &p);
	is(w, "0", "git -C u log -1 --format=%%s | LC_ALL=C grep -c '[^ -~]' || true");
	promote_plan_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(check_merge, setup, teardown),
		{ "check_merge, sha256", check_merge, setup256, teardown, NULL },
		cmocka_unit_test_setup_teardown(test_squash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rebase, setup, teardown),
		{ "test_rebase, sha256", test_rebase, setup256, teardown, NULL },
		cmocka_unit_test_setup_teardown(test_rebase_on_base, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved_base_merges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dirt_elsewhere_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_branch_not_checked_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bare, setup, teardown),
		cmocka_unit_test_setup_teardown(test_linked_work_tree, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sparse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crlf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_own_filter, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shallow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_submodules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unrelated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_auto_run_and_subject, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
