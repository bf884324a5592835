/* test_conductor_wire.c - clients: hello, malformed requests, slow ones, too many; one conductor of
 * eight; the idle end. */
#include "wire.h"

#include "client/client.h"

#define ONE \
	"{\"engine\":\"fake\",\"allow_unlimited\":true,\"variants\":[{\"name\":\"a\",\"command\":\"true\"}]}"

static struct line_io dial_raw(struct wire *w)
{
	struct line_io io;
	struct err e = ERR_INIT;
	int fd = sock_connect(w->store.dir, "sock", &e);

	assert_true(fd >= 0);
	line_io_init(&io, fd, PROTO_MAX_ANSWER);
	assert_non_null(wire_line(&io)); /* its hello */
	return io;
}

static void hello_matters(void **state)
{
	struct wire w;
	struct line_io io;
	char *line;

	wire_begin(&w);
	wire_up(&w);
	io = dial_raw(&w);
	wire_put(&io, "GET / HTTP/1.1");
	line = wire_line(&io);
	assert_non_null(line);
	assert_non_null(strstr(line, "\"err\""));
	assert_null(wire_line(&io)); /* hung up */
	line_io_release(&io);
	io = dial_raw(&w);
	wire_put(&io, "{\"hello\":\"yolodeck\",\"proto\":99,\"version\":\"9.9\"}");
	assert_non_null(strstr(wire_line(&io), "\"err\""));
	wire_put(&io, "{\"id\":4,\"op\":\"list\"}");
	assert_non_null(strstr(wire_line(&io), "other_version"));
	wire_put(&io, "{\"id\":5,\"op\":\"shutdown\"}");
	assert_non_null(strstr(wire_line(&io), "\"ok\""));
	line_io_release(&io);
	int code;
	assert_int_equal(child_wait(&w.conductor, UNIT_DEADLINE, &code), 1);
	assert_int_equal(code, 0);
	wire_hang_up(&w);
	wire_end(&w);
}

/* The list once the conflicts of the race that is over were judged. */
static struct json *settled(struct wire *w)
{
	for (int64_t end = clock_mono_ms() + UNIT_DEADLINE; clock_mono_ms() < end;
		poll(NULL, 0, 20)) {
		struct json *list = wire_ok(w, wire_ask(w, "\"op\":\"list\",\"all\":true"));
		if (json_str(json_first(json_get(list, "rows")), "conflict", NULL))
			return list;
		json_free(list);
	}
	fail_msg("the conflicts are not judged");
	return NULL;
}

static const char *const malformed_lines[] = {
	"",
	"{",
	"[]",
	"null",
	"7",
	"\"x\"",
	"{\"id\":1}",
	"{\"id\":1,\"op\":7}",
	"{\"id\":1,\"op\":\"\"}",
	"{\"id\":1,\"op\":\"fly\"}",
	"{\"id\":1,\"id\":2,\"op\":\"list\"}",
	"\xff\xfe",
	"{\"op\":\"kill\"}",
	"{\"op\":\"kill\",\"variants\":7}",
	"{\"op\":\"kill\",\"variants\":[7]}",
	"{\"op\":\"kill\",\"variants\":[]}",
	"{\"op\":\"kill\",\"race\":-5}",
	"{\"op\":\"kill\",\"race\":1e300}",
	"{\"op\":\"kill\",\"variants\":[\"\"]}",
	"{\"op\":\"run\"}",
	"{\"op\":\"run\",\"spec\":7}",
	"{\"op\":\"run\",\"spec\":{}}",
	"{\"op\":\"run\",\"spec\":{\"variants\":[{\"name\":\"../x\",\"command\":\"true\"}]}}",
	"{\"op\":\"run\",\"from\":\"relative\",\"spec\":" ONE "}",
	"{\"op\":\"watch\",\"race\":55}",
	"{\"op\":\"watch\",\"race\":-7}",
	"{\"op\":\"show\"}",
	"{\"op\":\"show\",\"variant\":\"1/a/b\"}",
	"{\"op\":\"diff\",\"variant\":\"1/a\",\"other\":\"\"}",
	"{\"op\":\"promote\",\"variant\":\"1/a\",\"how\":\"cherry\"}",
	"{\"op\":\"promote\",\"variant\":\"1/a\",\"token\":\"0000\"}",
	"{\"op\":\"archive\"}",
	"{\"op\":\"restore\",\"race\":3}",
	"{\"op\":\"report\",\"race\":9}",
};

static void malformed(void **state)
{
	struct wire w;
	struct json *before, *after;
	struct buf a = BUF_INIT, b = BUF_INIT;

	wire_begin(&w);
	wire_up(&w);
	wire_race(&w, ONE);
	wire_over(&w);
	before = settled(&w);
	for (size_t i = 0; i < ARRAY_LEN(malformed_lines); i++) {
		wire_put(&w.io, malformed_lines[i]);
		char *line = wire_line(&w.io);
		if (!line || !strstr(line, "\"err\":{\"code\":"))
			fail_msg("%s -> %s", malformed_lines[i], line ? line : "nothing");
	}
	after = wire_ok(&w, wire_ask(&w, "\"op\":\"list\",\"all\":true"));
	json_print(before, &a);
	json_print(after, &b);
	assert_string_equal(a.p, b.p);
	buf_release(&a);
	buf_release(&b);
	json_free(before);
	json_free(after);
	/* a line without end is cut off at 1 MiB, and only that client goes */
	struct line_io io = wire_dial(&w);
	char *huge = xcalloc(1, (2 << 20) + 1);
	memset(huge, 'x', 2 << 20);
	line_io_put(&io, huge, 2 << 20);
	while (io.out.len && !line_io_flush(&io))
		poll(NULL, 0, 1);
	char *line = wire_line(&io);
	assert_true(!line || strstr(line, "too_long"));
	line_io_release(&io);
	free(huge);
	assert_int_equal(wire_live(&w), 0);
	wire_end(&w);
}

static void slow_client(void **state)
{
	struct wire w;
	struct line_io slow;
	char *line, last[64] = "";
	int lines = 0;

	wire_begin(&w);
	wire_up(&w);
	slow = wire_dial(&w);
	wire_put(&slow, "{\"id\":1,\"op\":\"watch\",\"race\":-1}");
	/* many changes that it does not read */
	for (int i = 0; i < 6; i++) {
		wire_race(&w,
			"{\"engine\":\"fake\",\"allow_unlimited\":true,\"parallel\":4,\"variants\":[{\"name\":\"a\",\"command\":\"true\"},"
			"{\"name\":\"b\",\"command\":\"true\"},{\"name\":\"c\",\"command\":\"true\"},{\"name\":\"d\",\"command\":\"false\"}]}");
		wire_over(&w);
	}
	/* it reads now, and catches up to the present: the last row of 6/d is its end */
	while (strcmp(last, "failed")) {
		line = wire_line(&slow);
		assert_non_null(line);
		lines++;
		const char *at = strstr(line, "\"race\":6,\"variant\":\"d\"");
		const char *st = at ? strstr(line, "\"state\":\"") : NULL;
		if (st)
			snprintf(last, sizeof(last), "%.*s", (int)strcspn(st + 9, "\""), st + 9);
	}
	/* at most 20 flushes a second of at most 30 lines each: far below one line a change would
	 * be fine too, but never a flood */
	assert_true(lines < 2000);
	line_io_release(&slow);
	wire_end(&w);
}

/* An event of that kind whose `key` (of the event, or of its row) holds the words has come. */
static bool came(struct wire *w, const char *ev, const char *key, const char *words)
{
	json_free(wire_ask(w, "\"op\":\"status\""));
	for (size_t i = 0; i < w->nev; i++) {
		const struct json *row = json_get(w->ev[i], "row");
		if (!strcmp(json_str(w->ev[i], "ev", ""), ev) &&
			strstr(json_str(row ? row : w->ev[i], key, ""), words))
			return true;
	}
	return false;
}

static void events(void **state)
{
	struct wire w;

	wire_begin(&w);
	wire_up(&w);
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"watch\",\"race\":0")));
	wire_race(&w, ONE);
	UNIT_WAIT(came(&w, "variant", "state", "passed"));
	UNIT_WAIT(came(&w, "message", "msg", "race 1 over"));
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"archive\",\"variants\":[\"a\"]")));
	UNIT_WAIT(came(&w, "gone", "variant", "a"));
	wire_end(&w);
}

static void too_many(void **state)
{
	struct wire w;
	struct line_io io[40];
	int in = 0;

	wire_begin(&w);
	wire_up(&w);
	for (int i = 0; i < 40; i++) {
		struct err e = ERR_INIT;
		int fd = sock_connect(w.store.dir, "sock", &e);
		assert_true(fd >= 0);
		line_io_init(&io[i], fd, PROTO_MAX_ANSWER);
		char *hello = wire_line(&io[i]), *version;
		int proto;
		assert_non_null(hello);
		if (proto_check_hello(hello, &proto, &version, &e))
			assert_string_equal(e.code, "too_many_clients");
		else
			in++;
		free(version);
	}
	assert_int_equal(in, 31); /* and the one of the test */
	/* the client hears it at once, and does not try again */
	struct err e = ERR_INIT;
	int64_t asked = clock_mono_ms();
	assert_null(client_connect(&w.store, CLIENT_AUTOSTART, &e));
	assert_string_equal(e.code, "too_many_clients");
	assert_true(clock_mono_ms() - asked < 5000);
	for (int i = 0; i < 40; i++)
		line_io_release(&io[i]);
	assert_int_equal(wire_live(&w), 0);
	wire_end(&w);
}

static void one_of_eight(void **state)
{
	struct wire w;
	struct child c[8];
	int code, winner = -1;

	wire_begin(&w);
	for (int i = 0; i < 8; i++)
		c[i] = wire_spawn(&w);
	w.io = wire_dial(&w);
	w.connected = true;
	/* seven give way, and the one that answers stays */
	struct json *ok = wire_ok(&w, wire_ask(&w, "\"op\":\"status\""));
	for (int i = 0; i < 8; i++) {
		if (c[i].id.pid == json_int(ok, "pid", 0)) {
			winner = i;
			continue;
		}
		assert_int_equal(child_wait(&c[i], UNIT_DEADLINE, &code), 1);
		assert_int_equal(code, 0);
	}
	assert_true(winner >= 0);
	w.conductor = c[winner];
	json_free(ok);
	assert_true(wire_live(&w) >= 0);
	wire_end(&w);
}

static void idle_end(void **state)
{
	struct wire w;
	int code = -1;

	wire_begin(&w);
	setenv("YOLODECK_IDLE_MS", "300", 1);
	wire_up(&w);
	wire_race(&w, ONE);
	wire_over(&w);
	/* past its time: it stays while somebody is connected */
	assert_int_equal(child_wait(&w.conductor, 600, &code), 0);
	assert_int_equal(wire_live(&w), 0);
	wire_hang_up(&w);
	assert_int_equal(child_wait(&w.conductor, UNIT_DEADLINE, &code), 1);
	assert_int_equal(code, 0);
	unsetenv("YOLODECK_IDLE_MS");
	/* the next one knows the race */
	wire_up(&w);
	json_free(wire_wait(&w, "1/a", "passed"));
	wire_end(&w);
}

int tests_run(void);
int tests_run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_matters),
		cmocka_unit_test(malformed),
		cmocka_unit_test(slow_client),
		cmocka_unit_test(events),
		cmocka_unit_test(too_many),
		cmocka_unit_test(one_of_eight),
		cmocka_unit_test(idle_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	return wire_main(argc, argv, tests_run);
}
