/* act_race.c - what decides a race: promote, kill, archive, undo. Everything asks first or can be
 * taken back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ui/action.h"
#include "ui/conn.h"
#include "ui/dialog.h"
#include "ui/message.h"
#include "ui/prompt.h"
#include "ui/state.h"
#include "ui/targets.h"

void act_promote(struct deck *d, int32_t key, int arg)
{
	struct item *it = state_selected(d);

	if (!it)
		return;
	dialog_open_promote(d, it);
}

static void on_killed(void *ctx, const struct json *ok, const struct err *e)
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
	if (conn_send(d, take_request, on_killed))
		targets_unmark(d);
}

static void ask_kill(struct deck *d, struct item **it, size_t n, bool all)
{
	struct json *request = targets_request(d, "kill", it, n);
	struct buf b = BUF_INIT;

	d->prompt.yes = send_kill;
	if (n == 1 && !all) {
		targets_describe(it[0], &b);
		prompt_ask(d, PROMPT_YES, request, "kill %d %s?  %s. Files and log stay.",
			it[0]->number, it[0]->name, b.p);
	} else {
		targets_names(it, n, &b);
		prompt_ask(d, all ? PROMPT_WORD_YES : PROMPT_YES, request,
			"kill %zu live: %s?  Files and logs stay.", n, b.p);
	}
	buf_release(&b);
}

void act_kill(struct deck *d, int32_t key, int all)
{
	struct item **it = xcalloc(d->nitem + 1, sizeof(struct item *));
	size_t n = all ? d->nitem : targets_get(d, it), live = 0;

	for (size_t i = 0; i < n; i++) {
		struct item *one = all ? d->item[i] : it[i];

		if (variant_live(one->row->v->state))
			it[live++] = one;
	}
	if (live)
		ask_kill(d, it, live, all);
	else if (all)
		message_add(d, false, "nothing is live in this race");
	else if (n == 1)
		message_add(d, false, "%d %s has ended already: %s", it[0]->number, it[0]->name,
			variant_state_name(it[0]->row->v->state));
	else if (n)
		message_add(d, false, "all marked ones have ended already");
	free(it);
}

static void on_archived(void *ctx, const struct json *ok, const struct err *e)
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
void act_archive(struct deck *d, int32_t key, int arg)
{
	struct item **it = xcalloc(d->nitem + 1, sizeof(struct item *));
	size_t n = targets_get(d, it), kept = 0;
	bool restore = n && it[0]->row->v->archived;

	for (size_t i = 0; i < n; i++)
		if (it[i]->row->v->archived == restore)
			it[kept++] = it[i];
	if (kept) {
		struct json *request =
			targets_request(d, restore ? "restore" : "archive", it, kept);

		if (conn_send(d, request, on_archived))
			targets_unmark(d);
	}
	free(it);
}

/* Success is a message of the conductor to all clients that watch. */
static void on_undone(void *ctx, const struct json *ok, const struct err *e)
{
	if (!ok)
		message_add(ctx, true, "%s", e->msg);
}

static void send_undo(struct deck *d, struct json *take_request)
{
	conn_send(d, take_request, on_undone);
}

static void on_undo_plan(void *ctx, const struct json *ok, const struct err *e)
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

void act_undo(struct deck *d, int32_t key, int arg)
{
	struct json *request = client_request("undo");

	json_put_bool(request, "plan", true);
	conn_send(d, request, on_undo_plan);
}
