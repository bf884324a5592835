/* undo.c - the stack of what U takes back, kept in the journal and rebuilt from it. */
#include "conductor/undo.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void action_release(struct action *a)
{
	promote_done_release(&a->done);
	strv_release(&a->archived);
	memset(a, 0, sizeof(*a));
}

void undo_push(struct undo_stack *u, struct action *take_a)
{
	if (u->n == UNDO_KEPT) {
		action_release(&u->a[0]);
		memmove(u->a, u->a + 1, (UNDO_KEPT - 1) * sizeof(u->a[0]));
		u->n--;
	}
	u->a[u->n++] = *take_a;
}

void undo_pop(struct undo_stack *u)
{
	if (u->n > 0)
		action_release(&u->a[--u->n]);
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
			action_release(a);
		else
			u->a[kept++] = *a;
	}
	u->n = kept;
}

/* ---- replay ---- */

static void archived(struct undo_stack *u, const struct json *line, bool with_promote)
{
	struct action *top = undo_top(u), a = { .promote = false };

	if (json_get_strv(line, "variants", &a.archived) || !a.archived.n) {
		action_release(&a);
	} else if (with_promote && top && top->promote) {
		for (size_t i = 0; i < a.archived.n; i++)
			strv_add(&top->archived, a.archived.v[i]);
		action_release(&a);
	} else {
		undo_push(u, &a);
	}
}

static void restored(struct undo_stack *u, const struct json *line)
{
	struct strv names = STRV_INIT;

	if (!json_get_strv(line, "variants", &names))
		for (size_t i = 0; i < names.n; i++)
			undo_forget(u, names.v[i]);
	strv_release(&names);
}

static void completed(struct undo_stack *u, const struct json *intent, const struct json *line)
{
	const char *op = json_str(intent, "op", "");
	struct action a = { .promote = true };

	if (!strcmp(op, "promote")) {
		if (!promote_done_from_json(&a.done, intent))
			undo_push(u, &a);
		else
			action_release(&a);
	} else if (!strcmp(op, "undo")) {
		undo_pop(u);
	} else if (!strcmp(op, "archives")) {
		archived(u, line, json_bool(intent, "with_promote", false));
	} else if (!strcmp(op, "restores")) {
		restored(u, line);
	}
}

static void forget_open(struct replay *r, size_t i)
{
	json_free(r->open[i]);
	json_free(r->child[i]);
	r->nopen--;
	memmove(&r->open[i], &r->open[i + 1], (r->nopen - i) * sizeof(*r->open));
	memmove(&r->child[i], &r->child[i + 1], (r->nopen - i) * sizeof(*r->child));
}

static void begin(struct replay *r, const struct json *line)
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
		begin(r, line);
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
				completed(&r->undo, r->open[i], line);
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
	free(r->open);
	free(r->child);
	r->open = r->child = NULL;
}
