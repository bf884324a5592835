/* engine.h - what runs a variant. Read this first when you add one: one file that ends in a `const
 * struct engine_type`, one row in engine.c's table, and the shared suite (tests/engine) runs over
 * it by itself.
 *
 * All calls return at once; results come as callbacks of struct engine_events on the loop's thread,
 * never from inside the call itself. What must survive is a file: the log is written by the runner
 * inside (or the pipeline), never through the engine. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "engine/loop.h"
#include "model/spec.h"

/* Everything one container needs; made by the conductor, alive until ended was called. Strings are
 * the conductor's. */
struct engine_task {
	int race;
	const char *variant; /* name */
	bool check; /* the check's container, not the command's */
	const char *repo_id; /* 16 hex */
	const char *dir; /* <state>/races/7/claude-1: work/ home/ tmp/ below it */
	const char *log, *idx; /* full paths, created O_EXCL 0600 by the conductor */
	const char *base_store; /* host path, mounted read-only at CHECKOUT_BASE_STORE */
	/* host path of a tree equal to work/ as it began, which nobody writes to; for engines with
	 * ENGINE_TEMPLATE */
	const char *template_tree;
	const char *prepared; /* spec.prepared: what the engine's prepare left for it, or NULL */
	/* one of spec.runners, for engines with ENGINE_RUNNERS; "" = the engine's default */
	const char *runner;
	const char *image; /* "host" or a reference */
	struct strv argv; /* the command */
	const char *setup; /* NULL, or run by /bin/sh -c before it, same log */
	/* K=V, complete but for HOME and PATH, which the engine knows */
	struct strv env;
	struct strv mounts; /* "~/.nvm", absolute after the conductor's check */
	struct limits limits; /* defaults already filled in by engine_defaults */
	const char *network; /* "bridge" | "none" */
	int64_t grace_ms; /* TERM -> KILL */
	/* spec.allow_unlimited: a limit the daemon discards is a note, not a refusal */
	bool allow_unlimited;
	/* engine's */
	/* identity to adopt by; stored in variant.json when started() is called */
	char id[128];
	void *priv;
	void *owner; /* conductor's */
};

enum engine_cause {
	ENGINE_EXITED,
	ENGINE_OOM,
	ENGINE_TIME,
	ENGINE_STOPPED,
	ENGINE_SETUP,
	ENGINE_NOT_STARTED,
	ENGINE_GONE,
	ENGINE_RESTARTED
};
struct engine_end {
	enum engine_cause cause;
	int exit; /* -1 = not known */
	/* a sentence: "exit 1", "out of memory (limit 2.0 GiB)", "no such image: node:22" */
	char reason[512];
	bool explained; /* reason says already why a program was not found */
};

struct engine_events {
	void (*started)(void *ctx, struct engine_task *t);
	/* Exactly once per start or adopt. After it the engine holds nothing of t but what `remove`
	 * needs. */
	void (*ended)(void *ctx, struct engine_task *t, const struct engine_end *end);
	/* progress; "" clears it */
	void (*note)(void *ctx, struct engine_task *t, const char *text);
	/* The engine is away (why, since when is the caller's) or back (why NULL). */
	void (*away)(void *ctx, const char *why, const char *next_step);
	void *ctx;
};

struct engine_ctx {
	struct loop *loop;
	const struct engine_events *ev;
	const char *state_dir, *repo_id;
	const char *runner; /* path of the static runner on the host, 0755 */
};

/* What a probe found. */
struct engine_report {
	bool ok;
	char code[32];
	/* ok: "docker 20.10.24, API 1.41, rootful"; else the sentence with the next step */
	char why[512];
	char isolation[64]; /* "container", "namespace", "none" */
	bool limit_memory, limit_pids, limit_cpus; /* really enforced here */
	char warn[256]; /* "log not guarded" ... "" = none */
	bool shares_network; /* network "bridge" is this machine's own */
};
typedef void (*engine_probe_fn)(void *ctx, const struct engine_report *r);
typedef void (*engine_done_fn)(void *ctx, const struct err *e); /* e->msg "" = fine */

struct engine; /* each type's own; begins with `const struct engine_type *type` */

/* What an engine is able to, or needs. */
enum engine_caps {
	ENGINE_CONTAINER = 1 << 0, /* satisfies isolation: container */
	ENGINE_TEST_ONLY = 1 << 1, /* refused unless YOLODECK_FAKE=1 */
	ENGINE_AUTO = 1 << 2, /* tried by auto, in table order */
	/* starts copy template_tree themselves: it is kept while the race is live */
	ENGINE_TEMPLATE = 1 << 3,
	ENGINE_RUNNERS = 1 << 4, /* spreads a race over spec.runners */
};

struct engine_type {
	const char *name, *help;
	unsigned caps; /* enum engine_caps */
	/* Pure: can races like this one be run by it at all? -1 with the reason. NULL = all can. */
	int (*suits)(const struct spec *s, struct err *e);
	struct engine *(*open)(const struct engine_ctx *c, struct err *e);
	void (*close)(struct engine *g); /* what runs goes on */
	void (*probe)(struct engine *g, engine_probe_fn fn, void *ctx); /* answers within 2 s */
	/* Before the first start of a race: is the image here, are mounts allowed. May leave a text
	 * of its own for later starts in s->prepared (stored with the race; a rerun has it
	 * already). from: the work tree the race was asked for in, "" = none. s and from live until
	 * fn was called. */
	void (*prepare)(
		struct engine *g, struct spec *s, const char *from, engine_done_fn fn, void *ctx);
	void (*start)(struct engine *g, struct engine_task *t);
	/* Asks it to end: TERM, grace, KILL. ended() follows. kept while the engine is away. */
	void (*stop)(struct engine *g, struct engine_task *t);
	/* t->id from variant.json (may be "" when the crash came between intent and identity: look
	 * it up by name). ended() with ENGINE_GONE when it is nowhere. started() comes only when
	 * t->id was "" or it had not been started yet. */
	void (*adopt)(struct engine *g, struct engine_task *t);
	/* Removes the container after saving; the log and work/ stay. Best effort, missing = done.
	 */
	void (*remove)(struct engine *g, int race, const char *variant, bool check, const char *id);
	/* argv of a command beside it in the container (exec, shell); -1 when it cannot. tty: it
	 * will run on a terminal made for it, never on the user's own (what can reach a terminal
	 * may be able to type into it). */
	int (*exec_argv)(struct engine *g, const struct engine_task *t, const char *const *cmd,
		bool tty, struct strv *out, struct err *e);
	/* cpu in ns and memory in bytes so far, -1 = not known; cheap enough for once a second */
	void (*sample)(
		struct engine *g, const struct engine_task *t, int64_t *cpu_ns, int64_t *memory);
	/* Brings work/ up to date when it is a copy of what the container sees: asked for while
	 * somebody watches, before a live snapshot; cheap, and it may take its time. false = work/
	 * is still as it began. NULL = work/ is the container's own. */
	bool (*fetch_work)(struct engine *g, struct engine_task *t);
	/* uid and gid that work/ home/ tmp/ must belong to; -1 = as they are */
	void (*owner)(struct engine *g, int *uid, int *gid);
};
struct engine {
	const struct engine_type *type;
};

extern const struct engine_type engine_dagger, engine_docker, engine_local, engine_fake;
extern const struct engine_type *const engine_table[]; /* in the order of auto; NULL at the end */
const struct engine_type *engine_find(const char *name);
/* Fills what is 0 in l: memory min(4g, 80 % of RAM / parallel), pids 1024, log 1 GiB. */
void engine_defaults(struct limits *l, int parallel);
/* max(4, cores): agents wait for the network most of the time; less where the machine has no 512
 * MiB for each. */
int engine_default_parallel(void);
int engine_parallel_of(long cores, int64_t ram); /* the same, pure */
/* The sentence for what a race asks and an engine does not enforce ("memory limit not enforced
 * here"), or "". */
void engine_unlimited(
	const struct engine_report *r, const struct limits *asked, char *out, size_t n);
/* Image host: a program that the container did not find (127) but the host has: says so in
 * end->reason. */
struct host;
void engine_explain_127(const struct host *h, const struct engine_task *t, struct engine_end *end);
/* Shared by docker, local, fake: end of a task from its exit record. False = there is none yet. */
bool engine_end_from_log(const struct engine_task *t, struct engine_end *end);

#endif
