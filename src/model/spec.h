/* spec.h - what a race is to be: a race file and the flags, checked, and expanded into variants.
 * Pure (only spec_load reads a file). Every mistake is refused with file, line, key and what would
 * be right. */
#ifndef MODEL_SPEC_H
#define MODEL_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum { SPEC_MAX_VARIANTS = 99, SPEC_MAX_NAME = 63, SPEC_MAX_PROMPT = 100 * 1024 };

struct limits {
	double cpus; /* 0 = unset */
	int64_t memory; /* bytes; 0 = the engine's default */
	int64_t pids; /* 0 = default */
	int64_t time_ms; /* 0 = none */
	int64_t log; /* bytes of log + idx; 0 = default 1 GiB */
	int64_t disk; /* 0 = none */
};

/* One variant of the file, or after spec_expand one variant of the race. NULL / 0 / empty = as the
 * race says. */
struct spec_variant {
	char *name; /* [a-z0-9][a-z0-9._-]{0,62}, holds a letter */
	char *command; /* run as /bin/sh -c; or */
	struct strv argv; /* run as it is */
	char *image;
	char *setup, *check;
	struct strv env; /* K=V, after the race's */
	struct limits limits;
	int line; /* in the file, 0 = not from one */
};

struct spec {
	char *file; /* name for messages; NULL = only flags */
	/* of the race, free text; NULL = made from prompt or command (argv: spec_expand names the
	 * program) */
	char *name;
	char *base; /* revision; NULL = HEAD */
	char *engine; /* auto docker local fake dagger; NULL = auto */
	char *image; /* spec_image.h; NULL = "host". spec_load and flags make paths absolute */
	char *prompt; /* exported as YOLO_PROMPT */
	char *prompt_file; /* between spec_parse and spec_load; spec_expand refuses it */
	char *command;
	struct strv argv;
	char *setup, *check;
	struct strv env; /* K=V (K alone in flags is resolved by the client) */
	struct strv mounts;
	char *network; /* "bridge" | "none"; NULL = bridge */
	char *isolation; /* "container" | "any"; NULL = any */
	int parallel; /* 0 = max(1, cores/2) */
	int repeat; /* 0 = 1 */
	struct limits limits;
	struct strv rank; /* e.g. "check" "-lines" "-elapsed" */
	bool allow_unlimited;
	/* Dagger engines the variants are spread over, in turn; empty = the default one */
	struct strv runners;
	/* set by the conductor only: a text of the engine for its later starts (engine.h) */
	char *prepared;
	struct spec_matrix {
		char *key;
		struct strv values;
	} * matrix;
	size_t nmatrix;
	struct spec_variant *variants;
	size_t nvariants;
};

void spec_init(struct spec *s);
void spec_release(struct spec *s);
/* Parses a race file's text; name is used in messages. Keys of later versions (agents,
 * secrets, caches, ports, metrics) are refused with the sentence that they come later. */
int spec_parse(struct spec *s, const char *name, const char *text, size_t n, struct err *e);
/* Reads and parses; "prompt_file" is read relative to the race file's directory. */
int spec_load(struct spec *s, const char *path, struct err *e);
/* One flag without its dashes ("memory", "4g"): name image engine prompt matrix env mount setup
 * check cpus memory pids timeout log-limit parallel network base n. A value replaces the file's;
 * env and mount add (the same variable is replaced), a matrix key replaces that key. An unknown
 * flag is a bug. */
int spec_flag(struct spec *s, const char *flag, const char *value, struct err *e);
/* The command after "--": replaces the race's command and argv. Words that JSON cannot hold (not
 * UTF-8) are refused. */
int spec_command(struct spec *s, const char *const *argv, struct err *e);
/* Takes out what says what is run and how often (command, variants, matrix, repeat) and the name
 * made for that; the rest stays as defaults for another command. */
void spec_drop_recipes(struct spec *s);
/* Final checks, then variants become the full, named, ordered list (command, env with matrix keys,
 * image, limits filled in from the race), matrix and repeat are used up. After it every
 * spec_variant is self-contained. */
int spec_expand(struct spec *s, struct err *e);
/* The expanded spec to JSON and back (race.json, the wire). Reading back checks everything again.
 */
struct json *spec_to_json(const struct spec *s);
int spec_from_json(struct spec *s, const struct json *j, struct err *e);

bool spec_name_ok(const char *name);
/* "4g" "512M" "100k" bytes -> bytes; -1 = not a size. */
int64_t spec_parse_size(const char *s);
void spec_fmt_size(int64_t bytes, char *out, size_t n); /* "2.0 GiB" */
/* Lower-case slug for display, at most 24 characters, never empty: "Fix flaky parser!" ->
 * "fix-flaky-parser". */
void spec_slug(const char *text, char *out, size_t n);

#endif
