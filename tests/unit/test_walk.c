/* test_walk.c - the hostile tree: names, kinds, links swapped under our hands, unreadable places,
 * planted programs, limits. */
#include "snapfix.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static bool refused(const struct snapshot_out *out, const char *part)
{
	for (size_t i = 0; i < out->refused.n; i++)
		if (strstr(out->refused.v[i], part))
			return true;
	return false;
}

static void assert_lists(const struct snapshot_out *out, const char *const *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strv_has(&out->paths, want[i]))
			fail_msg("missing: %s", want[i]);
	if (out->paths.n != n)
		for (size_t i = 0; i < out->paths.n; i++) {
			bool known = false;

			for (size_t k = 0; k < n; k++)
				known |= !strcmp(want[k], out->paths.v[i]);
			if (!known)
				fail_msg("too much: %s", out->paths.v[i]);
		}
}

static const char nasty[] =
	"cd work; chmod +x f1; ln -s f1 ok; ln -s /etc/passwd abs; mkdir -p a/b; ln -s ../../f1 "
	"a/b/rel; rm d/g1;"
	"head -c 5000 /dev/urandom >bin; mkdir empty; echo u >'naïve ☃.txt'; echo q >'q\"uote'; "
	"echo x >-rf; echo x >' lead';"
	"printf nl >\"$(printf 'new\\nline')\"; printf osc >\"$(printf 'o\\033]52;c;AA\\007')\"; "
	"printf bad >\"$(printf 'bad\\377utf8')\";"
	"rm isdir; mkdir isdir; echo in >isdir/in; rm -r wasdir; echo now >wasdir; truncate -s 2G "
	"huge; truncate -s 40M sparse;"
	"mkfifo fifo; ln f3 hard3; mkdir .GIT; echo x >.GIT/config; mkdir 'GIT~1'; echo x "
	">'GIT~1/x'; echo x >'.git '; echo x >'.git...';"
	"mkdir \"$(printf '.g\\342\\200\\214it')\"; echo x >\"$(printf '.g\\342\\200\\214it')/x\"; "
	"echo x >'a\\b'; echo x >'.git::$INDEX_ALLOCATION';"
	"mkdir -p $(printf 'p/%.0s' $(seq 64)) $(printf 'q/%.0s' $(seq 70)); echo deep >$(printf "
	"'p/%.0s' $(seq 64))f;"
	"echo too >$(printf 'q/%.0s' $(seq 70))f; ln -s . loop; mkdir nest; mkdir nest/.git; echo "
	"'[core]' >nest/.git/config; echo n >nest/n;"
	"mkdir nest2; echo 'gitdir: /etc' >nest2/.git; echo n >nest2/n; ln -s f1 .gitmodules";

static void nasty_names_and_kinds(void **state)
{
	static const char *const want[] = { "f1", "ok", "abs", "a/b/rel", "d/g1", "bin",
		"naïve ☃.txt", "q\"uote", "-rf", " lead", "bad\377utf8", "isdir", "isdir/in",
		"wasdir/x", "wasdir", "sparse", "hard3", "loop", "nest/n", "nest2/n",
		"p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/"
		"p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/p/f" };
	struct snapshot_out out;
	char *got;
	struct buf cmd = BUF_INIT;

	begin("mkdir d; for i in 1 2 3; do echo line $i >f$i; echo x$i >d/g$i; done; echo t "
	      ">isdir; mkdir wasdir; echo t >wasdir/x");
	sh(a, nasty);
	for (int full = 0; full < 2; full++) {
		take(&out, full);
		assert_lists(&out, want, ARRAY_LEN(want));
		assert_true(refused(&out, "The variant holds a nested repository: nest"));
		assert_true(refused(&out, "The variant holds a name that imitates .git: "));
		assert_true(refused(&out, "The variant holds a name with control characters: "));
		assert_true(refused(&out, "The variant holds a name with a backslash: a\\b."));
		assert_true(refused(&out,
			"The variant holds a link in the place of .gitmodules: .gitmodules."));
		assert_true(refused(&out,
			"Not everything could be recorded: 1 file over 64 MiB; "
			"promote would lose it."));
		assert_true(refused(&out, "depth 64"));
		assert_non_null(strstr(out.not_recorded, "1 device, FIFO or socket"));
		assert_non_null(
			strstr(out.not_recorded, "2 nested repositories' .git, 10 unsafe names"));
		buf_clear(&cmd);
		buf_fmt(&cmd, "git --git-dir=%s fsck --strict %s 2>&1 | grep -v dangling || true",
			f.q, out.commit);
		got = sh_in("/", 0, cmd.p);
		assert_string_equal(got, "");
		free(got);
		snapshot_out_release(&out);
	}
	buf_release(&cmd);
	end();
}

static void what_cannot_be_read_is_kept(void **state)
{
	struct snapshot_out out;
	bool root = !geteuid();

	begin("mkdir -p d/e x; echo 1 >d/e/f; echo 2 >d/g; echo 3 >x/y; echo 4 >f1; echo 5 >f2");
	sh(f.dir, root ? "chmod 755 .; chown -R 65532 races u home base.git" : "true");
	sh(a, "chmod 000 work/d; chmod 600 work/x; chmod 000 work/f1; echo z >work/new");
	if (root)
		assert_int_equal(seteuid(65532), 0);
	for (int full = 0; full < 2; full++) {
		take(&out, full);
		assert_int_equal(out.files, 1);
		assert_string_equal(out.paths.v[0], "new");
		assert_true(refused(&out, "unreadable"));
		snapshot_out_release(&out);
	}
	if (root)
		assert_int_equal(seteuid(0), 0);
	sh(a, "chmod 755 work/d work/x; chmod 644 work/f1; echo 9 >work/f1; rm work/d/g");
	if (root)
		assert_int_equal(seteuid(65532), 0);
	take(&out, false);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(out.files, 3);
	assert_int_equal(out.refused.n, 0);
	snapshot_out_release(&out);
	end();
}

/* A tracked file that became something we do not record is kept; that it is too big is said. */
static void kinds_we_do_not_record(void **state)
{
	struct snapshot_out out;

	begin("echo 1 >f1; echo 2 >f2; echo 3 >f3; mkdir d; echo 4 >d/x");
	sh(a, "cd work; rm f1; mkfifo f1; truncate -s 65M f2; rm -r d; mkfifo d");
	take(&out, true);
	assert_int_equal(out.files, 0);
	assert_true(refused(&out, "1 file over 64 MiB"));
	assert_non_null(strstr(out.not_recorded, "2 devices, FIFOs or sockets"));
	snapshot_out_release(&out);
	sh(a, "cd work; rm f1; echo back >f1; truncate -s 0 f2; rm d; mkdir d");
	take(&out, false);
	assert_int_equal(out.files, 3);
	assert_int_equal(out.refused.n, 0);
	snapshot_out_release(&out);
	end();
}

static void big_files_of_the_base_are_no_trouble(void **state)
{
	struct snapshot_out out;

	begin("truncate -s 70M big; echo 1 >f1");
	sh(a, "echo 2 >>work/f1");
	take(&out, true);
	assert_int_equal(out.files, 1);
	assert_int_equal(out.refused.n, 0);
	snapshot_out_release(&out);
	end();
}

static void too_many_files(void **state)
{
	struct snapshot_out out;

	begin("echo 1 >f1; echo 2 >f2");
	sh(a, "cd work; mkdir many; cd many; seq 50500 | xargs touch; cd ..; rm f1");
	take(&out, false);
	assert_int_equal(out.files, 50000);
	assert_true(refused(&out, "More than 50,000 files"));
	snapshot_out_release(&out);
	end();
}

/* ---- the race ---- */

struct swapper {
	char *work;
	atomic_bool stop;
	atomic_size_t swaps;
};

static void *swap_them(void *arg)
{
	struct swapper *w = arg;
	int fd = open(w->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (!atomic_load(&w->stop)) {
		syscall(SYS_renameat2, fd, "d", fd, ".l1", 2);
		syscall(SYS_renameat2, fd, "f", fd, ".l2", 2);
		atomic_fetch_add(&w->swaps, 1);
	}
	close(fd);
	return NULL;
}

/* What anybody would write: look, then open by name. */
static size_t naive_leaks(const char *work)
{
	static const char *const names[] = { "d/s", "f" };
	size_t leaks = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = fs_join(work, names[i]), *dir = fs_join(work, "d"), text[16] = "";
		struct stat st, sd;
		int fd;

		if (!lstat(dir, &sd) && S_ISDIR(sd.st_mode) && !lstat(path, &st) &&
			S_ISREG(st.st_mode) && (fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) {
			leaks += read(fd, text, sizeof text - 1) > 0 && strstr(text, "TOPSECRET");
			close(fd);
		}
		free(path);
		free(dir);
	}
	return leaks;
}

static void swapped_links_leak_nothing(void **state)
{
	struct swapper w;
	struct snapshot_out out;
	struct buf cmd = BUF_INIT;
	pthread_t t;
	size_t walks = 0, control = 0;
	int64_t stop, late = clock_mono_ms() + UNIT_DEADLINE;
	char *found;

	begin("mkdir d; echo in >d/s; echo in >f");
	sh(a, "mkdir out; echo TOPSECRET >out/s; ln -s ../out work/.l1; ln -s ../out/s work/.l2");
	w.work = s.work;
	atomic_init(&w.stop, false);
	atomic_init(&w.swaps, 0);
	assert_int_equal(pthread_create(&t, NULL, swap_them, &w), 0);
	for (stop = clock_mono_ms() + 3000; clock_mono_ms() < stop || walks < 20; walks++) {
		take(&out, true);
		snapshot_out_release(&out);
	}
	while (control < 5 && clock_mono_ms() < late)
		control += naive_leaks(s.work);
	atomic_store(&w.stop, true);
	pthread_join(t, NULL);
	buf_fmt(&cmd,
		"git --git-dir=%s cat-file --batch --batch-all-objects | grep -a -c TOPSECRET || "
		"true",
		f.q);
	found = sh_in("/", 0, cmd.p);
	print_message("%zu walks during %zu swaps; check-then-open leaked %zu times\n", walks,
		atomic_load(&w.swaps), control);
	assert_string_equal(found, "0");
	assert_true(control > 0);
	free(found);
	buf_release(&cmd);
	end();
}

static void *grow_and_cut(void *arg)
{
	struct swapper *w = arg;
	char *path = fs_join(w->work, "f"), block[70000];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	memset(block, 'x', sizeof block);
	while (!atomic_load(&w->stop)) {
		atomic_fetch_add(&w->swaps, write(fd, block, sizeof block) > 0);
		if (ftruncate(fd, 10))
			break;
		lseek(fd, 0, SEEK_SET);
	}
	close(fd);
	free(path);
	return NULL;
}

/* A file that grows and shrinks while it is read is stored at some length, and right at the walk
 * after. */
static void a_file_that_never_rests(void **state)
{
	struct swapper w;
	struct snapshot_out out;
	struct buf cmd = BUF_INIT;
	pthread_t t;
	char *differs;

	begin("seq 100 >f; echo 1 >f1");
	w.work = s.work;
	atomic_init(&w.stop, false);
	atomic_init(&w.swaps, 0);
	assert_int_equal(pthread_create(&t, NULL, grow_and_cut, &w), 0);
	for (int i = 0; i < 30; i++) {
		take(&out, i & 1);
		snapshot_out_release(&out);
	}
	atomic_store(&w.stop, true);
	pthread_join(t, NULL);
	assert_true(atomic_load(&w.swaps) > 0);
	take(&out, false);
	buf_fmt(&cmd, "git --git-dir=%s cat-file blob %s:f | cmp - %s/f 2>&1 || true", f.q,
		out.commit, s.work);
	differs = sh_in("/", 0, cmd.p);
	assert_string_equal(differs, "");
	free(differs);
	buf_release(&cmd);
	snapshot_out_release(&out);
	end();
}

/* ---- planted programs ---- */

static const char plant[] =
	"M=$PWD/marks; mkdir -p $M; cd work; rm .git/info/attributes; git config core.fsmonitor "
	"\"touch $M/fsmonitor; false #\"; git config filter.x.clean \"touch $M/clean; cat\";"
	"git config filter.x.smudge \"touch $M/smudge; cat\"; git config diff.x.textconv \"touch "
	"$M/textconv; cat\";"
	"git config diff.x.command \"touch $M/extdiff\"; git config merge.x.driver \"touch "
	"$M/merge\"; git config core.hooksPath hk; mkdir hk;"
	"for h in post-index-change reference-transaction post-checkout pre-commit; do printf "
	"'#!/bin/sh\\ntouch %s/hook\\n' $M >hk/$h; chmod +x hk/$h; done;"
	"echo '* filter=x diff=x merge=x' >.gitattributes; echo changed >>f1; mkdir nest; cd nest;"
	"git -c core.hooksPath=/dev/null init -q .; echo x >x; git -c core.hooksPath=/dev/null add "
	"x; git -c core.hooksPath=/dev/null commit -qm x;"
	"git config core.fsmonitor \"touch $M/sub-fsmonitor; false #\"; git config filter.x.clean "
	"\"touch $M/sub-clean; cat\";"
	"git config core.hooksPath hk; mkdir hk; cp ../hk/* hk; rm -f $M/*";

static void planted_programs_do_not_run(void **state)
{
	struct saving_out out;
	struct snapshot_out snap;

	begin("printf '1\\n2\\n' >f1");
	sh(a, "echo \"$PWD/../../../base.git/objects\" >work/.git/objects/info/alternates");
	sh(a, plant);
	take(&snap, false);
	snapshot_out_release(&snap);
	sh(a, "echo again >>work/f1");
	take(&snap, true);
	snapshot_out_release(&snap);
	OK(saving_run(&s.in, NULL, &out, &E));
	assert_non_null(out.branch);
	assert_string_equal(out.scan, "The variant holds a nested repository: nest.");
	saving_out_release(&out);
	sh_says(a, "ls marks", "");
	/* Control: the same tree, git as anybody calls it. */
	sh(a,
		"(set +e; cd work; git status; git add -A; git diff HEAD; git checkout -q -b other; "
		"true) >log 2>&1;"
		"test -e marks/clean; test -e marks/extdiff; test -e marks/fsmonitor; test -e "
		"marks/hook; test -e marks/sub-fsmonitor");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nasty_names_and_kinds),
		cmocka_unit_test(what_cannot_be_read_is_kept),
		cmocka_unit_test(kinds_we_do_not_record),
		cmocka_unit_test(big_files_of_the_base_are_no_trouble),
		cmocka_unit_test(too_many_files),
		cmocka_unit_test(swapped_links_leak_nothing),
		cmocka_unit_test(a_file_that_never_rests),
		cmocka_unit_test(planted_programs_do_not_run),
	};

	return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
