/* targets.c - the variants that an action means, as a request and in words. */
#include "ui/targets.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ui/state.h"

enum { MAX_NAMES = 6 };

size_t targets_get(struct deck *d, struct item **out)
{
	size_t n = 0;

	for (size_t i = 0; i < d->nitem; i++)
		if (d->item[i]->marked)
			out[n++] = d->item[i];
	if (n == 0 && state_selected(d))
		out[n++] = state_selected(d);
	return n;
}

struct json *targets_request(struct deck *d, const char *op, struct item **it, size_t n)
{
	struct json *request = client_request(op);
	struct strv names = STRV_INIT;

	for (size_t i = 0; i < n; i++)
		strv_fmt(&names, "%d/%s", d->race, it[i]->name);
	json_put_strv(request, "variants", &names);
	strv_release(&names);
	return request;
}

void targets_names(struct item **it, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n && i < MAX_NAMES; i++)
		buf_fmt(out, "%s%d %s", i ? "  " : "", it[i]->number, it[i]->name);
	if (n > MAX_NAMES)
		buf_fmt(out, "  and %zu more", n - MAX_NAMES);
}

void targets_describe(const struct item *it, struct buf *out)
{
	const struct variant *v = it->row->v;
	char took[32];
	int64_t ms = table_elapsed_ms(v, deck_now_ns());

	buf_str(out, variant_state_name(v->state));
	if (ms >= 0) {
		clock_fmt_elapsed(ms, took, sizeof(took));
		buf_fmt(out, " %s", took);
	}
	if (v->files > 0)
		buf_fmt(out, ", +%lld -%lld in %d file%s", (long long)v->added,
			(long long)v->removed, v->files, v->files == 1 ? "" : "s");
}

void targets_unmark(struct deck *d)
{
	for (size_t i = 0; i < d->nitem; i++)
		d->item[i]->marked = false;
	d->dirty = true;
}
