/* ops_archive.c - kill, archive, restore. */
#include <stdlib.h>

#include "base/mem.h"
#include "conductor/archive_ops.h"
#include "conductor/ops.h"
#include "conductor/sched.h"

void ops_kill(const struct reply *r, const struct json *req)
{
	struct variant_run **v;
	struct strv killed = STRV_INIT, already = STRV_INIT;
	struct err e = ERR_INIT;
	struct json *ok;
	size_t n;

	if (ops_pick(r->c, req, true, &v, &n, &e)) {
		reply_err(r, &e);
		return;
	}
	/* Of a whole race only what was live is news; of variants that were named, each is
	 * answered. */
	bool whole = json_get(req, "all") || json_get(req, "race");
	for (size_t i = 0; i < n; i++) {
		if (sched_kill(v[i], "killed by you"))
			strv_add(&killed, v[i]->key);
		else if (!whole)
			strv_add(&already, v[i]->key);
	}
	ok = json_object();
	json_put_strv(ok, "killed", &killed);
	json_put_strv(ok, "already", &already);
	reply_ok(r, ok);
	strv_release(&killed);
	strv_release(&already);
	free(v);
}

struct archive_reply {
	struct reply r;
	bool restore;
};

static void on_archived(void *ctx, struct archive_result *res)
{
	struct archive_reply *k = ctx;
	struct json *ok = json_object();

	json_put_strv(ok, k->restore ? "restored" : "archived", &res->done);
	json_put_strv(ok, "skipped", &res->skipped);
	reply_ok(&k->r, ok);
	k->r.c->running_ops--;
	free(k);
}

static void archive_or_restore(const struct reply *r, const struct json *req, bool restore)
{
	struct archive_reply *k;
	struct variant_run **v;
	struct err e = ERR_INIT;
	size_t n;

	if (ops_pick(r->c, req, true, &v, &n, &e)) {
		reply_err(r, &e);
		return;
	}
	k = xcalloc(1, sizeof(*k));
	k->r = *r;
	k->restore = restore;
	r->c->running_ops++;
	if (restore)
		archive_ops_restore(r->c, v, n, on_archived, k);
	else
		archive_ops_archive(r->c, v, n, false, on_archived, k);
	free(v);
}

void ops_archive(const struct reply *r, const struct json *req)
{
	archive_or_restore(r, req, false);
}

void ops_restore(const struct reply *r, const struct json *req)
{
	archive_or_restore(r, req, true);
}
