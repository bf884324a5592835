/* act_move.c - selecting, going somewhere, coming back. */
#include "base/clock.h"
#include "ui/action.h"
#include "ui/conn.h"
#include "ui/message.h"
#include "ui/prompt.h"
#include "ui/state.h"
#include "ui/term.h"

enum { DIGIT_MS = 500 };

static void select_race(struct deck *d, int by)
{
	long at = -1, n = (long)d->rows.nrace;

	for (long i = 0; i < n; i++)
		if (d->rows.race[i].number == d->race_cursor)
			at = i;
	at -= by; /* newest first */
	if (n && at >= 0 && at < n)
		d->race_cursor = d->rows.race[at].number;
}

void act_select(struct deck *d, int32_t key, int arg)
{
	if (deck_screen(d) == SCREEN_RACES)
		select_race(d, arg);
	else
		state_move(d, arg);
}

void act_other(struct deck *d, int32_t key, int arg)
{
	state_move(d, arg);
}

/* One digit selects at once; a second one within 500 ms makes it a number of two. */
void act_number(struct deck *d, int32_t key, int arg)
{
	int64_t now = clock_mono_ms();
	int digit = (int)(key - '0'), number = digit;

	if (key < '0' || key > '9') {
		message_add(d, false, "type the number of a variant");
		return;
	}
	if (d->digit && now - d->digit_ms <= DIGIT_MS && state_item(d, d->digit * 10 + digit)) {
		number = d->digit * 10 + digit;
		d->digit = 0;
	} else {
		d->digit = digit;
		d->digit_ms = now;
	}
	if (number && !state_select(d, number) && !d->digit)
		message_add(d, true, "there is no variant %d", number);
}

void act_enter(struct deck *d, int32_t key, int arg)
{
	if (deck_screen(d) == SCREEN_RACES) {
		int race = d->race_cursor;

		d->depth = 0;
		if (race && race != d->race)
			state_open_race(d, race);
		return;
	}
	if (!state_selected(d))
		return;
	d->tab = TAB_LOG;
	deck_push(d, SCREEN_ZOOM);
}

void act_back(struct deck *d, int32_t key, int arg)
{
	if (key == KEY_ESCAPE && d->depth == 0) {
		message_add(d, false, "q leaves; variants keep running");
		return;
	}
	if (!deck_pop(d))
		d->quit = true;
}

void act_leave(struct deck *d, int32_t key, int arg)
{
	d->quit = true;
}

void act_needs(struct deck *d, int32_t key, int arg)
{
	long n = (long)d->nitem, at = 0;

	for (long i = 0; i < n; i++)
		if (d->item[d->order[i]]->number == d->selected)
			at = i;
	for (long k = 1; k <= n; k++) {
		struct item *it = d->item[d->order[((at + arg * k) % n + n) % n]];

		if (it->row->attention) {
			state_select(d, it->number);
			return;
		}
	}
	message_add(d, false, "nothing needs you");
}

void act_info(struct deck *d, int32_t key, int arg)
{
	if (!state_selected(d))
		return;
	d->tab = TAB_INFO;
	d->scroll = 0;
	d->show_number = 0;
	deck_push(d, SCREEN_ZOOM);
}

void act_mark(struct deck *d, int32_t key, int arg)
{
	struct item *it = state_selected(d);

	if (!it)
		return;
	it->marked = !it->marked;
	state_move(d, 1);
}

void act_order(struct deck *d, int32_t key, int arg)
{
	d->best_first = !d->best_first;
	state_order(d, true);
	message_add(d, false, d->best_first ? "best first" : "in the order of launch");
}

void act_layout(struct deck *d, int32_t key, int arg)
{
	static const char *const words[LAYOUT_MODES] = { "board and panes", "board only",
		"panes only" };

	d->layout_mode = (enum layout_mode)((d->layout_mode + 1) % LAYOUT_MODES);
	message_add(d, false, "%s", words[d->layout_mode]);
}

static void on_races(void *ctx, const struct json *ok, const struct err *e)
{
	struct deck *d = ctx;

	if (!ok) {
		message_add(d, true, "%s", e->msg);
		return;
	}
	rows_apply(&d->rows, ok);
	state_sync(d);
}

void act_races(struct deck *d, int32_t key, int arg)
{
	struct json *j;

	d->race_cursor = d->race;
	deck_push(d, SCREEN_RACES);
	if (!d->client)
		return;
	j = client_request("list");
	json_put_bool(j, "all", true);
	conn_send(d, j, on_races);
}

void act_page(struct deck *d, int32_t key, int arg)
{
	deck_push(d, (enum screen)arg);
}

void act_redraw(struct deck *d, int32_t key, int arg)
{
	term_redraw();
}

void act_command(struct deck *d, int32_t key, int arg)
{
	prompt_command(d);
}
