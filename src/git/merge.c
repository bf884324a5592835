/* merge.c - merge-tree and commit-tree in an object store, with a base of our choice where git's
 * own finds none. */
#include "git/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* stdout: the tree, then the names in conflict. A conflict of a directory and a file may name a
 * path twice. */
static void take_names(const struct child_result *r, struct strv *names)
{
	struct strv f = STRV_INIT;

	strv_split0(&f, r->out.p, r->out.len);
	for (size_t i = 1; i < f.n; i++)
		if (*f.v[i] && !strv_has(names, f.v[i]))
			strv_add(names, f.v[i]);
	strv_release(&f);
}

static int merge_tree(const char *git_dir, const char *ours, const char *theirs, int timeout_ms,
	char **tree, struct strv *names, struct err *e)
{
	struct git_call c;
	struct child_result r;
	int rc;

	git_call_init(&c, git_dir);
	c.timeout_ms = timeout_ms;
	strv_addl(&c.conf, "core.bigFileThreshold=256k", "core.fsync=committed", (char *)NULL);
	strv_addl(&c.args, "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours,
		theirs, (char *)NULL);
	rc = git_run(&c, &r, e);
	if (!rc && tree) {
		*tree = xstrndup(r.out.p, strcspn(r.out.p, "\n"));
		if (!git_oid_ok(*tree)) {
			rc = err_set(
				e, "git_failed", "git merge-tree: its answer is not understood");
			xreplace(tree, NULL);
		}
	} else if (rc && r.code == 1) {
		err_clear(e);
		take_names(&r, names);
		rc = 1;
	}
	child_result_release(&r);
	git_call_release(&c);
	return rc;
}

char *merge_write(const char *git_dir, const struct merge_commit *m, struct err *e)
{
	struct git_call c;
	struct child_result r;
	char *id = NULL;

	git_call_init(&c, git_dir);
	git_env_ident(&c.env, "AUTHOR", m->author);
	git_env_ident(&c.env, "COMMITTER", m->committer);
	if (m->author_date)
		strv_fmt(&c.env, "GIT_AUTHOR_DATE=%s", m->author_date);
	strv_addl(&c.conf, "core.fsync=committed,reference", "commit.gpgSign=false", (char *)NULL);
	strv_addl(&c.args, "commit-tree", "-F", "-", (char *)NULL);
	for (size_t i = 0; i < ARRAY_LEN(m->parent) && m->parent[i]; i++)
		strv_addl(&c.args, "-p", m->parent[i], (char *)NULL);
	strv_add(&c.args, m->tree);
	c.in = m->message;
	c.nin = strlen(m->message);
	if (!git_run(&c, &r, e)) {
		buf_trim(&r.out);
		id = buf_take(&r.out);
	}
	child_result_release(&r);
	git_call_release(&c);
	return id;
}

/* A commit of another commit's tree on a parent of our choice. */
static char *regraft(const char *git_dir, const char *commit, const char *parent, struct err *e)
{
	char *tree = xasprintf("%s^{tree}", commit), *id;
	struct merge_commit m = {
		.tree = tree,
		.parent = { parent },
		.author = "yolodeck <yolodeck@localhost>",
		.committer = "yolodeck <yolodeck@localhost>",
		.author_date = "@1 +0000",
		.message = "chosen base\n",
	};

	id = merge_write(git_dir, &m, e);
	free(tree);
	return id;
}

int merge_on_base(const char *git_dir, const char *base, const char *ours, const char *theirs,
	int timeout_ms, char **tree, struct strv *names, struct err *e)
{
	char *root = regraft(git_dir, base, NULL, e);
	char *a = root ? regraft(git_dir, ours, root, e) : NULL;
	char *b = a ? regraft(git_dir, theirs, root, e) : NULL;
	int rc = b ? merge_tree(git_dir, a, b, timeout_ms, tree, names, e) : -1;

	free(root);
	free(a);
	free(b);
	return rc;
}

int merge_commits(const char *git_dir, const char *base, const char *ours, const char *theirs,
	int timeout_ms, char **tree, struct strv *names, struct err *e)
{
	int rc = merge_tree(git_dir, ours, theirs, timeout_ms, tree, names, e);

	if (rc < 0 && !strcmp(e->code, "git_failed")) {
		err_clear(e);
		rc = merge_on_base(git_dir, base, ours, theirs, timeout_ms, tree, names, e);
	}
	return rc;
}
