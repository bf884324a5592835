/* timestamp.h - times in our files and on the wire: a UTC string with nanoseconds, exact where a
 * JSON number would not be. */
#ifndef MODEL_TIMESTAMP_H
#define MODEL_TIMESTAMP_H

#include <stdint.h>

#include "base/json.h"

/* CLOCK_REALTIME ns -> "2026-11-24T15:04:05.123456789Z"; 0 -> null. */
void timestamp_put(struct json *o, const char *key, int64_t ns);
/* The inverse; 0 when absent, null or malformed. */
int64_t timestamp_get(const struct json *o, const char *key);
/* Numbers of 64 bits (device, inode) as decimal text. */
void timestamp_put_u64(struct json *o, const char *key, uint64_t v);
uint64_t timestamp_get_u64(const struct json *o, const char *key);

#endif
