/* snapshot.h - hostile tree -> one commit in the quarantine, by our own walker and one `git
 * fast-import` (facts: git.md 2). No git process ever enters the tree. Blocking: call in a worker.
 * Two of the same variant wait for each other. */
#ifndef GIT_SNAPSHOT_H
#define GIT_SNAPSHOT_H

#include "git/git.h"

struct snapshot_in {
	const struct git_repo *repo;
	const char *quarantine; /* races/7/q.git */
	const char *work, *cache; /* <variant>/work, <variant>/walk.cache */
	int race;
	const char *variant;
	const char *base; /* commit that the columns and the scan compare with */
	/* commit the result stands on (exactly one commit on it); NULL = base */
	const char *parent;
	const char *subject; /* first line of prompt or command */
	bool full; /* saving: read every file; else trust the cache */
	/* saving: where nothing differs from the base there is no commit and no branch */
	bool only_changed;
};
struct snapshot_out {
	/* owned; the base while nothing differs, but a full one always has its own */
	char *commit, *tree;
	bool changed; /* differs from the commit of the snapshot before */
	int files; /* against base; -1 = could not be counted in time */
	int64_t added, removed; /* binary files count 0 */
	struct strv paths; /* changed paths, at most 1000 */
	/* sentences: "a nested repository: vendor/x", ... block promote */
	struct strv refused;
	char *not_recorded; /* "120 ignored files", NULL = everything is there */
	size_t ignored;
	struct strv crlf; /* files with CRLF among those that were read */
	struct strv filtered; /* saving: "a.bin (lfs)", recorded without their filter */
};
int snapshot_take(const struct snapshot_in *in, struct snapshot_out *out, struct err *e);
void snapshot_out_release(struct snapshot_out *o);

/* How commits of this variant are signed and worded. The first two are the caller's to free. */
char *snapshot_author(const struct snapshot_in *in);
char *snapshot_message(const struct snapshot_in *in);
const char *snapshot_committer(const struct snapshot_in *in);
struct diff_stat;
void snapshot_set_columns(struct snapshot_out *out, const struct diff_stat *st);

#endif
