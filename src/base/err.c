/* err.c - an error as a sentence with a code. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void err_clear(struct err *e)
{
	e->code[0] = 0;
	e->msg[0] = 0;
}

static void set_msg(struct err *e, const char *msg, int would_be)
{
	snprintf(e->msg, sizeof e->msg, "%s", msg);
	if (would_be >= (int)sizeof e->msg)
		e->msg[utf8_trim(e->msg, sizeof e->msg - 1)] = 0;
}

int err_vset(struct err *e, const char *code, const char *fmt, va_list ap)
{
	char tmp[sizeof e->msg]; /* the arguments may point into e itself */
	char c[sizeof e->code];
	int n = vsnprintf(tmp, sizeof tmp, fmt, ap);

	snprintf(c, sizeof c, "%s", code);
	memcpy(e->code, c, sizeof c);
	set_msg(e, tmp, n);
	return -1;
}

int err_set(struct err *e, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, code, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *e, const char *code, const char *fmt, ...)
{
	int saved = errno;
	char why[128];
	const char *text = strerror_r(saved, why, sizeof why);
	size_t len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	err_vset(e, code, fmt, ap);
	va_end(ap);
	len = strlen(e->msg);
	n = snprintf(e->msg + len, sizeof e->msg - len, ": %s", text);
	if (n >= (int)(sizeof e->msg - len))
		e->msg[utf8_trim(e->msg, sizeof e->msg - 1)] = 0;
	errno = saved;
	return -1;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char head[sizeof e->msg], all[sizeof e->msg];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(head, sizeof head, fmt, ap);
	va_end(ap);
	n = snprintf(all, sizeof all, "%s: %s", head, e->msg);
	set_msg(e, all, n);
	return -1;
}
