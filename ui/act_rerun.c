/* act_rerun.c - run a variant again, enter its container. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ui/action.h"
#include "ui/conn.h"
#include "ui/message.h"
#include "ui/prompt.h"
#include "ui/run_here.h"
#include "ui/state.h"
#include "ui/targets.h"

static void on_rerun(void *ctx, const struct json *ok, const struct err *e)
{
	struct deck *d = ctx;
	struct strv names = STRV_INIT;
	struct buf b = BUF_INIT;

	if (!ok) {
		message_add(d, true, "%s", e->msg);
		return;
	}
	if (!json_get_strv(ok, "rerun", &names)) {
		strv_join(&names, 6, &b);
		message_add(d, false, "runs again as %s", b.p);
	}
	strv_release(&names);
	buf_release(&b);
}

static void send_rerun(struct deck *d, struct json *take_request)
{
	if (d->prompt.by_also)
		json_put_bool(take_request, "continue", true);
	if (conn_send(d, take_request, on_rerun))
		targets_unmark(d);
}

static void ask_rerun(struct deck *d, struct item **it, size_t n)
{
	struct json *request = targets_request(d, "rerun", it, n);
	struct buf b = BUF_INIT;
	bool work = true;

	for (size_t i = 0; i < n; i++)
		work &= it[i]->row->v->commit != NULL;
	if (n == 1) {
		buf_fmt(&b, "run %d %s again?", it[0]->number, it[0]->name);
	} else {
		buf_fmt(&b, "run %zu again: ", n);
		targets_names(it, n, &b);
		buf_str(&b, "?");
	}
	if (work)
		buf_fmt(&b, "  c goes on from %s work.", n == 1 ? "its" : "their");
	d->prompt.yes = send_rerun;
	prompt_ask(d, PROMPT_YES, request, "%s", b.p);
	if (work)
		d->prompt.also = 'c';
	buf_release(&b);
}

void act_rerun(struct deck *d, int32_t key, int arg)
{
	struct item **it = xcalloc(d->nitem + 1, sizeof(struct item *));
	size_t n = targets_get(d, it), live = 0;

	while (live < n && !variant_live(it[live]->row->v->state))
		live++;
	if (live < n)
		message_add(d, true, "%d %s is still %s; x kills it, then r runs it again",
			it[live]->number, it[live]->name,
			variant_state_name(it[live]->row->v->state));
	else if (n)
		ask_rerun(d, it, n);
	free(it);
}

void act_shell(struct deck *d, int32_t key, int arg)
{
	struct item *it = state_selected(d);
	const char *verb[] = { "shell", NULL, NULL };
	struct err e = ERR_INIT;
	enum variant_state s;
	char *name;

	if (!it)
		return;
	s = it->row->v->state;
	if (s != VS_RUNNING && s != VS_CHECKING) {
		message_add(d, true,
			variant_ended(s)
				? "%d %s has ended (%s), and its container with it; r runs it again"
				: "%d %s is %s: there is no container to enter now",
			it->number, it->name, variant_state_name(s));
		return;
	}
	name = xasprintf("%d/%s", d->race, it->name);
	verb[1] = name;
	if (run_here(d, verb, &e) < 0)
		message_add(d, true, "The shell cannot be started: %s", e.msg);
	free(name);
}
