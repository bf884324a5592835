/* borrowed_repo.c - the user's repository for a job in the pool. Opening it costs five git
 * processes; a live snapshot is cheaper than that. */
#include "conductor/borrowed_repo.h"

#include <string.h>

const struct git_repo *borrowed_repo_of(const struct race_run *r)
{
	return r->repo.common ? &r->repo : NULL;
}

int borrowed_repo_open(
	struct lent *l, const struct git_repo *shared, const char *common, struct err *e)
{
	memset(l, 0, sizeof(*l));
	l->repo = shared;
	if (shared)
		return 0;
	if (git_repo_open_common(&l->own, common, e))
		return -1;
	l->repo = &l->own;
	return 0;
}

void borrowed_repo_close(struct lent *l)
{
	if (l->repo == &l->own)
		git_repo_release(&l->own);
	l->repo = NULL;
}
