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

/* What is not in the new list is gone: a conductor that came back may know less. */
static void take_rows(struct deck *d, const struct json *ok)
{
	rows_release(&d->rows);
	rows_init(&d->rows);
	rows_apply(&d->rows, ok);
}

static struct json *watch_request(void)
{
	struct json *request = client_request("watch");

	json_put_int(request, "race", -1);
	return request;
}

static void watched(void *ctx, const struct json *ok, const struct err *e)
{
	struct deck *d = ctx;

	if (!ok) {
		message_add(d, true, "%s", e->msg);
		return;
	}
	take_rows(d, ok);
	state_sync(d);
	if (d->away_ms)
		message_add(d, false, "reconnected to the conductor");
	d->away_ms = 0;
	d->dirty = true;
}

/* Its first answer comes later, by conn_pump. */
static void begin_watch(struct deck *d)
{
	client_on_event(d->client, on_event, d);
	client_send(d->client, watch_request(), watched, d);
	if (client_waiting(d->client))
		message_add(d, true, "%s; what runs goes on.", client_waiting(d->client));
}

int conn_open(struct deck *d, struct err *e)
{
	struct json *ok;

	d->client = client_connect(&d->store, CLIENT_AUTOSTART, e);
	if (!d->client)
		return -1;
	if (client_waiting(d->client)) {
		begin_watch(d);
		return 0;
	}
	client_on_event(d->client, on_event, d);
	ok = client_call(d->client, watch_request(), FIRST_ANSWER_MS, e);
	if (!ok) {
		client_free(d->client);
		d->client = NULL;
		return -1;
	}
	take_rows(d, ok);
	json_free(ok);
	return 0;
}

static void on_gone(struct deck *d)
{
	client_free(d->client);
	d->client = NULL;
	d->away_ms = clock_mono_ms();
	d->away_ns = deck_now_ns();
	d->retry_ms = d->away_ms + 100;
	d->dialog.asking = false;
	message_add(
		d, true, "Connection lost; variants keep running. The deck reconnects by itself.");
}

int conn_fd(const struct deck *d)
{
	return d->client ? client_fd(d->client) : d->dial ? client_dial_fd(d->dial) : -1;
}

void conn_pump(struct deck *d)
{
	struct err e = ERR_INIT;
	uint64_t before = d->rows.changes;

	if (client_pump(d->client, &e) < 0)
		on_gone(d);
	if (d->rows.changes != before)
		state_sync(d);
}

/* Connecting again, a step at a time: keys are taken meanwhile. */
void conn_retry(struct deck *d)
{
	struct err e = ERR_INIT;
	int rc;

	if (d->client || !d->away_ms)
		return;
	if (!d->dial && clock_mono_ms() < d->retry_ms)
		return;
	if (!d->dial)
		d->dial = client_dial_new(&d->store, CLIENT_AUTOSTART);
	rc = client_dial_step(d->dial, &d->client, &e);
	d->retry_ms = clock_mono_ms() + (rc ? RETRY_MS : CLIENT_DIAL_MS);
	if (!rc)
		return;
	client_dial_free(d->dial);
	d->dial = NULL;
	d->dirty = true;
	if (rc > 0)
		begin_watch(d);
}

bool conn_send(struct deck *d, struct json *take_request, client_fn fn)
{
	if (!d->client) {
		json_free(take_request);
		message_add(d, true,
			"The conductor cannot be reached now; the deck reconnects by itself. Then try again.");
		return false;
	}
	client_send(d->client, take_request, fn, d);
	return true;
}
