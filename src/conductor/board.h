/* board.h - rows, races and messages as clients see them; every change of them passes here and gets
 * a new rev. */
#ifndef CONDUCTOR_BOARD_H
#define CONDUCTOR_BOARD_H

#include "conductor/state.h"

/* Something of the row changed: it (and its race's line) will be sent to who watches. */
void board_touch(struct variant_run *vr);
/* After a state change or a saving: ranks anew, touches the rows whose rank moved. */
void board_rank(struct race_run *r);
void board_engine(struct conductor *c);
/* A message to everybody who watches; level "news" or "warn". */
void notify(struct conductor *c, const char *level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "race 7 over in 4:10: 2 of 6 passed, best 2 claude-2. p promotes it." */
void board_over(struct race_run *r);

struct json *board_row_json(const struct variant_run *vr);
struct json *board_race_json(const struct race_run *r);
struct json *board_engine_json(const struct conductor *c);
/* races[] and rows[] of an answer: races from number `from` on; archived ones only with all. */
void board_lists(const struct conductor *c, int from, bool all, struct json *into);
bool board_race_archived(const struct race_run *r);

struct race_run *board_race(const struct conductor *c, int number); /* NULL = no such race */
struct variant_run *board_by_key(const struct conductor *c, const char *key); /* "7/claude-1" */
struct variant_run *board_find(const struct conductor *c, const struct variant *v);
/* Wraps a loaded or new race; takes it over and keeps the order by number. */
struct race_run *board_add(struct conductor *c, struct race *take_race);
/* One more variant of a race that is on the board; its number is set. NULL = there is no room (it
 * is not taken over then). */
struct variant_run *board_append(struct race_run *r, struct variant *take_v);
void board_free(struct race_run *r);
/* Live variants of all races. */
size_t board_live(const struct conductor *c);

#endif
