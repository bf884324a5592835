/* template.h - the tree all variants of a race begin with: the base commit written raw, with the
 * private .git in it. */
#ifndef GIT_TEMPLATE_H
#define GIT_TEMPLATE_H

#include "git/git.h"

/* What the copies of a race begin with; checkout.h makes them. */
struct checkout_race {
	const struct git_repo *repo;
	int race;
	const char *base; /* commit id */
	const char *race_dir; /* races/7: q.git, the template tpl/ and its seed are made here */
	/* base-<commit>.git: made if missing (under a temporary name, then renamed) */
	const char *base_store;
	const char *tpl_in; /* where tpl/ is made instead; NULL = race_dir */
	/* commit the columns of an untouched copy compare with; NULL = base */
	const char *compare;
	/* out: "3 files are LFS pointers ...", submodules ...; the caller frees; NULL = nothing to
	 * say */
	char *warning;
};

/* Path inside every container at which the base store must be mounted read-only. */
#define CHECKOUT_BASE_STORE "/yolo-base.git"

/* Attributes that switch every conversion off: with them a fresh tree equals its commit byte for
 * byte. */
#define TEMPLATE_ATTRIBUTES \
	"* !text !eol !crlf !ident !filter !working-tree-encoding !diff !merge\n"

/* Makes tpl/ (of the race, or in c->tpl_in) if it is not finished yet; fills c->warning. The
 * quarantine and the base store must be there. */
int template_make(struct checkout_race *c, struct err *e);
void template_remove(const struct checkout_race *c);
char *template_tree(const struct checkout_race *c); /* its work tree; the caller frees */
/* Tree id of the base, and the paths of its submodules. */
int template_read(const struct checkout_race *c, char **tree, struct strv *gitlinks, struct err *e);

#endif
