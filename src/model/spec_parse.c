/* spec_parse.c - a race file's JSON into a spec, by one table of keys; each refusal says file,
 * line, key and what is right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/suggest.h"
#include "model/spec_image.h"
#include "model/spec_int.h"

/* Where we are: the text is for line numbers (NULL = from the wire). */
struct reader {
	struct spec *s;
	const char *file, *text;
	size_t n;
	bool expanded; /* our own form: race.json and the wire */
	struct err *e;
};

static int line_of(const struct reader *r, const char *path)
{
	char *up = xstrdup(path), *cut;
	int line = r->text ? json_line_of(r->text, r->n, up) : 0;
	while (r->text && !line && ((cut = strrchr(up, '.')) || (cut = strrchr(up, '[')))) {
		*cut = '\0';
		line = json_line_of(r->text, r->n, up);
	}
	free(up);
	return line;
}

/* Puts "race.json:12: limits.memory: " before the sentence in e. */
static int add_place(struct reader *r, int line, const char *path)
{
	if (*path)
		err_prefix(r->e, "%s", path);
	if (r->file && line)
		err_prefix(r->e, "%s:%d", r->file, line);
	else if (r->file)
		err_prefix(r->e, "%s", r->file);
	return -1;
}

static int add_path(struct reader *r, const char *path)
{
	return add_place(r, line_of(r, path), path);
}

static int wrong_type(struct reader *r, const struct json *v, const char *path, const char *right)
{
	err_set(r->e, "spec", "%s is not right here; write %s", json_type_name(json_type(v)),
		right);
	return add_path(r, path);
}

static int read_text(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	if (json_type(v) != JSON_STRING)
		return wrong_type(r, v, path, "a string");
	if (spec_value_text((enum spec_kind)k->kind, json_to_str(v), r->e))
		return add_path(r, path);
	xreplace((char **)at, json_to_str(v));
	return 0;
}

static int refuse_later(struct reader *r, const char *path, const char *what)
{
	err_set(r->e, "later", "%s a later version of yolodeck; take it out for now", what);
	return add_path(r, path);
}

/* { "tar": "x.tar" } or { "build": "dir" } becomes the text of it. */
static int read_image_object(struct reader *r, const struct json *v, const char *path, void *at)
{
	static const char right[] = "{ \"tar\": \"image.tar\" } or { \"build\": \"directory\" }";
	const struct json *c = json_first(v);
	const char *key = c ? json_key(c) : "";
	bool known = !strcmp(key, "tar") || !strcmp(key, "build");
	if (json_size(v) != 1 || !known) {
		err_set(r->e, "spec", "an image is a string, or %s, with nothing else in it",
			right);
		return add_path(r, path);
	}
	char *sub = xasprintf("%s.%s", path, key), *text;
	const char *p = json_to_str(c), *lead = strchr("/~", *p) ? "" : "./";
	int rc = 0;
	text = xasprintf("%s:%s%s", key, lead, p);
	if (json_type(c) != JSON_STRING)
		rc = wrong_type(r, c, sub, "a path as text");
	else if (!*p)
		rc = err_set(r->e, "spec", "is empty"), add_path(r, sub);
	else if (spec_value_text(SPEC_IMAGE, text, r->e))
		rc = add_path(r, sub);
	else
		xreplace((char **)at, text);
	free(text);
	free(sub);
	return rc ? -1 : 0;
}

static int read_image(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	if (json_type(v) == JSON_OBJECT)
		return read_image_object(r, v, path, at);
	if (read_text(r, v, path, k, at))
		return -1;
	if (r->expanded && spec_image_is_path(json_to_str(v)) &&
		spec_image_kind(json_to_str(v), NULL) == IMAGE_REF) {
		err_set(r->e, "spec", "\"%.60s\" is not an absolute path", json_to_str(v));
		return add_path(r, path);
	}
	return 0;
}

static int read_later(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	struct buf b = BUF_INIT;
	buf_fmt(&b, "%s come%s in", k->name, k->name[strlen(k->name) - 1] == 's' ? "" : "s");
	refuse_later(r, path, b.p);
	buf_release(&b);
	return -1;
}

static int read_ports(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	err_set(r->e, "later",
		"publishing ports comes in a later version of yolodeck (Dagger would open them on every "
		"address of this machine, not only to itself); take it out for now");
	return add_path(r, path);
}

static int read_number(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	static const char *const right[] = {
		[SPEC_CPUS] = "a number, as in 2 or 0.5",
		[SPEC_MEMORY] = "a size, as in \"4g\"",
		[SPEC_PIDS] = "a number",
		[SPEC_TIME] = "a time, as in \"30m\"",
		[SPEC_LOG] = "a size, as in \"1g\"",
		[SPEC_PARALLEL] = "a number",
		[SPEC_REPEAT] = "a number",
	};
	bool with_unit = k->kind == SPEC_MEMORY || k->kind == SPEC_LOG || k->kind == SPEC_TIME;
	double d;
	int rc;

	if (json_type(v) == JSON_NUMBER) {
		d = json_to_double(v) * (k->kind == SPEC_TIME ? 1000 : 1);
		rc = spec_value_number((enum spec_number)k->kind, d, r->e);
	} else if (json_type(v) == JSON_STRING && with_unit) {
		rc = spec_value_parse((enum spec_number)k->kind, json_to_str(v), &d, r->e);
	} else {
		return wrong_type(r, v, path, right[k->kind]);
	}
	if (rc)
		return add_path(r, path);
	spec_field_number(k, at, d);
	return 0;
}

static int read_bool(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	if (json_type(v) != JSON_BOOL)
		return wrong_type(r, v, path, "true or false");
	*(bool *)at = json_to_bool(v);
	return 0;
}

static int read_list(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	struct strv *list = at;
	size_t i = 0;
	if (json_type(v) != JSON_ARRAY)
		return wrong_type(r, v, path, "an array of strings in [ ]");
	if (!json_size(v) && !r->expanded) {
		err_set(r->e, "spec",
			"the array is empty; write at least one string or leave it out");
		return add_path(r, path);
	}
	for (const struct json *c = json_first(v); c; c = json_next(c), i++) {
		char *sub = xasprintf("%s[%zu]", path, i);
		int rc = 0;
		if (json_type(c) != JSON_STRING) {
			rc = wrong_type(r, c, sub, "a string");
		} else if (spec_value_text((enum spec_kind)k->kind, json_to_str(c), r->e)) {
			rc = add_path(r, sub);
		} else if (k->kind != SPEC_ARG && strv_has(list, json_to_str(c))) {
			err_set(r->e, "spec", "\"%.60s\" stands twice in the array",
				json_to_str(c));
			rc = add_path(r, sub);
		}
		free(sub);
		if (rc)
			return rc;
		strv_add(list, json_to_str(c));
	}
	return 0;
}

/* A text, number or truth as the text a shell would see. -1 = something else. */
static int scalar_to_text(const struct json *v, struct buf *b)
{
	switch (json_type(v)) {
	case JSON_STRING:
		buf_str(b, json_to_str(v));
		return 0;
	case JSON_NUMBER:
		buf_fmt(b, "%.15g", json_to_double(v));
		return 0;
	case JSON_BOOL:
		buf_str(b, json_to_bool(v) ? "true" : "false");
		return 0;
	default:
		return -1;
	}
}

static int read_env(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	if (json_type(v) != JSON_OBJECT)
		return wrong_type(r, v, path, "names and values in { }, as in { \"CI\": \"1\" }");
	for (const struct json *c = json_first(v); c; c = json_next(c)) {
		struct buf b = BUF_INIT;
		char *sub = xasprintf("%s.%s", path, json_key(c));
		int rc = spec_value_text(SPEC_ENV_KEY, json_key(c), r->e);
		buf_fmt(&b, "%s=", json_key(c));
		if (rc)
			add_path(r, sub);
		else if (scalar_to_text(c, &b))
			rc = wrong_type(r, c, sub, "a string or a number");
		else if ((rc = spec_value_text(SPEC_ENV, b.p, r->e)))
			add_path(r, sub);
		else
			strv_add(at, b.p);
		buf_release(&b);
		free(sub);
		if (rc)
			return -1;
	}
	return 0;
}

static int read_matrix_key(struct reader *r, const struct json *v, const char *path)
{
	struct spec *s = r->s;
	if (spec_value_text(SPEC_ENV_KEY, json_key(v), r->e))
		return add_path(r, path);
	if (json_type(v) != JSON_ARRAY)
		return wrong_type(r, v, path, "an array of values in [ ]");
	if (!json_size(v)) {
		err_set(r->e, "spec",
			"it has no values, so there is nothing to race; write at least one");
		return add_path(r, path);
	}
	s->matrix = xrealloc(s->matrix, (s->nmatrix + 1) * sizeof(*s->matrix));
	struct spec_matrix *m = &s->matrix[s->nmatrix++];
	memset(m, 0, sizeof(*m));
	m->key = xstrdup(json_key(v));
	size_t i = 0;
	for (const struct json *c = json_first(v); c; c = json_next(c), i++) {
		struct buf b = BUF_INIT;
		char *sub = xasprintf("%s[%zu]", path, i);
		int rc = 0;
		if (scalar_to_text(c, &b)) {
			rc = wrong_type(r, c, sub, "a string or a number");
		} else if (strv_has(&m->values, b.p)) {
			err_set(r->e, "spec", "the value \"%.60s\" stands twice", b.p);
			rc = add_path(r, sub);
		} else if (spec_value_text(SPEC_ARG, b.p, r->e)) {
			rc = add_path(r, sub);
		} else {
			strv_add(&m->values, b.p);
		}
		buf_release(&b);
		free(sub);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_matrix(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	if (json_type(v) != JSON_OBJECT)
		return wrong_type(
			r, v, path, "arrays of values in { }, as in { \"seed\": [1, 2] }");
	for (const struct json *c = json_first(v); c; c = json_next(c)) {
		char *sub = xasprintf("%s.%s", path, json_key(c));
		int rc = read_matrix_key(r, c, sub);
		free(sub);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_limits(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at);
static int read_variants(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at);

static int refuse_key(
	struct reader *r, const struct json *v, const char *path, const struct spec_field *fields)
{
	const char *names[64], *key = json_key(v), *near;
	int line = r->text ? json_line_of_key(r->text, r->n, path, key) : 0;
	char *full = xasprintf("%s%s%s", path, *path ? "." : "", key);
	size_t n = 0;

	for (const struct spec_field *f = fields; f->name && n < ARRAY_LEN(names); f++)
		if (!f->ours)
			names[n++] = f->name;
	near = suggest_word(key, names, n);
	if (fields == spec_variant_fields && spec_field_find(spec_race_fields, key))
		err_set(r->e, "spec",
			"it belongs to the whole race, not to one variant; move it up");
	else if (near)
		err_set(r->e, "spec", "there is no such key; did you mean \"%s\"?", near);
	else if (fields == spec_limit_fields)
		err_set(r->e, "spec",
			"there is no such limit; there are cpus, memory, pids, time, log and disk");
	else
		err_set(r->e, "spec", "there is no such key; yolodeck-race(5) lists them");
	add_place(r, line, full);
	free(full);
	return -1;
}

static int read_mark(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	return 0;
}

static int read_object(struct reader *r, const struct json *o, const char *path,
	const struct spec_field *fields, void *base)
{
	static int (*const readers[])(struct reader *, const struct json *, const char *,
		const struct spec_field *, void *) = {
		[FIELD_TEXT] = read_text,
		[FIELD_IMAGE] = read_image,
		[FIELD_LIST] = read_list,
		[FIELD_ENV] = read_env,
		[FIELD_INT] = read_number,
		[FIELD_INT64] = read_number,
		[FIELD_DOUBLE] = read_number,
		[FIELD_BOOL] = read_bool,
		[FIELD_LIMITS] = read_limits,
		[FIELD_MATRIX] = read_matrix,
		[FIELD_VARIANTS] = read_variants,
		[FIELD_LATER] = read_later,
		[FIELD_PORTS] = read_ports,
		[FIELD_OLD_TEXT] = read_text,
		[FIELD_MARK] = read_mark,
	};

	for (const struct json *c = json_first(o); c; c = json_next(c)) {
		const struct spec_field *k = spec_field_find(fields, json_key(c));
		char *sub;
		int rc;

		if (!k || (k->ours && !r->expanded))
			return refuse_key(r, c, path, fields);
		sub = xasprintf("%s%s%s", path, *path ? "." : "", k->name);
		rc = readers[k->type](r, c, sub, k, (char *)base + k->off);
		free(sub);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_limits(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	if (json_type(v) != JSON_OBJECT)
		return wrong_type(r, v, path, "limits in { }, as in { \"memory\": \"4g\" }");
	return read_object(r, v, path, spec_limit_fields, at);
}

static int read_variants(struct reader *r, const struct json *v, const char *path,
	const struct spec_field *k, void *at)
{
	size_t i = 0;
	if (json_type(v) != JSON_ARRAY)
		return wrong_type(r, v, path, "an array of variants in [ ]");
	if (!json_size(v)) {
		err_set(r->e, "spec",
			"the array is empty; write at least one variant or leave it out");
		return add_path(r, path);
	}
	for (const struct json *c = json_first(v); c; c = json_next(c), i++) {
		char *sub = xasprintf("%s[%zu]", path, i);
		int rc;
		if (json_type(c) != JSON_OBJECT) {
			rc = wrong_type(r, c, sub,
				"a variant in { }, as in { \"name\": \"a\", \"command\": "
				"\"./a.sh\" }");
		} else {
			struct spec_variant *sv = spec_add_variant(r->s);
			sv->line = line_of(r, sub);
			rc = read_object(r, c, sub, spec_variant_fields, sv);
		}
		free(sub);
		if (rc)
			return rc;
	}
	return 0;
}

/* Both of two keys that mean the same. line 0 = of the key itself. */
static int refuse_both(struct reader *r, const char *path, const char *a, const char *b)
{
	int line = r->text ? json_line_of_key(r->text, r->n, path, b) : 0;
	char *full = xasprintf("%s%s%s", path, *path ? "." : "", b);
	err_set(r->e, "spec", "there is \"%s\" as well; keep one of the two", a);
	add_place(r, line, full);
	free(full);
	return -1;
}

static int check_variant(struct reader *r, size_t i)
{
	const struct spec_variant *v = &r->s->variants[i];
	char path[64];
	snprintf(path, sizeof(path), "variants[%zu]", i);
	if (v->command && v->argv.n)
		return refuse_both(r, path, "command", "argv");
	if (!v->name) {
		err_set(r->e, "spec", "the variant has no name; write \"name\": \"...\"");
		return add_path(r, path);
	}
	for (size_t k = 0; k < i; k++) {
		const struct spec_variant *o = &r->s->variants[k];
		if (strcmp(o->name, v->name))
			continue;
		err_set(r->e, "spec",
			"\"%s\" is the name of variants[%zu] too, in line %d; names are different",
			v->name, k, o->line);
		snprintf(path, sizeof(path), "variants[%zu].name", i);
		return add_path(r, path);
	}
	for (size_t k = 0; k < r->s->nmatrix; k++)
		if (spec_env_has(&v->env, r->s->matrix[k].key)) {
			char *full = xasprintf("%s.env.%s", path, r->s->matrix[k].key);
			err_set(r->e, "spec",
				"the matrix sets it already; take it out of one of the two");
			add_path(r, full);
			free(full);
			return -1;
		}
	return 0;
}

/* What one key alone does not show. */
static int check_file(struct reader *r)
{
	const struct spec *s = r->s;
	if (s->command && s->argv.n)
		return refuse_both(r, "", "command", "argv");
	if (s->prompt && s->prompt_file)
		return refuse_both(r, "", "prompt", "prompt_file");
	for (size_t k = 0; k < s->nmatrix; k++) {
		if (!spec_env_has(&s->env, s->matrix[k].key))
			continue;
		char *full = xasprintf("matrix.%s", s->matrix[k].key);
		err_set(r->e, "spec", "env sets it already; take it out of one of the two");
		add_path(r, full);
		free(full);
		return -1;
	}
	for (size_t i = 0; i < s->nvariants; i++)
		if (check_variant(r, i))
			return -1;
	return 0;
}

int spec_read(struct spec *s, const char *name, const char *text, size_t n, const struct json *j,
	struct err *e)
{
	struct reader r = { s, name, text, n, text == NULL, e };
	if (json_type(j) != JSON_OBJECT)
		return wrong_type(&r, j, "", "a race in { }");
	if (read_object(&r, j, "", spec_race_fields, s))
		return -1;
	return text ? check_file(&r) : 0;
}

int spec_parse(struct spec *s, const char *name, const char *text, size_t n, struct err *e)
{
	struct json *j = json_parse_relaxed(text, n, e);
	int rc;
	xreplace(&s->file, name);
	if (!j) {
		err_prefix(e, "%s", name);
		return -1;
	}
	rc = spec_read(s, name, text, n, j, e);
	json_free(j);
	return rc;
}
