/* diag.c - the program's own log on stderr, one write(2) a line. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_MAX_BYTES = 4096, LEVEL_UNSET = -1 };

static atomic_int threshold = LEVEL_UNSET;

void diag_set_level(enum diag_level level)
{
	atomic_store(&threshold, (int)level);
}

static int current_level(void)
{
	int level = atomic_load(&threshold);
	const char *env;

	if (level != LEVEL_UNSET)
		return level;
	env = getenv("YOLODECK_DEBUG");
	level = env && !strcmp(env, "1") ? DIAG_DEBUG : DIAG_WARN;
	atomic_store(&threshold, level);
	return level;
}

static size_t put_stamp(char *line, size_t size)
{
	int64_t ns = clock_real_ns();
	time_t t = (time_t)(ns / 1000000000);
	struct tm tm;
	size_t len;

	if (!localtime_r(&t, &tm))
		return 0;
	len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return len + (size_t)snprintf(line + len, size - len, ".%03d ", (int)(ns / 1000000 % 1000));
}

void diag(enum diag_level level, const char *fmt, ...)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	char line[LINE_MAX_BYTES];
	size_t len, start;
	ssize_t ignored;
	va_list ap;
	int n;

	if ((int)level < current_level())
		return;
	len = put_stamp(line, sizeof line);
	len += (size_t)snprintf(line + len, sizeof line - len, "%s ", names[level]);
	start = len;
	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof line - len, fmt, ap);
	va_end(ap);
	if (n > 0)
		len += (size_t)n < sizeof line - len ? (size_t)n : sizeof line - len - 1;
	for (size_t i = start; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	ignored = write(2, line, len);
	(void)ignored;
}
