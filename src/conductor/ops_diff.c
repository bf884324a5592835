/* ops_diff.c - what a variant changed, against its base or another one: always between commits in
 * the quarantine. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "conductor/borrowed_repo.h"
#include "conductor/ops.h"
#include "git/diff.h"
#include "git/snapshot.h"

enum { PATCH_MAX = 512 << 10, WIRE_MAX = 900 << 10 };

struct diff_request {
	struct conductor *c;
	struct reply r;
	const struct snapshot_in *in;
	struct borrowed_repo repo;
	char *a, *b; /* commits; b NULL: a snapshot is taken first */
	char *path;
	bool stat_only;
	struct diff_stat stat;
	struct buf patch;
	bool cut;
	struct err e;
	int rc;
};

static void diff_request_free(struct diff_request *d)
{
	diff_stat_release(&d->stat);
	buf_release(&d->patch);
	free(d->a);
	free(d->b);
	free(d->path);
	d->c->running_ops--;
	free(d);
}

/* The work of a live variant as it is now, by the walker and its cache. */
static int snapshot(struct diff_request *d)
{
	struct snapshot_in in = *d->in;
	struct snapshot_out out;
	int rc;

	in.subject = "live";
	in.repo = borrowed_repo_get(&d->repo, &d->e);
	if (!in.repo)
		return -1;
	memset(&out, 0, sizeof(out));
	rc = snapshot_take(&in, &out, &d->e);
	if (!rc)
		d->b = xstrdup(out.commit);
	snapshot_out_release(&out);
	borrowed_repo_release(&d->repo);
	return rc;
}

static void diff_work(void *arg)
{
	struct diff_request *d = arg;
	const char *quarantine = d->in->quarantine;

	if (!d->b)
		d->rc = snapshot(d);
	if (!d->rc)
		d->rc = diff_stat(quarantine, d->a, d->b, &d->stat, &d->e);
	if (!d->rc && !d->stat_only)
		d->rc = diff_patch(
			quarantine, d->a, d->b, d->path, PATCH_MAX, &d->patch, &d->cut, &d->e);
}

/* The answer is one line of JSON, which a client takes up to 1 MiB: what escaping makes longer
 * counts. */
static void cut_for_wire(struct diff_request *d)
{
	size_t cost = 0;

	for (size_t i = 0; i < d->patch.len; i++) {
		unsigned char ch = (unsigned char)d->patch.p[i];
		cost += ch == '\n' || ch == '\t' || ch == '"' || ch == '\\' ? 2
			: ch < 0x20                                         ? 6
			: ch >= 0x80                                        ? 3
									    : 1;
		if (cost <= WIRE_MAX)
			continue;
		d->patch.p[i] = '\0';
		d->patch.len = i;
		d->cut = true;
	}
}

static void diff_done(void *arg)
{
	struct diff_request *d = arg;
	struct json *ok, *list;

	if (d->rc) {
		reply_err(&d->r, &d->e);
		diff_request_free(d);
		return;
	}
	ok = json_object();
	list = json_array();
	cut_for_wire(d);
	for (size_t i = 0; i < d->stat.n && i < PROTO_LIST_CUT; i++) {
		struct json *f = json_object();
		json_put_str(f, "path", d->stat.f[i].path);
		json_put_int(f, "added", d->stat.f[i].added);
		json_put_int(f, "removed", d->stat.f[i].removed);
		json_add(list, f);
	}
	json_put(ok, "stat", list);
	json_put_int(ok, "files", (int64_t)d->stat.n);
	json_put_int(ok, "added", d->stat.added);
	json_put_int(ok, "removed", d->stat.removed);
	if (!d->stat_only)
		json_put_str(ok, "patch", d->patch.p);
	json_put_bool(ok, "cut", d->cut || d->stat.cut);
	json_put_str(ok, "from", d->a);
	json_put_str(ok, "to", d->b);
	reply_ok(&d->r, ok);
	diff_request_free(d);
}

static bool works_now(const struct variant_run *run)
{
	enum variant_state s = run->v->state;

	return s == VS_RUNNING || s == VS_STOPPING;
}

static const char *commit_of(const struct variant_run *run)
{
	return run->v->commit ? run->v->commit : run->v->live;
}

/* 0 with *other NULL = against the base. */
static int other_side(const struct conductor *c, const struct json *req,
	const struct variant_run *run, struct variant_run **other, struct err *e)
{
	*other = NULL;
	if (!json_str(req, "other", NULL))
		return 0;
	*other = ops_one(c, req, "other", false, e);
	if (!*other)
		return -1;
	if ((*other)->r != run->r)
		return err_set(e, "other_race",
			"%s and %s are of different races; only variants of one race are compared",
			run->key, (*other)->key);
	if (!commit_of(*other))
		return err_set(e, "nothing_saved", "%s has no snapshot yet", (*other)->key);
	return 0;
}

void ops_diff(const struct reply *r, const struct json *req)
{
	struct err e = ERR_INIT;
	struct variant_run *run = ops_one(r->c, req, "variant", false, &e), *other = NULL;
	struct diff_request *d;

	if (!run || other_side(r->c, req, run, &other, &e)) {
		reply_err(r, &e);
		return;
	}
	if (!works_now(run) && !commit_of(run)) {
		err_set(&e, "nothing_saved", "%s has nothing to show: it is %s", run->key,
			variant_state_name(run->v->state));
		reply_err(r, &e);
		return;
	}
	r->c->running_ops++;
	d = xcalloc(1, sizeof(*d));
	buf_init(&d->patch);
	d->c = r->c;
	d->r = *r;
	d->in = &run->snapshot;
	borrowed_repo_init(&d->repo, run->r);
	d->a = xstrdup(other ? commit_of(other) : run->r->race->base);
	d->b = works_now(run) ? NULL : xstrdup(commit_of(run));
	d->path = json_str(req, "path", NULL) ? xstrdup(json_str(req, "path", "")) : NULL;
	d->stat_only = json_bool(req, "stat", false);
	pool_post_interactive(
		loop_pool(r->c->loop), d->b ? NULL : run->key, diff_work, diff_done, d);
}
