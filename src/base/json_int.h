/* json_int.h - between json.c (the tree, over cJSON) and json_parse.c (the grammar). */
#ifndef BASE_JSON_INT_H
#define BASE_JSON_INT_H

#include "base/json.h"

struct json *json_new_bool(bool v);
struct json *json_new_string(const char *v); /* NULL gives null */
/* A number as JSON writes it, whatever the locale; NULL = a double cannot hold it. */
struct json *json_new_number(const char *s, size_t n);
/* Puts v at the end of an object, or of an array (key NULL), without looking for the key. */
void json_append(struct json *parent, const char *key, struct json *take_v);
const struct json *json_last(const struct json *j); /* the last child, NULL = none */

#endif
