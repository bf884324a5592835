/* spec_value.h - what is right for one value of a race, whether it came from a file, a flag or the
 * wire. Internal to spec*.c.
 *
 * Every function returns 0, or -1 with a sentence that begins with the value ("4gb" is not a size;
 * write ...): the caller puts the place before it. */
#ifndef MODEL_SPEC_VALUE_H
#define MODEL_SPEC_VALUE_H

#include "model/spec.h"

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

#endif
