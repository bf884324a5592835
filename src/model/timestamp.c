/* timestamp.c - times and 64-bit numbers as exact text in JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/timestamp.h"

enum { NS = 1000000000 };

void timestamp_put(struct json *o, const char *key, int64_t ns)
{
	if (ns <= 0) {
		json_put_null(o, key);
		return;
	}
	time_t s = (time_t)(ns / NS);
	struct tm tm;
	char day[32], text[64];
	if (!gmtime_r(&s, &tm) || !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm)) {
		json_put_null(o, key);
		return;
	}
	snprintf(text, sizeof(text), "%s.%09dZ", day, (int)(ns % NS));
	json_put_str(o, key, text);
}

int64_t timestamp_get(const struct json *o, const char *key)
{
	const char *s = json_str(o, key, NULL);
	struct tm tm;
	int frac = 0, used = 0;
	memset(&tm, 0, sizeof(tm));
	if (!s ||
		sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d.%9dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
			&tm.tm_hour, &tm.tm_min, &tm.tm_sec, &frac, &used) != 7)
		return 0;
	if (used != 30 || s[used])
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	time_t t = timegm(&tm);
	return t > 0 && frac >= 0 ? (int64_t)t * NS + frac : 0;
}

void timestamp_put_u64(struct json *o, const char *key, uint64_t v)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, v);
	json_put_str(o, key, text);
}

uint64_t timestamp_get_u64(const struct json *o, const char *key)
{
	const char *s = json_str(o, key, "");
	return *s >= '0' && *s <= '9' ? strtoull(s, NULL, 10) : 0;
}
