/* client.c - requests and their answers, and the events in between. */
#include "client/client.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "client/connect.h"

/* WAITING_MS: a worker of the conductor before this one is at something for as long as its time
 * limits allow. */
enum { FIND_MS = 5, WAITING_MS = 15 * 60 * 1000 };

struct waiting {
	int64_t id;
	client_fn fn;
	void *ctx;
};

struct client {
	struct line_io io;
	char *waiting;
	int64_t next_id;
	struct waiting *wait;
	size_t nwait;
	void (*on_event)(void *ctx, const struct json *ev);
	void *event_ctx;
	struct json **kept; /* events that came while a call waited */
	size_t nkept;
};

struct client_dial {
	struct connect d;
};

struct client_dial *client_dial_new(const struct store *s, int flags)
{
	struct client_dial *d = xcalloc(1, sizeof *d);

	connect_begin(&d->d, s, flags & CLIENT_AUTOSTART);
	return d;
}

void client_dial_free(struct client_dial *d)
{
	if (d)
		connect_release(&d->d);
	free(d);
}

int client_dial_fd(const struct client_dial *d)
{
	return connect_fd(&d->d);
}

int client_dial_step(struct client_dial *d, struct client **out, struct err *e)
{
	struct client *c;
	int rc = connect_step(&d->d, e);

	if (rc != 1)
		return rc;
	c = xcalloc(1, sizeof *c);
	c->io = d->d.io;
	c->waiting = d->d.waiting;
	c->next_id = 1;
	*out = c;
	return 1;
}

struct client *client_connect(const struct store *s, int flags, struct err *e)
{
	struct client_dial *d = client_dial_new(s, flags);
	struct client *c = NULL;

	while (client_dial_step(d, &c, e) == 0) {
		struct pollfd p = { .fd = client_dial_fd(d), .events = POLLIN };
		poll(&p, 1, p.fd < 0 ? FIND_MS : CLIENT_DIAL_MS);
	}
	client_dial_free(d);
	return c;
}

const char *client_waiting(const struct client *c)
{
	return c->waiting;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nkept; i++)
		json_free(c->kept[i]);
	free(c->kept);
	free(c->wait);
	free(c->waiting);
	line_io_release(&c->io);
	free(c);
}

int client_fd(const struct client *c)
{
	return c->io.fd;
}

bool client_wants_write(const struct client *c)
{
	return c->io.out.len > 0;
}

static void put_umask(struct json *j)
{
	char *octal = xasprintf("%03o", (unsigned)fs_umask());

	json_put_str(j, "umask", octal);
	free(octal);
}

struct json *client_request(const char *op)
{
	struct json *j = json_object();

	json_put_str(j, "op", op);
	/* These write the user's files: git does so with the umask of who asks. */
	if (!strcmp(op, "promote") || !strcmp(op, "undo"))
		put_umask(j);
	return j;
}

static int64_t queue_request(struct client *c, struct json *take_request)
{
	struct buf line = BUF_INIT;
	int64_t id = c->next_id++;

	json_put_int(take_request, "id", id);
	json_print(take_request, &line);
	json_free(take_request);
	line_io_put(&c->io, line.p, line.len);
	buf_release(&line);
	return id;
}

static void err_from_answer(const struct json *answer, struct err *e)
{
	const struct json *err = json_get(answer, "err");

	err_set(e, json_str(err, "code", "internal"), "%s",
		json_str(err, "msg", "The conductor refused without saying why."));
}

static void give_event(struct client *c, const struct json *ev)
{
	if (c->on_event)
		c->on_event(c->event_ctx, ev);
}

/* An answer to client_send: its function is taken off the list first, so that it may send again. */
static void give_answer(struct client *c, int64_t id, const struct json *answer)
{
	for (size_t i = 0; i < c->nwait; i++) {
		struct waiting w = c->wait[i];
		const struct json *ok = json_get(answer, "ok");
		struct err e = ERR_INIT;

		if (w.id != id)
			continue;
		c->wait[i] = c->wait[--c->nwait];
		if (!ok)
			err_from_answer(answer, &e);
		if (w.fn)
			w.fn(w.ctx, ok, &e);
		return;
	}
}

struct json *client_call(struct client *c, struct json *take_request, int timeout_ms, struct err *e)
{
	int64_t deadline = clock_mono_ms() + (c->waiting ? WAITING_MS : timeout_ms);
	int64_t id = queue_request(c, take_request);

	if (connect_write_all(&c->io, deadline, e) < 0)
		return NULL;
	for (;;) {
		char *line = connect_read_line(&c->io, deadline, e);
		struct json *j = line ? json_parse(line, strlen(line), e) : NULL;

		if (!j)
			return NULL;
		xreplace(&c->waiting, NULL);
		if (json_get(j, "ev")) {
			c->kept = xrealloc(c->kept, (c->nkept + 1) * sizeof *c->kept);
			c->kept[c->nkept++] = j;
			continue;
		}
		if (json_int(j, "id", 0) == id) {
			struct json *ok = NULL;

			if (json_get(j, "ok"))
				ok = json_copy(json_get(j, "ok"));
			else
				err_from_answer(j, e);
			json_free(j);
			return ok;
		}
		give_answer(c, json_int(j, "id", 0), j);
		json_free(j);
	}
}

void client_send(struct client *c, struct json *take_request, client_fn fn, void *ctx)
{
	c->wait = xrealloc(c->wait, (c->nwait + 1) * sizeof *c->wait);
	c->wait[c->nwait++] = (struct waiting){ queue_request(c, take_request), fn, ctx };
	/* What cannot be written now goes out with the next pump; a dead peer shows there too. */
	(void)line_io_flush(&c->io);
}

static void give_kept(struct client *c)
{
	struct json **kept = c->kept;
	size_t n = c->nkept;

	c->kept = NULL;
	c->nkept = 0;
	for (size_t i = 0; i < n; i++) {
		give_event(c, kept[i]);
		json_free(kept[i]);
	}
	free(kept);
}

static int give_lines(struct client *c, struct err *e)
{
	char *line;

	while ((line = line_io_next(&c->io))) {
		struct json *j = json_parse(line, strlen(line), e);

		if (!j)
			return err_prefix(e, "the conductor sent what is not JSON");
		if (json_get(j, "ev"))
			give_event(c, j);
		else
			give_answer(c, json_int(j, "id", 0), j);
		json_free(j);
	}
	return 0;
}

int client_pump(struct client *c, struct err *e)
{
	int rc;

	give_kept(c);
	if (line_io_flush(&c->io) < 0)
		return err_set(e, "conductor_gone",
			"The connection to the conductor was lost; variants keep running.");
	do {
		rc = line_io_fill(&c->io);
		if (give_lines(c, e) < 0)
			return -1;
	} while (rc > 0);
	return rc < 0 ? err_set(e, "conductor_gone",
				"The connection to the conductor was lost; variants keep running.")
		      : 0;
}

void client_on_event(struct client *c, void (*fn)(void *ctx, const struct json *ev), void *ctx)
{
	c->on_event = fn;
	c->event_ctx = ctx;
}
