/* archive_ops.h - archive and restore: off the deck and out of `git branch`, and back. */
#ifndef CONDUCTOR_ARCHIVE_OPS_H
#define CONDUCTOR_ARCHIVE_OPS_H

#include "conductor/state.h"

/* What one job did; names are of one race. */
struct archive_result {
	struct strv done; /* "7/claude-1" */
	struct strv skipped; /* sentences */
};
typedef void (*archive_fn)(void *ctx, struct archive_result *res);

/* Archives (restore: brings back) those variants, in the repository's serial job; fn may be NULL.
 * Live ones are skipped with a sentence. with_promote: the newest promote and this archive are one
 * thing for undo. */
void archive_ops_archive(struct conductor *c, struct variant_run **v, size_t n, bool with_promote,
	archive_fn fn, void *ctx);
void archive_ops_restore(
	struct conductor *c, struct variant_run **v, size_t n, archive_fn fn, void *ctx);

#endif
