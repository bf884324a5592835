/* spec_int.h - between the spec*.c: what is right for one value, the table of all values, and the
 * reader of a race's JSON. */
#ifndef MODEL_SPEC_INT_H
#define MODEL_SPEC_INT_H

#include "model/spec.h"

/* ---- one value (spec_value.c), whether it came from a file, a flag or the wire ----
 *
 * 0, or -1 with a sentence that begins with the value ("4gb" is not a size; write ...): the caller
 * puts the place before it. */

enum spec_kind {
	SPEC_TEXT, /* any text that is not blank */
	SPEC_COMMAND, /* a command for /bin/sh -c */
	SPEC_PROMPT,
	SPEC_BASE, /* a revision */
	SPEC_ENGINE,
	SPEC_IMAGE,
	SPEC_NETWORK,
	SPEC_ISOLATION,
	SPEC_NAME, /* of a variant */
	SPEC_ENV, /* K=V */
	SPEC_ENV_KEY,
	SPEC_MOUNT,
	/* a Dagger engine: tcp:// unix:// ssh:// container:// docker-container:// kube-pod:// */
	SPEC_RUNNER,
	SPEC_RANK,
	SPEC_ARG, /* one word of argv */
};
int spec_value_text(enum spec_kind kind, const char *s, struct err *e);

enum spec_number {
	SPEC_CPUS,
	SPEC_MEMORY,
	SPEC_PIDS,
	SPEC_TIME,
	SPEC_LOG,
	SPEC_PARALLEL,
	SPEC_REPEAT
};
/* A number as text ("4g", "30m", "2.5") or as it stands in JSON; in the unit of struct limits. */
int spec_value_parse(enum spec_number kind, const char *s, double *out, struct err *e);
int spec_value_number(enum spec_number kind, double v, struct err *e);

/* Makes a variant's name of any text: letters in lower case and without marks, everything else "-".
 * May give "". */
void spec_safe_name(const char *text, char *out, size_t n);
/* Puts K=V into env, replacing an earlier K. */
void spec_env_put(struct strv *env, const char *kv);
bool spec_env_has(const struct strv *env, const char *key);
void spec_variant_release(struct spec_variant *v);
struct spec_variant *spec_add_variant(struct spec *s);
void spec_clear_matrix(struct spec *s);
/* The first problem of an expanded spec: names, commands, count. */
int spec_check_expanded(const struct spec *s, struct err *e);

/* ---- all values (spec_field.c): what a race, a variant and its limits consist of, one row a
 * value, for the race file, the flags of `run`, the expanded form and the end ---- */

enum spec_type {
	FIELD_TEXT, /* char *; kind: enum spec_kind */
	FIELD_IMAGE, /* the same, or an object that names a path */
	FIELD_LIST, /* struct strv of different words */
	FIELD_ENV, /* struct strv of K=V */
	FIELD_INT, /* kind: enum spec_number, as for the next two */
	FIELD_INT64,
	FIELD_DOUBLE,
	FIELD_BOOL,
	FIELD_LIMITS,
	FIELD_MATRIX,
	FIELD_VARIANTS,
	FIELD_LATER, /* of a later version */
	FIELD_PORTS,
	FIELD_OLD_TEXT, /* read as the text at `off`, which another row writes and frees */
	FIELD_MARK, /* says what it is by being there */
};

struct spec_field {
	const char *name;
	const char *flag; /* of `run`, without its dashes; NULL = none */
	enum spec_type type;
	int kind;
	size_t off;
	bool ours; /* only in the expanded form */
};

/* Ended by a row without a name. */
extern const struct spec_field spec_race_fields[], spec_variant_fields[], spec_limit_fields[];

const struct spec_field *spec_field_find(const struct spec_field *fields, const char *name);
/* Puts a checked number where a field of one of the three types has it. */
void spec_field_number(const struct spec_field *f, void *at, double v);
/* Frees what the fields of the struct at base own. */
void spec_field_release(const struct spec_field *fields, void *base);

/* ---- the reader (spec_parse.c) ---- */

/* Reads j into s. text = the race file's own text, for line numbers and the rules for people; NULL
 * = our own expanded form. */
int spec_read(struct spec *s, const char *name, const char *text, size_t n, const struct json *j,
	struct err *e);

#endif
