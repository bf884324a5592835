/* snapfix.h - a repository, a race and one checked out variant a-1, whose snapshots a test takes.
 */
#ifndef UNIT_SNAPFIX_H
#define UNIT_SNAPFIX_H

#include "gitfix.h"

static struct fix f;
static char *a;
static struct fix_snap s;

static inline void begin(const char *script)
{
	fix_init(&f, script);
	fix_prepare(&f);
	a = fix_variant(&f, "a-1");
	fix_snap_init(&f, &s, a, "a-1");
}

static inline void end(void)
{
	fix_snap_release(&s);
	free(a);
	fix_release(&f);
}

static inline void take(struct snapshot_out *out, bool full)
{
	s.in.full = full;
	OK(snapshot_take(&s.in, out, &E));
}

static inline char *git_q(const char *what)
{
	struct buf cmd = BUF_INIT;
	char *out;

	buf_fmt(&cmd, "git --git-dir=%s %s", f.q, what);
	out = sh_in("/", 0, cmd.p);
	buf_release(&cmd);
	return out;
}

/* The tree git itself would make of the files. */
static inline char *plain_tree(void)
{
	return sh_in(a, 0,
		"rm -rf ../plain; cp -a work ../plain; cd ../plain; rm -rf .git; git init -q; git "
		"add -A; git write-tree");
}

static inline void assert_tree_is_gits(const char *commit)
{
	struct buf rev = BUF_INIT;
	char *want = plain_tree(), *got;

	buf_fmt(&rev, "rev-parse %s^{tree}", commit);
	got = git_q(rev.p);
	assert_string_equal(got, want);
	free(want);
	free(got);
	buf_release(&rev);
}

#endif
