/* test_pipeline.c - the pipeline's files: quoting, rendering, reading, comparing, upgrading,
 * building. The template is one of the test's own, in front of ours. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/pool.h"
#include "base/sha256.h"
#include "model/pipeline_int.h"

static char *home;

static const char template_main[] =
	"// main.go - a program for tests.\n"
	"package main\n\n"
	"import (\n\t\"fmt\"\n\t\"os\"\n)\n\n"
	"func setup() string {\n"
	"\t// yolodeck:begin setup\n"
	"\treturn {{setup}}\n"
	"\t// yolodeck:end setup\n"
	"}\n\n"
	"func caches() []string {\n"
	"\t// yolodeck:begin wrap\n"
	"\treturn []string{{{caches}}}\n"
	"\t// yolodeck:end wrap\n"
	"}\n\n"
	"func main() {\n"
	"\tos.Stdout.WriteString(setup())\n"
	"\tfor _, c := range caches() {\n\t\tfmt.Printf(\"\\n%s\", c)\n\t}\n"
	"}\n";

static void config_file(const char *name, const char *text)
{
	char *dir = fs_join(home, "yolodeck/templates/pipeline"), *path = fs_join(dir, name);
	struct err e = ERR_INIT;

	assert_int_equal(fs_mkdirs(dir, 0700, &e), 0);
	assert_int_equal(fs_create(path, 0600, text, strlen(text), &e), 0);
	free(path);
	free(dir);
}

static int make_home(void **state)
{
	home = unit_mkdir();
	setenv("XDG_CONFIG_HOME", home, 1);
	config_file("main.go.tmpl", template_main);
	config_file("go.mod.tmpl", "module yolopipe\n\ngo 1.21\n");
	config_file("main_test.go", "package main\n");
	config_file("notes.txt", "not rendered\n");
	return 0;
}

static int drop_home(void **state)
{
	unit_rmdir(home);
	return 0;
}

static struct pipeline_files render(const char *setup, const char *cache)
{
	struct pipeline_values v = { setup, STRV_INIT };
	struct pipeline_files p;
	struct err e = ERR_INIT;

	if (cache)
		strv_add(&v.caches, cache);
	if (pipeline_render(&v, &p, &e))
		fail_msg("%s", e.msg);
	strv_release(&v.caches);
	return p;
}

static struct buf *text_of(struct pipeline_files *p, const char *name)
{
	struct pipeline_file *f = pipeline_find(p, name);

	assert_non_null(f);
	return &f->text;
}

/* Replaces the first `from` of a file. */
static void edit(struct pipeline_files *p, const char *name, const char *from, const char *to)
{
	struct buf *t = text_of(p, name), b = BUF_INIT;
	char *at = strstr(t->p, from);

	assert_non_null(at);
	buf_add(&b, t->p, (size_t)(at - t->p));
	buf_str(&b, to);
	buf_str(&b, at + strlen(from));
	buf_release(t);
	*t = b;
}

static void assert_holds(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("\"%s\" is not in: %s", words, text);
}

/* Only the two files that are the test's own: the others of our template need the SDK. */
static struct pipeline_files small(const char *main_go, const char *go_mod)
{
	struct pipeline_files p = { NULL, 0 };

	buf_str(&pipeline_add(&p, "main.go")->text, main_go);
	buf_str(&pipeline_add(&p, "go.mod")->text, go_mod);
	return p;
}

static void test_sum(void **state)
{
	struct sha256 s;
	char hex[17];

	sha256_init(&s);
	sha256_add(&s, "abc", 3);
	sha256_hex16(&s, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea");
	sha256_init(&s);
	for (int i = 0; i < 1000000; i++)
		sha256_add(&s, "a", 1);
	sha256_hex16(&s, hex);
	assert_string_equal(hex, "cdc76e5c9914fb92");
}

static void test_render(void **state)
{
	struct pipeline_files p = render("npm ci && echo {{caches}}", "npm=/root/.npm");

	assert_holds(text_of(&p, "main.go")->p, "\treturn \"npm ci && echo {{caches}}\"\n");
	assert_holds(text_of(&p, "main.go")->p, "[]string{\"npm=/root/.npm\"}");
	assert_holds(text_of(&p, "go.mod")->p, "go 1.21");
	assert_holds(text_of(&p, ".rendered")->p, " main.go\n");
	assert_null(pipeline_find(&p, "main_test.go"));
	assert_null(pipeline_find(&p, "notes.txt"));
	assert_null(pipeline_find(&p, "main.go.tmpl"));
	for (size_t i = 1; i < p.n; i++)
		assert_true(strcmp(p.f[i - 1].name, p.f[i].name) < 0);
	pipeline_files_release(&p);
	p = render(NULL, NULL);
	assert_holds(text_of(&p, "main.go")->p, "\treturn \"\"\n");
	assert_holds(text_of(&p, "main.go")->p, "[]string{}");
	pipeline_files_release(&p);
}

static void test_write_and_read(void **state)
{
	struct pipeline_files p = render("make deps", NULL), back;
	char *dir = fs_join(home, "repo/.yolodeck/pipeline"), *other = fs_join(dir, "data.json"),
	     *link = fs_join(dir, "extra.go");
	char one[17], two[17];
	struct err e = ERR_INIT;

	assert_int_equal(pipeline_read(dir, &back, &e), -1);
	assert_string_equal(e.code, "not_found");
	assert_int_equal(pipeline_write(dir, &p, &e), 0);
	assert_int_equal(pipeline_write(dir, &p, &e), -1);
	assert_string_equal(e.code, "exists");
	assert_int_equal(fs_create(other, 0644, "{}", 2, &e), 0);
	assert_int_equal(pipeline_read(dir, &back, &e), 0);
	assert_int_equal(back.n, p.n);
	for (size_t i = 0; i < p.n; i++) {
		assert_string_equal(back.f[i].name, p.f[i].name);
		assert_int_equal(back.f[i].text.len, p.f[i].text.len);
		assert_memory_equal(back.f[i].text.p, p.f[i].text.p, p.f[i].text.len);
	}
	pipeline_hash(&p, one);
	pipeline_hash(&back, two);
	assert_string_equal(one, two);
	buf_char(text_of(&back, ".rendered"), 'x');
	pipeline_hash(&back, two);
	assert_string_equal(one, two);
	buf_char(text_of(&back, "main.go"), 'x');
	pipeline_hash(&back, two);
	assert_string_not_equal(one, two);
	pipeline_files_release(&back);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(pipeline_read(dir, &back, &e), -1);
	assert_holds(e.msg, "extra.go is a link");
	pipeline_files_release(&p);
	free(link);
	free(other);
	free(dir);
}

/* What may differ, and what is said of what may not. */
static void test_compare(void **state)
{
	static const struct {
		const char *from, *to, *code, *words;
	} cases[] = {
		{ "return \"s\"", "x := 1\n\treturn \"s\"", "", "" },
		{ "package main", "package other", "pipeline_changed", "main.go:2: outside: " },
		{ "for _, c", "for i, c", "pipeline_changed", "main.go:23: outside: " },
		{ "return \"s\"\n", "return \"s\"\n\n\n\t// yolodeck:begin base\n",
			"pipeline_changed",
			"main.go:14: marker: the section base begins inside the section setup" },
		{ "begin setup", "begin setpu", "pipeline_changed",
			"main.go:10: marker: there is no section setpu; did you mean setup" },
		{ "end setup", "end wrap", "pipeline_changed",
			"main.go:12: marker: the section setup ends as wrap" },
		{ "\t// yolodeck:end setup\n", "", "pipeline_changed",
			"main.go:15: marker: the section wrap begins inside" },
		{ "begin wrap", "begin setup", "pipeline_changed",
			"main.go:16: marker: a second section setup" },
		{ "\t// yolodeck:begin setup\n", "", "pipeline_changed",
			"main.go:11: marker: no section is open" },
		{ "\t// yolodeck:end wrap\n", "", "pipeline_changed",
			"the file ends inside the section wrap" },
		{ "begin setup", "setup", "pipeline_changed", "main.go:10: marker: neither" },
	};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pipeline_files p = render("s", "a=/b");
		int rc;

		edit(&p, "main.go", cases[i].from, cases[i].to);
		err_clear(&e);
		rc = pipeline_compare(&p, &e);
		assert_int_equal(rc, *cases[i].code ? -1 : 0);
		if (strcmp(e.code, cases[i].code) || !strstr(e.msg, cases[i].words))
			fail_msg("case %zu: %s: %s", i, e.code, e.msg);
		pipeline_files_release(&p);
	}
}

static void test_compare_files(void **state)
{
	struct pipeline_files p = render(NULL, NULL);
	struct err e = ERR_INIT;

	assert_int_equal(pipeline_compare(&p, &e), 0);
	buf_str(&pipeline_add(&p, "zz.go")->text, "package main\n");
	assert_int_equal(pipeline_compare(&p, &e), -1);
	assert_holds(e.msg, "zz.go:1: outside: this file is not one of the pipeline's");
	free(pipeline_find(&p, "zz.go")->name);
	buf_release(&p.f[--p.n].text);
	assert_int_equal(pipeline_compare(&p, &e), 0);
	edit(&p, "go.mod", "go 1.21", "go 1.20");
	assert_int_equal(pipeline_compare(&p, &e), -1);
	assert_holds(e.msg, "go.mod:3: outside: ");
	edit(&p, "go.mod", "go 1.20", "go 1.21");
	free(p.f[0].name);
	buf_release(&p.f[0].text);
	memmove(p.f, p.f + 1, --p.n * sizeof *p.f);
	/* that was .rendered: not needed as long as all is of today */
	assert_int_equal(pipeline_compare(&p, &e), 0);
	struct pipeline_file *f = pipeline_find(&p, "go.mod");
	free(f->name);
	f->name = xstrdup("other.md");
	assert_int_equal(pipeline_compare(&p, &e), -1);
	pipeline_files_release(&p);
}

/* As if an older template had said so: its .rendered is made of it. */
static struct pipeline_files of_older(void)
{
	struct pipeline_files p = render("make deps", NULL);
	struct buf *note = text_of(&p, ".rendered"), all = BUF_INIT;
	struct err e = ERR_INIT;

	edit(&p, "main.go", "a program for tests", "an older program");
	edit(&p, "main.go", "os.Stdout.WriteString(setup())", "fmt.Print(setup())");
	buf_release(note);
	free(p.f[0].name);
	memmove(p.f, p.f + 1, --p.n * sizeof *p.f);
	assert_int_equal(pipeline_rendered(&p, &all, &e), 0);
	buf_add(&pipeline_add(&p, ".rendered")->text, all.p, all.len);
	buf_release(&all);
	return p;
}

static void test_upgrade(void **state)
{
	struct pipeline_files p = of_older(), out;
	struct err e = ERR_INIT;

	assert_int_equal(pipeline_compare(&p, &e), -1);
	assert_string_equal(e.code, "pipeline_old");
	edit(&p, "main.go", "return \"make deps\"", "return \"make mine\"");
	if (pipeline_upgrade(&p, &out, &e))
		fail_msg("%s", e.msg);
	assert_holds(text_of(&out, "main.go")->p, "a program for tests");
	assert_holds(text_of(&out, "main.go")->p, "return \"make mine\"");
	assert_int_equal(pipeline_compare(&out, &e), 0);
	pipeline_files_release(&out);
	edit(&p, "main.go", "func main() {\n", "func main() {\n\tmine()\n");
	assert_int_equal(pipeline_upgrade(&p, &out, &e), -1);
	assert_string_equal(e.code, "pipeline_changed");
	/* what it would have become: only the line outside of the sections is missing */
	assert_holds(text_of(&out, "main.go")->p, "return \"make mine\"");
	assert_null(strstr(text_of(&out, "main.go")->p, "\tmine()\n"));
	pipeline_files_release(&out);
	pipeline_files_release(&p);
}

static bool no_go(void)
{
	char *go = pipeline_go();
	bool none = !go;

	free(go);
	if (none)
		print_message("skipped: no go on PATH\n");
	return none;
}

static char *cache(const char *name)
{
	return fs_join(home, name);
}

/* Built once and run: what comes out is what was quoted. */
static void says(const char *text, size_t n)
{
	struct buf src = BUF_INIT;
	struct pipeline_files p;
	struct err e = ERR_INIT;
	char *dir = cache("pipelines"), *binary, *built;

	buf_str(&src, "package main\nimport \"os\"\nfunc main() { os.Stdout.WriteString(");
	pipeline_quote(text, n, &src);
	buf_str(&src, ") }\n");
	p = small(src.p, "module m\n\ngo 1.21\n");
	assert_null(pipeline_built(dir, &p));
	if (pipeline_build(dir, &p, &binary, &e))
		fail_msg("%s", e.msg);
	built = pipeline_built(dir, &p);
	assert_string_equal(built, binary);
	const char *argv[] = { binary, NULL };
	struct child_spec spec = CHILD_SPEC_INIT;
	struct child_result r;
	spec.argv = argv;
	assert_int_equal(child_run(&spec, NULL, 0, 1 << 20, 0, &r, &e), 0);
	assert_int_equal(r.code, 0);
	assert_int_equal(r.out.len, n);
	assert_memory_equal(r.out.p, text, n);
	child_result_release(&r);
	pipeline_files_release(&p);
	buf_release(&src);
	free(built);
	free(binary);
	free(dir);
}

static void test_quote(void **state)
{
	struct buf b = BUF_INIT;

	pipeline_quote("a\"b\\c`d\n\t\0\xff", 11, &b);
	assert_string_equal(b.p, "\"a\\\"b\\\\c`d\\n\\t\\x00\\xff\"");
	buf_release(&b);
	if (no_go())
		skip();
	for (int i = 0; i < 256; i++)
		buf_char(&b, (char)i);
	buf_str(&b,
		"zażółć 日本 $(rm -rf /) `id` \" + panic() + \" {{setup}} %s\r\n// yolodeck:end setup\n*/ ");
	while (b.len < 100 * 1024)
		buf_str(&b, "x\xc3\"`\\");
	says(b.p, b.len);
	buf_release(&b);
}

struct racer {
	const char *dir;
	struct pipeline_files *p;
	char *binary[4];
	struct err e[4];
};

static void build_one(void *ctx, size_t i)
{
	struct racer *r = ctx;

	err_clear(&r->e[i]);
	pipeline_build(r->dir, r->p, &r->binary[i], &r->e[i]);
}

static void test_build_at_once(void **state)
{
	char *dir = cache("at-once");
	struct pipeline_files p = small("package main\nfunc main() {}\n", "module m\n\ngo 1.21\n");
	struct racer r = { dir, &p, { NULL }, { ERR_INIT } };

	if (no_go())
		skip();
	/* The user's own settings must not stand in the way. */
	setenv("GOFLAGS", "-mod=vendor", 1);
	setenv("GOOS", "windows", 1);
	setenv("GOWORK", "/nonexistent/go.work", 1);
	pool_parallel(4, 4, build_one, &r);
	unsetenv("GOFLAGS");
	unsetenv("GOOS");
	unsetenv("GOWORK");
	for (int i = 0; i < 4; i++) {
		if (!r.binary[i])
			fail_msg("%s", r.e[i].msg);
		assert_string_equal(r.binary[i], r.binary[0]);
	}
	for (int i = 0; i < 4; i++)
		free(r.binary[i]);
	pipeline_files_release(&p);
	free(dir);
}

static void test_build_refused(void **state)
{
	static const struct {
		const char *main_go, *go_mod, *env, *code, *words;
	} cases[] = {
		{ "package main\nfunc main() { nothing() }\n", "module m\n\ngo 1.21\n", NULL,
			"build", "main.go:2:15: undefined: nothing" },
		{ "package main\nfunc main() { \033[2Jx }\n", "module m\n\ngo 1.21\n", NULL,
			"build", "main.go:2:" },
		{ "package main\nfunc main() {}\n", "module m\n\ngo 1.999.1\n", NULL, "go_old",
			"needs go 1.999.1 or newer" },
		{ "package main\nimport _ \"example.org/x\"\nfunc main() {}\n",
			"module m\n\ngo 1.21\n\nrequire example.org/x v1.0.0\n", NULL, "build",
			"go.sum" },
		{ "package main\nimport _ \"example.org/x\"\nfunc main() {}\n",
			"module m\n\ngo 1.21\n\nrequire example.org/x v1.0.0\n",
			"http://127.0.0.1:9", "no_modules", "cannot be downloaded" },
	};
	char *dir = cache("refused"), *binary = NULL;

	if (no_go())
		skip();
	setenv("GOTOOLCHAIN", "local", 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pipeline_files p = small(cases[i].main_go, cases[i].go_mod);
		struct err e = ERR_INIT;

		if (cases[i].env) {
			setenv("GOPROXY", cases[i].env, 1);
			buf_str(&pipeline_add(&p, "go.sum")->text,
				"example.org/x v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
				"example.org/x v1.0.0/go.mod h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
		}
		assert_int_equal(pipeline_build(dir, &p, &binary, &e), -1);
		assert_null(binary);
		if (strcmp(e.code, cases[i].code) || !strstr(e.msg, cases[i].words) ||
			strchr(e.msg, '\033'))
			fail_msg("case %zu: %s: %s", i, e.code, e.msg);
		pipeline_files_release(&p);
	}
	free(dir);
}

/* By the real checker, on the real runtime files around the test's own main.go. */
static void test_check(void **state)
{
	char *dir = cache("pipelines");
	struct pipeline_files p = render("make deps", "npm=/root/.npm");
	struct buf findings = BUF_INIT;
	struct err e = ERR_INIT;

	if (no_go())
		skip();
	if (pipeline_check(dir, &p, &findings, &e))
		fail_msg("%s", findings.len ? findings.p : e.msg);
	assert_string_equal(findings.p, "");
	edit(&p, "main.go", "return \"make deps\"", "go f()\n\t_ = f()\n\treturn \"x\"");
	assert_int_equal(pipeline_check(dir, &p, &findings, &e), -1);
	assert_string_equal(e.code, "constraint");
	assert_string_equal(e.msg,
		"main.go:11: concurrency: a goroutine in a section; variants run side by side without it");
	assert_holds(findings.p, "main.go:12: ignored-error: ");
	buf_clear(&findings);
	edit(&p, "main.go", "package main", "package mine");
	assert_int_equal(pipeline_check(dir, &p, &findings, &e), -1);
	assert_string_equal(e.code, "pipeline_changed");
	assert_holds(findings.p, "main.go:2: outside: ");
	buf_release(&findings);
	pipeline_files_release(&p);
	free(dir);
}

static void test_no_go(void **state)
{
	char *path = xstrdup(getenv("PATH")), *dir = cache("no-go"), *binary;
	struct pipeline_files p = small("package main\n", "module m\n");
	struct err e = ERR_INIT;

	setenv("PATH", home, 1);
	assert_null(pipeline_go());
	assert_int_equal(pipeline_build(dir, &p, &binary, &e), -1);
	assert_string_equal(e.code, "no_go");
	setenv("PATH", path, 1);
	pipeline_files_release(&p);
	free(path);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_render),
		cmocka_unit_test(test_write_and_read),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_compare_files),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_build_at_once),
		cmocka_unit_test(test_build_refused),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_no_go),
	};

	return cmocka_run_group_tests(tests, make_home, drop_home);
}
