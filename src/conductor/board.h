/* board.h - rows, races and messages as clients see them. */
#ifndef CONDUCTOR_BOARD_H
#define CONDUCTOR_BOARD_H

#include "conductor/state.h"

/* Ranks the variants, marks the rows whose rank moved. */
void board_rank(struct race_run *r);
/* What clients hear of the engine changed. */
void board_engine(struct conductor *c);
/* A message to everybody who watches; level "news" or "warn". */
void notify(struct conductor *c, const char *level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "race 7 over in 4:10: 2 of 6 passed, best 2 claude-2. p promotes it." */
void board_over(struct race_run *r);

struct json *board_row_json(const struct variant_run *run);
struct json *board_race_json(const struct race_run *r);
struct json *board_engine_json(const struct conductor *c);
/* races[] and rows[] of an answer: races from number `from` on; archived ones only with all. */
void board_lists(const struct conductor *c, int from, bool all, struct json *into);
bool board_race_archived(const struct race_run *r);

#endif
