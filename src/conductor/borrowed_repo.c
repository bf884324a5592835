/* borrowed_repo.c - the user's repository for a job in the pool. Opening it costs five git
 * processes; a live snapshot is cheaper than that. */
#include "conductor/borrowed_repo.h"

#include <string.h>

void borrowed_repo_init(struct borrowed_repo *b, const struct race_run *r)
{
	memset(b, 0, sizeof(*b));
	b->shared = r->repo.common ? &r->repo : NULL;
	b->common = r->c->store.common;
}

const struct git_repo *borrowed_repo_get(struct borrowed_repo *b, struct err *e)
{
	if (b->shared)
		return b->shared;
	return git_repo_open_common(&b->own, b->common, e) ? NULL : &b->own;
}

void borrowed_repo_release(struct borrowed_repo *b)
{
	if (!b->shared)
		git_repo_release(&b->own);
}
