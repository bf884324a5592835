/* state.h - what the files of the conductor share: the process, its races and variants as they run
 * now. Private to src/conductor.
 *
 * All of it belongs to the loop's thread. A job in the pool gives its results back in its `done`.
 * It gets copies, or borrows what never changes: the store's texts; of a race its number, base,
 * dir, quarantine, base_store and source; of a variant its name, start, key, paths and `snapshot`.
 * These outlive every job, since races stay until the process ends. Only jobs with the key
 * SERIAL_REPO use `journal`.
 *
 * Whoever changes something marks it (variant_run.h); settle in conductor.c, once a turn of the
 * loop, does what follows. */
#ifndef CONDUCTOR_STATE_H
#define CONDUCTOR_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/loop.h"
#include "git/checkout.h"
#include "git/promote.h"
#include "git/snapshot.h"
#include "model/journal.h"
#include "model/proto.h"
#include "model/race.h"
#include "model/store.h"

struct conductor;
struct session;
struct race_run;

/* Key of the jobs that change the repository's refs or the journal: one after the other. */
#define SERIAL_REPO "repo"

struct pending_plan;
struct reply;
struct replay;

enum { GRACE_MS = 5000, MESSAGES_KEPT = 64, ENGINES_MAX = 8, UNDO_KEPT = 32 };

/* What sample.c knows of a variant while a client watches. */
struct sample {
	int64_t cpu_ns, at_ms; /* last reading; at_ms 0 = none */
	double cpu; /* percent of one core, -1 = not known */
	int64_t memory; /* bytes, -1 = not known */
	int64_t log_bytes; /* log + idx */
	int64_t quiet_ns; /* CLOCK_REALTIME of the last output, 0 = none yet */
	int64_t prompt_size; /* size of the log when its end was last looked at */
	/* that end looks like a question: the question; NULL = it does not */
	char *prompt;
	int64_t snap_ms; /* when the last live snapshot began */
};

/* The two containers of a variant. */
enum { COMMAND, CHECK };

/* One of them. What the engine says of it is noted here and followed by settle. */
struct container {
	char *log, *idx;
	struct engine_task task;
	bool held; /* start or adopt was called, ended has not come yet */
	bool adopting; /* held through adopt, nothing heard yet */
	bool started, ended; /* came, and is not followed yet */
	struct engine_end end; /* while ended */
};

/* One variant as it runs under this conductor. */
struct variant_run {
	struct conductor *c;
	struct race_run *r;
	struct variant *v; /* owned by r->race */
	/* in r->race->spec; NULL = not known: it is never started */
	const struct spec_variant *recipe;
	char *key; /* of its serial jobs, "7/claude-1" */
	char *dir, *work, *cache;
	char *base_store, *source; /* of the commit it goes on from; NULL = the race's */
	struct snapshot_in snapshot; /* of its work/, but for repo and subject */
	struct container ct[2];
	bool changed; /* its state, since settle came by */
	bool adopt; /* live at the start: its container is still to be found */
	bool copying, saving, archiving; /* a worker is at it */
	struct engine_end end; /* how the command ended, while has_end */
	bool has_end;
	int rank; /* 1 = best, 0 = not ranked */
	bool best;
	int attention;
	char *evidence;
	uint64_t rev;
	struct sample s;
};

enum prep { PREP_NONE, PREP_RUNNING, PREP_DONE, PREP_FAILED };

struct race_run {
	struct conductor *c;
	struct race *race; /* owned */
	/* race->n of them, same order; never moved: engines and workers point to them */
	struct variant_run *v;
	size_t room; /* for so many; at most SPEC_MAX_VARIANTS are ever added */
	/* of a rerun that is being stored: their numbers are taken */
	size_t claiming;
	struct engine_handle *handle; /* of its engine, NULL = not opened yet */
	/* source: the template's tree, for engines with ENGINE_TEMPLATE */
	char *dir, *quarantine, *base_store, *source;
	enum prep prep;
	struct err prep_err;
	struct git_repo repo; /* filled by the preparation; workers read it */
	struct checkout_race co;
	int uid, gid; /* owner of the copies, -1 = as they are */
	bool template_there; /* checkout_finish is still to be called */
	/* shown on every row: what is not enforced; NULL = nothing */
	char *warn;
	struct strv warnings; /* of the checkout and the engine, for Info */
	bool was_live; /* "race over" is still to be said */
	bool dirty; /* settle has to come by */
	bool ask_engine; /* found live at the start: what is not enforced is asked anew */
	uint64_t rev;
};

/* One opened engine. */
struct engine_handle {
	struct conductor *c;
	const struct engine_type *type;
	struct engine *engine; /* NULL = could not be opened (why in away) */
	struct engine_events ev;
	struct engine_report report;
	bool reported; /* report is an answer of a probe */
	char *away, *next; /* NULL = answers */
	int64_t away_ns;
};

struct message {
	uint64_t rev;
	const char *level; /* "news" or "warn" */
	char *text;
};

/* What U takes back: a promote with the variants archived after it, or an archive. */
struct action {
	bool promote;
	struct promote_done done; /* of a promote */
	struct strv archived; /* "7/claude-1" ... */
};

struct undo_stack {
	struct action a[UNDO_KEPT]; /* oldest first */
	size_t n;
};

struct conductor {
	struct store store;
	struct loop *loop;
	struct journal *journal;
	char *runner; /* path of the static runner */
	char *home; /* for "~" in mounts; may be NULL */
	int lock_fd, dir_fd, next_fd, listen_fd;
	struct loop_fd *listen_w;
	bool listens; /* `sock` is ours */
	/* the lock is still held by a conductor that ends: the sentence for clients; else NULL */
	char *waiting;
	struct race_run **race; /* ordered by number */
	struct race_set set; /* the same, for race_select */
	struct engine_handle handle[ENGINES_MAX];
	size_t nengine;
	uint64_t rev; /* grows with every change anybody may want to see */
	uint64_t engine_rev; /* of the newest change of engine_shown */
	struct engine_handle *engine_shown; /* the one clients hear of */
	char *engine_why_not; /* no engine at all: the sentence */
	bool engine_asked; /* a first choice is under way or was made */
	struct message msg[MESSAGES_KEPT];
	size_t nmsg; /* ever; the newest is msg[(nmsg - 1) % MESSAGES_KEPT] */
	struct session *session;
	size_t nsession, nwatch;
	uint64_t next_session;
	const struct variant_run *snapping; /* one live snapshot at a time */
	struct loop_timer *flush_timer, *idle_timer, *sample_timer, *disk_timer, *retry_timer;
	int64_t flushed_ms, idle_ms;
	struct undo_stack undo;
	/* open intents found at the start, until they are repaired */
	struct replay *replay;
	struct pending_plan *plan; /* plan_cache.c: shown and not yet applied */
	/* answers a request, now or later (ops.h) */
	void (*request)(const struct reply *r, const char *op, const struct json *req);
	size_t running_ops; /* requests whose answer is under way: not idle */
	bool dirty; /* a race is, or a timer may be wanted or not any more */
};

#endif
