/* promote_apply.c - applies the plan that was shown, and nothing else; and what the journal
 * remembers of it. */
#include "git/promote_apply.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "git/promote.h"
#include "git/promote_dirty.h"
#include "git/promote_move.h"

const char ANY_TREE[] = "";

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Does what was shown still hold? */
static int still_holds(
	const struct target *t, const char *from, const char *dir, struct refusal *why)
{
	if (why->code)
		return -1;
	if (!same(t->tip, from))
		refusal_set(why, "moved_base",
			"%s moved while you looked; the result was rebuilt, look again.", t->name);
	else if (dir != ANY_TREE && !same(t->dir, dir))
		refusal_set(why, "moved_base",
			"%s was checked out or left in %s while you looked; look again.", t->name,
			t->dir ? t->dir : dir);
	return why->code ? -1 : 0;
}

int apply_locked(const struct apply *a, struct journal *j, struct err *e)
{
	struct move m = { .repo = a->repo, .quarantine = a->quarantine, .back = a->back };
	struct changes ch = { NULL, 0 };
	struct refusal why = { NULL, NULL };
	struct target t;
	int64_t now_ms;
	int rc = target_find(a->repo, a->into, a->start, &t, &why, e), n;

	if (!rc && still_holds(&t, a->from, a->dir, &why) < 0)
		rc = -1;
	if (!rc && t.dir) {
		rc = changes_read(a->repo->common, a->quarantine, a->from, a->to, &ch, e);
		if (!rc)
			rc = promote_dirty_check(&t, &ch, NULL, &why, e);
	}
	if (why.code)
		rc = refusal_err(&why, e);
	if (!rc) {
		m.ref = xstrdup(t.ref);
		m.name = xstrdup(t.name);
		m.from = xstrdup(a->from);
		m.to = xstrdup(a->to);
		m.dir = t.dir ? xstrdup(t.dir) : NULL;
		m.git_dir = t.git_dir ? xstrdup(t.git_dir) : NULL;
		m.label = xasprintf("%d/%s", a->race, a->variant);
		m.keep_ref = a->keep
			? xasprintf("refs/yolodeck/%d/%s/%s", a->race, a->variant, a->keep)
			: NULL;
		m.ident = xstrdup(t.ident);
		m.op = xstrdup(a->op);
		m.umask = a->umask ? xstrdup(a->umask) : NULL;
		now_ms = clock_real_ns() / 1000000;
		n = journal_intent(
			j, a->op, move_to_json(&m, a->race, a->variant, a->of, now_ms), e);
		rc = n < 0 ? -1 : promote_move_run(&m, now_ms, j, n, e);
	}
	move_release(&m);
	changes_release(&ch);
	refusal_release(&why);
	target_release(&t);
	return rc;
}

int promote_apply(const struct promote_in *in, const struct promote_plan *plan, struct journal *j,
	struct err *e)
{
	struct apply a = {
		.repo = in->repo,
		.quarantine = in->quarantine,
		.op = "promote",
		.race = in->race,
		.variant = in->variant,
		.into = plan->into,
		.from = plan->old,
		.to = plan->new,
		.dir = plan->tree_dir,
		.start = plan->tree_dir ? plan->tree_dir : in->asked_from,
		.umask = in->umask,
		.keep = "promoted",
	};
	int fd, rc;

	if (plan->refuse)
		return err_set(e, plan->refuse_code, "%s", plan->refuse);
	fd = move_lock(in->state_dir, e);
	if (fd < 0)
		return -1;
	rc = apply_locked(&a, j, e);
	close(fd);
	return rc;
}

void promote_done_release(struct promote_done *d)
{
	free(d->variant);
	free(d->into_ref);
	free(d->old);
	free(d->new);
	free(d->tree_dir);
	memset(d, 0, sizeof(*d));
}

int promote_done_from_json(struct promote_done *d, const struct json *line)
{
	struct move m;

	memset(d, 0, sizeof(*d));
	if (strcmp(json_str(line, "op", ""), "promote") ||
		strcmp(json_str(line, "stage", ""), "intent") || move_from_json(&m, line) < 0)
		return -1;
	d->n = (int)json_int(line, "n", 0);
	d->race = (int)json_int(line, "race", 0);
	d->variant = xstrdup(json_str(line, "variant", ""));
	d->into_ref = xstrdup(m.ref);
	d->old = xstrdup(m.from);
	d->new = xstrdup(m.to);
	d->tree_dir = m.dir ? xstrdup(m.dir) : NULL;
	move_release(&m);
	return 0;
}
