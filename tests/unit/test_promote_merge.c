/* test_promote_merge.c - merge attributes: for each a promote gives what the user's own `git merge`
 * gives in a copy of the repository, the same tree or a conflict in the same files. */
#include "promote_repo.h"

#include "git/diff.h"

static struct world *w;

static int setup(void **state)
{
	w = world_new("");
	return 0;
}

static int teardown(void **state)
{
	world_free(w);
	return 0;
}

/* Both sides change the file: far apart (mergeable as text), or the same line. */
struct merge_case {
	const char *name, *attributes; /* of the target's commit */
	const char *config; /* shell in u, may be NULL */
	const char *file; /* in single quotes of the shell */
	const char *ours, *theirs; /* sed scripts */
	bool works;
};
#define FAR "s/^1$/eins/", "s/^20$/zwanzig/"
#define NEAR "s/^10$/zehn/", "s/^10$/ten/"

static const struct merge_case cases[] = {
	{ "text", "", NULL, "x", FAR, true },
	{ "text, conflict", "", NULL, "x", NEAR, false },
	{ "-merge", "*.lock -merge", NULL, "a.lock", FAR, false },
	{ "-merge of another", "*.lock -merge", NULL, "x", FAR, true },
	{ "binary", "x binary", NULL, "x", FAR, false },
	{ "merge=binary", "x merge=binary", NULL, "x", FAR, false },
	{ "union", "x merge=union", NULL, "x", NEAR, true },
	{ "text named", "* -merge\nx merge=text", NULL, "x", FAR, true },
	{ "set", "* -merge\nx merge", NULL, "x", FAR, true },
	{ "unset again", "x -merge\nx !merge", NULL, "x", FAR, true },
	{ "a macro", "[attr]gen merge=union\nx gen", NULL, "x", NEAR, true },
	{ "a driver that is not defined", "x merge=nope", NULL, "x", FAR, true },
	{ "merge.default", "", "git config merge.default union", "x", NEAR, true },
	{ "info/attributes", "x merge=text", "echo 'x -merge' >.git/info/attributes", "x", FAR,
		false },
	{ "core.attributesFile", "",
		"echo 'x merge=union' >$HOME/at; git config "
		"core.attributesFile $HOME/at",
		"x", NEAR, true },
	{ "a path of all kinds", "*.lock -merge", NULL, "s\\ [x]*?\"\t\xc3\xa4.lock", FAR, false },
	{ "beside a path of all kinds", "s* -merge", NULL, "t [x]*?", FAR, true },
};

/* u: attributes and the file in a commit, main moved on; the variant changed it too. */
static void prepare(const struct merge_case *c)
{
	char *edit = xasprintf("sed -i '%s' '%s'", c->theirs, c->file);

	run(w,
		"rm -rf u; cp -a u0 u; cd u; seq 1 20 >'%s'; printf '%%s\\n' '%s' >.gitattributes; git "
		"add -A; git commit -qm base2; %s",
		c->file, c->attributes, c->config ? c->config : ":");
	free(w->base);
	w->base = sh(w, "git -C u rev-parse HEAD");
	world_variant(w, edit);
	run(w, "cd u; sed -i '%s' '%s'; git commit -qam ours", c->ours, c->file);
	free(edit);
}

/* "" with the tree's id, or the names in conflict; of git itself. */
static char *real_merge(void)
{
	return sh(w,
		"rm -rf m; cp -a u m; cd m; git fetch -q ../q.git %s; if git merge -q --no-edit "
		"FETCH_HEAD >/dev/null 2>&1; then git rev-parse 'HEAD^{tree}'; else git "
		"-c core.quotePath=false diff --name-only -z --diff-filter=U | tr '\\0' '\\n'; fi",
		w->tip);
}

static void check(const struct merge_case *c, enum promote_how how)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;
	struct err e = ERR_INIT;
	struct strv names = STRV_INIT;
	char *want = real_merge(), *got;

	in.how = how;
	if (promote_plan(&in, &p, &e) < 0)
		fail_msg("%s: %s", c->name, e.msg);
	if (c->works != !p.refuse || (p.refuse && strcmp(p.refuse_code, "conflict")))
		fail_msg("%s: %s", c->name, p.refuse ? p.refuse : "no conflict");
	if (p.refuse)
		got = xstrdup(p.conflicts.n ? p.conflicts.v[0] : "");
	else
		got = sh(w, "git --git-dir q.git rev-parse '%s^{tree}'", p.new);
	if (strcmp(got, want))
		fail_msg("%s: git: %s, we: %s", c->name, want, got);
	/* The badge on the board says the same. */
	if (diff_conflicts(w->q, w->repo.common, w->base, p.old, w->tip, &names, &e) < 0)
		fail_msg("%s", e.msg);
	if (c->works != !names.n)
		fail_msg("%s: the badge says %zu", c->name, names.n);
	strv_release(&names);
	free(want);
	free(got);
	promote_plan_release(&p);
}

static void test_as_git(void **state)
{
	run(w, "cp -a u u0");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		prepare(&cases[i]);
		check(&cases[i], PROMOTE_MERGE);
		if (i % 4 == 2)
			check(&cases[i], PROMOTE_REBASE);
	}
}

/* A driver of the user's: git would run it, we do not, and say so. */
static void test_driver(void **state)
{
	static const struct merge_case c = { "driver", "x merge=mine", NULL, "x", FAR, false };
	struct promote_in in;

	run(w, "cp -a u u0");
	prepare(&c);
	run(w, "cd u; git config merge.mine.driver \"touch $PWD/../ran; cat %%B >%%A\"");
	in = world_in(w);
	plan_refused(&in, "conflict", "Your own merge drivers are not run (x (merge=mine))");
	is(w, "no", "test -e ran || echo no");
	/* Nobody's lines are merged: the driver does not matter. */
	run(w, "cd u; git reset -q --hard HEAD~1; echo more >>f2; git commit -qam other");
	plan_passes(&in);
}

/* Where the branch is checked out nowhere its own attributes count, not those of the tree. */
static void test_other_branch(void **state)
{
	static const struct merge_case c = { "other", "x -merge", NULL, "x", FAR, false };
	struct promote_in in;

	run(w, "cp -a u u0");
	prepare(&c);
	run(w, "cd u; git branch other; git rm -q .gitattributes; git commit -qm none");
	in = world_in(w);
	plan_passes(&in);
	in.into = "other";
	plan_refused(&in, "conflict", "1 file conflicts with other: x.");
}

/* The variant's attributes do not count before they are merged. */
static void test_not_the_variants(void **state)
{
	static const struct merge_case c = { "variant", "", NULL, "x", NEAR, false };
	struct promote_in in;

	run(w, "cp -a u u0");
	prepare(&c);
	world_variant(w, "sed -i 's/^10$/ten/' x; echo 'x merge=union' >.gitattributes");
	in = world_in(w);
	plan_refused(&in, "conflict", "1 file conflicts with main: x.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_as_git, setup, teardown),
		cmocka_unit_test_setup_teardown(test_driver, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_branch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_the_variants, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
