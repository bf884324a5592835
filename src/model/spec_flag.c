/* spec_flag.c - flags of `run` over what the race file says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/spec_flag.h"
#include "model/spec_image.h"
#include "model/spec_value.h"

enum how { TEXT, DOUBLE, INT, INT64, ENV, MOUNT, MATRIX };

#define AT(f) offsetof(struct spec, f)
static const struct flag {
	const char *name;
	enum how how;
	int kind;
	size_t off;
} flags[] = {
	{ "name", TEXT, SPEC_TEXT, AT(name) },
	{ "image", TEXT, SPEC_IMAGE, AT(image) },
	{ "engine", TEXT, SPEC_ENGINE, AT(engine) },
	{ "prompt", TEXT, SPEC_PROMPT, AT(prompt) },
	{ "base", TEXT, SPEC_BASE, AT(base) },
	{ "setup", TEXT, SPEC_COMMAND, AT(setup) },
	{ "check", TEXT, SPEC_COMMAND, AT(check) },
	{ "network", TEXT, SPEC_NETWORK, AT(network) },
	{ "cpus", DOUBLE, SPEC_CPUS, AT(limits.cpus) },
	{ "memory", INT64, SPEC_MEMORY, AT(limits.memory) },
	{ "pids", INT64, SPEC_PIDS, AT(limits.pids) },
	{ "timeout", INT64, SPEC_TIME, AT(limits.time_ms) },
	{ "log-limit", INT64, SPEC_LOG, AT(limits.log) },
	{ "parallel", INT, SPEC_PARALLEL, AT(parallel) },
	{ "n", INT, SPEC_REPEAT, AT(repeat) },
	{ "env", ENV, SPEC_ENV, AT(env) },
	{ "mount", MOUNT, SPEC_MOUNT, AT(mounts) },
	{ "matrix", MATRIX, 0, 0 },
	{ "runner", MOUNT, SPEC_RUNNER, AT(runners) },
};
#undef AT

static struct spec_matrix *matrix_key(struct spec *s, const char *key)
{
	for (size_t i = 0; i < s->nmatrix; i++)
		if (!strcmp(s->matrix[i].key, key)) {
			strv_clear(&s->matrix[i].values);
			return &s->matrix[i];
		}
	s->matrix = xrealloc(s->matrix, (s->nmatrix + 1) * sizeof(*s->matrix));
	memset(&s->matrix[s->nmatrix], 0, sizeof(*s->matrix));
	s->matrix[s->nmatrix].key = xstrdup(key);
	return &s->matrix[s->nmatrix++];
}

/* "K=v1,v2" */
static int matrix(struct spec *s, const char *value, struct err *e)
{
	const char *eq = strchr(value, '=');
	if (!eq)
		return err_set(e, "spec", "\"%.60s\" has no values; write NAME=value,value", value);
	char *key = xstrndup(value, (size_t)(eq - value));
	struct strv values = STRV_INIT;
	int rc = spec_value_text(SPEC_ENV_KEY, key, e);
	for (const char *p = eq + 1; !rc && *p;) {
		size_t n = strcspn(p, ",");
		char *one = xstrndup(p, n);
		if (strv_has(&values, one))
			rc = err_set(e, "spec", "%s: the value \"%.60s\" stands twice", key, one);
		strv_take(&values, one);
		p += n + (p[n] == ',');
	}
	if (!rc && !values.n)
		rc = err_set(e, "spec", "%s: it has no values, so there is nothing to race", key);
	if (!rc)
		strv_copy(&matrix_key(s, key)->values, &values);
	strv_release(&values);
	free(key);
	return rc;
}

static int number(const struct flag *f, void *at, const char *value, struct err *e)
{
	double v;
	if (spec_value_parse((enum spec_number)f->kind, value, &v, e))
		return -1;
	if (f->how == DOUBLE)
		*(double *)at = v;
	else if (f->how == INT)
		*(int *)at = (int)v;
	else
		*(int64_t *)at = (int64_t)v;
	return 0;
}

static int apply(struct spec *s, const struct flag *f, const char *value, struct err *e)
{
	void *at = (char *)s + f->off;
	if (f->how == MATRIX)
		return matrix(s, value, e);
	if (f->how == DOUBLE || f->how == INT || f->how == INT64)
		return number(f, at, value, e);
	if (spec_value_text((enum spec_kind)f->kind, value, e))
		return -1;
	if (f->kind == SPEC_IMAGE) {
		char *image = spec_image_resolve(value, NULL, e);
		if (image)
			xreplace(at, image);
		free(image);
		return image ? 0 : -1;
	}
	if (f->how == ENV)
		spec_env_put(at, value);
	else if (f->how == TEXT)
		xreplace(at, value);
	else if (!strv_has(at, value))
		strv_add(at, value);
	if (f->off == offsetof(struct spec, prompt))
		xreplace(&s->prompt_file, NULL);
	return 0;
}

int spec_flag(struct spec *s, const char *flag, const char *value, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (strcmp(flags[i].name, flag))
			continue;
		if (apply(s, &flags[i], value, e))
			return err_prefix(e, "%s%s", flag[1] ? "--" : "-", flag);
		return 0;
	}
	bug("spec_flag: there is no flag %s", flag);
}

int spec_command(struct spec *s, const char *const *argv, struct err *e)
{
	for (size_t i = 0; argv[i]; i++)
		if (spec_value_text(SPEC_ARG, argv[i], e))
			return err_prefix(e, "-- the command's word %zu", i + 1);
	xreplace(&s->command, NULL);
	strv_clear(&s->argv);
	strv_addv(&s->argv, argv);
	return 0;
}
