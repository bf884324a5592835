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

/* git in the new work tree: only files of ours are there. Ends with NULL. */
static int in_tree(const char *git_dir, const char *tree, struct err *e, ...)
	__attribute__((sentinel));
static int in_tree(const char *git_dir, const char *tree, struct err *e, ...)
{
	struct git_call c;
	struct child_result r;
	const char *arg;
	va_list ap;
	git_call_init(&c, git_dir);
	c.work_tree = tree;
	c.cwd = tree;
	va_start(ap, e);
	while ((arg = va_arg(ap, const char *)))
		strv_add(&c.args, arg);
	va_end(ap);
	int rc = git_run(&c, &r, e);
	child_result_release(&r);
	git_call_release(&c);
	return rc;
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
		in_tree(git_dir, dir, e, "config", "user.name", name, (char *)NULL) ||
		in_tree(git_dir, dir, e, "config", "user.email", mail, (char *)NULL) ||
		in_tree(git_dir, dir, e, "add", "-A", (char *)NULL) ||
		in_tree(git_dir, dir, e, "commit", "-q", "-m", subject, (char *)NULL))
		goto out;
	rc = 0;
out:
	free(git_dir);
	return rc;
}
