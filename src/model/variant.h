/* variant.h - one experiment: its states, the one table of transitions, what is stored of it
 * (variant.json). */
#ifndef MODEL_VARIANT_H
#define MODEL_VARIANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum variant_state {
	VS_QUEUED,
	VS_PREPARING,
	VS_RUNNING,
	VS_SAVING,
	VS_CHECKING,
	VS_STOPPING,
	VS_PASSED,
	VS_FAILED,
	VS_KILLED,
	VS_LOST,
	VS_COUNT
};
enum variant_event {
	VE_PREPARE, /* the scheduler takes it */
	VE_STARTED, /* its container runs */
	VE_ENDED, /* its container ended by itself (exit known) */
	VE_FAILED_START, /* it could not be prepared or started */
	VE_KILL, /* a person asked */
	VE_GONE, /* its container is gone without a word */
	VE_SAVED_CHECK, /* saved, a check follows */
	VE_SAVED_PASSED,
	VE_SAVED_FAILED,
	VE_SAVED_KILLED,
	VE_SAVED_LOST, /* saved, this is the end */
	VE_CHECK_PASSED,
	VE_CHECK_FAILED,
	VE_COUNT
};

/* The next state, or -1 when the pair is not legal. All legal pairs (an event that has nothing to
 * change stays in the state): queued     prepare -> preparing; failed_start -> failed; kill ->
 * killed (nothing to stop, nothing to save) preparing  started -> running; ended, gone -> saving;
 * failed_start -> failed; kill -> stopping; prepare (again, after a crash) running    ended, gone
 * -> saving; kill -> stopping; started (adopted) saving     saved_check -> checking;
 * saved_{passed,failed,killed,lost} -> the end; kill (its end is then saved_killed) checking
 * check_passed -> passed; check_failed, failed_start -> failed; gone -> lost; kill -> stopping
 *   stopping   ended, gone -> saving; failed_start -> killed; saved_killed -> killed (stopped in
 * its check: it is saved already, and what a check writes is never recorded); started, kill */
int variant_next(enum variant_state s, enum variant_event ev);
const char *variant_state_name(enum variant_state s); /* "running" */
int variant_state_parse(const char *name); /* -1 = unknown */
const char *variant_event_name(enum variant_event ev);
bool variant_live(enum variant_state s); /* not one of the four ends */
bool variant_ended(enum variant_state s);

struct check_result {
	enum { CHECK_NONE, CHECK_WAITING, CHECK_RUNNING, CHECK_PASSED, CHECK_FAILED } state;
	int exit;
	int passed,
		/* -1 = not known (TAP or "N passed, M failed" found in the last lines of its log)
		 */
		total;
};

/* What variant.json holds, "v":1. Strings are owned, NULL = not known. */
struct variant {
	int race, number; /* number: 1-based on the board */
	char *name;
	char *origin; /* the variant it was run again from; NULL = race.json names it */
	char *start; /* it goes on from this commit, the origin's; NULL = from the base */
	enum variant_state state;
	char *reason; /* a sentence, "exit 1", "killed by you" */
	int exit; /* -1 = not known */
	int64_t created_ns, started_ns,
		ended_ns; /* CLOCK_REALTIME, 0 = not yet; ended = of the command, not of saving */
	char *engine, *engine_id; /* identity the engine can adopt by */
	char *check_id; /* the check's container */
	uint64_t log_dev, log_ino;
	char *image, *isolation;
	char *base, *commit,
		*branch; /* commit: the tip we wrote last; branch NULL when not moved, see scan */
	char *live; /* last snapshot commit in the quarantine */
	char *scan; /* why it has no branch, a sentence; NULL = fine */
	char *not_recorded; /* "3 ignored", "1 file over 64 MiB" ...; NULL = everything */
	int files;
	int64_t added, removed; /* -1 = not known */
	struct check_result check;
	/* first file in conflict with the base branch; "" = clean, NULL = not known */
	char *conflict;
	bool kill_asked, archived;
	/* false: it ended and saving failed; whoever loads it saves it (store_load) */
	bool saved;
	bool archive_after; /* to be archived once it has ended */
	char *promoted; /* branch it was promoted into */
	char *note; /* progress of the engine; not stored */
	uint64_t rev; /* of the row; not stored */
};

struct variant *variant_new(int race, int number, const char *name);
void variant_free(struct variant *v);
/* Applies ev: sets state; an illegal pair returns -1, changes nothing and is logged (bug() when the
 * environment has YOLODECK_STRICT, as all tests do). */
int variant_apply(struct variant *v, enum variant_event ev);
struct json *variant_to_json(const struct variant *v);
struct variant *variant_from_json(const struct json *j, struct err *e);

#endif
