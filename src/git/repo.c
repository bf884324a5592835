/* repo.c - finds the user's repository and what it stands on; which work trees use a branch. */
#include "git/git.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"

void git_repo_release(struct git_repo *r)
{
	free(r->common);
	free(r->git_dir);
	free(r->top);
	free(r->name);
	free(r->format);
	free(r->head_ref);
	free(r->head);
	free(r->ident);
	memset(r, 0, sizeof *r);
}

static void strip_suffix(char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	if (n > m && !strcmp(s + n - m, suffix))
		s[n - m] = '\0';
}

/* ".../src/parser/.git" -> "parser", ".../parser.git" -> "parser". */
static char *display_name(const struct git_repo *r)
{
	char *dir, *name;

	if (!strcmp(fs_basename(r->common), ".git")) {
		dir = fs_dirname(r->common);
		name = xstrdup(fs_basename(dir));
		free(dir);
	} else {
		name = xstrdup(fs_basename(r->common));
		strip_suffix(name, ".git");
	}
	if (!*name || !strcmp(name, "/"))
		xreplace(&name, "repository");
	return name;
}

/* NULL = git would not commit here. */
static char *read_ident(const char *git_dir, const char *cwd)
{
	struct git_call c;
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	char *ident = NULL, *gt;

	git_in_tree(&c, git_dir, NULL, GIT_READS);
	c.cwd = cwd;
	if (!git_capture(&c, &out, &e, "var", "GIT_COMMITTER_IDENT", (char *)NULL)) {
		gt = strrchr(out.p, '>');
		if (gt)
			ident = xstrndup(out.p, (size_t)(gt + 1 - out.p));
	}
	buf_release(&out);
	return ident;
}

/* HEAD is a plain text file with the "files" ref storage; reftable keeps ".invalid" there, then git
 * is asked. */
static int read_head(struct git_repo *r, struct err *e)
{
	struct buf b = BUF_INIT, id = BUF_INIT;
	char *path = fs_join(r->git_dir, "HEAD");
	bool plain = !fs_read(path, 4096, &b, e) && !strstr(b.p, ".invalid");
	int rc = 0;

	buf_trim(&b);
	if (plain && !strncmp(b.p, "ref: refs/", 10))
		r->head_ref = xstrdup(b.p + 5);
	else if (!git_out(r->git_dir, &b, e, "symbolic-ref", "-q", "HEAD", (char *)NULL))
		r->head_ref = xstrdup(b.p);
	if (!r->head &&
		!git_out(r->git_dir, &id, e, "rev-parse", "-q", "--verify", "HEAD^{commit}",
			(char *)NULL))
		r->head = xstrdup(id.p);
	else if (!r->head && strcmp(e->code, "git_failed"))
		rc = -1;
	err_clear(e);
	if (rc)
		err_set(e, "git_failed", "HEAD of %s could not be read", r->git_dir);
	free(path);
	buf_release(&b);
	buf_release(&id);
	return rc;
}

static int not_a_repository(const char *cwd, const struct child_result *res, struct err *e)
{
	if (strstr(res->err.p, "dubious ownership"))
		return err_set(e, "not_a_repository",
			"%s belongs to another user and git does not trust it; see safe.directory "
			"in `git help config`",
			cwd);
	if (strstr(res->err.p, "not a git repository"))
		return err_set(e, "not_a_repository",
			"%s is not in a git repository; go into one, or make one with `git init`",
			cwd);
	return err_prefix(e, "The repository of %s could not be read", cwd);
}

/* Lines of `rev-parse`: common dir, git dir, format, bare, then top and HEAD, which may be missing
 * (bare, unborn). */
static int take_lines(struct git_repo *r, char *text, struct err *e)
{
	char *line[7] = { NULL };
	size_t n = 0;

	for (char *p = text; *p && n < ARRAY_LEN(line);) {
		size_t len = strcspn(p, "\n");
		bool more = p[len] == '\n';

		p[len] = '\0';
		line[n++] = p;
		p += len + more;
	}
	if (n < 4 || n > 6 || line[0][0] != '/' || line[1][0] != '/' || strncmp(line[2], "sha", 3))
		return err_set(e, "not_a_repository",
			"git's answer about this repository is not understood (a newline in its "
			"path?)");
	r->common = xstrdup(line[0]);
	r->git_dir = xstrdup(line[1]);
	r->format = xstrdup(line[2]);
	r->bare = !strcmp(line[3], "true");
	if (n > 4 && line[4][0] == '/') {
		r->top = xstrdup(line[4]);
		r->top_seen = true;
	}
	if (n > 5 && git_oid_ok(line[5]))
		r->head = xstrdup(line[5]);
	return 0;
}

/* One question for all of it. Returns git's own failure in rc only when it said nothing at all:
 * without a work tree or a commit the last answers are missing, and that is no failure. */
static int ask(struct git_call *c, struct git_repo *r, const char *where, struct err *e)
{
	struct child_result res;
	int rc;

	strv_addl(&c->args, "rev-parse", "--path-format=absolute", "--git-common-dir", "--git-dir",
		"--show-object-format", "--is-bare-repository", "--show-toplevel", "HEAD",
		(char *)NULL);
	rc = git_run(c, &res, e);
	if (rc && res.code == 128 && res.out.len) {
		err_clear(e);
		rc = 0;
	} else if (rc && !strcmp(e->code, "git_failed")) {
		rc = not_a_repository(where, &res, e);
	}
	if (!rc)
		rc = take_lines(r, res.out.p, e);
	if (!rc)
		rc = read_head(r, e);
	child_result_release(&res);
	return rc;
}

/* The directory that holds ".git". git did not name it, so top_seen stays false. */
static void top_of_common(struct git_repo *r)
{
	if (!r->bare && !strcmp(fs_basename(r->common), ".git"))
		r->top = fs_dirname(r->common);
}

static int finish_open(struct git_repo *r, int rc)
{
	if (rc) {
		git_repo_release(r);
		return -1;
	}
	r->ident = read_ident(r->git_dir, r->top ? r->top : r->common);
	r->name = display_name(r);
	return 0;
}

int git_repo_open(struct git_repo *r, const char *cwd, struct err *e)
{
	struct git_call c;
	int rc;

	memset(r, 0, sizeof *r);
	git_in_tree(&c, NULL, NULL, GIT_READS);
	c.cwd = cwd;
	rc = ask(&c, r, cwd, e);
	git_call_release(&c);
	if (!rc && !r->top)
		top_of_common(r);
	return finish_open(r, rc);
}

int git_repo_open_common(struct git_repo *r, const char *common, struct err *e)
{
	struct git_call c;
	int rc;

	memset(r, 0, sizeof *r);
	git_call_init(&c, common);
	rc = ask(&c, r, common, e);
	git_call_release(&c);
	if (rc && !strcmp(e->code, "not_a_repository"))
		err_set(e, "not_a_repository",
			"The repository %s is gone or damaged; was it moved?", common);
	/* With --git-dir the work tree is core.worktree (submodules) or else our own cwd. */
	if (!rc && r->top && !strcmp(r->top, "/")) {
		xreplace(&r->top, NULL);
		r->top_seen = false;
		top_of_common(r);
	}
	return finish_open(r, rc);
}

/* Files in a work tree's git dir that name a branch it is working on while HEAD is detached. */
static bool admin_dir_uses(const char *dir, const char *ref)
{
	static const char *const files[] = { "rebase-merge/head-name", "rebase-apply/head-name",
		"rebase-merge/update-refs", "BISECT_START" };
	const char *branch = strncmp(ref, "refs/heads/", 11) ? ref : ref + 11;
	bool uses = false;

	for (size_t i = 0; i < ARRAY_LEN(files) && !uses; i++) {
		struct buf b = BUF_INIT;
		struct err e = ERR_INIT;
		char *path = fs_join(dir, files[i]);

		if (!fs_read(path, 1 << 20, &b, &e))
			for (char *p = b.p; *p && !uses; p += strcspn(p, "\n"), p += *p == '\n') {
				size_t n = strcspn(p, "\n");

				uses = (n == strlen(ref) && !strncmp(p, ref, n)) ||
					(n == strlen(branch) && !strncmp(p, branch, n));
			}
		buf_release(&b);
		free(path);
	}
	return uses;
}

static char *rebased_in(const struct git_repo *r, const char *ref)
{
	char *dir = fs_join(r->common, "worktrees"), *found = NULL;
	DIR *d;
	struct dirent *ent;

	if (admin_dir_uses(r->common, ref))
		found = xstrdup(r->common);
	d = opendir(dir);
	while (d && !found && (ent = readdir(d))) {
		char *sub = fs_join(dir, ent->d_name);

		if (ent->d_name[0] != '.' && admin_dir_uses(sub, ref))
			found = xstrdup(sub);
		free(sub);
	}
	if (d)
		closedir(d);
	free(dir);
	return found;
}

int git_checked_out(const struct git_repo *r, const char *ref, char **where, struct err *e)
{
	struct git_call c;
	struct strv f = STRV_INIT;
	const char *path = NULL;
	int rc;

	*where = NULL;
	git_call_init(&c, r->common);
	rc = git_list(&c, &f, e, "worktree", "list", "--porcelain", "-z", (char *)NULL);
	for (size_t i = 0; !rc && !*where && i < f.n; i++) {
		if (!strncmp(f.v[i], "worktree ", 9))
			path = f.v[i] + 9;
		else if (path && !strncmp(f.v[i], "branch ", 7) && !strcmp(f.v[i] + 7, ref))
			*where = xstrdup(path);
	}
	if (!rc && !*where)
		*where = rebased_in(r, ref);
	strv_release(&f);
	return rc;
}
