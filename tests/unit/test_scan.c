/* test_scan.c - the second pair of eyes: trees that no walker of ours would make. */
#include "gitfix.h"

#include "git/fast_import.h"
#include "git/scan.h"

static struct fix f;

struct thing {
	unsigned mode;
	const char *path, *text; /* text NULL = delete */
};

/* Commits things on the base without asking anybody, and judges. */
static char *verdict(const struct thing *t, size_t n)
{
	struct fast_import_spec s = { .git_dir = f.q,
		.ref = "refs/x",
		.parent = f.repo.head,
		.author = "a <a@b>",
		.committer = "a <a@b>",
		.message = "m" };
	struct fast_import *feed = fast_import_open(&s, &E);
	char *commit, *tree, *why;

	assert_non_null(feed);
	for (size_t i = 0; i < n; i++) {
		if (t[i].text) {
			fast_import_file(feed, t[i].mode, t[i].path, strlen(t[i].text));
			fast_import_bytes(feed, t[i].text, strlen(t[i].text));
		} else {
			fast_import_delete(feed, t[i].path);
		}
	}
	OK(fast_import_close(feed, &commit, &tree, &E));
	OK(scan_tree(f.q, f.repo.head, commit, &why, &E));
	free(commit);
	free(tree);
	return why;
}

static void assert_verdict(unsigned mode, const char *path, const char *text, const char *want)
{
	struct thing t = { mode, path, text };
	char *why = verdict(&t, 1);

	if (!want && why)
		fail_msg("%s -> %s: %s", path, text, why);
	if (want && !why)
		fail_msg("%s -> %s: not found: %s", path, text, want);
	if (want && strncmp(why, "The variant holds ", 18))
		fail_msg("%s", why);
	if (want && !strstr(why, want))
		fail_msg("%s -> %s: \"%s\", not \"%s\"", path, text, why, want);
	free(why);
}

/* Writes one object into the quarantine as it is given: no git checks what is in it. */
static char *write_object(const char *type, const struct buf *b)
{
	struct git_call c;
	struct child_result r;
	char *id;

	git_call_init(&c, f.q);
	strv_addl(&c.args, "hash-object", "-t", type, "-w", "--literally", "--stdin", (char *)NULL);
	c.in = b->p;
	c.nin = b->len;
	OK(git_run(&c, &r, &E));
	buf_trim(&r.out);
	id = buf_take(&r.out);
	child_result_release(&r);
	git_call_release(&c);
	return id;
}

/* A tree of nothing but one file, whose name no version of fast-import has to accept. */
static void assert_name(const char *path, unsigned mode, const char *want)
{
	struct buf b = BUF_INIT;
	char *left = xstrdup(path), *why, *id;

	buf_str(&b, "f1");
	id = write_object("blob", &b);
	for (char *slash; left; mode = 040000) {
		slash = strrchr(left, '/');
		buf_clear(&b);
		buf_fmt(&b, "%o %s", mode, slash ? slash + 1 : left);
		buf_char(&b, '\0');
		for (const char *hex = id; *hex; hex += 2) {
			char byte[3] = { hex[0], hex[1], '\0' };

			buf_char(&b, (char)strtoul(byte, NULL, 16));
		}
		free(id);
		id = write_object("tree", &b);
		if (slash)
			*slash = '\0';
		else
			xreplace(&left, NULL);
	}
	OK(scan_tree(f.q, f.repo.head, id, &why, &E));
	if (!why || !strstr(why, want))
		fail_msg("%s: \"%s\", not \"%s\"", path, why ? why : "", want);
	free(why);
	free(id);
	buf_release(&b);
}

static void names(void **state)
{
	static const char *const git[] = { ".git/config", ".GIT/x", "a/.Git/x", ".git", "git~1",
		"GIT~2/x", ".git /x", ".git./x", ".git::$INDEX_ALLOCATION/x", ".g\xE2\x80\x8Cit/x",
		"\xEF\xBB\xBF.git/x", ".gi\xE2\x80\x8Dt" };
	static const char *const path[] = { "a/../b", "../b", "a/./b" };
	static const char *const control[] = { "a\nb", "a\x1b]52;c;x\x07", "d\x7F",
		"bidi\xE2\x80\xAE", "c1\xC2\x9B", "iso\xE2\x81\xA6" };
	static const char *const fine[] = { "x", ".gitignore", ".gitattributes", ".github/w", "git",
		"a.git", "naïve ☃", "-rf", " lead", "bad\377utf8", "\"q\"", ".gitmodules2",
		"git~10x" };

	fix_init(&f, NULL);
	fix_prepare(&f);
	for (size_t i = 0; i < ARRAY_LEN(git); i++)
		assert_name(git[i], 0100644, "a name that imitates .git: ");
	for (size_t i = 0; i < ARRAY_LEN(path); i++)
		assert_name(path[i], 0100644, "a path that is no plain path: ");
	for (size_t i = 0; i < ARRAY_LEN(control); i++)
		assert_verdict(0100644, control[i], "x", "a name with control characters: ");
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		assert_verdict(0100644, fine[i], "x", NULL);
	assert_verdict(0100644, "a\\b", "x", "a name with a backslash: a\\b.");
	fix_release(&f);
}

static void links(void **state)
{
	static const struct {
		const char *path, *target;
		bool bad;
	} t[] = {
		{ "l", "f1", false },
		{ "l", "d/f2", false },
		{ "d/l", "../f1", false },
		{ "l", "./f1", false },
		{ "l", "nothing", false },
		{ "l", ".", false },
		{ "d/l", "..", false },
		{ "l", "d//f2", false },
		{ "l", "..", true },
		{ "l", "../x", true },
		{ "d/l", "../../x", true },
		{ "l", "/etc/passwd", true },
		{ "l", "/", true },
		{ "l", "d/../../x", true },
		{ "l", "d/../f1", true },
		{ "l", ".git/config", true },
		{ "d/l", "../.GIT/hooks", true },
		{ "l", "a\nb", true },
		{ ".gitattributes", "f1", true },
		{ "d/.GITIGNORE", "../f1", true },
	};

	fix_init(&f, NULL);
	fix_prepare(&f);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_verdict(0120000, t[i].path, t[i].target,
			t[i].bad ? "a link that leaves the tree: " : NULL);
	assert_name(".gitmodules", 0120000, "a link that leaves the tree: .gitmodules.");
	assert_int_equal(scan_link_leaves("a/b/c", "../../x"), 0);
	assert_int_equal(scan_link_leaves("a/b/c", "../../../x"), 1);
	fix_release(&f);
}

static void twins(void **state)
{
	static const char *const pairs[][2] = { { "File", "file" }, { "d/F2", NULL },
		{ "Dir/a", "dir/b" }, { "É", "é" }, { "\xC3\xA9", "e\xCC\x81" },
		{ "E\xCC\x81x/a", "\xC3\xA9x/b" }, { "Ω", "ω" }, { "Й", "и\xCC\x86" },
		{ "a\xE2\x80\x8C", "a" } };
	static const char *const apart[][2] = { { "a", "b" }, { "d/x", "e/x" }, { "e", "é" },
		{ "a-b", "a/b" } };

	fix_init(&f, NULL);
	fix_prepare(&f);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct thing t[2] = { { 0100644, pairs[i][0], "1" },
			{ 0100644, pairs[i][1], "2" } };
		char *why = verdict(t, pairs[i][1] ? 2 : 1);

		if (!why || !strstr(why, "two names that differ only in case: "))
			fail_msg("%s and %s: %s", pairs[i][0], pairs[i][1],
				why ? why : "nothing found");
		free(why);
	}
	for (size_t i = 0; i < ARRAY_LEN(apart); i++) {
		struct thing t[2] = { { 0100644, apart[i][0], "1" },
			{ 0100644, apart[i][1], "2" } };
		char *why = verdict(t, 2);

		if (why)
			fail_msg("%s and %s: %s", apart[i][0], apart[i][1], why);
	}
	fix_release(&f);
}

static void what_the_base_has_is_accepted(void **state)
{
	struct thing t[] = { { 0100644, "new", "x" } };
	char *why;

	fix_init(&f,
		"ln -s /etc/passwd abs; echo 1 >Case; echo 2 >case; echo x >'a\\b'; mkdir Up "
		"up; echo 1 >Up/a; echo 2 >up/b;"
		"git init -q s; (cd s; echo 1 >x; git add x; git commit -qm x); git add s "
		"2>/dev/null");
	fix_prepare(&f);
	why = verdict(t, 1);
	if (why)
		fail_msg("%s", why);
	assert_verdict(0100644, "case", "changed", NULL);
	assert_verdict(0100644, "up/new", "x", NULL);
	assert_verdict(0100644, "UP/new", "x", "two names that differ only in case: UP and");
	assert_verdict(0120000, "abs", "/etc/shadow", "a link that leaves the tree: abs.");
	fix_release(&f);
}

/* Bytes above 127 sort behind '/': a directory beside such names is found in the base. */
static void directories_beside_names_above_ascii(void **state)
{
	fix_init(&f,
		"mkdir a A; echo 1 >a/x; echo 2 >A/y; for i in 1 2 3 4 5; do echo $i >aé$i; done");
	fix_prepare(&f);
	assert_verdict(0100644, "new", "x", NULL);
	fix_release(&f);
}

static void submodules(void **state)
{
	char *s;
	struct buf cmd = BUF_INIT;
	char *why;

	fix_init(&f, NULL);
	fix_prepare(&f);
	buf_fmt(&cmd,
		"export GIT_DIR=%s; printf 'commit refs/x\\ncommitter a <a@b> now\\ndata "
		"1\\nm\\nfrom %s\\nM 160000 %s sub\\n' | "
		"git fast-import --quiet --date-format=now; git rev-parse refs/x",
		f.q, f.repo.head, f.repo.head);
	s = sh_in("/", 0, cmd.p);
	OK(scan_tree(f.q, f.repo.head, s, &why, &E));
	assert_string_equal(why, "The variant holds a new or changed submodule: sub.");
	free(why);
	free(s);
	buf_release(&cmd);
	fix_release(&f);
}

static void sentences(void **state)
{
	struct thing t[] = { { 0120000, "l1", "/a" }, { 0120000, "l2", "/a" },
		{ 0120000, "l3", "/a" }, { 0120000, "l4", "/a" }, { 0100644, "F1", "x" } };
	char *why;
	struct err e = ERR_INIT;
	struct buf deep = BUF_INIT;

	fix_init(&f, NULL);
	fix_prepare(&f);
	why = verdict(t, ARRAY_LEN(t));
	assert_string_equal(why,
		"The variant holds a link that leaves the tree: l1, l2, l3 and 1 more. "
		"The variant holds two names that differ only in case: F1 and f1.");
	free(why);
	for (int i = 0; i < 70; i++)
		buf_str(&deep, "p/");
	buf_str(&deep, "f");
	t[0] = (struct thing){ 0100644, deep.p, "x" };
	why = verdict(t, 1);
	assert_string_equal(why, "More than 50,000 files, 1 GiB or depth 64.");
	free(why);
	assert_int_equal(
		scan_tree(f.q, f.repo.head, "0123456789012345678901234567890123456789", &why, &e),
		-1);
	assert_non_null(strstr(e.msg, "could not be judged"));
	OK(scan_tree(f.q, f.repo.head, f.repo.head, &why, &E));
	assert_null(why);
	buf_release(&deep);
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(links),
		cmocka_unit_test(twins),
		cmocka_unit_test(what_the_base_has_is_accepted),
		cmocka_unit_test(directories_beside_names_above_ascii),
		cmocka_unit_test(submodules),
		cmocka_unit_test(sentences),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
