/* test_pack.c - the runner's tar against tar itself: names, links, what is no file, trees that
 * change while they are packed. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/asset.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"

static char dir[64], runner[80];

static int setup(void **state)
{
	struct err e;
	const struct asset *a = asset_find("runner");

	strcpy(dir, "/tmp/yolo-pack-XXXXXX");
	if (!mkdtemp(dir) || !a)
		return -1;
	snprintf(runner, sizeof runner, "%s/runner", dir);
	return fs_create(runner, 0755, a->data, a->len, &e);
}

static int teardown(void **state)
{
	struct err e;

	return fs_remove_tree(dir, "runner", &e);
}

static void begin(struct child *c, const char *script)
{
	struct err e;
	struct child_spec s = CHILD_SPEC_INIT;

	s.argv = (const char *const[]){ "/bin/sh", "-c", script, runner, NULL };
	s.cwd = dir;
	s.new_group = true;
	s.err = CHILD_INHERIT;
	if (child_start(c, &s, &e) < 0)
		fail_msg("%s", e.msg);
}

/* $0 is the runner, the directory is ours; both outputs in one, the exit code at its end. */
static void sh(const char *script, const char *want)
{
	struct err e;
	struct child_result r;
	struct child_spec s = CHILD_SPEC_INIT;
	struct buf text = BUF_INIT;

	buf_fmt(&text, "{ %s\n} 2>&1; echo $?", script);
	s.argv = (const char *const[]){ "/bin/sh", "-c", text.p, runner, NULL };
	s.cwd = dir;
	if (child_run(&s, NULL, 0, 1 << 20, UNIT_DEADLINE, &r, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(r.out.p, want);
	child_result_release(&r);
	buf_release(&text);
}

/* Packs t and takes it apart again as x, which has to be equal. */
#define ROUND \
	"\"$0\" --pack t --to o.tar && rm -rf x && mkdir x && tar xf o.tar -C x && diff -r --no-dereference t x && " \
	"(cd t && find . -printf '%m %y %l %P\\n' | sort) >t.list && (cd x && find . -printf '%m %y %l %P\\n' | sort) >x.list && diff t.list x.list"

static void trees(void **state)
{
	sh("rm -rf t && mkdir t && chmod 755 t && chmod 755 . && umask 022 && mkdir x && chmod 755 x && " ROUND,
		"0\n");
	sh("mkdir -p t/a/b/c t/empty && echo hello >t/a/f && ln -s ../f t/a/b/l && ln -s nowhere t/dangling && "
	   "head -c 700001 /dev/urandom >t/rnd && head -c 512 /dev/zero >t/block && : >t/none && truncate -s 9M t/sparse && "
	   "chmod 755 t/a/f && chmod 700 t/empty && printf x >\"t/a b\" && printf x >\"t/$(printf 'new\\nline')\" && printf x >\"$(printf 't/\\377')\" && "
	   "umask 022 && " ROUND,
		"0\n");
	/* names around the hundred bytes of a header, and far beyond; targets too */
	sh("n=$(printf 'n%.0s' $(seq 90)); for i in 1 22 333 4444 55555 666666 7777777 88888888 999999999 aaaaaaaaaa bbbbbbbbbbb; do "
	   "echo $i >t/$n$i && ln -s $n$i t/l$i && mkdir t/d$n$i && echo $i >t/d$n$i/$n$n; done; "
	   "mkdir -p t/$n$n/$n$n/$n$n && echo deep >t/$n$n/$n$n/$n$n/$n$n && ln -s /$n$n/$n$n/$n t/far && umask 022 && " ROUND,
		"0\n");
	/* hard links become files of their own */
	sh("ln t/a/f t/hard && umask 022 && " ROUND " && tar tvf o.tar | grep -c ^h", "0\n1\n");
}

static void left_out(void **state)
{
	sh("rm -rf t x && mkdir -p t/.git/x t/sub/.git && echo x >t/.git/x/y && echo y >t/sub/.git/z && echo f >t/f && mkfifo t/p t/sub/q && "
	   "\"$0\" --pack t --to o.tar && tar tf o.tar | sort",
		"runner: skipped 2 that are no files, directories or links, or too deep\nf\nsub/\nsub/.git/\nsub/.git/z\n0\n");
	/* deeper than we go: said, and the rest is there */
	sh("rm -rf t && mkdir t && (cd t && for i in $(seq 600); do mkdir d && cd d; done) && echo f >t/f && \"$0\" --pack t --to o.tar; tar tf o.tar | grep -c d; tar tf o.tar | grep -x f",
		"runner: skipped 1 that are no files, directories or links, or too deep\n511\nf\n0\n");
	sh("\"$0\" --pack nowhere --to o.tar",
		"runner: cannot read nowhere: No such file or directory\n125\n");
	sh("ln -s t link; \"$0\" --pack link --to o.tar",
		"runner: cannot read link: Not a directory\n125\n");
	sh("\"$0\" --pack t --to no/o.tar",
		"runner: cannot write no/o.tar: No such file or directory\n125\n");
	sh("rm -rf t && mkdir t && truncate -s 9G t/a t/b && truncate -s 9G t/c && \"$0\" --pack t --to /dev/full",
		"runner: cannot write /dev/full: No space left on device\n125\n");
	/* nothing of what is too large is written */
	sh("rm -rf t && mkdir t && truncate -s 21G t/a && \"$0\" --pack t --to o.tar; stat -c %s o.tar",
		"runner: the tree is larger than 20 GiB or a million files\n1024\n0\n");
}

static void big_size(void **state)
{
	sh("rm -rf t && mkdir t && truncate -s 9G t/a && mkfifo p && { head -c 512 <p | tar tvf - 2>err | awk '{ print $3, $6 }' & } && \"$0\" --pack t --to p; wait",
		"9663676416 a\n0\n");
}

/* Files that shrink, grow, come and go, a directory swapped for a link to what is none of its
 * business: tar reads every one of them, and nothing from outside is in it. */
static void changing(void **state)
{
	struct child c;
	int code;

	sh("rm -rf t && mkdir -p t/real secret t/many && echo secret-content >secret/f && echo mine >t/real/f && cp -r t/real t/d && "
	   "for i in $(seq 300); do echo $i >t/many/$i; done; head -c 3000000 /dev/zero >t/size",
		"0\n");
	begin(&c,
		"set -e; while [ ! -e done ]; do "
		"mv t/d t/d2; ln -s ../secret t/d; : >t/size; rm t/d; mv t/d2 t/d; head -c 3000000 /dev/zero >t/size;"
		"mv t/real/f t/real/g; ln -s ../../secret/f t/real/f; rm t/many/7; rm t/real/f; mv t/real/g t/real/f; echo 7 >t/many/7;"
		"done");
	sh("for i in $(seq 40); do \"$0\" --pack t --to o.tar 2>err || { echo failed; cat err; }; grep -v '^runner: skipped' err; tar tf o.tar >list || echo broken; "
	   "! grep -q secret-content o.tar || echo leaked; grep -q many/299 list || echo lost; done; : >done; rm -f o.tar",
		"0\n");
	assert_int_equal(child_wait(&c, UNIT_DEADLINE, &code), 1);
	assert_int_equal(code, 0);
}

/* The directory and a link out of the tree change places all the time, as fast as the kernel can:
 * both are packed as the one or as the other, and never what the link leads to. */
static void swapped(void **state)
{
	char a[80], b[80];

	snprintf(a, sizeof a, "%s/t/a", dir);
	snprintf(b, sizeof b, "%s/t/b", dir);
	sh("rm -rf t secret && mkdir -p t/a secret && echo secret-content >secret/f && echo mine >t/a/f && ln -s ../secret t/b",
		"0\n");
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
	}
	assert_true(pid > 0);
	sh("for i in $(seq 150); do \"$0\" --pack t --to o.tar 2>err || echo failed; tar tf o.tar >list || echo broken; "
	   "! grep -q secret-content o.tar || echo leaked; done",
		"0\n");
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void copies(void **state)
{
	sh("head -c 700001 /dev/urandom >a && echo b >b && \"$0\" --copy a a2 nowhere n2 b b2 && cmp a a2 && cmp b b2 && stat -c '%s %a' n2",
		"0 600\n0\n");
	sh("ln -s a l; \"$0\" --copy l l2; ls l2",
		"runner: cannot read l: Too many levels of symbolic links\nls: cannot access 'l2': No such file or directory\n2\n");
	sh("mkfifo ff; \"$0\" --copy ff f2", "runner: cannot read ff: not a regular file\n125\n");
	sh("\"$0\" --copy a /dev/full",
		"runner: cannot copy to /dev/full: No space left on device\n125\n");
	sh("\"$0\" --copy a", "runner: bad option --copy\n125\n");
	sh("\"$0\" --touch new && stat -c '%s %a' new && echo x >new && \"$0\" --touch new && cat new",
		"0 600\nx\n0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees),
		cmocka_unit_test(left_out),
		cmocka_unit_test(big_size),
		cmocka_unit_test(changing),
		cmocka_unit_test(swapped),
		cmocka_unit_test(copies),
	};
	setenv("LC_ALL", "C", 1);
	return cmocka_run_group_tests(tests, setup, teardown);
}
