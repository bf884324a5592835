/* promote_undo.c - takes a promote back: exactly while the branch is still ours, by a revert commit
 * after that (facts: git.md 8.8). */
#include "git/promote.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/promote_dirty.h"
#include "git/promote_apply.h"
#include "git/promote_build.h"

/* A race's quarantine may be gone; then the commit is built where the user's objects are. */
static const char *store_of(const struct git_repo *repo, const char *quarantine)
{
	return quarantine && fs_is_dir(quarantine) ? quarantine : repo->common;
}

static const char *branch_name(const struct promote_done *d)
{
	return strncmp(d->into_ref, "refs/heads/", 11) ? d->into_ref : d->into_ref + 11;
}

/* Where the promote was seen to go; NULL = it is gone, or there was no work tree. */
static const char *start_of(const struct promote_done *d)
{
	return d->tree_dir && fs_is_dir(d->tree_dir) ? d->tree_dir : NULL;
}

static int check_tree(const struct git_repo *repo, const char *store, const struct target *t,
	const char *to, struct refusal *why, struct err *e)
{
	struct changes ch;
	int rc;

	if (!t->dir || why->code)
		return 0;
	rc = changes_read(store, repo->common, t->tip, to, &ch, e);
	if (!rc)
		rc = promote_dirty_check(t, &ch, NULL, why, e);
	changes_release(&ch);
	return rc;
}

static int plan_exact(const struct git_repo *repo, const struct promote_done *d,
	const struct target *t, struct undo_plan *p, struct refusal *why, struct err *e)
{
	p->back_to = xstrdup(d->old);
	p->words = xasprintf("takes %s back from %.7s to %.7s", t->name, d->new, d->old);
	return check_tree(repo, repo->common, t, d->old, why, e);
}

static int plan_revert(const struct git_repo *repo, const char *quarantine,
	const struct promote_done *d, const struct target *t, struct undo_plan *p,
	struct refusal *why, struct err *e)
{
	const char *store = store_of(repo, quarantine);
	char *label = xasprintf("%d/%s", d->race, d->variant);
	struct build b = { .store = store,
		.common = repo->common,
		.base = d->new,
		.ours = t->tip,
		.theirs = d->old,
		.ours_name = t->name,
		.label = label,
		.ident = t->ident };
	int rc = build_revert(&b, &p->revert_commit, why, e);

	p->revert = true;
	p->words = xstrdup("Undo would drop your later commit; make a revert commit instead?");
	if (!rc && p->revert_commit)
		rc = check_tree(repo, store, t, p->revert_commit, why, e);
	free(label);
	return rc;
}

static bool stands_on(const struct git_repo *repo, const char *commit, const char *tip)
{
	struct err ignored = ERR_INIT;

	return !git_out(repo->common, NULL, &ignored, "merge-base", "--is-ancestor", commit, tip,
		(char *)NULL);
}

int promote_undo_plan(const struct git_repo *repo, const char *quarantine,
	const struct promote_done *d, struct undo_plan *p, struct err *e)
{
	struct target t;
	struct refusal why = { NULL, NULL };
	int rc = target_find(repo, branch_name(d), start_of(d), &t, &why, e);

	memset(p, 0, sizeof(*p));
	if (!rc) {
		p->into = xstrdup(branch_name(d));
		p->current = t.tip ? xstrdup(t.tip) : NULL;
	}
	if (!rc && !why.code) {
		if (!strcmp(t.tip, d->new))
			rc = plan_exact(repo, d, &t, p, &why, e);
		else if (stands_on(repo, d->new, t.tip))
			rc = plan_revert(repo, quarantine, d, &t, p, &why, e);
		else
			refusal_set(&why, "nothing_to_undo",
				"%s does not hold this promotion any more; there is nothing to "
				"take back.",
				t.name);
	}
	p->refuse_code = why.code;
	p->refuse = why.msg;
	target_release(&t);
	if (rc)
		undo_plan_release(p);
	return rc;
}

int promote_undo_apply(const struct git_repo *repo, const char *quarantine, const char *state_dir,
	const struct promote_done *d, const struct undo_plan *p, const char *umask,
	struct journal *j, struct err *e)
{
	struct apply a = {
		.repo = repo,
		.quarantine = quarantine,
		.op = "undo",
		.race = d->race,
		.variant = d->variant,
		.of = d->n,
		.into = p->into,
		.from = p->current,
		.to = p->revert ? p->revert_commit : p->back_to,
		.dir = ANY_TREE,
		.start = start_of(d),
		.umask = umask,
		.keep = p->revert && quarantine && fs_is_dir(quarantine) ? "reverted" : NULL,
		.back = !p->revert,
	};
	int fd, rc;

	if (p->refuse)
		return err_set(e, p->refuse_code, "%s", p->refuse);
	fd = move_lock(state_dir, e);
	if (fd < 0)
		return -1;
	rc = apply_locked(&a, j, e);
	close(fd);
	return rc;
}
