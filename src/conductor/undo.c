/* undo.c - the stack of what U takes back, kept in the journal and rebuilt from it. */
#include "conductor/undo.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void undo_action_release(struct action *a)
{
	promote_done_release(&a->done);
	strv_release(&a->archived);
	memset(a, 0, sizeof(*a));
}

void undo_push(struct undo_stack *u, struct action *take_a)
{
	if (u->n == UNDO_KEPT) {
		undo_action_release(&u->a[0]);
		memmove(u->a, u->a + 1, (UNDO_KEPT - 1) * sizeof(u->a[0]));
		u->n--;
	}
	u->a[u->n++] = *take_a;
}

void undo_pop(struct undo_stack *u)
{
	if (u->n > 0)
		undo_action_release(&u->a[--u->n]);
}

struct action *undo_top(struct undo_stack *u)
{
	return u->n > 0 ? &u->a[u->n - 1] : NULL;
}

void undo_clear(struct undo_stack *u)
{
	while (u->n > 0)
		undo_pop(u);
}

static void remove_name(struct strv *s, const char *name)
{
	struct strv left = STRV_INIT;

	if (!strv_has(s, name))
		return;
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i], name))
			strv_add(&left, s->v[i]);
	strv_release(s);
	*s = left;
}

void undo_forget(struct undo_stack *u, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < u->n; i++) {
		struct action *a = &u->a[i];
		remove_name(&a->archived, name);
		if (!a->promote && a->archived.n == 0)
			undo_action_release(a);
		else
			u->a[kept++] = *a;
	}
	u->n = kept;
}

/* ---- replay ---- */

static void row_release(struct replay_row *f)
{
	free(f->key);
	free(f->promoted);
}

static struct replay_row *row_of(struct replay *r, const char *key)
{
	for (size_t i = 0; i < r->nrow; i++)
		if (!strcmp(r->row[i].key, key))
			return &r->row[i];
	r->row = xrealloc(r->row, (r->nrow + 1) * sizeof(*r->row));
	r->row[r->nrow] = (struct replay_row){ .key = xstrdup(key), .archived = -1 };
	return &r->row[r->nrow++];
}

static void row_archived(struct replay *r, const char *key, bool archived)
{
	row_of(r, key)->archived = archived;
}

/* into: a full ref, or NULL */
static void row_promoted(struct replay *r, int race, const char *variant, const char *into)
{
	char *key = xasprintf("%d/%s", race, variant);
	struct replay_row *f = row_of(r, key);

	f->has_promoted = true;
	xreplace(&f->promoted, into && !strncmp(into, "refs/heads/", 11) ? into + 11 : into);
	free(key);
}

/* Of that race, or of all (0). */
static void forget_rows(struct replay *r, int race)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->nrow; i++) {
		if (race && strtol(r->row[i].key, NULL, 10) != race)
			r->row[kept++] = r->row[i];
		else
			row_release(&r->row[i]);
	}
	r->nrow = kept;
}

static void replay_archived(struct replay *r, const struct json *line, bool with_promote)
{
	struct action *top = undo_top(&r->undo), a = { .promote = false };

	if (json_get_strv(line, "variants", &a.archived) || !a.archived.n) {
		undo_action_release(&a);
		return;
	}
	for (size_t i = 0; i < a.archived.n; i++)
		row_archived(r, a.archived.v[i], true);
	if (with_promote && top && top->promote &&
		strtol(a.archived.v[0], NULL, 10) == top->done.race) {
		for (size_t i = 0; i < a.archived.n; i++)
			strv_add(&top->archived, a.archived.v[i]);
		undo_action_release(&a);
	} else {
		undo_push(&r->undo, &a);
	}
}

static void replay_restored(struct replay *r, const struct json *line)
{
	struct strv names = STRV_INIT;

	if (!json_get_strv(line, "variants", &names))
		for (size_t i = 0; i < names.n; i++) {
			undo_forget(&r->undo, names.v[i]);
			row_archived(r, names.v[i], false);
		}
	strv_release(&names);
}

static void replay_promoted(struct replay *r, const struct json *intent)
{
	struct action a = { .promote = true };

	if (promote_done_from_json(&a.done, intent)) {
		undo_action_release(&a);
		return;
	}
	row_promoted(r, a.done.race, a.done.variant, a.done.into_ref);
	undo_push(&r->undo, &a);
}

static void replay_undone(struct replay *r)
{
	const struct action *top = undo_top(&r->undo);

	if (top && top->promote)
		row_promoted(r, top->done.race, top->done.variant, NULL);
	undo_pop(&r->undo);
}

static void replay_completed(struct replay *r, const struct json *intent, const struct json *line)
{
	const char *op = json_str(intent, "op", "");

	if (!strcmp(op, "promote"))
		replay_promoted(r, intent);
	else if (!strcmp(op, "undo"))
		replay_undone(r);
	else if (!strcmp(op, "archives"))
		replay_archived(r, line, json_bool(intent, "with_promote", false));
	else if (!strcmp(op, "restores"))
		replay_restored(r, line);
	else if (!strcmp(op, "create"))
		forget_rows(
			r, (int)json_int(intent, "race", 0)); /* its number may be in use anew */
	else if (!strcmp(op, "cut"))
		forget_rows(r, 0); /* what stood behind them is not known */
}

static void forget_open(struct replay *r, size_t i)
{
	json_free(r->open[i]);
	json_free(r->child[i]);
	r->nopen--;
	memmove(&r->open[i], &r->open[i + 1], (r->nopen - i) * sizeof(*r->open));
	memmove(&r->child[i], &r->child[i + 1], (r->nopen - i) * sizeof(*r->child));
}

static void replay_intent(struct replay *r, const struct json *line)
{
	r->open = xrealloc(r->open, (r->nopen + 1) * sizeof(*r->open));
	r->child = xrealloc(r->child, (r->nopen + 1) * sizeof(*r->child));
	r->open[r->nopen] = json_copy(line);
	r->child[r->nopen++] = NULL;
}

void undo_replay(void *ctx, const struct json *line)
{
	struct replay *r = ctx;
	const char *stage = json_str(line, "stage", "");
	int64_t n = json_int(line, "n", 0);

	if (!strcmp(stage, "intent")) {
		replay_intent(r, line);
		return;
	}
	for (size_t i = 0; i < r->nopen; i++) {
		if (json_int(r->open[i], "n", 0) != n)
			continue;
		if (!strcmp(stage, "child")) {
			json_free(r->child[i]);
			r->child[i] = json_copy(line);
		} else if (!strcmp(stage, "done") || !strcmp(stage, "failed")) {
			if (stage[0] == 'd')
				replay_completed(r, r->open[i], line);
			forget_open(r, i);
		}
		return;
	}
}

void replay_release(struct replay *r)
{
	while (r->nopen > 0)
		forget_open(r, r->nopen - 1);
	undo_clear(&r->undo);
	forget_rows(r, 0);
	free(r->row);
	free(r->open);
	free(r->child);
	memset(r, 0, sizeof(*r));
}
