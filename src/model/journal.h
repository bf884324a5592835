/* journal.h - one JSON line per intent and per completion of create, remove, promote, undo,
 * archive, restore: append + fsync. An intent without its completion is what a crash left open. */
#ifndef MODEL_JOURNAL_H
#define MODEL_JOURNAL_H

#include "base/err.h"
#include "base/json.h"

struct journal;

/* Opens (creates 0600) and replays: calls fn for every whole line in order. A torn last line is cut
 * off and reported by *torn = its bytes. A damaged line in the middle ends the replay there: the
 * rest is kept in <path>.bad and *torn counts it. */
struct journal *journal_open(const char *path, void (*fn)(void *ctx, const struct json *line),
	void *ctx, size_t *torn, struct err *e);
void journal_close(struct journal *j);
/* Appends {"n":N,"op":op,"stage":"intent",...fields}; returns N (> 0) or -1. Takes fields (may be
 * NULL). */
int journal_intent(struct journal *j, const char *op, struct json *take_fields, struct err *e);
/* Appends {"n":N,"stage":stage,...}; stage "done" or "failed" closes the intent, others ("child",
 * "ref") inform the repair. */
int journal_stage(
	struct journal *j, int n, const char *stage, struct json *take_fields, struct err *e);

#endif
