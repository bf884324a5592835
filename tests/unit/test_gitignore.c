/* test_gitignore.c - our gitignore against git's on random rules; budgets; hostile rule files. */
#include "gitfix.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "git/gitignore.h"

static bool ignored(const char *rules, const char *path)
{
	struct gitignore *g = gitignore_new(NULL, 0, rules, strlen(rules));
	struct gitignore_budget b = GITIGNORE_BUDGET_INIT;
	size_t n = strlen(path);
	char *p = xstrndup(path, path[n - 1] == '/' ? n - 1 : n);
	bool yes = gitignore_match(g, p, path[n - 1] == '/', &b);

	gitignore_free(g);
	free(p);
	return yes;
}

static const struct {
	const char *rules, *path;
	bool yes;
} one_by_one[] = {
	{ "*.log", "a.log", true },
	{ "*.log", "d/a.log", true },
	{ "/a", "a", true },
	{ "/a", "d/a", false },
	{ "d/a", "d/a", true },
	{ "d/a", "x/d/a", false },
	{ "b/", "b", false },
	{ "b/", "b/", true },
	{ "b/", "x/b/", true },
	{ "*\n!keep", "keep", false },
	{ "*\n!keep", "other", true },
	{ "!keep\n*", "keep", true },
	{ "# a\n\\#b", "#b", true },
	{ "# a", "# a", false },
	{ "a  ", "a", true },
	{ "a\\ ", "a ", true },
	{ "a\r", "a", true },
	{ "**/x", "x", true },
	{ "**/x", "a/b/x", true },
	{ "a/**", "a/b/c", true },
	{ "a/**/b", "a/b", true },
	{ "a/**/b", "a/x/y/b", true },
	{ "a/*/b", "a/x/y/b", false },
	{ "a?c", "abc", true },
	{ "d/?", "d//", false },
	{ "[a-c]x", "bx", true },
	{ "[!a-c]x", "bx", false },
	{ "[]]x", "]x", true },
	{ "[[:digit:]]x", "7x", true },
	{ "[[:nosuch:]]x", "7x", false },
	{ "[ab", "[ab", false },
	/* a range is its two ends, even when nothing lies between them */
	{ "[9-0]", "0", false },
	{ "[9-0]", "9", true },
	{ "[!9-0]", "0", true },
	{ "[9-0-a]", "5", false },
	{ "[9-0-a]", "a", true },
	{ "[c-x]y", "xy", true },
	{ "[c-x]y", "ay", false },
	{ "[a-]x", "-x", true },
	{ "[x-\\z]", "y", true },
	{ "[z-\\x]", "x", false },
	/* what is in it, not the directory: "!x/keep" behind it brings keep back */
	{ "x/**", "x/", false },
	{ "x/**", "x/a/", true },
	{ "x/**\n!x/keep", "x/keep", false },
	{ "\\*", "*", true },
	{ "\\*", "x", false },
	{ "\xEF\xBB\xBFx", "x", true },
	{ "/", "x/", false },
	{ "", "x", false },
	{ "!", "!", false },
};

static void rules_one_by_one(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(one_by_one); i++)
		if (ignored(one_by_one[i].rules, one_by_one[i].path) != one_by_one[i].yes)
			fail_msg("rules \"%s\", path \"%s\": not %d", one_by_one[i].rules,
				one_by_one[i].path, one_by_one[i].yes);
}

static void chain_and_base(void **state)
{
	struct gitignore *outer = gitignore_new(NULL, 0, "*.o\n/top\n", 10),
			 *root = gitignore_new(outer, 0, "!main.o\n", 8),
			 *sub = gitignore_new(root, 4, "/x\nmain.o\n", 10);
	struct gitignore_budget b = GITIGNORE_BUDGET_INIT;

	assert_true(gitignore_match(root, "a.o", false, &b));
	assert_false(gitignore_match(root, "main.o", false, &b));
	assert_true(gitignore_match(sub, "sub/main.o", false, &b));
	assert_true(gitignore_match(sub, "sub/x", false, &b));
	assert_false(gitignore_match(sub, "sub/y/x", false, &b));
	assert_true(gitignore_match(sub, "sub/y/a.o", false, &b));
	assert_true(gitignore_match(root, "top", false, &b));
	gitignore_free(sub);
	gitignore_free(root);
	gitignore_free(outer);
}

static void hostile_rules_end_soon(void **state)
{
	struct buf rules = BUF_INIT;
	struct gitignore_budget b = GITIGNORE_BUDGET_INIT;
	struct gitignore *g;
	char path[4000];
	int64_t began = clock_mono_ms();

	for (int i = 0; i < 3000; i++)
		buf_str(&rules, "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b/**/c*\n");
	g = gitignore_new(NULL, 0, rules.p, rules.len);
	memset(path, 'a', sizeof path);
	path[sizeof path - 1] = '\0';
	for (int i = 0; i < 200; i++)
		assert_false(gitignore_match(g, path, false, &b));
	assert_int_equal(b.blown, 200);
	assert_true(b.total >= 500000000L - 200L * (GITIGNORE_STEPS + 1));
	/* Nothing left for the walk: everything counts as not ignored, at once. */
	b.total = 0;
	assert_false(gitignore_match(g, "a.log", false, &b));
	assert_true(clock_mono_ms() - began < 30000);
	gitignore_free(g);
	buf_clear(&rules);
	for (int i = 0; i < 5000; i++)
		buf_char(&rules, '[');
	buf_str(&rules, "\nx\n");
	g = gitignore_new(NULL, 0, rules.p, rules.len);
	b.total = 1000;
	assert_true(gitignore_match(g, "x", false, &b));
	gitignore_free(g);
	buf_release(&rules);
}

/* A .gitignore that is a link, a FIFO or huge is none. */
static void rule_files(void **state)
{
	char *dir = unit_mkdir();
	struct stat st;
	struct gitignore *g;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	fstat(fd, &st);
	assert_null(gitignore_of_dir(NULL, 0, fd, st.st_dev));
	sh(dir, "echo '*' >rules; ln -s rules .gitignore");
	assert_null(gitignore_of_dir(NULL, 0, fd, st.st_dev));
	sh(dir, "rm .gitignore; mkfifo .gitignore");
	assert_null(gitignore_of_dir(NULL, 0, fd, st.st_dev));
	sh(dir, "rm .gitignore; mkdir .gitignore");
	assert_null(gitignore_of_dir(NULL, 0, fd, st.st_dev));
	sh(dir, "rmdir .gitignore; yes x | head -c 70000 >.gitignore");
	assert_null(gitignore_of_dir(NULL, 0, fd, st.st_dev));
	sh(dir, "echo x >.gitignore");
	g = gitignore_of_dir(NULL, 0, fd, st.st_dev);
	assert_non_null(g);
	gitignore_free(g);
	close(fd);
	unit_rmdir(dir);
}

static unsigned rnd_state = 12345;
static unsigned rnd(unsigned n)
{
	rnd_state = rnd_state * 1103515245u + 12345u;
	return (rnd_state >> 16) % n;
}

static void random_rules(struct buf *b)
{
	static const char *const piece[] = { "a", "b", "ab", "abc", "x y", "*", "**", "?", "/", "/",
		"/**/", "[ab]", "[!a]", "\\a", "\\*", ".", "c", "*.", "[a-c]", "b*", "**/", "/**",
		"[[:alpha:]]", "]", "-", "[9-0]", "[c-a]", "[!c-a]", "[b-a-c]", "[a-]", "[]-a]",
		"[\\a-c]", "[a-\\c]", "[[:digit:]-a]", "[0-9]", "a/**", "!b/**\nb/a", "/*" };

	for (unsigned line = 1 + rnd(5); line--;) {
		if (!rnd(5))
			buf_char(b, '!');
		for (unsigned k = 1 + rnd(4); k--;)
			buf_str(b, piece[rnd(ARRAY_LEN(piece))]);
		if (!rnd(5))
			buf_char(b, '/');
		if (!rnd(9))
			buf_str(b, "  ");
		buf_char(b, '\n');
	}
}

/* Every path of the tree, asked from the top down as the walk does. */
static void ask_all(const struct gitignore *g, const struct strv *paths, struct strv *out)
{
	struct gitignore_budget b = GITIGNORE_BUDGET_INIT;

	for (size_t i = 0; i < paths->n; i++) {
		char *p = xstrdup(paths->v[i]);
		bool yes = false;

		for (char *s = strchr(p, '/'); s && !yes; s = strchr(s + 1, '/')) {
			*s = '\0';
			yes = gitignore_match(g, p, true, &b);
			*s = '/';
		}
		if (yes || gitignore_match(g, p, false, &b))
			strv_add(out, p);
		free(p);
	}
	assert_int_equal(b.blown, 0);
}

static void as_git_does(void **state)
{
	struct fix f;
	struct strv paths = STRV_INIT;
	char *list, *rules_path;
	size_t sets = 0, wrong = 0, hits = 0;

	fix_init(&f, NULL);
	sh(f.u,
		"rm -r f1 d; mkdir -p a/b/c a/abc b/a ab abc/ab 'x y' c/c/c; for d in '' a/ b/ ab/ "
		"abc/ 'x y/' a/b/ a/abc/ b/a/ abc/ab/ a/b/c/ c/c/c/; do "
		"for n in a b c ab abc 'x y' .a a. '*' a-b  ']' abca 9 0; do [ -e \"./$d$n\" ] || echo "
		">\"./$d$n\"; done; done");
	list = sh_in(f.u, 0, "find . -path ./.git -prune -o -type f -printf '%P\\n'");
	for (char *p = list; *p;) {
		size_t n = strcspn(p, "\n");

		strv_take(&paths, xstrndup(p, n));
		p += n + (p[n] == '\n');
	}
	rules_path = fs_join(f.dir, "rules");
	for (; sets < 400; sets++) {
		struct buf rules = BUF_INIT;
		struct strv ours = STRV_INIT, theirs = STRV_INIT;
		struct gitignore *g;
		struct child_result r;
		struct git_call c;

		random_rules(&rules);
		OK(fs_replace(rules_path, rules.p, rules.len, &E));
		git_call_init(&c, f.repo.common);
		c.user = true;
		c.cwd = f.u;
		c.index = "/nonexistent-index";
		strv_addl(&c.args, "ls-files", "-z", "-o", "-i", "-X", rules_path, (char *)NULL);
		OK(git_run(&c, &r, &E));
		strv_split0(&theirs, r.out.p, r.out.len);
		g = gitignore_new(NULL, 0, rules.p, rules.len);
		ask_all(g, &paths, &ours);
		hits += theirs.n;
		for (size_t i = 0; i < theirs.n; i++)
			wrong += !strv_has(&ours, theirs.v[i]);
		for (size_t i = 0; i < ours.n; i++)
			if (!strv_has(&theirs, ours.v[i]))
				fail_msg("we ignore \"%s\", git does not:\n%s", ours.v[i], rules.p);
		if (wrong)
			fail_msg("git ignores what we do not:\n%s", rules.p);
		gitignore_free(g);
		child_result_release(&r);
		git_call_release(&c);
		strv_release(&ours);
		strv_release(&theirs);
		buf_release(&rules);
	}
	print_message("%zu rule sets, %zu paths, %zu ignored by both\n", sets, paths.n, hits);
	assert_true(sets >= 50);
	assert_true(hits > sets);
	free(rules_path);
	free(list);
	strv_release(&paths);
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_one_by_one),
		cmocka_unit_test(chain_and_base),
		cmocka_unit_test(hostile_rules_end_soon),
		cmocka_unit_test(rule_files),
		cmocka_unit_test(as_git_does),
	};

	return cmocka_run_group_tests_name("ignore", tests, NULL, NULL);
}
