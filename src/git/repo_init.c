/* repo_init.c - a new repository with one commit of given files. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/git.h"
#include "git/repo_init.h"

static int put_file(const char *dir, const struct repo_init_file *f, struct err *e)
{
	char *path = fs_join(dir, f->path), *parent = fs_dirname(path);
	int rc = fs_mkdirs(parent, 0755, e);
	if (!rc)
		rc = fs_create(path, f->mode, f->data, f->len, e);
	free(path);
	free(parent);
	return rc;
}

/* git in the new work tree: only files of ours are there. */
static int in_tree(const char *git_dir, const char *tree, struct err *e, const char *verb,
	const char *a, const char *b)
{
	struct git_call c;

	git_call_init(&c, git_dir);
	c.work_tree = c.cwd = tree;
	return git_capture(&c, NULL, e, verb, a, b, (char *)NULL);
}

int repo_init(const char *dir, const struct repo_init_file *f, size_t n, const char *name,
	const char *mail, const char *subject, struct err *e)
{
	char *git_dir = fs_join(dir, ".git");
	int rc = -1;
	if (fs_exists(dir)) {
		err_set(e, "exists", "%s is there already", dir);
		goto out;
	}
	if (fs_mkdirs(dir, 0755, e))
		goto out;
	for (size_t i = 0; i < n; i++)
		if (put_file(dir, &f[i], e))
			goto out;
	if (git_out(git_dir, NULL, e, "init", "-q", "--initial-branch=main",
		    "--template=", (char *)NULL) ||
		in_tree(git_dir, dir, e, "config", "user.name", name) ||
		in_tree(git_dir, dir, e, "config", "user.email", mail) ||
		in_tree(git_dir, dir, e, "add", "-A", NULL) ||
		in_tree(git_dir, dir, e, "commit", "-qm", subject))
		goto out;
	rc = 0;
out:
	free(git_dir);
	return rc;
}
