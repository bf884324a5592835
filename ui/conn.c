/* conn.c - the connection to the conductor: watches all races, comes back by itself, says when it
 * is away. */
#include "ui/conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ui/message.h"
#include "ui/state.h"

enum { FIRST_ANSWER_MS = 5000, RETRY_MS = 1000 };

static void on_event(void *ctx, const struct json *ev)
{
	struct deck *d = ctx;
	const char *kind = json_str(ev, "ev", "");

	rows_apply(&d->rows, ev);
	if (!strcmp(kind, "gone")) /* no item may keep a row that is not there */
		state_sync(d);
	if (!strcmp(kind, "message"))
		message_add(d, !strcmp(json_str(ev, "level", ""), "warn"), "%s",
			json_str(ev, "msg", ""));
	d->dirty = true;
}

static int watch_all(struct deck *d, struct err *e)
{
	struct json *request = client_request("watch"), *ok;

	json_put_int(request, "race", -1);
	ok = client_call(d->client, request, FIRST_ANSWER_MS, e);
	if (!ok)
		return -1;
	/* What is not in the new list is gone: a conductor that came back may know less. */
	rows_release(&d->rows);
	rows_init(&d->rows);
	rows_apply(&d->rows, ok);
	json_free(ok);
	return 0;
}

int conn_open(struct deck *d, struct err *e)
{
	d->client = client_connect(&d->store, CLIENT_AUTOSTART, e);
	if (!d->client)
		return -1;
	client_on_event(d->client, on_event, d);
	if (watch_all(d, e) < 0) {
		client_free(d->client);
		d->client = NULL;
		return -1;
	}
	d->away_ms = d->retry_ms = 0;
	return 0;
}

static void gone(struct deck *d)
{
	client_free(d->client);
	d->client = NULL;
	d->away_ms = clock_mono_ms();
	d->away_ns = deck_now_ns();
	d->retry_ms = d->away_ms + 100;
	d->dialog.asking = false;
	message_add(d, true,
		"The conductor is gone; what runs goes on. The deck connects again by itself.");
}

void conn_pump(struct deck *d)
{
	struct err e = ERR_INIT;
	uint64_t before = d->rows.changes;

	if (client_pump(d->client, &e) < 0)
		gone(d);
	if (d->rows.changes != before)
		state_sync(d);
}

void conn_retry(struct deck *d)
{
	struct err e = ERR_INIT;

	if (d->client || !d->away_ms || clock_mono_ms() < d->retry_ms)
		return;
	if (conn_open(d, &e) < 0) {
		d->retry_ms = clock_mono_ms() + RETRY_MS;
		d->dirty = true;
		return;
	}
	state_sync(d);
	message_add(d, false, "The conductor is back.");
}

bool conn_send(struct deck *d, struct json *take_request, client_fn fn)
{
	if (!d->client) {
		json_free(take_request);
		message_add(d, true,
			"The conductor is away, so this cannot be asked now; the deck connects by itself.");
		return false;
	}
	client_send(d->client, take_request, fn, d);
	return true;
}
