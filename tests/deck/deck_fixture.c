/* deck_fixture.c - the real deck against a conductor of canvas and paint, for golden screens. A
 * test program only.
 *
 * deck_fixture conductor SCENE COMMON
 *     serves the scene (JSON) on the socket of COMMON's state directory and writes its logs there;
 *     every request is appended to $FIXTURE_DIR/requests; every line written into the fifo
 *     $FIXTURE_DIR/inject goes out: {"row":{..}} in the short form, else as it stands
 * deck_fixture deck COMMON [RACE]
 *     the deck, at the moment $FIXTURE_NOW (seconds since 1970; unset = the real clock), opened in
 *     the work tree $FIXTURE_TOP */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sock.h"
#include "model/proto.h"
#include "model/runlog.h"
#include "model/store.h"
#include "ui/app.h"
#include "ui/deck.h"
#include "ui/state.h"

enum { MAX_CLIENTS = 8, RACE = 7 };

static struct {
	struct json *scene;
	struct store store;
	int listen, inject, requests;
	struct line_io client[MAX_CLIENTS];
	bool used[MAX_CLIENTS], greeted[MAX_CLIENTS];
	int64_t now;
} fx;

static int64_t fixed_now(void)
{
	return fx.now;
}

static int64_t now_from_env(void)
{
	const char *s = getenv("FIXTURE_NOW");

	return s ? strtoll(s, NULL, 10) * 1000000000 : clock_real_ns();
}

static _Noreturn void die(const char *what, const struct err *e)
{
	fprintf(stderr, "deck_fixture: %s: %s\n", what, e ? e->msg : "");
	exit(1);
}

static void write_line(int log, int idx, uint64_t *off, const char *text, int64_t ns)
{
	struct runlog_record r = {
		.off = *off, .ns = (uint64_t)ns, .kind = RUNLOG_OUTPUT, .magic = RUNLOG_MAGIC
	};
	unsigned char raw[RUNLOG_RECORD];
	bool err = text[0] == '!' && text[1] == '!';
	static uint64_t lines;

	text += err ? 2 : 0;
	lines = *off == 0 ? 0 : lines + 1;
	r.val = lines;
	r.len = (uint32_t)strlen(text) + 1;
	r.stream = err ? RUNLOG_STDERR : RUNLOG_STDOUT;
	fs_write_all(log, text, strlen(text));
	fs_write_all(log, "\n", 1);
	runlog_encode(&r, raw);
	fs_write_all(idx, raw, sizeof(raw));
	*off += r.len;
}

static void write_log(const char *dir, const char *name, const char *index,
	const struct json *lines, int exit_code, int64_t end)
{
	char *log = fs_join(dir, name), *idx = fs_join(dir, index);
	int lfd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
	    xfd = open(idx, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t off = 0;
	int64_t n = (int64_t)json_size(lines);
	unsigned char raw[RUNLOG_RECORD];

	for (const struct json *c = json_first(lines); c; c = json_next(c))
		write_line(lfd, xfd, &off, json_to_str(c), end - n-- * 1000000000);
	if (exit_code >= 0) {
		struct runlog_record r = { .off = off,
			.ns = (uint64_t)end,
			.kind = RUNLOG_EXIT,
			.magic = RUNLOG_MAGIC,
			.len = (uint32_t)exit_code };

		runlog_encode(&r, raw);
		fs_write_all(xfd, raw, sizeof(raw));
	}
	close(lfd);
	close(xfd);
	free(log);
	free(idx);
}

static void write_logs(const struct json *j)
{
	char *dir = store_variant_dir(&fx.store, RACE, json_str(j, "name", "x"));
	struct err e = ERR_INIT;
	int64_t now = now_from_env();

	if (fs_mkdirs(dir, 0700, &e) < 0)
		die("logs", &e);
	write_log(dir, "log", "log.idx", json_get(j, "log"), (int)json_int(j, "exit", -1),
		now - 20000000000);
	if (json_get(j, "checklog"))
		write_log(dir, "check.log", "check.idx", json_get(j, "checklog"),
			(int)json_int(j, "checkexit", -1), now - 1000000000);
	free(dir);
}

static void read_check(struct variant *v, const struct json *j)
{
	const char *word = json_str(j, "check", "none");

	v->check.state = !strcmp(word, "passed") ? CHECK_PASSED
		: !strcmp(word, "failed")        ? CHECK_FAILED
		: !strcmp(word, "running")       ? CHECK_RUNNING
		: !strcmp(word, "waiting")       ? CHECK_WAITING
						 : CHECK_NONE;
	v->check.passed = (int)json_int(j, "passed", -1);
	v->check.total = (int)json_int(j, "total", -1);
}

/* The short form of a row: only what the board shows. */
static struct json *row_json(const struct json *j)
{
	struct variant *v = variant_new(RACE, (int)json_int(j, "n", 1), json_str(j, "name", "x"));
	struct row *r;
	struct json *out;
	int64_t now = now_from_env(), ran = json_int(j, "sec", -1) * 1000000000;

	v->state = (enum variant_state)variant_state_parse(json_str(j, "state", "running"));
	if (ran >= 0) {
		v->started_ns = now - ran - (variant_ended(v->state) ? 30000000000 : 0);
		v->ended_ns = variant_ended(v->state) || v->state == VS_CHECKING
			? v->started_ns + ran
			: 0;
	}
	v->created_ns = now - 300000000000;
	v->added = json_int(j, "added", -1);
	v->removed = json_int(j, "removed", -1);
	v->files = (int)json_int(j, "files", -1);
	read_check(v, j);
	xreplace(&v->reason, json_str(j, "reason", NULL));
	xreplace(&v->conflict, json_str(j, "conflict", NULL));
	xreplace(&v->note, json_str(j, "note", NULL));
	xreplace(&v->base, "3f2a1c9aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	v->archived = json_bool(j, "archived", false);
	r = row_new(v);
	r->rank = (int)json_int(j, "rank", 0);
	r->best = json_bool(j, "best", false);
	r->attention = json_get(j, "attention") != NULL;
	xreplace(&r->evidence, json_str(j, "attention", NULL));
	r->cpu = json_double(j, "cpu", -1);
	r->memory = json_int(j, "memory", -1);
	xreplace(&r->warn, json_str(j, "warn", NULL));
	r->rev = (uint64_t)json_int(j, "rev", 1);
	out = row_to_json(r);
	row_free(r);
	return out;
}

static struct json *race_json(void)
{
	struct race_info i = { .number = RACE };
	struct json *out;
	const struct json *j = json_get(fx.scene, "race");

	i.slug = xstrdup(json_str(j, "slug", "fix-flaky-parser"));
	i.base = xstrdup("3f2a1c9aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	i.base_name = xstrdup("main");
	i.engine = xstrdup("docker");
	i.rank_words = xstrdup("best first: check, changed lines, time");
	i.created_ns = now_from_env() - 300000000000;
	i.over_ns = json_int(j, "over_sec", 0)
		? i.created_ns + json_int(j, "over_sec", 0) * 1000000000
		: 0;
	i.total = (int)json_size(json_get(fx.scene, "rows"));
	i.live = (int)json_int(j, "live", 0);
	i.passed = (int)json_int(j, "passed", 0);
	i.failed = (int)json_int(j, "failed", 0);
	i.attention = (int)json_int(j, "attention", 0);
	out = race_info_to_json(&i);
	race_info_release(&i);
	return out;
}

static struct json *lists(void)
{
	struct json *ok = json_object(), *races = json_array(), *rows = json_array();
	const struct json *list = json_get(fx.scene, "rows");

	if (list)
		json_add(races, race_json());
	for (const struct json *c = json_first(list); c; c = json_next(c))
		json_add(rows, row_json(c));
	json_put(ok, "races", races);
	json_put(ok, "rows", rows);
	if (json_get(fx.scene, "engine"))
		json_put(ok, "engine", json_copy(json_get(fx.scene, "engine")));
	return ok;
}

static void send_json(struct line_io *io, struct json *take_j)
{
	struct buf b = BUF_INIT;

	json_print(take_j, &b);
	line_io_put(io, b.p, b.len);
	line_io_flush(io);
	buf_release(&b);
	json_free(take_j);
}

/* Answers: lists for watch and list; else what the scene has under "answers", by the op (".plan"
 * for a plan), else {}. */
static void answer(struct line_io *io, const struct json *req)
{
	struct json *out = json_object();
	const char *op = json_str(req, "op", "");
	char key[64];
	const struct json *canned;

	snprintf(key, sizeof(key), "%s%s", op, json_bool(req, "plan", false) ? ".plan" : "");
	canned = json_get(json_get(fx.scene, "answers"), key);
	json_put_int(out, "id", json_int(req, "id", 0));
	if (!strcmp(op, "watch") || !strcmp(op, "list"))
		json_put(out, "ok", lists());
	else if (json_get(canned, "err"))
		json_put(out, "err", json_copy(json_get(canned, "err")));
	else
		json_put(out, "ok", canned ? json_copy(canned) : json_object());
	send_json(io, out);
}

static void take_line(int i, const char *line)
{
	struct err e = ERR_INIT;
	struct json *j;

	if (!fx.greeted[i]) {
		struct buf hello = BUF_INIT;

		proto_hello(&hello);
		buf_trim(&hello);
		line_io_put(&fx.client[i], hello.p, hello.len);
		line_io_flush(&fx.client[i]);
		buf_release(&hello);
		fx.greeted[i] = true;
		return;
	}
	j = json_parse(line, strlen(line), &e);
	if (!j)
		return;
	dprintf(fx.requests, "%s\n", line);
	answer(&fx.client[i], j);
	json_free(j);
}

static void serve_client(int i)
{
	char *line;
	int rc = line_io_fill(&fx.client[i]);

	while ((line = line_io_next(&fx.client[i])))
		take_line(i, line);
	if (rc < 0) {
		line_io_release(&fx.client[i]);
		fx.used[i] = false;
	}
}

static void inject(const char *line)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(line, strlen(line), &e), *ev = NULL;

	if (!j)
		die(line, &e);
	if (json_get(j, "row")) {
		write_logs(json_get(j, "row"));
		ev = json_object();
		json_put_str(ev, "ev", "variant");
		json_put(ev, "row", row_json(json_get(j, "row")));
	}
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (fx.used[i])
			send_json(&fx.client[i], json_copy(ev ? ev : j));
	json_free(ev);
	json_free(j);
}

static void serve_inject(void)
{
	static struct buf b;
	char part[4096], *nl;
	ssize_t n = read(fx.inject, part, sizeof(part));

	if (!b.p)
		buf_init(&b);
	if (n > 0)
		buf_add(&b, part, (size_t)n);
	while ((nl = memchr(b.p, '\n', b.len))) {
		*nl = '\0';
		inject(b.p);
		buf_drop(&b, (size_t)(nl - b.p) + 1);
	}
}

static void accept_client(void)
{
	int fd = sock_accept(fx.listen);

	for (int i = 0; fd >= 0 && i < MAX_CLIENTS; i++) {
		if (fx.used[i])
			continue;
		line_io_init(&fx.client[i], fd, PROTO_MAX_REQUEST);
		fx.used[i] = true;
		fx.greeted[i] = false;
		return;
	}
}

static _Noreturn void serve(void)
{
	for (;;) {
		struct pollfd p[MAX_CLIENTS + 2] = { { fx.listen, POLLIN, 0 },
			{ fx.inject, POLLIN, 0 } };

		for (int i = 0; i < MAX_CLIENTS; i++)
			p[2 + i] = (struct pollfd){ fx.used[i] ? fx.client[i].fd : -1, POLLIN, 0 };
		if (poll(p, MAX_CLIENTS + 2, -1) < 0)
			continue;
		for (int i = 0; i < MAX_CLIENTS; i++)
			if (p[2 + i].revents)
				serve_client(i);
		if (p[0].revents)
			accept_client();
		if (p[1].revents)
			serve_inject();
	}
}

static int open_in_dir(const char *name, int flags)
{
	const char *dir = getenv("FIXTURE_DIR");
	char *path = fs_join(dir ? dir : ".", name);
	int fd;

	if (flags & O_RDWR && mkfifo(path, 0600) < 0)
		die(path, NULL);
	fd = open(path, flags | O_CLOEXEC, 0600);
	free(path);
	return fd;
}

static int conductor(const char *scene, const char *common)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	signal(SIGPIPE, SIG_IGN);
	if (fs_read(scene, 1 << 20, &b, &e) < 0 || !(fx.scene = json_parse_relaxed(b.p, b.len, &e)))
		die(scene, &e);
	if (store_open(&fx.store, common, true, &e) < 0)
		die(common, &e);
	for (const struct json *c = json_first(json_get(fx.scene, "rows")); c; c = json_next(c))
		write_logs(c);
	fx.requests = open_in_dir("requests", O_WRONLY | O_CREAT | O_APPEND);
	fx.inject = open_in_dir("inject", O_RDWR);
	fx.listen = sock_listen(fx.store.dir, "sock", &e);
	if (fx.listen < 0)
		die("socket", &e);
	serve();
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "conductor"))
		return conductor(argv[2], argv[3]);
	if (argc >= 3 && !strcmp(argv[1], "deck")) {
		if (getenv("FIXTURE_NOW")) {
			fx.now = now_from_env();
			deck_now_ns = fixed_now;
		}
		return app_main(argv[2], getenv("FIXTURE_TOP"),
			argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0);
	}
	fprintf(stderr, "usage: deck_fixture conductor SCENE COMMON | deck COMMON [RACE]\n");
	return 2;
}
