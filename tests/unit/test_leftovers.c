/* test_leftovers.c - what killed writers left goes, when it is old and ours; all else stays. */
#include "gitfix.h"

#include "git/leftovers.h"

static const char files[] =
	"mkdir -p s/races/7/q.git/objects/pack s/races/7/q.git/objects/ab s/races/7/q.git/refs/x "
	"s/races/7/a/work s/races/7/a/home s/races/7/pipe; cd s;"
	/* leftovers */
	"touch .repo.0123456789abcdef.tmp runner.new races/7/.race.json.0123456789abcdef.tmp "
	"races/7/a/.variant.json.00ff00ff00ff00ff.tmp races/7/a/walk.cache.new "
	"races/7/q.git/objects/pack/tmp_pack_x1y2z3 races/7/q.git/packed-refs.lock "
	"races/7/q.git/refs/x/live.lock races/7/q.git/attributes.12.3.tmp;"
	"git init -q --bare base-0123456789012345678901234567890123456789.git.7.new;"
	/* none */
	"touch .repo.tmp x.0123456789abcdef.tmp .x.0123456789abcdeg.tmp conductor.lock "
	"races/7/a/work/.f.0123456789abcdef.tmp races/7/a/work/tmp_pack_1 races/7/a/work/walk.cache.new "
	"races/7/a/home/x.lock races/7/a/log races/7/q.git/objects/pack/pack-1.pack "
	"races/7/a/claude.new races/7/pipe/lock.new;"
	"git init -q --bare base-0123456789012345678901234567890123456789.git;"
	"ln -s conductor.lock .link.0123456789abcdef.tmp; mkdir dir.new";

static char *listing(const char *dir)
{
	return sh_in(dir, 0, "cd s; find . | sort");
}

static void old_ones_of_ours_go(void **state)
{
	char *dir = unit_mkdir(), *s = fs_join(dir, "s"), *before, *after;

	fixture_home(dir, "A User", "user@example.org");
	sh(dir, files);
	before = listing(dir);
	assert_int_equal(leftovers_remove(s), 0); /* all of it is young */
	after = listing(dir);
	assert_string_equal(before, after);
	free(after);
	/* one that its race will finish, and one whose race is gone */
	sh(dir, "cd s; git init -q --bare base-e.git.7.new; git init -q --bare base-e.git.8.new");
	sh(dir, "find s -exec touch -h -d '1 hour ago' {} +");
	/* a store that somebody still writes to */
	sh(dir, "mkdir -p s/base-f.git.9.new/objects/pack; touch s/base-f.git.9.new/objects/pack/p");
	assert_int_equal(leftovers_remove(s), 11);
	sh_says(dir,
		"cd s; find . -name '*.tmp' -o -name '*.new' -o -name '*.lock' -o -name 'tmp_*' | "
		"LC_ALL=C sort | tr '\\n' ' '",
		"./.link.0123456789abcdef.tmp ./.repo.tmp ./.x.0123456789abcdeg.tmp "
		"./base-e.git.7.new ./base-f.git.9.new ./conductor.lock ./dir.new ./races/7/a/claude.new "
		"./races/7/a/home/x.lock ./races/7/a/work/.f.0123456789abcdef.tmp "
		"./races/7/a/work/tmp_pack_1 ./races/7/a/work/walk.cache.new "
		"./races/7/pipe/lock.new ./x.0123456789abcdef.tmp");
	sh(dir,
		"test -e s/base-0123456789012345678901234567890123456789.git/HEAD; test -e "
		"s/races/7/q.git/objects/pack/pack-1.pack");
	assert_int_equal(leftovers_remove(s), 0);
	free(before);
	free(s);
	unit_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_ones_of_ours_go),
	};

	return cmocka_run_group_tests_name("leftovers", tests, NULL, NULL);
}
