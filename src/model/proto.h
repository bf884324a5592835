/* proto.h - the wire between conductor and its clients (DESIGN 9): JSON lines, and the row of both.
 *
 * First line both ways: {"hello":"yolodeck","proto":1,"version":"..."}
 * Requests: {"id":7,"op":"kill","variant":"7/a"}
 * Answers:  {"id":7,"ok":{...}} or {"id":7,"err":{"code":"...","msg":"..."}}
 * Events after "watch":
 *   {"ev":"race","race":{...}}
 *   {"ev":"variant","row":{...}}
 *   {"ev":"gone","race":7,"variant":"a"}     without variant: the whole race
 *   {"ev":"engine","name":"docker","away":"why"|null,"next":"...","since_ns":N,"ready":"..."}
 *   {"ev":"message","level":"news"|"warn","msg":"..."}
 *
 * Requests ("op") and what "ok" holds. "variants" are selectors (race.h); the conductor resolves
 * them. "from" is the client's work tree ("" when bare). Unknown fields are ignored.
 *   run      spec (spec_to_json, expanded), from, headless, env (docker_env_json)
 *            -> race, slug, engine, why, warnings[], dir; err other_environment when env names
 *            another daemon than the conductor's
 *   list     all (archived too) -> races[], rows[], engine{}
 *   watch    race (0 newest, -1 all) -> races[], rows[]; events follow until the connection ends
 *   kill     variants[] | race | all -> killed[] ("7/a"), already[]
 *   promote  variant, how merge|squash|rebase, into, from, umask ("022"),
 *            plan:true -> plan{} (promote_plan_to_json), token
 *            token (of the plan shown), archive_rest -> into, old, new, archived[]; err moved_base
 *            when the token is stale
 *   undo     plan:true -> plan{} (undo_plan_to_json), token
 *            token, umask -> words
 *   archive  variants[] | race -> archived[], skipped[] (sentences)
 *   restore  variants[] -> restored[], skipped[]
 *   rerun    variants[], continue -> rerun["7/a.2"], by race and number: a new one of each, all
 *            or none
 *   shell    variant, argv[] (absent = a shell), tty, term -> argv[]: the command that enters it,
 *            to be run by the client; with tty on a terminal made for it, never the user's own
 *   show     variant -> row, race, spec_variant, dir, log, container, warnings[]
 *   diff     variant, other (NULL = base), stat, path
 *            -> stat[{path,added,removed}], patch (cut at 512 KiB), cut
 *   status   -> needs, live, passed, failed, race, pid, version
 *   report   race -> the facts that `report` prints
 *   engines  env -> engines[{name,help,ok,why,isolation,warn}] in the order of auto, auto (name
 *            or null), auto_why: what `doctor` prints
 *   shutdown -> {}; variants go on */
#ifndef MODEL_PROTO_H
#define MODEL_PROTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "model/variant.h"

enum {
	PROTO_VERSION = 1,
	PROTO_MAX_REQUEST = 1 << 20,
	PROTO_MAX_EVENT = 64 << 10,
	PROTO_LIST_CUT = 200,
	PROTO_MAX_ANSWER =
		32 << 20 /* one line of an answer, as a client takes it: `list` of many races */
};
#define YOLODECK_VERSION "0.1.0"

/* A row as it travels and as --json prints it: the stored variant and what the conductor derives.
 * Strings owned. */
struct row {
	struct variant *v; /* owned */
	int rank; /* 1 = best, 0 = not ranked */
	bool best;
	int attention; /* 0, or 1: needs a person; evidence says why */
	char *evidence; /* "silent 94 s, cpu 0%" */
	double cpu; /* percent of one core, -1 = not known */
	int64_t memory; /* bytes, -1 = not known */
	char *slug; /* of the race */
	char *warn; /* "memory limit not enforced here", "log not guarded"; NULL = none */
	uint64_t rev;
};
struct row *row_new(struct variant *take_v);
void row_free(struct row *r);
struct json *row_to_json(const struct row *r);
struct row *row_from_json(const struct json *j, struct err *e);

/* What the deck's header says of a race. */
struct race_info {
	int number;
	char *slug, *base, *base_name, *engine, *engine_why, *isolation, *rank_words, *dir;
	/* began: of what runs now or ran last; over: 0 = still live */
	int64_t created_ns, began_ns, over_ns;
	int total, live, passed, failed, attention;
};
void race_info_release(struct race_info *i);
struct json *race_info_to_json(const struct race_info *i);
int race_info_from_json(struct race_info *i, const struct json *j, struct err *e);

/* "hello" line, and its check: -1 with a sentence when the other side is not yolodeck or cannot
 * talk to us; *peer_version (owned by the caller) and *peer_proto are set when it is. */
void proto_hello(struct buf *line);
/* The same with a sentence at one more key (NULL = none). "refused": it takes no more clients, and
 * the check of the other side fails with code "too_many_clients". "waiting": it answers once the
 * conductor before it has ended. */
void proto_hello_with(struct buf *line, const char *key, const char *text);
/* The sentence at "waiting", or NULL; the caller frees. */
char *proto_hello_waiting(const char *line);
int proto_check_hello(const char *line, int *peer_proto, char **peer_version, struct err *e);

#endif
