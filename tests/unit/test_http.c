/* test_http.c - requests against a small fake daemon: good answers, streams split anywhere, and
 * every kind of broken peer. */

#include "unit.h"

#include "base/clock.h"
#include "base/mem.h"
#include "engine/http.h"

#include "fake_daemon.c"

struct seen {
	struct loop *l;
	int answers, opens, lines;
	enum http_error error;
	int status;
	char body[64], api[16];
	size_t nbody;
	char all[4096]; /* lines joined by | */
	int cancel_at; /* cancel the call in line number */
	struct http_call *call, *other;
	int again; /* start that many more from the answer */
	const char *socket;
};

static void on_answer(void *ctx, const struct http_answer *a)
{
	struct seen *s = ctx;
	s->answers++;
	s->error = a->error;
	s->status = a->status;
	s->nbody = a->body.len;
	snprintf(s->body, sizeof(s->body), "%.60s", a->body.p);
	snprintf(s->api, sizeof(s->api), "%s", a->api_version);
	if (s->again > 0) {
		s->again--;
		struct http_request r = { .socket = s->socket,
			.method = "GET",
			.path = "/ok",
			.timeout_ms = UNIT_DEADLINE,
			.fn = on_answer,
			.ctx = s };
		http_start(s->l, &r);
		return;
	}
	loop_stop(s->l, 0);
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct seen *s = ctx;
	size_t k = strlen(s->all);
	snprintf(s->all + k, sizeof(s->all) - k, "%.40s|", line);
	assert_int_equal(strlen(line), n);
	if (++s->lines == s->cancel_at) {
		http_cancel(s->call);
		if (s->other)
			http_cancel(s->other);
		loop_stop(s->l, 1);
	}
}

static void on_open(void *ctx)
{
	struct seen *s = ctx;
	assert_int_equal(s->lines, 0);
	s->opens++;
}

static void over(void *ctx)
{
	struct seen *s = ctx;
	loop_stop(s->l, 99);
}

static int go(struct seen *s, const char *socket, const char *method, const char *path, bool stream,
	int timeout)
{
	struct err e = ERR_INIT;
	if (!s->l)
		s->l = loop_new(&e);
	struct http_request r = { .socket = socket,
		.method = method,
		.path = path,
		.timeout_ms = timeout,
		.fn = on_answer,
		.ctx = s };
	s->socket = socket;
	if (!strcmp(method, "POST")) {
		r.body = "{\"a\":1}";
		r.nbody = 7;
	}
	if (stream) {
		r.line = on_line;
		r.open = on_open;
	}
	s->call = http_start(s->l, &r);
	assert_int_equal(s->answers, 0); /* never from inside the call */
	struct loop_timer *t = loop_after(s->l, UNIT_DEADLINE, over, s);
	int rc = loop_run(s->l);
	assert_int_not_equal(rc, 99);
	loop_cancel(t);
	return rc;
}

static void done(struct seen *s)
{
	loop_free(s->l);
	s->l = NULL;
}

static void answers(void **state)
{
	static const struct fake_rule rules[] = { { "GET /ok", FAKE_JSON, 200, "{\"fine\":true}",
							  0 },
		{ "POST /echo?name=a%20b", FAKE_JSON, 201, "{}", 0 },
		{ "DELETE /gone", FAKE_JSON, 404, "{\"message\":\"none\"}", 0 },
		{ "GET /chunked", FAKE_DRIP, 0,
			"HTTP/1.1 200 OK\r\napi-version:1.43\r\nTransfer-Encoding: "
			"chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
			0 },
		{ 0 } };
	struct fake_daemon d;
	fake_daemon_start(&d, rules, "1.41");
	struct seen s = { 0 };
	go(&s, d.socket, "GET", "/ok", false, 3000);
	assert_int_equal(s.error, HTTP_OK);
	assert_int_equal(s.status, 200);
	assert_string_equal(s.body, "{\"fine\":true}");
	assert_string_equal(s.api, "1.41");
	struct seen p = { .l = s.l };
	go(&p, d.socket, "POST", "/v1.41/echo?name=a%20b", false, 3000);
	assert_int_equal(p.status, 201);
	assert_int_equal(fake_daemon_count(&d, "POST /v1.41/echo?name=a%20b {\"a\":1}\n"), 1);
	struct seen g = { .l = s.l };
	go(&g, d.socket, "DELETE", "/gone", false, 3000);
	assert_int_equal(g.status, 404);
	assert_int_equal(g.error, HTTP_OK);
	struct seen c = { .l = s.l };
	go(&c, d.socket, "GET", "/chunked", false, 3000);
	assert_string_equal(c.body, "abcde");
	assert_string_equal(c.api, "1.43");
	struct seen chain = { .l = s.l, .again = 5 }; /* a call started by an answer */
	go(&chain, d.socket, "GET", "/ok", false, 3000);
	assert_int_equal(chain.answers, 6);
	done(&s);
	fake_daemon_stop(&d);
}

static void streams(void **state)
{
	static const struct fake_rule rules[] = {
		{ "GET /drip", FAKE_DRIP, 0,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
			"chunked\r\n\r\n5\r\none\nt\r\n4\r\nwo\r\n\r\n8\r\n\nthree\nr\r\n0\r\n\r\n",
			0 },
		{ "GET /open", FAKE_STREAM, 0, "a\nb\nc\nd\n", 0 },
		{ "GET /refused", FAKE_JSON, 400, "one\ntwo\n", 0 }, { 0 }
	};
	struct fake_daemon d;
	fake_daemon_start(&d, rules, NULL);
	struct seen s = { 0 };
	go(&s, d.socket, "GET", "/drip", true, 0);
	assert_string_equal(s.all, "one|two||three|"); /* the rest without a newline is no line */
	assert_int_equal(s.opens, 1);
	assert_int_equal(s.error, HTTP_OK);
	struct seen r = { .l = s.l }; /* an error's text is a body, not lines */
	go(&r, d.socket, "GET", "/refused", true, 3000);
	assert_int_equal(r.lines, 0);
	assert_int_equal(r.opens, 0);
	assert_int_equal(r.status, 400);
	assert_string_equal(r.body, "one\ntwo\n");
	struct seen k = { .l = s.l, .cancel_at = 2 };
	struct http_request q = {
		.socket = d.socket, .method = "GET", .path = "/open", .fn = on_answer, .ctx = &k
	};
	k.other = http_start(s.l, &q);
	assert_int_equal(go(&k, d.socket, "GET", "/open", true, 0), 1);
	assert_string_equal(k.all, "a|b|"); /* nothing after the cancel */
	assert_int_equal(k.answers, 0);
	done(&s);
	fake_daemon_stop(&d);
}

static void an_open_stream_is_silent(void **state)
{
	static const struct fake_rule rules[] = { { "GET /open", FAKE_STREAM, 0, "", 0 }, { 0 } };
	struct fake_daemon d;
	fake_daemon_start(&d, rules, NULL);
	struct err e = ERR_INIT;
	struct seen s = { .l = loop_new(&e) };
	struct http_request q = { .socket = d.socket,
		.method = "GET",
		.path = "/open",
		.fn = on_answer,
		.ctx = &s,
		.line = on_line,
		.open = on_open };
	s.call = http_start(s.l, &q);
	for (int64_t end = clock_mono_ms() + UNIT_DEADLINE; !s.opens && clock_mono_ms() < end;) {
		loop_after(s.l, 20, over, &s);
		assert_int_equal(loop_run(s.l), 99);
	}
	assert_int_equal(s.opens, 1);
	loop_after(s.l, 2500, over, &s); /* past the connect timeout */
	uint64_t before = loop_turns(s.l);
	loop_run(s.l);
	/* the timer, and one or two more on a busy machine */
	if (loop_turns(s.l) - before > 4)
		fail_msg("%d turns", (int)(loop_turns(s.l) - before));
	http_cancel(s.call);
	done(&s);
	fake_daemon_stop(&d);
}

static void broken_peers(void **state)
{
	char *big = xmalloc((8 << 20) + 4096), *line = xmalloc(70000);
	int n = snprintf(big, 200, "HTTP/1.1 200 OK\r\n\r\n");
	memset(big + n, 'x', 8 << 20);
	snprintf(big + n + (8 << 20), 8, "xxxx");
	n = snprintf(line, 200, "HTTP/1.1 200 OK\r\n\r\n");
	memset(line + n, 'y', 66000);
	snprintf(line + n + 66000, 8, "\n");
	const struct fake_rule rules[] = {
		{ "GET /cut", FAKE_SEND, 0, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
			0 },
		{ "GET /chunk", FAKE_SEND, 0,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0 },
		{ "GET /nothttp", FAKE_SEND, 0, "hello\n", 0 },
		{ "GET /close", FAKE_CLOSE, 0, NULL, 0 },
		{ "GET /silent", FAKE_SILENT, 0, NULL, 0 }, { "GET /big", FAKE_SEND, 0, big, 0 },
		{ "GET /long", FAKE_SEND, 0, line, 0 }, { 0 }
	};
	static const struct {
		const char *path;
		bool stream;
		enum http_error want;
	} table[] = { { "/cut", false, HTTP_CUT }, { "/chunk", false, HTTP_CUT },
		{ "/nothttp", false, HTTP_NOT_HTTP }, { "/close", false, HTTP_CUT },
		{ "/silent", false, HTTP_TIMEOUT }, { "/big", false, HTTP_TOO_LONG },
		{ "/long", true, HTTP_TOO_LONG }, { "/silent", true, HTTP_TIMEOUT } };
	struct fake_daemon d;
	fake_daemon_start(&d, rules, NULL);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct seen s = { 0 };
		int64_t t0 = clock_mono_ms();
		go(&s, d.socket, "GET", table[i].path, table[i].stream,
			table[i].want == HTTP_TIMEOUT ? 300 : UNIT_DEADLINE);
		if (s.error != table[i].want)
			fail_msg("%s: error %d, not %d", table[i].path, s.error, table[i].want);
		assert_int_equal(s.answers, 1);
		assert_true(s.nbody <= 8 << 20);
		if (table[i].want == HTTP_TIMEOUT)
			assert_in_range(clock_mono_ms() - t0, 290, 30000);
		done(&s);
	}
	fake_daemon_stop(&d);
	free(big);
	free(line);
}

static void no_peer(void **state)
{
	static const struct fake_rule rules[] = { { 0 } };
	struct fake_daemon d;
	fake_daemon_start(&d, rules, NULL);
	char none[160], deep[400];
	snprintf(none, sizeof(none), "%s/none.sock", d.dir);
	memset(deep, 'a', sizeof(deep));
	deep[0] = '/';
	deep[399] = 0;
	struct seen s = { 0 };
	go(&s, none, "GET", "/", false, 1000);
	assert_int_equal(s.error, HTTP_NO_SOCKET);
	done(&s);
	s = (struct seen){ 0 };
	go(&s, deep, "GET", "/", false, 1000);
	assert_int_equal(s.error, HTTP_NO_SOCKET);
	done(&s);
	s = (struct seen){ 0 };
	go(&s, "/tmp", "GET", "/", false, 1000);
	assert_int_equal(s.error, HTTP_REFUSED);
	done(&s);
	fake_daemon_kill(&d);
	s = (struct seen){ 0 };
	go(&s, d.socket, "GET", "/", false, 1000);
	assert_int_equal(s.error, HTTP_REFUSED);
	done(&s);
	fake_daemon_stop(&d);
}

/* As somebody else: only possible when the tests run as root (who may connect to everything). */
static void no_permission(void **state)
{
	static const struct fake_rule rules[] = { { 0 } };
	struct fake_daemon d;
	if (geteuid() != 0) {
		print_message("skipped: no_permission needs root to become another user\n");
		skip();
	}
	fake_daemon_start(&d, rules, NULL);
	pid_t pid = fork();
	if (pid == 0) {
		if (setgid(65534) || setuid(65534))
			_exit(9);
		struct seen s = { 0 };
		go(&s, d.socket, "GET", "/", false, 1000);
		_exit(s.error == HTTP_NO_PERMISSION ? 0 : 1);
	}
	int st = 0;
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	fake_daemon_stop(&d);
}

static void encoding(void **state)
{
	struct buf b = BUF_INIT;
	http_encode("{\"label\":[\"a=b/c\"]} %\xc3\xa9~", &b);
	assert_string_equal(b.p, "%7B%22label%22%3A%5B%22a%3Db%2Fc%22%5D%7D%20%25%C3%A9~");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(streams),
		cmocka_unit_test(an_open_stream_is_silent),
		cmocka_unit_test(broken_peers),
		cmocka_unit_test(no_peer),
		cmocka_unit_test(no_permission),
		cmocka_unit_test(encoding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
