/* diff.h - what changed, between commits only, in the quarantine, cwd "/", with caps and a time
 * limit. Blocking. */
#ifndef GIT_DIFF_H
#define GIT_DIFF_H

#include "git/git.h"

struct diff_file {
	char *path, *from; /* from: its name before, NULL = the same */
	int64_t added, removed; /* -1 = binary or too big */
};
struct diff_stat {
	struct diff_file *f;
	size_t n;
	int64_t added, removed;
	bool cut;
};

/* numstat a..b, at most 50,000 files; one that was renamed counts once. */
int diff_stat(
	const char *git_dir, const char *a, const char *b, struct diff_stat *out, struct err *e);
void diff_stat_release(struct diff_stat *s);
/* The patch as bytes (raw: show through base/vt), at most cap. path NULL = all. */
int diff_patch(const char *git_dir, const char *a, const char *b, const char *path, size_t cap,
	struct buf *out, bool *cut, struct err *e);
/* What differs between the directories a and b below dir, which is in no repository. */
int diff_directories(const char *dir, struct buf *out, struct err *e);
/* Conflicts of merging b into tip (merge-tree in the quarantine git_dir; common: the user's git
 * dir): names. 0 files = clean. */
int diff_conflicts(const char *git_dir, const char *common, const char *base, const char *tip,
	const char *b, struct strv *names, struct err *e);
/* Paths of a..b that tools run by themselves (.husky/, CI, .envrc, Makefile, .gitattributes ...).
 */
void diff_auto_run(const struct diff_stat *s, struct strv *out);

#endif
