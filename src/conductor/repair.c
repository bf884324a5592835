/* repair.c - promotes, archives and claims that a crash cut off. */
#include "conductor/repair.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/board.h"
#include "conductor/races.h"
#include "conductor/undo.h"
#include "conductor/variant_run.h"
#include "git/leftovers.h"

struct repair {
	struct conductor *c;
	struct journal *journal;
	struct store store; /* borrowed */
	struct replay *replay; /* owned */
	struct strv words;
	struct replay after;
};

static void close_intent(
	struct repair *p, const struct json *intent, const char *stage, struct json *take_fields)
{
	struct err e = ERR_INIT;

	if (journal_stage(p->journal, (int)json_int(intent, "n", 0), stage, take_fields, &e))
		strv_add(&p->words, e.msg);
}

static void repair_move(struct repair *p, const struct git_repo *repo, const struct json *intent,
	const struct json *child)
{
	struct buf words = BUF_INIT;
	struct err e = ERR_INIT;
	char *dir = store_race_dir(&p->store, (int)json_int(intent, "race", 0));
	char *q = fs_join(dir, "q.git");

	if (promote_repair(repo, q, p->store.dir, intent, child, p->journal, &words, &e))
		strv_add(&p->words, e.msg);
	else if (words.len)
		strv_add(&p->words, words.p);
	free(q);
	free(dir);
	buf_release(&words);
}

static void repair_create(struct repair *p, const struct json *intent)
{
	char *dir = store_race_dir(&p->store, (int)json_int(intent, "race", 0));
	char *record = fs_join(dir, "race.json");
	bool there = fs_exists(record);

	if (!there && rmdir(dir) && fs_exists(dir))
		diag(DIAG_WARN, "%s was begun and holds files; it is left as it is", dir);
	close_intent(p, intent, there ? "done" : "failed", NULL);
	free(record);
	free(dir);
}

/* Where a name stands now: its branch is there, or only its archived ref. */
static bool branch_there(const struct git_repo *repo, const char *name)
{
	struct err ignored = ERR_INIT;
	char *ref = xasprintf("refs/heads/yolo/%s", name);
	char *id = git_ref(repo->common, ref, &ignored);
	bool there = id != NULL;

	free(id);
	free(ref);
	return there;
}

static bool archived_there(const struct git_repo *repo, const char *name)
{
	struct err ignored = ERR_INIT;
	char *ref = xasprintf("refs/yolodeck/%s/archived", name);
	char *id = git_ref(repo->common, ref, &ignored);
	bool there = id != NULL;

	free(id);
	free(ref);
	return there;
}

static void repair_group(
	struct repair *p, const struct git_repo *repo, const struct json *intent, bool restore)
{
	struct strv names = STRV_INIT, did = STRV_INIT;
	struct json *o = json_object();

	if (!json_get_strv(intent, "variants", &names))
		for (size_t i = 0; i < names.n; i++) {
			bool branch = branch_there(repo, names.v[i]);
			if (restore ? branch : !branch && archived_there(repo, names.v[i]))
				strv_add(&did, names.v[i]);
		}
	json_put_strv(o, "variants", &did);
	close_intent(p, intent, "done", o);
	strv_release(&names);
	strv_release(&did);
}

static bool is_group(const struct json *intent)
{
	const char *op = json_str(intent, "op", "");

	return !strcmp(op, "archives") || !strcmp(op, "restores");
}

/* A group is judged by where its refs stand, so after the single ones in it were finished. */
static void repair_open(struct repair *p, const struct git_repo *repo)
{
	struct replay *r = p->replay;

	for (size_t i = 0; i < r->nopen; i++) {
		const char *op = json_str(r->open[i], "op", "");
		if (!strcmp(op, "create"))
			repair_create(p, r->open[i]);
		else if (!is_group(r->open[i]))
			repair_move(p, repo, r->open[i], r->child[i]);
	}
	for (size_t i = 0; i < r->nopen; i++)
		if (is_group(r->open[i]))
			repair_group(p, repo, r->open[i], json_str(r->open[i], "op", "")[0] == 'r');
}

static void repair_work(void *arg)
{
	struct repair *p = arg;
	struct git_repo repo;
	struct err e = ERR_INIT;
	struct journal *again;
	size_t torn;
	char *path = store_path(&p->store, "journal");

	if (git_repo_open_common(&repo, p->store.common, &e)) {
		strv_add(&p->words, e.msg);
	} else {
		repair_open(p, &repo);
		git_repo_release(&repo);
	}
	/* what was repaired can be undone as well: the stack is read anew */
	again = journal_open(path, undo_replay, &p->after, &torn, &e);
	journal_close(again);
	free(path);
}

static void follow_journal(struct variant_run *run, const struct replay_row *f)
{
	struct variant *v = run->v;
	const char *was = v->promoted ? v->promoted : "", *is = f->promoted ? f->promoted : "";
	bool archived = f->archived >= 0 && v->archived != f->archived && variant_ended(v->state);

	if (!archived && (!f->has_promoted || !strcmp(was, is)))
		return;
	diag(DIAG_WARN, "%s: its record was older than the journal", run->key);
	if (archived)
		v->archived = f->archived;
	if (f->has_promoted)
		xreplace(&v->promoted, f->promoted);
	variant_store(run);
	mark_dirty(run);
}

void repair_rows(struct conductor *c, const struct replay *r)
{
	for (size_t k = 0; k < r->nrow; k++) {
		struct variant_run *run = races_by_key(c, r->row[k].key);
		if (run)
			follow_journal(run, &r->row[k]);
	}
}

static void repair_done(void *arg)
{
	struct repair *p = arg;
	struct conductor *c = p->c;

	undo_clear(&c->undo);
	c->undo = p->after.undo;
	p->after.undo.n = 0;
	repair_rows(c, &p->after);
	for (size_t i = 0; i < p->words.n; i++)
		notify(c, "warn", "%s", p->words.v[i]);
	replay_release(&p->after);
	replay_release(p->replay);
	free(p->replay);
	strv_release(&p->words);
	free(p);
}

static void sweep_work(void *arg)
{
	leftovers_remove(arg);
}

void repair_begin(struct conductor *c)
{
	struct repair *p;

	pool_post(loop_pool(c->loop), sweep_work, free, xstrdup(c->store.dir));

	if (!c->replay)
		return;
	if (!c->replay->nopen) {
		replay_release(c->replay);
		free(c->replay);
		c->replay = NULL;
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->c = c;
	p->journal = c->journal;
	p->store = c->store;
	p->replay = c->replay;
	c->replay = NULL;
	pool_post_interactive(loop_pool(c->loop), SERIAL_REPO, repair_work, repair_done, p);
}
