/* promote_tree.c - is a directory really a work tree of a git directory, and may it be written to?
 *
 * git itself does not know where the main work tree is: with a separate git directory `worktree
 * list` names the git directory in its place. */
#include "git/promote_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/git.h"

enum { GITFILE_MAX = 1 << 16 };

/* What dir/.git stands for: itself, the target of a link, or what a file "gitdir: path" names.
 * NULL = nothing that is there. */
static char *resolve_dot_git(const char *dir)
{
	struct err ignored = ERR_INIT;
	struct buf b = BUF_INIT;
	char *path = fs_join(dir, ".git"), *real = fs_realpath(path, &ignored), *joined;
	const char *to;

	if (real && !fs_is_dir(real)) {
		xreplace(&real, NULL);
		if (!fs_read(path, GITFILE_MAX, &b, &ignored) && !strncmp(b.p, "gitdir: ", 8)) {
			while (b.p[b.len - 1] == '\n' || b.p[b.len - 1] == '\r')
				b.p[--b.len] = '\0';
			to = b.p + 8;
			joined = *to == '/' ? xstrdup(to) : fs_join(dir, to);
			real = fs_realpath(joined, &ignored);
			free(joined);
		}
	}
	buf_release(&b);
	free(path);
	return real;
}

/* The part of path below dir ("" = the same); NULL = it is not in there. Both resolved. */
static const char *path_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strncmp(path, dir, n) || (path[n] && path[n] != '/' && n > 1))
		return NULL;
	return path[n] == '/' ? path + n + 1 : path + n;
}

/* git never writes to a path with a component ".git". */
static bool git_protects(const char *path)
{
	for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/')
		if (strcspn(p, "/") == 4 && !strncmp(p, ".git", 4))
			return true;
	return false;
}

static void refuse_overlap(const char *dir, const char *git_dir, struct refusal *why)
{
	char *tilde = fs_tilde(dir), *git_tilde = fs_tilde(git_dir);
	const char *in = path_below(dir, git_dir), *holds = path_below(git_dir, dir);

	if (in && !*in)
		refusal_set(why, "unsafe_tree",
			"%s is the git directory, no work tree; nothing is written to it. Promote from "
			"your work tree.",
			tilde);
	else if (in)
		refusal_set(why, "unsafe_tree",
			"The work tree %s lies in the git directory %s; nothing is written there. Move "
			"it out (git worktree move).",
			tilde, git_tilde);
	else if (holds && !git_protects(holds))
		refusal_set(why, "unsafe_tree",
			"The work tree %s holds its git directory as %s, where a promoted file could "
			"become a hook; move that out (git init --separate-git-dir=...).",
			tilde, holds);
	free(tilde);
	free(git_tilde);
}

void promote_tree_check(
	const char *dir, const char *git_dir, const char *common, struct refusal *why)
{
	struct err e = ERR_INIT;
	char *at = fs_realpath(dir, &e), *git = fs_realpath(git_dir, &e),
	     *shared = fs_realpath(common, &e), *named = at ? resolve_dot_git(at) : NULL;

	if (at && git && shared) {
		refuse_overlap(at, git, why);
		refuse_overlap(at, shared, why);
	}
	if (!at || !git || !shared || !named || strcmp(named, git)) {
		char *tilde = fs_tilde(dir), *git_tilde = fs_tilde(git_dir);

		refusal_set(why, "unsafe_tree",
			"The .git of %s does not name %s as its git directory, so nothing is written "
			"there; `git worktree repair` mends a work tree that was moved.",
			tilde, git_tilde);
		free(tilde);
		free(git_tilde);
	}
	free(at);
	free(git);
	free(shared);
	free(named);
}

bool promote_tree_has_files(const char *dir, const char *git_dir)
{
	struct err ignored = ERR_INIT;
	struct strv files = STRV_INIT;
	struct git_call c;
	bool there;

	git_call_init(&c, git_dir);
	there = !git_list(&c, &files, &ignored, "ls-files", "-z", (char *)NULL) && !files.n;
	for (size_t i = 0; i < files.n && !there; i++) {
		char *path = fs_join(dir, files.v[i]);

		there = fs_exists(path);
		free(path);
	}
	strv_release(&files);
	return there;
}
