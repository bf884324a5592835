/* promote_target.c - which branch is meant, where it is checked out, and what about the
 * repository's state forbids moving it. */
#include "git/promote_target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/promote_tree.h"

void target_release(struct target *t)
{
	free(t->ref);
	free(t->name);
	free(t->tip);
	free(t->dir);
	free(t->git_dir);
	free(t->ident);
	memset(t, 0, sizeof(*t));
}

const char *target_unfinished(const char *git_dir)
{
	static const struct {
		const char *file, *word;
	} marks[] = {
		{ "rebase-merge", "rebase" },
		{ "rebase-apply/applying", "git am" },
		{ "rebase-apply", "rebase" },
		{ "MERGE_HEAD", "merge" },
		{ "CHERRY_PICK_HEAD", "cherry-pick" },
		{ "REVERT_HEAD", "revert" },
		{ "BISECT_LOG", "bisect" },
		{ "sequencer", "cherry-pick or revert" },
	};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		char *p = fs_join(git_dir, marks[i].file);
		bool there = fs_exists(p);

		free(p);
		if (there)
			return marks[i].word;
	}
	return NULL;
}

/* <common>/worktrees/<id>/gitdir holds "<work tree>/.git", newer git may write it relative to that
 * directory. */
char *target_tree_of(const struct git_repo *repo, const char *admin)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char *file = fs_join(admin, "gitdir"), *path = NULL, *dir;

	if (!strcmp(admin, repo->common)) {
		path = xstrdup(repo->top ? repo->top : repo->common);
	} else if (!fs_read(file, 8192, &b, &e)) {
		buf_trim(&b);
		path = *b.p == '/' ? xstrdup(b.p) : fs_join(admin, b.p);
		dir = fs_dirname(path);
		free(path);
		path = fs_realpath(dir, &e);
		if (!path)
			path = xstrdup(dir);
		free(dir);
	} else {
		path = xstrdup(admin);
	}
	buf_release(&b);
	free(file);
	return path;
}

/* The git dir of a linked work tree, by what its administrative directory says. NULL = none says
 * so. */
static char *admin_of(const struct git_repo *repo, const char *tree)
{
	struct err e = ERR_INIT;
	char *dir = fs_join(repo->common, "worktrees"), *real = fs_realpath(tree, &e),
	     *found = NULL;
	DIR *d = opendir(dir);
	struct dirent *ent;

	while (d && !found && (ent = readdir(d))) {
		char *admin, *says;

		if (ent->d_name[0] == '.')
			continue;
		admin = fs_join(dir, ent->d_name);
		says = target_tree_of(repo, admin);
		if (!strcmp(says, tree) || (real && !strcmp(says, real)))
			found = xstrdup(admin);
		free(says);
		free(admin);
	}
	if (d)
		closedir(d);
	free(real);
	free(dir);
	return found;
}

static void refuse_unfinished(struct refusal *why, const char *word, const char *where)
{
	char *tilde = where ? fs_tilde(where) : NULL;

	refusal_set(why, "unfinished", "You are in the middle of a %s%s%s; finish it first.", word,
		tilde ? " in " : "", tilde ? tilde : "");
	free(tilde);
}

static void refuse_lock(struct refusal *why, const char *dir, const char *name)
{
	char *p = fs_join(dir, name), *tilde = fs_tilde(p);

	if (fs_exists(p))
		refusal_set(why, "git_locked",
			"A git command is running here (%s). If none is, remove %s.",
			fs_basename(name), tilde);
	free(tilde);
	free(p);
}

void target_check_state(const struct git_repo *repo, const struct target *t, struct refusal *why)
{
	const char *word = t->git_dir ? target_unfinished(t->git_dir) : NULL;
	bool elsewhere = t->dir && (!repo->top || strcmp(repo->top, t->dir));
	char *lock = xasprintf("%s.lock", t->ref);

	if (word)
		refuse_unfinished(why, word, elsewhere ? t->dir : NULL);
	if (t->git_dir) {
		refuse_lock(why, t->git_dir, "index.lock");
		refuse_lock(why, t->git_dir, "HEAD.lock");
	}
	refuse_lock(why, repo->common, lock);
	free(lock);
}

/* Where the main work tree is. Only git's own word counts, given from inside it or by
 * core.worktree, and the place beside a .git that holds files of its index. NULL = it cannot be
 * told. */
static char *find_main_tree(const struct git_repo *now)
{
	bool main = !strcmp(now->git_dir, now->common);
	struct git_repo beside;
	struct err ignored = ERR_INIT;
	char *top = NULL;

	if (main && now->top_seen)
		return xstrdup(now->top);
	if (git_repo_open_common(&beside, now->common, &ignored) < 0)
		return NULL;
	if (beside.top && (beside.top_seen || promote_tree_has_files(beside.top, now->common)))
		top = xstrdup(beside.top);
	git_repo_release(&beside);
	return top;
}

static void set_tree(const struct git_repo *now, bool main, const char *path, struct target *t)
{
	free(t->dir);
	free(t->git_dir);
	t->git_dir = main ? xstrdup(now->common) : admin_of(now, path);
	if (main)
		t->dir = find_main_tree(now);
	else if (t->git_dir && !strcmp(t->git_dir, now->git_dir) && now->top_seen)
		t->dir = xstrdup(now->top); /* moved by hand: git's list has the old place */
	else
		t->dir = xstrdup(path);
}

static void check_tree(const struct git_repo *now, const struct target *t, struct refusal *why)
{
	char *tilde = fs_tilde(t->git_dir ? t->git_dir : now->common);

	if (!t->dir)
		refusal_set(why, "tree_unknown",
			"%s is checked out in the main work tree of this repository, which cannot be "
			"found from here (its git directory is %s); go there and promote from there.",
			t->name, tilde);
	else if (!t->git_dir)
		refusal_set(why, "tree_missing",
			"%s is checked out in %s, whose git directory cannot be found; run `git "
			"worktree repair` there.",
			t->name, t->dir);
	else if (!fs_is_dir(t->dir))
		refusal_set(why, "tree_missing",
			"%s is checked out in %s, which is not there; bring it back or run `git "
			"worktree prune`.",
			t->name, t->dir);
	else
		promote_tree_check(t->dir, t->git_dir, now->common, why);
	free(tilde);
}

/* Sets dir and git_dir of the work tree that has t->ref checked out. `git worktree list` says which
 * one; where the main one is it does not know. */
static int find_tree(
	const struct git_repo *now, struct target *t, struct refusal *why, struct err *e)
{
	struct strv f = STRV_INIT;
	struct git_call c;
	const char *path = NULL;
	bool main = false, found = false;
	int rc;

	git_call_init(&c, now->common);
	rc = git_list(&c, &f, e, "worktree", "list", "--porcelain", "-z", (char *)NULL);
	for (size_t i = 0; !rc && i < f.n; i++) {
		if (!strncmp(f.v[i], "worktree ", 9)) {
			main = path == NULL;
			path = f.v[i] + 9;
		} else if (path && !strncmp(f.v[i], "branch ", 7) && !strcmp(f.v[i] + 7, t->ref)) {
			if (found)
				refusal_set(why, "checked_out_twice",
					"%s is checked out in two work trees (%s and %s); leave "
					"one of them.",
					t->name, t->dir ? t->dir : now->common, path);
			set_tree(now, main, path, t);
			found = true;
		}
	}
	if (found)
		check_tree(now, t, why);
	strv_release(&f);
	return rc;
}

/* A branch under rebase or bisect is checked out nowhere, yet moving it would be undone or
 * overwritten at the end of that. */
static int find_hidden_use(
	const struct git_repo *now, const struct target *t, struct refusal *why, struct err *e)
{
	char *admin = NULL, *tree;
	const char *word;

	if (t->dir)
		return 0;
	if (git_checked_out(now, t->ref, &admin, e) < 0)
		return -1;
	if (admin) {
		tree = target_tree_of(now, admin);
		word = target_unfinished(admin);
		refuse_unfinished(why, word ? word : "rebase", tree);
		free(tree);
	}
	free(admin);
	return 0;
}

/* The branch that is meant when none was named. */
static void take_current(const struct git_repo *now, struct target *t, struct refusal *why)
{
	const char *word;

	if (now->head_ref) {
		t->ref = xstrdup(now->head_ref);
		return;
	}
	word = target_unfinished(now->git_dir);
	if (word)
		refuse_unfinished(why, word, NULL);
	refusal_set(why, "detached_head",
		"No branch is checked out (detached HEAD); name a target branch (--into BRANCH).");
}

static void take_named(
	const struct git_repo *now, const char *into, struct target *t, struct refusal *why)
{
	struct err e = ERR_INIT;
	const char *name = strncmp(into, "refs/heads/", 11) ? into : into + 11;
	char *ref = xasprintf("refs/heads/%s", name);

	if (*name == '-' ||
		git_out(now->common, NULL, &e, "check-ref-format", ref, (char *)NULL) < 0)
		refusal_set(why, "no_such_branch",
			"\"%s\" cannot be the name of a branch; `git branch` shows what there is.",
			name);
	else
		t->ref = xstrdup(ref);
	free(ref);
}

/* A branch may be a symbolic ref: what it stands for is moved, and what is checked out. */
static void resolve_alias(const struct git_repo *now, struct target *t)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	if (!git_out(now->common, &b, &e, "symbolic-ref", "-q", t->ref, (char *)NULL) &&
		!strncmp(b.p, "refs/heads/", 11))
		xreplace(&t->ref, b.p);
	buf_release(&b);
}

static int judge(const struct git_repo *now, struct target *t, struct refusal *why, struct err *e)
{
	resolve_alias(now, t);
	t->name = xstrdup(strncmp(t->ref, "refs/heads/", 11) ? t->ref : t->ref + 11);
	if (!strncmp(t->ref, "refs/heads/yolo/", 16)) {
		refusal_set(why, "own_branch",
			"%s is the branch of a variant; choose one of yours.", t->name);
		return 0;
	}
	t->tip = git_ref(now->common, t->ref, e);
	if (!t->tip && *e->code)
		return -1;
	if (!t->tip && now->head_ref && !strcmp(now->head_ref, t->ref))
		refusal_set(why, "unborn_branch", "This branch has no commit yet.");
	else if (!t->tip)
		refusal_set(why, "no_such_branch",
			"There is no branch %s here; `git branch` shows what there is.", t->name);
	if (why->code)
		return 0;
	if (find_tree(now, t, why, e) < 0 || find_hidden_use(now, t, why, e) < 0)
		return -1;
	target_check_state(now, t, why);
	return 0;
}

int target_find(const struct git_repo *repo, const char *into, const char *from, struct target *t,
	struct refusal *why, struct err *e)
{
	struct git_repo now;
	int rc;

	memset(t, 0, sizeof(*t));
	if (from && *from)
		rc = git_repo_open(&now, from, e);
	else
		rc = git_repo_open_common(&now, repo->common, e);
	if (rc < 0)
		return -1;
	if (strcmp(now.common, repo->common)) {
		refusal_set(why, "other_repository",
			"%s belongs to another repository than this race.", from);
		goto out;
	}
	if (now.ident)
		t->ident = xstrdup(now.ident);
	else
		refusal_set(why, "no_identity",
			"git does not know who you are; set user.name and user.email (git config "
			"--global user.name \"...\").");
	if (into && *into)
		take_named(&now, into, t, why);
	else
		take_current(&now, t, why);
	if (!why->code)
		rc = judge(&now, t, why, e);
out:
	git_repo_release(&now);
	return rc;
}
