/* borrowed_repo.h - the user's repository for a job in the pool: that of the race when it is known,
 * else opened for this job. */
#ifndef CONDUCTOR_BORROWED_REPO_H
#define CONDUCTOR_BORROWED_REPO_H

#include "conductor/state.h"

struct borrowed_repo {
	const struct git_repo *shared; /* NULL = not known yet */
	const char *common;
	struct git_repo own;
};

/* On the loop; r's repository never changes once it is there. */
void borrowed_repo_init(struct borrowed_repo *b, const struct race_run *r);
/* In the worker: good until borrowed_repo_release. NULL with the sentence. */
const struct git_repo *borrowed_repo_get(struct borrowed_repo *b, struct err *e);
void borrowed_repo_release(struct borrowed_repo *b);

#endif
