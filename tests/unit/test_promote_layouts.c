/* test_promote_layouts.c - every place where `git init` and `git worktree` can put git directory
 * and work tree: promote, undo and repair after a crash write to the work tree the user stands in,
 * or refuse; never to a git directory. */
#include "promote_repo.h"

/* The variant brings what would be a hook if a git directory were taken for the work tree. */
#define HOOK_EDITS \
	"; mkdir -p hooks meta/hooks; printf '#!/bin/sh\\n' >hooks/post-checkout; chmod +x " \
	"hooks/post-checkout; cp hooks/post-checkout meta/hooks/post-checkout"

struct layout {
	const char *name;
	const char *make; /* shell in the empty directory l/; ../u is a repository at base */
	const char *from; /* where the user stands, below l/ */
	const char *into; /* NULL = the branch of that place */
	const char *tree; /* the work tree that must be written to; NULL = refused */
	const char *code, *words;
	bool crash; /* undo and repair too */
};

#define SEPARATE "git clone -q --separate-git-dir=$PWD/sg.git ../u t; "
#define LINKED "git -C t worktree add -q -b side $PWD/wt; "
#define SUB \
	"git init -q super; git -C super -c protocol.file.allow=always submodule --quiet add " \
	"$PWD/../u sub; git -C super commit -qm sub; "
#define LINK_GIT(to) \
	"git clone -q ../u t; mkdir -p elsewhere; mv t/.git elsewhere/" to \
	"; ln -s $PWD/elsewhere/" to " t/.git; "

static const struct layout layouts[] = {
	{ "plain", "git clone -q ../u t", "t", NULL, "t", NULL, NULL, false },
	{ "inside .git", "git clone -q ../u t", "t/.git", "main", "t", NULL, NULL, false },
	{ "plain, linked", "git clone -q ../u t; " LINKED, "wt", NULL, "wt", NULL, NULL, false },
	{ "plain, linked, into main", "git clone -q ../u t; " LINKED, "wt", "main", "t", NULL, NULL,
		false },
	{ "plain, into linked", "git clone -q ../u t; " LINKED, "t/dir", "side", "wt", NULL, NULL,
		false },
	{ "separate", SEPARATE, "t", NULL, "t", NULL, NULL, true },
	{ "separate, deeper", SEPARATE, "t/dir", NULL, "t", NULL, NULL, false },
	{ "separate, into linked", SEPARATE LINKED, "t", "side", "wt", NULL, NULL, false },
	{ "separate, linked", SEPARATE LINKED, "wt", NULL, "wt", NULL, NULL, true },
	{ "separate, linked, into main", SEPARATE LINKED, "wt", "main", NULL, "tree_unknown",
		"go there", false },
	{ "separate, from the git directory", SEPARATE, "sg.git", "main", NULL, "tree_unknown",
		"go there", false },
	{ "separate, config of its own",
		SEPARATE LINKED
		"git -C t config extensions.worktreeConfig true; git -C wt config --worktree a.b c",
		"wt", "main", NULL, "tree_unknown", "go there", false },
	{ "made separate later",
		"git clone -q ../u t; git init -q --separate-git-dir=$PWD/any.name t", "t", NULL,
		"t", NULL, NULL, false },
	{ "symlinked", LINK_GIT("x.git"), "t", NULL, "t", NULL, NULL, true },
	{ "symlinked to a .git", LINK_GIT(".git"), "t", NULL, "t", NULL, NULL, true },
	{ "symlinked, linked", LINK_GIT("x.git") LINKED, "wt", NULL, "wt", NULL, NULL, false },
	{ "symlinked, into linked", LINK_GIT("x.git") LINKED, "t", "side", "wt", NULL, NULL,
		false },
	{ "symlinked, linked, into main", LINK_GIT("x.git") LINKED, "wt", "main", NULL,
		"tree_unknown", "go there", false },
	{ "symlinked to a .git, linked, into main", LINK_GIT(".git") LINKED, "wt", "main", NULL,
		"tree_unknown", "go there", false },
	{ "separate, inside the tree", "git clone -q --separate-git-dir=$PWD/t/meta ../u t", "t",
		NULL, NULL, "unsafe_tree", "holds its git directory", false },
	{ "symlinked, inside the tree", "git clone -q ../u t; mv t/.git t/meta; ln -s meta t/.git",
		"t", NULL, NULL, "unsafe_tree", "holds its git directory", false },
	{ "linked, in the git directory",
		"git clone -q ../u t; git -C t worktree add -q -b side "
		".git/inner",
		"t/.git/inner", NULL, NULL, "unsafe_tree", "lies in the git directory", false },
	{ "linked, holds the main one",
		"git clone -q ../u t; " LINKED "mv t wt/t; git -C wt/t worktree repair "
		"$PWD/wt 2>/dev/null",
		"wt", NULL, "wt", NULL, NULL, false },
	{ "linked, inside the main one", "git clone -q ../u t; git -C t worktree add -q -b side in",
		"t/in", NULL, "t/in", NULL, NULL, false },
	{ "linked, moved by hand", "git clone -q ../u t; " LINKED "mv wt moved", "moved", NULL,
		"moved", NULL, NULL, true },
	{ "linked, locked", "git clone -q ../u t; " LINKED "git -C t worktree lock $PWD/wt", "wt",
		NULL, "wt", NULL, NULL, false },
	{ "bare with trees",
		"git clone -q --bare ../u b.git; git -C b.git worktree add -q ../wt main", "wt",
		NULL, "wt", NULL, NULL, true },
	{ "bare with trees, from the bare one",
		"git clone -q --bare ../u b.git; git -C b.git worktree add -q ../wt main", "b.git",
		"main", "wt", NULL, NULL, false },
	{ "bare beside its trees",
		"mkdir p; git clone -q --bare ../u p/.bare; echo 'gitdir: ./.bare' >p/.git; git -C p "
		"worktree add -q main main",
		"p/main", NULL, "p/main", NULL, NULL, false },
	{ "submodule", SUB, "super/sub", NULL, "super/sub", NULL, NULL, false },
	{ "submodule, linked", SUB "git -C super/sub worktree add -q -b side $PWD/wt", "wt", NULL,
		"wt", NULL, NULL, false },
	{ "submodule, linked, into main", SUB "git -C super/sub worktree add -q -b side $PWD/wt",
		"wt", "main", "super/sub", NULL, NULL, true },
	{ "submodule, into linked", SUB "git -C super/sub worktree add -q -b side $PWD/wt",
		"super/sub", "side", "wt", NULL, NULL, false },
	{ "work tree named, no .git",
		"git clone -q --bare ../u d.git; mkdir t; git -C d.git config core.bare false; git "
		"-C d.git config core.worktree $PWD/t; git --git-dir d.git checkout -qf main",
		"d.git", "main", NULL, "unsafe_tree", "does not name", false },
	{ "work tree named, its .git is another's",
		"git clone -q --bare ../u d.git; git clone -q ../u t; git -C d.git config core.bare "
		"false; git -C d.git config core.worktree $PWD/t; git --git-dir d.git reset -q",
		"d.git", "main", NULL, "unsafe_tree", "does not name", false },
	{ "work tree named: its own git directory",
		"git clone -q --bare ../u d.git; git -C d.git config core.bare false; git -C d.git "
		"config core.worktree .",
		"d.git", "main", NULL, "unsafe_tree", "is the git directory", false },
	{ "work tree named in .git",
		"git clone -q ../u t; git clone -q ../u o; git -C t config core.worktree $PWD/o; git "
		"-C o worktree add -q -b x $PWD/ox",
		"t/.git", "main", NULL, "unsafe_tree", "does not name", false },
};

static struct world *w;

static int setup(void **state)
{
	w = world_new("");
	world_variant(w, VARIANT_EDITS HOOK_EDITS);
	return 0;
}

static int teardown(void **state)
{
	world_free(w);
	return 0;
}

/* No git directory below l/ got a hook. */
static void no_hook(const char *name)
{
	char *found = sh(w,
		"find l -name HEAD -path '*' | while read -r h; do d=${h%%/HEAD}; test ! -e "
		"$d/hooks/post-checkout || echo $d; done");

	if (*found)
		fail_msg("%s: a hook came into %s", name, found);
	free(found);
}

static void tree_is(const struct layout *l, const char *what, bool promoted)
{
	const char *t = l->tree;
	char *says = sh(w,
		"cd l/%s; git status --porcelain | grep -v '^?? in/\\|^?? t/' || true; test ! -e "
		"hooks/post-checkout || "
		"echo hook; sed -n 10p f1; test -e f4 || echo no f4; test ! -e nf || cat nf",
		t);

	if (strcmp(says, promoted ? "hook\nTEN\nno f4\nnew" : "10"))
		fail_msg("%s, %s: %s", l->name, what, says);
	free(says);
}

/* The conductor's view in later life: it knows the common directory only. */
static void open_common(struct git_repo *r)
{
	struct err e = ERR_INIT;

	if (git_repo_open_common(r, w->repo.common, &e) < 0)
		fail_msg("%s", e.msg);
}

static void check_undo(const struct layout *l)
{
	struct promote_done d;
	struct undo_plan p;
	struct git_repo r;
	struct err e = ERR_INIT;

	world_journal(w);
	assert_int_equal(promote_done_from_json(&d, world_stage(w, 0, "intent")), 0);
	open_common(&r);
	if (promote_undo_plan(&r, w->q, &d, &p, &e) < 0 || p.refuse)
		fail_msg("%s, undo: %s", l->name, p.refuse ? p.refuse : e.msg);
	assert_false(p.revert);
	if (promote_undo_apply(&r, w->q, w->state, &d, &p, NULL, w->j, &e) < 0)
		fail_msg("%s, undo: %s", l->name, e.msg);
	undo_plan_release(&p);
	promote_done_release(&d);
	git_repo_release(&r);
	tree_is(l, "undone", false);
}

/* Branch and index as before, files new, one torn; the journal has the intent only. */
static void check_repair(const struct layout *l, const char *ref)
{
	struct buf words = BUF_INIT;
	struct err e = ERR_INIT;
	struct git_repo r;

	run(w,
		"cd l/%s; git update-ref %s %s; git read-tree %s; head -c 20 f1 >x; mv x f1; touch "
		"$(git rev-parse --git-dir)/index.lock",
		l->tree, ref, w->base, w->base);
	world_journal(w);
	open_common(&r);
	if (promote_repair(&r, w->q, w->state, world_stage(w, 0, "intent"),
		    world_stage(w, 0, "child"), w->j, &words, &e) < 0)
		fail_msg("%s, repair: %s", l->name, e.msg);
	if (!strstr(words.p, "is as it was before"))
		fail_msg("%s, repair: %s", l->name, words.p);
	git_repo_release(&r);
	buf_release(&words);
	tree_is(l, "repaired", false);
}

static void check_works(const struct layout *l, struct promote_in *in)
{
	struct promote_plan p;
	char *tree = xasprintf("%s/l/%s", w->dir, l->tree), *ref;
	struct err e = ERR_INIT;

	for (int undo = l->crash; undo >= 0; undo--) {
		if (promote_plan(in, &p, &e) < 0 || p.refuse)
			fail_msg("%s: %s", l->name, p.refuse ? p.refuse : e.msg);
		if (!p.tree_dir || strcmp(p.tree_dir, tree))
			fail_msg("%s: into %s, not %s", l->name, p.tree_dir, tree);
		if (promote_apply(in, &p, w->j, &e) < 0)
			fail_msg("%s: %s", l->name, e.msg);
		tree_is(l, "promoted", true);
		ref = xstrdup(p.into_ref);
		promote_plan_release(&p);
		if (undo)
			check_undo(l);
		else if (l->crash)
			check_repair(l, ref);
		free(ref);
	}
	free(tree);
}

static void check_refused(const struct layout *l, struct promote_in *in)
{
	struct promote_plan p;
	struct err e = ERR_INIT;

	if (promote_plan(in, &p, &e) < 0)
		fail_msg("%s: %s", l->name, e.msg);
	if (!p.refuse)
		fail_msg("%s: not refused, goes to %s", l->name, p.tree_dir);
	if (strcmp(p.refuse_code, l->code) || !strstr(p.refuse, l->words))
		fail_msg("%s: %s: %s", l->name, p.refuse_code, p.refuse);
	promote_plan_release(&p);
}

static void test_layouts(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		const struct layout *l = &layouts[i];
		char *from = xasprintf("%s/l/%s", w->dir, l->from);
		struct err e = ERR_INIT;
		struct promote_in in;

		run(w, "rm -rf l s; mkdir l s; cd l; %s", l->make);
		world_journal(w);
		git_repo_release(&w->repo);
		if (git_repo_open(&w->repo, from, &e) < 0)
			fail_msg("%s: %s", l->name, e.msg);
		in = world_in(w);
		in.asked_from = from;
		in.into = l->into;
		if (l->tree)
			check_works(l, &in);
		else
			check_refused(l, &in);
		no_hook(l->name);
		free(from);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_layouts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
