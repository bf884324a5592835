/* spec_json.c - the expanded spec as JSON and back: a race file's keys, so that one reader checks
 * both. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/spec_int.h"

static void put_env(struct json *o, const char *name, const struct strv *env)
{
	struct json *j = json_object();

	for (size_t i = 0; i < env->n; i++) {
		const char *eq = strchr(env->v[i], '=');
		char *key = xstrndup(env->v[i], (size_t)(eq - env->v[i]));

		json_put_str(j, key, eq + 1);
		free(key);
	}
	json_put(o, name, j);
}

static void put_time(struct json *o, const char *name, int64_t ms)
{
	char *text = xasprintf("%lldms", (long long)ms);

	json_put_str(o, name, text);
	free(text);
}

static void put_fields(struct json *o, const struct spec_field *fields, const void *base);

static void put_limits(struct json *o, const char *name, const struct limits *l)
{
	struct json *j = json_object();

	put_fields(j, spec_limit_fields, l);
	if (json_size(j))
		json_put(o, name, j);
	else
		json_free(j);
}

/* What is not set is not written. */
static void put_field(struct json *o, const struct spec_field *f, const void *at)
{
	const struct strv *list = at;

	if ((f->type == FIELD_TEXT || f->type == FIELD_IMAGE) && *(char *const *)at)
		json_put_str(o, f->name, *(char *const *)at);
	else if (f->type == FIELD_LIST && list->n)
		json_put_strv(o, f->name, list);
	else if (f->type == FIELD_ENV && list->n)
		put_env(o, f->name, list);
	else if (f->type == FIELD_INT && *(const int *)at)
		json_put_int(o, f->name, *(const int *)at);
	else if (f->type == FIELD_INT64 && *(const int64_t *)at && f->kind == SPEC_TIME)
		put_time(o, f->name, *(const int64_t *)at);
	else if (f->type == FIELD_INT64 && *(const int64_t *)at)
		json_put_int(o, f->name, *(const int64_t *)at);
	else if (f->type == FIELD_DOUBLE && *(const double *)at > 0)
		json_put_double(o, f->name, *(const double *)at);
	else if (f->type == FIELD_BOOL && *(const bool *)at)
		json_put_bool(o, f->name, true);
	else if (f->type == FIELD_LIMITS)
		put_limits(o, f->name, at);
}

static void put_fields(struct json *o, const struct spec_field *fields, const void *base)
{
	for (const struct spec_field *f = fields; f->name; f++)
		put_field(o, f, (const char *)base + f->off);
}

struct json *spec_to_json(const struct spec *s)
{
	struct json *o = json_object(), *list = json_array();

	put_fields(o, spec_race_fields, s);
	for (size_t i = 0; i < s->nvariants; i++) {
		struct json *v = json_object();

		put_fields(v, spec_variant_fields, &s->variants[i]);
		json_add(list, v);
	}
	json_put(o, "variants", list);
	json_put_bool(o, "expanded", true);
	return o;
}

int spec_from_json(struct spec *s, const struct json *j, struct err *e)
{
	if (!j)
		return err_set(e, "spec", "there is no description of the race");
	if (spec_read(s, NULL, NULL, 0, j, e))
		return -1;
	return spec_check_expanded(s, e);
}
