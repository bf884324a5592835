/* archive_ops.c - archive and restore: the refs in a serial job, the rows when it is done. */
#include "conductor/archive_ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "conductor/board.h"
#include "conductor/variant_run.h"
#include "conductor/undo.h"
#include "git/archive.h"

struct item {
	struct variant_run *run; /* only for done */
	int race;
	const char *name;
	char *commit; /* NULL: it has no branch, only the row goes */
	bool ok;
	struct err e;
};

struct archive_job {
	struct conductor *c;
	struct journal *journal;
	const char *common;
	bool restore, with_promote;
	struct item *it;
	size_t n;
	struct err e;
	int rc;
	archive_fn fn;
	void *ctx;
	struct archive_result res;
};

static struct json *names_json(const struct archive_job *j, bool only_ok)
{
	struct json *o = json_object(), *a = json_array();
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < j->n; i++) {
		if (only_ok && !j->it[i].ok)
			continue;
		buf_clear(&b);
		buf_fmt(&b, "%d/%s", j->it[i].race, j->it[i].name);
		json_add_str(a, b.p);
	}
	buf_release(&b);
	json_put(o, "variants", a);
	json_put_bool(o, "with_promote", j->with_promote);
	return o;
}

static void move_refs(struct archive_job *j, const struct git_repo *repo, struct item *it)
{
	int rc = 0;

	if (it->commit && j->restore)
		rc = archive_restore(repo, it->race, it->name, it->commit, j->journal, &it->e);
	else if (it->commit)
		rc = archive_variant(repo, it->race, it->name, it->commit, j->journal, &it->e);
	it->ok = rc == 0;
}

static void archive_work(void *arg)
{
	struct archive_job *j = arg;
	struct git_repo repo;
	struct err ignored = ERR_INIT;
	int n;

	j->rc = git_repo_open_common(&repo, j->common, &j->e);
	if (j->rc)
		return;
	n = journal_intent(
		j->journal, j->restore ? "restores" : "archives", names_json(j, false), &j->e);
	j->rc = n < 0 ? -1 : 0;
	for (size_t i = 0; i < j->n && !j->rc; i++)
		move_refs(j, &repo, &j->it[i]);
	/* a failed line leaves the intent open: the next start looks at the refs */
	if (n > 0 && journal_stage(j->journal, n, "done", names_json(j, true), &ignored))
		diag(DIAG_ERROR, "%s", ignored.msg);
	git_repo_release(&repo);
}

static void push_undo(struct archive_job *j)
{
	struct conductor *c = j->c;
	struct action *top = undo_top(&c->undo), a = { .promote = false };

	for (size_t i = 0; i < j->res.done.n; i++) {
		if (j->restore)
			undo_forget(&c->undo, j->res.done.v[i]);
		else if (j->with_promote && top && top->promote && top->done.race == j->it[0].race)
			strv_add(&top->archived, j->res.done.v[i]);
		else
			strv_add(&a.archived, j->res.done.v[i]);
	}
	if (a.archived.n)
		undo_push(&c->undo, &a);
}

static void take_item(struct archive_job *j, struct item *it)
{
	struct variant_run *run = it->run;

	run->archiving = false;
	run->v->archive_after = false;
	if (!it->ok) {
		strv_fmt(&j->res.skipped, "%s: %s", run->key, j->rc ? j->e.msg : it->e.msg);
		return;
	}
	run->v->archived = !j->restore;
	strv_add(&j->res.done, run->key);
	variant_store(run);
	mark_dirty(run);
}

static void archive_done(void *arg)
{
	struct archive_job *j = arg;
	for (size_t i = 0; i < j->n; i++)
		take_item(j, &j->it[i]);
	push_undo(j);
	if (j->fn)
		j->fn(j->ctx, &j->res);
	for (size_t i = 0; i < j->n; i++)
		free(j->it[i].commit);
	strv_release(&j->res.done);
	strv_release(&j->res.skipped);
	free(j->it);
	free(j);
}

static void add_item(struct archive_job *j, struct variant_run *run)
{
	if (j->restore)
		run->v->archive_after = false;
	if (run->v->archived == !j->restore) {
		strv_fmt(&j->res.skipped, "%s is %s", run->key,
			j->restore ? "not archived" : "archived already");
	} else if (!j->restore && variant_live(run->v->state)) {
		strv_fmt(&j->res.skipped, "%s is still %s: kill it first", run->key,
			variant_state_name(run->v->state));
	} else {
		struct item *it = &j->it[j->n++];
		it->run = run;
		it->race = run->r->race->number;
		it->name = run->v->name;
		/* without a branch there is no ref to move; the record keeps the name while it is
		 * archived */
		it->commit = run->v->commit && run->v->branch ? xstrdup(run->v->commit) : NULL;
	}
}

static void post_job(struct conductor *c, struct variant_run **v, size_t n, struct archive_job *j)
{
	j->c = c;
	j->journal = c->journal;
	j->common = c->store.common;
	j->it = xcalloc(n + 1, sizeof(*j->it));
	for (size_t i = 0; i < n; i++)
		add_item(j, v[i]);
	if (j->n)
		pool_post_interactive(
			loop_pool(c->loop), SERIAL_REPO, archive_work, archive_done, j);
	else
		archive_done(j);
}

void archive_ops_archive(struct conductor *c, struct variant_run **v, size_t n, bool with_promote,
	archive_fn fn, void *ctx)
{
	struct archive_job *j = xcalloc(1, sizeof(*j));

	j->with_promote = with_promote;
	j->fn = fn;
	j->ctx = ctx;
	post_job(c, v, n, j);
}

void archive_ops_restore(
	struct conductor *c, struct variant_run **v, size_t n, archive_fn fn, void *ctx)
{
	struct archive_job *j = xcalloc(1, sizeof(*j));

	j->restore = true;
	j->fn = fn;
	j->ctx = ctx;
	post_job(c, v, n, j);
}
