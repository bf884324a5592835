/* test_tty.c - the runner's pseudo-terminal over a socket: keys, size, job control, the end; a side
 * that goes away, frames that are none. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/asset.h"
#include "base/buf.h"
#include "base/child.h"

enum { KEYS = 1, SIZE = 2, OUTPUT = 3, END = 4, LONG_MS = UNIT_DEADLINE };

static char dir[64], runner[80], path[80];

static int setup(void **state)
{
	struct err e;
	const struct asset *a = asset_find("runner");

	strcpy(dir, "/tmp/yolo-tty-XXXXXX");
	if (!mkdtemp(dir) || !a)
		return -1;
	snprintf(runner, sizeof runner, "%s/runner", dir);
	snprintf(path, sizeof path, "%s/tty", dir);
	return fs_create(runner, 0755, a->data, a->len, &e);
}

static int teardown(void **state)
{
	struct err e;

	return fs_remove_tree(dir, "runner", &e);
}

struct side {
	struct child c;
	int sock;
	struct buf in, shown; /* frames not yet whole; what the command showed */
	bool ended;
	int code;
};

static void start(struct side *s, const char *script)
{
	const char *argv[] = { runner, "--tty", path, "--cwd", dir, "--", "/bin/sh", "-c", script,
		NULL };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct child_spec spec = CHILD_SPEC_INIT;
	struct err e = ERR_INIT;
	int at = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(s, 0, sizeof(*s));
	unlink(path);
	strcpy(a.sun_path, path);
	assert_int_equal(bind(at, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(at, 1), 0);
	spec.argv = argv;
	if (child_start(&s->c, &spec, &e))
		fail_msg("%s", e.msg);
	s->sock = accept4(at, NULL, NULL, SOCK_CLOEXEC);
	assert_true(s->sock >= 0);
	close(at);
	buf_init(&s->in);
	buf_init(&s->shown);
}

static void tell(struct side *s, int kind, const void *p, size_t n)
{
	unsigned char head[3] = { (unsigned char)kind, n & 0xff, (unsigned char)(n >> 8) };

	assert_int_equal(send(s->sock, head, sizeof head, MSG_NOSIGNAL), sizeof head);
	assert_int_equal(send(s->sock, p, n, MSG_NOSIGNAL), n);
}

static void keys(struct side *s, const char *text)
{
	tell(s, KEYS, text, strlen(text));
}

static void take(struct side *s)
{
	while (s->in.len >= 3) {
		const unsigned char *b = (const unsigned char *)s->in.p;
		size_t n = (size_t)(b[1] | b[2] << 8);

		if (s->in.len < 3 + n)
			return;
		assert_false(s->ended);
		if (b[0] == OUTPUT) {
			buf_add(&s->shown, b + 3, n);
		} else {
			assert_int_equal(b[0], END);
			assert_int_equal(n, 4);
			s->ended = true;
			s->code = b[3];
		}
		buf_drop(&s->in, 3 + n);
	}
}

/* Until it showed this; NULL = its end. */
static void until(struct side *s, const char *want)
{
	int64_t end = clock_mono_ms() + LONG_MS;
	char b[4096];

	while (want ? !memmem(s->shown.p ? s->shown.p : "", s->shown.len, want, strlen(want))
		    : !s->ended) {
		struct pollfd p = { s->sock, POLLIN, 0 };
		ssize_t n = 0;

		if (poll(&p, 1, (int)(end - clock_mono_ms())) > 0)
			n = read(s->sock, b, sizeof b);
		if (n <= 0)
			fail_msg("no %s in: %.*s", want ? want : "end", (int)s->shown.len,
				s->shown.p ? s->shown.p : "");
		buf_add(&s->in, b, (size_t)n);
		take(s);
	}
}

/* Closes our side; what the runner ended with. */
static int leave(struct side *s)
{
	int code = -1;

	close(s->sock);
	assert_int_equal(child_wait(&s->c, LONG_MS, &code), 1);
	buf_release(&s->in);
	buf_release(&s->shown);
	return code;
}

static void terminal(void **state)
{
	static const unsigned char size[] = { 33, 0, 44, 1 }, more[] = { 50, 0, 80, 0 };
	struct side s;

	start(&s,
		"trap 'stty size' WINCH; read line; test -t 0 && test -t 1 && test -t 2 && echo \"tty $line\"; stty size; echo ready; "
		"while ! read line; do :; done; exit 7");
	tell(&s, SIZE, size, sizeof size);
	keys(&s, "h\xc3\xa9llo\r");
	until(&s, "h\xc3\xa9llo\r\n"); /* the terminal's echo */
	until(&s, "tty h\xc3\xa9llo\r\n");
	until(&s, "33 300\r\n");
	until(&s, "ready");
	tell(&s, SIZE, more, sizeof more);
	until(&s, "50 80\r\n");
	keys(&s, "\r");
	until(&s, NULL);
	assert_int_equal(s.code, 7);
	assert_int_equal(leave(&s), 7);
}

static void signals(void **state)
{
	struct side s;

	start(&s, "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.05; done");
	until(&s, "ready");
	keys(&s, "\003");
	until(&s, "caught");
	until(&s, NULL);
	assert_int_equal(s.code, 3);
	leave(&s);
	start(&s, "kill -9 $$");
	until(&s, NULL);
	assert_int_equal(s.code, 128 + SIGKILL);
	leave(&s);
	start(&s, "exec /no/such/program");
	until(&s, NULL);
	assert_int_equal(s.code, 127);
	leave(&s);
}

/* All of a long output is there before the end, also what a process left behind goes on holding the
 * terminal. */
static void whole(void **state)
{
	struct side s;

	start(&s, "stty -opost; (sleep 1000 &); seq 100000");
	until(&s, NULL);
	assert_int_equal(s.shown.len, 588895);
	assert_memory_equal(s.shown.p + s.shown.len - 7, "100000\n", 7);
	assert_int_equal(leave(&s), 0);
}

/* A command that reads nothing does not stop what it shows. */
static void unread(void **state)
{
	static char many[4000];
	struct side s;

	start(&s,
		"stty -icanon -echo; echo ready; i=0; while [ $i -lt 20000 ]; do echo line; i=$((i+1)); done; echo last; read line; exit 9");
	until(&s, "ready");
	memset(many, 'x', sizeof many);
	for (int i = 0; i < 10; i++)
		tell(&s, KEYS, many, sizeof many);
	until(&s, "last");
	close(s.sock);
	s.sock = -1;
	leave(&s);
}

static bool gone(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

/* The other side goes away, or talks nonsense: the command is hung up on, and killed if that does
 * not end it. */
static void away(void **state)
{
	static const char *const scripts[] = { "echo \"<$$>\"; exec sleep 1000",
		"trap '' HUP; echo \"<$$>\"; while :; do sleep 0.1; done" };
	struct side s;
	const char *at;
	char end[256];
	pid_t pid;

	for (int nonsense = 0; nonsense < 2; nonsense++)
		for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
			start(&s, scripts[i]);
			until(&s, ">");
			at = memchr(s.shown.p, '<', s.shown.len);
			assert_non_null(at);
			pid = (pid_t)strtol(at + 1, NULL, 10);
			if (nonsense) {
				assert_int_equal(send(s.sock, "\001\377\377", 3, MSG_NOSIGNAL), 3);
				UNIT_WAIT(recv(s.sock, end, sizeof end, MSG_DONTWAIT) == 0);
			}
			leave(&s);
			UNIT_WAIT(gone(pid));
		}
}

static void refuses(void **state)
{
	const char *argv[] = { runner, "--tty", "/nowhere/at/all", "--", "true", NULL };
	struct child_spec spec = CHILD_SPEC_INIT;
	struct child c;
	struct err e = ERR_INIT;
	int code = -1;

	spec.argv = argv;
	assert_int_equal(child_start(&c, &spec, &e), 0);
	assert_int_equal(child_wait(&c, LONG_MS, &code), 1);
	assert_int_equal(code, 125);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(terminal), cmocka_unit_test(signals),
		cmocka_unit_test(whole), cmocka_unit_test(unread), cmocka_unit_test(away),
		cmocka_unit_test(refuses) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
