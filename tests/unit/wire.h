/* wire.h - a repository, a real conductor process on it (this very program, started as `conductor
 * DIR`), and the wire to it. */
#ifndef UNIT_WIRE_H
#define UNIT_WIRE_H

#include "gitfix.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/json.h"
#include "base/sock.h"
#include "conductor/conductor.h"
#include "model/proto.h"
#include "model/store.h"
#include "model/tail.h"

struct wire {
	char *dir, *u;
	struct store store;
	struct child conductor;
	struct line_io io;
	bool connected;
	int64_t id;
	struct json **ev; /* events that came while an answer was waited for */
	size_t nev;
};

static inline int wire_main(int argc, char **argv, int (*tests)(void))
{
	return argc == 3 && !strcmp(argv[1], "conductor") ? conductor_main(argv[2]) : tests();
}

static inline struct child wire_spawn(struct wire *w)
{
	const char *argv[] = { "/proc/self/exe", "conductor", w->store.common, NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct child c;
	struct err e = ERR_INIT;
	char *log = store_path(&w->store, "conductor.log");
	int fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	s.argv = argv;
	s.cwd = "/";
	s.err = s.out = fd;
	s.new_session = true;
	if (child_start(&c, &s, &e))
		fail_msg("%s", e.msg);
	close(fd);
	free(log);
	return c;
}

static inline void wire_log(struct wire *w)
{
	char *log = store_path(&w->store, "conductor.log");
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	if (!fs_read(log, 1 << 20, &b, &e))
		fprintf(stderr, "---- conductor.log\n%s----\n", b.p);
	buf_release(&b);
	free(log);
}

/* The next line; NULL when the other side has hung up. The test fails at the deadline. */
static inline char *wire_line(struct line_io *io)
{
	int64_t end = clock_mono_ms() + UNIT_DEADLINE;
	char *line;

	while (!(line = line_io_next(io))) {
		struct pollfd p = { .fd = io->fd, .events = POLLIN };
		int64_t left = end - clock_mono_ms();
		if (left <= 0)
			fail_msg("neither a line nor the end of the connection");
		poll(&p, 1, (int)left);
		if (line_io_fill(io) < 0 && !io->in.len)
			return NULL;
	}
	return line;
}

static inline void wire_put(struct line_io *io, const char *text)
{
	line_io_put(io, text, strlen(text));
	while (io->out.len && !line_io_flush(io))
		poll(NULL, 0, io->out.len ? 1 : 0);
}

/* One try. A conductor that was just killed may still be there as a child of its between fork and
 * exec: that one hangs up. */
static inline bool wire_dial_once(struct wire *w, struct line_io *io)
{
	struct err e = ERR_INIT;
	struct buf hello = BUF_INIT;
	int fd = sock_connect(w->store.dir, "sock", &e);
	bool there;

	if (fd < 0)
		return false;
	line_io_init(io, fd, PROTO_MAX_ANSWER);
	proto_hello(&hello);
	wire_put(io, hello.p);
	buf_release(&hello);
	there = wire_line(io) != NULL;
	if (!there)
		line_io_release(io);
	return there;
}

/* A connection with its hello done; the conductor is there already or on its way. */
static inline struct line_io wire_dial(struct wire *w)
{
	int64_t end = clock_mono_ms() + UNIT_DEADLINE;
	struct line_io io;

	while (!wire_dial_once(w, &io)) {
		if (clock_mono_ms() >= end) {
			wire_log(w);
			fail_msg("no conductor");
		}
		poll(NULL, 0, 5);
	}
	return io;
}

static inline void wire_up(struct wire *w)
{
	int64_t end = clock_mono_ms() + UNIT_DEADLINE;
	int code;

	w->conductor = wire_spawn(w);
	while (!wire_dial_once(w, &w->io)) {
		/* As the client does: one that found the lock still held by what was killed just
		 * now is started again. */
		if (child_reap(&w->conductor, &code) == 1)
			w->conductor = wire_spawn(w);
		if (clock_mono_ms() >= end) {
			wire_log(w);
			fail_msg("no conductor");
		}
		poll(NULL, 0, 5);
	}
	w->connected = true;
}

static inline void wire_hang_up(struct wire *w)
{
	if (w->connected)
		line_io_release(&w->io);
	w->connected = false;
}

static inline void wire_kill9(struct wire *w)
{
	int code;

	child_kill(&w->conductor, SIGKILL);
	child_wait(&w->conductor, -1, &code);
	wire_hang_up(w);
}

static inline void wire_keep(struct wire *w, struct json *take_ev)
{
	w->ev = xrealloc(w->ev, (w->nev + 1) * sizeof(*w->ev));
	w->ev[w->nev++] = take_ev;
}

/* Sends one request given as the text of an object without its id; the whole answer line. */
static inline struct json *wire_ask(struct wire *w, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	va_list ap;

	buf_fmt(&b, "{\"id\":%lld,", (long long)++w->id);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	buf_char(&b, '}');
	wire_put(&w->io, b.p);
	buf_release(&b);
	for (;;) {
		char *line = wire_line(&w->io);
		struct json *j;
		if (!line) {
			wire_log(w);
			fail_msg("no answer to request %lld", (long long)w->id);
		}
		j = json_parse(line, strlen(line), &e);
		assert_non_null(j);
		if (!json_get(j, "ev"))
			return j;
		wire_keep(w, j);
	}
}

/* "ok" of it, or NULL after filling code. The caller frees. */
static inline struct json *wire_ok(struct wire *w, struct json *take_answer)
{
	struct json *ok = NULL;

	if (!json_get(take_answer, "ok")) {
		struct buf b = BUF_INIT;
		json_print(take_answer, &b);
		wire_log(w);
		fail_msg("refused: %s", b.p);
	}
	ok = json_copy(json_get(take_answer, "ok"));
	json_free(take_answer);
	return ok;
}

#define WIRE_REFUSED(answer, wanted) \
	do { \
		struct json *wire_a = (answer); \
		assert_non_null(json_get(wire_a, "err")); \
		assert_string_equal(json_str(json_get(wire_a, "err"), "code", ""), wanted); \
		assert_true(strlen(json_str(json_get(wire_a, "err"), "msg", "")) > 5); \
		json_free(wire_a); \
	} while (0)

static inline int wire_race(struct wire *w, const char *spec)
{
	struct json *ok =
		wire_ok(w, wire_ask(w, "\"op\":\"run\",\"spec\":%s,\"from\":\"%s\"", spec, w->u));
	int race = (int)json_int(ok, "race", 0);

	assert_true(race > 0);
	json_free(ok);
	return race;
}

/* The row of "7/a"; the caller frees. */
static inline struct json *wire_row(struct wire *w, const char *sel)
{
	struct json *ok = wire_ok(w, wire_ask(w, "\"op\":\"show\",\"variant\":\"%s\"", sel));
	struct json *row = json_copy(json_get(ok, "row"));

	json_free(ok);
	return row;
}

static inline bool wire_is(struct wire *w, const char *sel, const char *state)
{
	struct json *row = wire_row(w, sel);
	bool is = !strcmp(json_str(row, "state", ""), state);

	json_free(row);
	return is;
}

static inline struct json *wire_wait(struct wire *w, const char *sel, const char *state)
{
	int64_t end = clock_mono_ms() + UNIT_DEADLINE;

	while (!wire_is(w, sel, state) && clock_mono_ms() < end)
		poll(NULL, 0, 10);
	struct json *row = wire_row(w, sel);
	if (strcmp(json_str(row, "state", ""), state)) {
		struct buf b = BUF_INIT;
		json_print(row, &b);
		wire_log(w);
		fail_msg("%s does not get %s: %s", sel, state, b.p);
	}
	return row;
}

static inline int wire_live(struct wire *w)
{
	struct json *ok = wire_ok(w, wire_ask(w, "\"op\":\"status\""));
	int live = (int)json_int(ok, "live", -1);

	json_free(ok);
	return live;
}

static inline void wire_over(struct wire *w)
{
	int64_t end = clock_mono_ms() + UNIT_DEADLINE;

	while (wire_live(w) && clock_mono_ms() < end)
		poll(NULL, 0, 20);
	if (wire_live(w)) {
		wire_log(w);
		fail_msg("still live");
	}
}

/* Raw bytes of a variant's log. */
static inline char *wire_text(struct wire *w, int race, const char *variant, const char *name)
{
	char *dir = store_variant_dir(&w->store, race, variant), *path = fs_join(dir, name);
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	if (fs_read(path, 64 << 20, &b, &e))
		fail_msg("%s", e.msg);
	free(dir);
	free(path);
	return buf_take(&b);
}

static inline void wire_begin(struct wire *w)
{
	struct fix f;
	struct err e = ERR_INIT;

	memset(w, 0, sizeof(*w));
	fix_init(&f, NULL);
	char *state = fs_join(f.dir, "state");
	setenv("XDG_STATE_HOME", state, 1);
	setenv("YOLODECK_FAKE", "1", 1);
	setenv("YOLODECK_STRICT", "1", 1);
	free(state);
	w->dir = xstrdup(f.dir);
	w->u = xstrdup(f.u);
	if (store_open(&w->store, f.repo.common, true, &e))
		fail_msg("%s", e.msg);
	git_repo_release(&f.repo);
	free(f.dir);
	free(f.u);
	free(f.race_dir);
	free(f.base_store);
	free(f.q);
}

static inline void wire_end(struct wire *w)
{
	int code = -1;

	if (w->connected) {
		json_free(wire_ask(w, "\"op\":\"kill\",\"all\":true"));
		wire_over(w);
		json_free(wire_ask(w, "\"op\":\"shutdown\""));
		wire_hang_up(w);
		if (child_wait(&w->conductor, UNIT_DEADLINE, &code) != 1 || code != 0) {
			wire_log(w);
			fail_msg("the conductor ended with %d", code);
		}
	}
	for (size_t i = 0; i < w->nev; i++)
		json_free(w->ev[i]);
	free(w->ev);
	store_release(&w->store);
	free(w->u);
	unit_rmdir(w->dir);
}

#endif
