/* races.h - the races of a repository and their variants, in memory until the process ends. */
#ifndef CONDUCTOR_RACES_H
#define CONDUCTOR_RACES_H

#include "conductor/state.h"

struct race_run *races_find(const struct conductor *c, int number); /* NULL = no such race */
struct variant_run *races_run(const struct conductor *c, const struct variant *v);
struct variant_run *races_by_key(const struct conductor *c, const char *key); /* "7/claude-1" */
/* Wraps a loaded or new race; takes it over and keeps the order by number. */
struct race_run *races_add(struct conductor *c, struct race *take_race);
/* One more variant of a race that is there; its number is set. NULL = there is no room (it is not
 * taken over then). */
struct variant_run *races_append(struct race_run *r, struct variant *take_v);
/* Live variants of all races. */
size_t races_live(const struct conductor *c);

#endif
