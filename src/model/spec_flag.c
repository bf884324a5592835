/* spec_flag.c - flags of `run` over what the race file says. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/spec_int.h"
#include "model/spec_image.h"

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
static int apply_matrix(struct spec *s, const char *value, struct err *e)
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

static int apply_flag(
	struct spec *s, const struct spec_field *f, void *at, const char *value, struct err *e)
{
	double number;

	if (f->type == FIELD_MATRIX)
		return apply_matrix(s, value, e);
	if (f->type == FIELD_INT || f->type == FIELD_INT64 || f->type == FIELD_DOUBLE) {
		if (spec_value_parse((enum spec_number)f->kind, value, &number, e))
			return -1;
		spec_field_number(f, at, number);
		return 0;
	}
	if (spec_value_text((enum spec_kind)f->kind, value, e))
		return -1;
	if (f->type == FIELD_IMAGE) {
		char *image = spec_image_resolve(value, NULL, e);

		if (image)
			xreplace(at, image);
		free(image);
		return image ? 0 : -1;
	}
	if (f->type == FIELD_ENV)
		spec_env_put(at, value);
	else if (f->type == FIELD_TEXT)
		xreplace(at, value);
	else if (!strv_has(at, value))
		strv_add(at, value);
	if (f->kind == SPEC_PROMPT)
		xreplace(&s->prompt_file, NULL);
	return 0;
}

static const struct spec_field *find_flag(const struct spec_field *f, const char *flag)
{
	while (f->name && (!f->flag || strcmp(f->flag, flag)))
		f++;
	return f->name ? f : NULL;
}

int spec_flag(struct spec *s, const char *flag, const char *value, struct err *e)
{
	const struct spec_field *f = find_flag(spec_race_fields, flag);
	void *base = s;

	if (!f) {
		f = find_flag(spec_limit_fields, flag);
		base = &s->limits;
	}
	if (!f)
		bug("spec_flag: there is no flag %s", flag);
	if (apply_flag(s, f, (char *)base + f->off, value, e))
		return err_prefix(e, "%s%s", flag[1] ? "--" : "-", flag);
	return 0;
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
