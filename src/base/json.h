/* json.h - the only interface to cJSON: typed reads with error text, writes that always give valid
 * JSON.
 *
 * A struct json is a node of a tree; the root owns all. Strings are UTF-8: on the way out bytes
 * that are not are written as U+FFFD and every control character is escaped, numbers that are not
 * finite are null. On the way in: depth <= 64, duplicate keys, NUL and invalid UTF-8 in strings
 * refused. A number is a double: integers are exact up to 2^53, larger ones keep 53 bits (a time in
 * ns comes back to within 128 ns). */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct json; /* is a cJSON */

/* Strict JSON; text need not be NUL-terminated. The error says line and column: "line 4, column 7:
 * ...". */
struct json *json_parse(const char *text, size_t n, struct err *e);
/* JSON with // and block comments and trailing commas (race files, themes). Positions are those of
 * the original text. */
struct json *json_parse_relaxed(const char *text, size_t n, struct err *e);
/* Line (1-based) at which the value of a path stands in a text that json_parse_relaxed accepted:
 * "limits.memory", "variants[2].name". 0 = not found. */
int json_line_of(const char *text, size_t n, const char *path);
/* Line at which the *key* `key` of the object at `path` ("" = root) stands. */
int json_line_of_key(const char *text, size_t n, const char *path, const char *key);

struct json *json_object(void);
struct json *json_array(void);
struct json *json_copy(const struct json *j);
void json_free(struct json *j);
/* Compact, on one line, appended to b (no newline). */
void json_print(const struct json *j, struct buf *b);
void json_print_pretty(const struct json *j, struct buf *b);

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
enum json_type json_type(const struct json *j);
/* "a number", "a string", "an array" ... for sentences */
const char *json_type_name(enum json_type t);

/* Members of an object (NULL when absent or not an object). */
const struct json *json_get(const struct json *o, const char *key);
/* Value or the default when absent or of another type; json_int drops the fraction, and gives the
 * default beyond int64. */
const char *json_str(const struct json *o, const char *key, const char *dflt);
int64_t json_int(const struct json *o, const char *key, int64_t dflt);
double json_double(const struct json *o, const char *key, double dflt);
bool json_bool(const struct json *o, const char *key, bool dflt);
/* Value of the node itself; "" / 0 / false for another type. */
const char *json_to_str(const struct json *j);
double json_to_double(const struct json *j);
bool json_to_bool(const struct json *j);

/* Walks: for (c = json_first(j); c; c = json_next(c)); key of a member of an object. */
const struct json *json_first(const struct json *j);
const struct json *json_next(const struct json *j);
const char *json_key(const struct json *j);
size_t json_size(const struct json *j);

/* Building; put replaces, NULL strings are written as null. */
void json_put_str(struct json *o, const char *key, const char *v);
void json_put_int(struct json *o, const char *key, int64_t v);
void json_put_double(struct json *o, const char *key, double v);
void json_put_bool(struct json *o, const char *key, bool v);
void json_put_null(struct json *o, const char *key);
void json_put(struct json *o, const char *key, struct json *take_v);
void json_add_str(struct json *a, const char *v);
void json_add(struct json *a, struct json *take_v);
/* An array of strings <-> strv. json_get_strv: -1 when present and not an array of strings. */
void json_put_strv(struct json *o, const char *key, const struct strv *v);
int json_get_strv(const struct json *o, const char *key, struct strv *v);

#endif
