/* session.c - the clients: hello, requests, and what they still have to hear. */
#include "conductor/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "conductor/board.h"

int64_t session_flush_delay(int64_t now_ms, int64_t flushed_ms)
{
	int64_t since = now_ms - flushed_ms;

	return since >= SESSION_FLUSH_MS || since < 0 ? 0 : SESSION_FLUSH_MS - since;
}

struct session *session_find(const struct conductor *c, uint64_t id)
{
	struct session *s = c->session;

	while (s && (s->id != id || s->dead))
		s = s->next;
	return s;
}

static void put_json(struct session *s, struct json *take_j, size_t max)
{
	struct buf line = BUF_INIT;

	json_print(take_j, &line);
	if (line.len > max)
		diag(DIAG_ERROR, "a line of %zu bytes for a client is too long, not sent",
			line.len);
	else
		line_io_put(&s->io, line.p, line.len);
	buf_release(&line);
	json_free(take_j);
}

static void put_event(struct session *s, const char *ev, const char *key, struct json *take_v)
{
	struct json *j = json_object();

	json_put_str(j, "ev", ev);
	json_put(j, key, take_v);
	put_json(s, j, PROTO_MAX_EVENT);
}

static void put_gone(struct session *s, const struct variant *v)
{
	struct json *j = json_object();

	json_put_str(j, "ev", "gone");
	json_put_int(j, "race", v->race);
	json_put_str(j, "variant", v->name);
	put_json(s, j, PROTO_MAX_EVENT);
}

static void put_engine(struct session *s)
{
	struct json *j = board_engine_json(s->c);

	json_put_str(j, "ev", "engine");
	put_json(s, j, PROTO_MAX_EVENT);
}

static void put_messages(struct session *s)
{
	struct conductor *c = s->c;
	size_t i = c->nmsg > MESSAGES_KEPT ? c->nmsg - MESSAGES_KEPT : 0;

	for (; i < c->nmsg; i++) {
		const struct message *m = &c->msg[i % MESSAGES_KEPT];
		struct json *j;
		if (m->rev <= s->seen)
			continue;
		j = json_object();
		json_put_str(j, "ev", "message");
		json_put_str(j, "level", m->level);
		json_put_str(j, "msg", m->text);
		put_json(s, j, PROTO_MAX_EVENT);
	}
}

static void put_changes(struct session *s)
{
	struct conductor *c = s->c;

	for (size_t i = 0; i < c->set.n; i++) {
		struct race_run *r = c->race[i];
		if (r->race->number < s->from || r->rev <= s->seen)
			continue;
		if (!board_race_archived(r))
			put_event(s, "race", "race", board_race_json(r));
		for (size_t k = 0; k < r->race->n; k++) {
			if (r->v[k].rev <= s->seen)
				continue;
			if (r->v[k].v->archived)
				put_gone(s, r->v[k].v);
			else
				put_event(s, "variant", "row", board_row_json(&r->v[k]));
		}
	}
	if (c->engine_rev > s->seen)
		put_engine(s);
	put_messages(s);
	s->seen = c->rev;
}

static void session_free(struct session *s)
{
	if (s->watching) {
		s->c->nwatch--;
		s->c->dirty = true;
	}
	if (s->hello_timer)
		loop_cancel(s->hello_timer);
	loop_unwatch(s->w);
	line_io_release(&s->io);
	s->c->nsession--;
	free(s);
}

void session_reap(struct conductor *c)
{
	struct session **p = &c->session;

	while (*p) {
		struct session *s = *p;
		if (!s->dead) {
			p = &s->next;
			continue;
		}
		*p = s->next;
		session_free(s);
	}
}

static void flush_output(struct session *s)
{
	if (s->dead)
		return;
	if (line_io_flush(&s->io) || s->io.out.len > SESSION_OUT_MAX) {
		s->dead = true;
		return;
	}
	/* What it does not read it need not ask for: requests wait while answers do. */
	loop_watch_events(s->w, s->io.out.len ? LOOP_WRITE : LOOP_READ);
}

static bool is_behind(const struct session *s)
{
	return s->watching && !s->dead && !s->io.out.len && s->seen != s->c->rev;
}

static void flush(void *ctx)
{
	struct conductor *c = ctx;

	c->flush_timer = NULL;
	c->flushed_ms = clock_mono_ms();
	for (struct session *s = c->session; s; s = s->next) {
		if (!is_behind(s))
			continue;
		put_changes(s);
		flush_output(s);
	}
}

void session_publish(struct conductor *c)
{
	for (struct session *s = c->session; s && !c->flush_timer; s = s->next)
		if (is_behind(s))
			c->flush_timer = loop_after(c->loop,
				session_flush_delay(clock_mono_ms(), c->flushed_ms), flush, c);
}

void session_watch(struct session *s, int from)
{
	if (!s->watching)
		s->c->nwatch++;
	s->watching = s->c->dirty = true;
	s->from = from;
	s->seen = s->c->rev;
}

void reply_ok(const struct reply *r, struct json *take_ok)
{
	struct session *s = session_find(r->c, r->session);
	struct json *j;

	if (!s) {
		json_free(take_ok);
		return;
	}
	j = json_object();
	json_put_int(j, "id", r->id);
	json_put(j, "ok", take_ok);
	put_json(s, j, SESSION_OUT_MAX);
	flush_output(s);
}

static void put_err(struct session *s, int64_t id, const struct err *e)
{
	struct json *j = json_object(), *o = json_object();

	json_put_str(o, "code", e->code[0] ? e->code : "internal");
	json_put_str(o, "msg", e->msg);
	json_put_int(j, "id", id);
	json_put(j, "err", o);
	put_json(s, j, SESSION_OUT_MAX);
}

void reply_err(const struct reply *r, const struct err *e)
{
	struct session *s = session_find(r->c, r->session);

	if (!s)
		return;
	put_err(s, r->id, e);
	flush_output(s);
}

bool reply_wanted(const struct reply *r)
{
	return session_find(r->c, r->session) != NULL;
}

static void take_hello(struct session *s, const char *line)
{
	struct err e = ERR_INIT;
	char *version = NULL;
	int proto = 0;

	loop_cancel(s->hello_timer);
	s->hello_timer = NULL;
	s->hello = true;
	if (proto_check_hello(line, &proto, &version, &e)) {
		put_err(s, 0, &e);
		flush_output(s);
		/* Another version of ours may still ask us to leave: that never changes. */
		s->limited = version != NULL;
		s->dead = s->dead || !version;
	}
	free(version);
}

static void take_request(struct session *s, const char *line, size_t n)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(line, n, &e);
	struct reply r = { s->c, s->id, 0 };
	const char *op = j ? json_str(j, "op", NULL) : NULL;

	if (j)
		r.id = json_int(j, "id", 0);
	if (!j) {
		err_prefix(&e, "the request is not JSON");
		snprintf(e.code, sizeof(e.code), "bad_request");
		reply_err(&r, &e);
	} else if (json_type(j) != JSON_OBJECT || !op) {
		err_set(&e, "bad_request", "a request is an object with \"id\" and \"op\"");
		reply_err(&r, &e);
	} else if (s->limited && strcmp(op, "shutdown")) {
		err_set(&e, "other_version",
			"this conductor is yolodeck %s and speaks another protocol",
			YOLODECK_VERSION);
		reply_err(&r, &e);
	} else {
		s->c->request(&r, op, j);
	}
	json_free(j);
}

static void take_lines(struct session *s)
{
	char *line;

	while (!s->dead && s->io.out.len < PROTO_MAX_REQUEST && !(s->hello && s->c->waiting) &&
		(line = line_io_next(&s->io))) {
		if (!s->hello)
			take_hello(s, line);
		else
			take_request(s, line, strlen(line));
	}
}

static void refuse_long_line(struct session *s)
{
	struct err e = ERR_INIT;

	err_set(&e, "too_long", "a request is longer than 1 MiB");
	put_err(s, 0, &e);
	flush_output(s);
}

static void on_io(void *ctx, int fd, int events)
{
	struct session *s = ctx;
	int rc = 1;

	if (events & LOOP_WRITE)
		flush_output(s);
	if (!s->dead && (events & LOOP_READ)) {
		rc = line_io_fill(&s->io);
		if (rc < 0 && errno == EMSGSIZE)
			refuse_long_line(s);
	}
	take_lines(s);
	if (rc < 0)
		s->dead = true;
}

static void on_hello_timeout(void *ctx)
{
	struct session *s = ctx;

	s->hello_timer = NULL;
	s->dead = true;
}

static void session_begin(struct conductor *c, int fd)
{
	struct session *s = xcalloc(1, sizeof(*s));
	struct buf hello = BUF_INIT;

	s->c = c;
	s->id = ++c->next_session;
	line_io_init(&s->io, fd, PROTO_MAX_REQUEST);
	s->w = loop_watch(c->loop, fd, LOOP_READ, on_io, s);
	s->hello_timer = loop_after(c->loop, SESSION_HELLO_MS, on_hello_timeout, s);
	s->next = c->session;
	c->session = s;
	c->nsession++;
	proto_hello_with(&hello, c->waiting ? "waiting" : NULL, c->waiting);
	buf_trim(&hello);
	line_io_put(&s->io, hello.p, hello.len);
	buf_release(&hello);
	flush_output(s);
}

/* It is said at once: a client that only sees the connection end would try again. */
static void refuse_client(int fd)
{
	struct buf hello = BUF_INIT, why = BUF_INIT;
	struct line_io io;

	buf_fmt(&why,
		"%d clients are connected to this repository's conductor already: close a deck or a waiting yolodeck, then try again",
		SESSION_MAX);
	proto_hello_with(&hello, "refused", why.p);
	buf_trim(&hello);
	line_io_init(&io, fd, PROTO_MAX_REQUEST);
	line_io_put(&io, hello.p, hello.len);
	(void)line_io_flush(&io);
	line_io_release(&io);
	buf_release(&hello);
	buf_release(&why);
}

void session_accept(struct conductor *c)
{
	int fd;

	while ((fd = sock_accept(c->listen_fd)) >= 0) {
		uid_t uid = sock_peer_uid(fd);
		if (uid != geteuid() && uid != 0) {
			diag(DIAG_WARN, "refused a client of uid %ld", (long)uid);
			close(fd);
		} else if (c->nsession >= SESSION_MAX) {
			diag(DIAG_WARN, "refused a client: %d are connected already", SESSION_MAX);
			refuse_client(fd);
		} else {
			session_begin(c, fd);
		}
	}
}

void session_resume(struct conductor *c)
{
	for (struct session *s = c->session; s; s = s->next)
		take_lines(s);
}

void session_close_all(struct conductor *c)
{
	for (struct session *s = c->session; s; s = s->next) {
		flush_output(s);
		s->dead = true;
	}
	session_reap(c);
}
