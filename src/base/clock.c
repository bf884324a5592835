/* clock.c - the two clocks, and times as text. */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

static int64_t now_ns(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) != 0)
		bug("clock_gettime(%d) failed", (int)id);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_mono_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return now_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_real_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

void clock_fmt_elapsed(int64_t ms, char *out, size_t n)
{
	int64_t s = ms < 0 ? 0 : ms / 1000;

	if (s < 3600)
		snprintf(out, n, "%d:%02d", (int)(s / 60), (int)(s % 60));
	else
		snprintf(out, n, "%lldh%02dm", (long long)(s / 3600), (int)(s / 60 % 60));
}

void clock_fmt_time(int64_t real_ns, char *out, size_t n)
{
	int64_t s = real_ns / 1000000000 - (real_ns % 1000000000 < 0);
	time_t t = (time_t)s;
	struct tm tm;

	if (!localtime_r(&t, &tm) || strftime(out, n, "%H:%M:%S", &tm) == 0)
		snprintf(out, n, "--:--:--");
}

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

static const struct unit *find_unit(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strlen(units[i].name) == len && !memcmp(units[i].name, s, len))
			return &units[i];
	return NULL;
}

int64_t clock_parse_duration(const char *s)
{
	int64_t total = 0, last = INT64_MAX;

	if (!*s)
		return -1;
	while (*s) {
		const struct unit *u;
		int64_t v = 0, part;
		size_t digits = strspn(s, "0123456789"), len;

		if (digits == 0 || digits > 15)
			return -1;
		for (size_t i = 0; i < digits; i++)
			v = v * 10 + (s[i] - '0');
		s += digits;
		len = strspn(s, "dhms");
		u = len == 0 ? &units[3] : find_unit(s, len);
		/* Bare digits only alone: "1h30" could be read two ways. */
		if (!u || u->ms >= last || (len == 0 && (last != INT64_MAX || *s)))
			return -1;
		if (__builtin_mul_overflow(v, u->ms, &part) ||
			__builtin_add_overflow(total, part, &total))
			return -1;
		last = u->ms;
		s += len;
	}
	return total > 0 ? total : -1;
}

void clock_fmt_duration(int64_t ms, char *out, size_t n)
{
	size_t len = 0;

	snprintf(out, n, "0s");
	for (size_t i = 0; i < ARRAY_LEN(units) && ms > 0 && len < n; i++) {
		int64_t v = ms / units[i].ms;

		if (v == 0)
			continue;
		len += (size_t)snprintf(out + len, n - len, "%lld%s", (long long)v, units[i].name);
		ms %= units[i].ms;
	}
}
