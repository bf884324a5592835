/* test_attributes.c - what is saved holds the line endings that git would store, and names the
 * files whose filter was not run. */
#include "gitfix.h"

#include "git/attributes.h"
#include "git/promote.h"

static struct fix f;
static struct fix_snap s;
static char *a;

static void begin(const char *script)
{
	fix_init(&f, script);
	fix_prepare(&f);
	a = fix_variant(&f, "a");
	fix_snap_init(&f, &s, a, "a");
}

static void end(void)
{
	fix_snap_release(&s);
	free(a);
	fix_release(&f);
}

static const char base[] =
	"printf 'one\\r\\ntwo\\r\\n' >kept.auto; cp kept.auto kept.none; git add .; git commit -qm 0;"
	"printf '*.txt text\\n*.auto text=auto\\n*.bin -text\\n*.bat eol=crlf\\n*.sh text "
	"eol=lf\\n*.old crlf\\n*.raw -crlf\\n*.both text=auto eol=crlf\\n' >.gitattributes;"
	"mkdir sub; printf '*.txt -text\\n' >sub/.gitattributes;"
	"for e in txt auto bin bat sh old raw both none; do echo x >old.$e; done";

/* Every kind of content under every kind of rule. */
static const char work[] =
	"cd work; for e in txt auto bin bat sh old raw both none; do "
	"for n in old new sub/new; do printf 'a\\r\\nb\\r\\n' >$n.$e; done; "
	"printf 'a\\r\\nb\\nc\\r\\n' >mixed.$e; printf 'a\\rb\\r\\n' >lone.$e; printf 'a\\0\\r\\n' "
	">nul.$e; printf 'a\\r\\n\\001\\002\\003' >strange.$e; printf 'a\\r\\n\\032' >dos.$e; "
	"printf '\\r\\n' >empty.$e; head -c 65535 /dev/zero | tr '\\0' z >edge.$e; printf '\\r\\nend' "
	">>edge.$e; printf 'a\\r' >last.$e; done; echo 'more' >>kept.auto; echo more >>kept.none";

static void line_endings_are_those_of_git(void **state)
{
	static const char *const autocrlf[] = { "false", "true", "input" };
	struct saving_out out;
	struct buf cmd = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(autocrlf); i++) {
		begin(base);
		sh(a, work);
		buf_clear(&cmd);
		buf_fmt(&cmd, "git config core.autocrlf %s; git config core.safecrlf false",
			autocrlf[i]);
		sh(f.u, cmd.p);
		OK(saving_run(&s.in, NULL, &out, &E));
		assert_null(out.scan);
		sh(f.u,
			"rm -rf * .gitattributes; cp -a ../races/7/a/work/. x; rm -r x/.git; "
			"cp -a x/. .; rm -r x; git add -A 2>/dev/null");
		sh_says(f.u, "git diff --cached --name-only yolo/7/a", "");
		/* the second time nothing moves */
		buf_clear(&cmd);
		buf_str(&cmd, out.snap.commit);
		saving_out_release(&out);
		OK(saving_run(&s.in, cmd.p, &out, &E));
		assert_string_equal(out.snap.commit, cmd.p);
		saving_out_release(&out);
		end();
	}
	buf_release(&cmd);
}

/* The rules are those of the base: a variant's own say nothing, and neither does its .git. */
static void a_variant_sets_no_rules(void **state)
{
	struct saving_out out;

	begin("echo x >f1; printf '*.bin -text\\n' >.gitattributes");
	sh(a,
		"cd work; printf '* text\\n' >.gitattributes; git config core.autocrlf true; echo "
		"'* text' >.git/info/attributes; printf 'a\\r\\n' >new.bin; printf 'a\\r\\n' >new");
	OK(saving_run(&s.in, NULL, &out, &E));
	sh(f.u, "test $(git cat-file -s yolo/7/a:new.bin) = 3; test $(git cat-file -s yolo/7/a:new) = 3");
	assert_int_equal(out.snap.files, 3);
	saving_out_release(&out);
	end();
}

static void crlf_files_are_clean_after_a_promote(void **state)
{
	struct saving_out out;

	begin("echo x >f1; printf '*.bat eol=crlf\\n' >.gitattributes; printf 'a\\nb\\n' >run.bat");
	sh(a, "cd work; printf 'a\\r\\nb\\r\\nc\\r\\n' >run.bat");
	OK(saving_run(&s.in, NULL, &out, &E));
	assert_int_equal(out.snap.added, 1);
	assert_int_equal(out.snap.removed, 0);
	sh(f.u,
		"git merge -q yolo/7/a; test -z \"$(git status --porcelain)\"; printf "
		"'a\\r\\nb\\r\\nc\\r\\n' | cmp - run.bat");
	saving_out_release(&out);
	end();
}

static void plan(struct promote_plan *p, const char *tip)
{
	struct promote_in in = { .repo = &f.repo,
		.quarantine = f.q,
		.state_dir = f.dir,
		.race = 7,
		.variant = "a",
		.tip = tip,
		.base = f.repo.head,
		.subject = "s" };

	OK(promote_plan(&in, p, &E));
}

static void filters_are_named(void **state)
{
	struct saving_out out;
	struct promote_plan p;

	/* The user's own git runs them: upper case in the repository. */
	begin("git config filter.up.clean 'tr a-z A-Z'; git config filter.up.smudge cat; printf "
	      "'*.up filter=up\\n*.none filter=unknown\\n' >.gitattributes; echo x >one.up");
	sh(a, "cd work; echo new >one.up; echo new >two.none; echo new >plain");
	OK(saving_run(&s.in, NULL, &out, &E));
	assert_null(out.scan);
	assert_string_equal(out.snap.not_recorded, "the filter of 1 file: one.up (up)");
	plan(&p, out.snap.commit);
	assert_null(p.refuse_code);
	assert_int_equal(p.filtered.n, 1);
	assert_string_equal(p.filtered.v[0], "one.up (up)");
	promote_plan_release(&p);
	saving_out_release(&out);
	end();
}

static void required_filters_are_refused(void **state)
{
	struct saving_out out, again;
	struct promote_plan p;

	begin("git config filter.crypt.clean 'sed s/^/CRYPT/'; git config filter.crypt.smudge "
	      "'sed s/^CRYPT//'; git config filter.crypt.required true; printf 'secret* "
	      "filter=crypt\\n' >.gitattributes; echo 1 >secret; echo 1 >secret2");
	sh_says(f.u, "git show HEAD:secret", "CRYPT1");
	sh(a, "cd work; echo password >secret; rm secret2; echo new >plain");
	OK(saving_run(&s.in, NULL, &out, &E));
	assert_string_equal(out.scan,
		"1 file has a filter that your git requires, and was recorded without it: secret. "
		"Take the content by hand: git restore --source=<branch> -- <path>, then git add, "
		"which runs the filter.");
	assert_string_equal(out.branch, "yolo/7/a");
	plan(&p, out.snap.commit);
	assert_string_equal(p.refuse_code, "filter_required");
	assert_non_null(strstr(p.refuse,
		"requires, and yolodeck runs none: secret. Take the "
		"content by hand: git restore --source=yolo/7/a -- "));
	promote_plan_release(&p);
	/* what is as it was needs none */
	sh(a, "cd work; echo CRYPT1 >secret; echo CRYPT1 >secret2");
	OK(saving_run(&s.in, out.snap.commit, &again, &E));
	assert_null(again.scan);
	plan(&p, again.snap.commit);
	assert_null(p.refuse_code);
	promote_plan_release(&p);
	saving_out_release(&again);
	saving_out_release(&out);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_endings_are_those_of_git),
		cmocka_unit_test(a_variant_sets_no_rules),
		cmocka_unit_test(crlf_files_are_clean_after_a_promote),
		cmocka_unit_test(filters_are_named),
		cmocka_unit_test(required_filters_are_refused),
	};

	return cmocka_run_group_tests_name("attributes", tests, NULL, NULL);
}
