/* targets.h - the variants that an action means: the marked ones, else the selected one. */
#ifndef UI_TARGETS_H
#define UI_TARGETS_H

#include "ui/deck.h"

/* Fills out, which has room for all items; returns how many. */
size_t targets_get(struct deck *d, struct item **out);
/* {"op":op,"variants":[...]} */
struct json *targets_request(struct deck *d, const char *op, struct item **it, size_t n);
/* "1 claude-1  4 codex-2", cut after six */
void targets_names(struct item **it, size_t n, struct buf *out);
/* "running 2:31, +42 -9 in 2 files" */
void targets_describe(const struct item *it, struct buf *out);
void targets_unmark(struct deck *d);

#endif
