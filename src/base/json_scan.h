/* json_scan.h - the grammar of JSON with positions, over a text that stays where it is. Used by
 * json.c and json_line.c only. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { JSON_DEPTH = 64, JSON_NUMBER_MAX = 60 };

struct json_scan {
	const char *s;
	size_t n, at; /* at = next byte */
	int depth;
	struct err *e; /* "line L, column C: what is wrong"; code "bad_json" */
};

/* Copy of a relaxed text in `out` with comments and trailing commas blanked, byte for byte at the
 * same offsets. */
int json_scan_relax(const char *text, size_t n, struct buf *out, struct err *e);

/* One whole document: a value and nothing behind it. */
int json_scan_document(struct json_scan *c);
/* The value at `at`, after blanks; leaves `at` behind it. */
int json_scan_value(struct json_scan *c);
/* The string at `at`; its decoded bytes are appended to `text` unless NULL. */
int json_scan_string(struct json_scan *c, struct buf *text);
void json_scan_blank(struct json_scan *c);
/* Takes the byte b after blanks: 1 = it was there. */
int json_scan_take(struct json_scan *c, char b);

/* Line (1-based) of an offset. */
int json_scan_line(const char *s, size_t at);

#endif
