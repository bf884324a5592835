/* promote_repair.c - at start, for each intent a crash left open: waits for its git, makes things
 * whole, closes the intent. */
#include "git/promote.h"
#include "git/promote_recover.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "git/archive.h"
#include "git/promote_locks.h"

enum { REPAIR_WAIT_MS = 60000 };

static void say(const struct move *m, enum recovery how, const struct err *why, struct buf *words)
{
	const char *what = strcmp(m->op, "undo") ? "The promotion of" : "Taking back";

	if (how == RECOVER_FROM)
		buf_fmt(words,
			"%s %s was cut off by a crash; %s is as it was before. Do it again if you "
			"still want it.",
			what, m->label, m->name);
	else if (how == RECOVER_TO)
		buf_fmt(words, "%s %s had been finished when the crash came: %s is at %.7s.", what,
			m->label, m->name, m->to);
	else
		buf_fmt(words, "%s %s was cut off by a crash. %s.", what, m->label, why->msg);
}

static int repair_move(struct move *m, const struct json *intent, const struct json *child,
	struct journal *j, struct buf *words, struct err *e)
{
	struct err why = ERR_INIT;
	struct json *o;
	enum recovery how;

	if (promote_locks_wait_child(m->to, child, m->name, REPAIR_WAIT_MS, e) < 0 ||
		promote_recover_move(m, json_int(intent, "ms", 0), &how, &why) < 0)
		return *e->code ? -1 : err_set(e, why.code, "%s", why.msg);
	say(m, how, &why, words);
	/* Left open when a person is needed: the next start looks again and says so again. */
	if (how == RECOVER_NEEDS_USER && strcmp(why.code, "moved"))
		return 0;
	o = json_object();
	json_put_bool(o, "repaired", true);
	return journal_stage(
		j, (int)json_int(intent, "n", 0), how == RECOVER_TO ? "done" : "failed", o, e);
}

int promote_repair(const struct git_repo *repo, const char *quarantine, const char *state_dir,
	const struct json *intent, const struct json *child, struct journal *j, struct buf *words,
	struct err *e)
{
	const char *op = json_str(intent, "op", "");
	struct move m;
	int fd, rc;

	if (!strcmp(op, "archive") || !strcmp(op, "restore"))
		return archive_repair(repo, intent, child, j, words, e);
	if (move_from_json(&m, intent) < 0)
		return err_set(e, "journal",
			"The journal's record %d of an unfinished %s is not understood",
			(int)json_int(intent, "n", 0), *op ? op : "act");
	fd = move_lock(state_dir, e);
	if (fd < 0) {
		move_release(&m);
		return -1;
	}
	m.repo = repo;
	m.quarantine = quarantine;
	m.ident = repo->ident ? xstrdup(repo->ident) : NULL;
	rc = repair_move(&m, intent, child, j, words, e);
	close(fd);
	move_release(&m);
	return rc;
}
