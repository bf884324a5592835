/* spec_parse.h - the one reader of a race's JSON, shared by the race file and our own form.
 * Internal to spec*.c. */
#ifndef MODEL_SPEC_PARSE_H
#define MODEL_SPEC_PARSE_H

#include "model/spec.h"

/* Reads j into s. text = the race file's own text, for line numbers and the rules for people; NULL
 * = our own expanded form. */
int spec_read(struct spec *s, const char *name, const char *text, size_t n, const struct json *j,
	struct err *e);

#endif
