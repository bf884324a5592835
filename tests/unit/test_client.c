/* test_client.c - the client against a scripted conductor: hello, answers out of order, events
 * kept, ends, rows. */

#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/sock.h"
#include "client/client.h"

static char dir[64];
static struct store store;
static pid_t server;

/* One connection: says `hello`, then for each request line writes the next of `say`
 * (NULL-terminated; "" = hang up). */
static void serve(const char *hello, const char *const *say)
{
	struct err e = ERR_INIT;
	int fd = sock_listen(store.dir, "sock", &e);

	assert_true(fd >= 0);
	server = fork();
	assert_true(server >= 0);
	if (server > 0) {
		close(fd);
		return;
	}
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		struct line_io io;
		int c, k = 0, greeted = 0;

		poll(&p, 1, UNIT_DEADLINE);
		c = sock_accept(fd);
		if (c < 0)
			_exit(0);
		line_io_init(&io, c, PROTO_MAX_REQUEST);
		for (;;) {
			struct pollfd q = { .fd = c, .events = POLLIN };
			char *line;

			poll(&q, 1, UNIT_DEADLINE);
			if (line_io_fill(&io) < 0)
				break;
			while ((line = line_io_next(&io))) {
				const char *answer = greeted ? say[k] : hello;

				if (strstr(line, "shutdown"))
					_exit(0);
				if (!answer || !*answer)
					_exit(0);
				k += greeted;
				greeted = 1;
				line_io_put(&io, answer, strlen(answer));
				line_io_flush(&io);
			}
		}
		line_io_release(&io);
	}
}

static int setup(void **state)
{
	struct err e = ERR_INIT;
	char mark[80];

	snprintf(dir, sizeof dir, "/tmp/yolodeck-client-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(mark, sizeof mark, "%s/made-by-test", dir);
	assert_int_equal(fs_create(mark, 0600, "", 0, &e), 0);
	store.dir = dir;
	store.common = dir;
	server = 0;
	return 0;
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;

	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	return fs_remove_tree(dir, "made-by-test", &e);
}

#define HELLO "{\"hello\":\"yolodeck\",\"proto\":1,\"version\":\"x\"}"

static int seen;
static char last_ev[32];
static void on_event(void *ctx, const struct json *ev)
{
	seen++;
	snprintf(last_ev, sizeof last_ev, "%s", json_str(ev, "ev", "?"));
}

static int answered;
static void on_answer(void *ctx, const struct json *ok, const struct err *e)
{
	answered = ok ? 1 : -1;
	snprintf(ctx, 32, "%s", ok ? "" : e->code);
}

static void test_call(void **state)
{
	static const char *const say[] = { "{\"id\":1,\"ok\":{\"a\":5}}",
		"{\"ev\":\"message\",\"msg\":\"m\"}\n{\"id\":2,\"err\":{\"code\":\"no_such_variant\",\"msg\":\"There is no 7/x.\"}}",
		NULL };
	struct err e = ERR_INIT;
	struct client *c;
	struct json *ok;

	serve(HELLO, say);
	c = client_connect(&store, 0, &e);
	assert_non_null(c);
	ok = client_call(c, client_request("status"), 5000, &e);
	assert_non_null(ok);
	assert_int_equal(json_int(ok, "a", 0), 5);
	json_free(ok);
	assert_null(client_call(c, client_request("kill"), 5000, &e));
	assert_string_equal(e.code, "no_such_variant");
	assert_string_equal(e.msg, "There is no 7/x.");
	/* the event that came first was kept for the pump */
	seen = 0;
	client_on_event(c, on_event, NULL);
	assert_int_equal(client_pump(c, &e), 0);
	assert_int_equal(seen, 1);
	assert_string_equal(last_ev, "message");
	client_free(c);
}

static void pump_until(struct client *c, int want)
{
	struct err e = ERR_INIT;

	for (int64_t end = clock_mono_ms() + UNIT_DEADLINE;
		answered != want && clock_mono_ms() < end;) {
		struct pollfd p = { .fd = client_fd(c), .events = POLLIN };

		poll(&p, 1, 50);
		if (client_pump(c, &e) < 0)
			return;
	}
}

static void test_send(void **state)
{
	static const char *const say[] = { "{\"id\":1,\"ok\":{}}",
		"{\"id\":2,\"err\":{\"code\":\"nope\",\"msg\":\"No.\"}}", "", NULL };
	char code[32] = "";
	struct err e = ERR_INIT;
	struct client *c;

	serve(HELLO, say);
	c = client_connect(&store, 0, &e);
	assert_non_null(c);
	answered = 0;
	client_send(c, client_request("watch"), on_answer, code);
	pump_until(c, 1);
	assert_int_equal(answered, 1);
	client_send(c, client_request("undo"), on_answer, code);
	pump_until(c, -1);
	assert_int_equal(answered, -1);
	assert_string_equal(code, "nope");
	/* the conductor hangs up: the pump says so */
	client_send(c, client_request("list"), on_answer, code);
	for (int64_t end = clock_mono_ms() + UNIT_DEADLINE; clock_mono_ms() < end;) {
		struct pollfd p = { .fd = client_fd(c), .events = POLLIN };

		poll(&p, 1, 50);
		if (client_pump(c, &e) < 0)
			break;
	}
	assert_string_equal(e.code, "conductor_gone");
	client_free(c);
}

static void test_nobody(void **state)
{
	struct err e = ERR_INIT;

	assert_null(client_connect(&store, 0, &e));
	assert_string_equal(e.code, "no_conductor");
}

static void test_newer(void **state)
{
	static const char *const say[] = { NULL };
	struct err e = ERR_INIT;

	serve("{\"hello\":\"yolodeck\",\"proto\":2,\"version\":\"9.1\"}", say);
	assert_null(client_connect(&store, 0, &e));
	assert_string_equal(e.code, "newer_conductor");
	assert_non_null(strstr(e.msg, "9.1"));
	assert_non_null(strstr(e.msg, YOLODECK_VERSION));
}

/* An older one is asked to shut down; without autostart nobody is there afterwards. */
static void test_older(void **state)
{
	static const char *const say[] = { NULL };
	struct err e = ERR_INIT;
	int st = 0;

	serve("{\"hello\":\"yolodeck\",\"proto\":1,\"version\":\"0.0.1\"}", say);
	assert_null(client_connect(&store, 0, &e));
	assert_string_equal(e.code, "no_conductor");
	assert_int_equal(waitpid(server, &st, 0), server);
	server = 0;
	assert_true(WIFEXITED(st) && WEXITSTATUS(st) == 0);
}

static void test_stranger(void **state)
{
	static const char *const say[] = { NULL };
	struct err e = ERR_INIT;

	serve("HTTP/1.1 400 Bad Request", say);
	assert_null(client_connect(&store, 0, &e));
	assert_true(e.msg[0] != 0);
}

static void apply(struct rows *r, const char *text)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(text, strlen(text), &e);

	assert_non_null(j);
	rows_apply(r, j);
	json_free(j);
}

static struct json *row_event(int race, int number, const char *name, uint64_t rev)
{
	struct variant *v = variant_new(race, number, name);
	struct row *row = row_new(v);
	struct json *ev = json_object();

	row->rev = rev;
	json_put_str(ev, "ev", "variant");
	json_put(ev, "row", row_to_json(row));
	row_free(row);
	return ev;
}

static void test_rows(void **state)
{
	struct rows r;
	const struct row *shown;
	struct json *ev;

	rows_init(&r);
	for (int i = 3; i >= 1; i--) {
		ev = row_event(7, i, i == 1 ? "a1" : i == 2 ? "a2" : "a3", 5);
		rows_apply(&r, ev);
		rows_apply(&r, ev); /* twice is harmless */
		json_free(ev);
	}
	assert_int_equal(r.nrow, 3);
	assert_string_equal(r.row[0]->v->name, "a1");
	assert_string_equal(r.row[2]->v->name, "a3");
	ev = row_event(7, 1, "a1", 4); /* older than what is known */
	rows_apply(&r, ev);
	json_free(ev);
	assert_int_equal(r.row[0]->rev, 5);
	shown = r.row[0];
	ev = row_event(7, 1, "a1", 6);
	rows_apply(&r, ev);
	json_free(ev);
	assert_ptr_equal(r.row[0], shown); /* the deck's items point to it */
	assert_int_equal(shown->rev, 6);
	apply(&r, "{\"ev\":\"gone\",\"race\":7,\"variant\":\"a2\"}");
	assert_int_equal(r.nrow, 2);
	apply(&r,
		"{\"ev\":\"engine\",\"name\":\"docker\",\"away\":\"silent\",\"next\":\"start it\",\"since_ns\":5}");
	assert_string_equal(r.engine_away, "silent");
	apply(&r, "{\"ev\":\"engine\",\"name\":\"docker\",\"away\":null}");
	assert_null(r.engine_away);
	apply(&r, "{\"ev\":\"gone\",\"race\":7}");
	assert_int_equal(r.nrow, 0);
	rows_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_call, setup, teardown),
		cmocka_unit_test_setup_teardown(test_send, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_older, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stranger, setup, teardown),
		cmocka_unit_test(test_rows),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
