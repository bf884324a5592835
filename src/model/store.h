/* store.h - where state stands on disk (DESIGN 4), and its loading and saving. Never inside the
 * repository. */
#ifndef MODEL_STORE_H
#define MODEL_STORE_H

#include <stdbool.h>

#include "model/race.h"

struct store {
	char *dir; /* $XDG_STATE_HOME/yolodeck/<repo name>-<8 hex of the common dir's path> */
	char *common; /* the repository's git common dir, absolute */
	char id[17]; /* random 16 hex, made once: label of what we make in Docker */
};

/* Opens, and with create makes, the state directory of a repository. Code "not_found" without
 * create. */
int store_open(struct store *s, const char *common_dir, bool create, struct err *e);
void store_release(struct store *s);

/* The state directories of other repositories, and those that are not where common_dir's belongs.
 * The caller releases each and frees the list. */
void store_others(const char *common_dir, struct store **out, size_t *n);
/* Gives the state to the repository at common_dir: its path goes into `repo`, then the directory
 * gets its name. State without a race that is in its way is removed. Code "exists" when that has
 * races. s is only changed on success. */
int store_move(struct store *s, const char *common_dir, struct err *e);

/* Paths; the caller frees. variant = name. */
char *store_path(const struct store *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *store_race_dir(const struct store *s, int race);
char *store_variant_dir(const struct store *s, int race, const char *variant);
char *store_base_store(const struct store *s, const char *base); /* base-<commit>.git */

/* Numbers of the directories below races/, ascending; the caller frees. */
int store_race_numbers(const struct store *s, int **out, size_t *n, struct err *e);
/* Claims the next race number by mkdir: 1 + max(races/, floor). floor = highest number seen in
 * refs. */
int store_claim_race(const struct store *s, int floor, struct err *e);
int store_save_race(const struct store *s, const struct race *r, struct err *e);
int store_save_variant(const struct store *s, const struct variant *v, struct err *e);
/* Loads all races with their variants, ordered by number. A file that does not parse is left where
 * it is, logged, and its race or variant shown as lost with the reason. A variant without
 * variant.json and without log is queued: its record is written before anything of it starts. What
 * was run again is found by its directory. One that ended and is not saved is in state saving, and
 * archive_after if it was archived; a live one whose recipe is not known is lost. A claimed number
 * without race.json and variants is no race. */
int store_load(const struct store *s, struct race ***out, size_t *n, struct err *e);

#endif
