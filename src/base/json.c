/* json.c - cJSON behind typed reads, and a printer that always gives valid JSON. */
#include <cjson/cJSON.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_int.h"
#include "base/mem.h"
#include "base/utf8.h"

static cJSON *to_cjson(const struct json *j)
{
	return (cJSON *)(uintptr_t)j;
}

static struct json *from_cjson(cJSON *c)
{
	return (struct json *)c;
}

/* cJSON says NULL when there is no memory. */
static struct json *or_die(cJSON *c)
{
	if (!c)
		mem_die();
	return from_cjson(c);
}

/* ---- life ---- */

struct json *json_object(void)
{
	return or_die(cJSON_CreateObject());
}

struct json *json_array(void)
{
	return or_die(cJSON_CreateArray());
}

struct json *json_copy(const struct json *j)
{
	return j ? or_die(cJSON_Duplicate(to_cjson(j), true)) : NULL;
}

void json_free(struct json *j)
{
	cJSON_Delete(to_cjson(j));
}

/* ---- printing ---- */

static void print_string(const char *s, struct buf *b)
{
	size_t n = strlen(s);

	buf_char(b, '"');
	while (n > 0) {
		size_t len = utf8_len(s, n);
		unsigned char c = (unsigned char)s[0];

		if (len == 0) {
			buf_str(b, "\xEF\xBF\xBD");
			len = 1;
		} else if (c == '"' || c == '\\') {
			buf_char(b, '\\');
			buf_char(b, (char)c);
		} else if (c == '\n') {
			buf_str(b, "\\n");
		} else if (c == '\t') {
			buf_str(b, "\\t");
		} else if (c < 0x20 || c == 0x7F) {
			buf_fmt(b, "\\u%04x", c);
		} else if (c == 0xC2 && (unsigned char)s[1] < 0xA0) {
			buf_fmt(b, "\\u%04x", (unsigned char)s[1]); /* C1 controls */
		} else {
			buf_add(b, s, len);
		}
		s += len;
		n -= len;
	}
	buf_char(b, '"');
}

static void print_number(double d, struct buf *b)
{
	const char *point = localeconv()->decimal_point;
	char text[64], *at;
	size_t len;

	if (!isfinite(d)) {
		buf_str(b, "null");
		return;
	}
	if (d == floor(d) && fabs(d) <= 9007199254740992.0) {
		buf_fmt(b, "%lld", (long long)d);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	at = strstr(text, point);
	len = strlen(point);
	if (!at || !strcmp(point, ".")) {
		buf_str(b, text);
		return;
	}
	buf_add(b, text, (size_t)(at - text));
	buf_char(b, '.');
	buf_str(b, at + len);
}

static void print_newline(struct buf *b, int indent)
{
	if (indent < 0)
		return;
	buf_char(b, '\n');
	for (int i = 0; i < indent; i++)
		buf_char(b, '\t');
}

/* indent < 0: all on one line. */
static void print_value(const cJSON *c, struct buf *b, int indent)
{
	int inner = indent < 0 ? indent : indent + 1;
	bool object = cJSON_IsObject(c);

	if (cJSON_IsString(c)) {
		print_string(c->valuestring, b);
	} else if (cJSON_IsNumber(c)) {
		print_number(c->valuedouble, b);
	} else if (cJSON_IsBool(c)) {
		buf_str(b, cJSON_IsTrue(c) ? "true" : "false");
	} else if (!object && !cJSON_IsArray(c)) {
		buf_str(b, "null");
	} else {
		buf_char(b, object ? '{' : '[');
		for (const cJSON *m = c->child; m; m = m->next) {
			print_newline(b, inner);
			if (object) {
				print_string(m->string, b);
				buf_str(b, indent < 0 ? ":" : ": ");
			}
			print_value(m, b, inner);
			if (m->next)
				buf_char(b, ',');
		}
		if (c->child)
			print_newline(b, indent);
		buf_char(b, object ? '}' : ']');
	}
}

void json_print(const struct json *j, struct buf *b)
{
	print_value(to_cjson(j), b, -1);
}

void json_print_pretty(const struct json *j, struct buf *b)
{
	print_value(to_cjson(j), b, 0);
}

/* ---- reading ---- */

enum json_type json_type(const struct json *j)
{
	const cJSON *c = to_cjson(j);

	if (cJSON_IsBool(c))
		return JSON_BOOL;
	if (cJSON_IsNumber(c))
		return JSON_NUMBER;
	if (cJSON_IsString(c))
		return JSON_STRING;
	if (cJSON_IsArray(c))
		return JSON_ARRAY;
	return cJSON_IsObject(c) ? JSON_OBJECT : JSON_NULL;
}

const char *json_type_name(enum json_type t)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",
		[JSON_BOOL] = "true or false",
		[JSON_NUMBER] = "a number",
		[JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object",
	};

	return names[t];
}

const struct json *json_get(const struct json *o, const char *key)
{
	return cJSON_IsObject(to_cjson(o))
		? from_cjson(cJSON_GetObjectItemCaseSensitive(to_cjson(o), key))
		: NULL;
}

const char *json_str(const struct json *o, const char *key, const char *dflt)
{
	const cJSON *c = to_cjson(json_get(o, key));

	return cJSON_IsString(c) ? c->valuestring : dflt;
}

int64_t json_int(const struct json *o, const char *key, int64_t dflt)
{
	const cJSON *c = to_cjson(json_get(o, key));

	/* 2^63 itself does not fit any more. */
	if (!cJSON_IsNumber(c) || !(fabs(c->valuedouble) < 9223372036854775808.0))
		return dflt;
	return (int64_t)c->valuedouble;
}

double json_double(const struct json *o, const char *key, double dflt)
{
	const cJSON *c = to_cjson(json_get(o, key));

	return cJSON_IsNumber(c) ? c->valuedouble : dflt;
}

bool json_bool(const struct json *o, const char *key, bool dflt)
{
	const cJSON *c = to_cjson(json_get(o, key));

	return cJSON_IsBool(c) ? cJSON_IsTrue(c) : dflt;
}

const char *json_to_str(const struct json *j)
{
	return cJSON_IsString(to_cjson(j)) ? to_cjson(j)->valuestring : "";
}

double json_to_double(const struct json *j)
{
	return cJSON_IsNumber(to_cjson(j)) ? to_cjson(j)->valuedouble : 0;
}

bool json_to_bool(const struct json *j)
{
	return cJSON_IsTrue(to_cjson(j));
}

const struct json *json_first(const struct json *j)
{
	return cJSON_IsObject(to_cjson(j)) || cJSON_IsArray(to_cjson(j))
		? from_cjson(to_cjson(j)->child)
		: NULL;
}

const struct json *json_next(const struct json *j)
{
	return from_cjson(to_cjson(j)->next);
}

const struct json *json_last(const struct json *j)
{
	/* cJSON's first child knows the last one as the one before it. */
	return json_first(j) ? from_cjson(to_cjson(json_first(j))->prev) : NULL;
}

const char *json_key(const struct json *j)
{
	return to_cjson(j)->string ? to_cjson(j)->string : "";
}

size_t json_size(const struct json *j)
{
	size_t n = 0;

	for (const struct json *c = j ? json_first(j) : NULL; c; c = json_next(c))
		n++;
	return n;
}

/* ---- building ---- */

void json_put(struct json *o, const char *key, struct json *take_v)
{
	struct json *v = take_v ? take_v : json_new_string(NULL);

	if (!cJSON_IsObject(to_cjson(o)))
		bug("json_put of \"%s\" into what is no object", key);
	if (!json_get(o, key))
		json_append(o, key, v);
	else if (!cJSON_ReplaceItemInObjectCaseSensitive(to_cjson(o), key, to_cjson(v)))
		mem_die();
}

struct json *json_new_bool(bool v)
{
	return or_die(cJSON_CreateBool(v));
}

struct json *json_new_string(const char *v)
{
	return or_die(v ? cJSON_CreateString(v) : cJSON_CreateNull());
}

/* cJSON turns 1e999 into infinity, which JSON cannot say back. */
struct json *json_new_number(const char *s, size_t n)
{
	struct json *v = or_die(cJSON_ParseWithLength(s, n));

	if (isfinite(json_to_double(v)))
		return v;
	json_free(v);
	return NULL;
}

void json_append(struct json *parent, const char *key, struct json *take_v)
{
	if (!(key ? cJSON_AddItemToObject(to_cjson(parent), key, to_cjson(take_v))
		  : cJSON_AddItemToArray(to_cjson(parent), to_cjson(take_v))))
		mem_die();
}

void json_put_str(struct json *o, const char *key, const char *v)
{
	json_put(o, key, json_new_string(v));
}

void json_put_int(struct json *o, const char *key, int64_t v)
{
	json_put(o, key, or_die(cJSON_CreateNumber((double)v)));
}

void json_put_double(struct json *o, const char *key, double v)
{
	json_put(o, key, or_die(cJSON_CreateNumber(v)));
}

void json_put_bool(struct json *o, const char *key, bool v)
{
	json_put(o, key, json_new_bool(v));
}

void json_put_null(struct json *o, const char *key)
{
	json_put(o, key, NULL);
}

void json_add(struct json *a, struct json *take_v)
{
	if (!cJSON_IsArray(to_cjson(a)))
		bug("json_add to what is no array");
	json_append(a, NULL, take_v ? take_v : json_new_string(NULL));
}

void json_add_str(struct json *a, const char *v)
{
	json_add(a, json_new_string(v));
}

void json_put_strv(struct json *o, const char *key, const struct strv *v)
{
	struct json *a = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_add_str(a, v->v[i]);
	json_put(o, key, a);
}

int json_get_strv(const struct json *o, const char *key, struct strv *v)
{
	const struct json *a = json_get(o, key);

	strv_clear(v);
	if (!a)
		return 0;
	if (json_type(a) != JSON_ARRAY)
		return -1;
	for (const struct json *c = json_first(a); c; c = json_next(c)) {
		if (json_type(c) != JSON_STRING) {
			strv_clear(v);
			return -1;
		}
		strv_add(v, json_to_str(c));
	}
	return 0;
}
