/* refusal.c - a reason why something is not done now, as a code and a sentence. */
#include "git/refusal.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NAMES_MAX = 8 };

void refusal_release(struct refusal *r)
{
	free(r->code);
	free(r->msg);
	memset(r, 0, sizeof(*r));
}

void refusal_set(struct refusal *r, const char *code, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	if (r->code)
		return;
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	r->code = xstrdup(code);
	r->msg = buf_take(&b);
}

int refusal_err(const struct refusal *r, struct err *e)
{
	return err_set(e, r->code, "%s", r->msg);
}

char *refusal_names(const struct strv *v)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < v->n && i < NAMES_MAX; i++)
		buf_fmt(&b, "%s%s", i ? ", " : "", v->v[i]);
	if (v->n > NAMES_MAX)
		buf_fmt(&b, " and %zu more", v->n - NAMES_MAX);
	return buf_take(&b);
}
