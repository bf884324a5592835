/* act_race.c - what decides a race: promote, kill, archive, undo. Everything asks first or can be
 * taken back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ui/action.h"

enum { NAMED = 6 };

size_t act_targets(struct deck *d, struct item **out)
{
	size_t n = 0;

	for (size_t i = 0; i < d->nitem; i++)
		if (d->item[i]->marked)
			out[n++] = d->item[i];
	if (n == 0 && state_selected(d))
		out[n++] = state_selected(d);
	return n;
}

void act_put_variants(struct deck *d, struct json *request, struct item **it, size_t n)
{
	struct json *list = json_array();

	for (size_t i = 0; i < n; i++) {
		char *name = xasprintf("%d/%s", d->race, it[i]->name);

		json_add_str(list, name);
		free(name);
	}
	json_put(request, "variants", list);
}

void act_name_all(struct item **it, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n && i < NAMED; i++)
		buf_fmt(out, "%s%d %s", i ? "  " : "", it[i]->number, it[i]->name);
	if (n > NAMED)
		buf_fmt(out, "  and %zu more", n - NAMED);
}

void act_unmark(struct deck *d)
{
	for (size_t i = 0; i < d->nitem; i++)
		d->item[i]->marked = false;
	d->dirty = true;
}

void act_promote(struct deck *d, int32_t key)
{
	struct item *it = state_selected(d);

	if (!it)
		return;
	dialog_open_promote(d, it);
}

static void killed(void *ctx, const struct json *ok, const struct err *e)
{
	struct deck *d = ctx;
	size_t n = json_size(json_get(ok, "killed")), ended = json_size(json_get(ok, "already"));

	if (!ok) {
		message_add(d, true, "%s", e->msg);
		return;
	}
	if (d->rows.engine_away && n)
		message_add(d, true, "the kill is kept and sent when %s answers",
			d->rows.engine_name ? d->rows.engine_name : "the engine");
	else if (n)
		message_add(d, false, "stopping %zu; files and logs stay%s", n,
			ended ? " (the others had ended)" : "");
	else
		message_add(d, false, "it had ended already");
}

static void send_kill(struct deck *d, struct json *take_request)
{
	if (link_send(d, take_request, killed))
		act_unmark(d);
}

void act_describe(struct deck *d, const struct item *it, struct buf *out)
{
	const struct variant *v = it->row->v;
	char took[32];
	int64_t ms = board_elapsed_ms(v, deck_now_ns());

	buf_str(out, variant_state_name(v->state));
	if (ms >= 0) {
		clock_fmt_elapsed(ms, took, sizeof(took));
		buf_fmt(out, " %s", took);
	}
	if (v->files > 0)
		buf_fmt(out, ", +%lld -%lld in %d file%s", (long long)v->added,
			(long long)v->removed, v->files, v->files == 1 ? "" : "s");
}

static void ask_kill(struct deck *d, struct item **it, size_t n, bool word)
{
	struct json *request = client_request("kill");
	struct buf b = BUF_INIT;

	act_put_variants(d, request, it, n);
	d->prompt.yes = send_kill;
	if (n == 1 && !word) {
		act_describe(d, it[0], &b);
		prompt_ask(d, PROMPT_YES, request, "kill %d %s?  %s. Files and log stay.",
			it[0]->number, it[0]->name, b.p);
	} else {
		act_name_all(it, n, &b);
		prompt_ask(d, word ? PROMPT_WORD_YES : PROMPT_YES, request,
			"kill %zu live: %s?  Files and logs stay.", n, b.p);
	}
	buf_release(&b);
}

static size_t only_live(struct item **it, size_t n)
{
	size_t live = 0;

	for (size_t i = 0; i < n; i++)
		if (variant_live(it[i]->row->v->state))
			it[live++] = it[i];
	return live;
}

void act_kill(struct deck *d, int32_t key)
{
	struct item **it = xcalloc(d->nitem + 1, sizeof(struct item *));
	size_t n = act_targets(d, it), live = only_live(it, n);

	if (live)
		ask_kill(d, it, live, false);
	else if (n == 1)
		message_add(d, false, "%d %s has ended already: %s", it[0]->number, it[0]->name,
			variant_state_name(it[0]->row->v->state));
	else if (n)
		message_add(d, false, "all marked ones have ended already");
	free(it);
}

void act_kill_all(struct deck *d, int32_t key)
{
	struct item **it = xcalloc(d->nitem + 1, sizeof(struct item *));
	size_t n = d->nitem, live;

	memcpy(it, d->item, n * sizeof(struct item *));
	live = only_live(it, n);
	if (live)
		ask_kill(d, it, live, true);
	else
		message_add(d, false, "nothing is live in this race");
	free(it);
}

static void archived(void *ctx, const struct json *ok, const struct err *e)
{
	struct deck *d = ctx;
	size_t out = json_size(json_get(ok, "archived")),
	       back = json_size(json_get(ok, "restored"));
	const struct json *skipped = json_first(json_get(ok, "skipped"));

	if (!ok)
		message_add(d, true, "%s", e->msg);
	else if (skipped)
		message_add(d, true, "%s", json_to_str(skipped));
	else if (out)
		message_add(d, false,
			"archived %zu: off the deck and out of `git branch`; U brings it back",
			out);
	else if (back)
		message_add(d, false, "restored %zu", back);
}

/* Archived ones among the targets are restored when the selected one is archived; else the others
 * are archived. */
void act_archive(struct deck *d, int32_t key)
{
	struct item **it = xcalloc(d->nitem + 1, sizeof(struct item *));
	size_t n = act_targets(d, it), kept = 0;
	bool restore = n && it[0]->row->v->archived;

	for (size_t i = 0; i < n; i++)
		if (it[i]->row->v->archived == restore)
			it[kept++] = it[i];
	if (kept) {
		struct json *request = client_request(restore ? "restore" : "archive");

		act_put_variants(d, request, it, kept);
		if (link_send(d, request, archived))
			act_unmark(d);
	}
	free(it);
}

/* Success is told by the conductor to all who watch. */
static void undone(void *ctx, const struct json *ok, const struct err *e)
{
	if (!ok)
		message_add(ctx, true, "%s", e->msg);
}

static void send_undo(struct deck *d, struct json *take_request)
{
	link_send(d, take_request, undone);
}

static void got_undo_plan(void *ctx, const struct json *ok, const struct err *e)
{
	struct deck *d = ctx;
	const struct json *plan = json_get(ok, "plan");
	const char *token = json_str(plan, "token", json_str(ok, "token", NULL));
	struct json *request;

	if (!plan) {
		message_add(d, true, "%s", ok ? "The conductor sent no plan." : e->msg);
		return;
	}
	if (json_type(json_get(plan, "refuse")) == JSON_OBJECT) {
		message_add(d, true, "%s",
			json_str(json_get(plan, "refuse"), "msg", "It cannot be taken back."));
		return;
	}
	request = client_request("undo");
	json_put_str(request, "token", token);
	d->prompt.yes = send_undo;
	prompt_ask(d, PROMPT_YES, request, "undo?  %s",
		json_str(plan, "words", "takes the last promote back"));
}

void act_undo(struct deck *d, int32_t key)
{
	struct json *request = client_request("undo");

	json_put_bool(request, "plan", true);
	link_send(d, request, got_undo_plan);
}
