/* borrowed_repo.h - the user's repository for a job in the pool: that of the race when it is known,
 * else opened for this job. */
#ifndef CONDUCTOR_BORROWED_REPO_H
#define CONDUCTOR_BORROWED_REPO_H

#include "conductor/state.h"

struct lent {
	const struct git_repo *repo;
	struct git_repo own;
};

/* On the loop: what a job may use for all its time (NULL = it opens its own). It never changes once
 * it is there. */
const struct git_repo *borrowed_repo_of(const struct race_run *r);
/* In the worker. */
int borrowed_repo_open(
	struct lent *l, const struct git_repo *shared, const char *common, struct err *e);
void borrowed_repo_close(struct lent *l);

#endif
