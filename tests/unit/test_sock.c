/* test_sock.c - sockets in deep directories, and lines over streams torn anywhere. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/sock.h"

static void test_long_directory(void **state)
{
	char *dir = unit_mkdir(),
	     *deep = fs_join(dir,
		     "a-rather-long-name-of-a-directory/a-rather-long-name-of-a-directory/"
		     "a-rather-long-name-of-a-directory/a-rather-long-name-of-a-directory");
	char *path = fs_join(deep, "sock");
	struct err e = ERR_INIT;
	struct stat st;
	int l, c, s;

	assert_int_equal(fs_mkdirs(deep, 0700, &e), 0);
	assert_int_equal(sock_connect(deep, "sock", &e), -1);
	assert_string_equal(e.code, "not_found");
	l = sock_listen(deep, "sock", &e);
	if (l < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(fcntl(l, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(sock_accept(l), -1);
	assert_int_equal(errno, EAGAIN);
	c = sock_connect(deep, "sock", &e);
	assert_true(c >= 0);
	assert_true(fcntl(c, F_GETFD) & FD_CLOEXEC);
	assert_false(fcntl(c, F_GETFL) & O_NONBLOCK);
	s = sock_accept(l);
	assert_true(s >= 0);
	assert_true(fcntl(s, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(s, F_GETFL) & O_NONBLOCK);
	assert_int_equal(sock_peer_uid(s), geteuid());
	assert_int_equal(sock_peer_uid(0x7fff), (uid_t)-1);
	close(s);
	close(c);
	close(l);
	/* The file is still there, nobody listens. */
	assert_int_equal(sock_connect(deep, "sock", &e), -1);
	assert_string_equal(e.code, "refused");
	l = sock_listen(deep, "sock", &e);
	assert_true(l >= 0);
	close(l);
	free(path);
	free(deep);
	unit_rmdir(dir);
}

static void test_no_directory(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(sock_connect("/tmp/yolodeck-none-such", "sock", &e), -1);
	assert_string_equal(e.code, "not_found");
	assert_int_equal(sock_listen("/tmp/yolodeck-none-such", "sock", &e), -1);
}

struct pair {
	struct line_io a;
	int peer;
};

static void pair_make(struct pair *p, size_t max)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	line_io_init(&p->a, fd[0], max);
	p->peer = fd[1];
}

static void give(struct pair *p, const char *s)
{
	assert_int_equal(write(p->peer, s, strlen(s)), strlen(s));
}

static void test_torn_at_every_byte(void **state)
{
	static const char text[] = "{\"a\":1}\n\n{\"b\":\"two\"}\n";
	static const char *const want[] = { "{\"a\":1}", "", "{\"b\":\"two\"}" };

	for (size_t cut = 0; cut < sizeof text; cut++) {
		struct pair p;
		size_t got = 0;
		char *line;

		pair_make(&p, 100);
		assert_int_equal(line_io_fill(&p.a), 0);
		for (int half = 0; half < 2; half++) {
			const char *s = half ? text + cut : text;
			size_t n = half ? sizeof text - 1 - cut : cut;

			if (n == 0)
				continue;
			assert_int_equal(write(p.peer, s, n), n);
			assert_int_equal(line_io_fill(&p.a), 1);
			while ((line = line_io_next(&p.a)))
				assert_string_equal(line, want[got++]);
		}
		assert_int_equal(got, 3);
		close(p.peer);
		assert_int_equal(line_io_fill(&p.a), -1);
		line_io_release(&p.a);
	}
}

/* A line stays valid while the next is not asked for, and what came before the end is delivered. */
static void test_last_words(void **state)
{
	struct pair p;
	char *line;

	pair_make(&p, 100);
	give(&p, "one\ntwo\nthr");
	close(p.peer);
	assert_int_equal(line_io_fill(&p.a), 1);
	line = line_io_next(&p.a);
	assert_string_equal(line, "one");
	assert_string_equal(line_io_next(&p.a), "two");
	assert_null(line_io_next(&p.a));
	assert_int_equal(line_io_fill(&p.a), -1);
	assert_int_equal(errno, 0);
	line_io_release(&p.a);
}

static void test_too_long(void **state)
{
	struct pair p;

	pair_make(&p, 10);
	give(&p, "0123456789\n");
	assert_int_equal(line_io_fill(&p.a), 1);
	assert_string_equal(line_io_next(&p.a), "0123456789");
	give(&p, "0123456789");
	assert_int_equal(line_io_fill(&p.a), 1);
	assert_null(line_io_next(&p.a));
	give(&p, "x");
	assert_int_equal(line_io_fill(&p.a), -1);
	assert_int_equal(errno, EMSGSIZE);
	close(p.peer);
	line_io_release(&p.a);
	/* Behind a good line, whole or not. */
	pair_make(&p, 10);
	give(&p, "ok\n0123456789x\n");
	assert_int_equal(line_io_fill(&p.a), 1);
	assert_string_equal(line_io_next(&p.a), "ok");
	assert_null(line_io_next(&p.a));
	assert_int_equal(line_io_fill(&p.a), -1);
	assert_int_equal(errno, EMSGSIZE);
	close(p.peer);
	line_io_release(&p.a);
}

/* More than the socket holds: flush never blocks, and all arrives in order once the peer reads. */
static void test_slow_reader(void **state)
{
	enum { LINES = 20000 };
	struct pair p;
	struct line_io back;
	char text[64], *line;
	int got = 0, turns = 0;

	pair_make(&p, 1 << 20);
	line_io_init(&back, p.peer, 1 << 20);
	for (int i = 0; i < LINES; i++) {
		int n = snprintf(text, sizeof text, "line number %d of many, many more", i);

		line_io_put(&p.a, text, (size_t)n);
	}
	assert_int_equal(line_io_flush(&p.a), 0);
	assert_true(p.a.out.len > 0);
	while (got < LINES && turns++ < 10000) {
		assert_int_equal(line_io_flush(&p.a), 0);
		assert_true(line_io_fill(&back) >= 0);
		while ((line = line_io_next(&back))) {
			snprintf(text, sizeof text, "line number %d of many, many more", got++);
			assert_string_equal(line, text);
		}
	}
	assert_int_equal(got, LINES);
	assert_int_equal(p.a.out.len, 0);
	line_io_release(&back);
	line_io_put(&p.a, "x", 1);
	assert_int_equal(line_io_flush(&p.a), -1); /* and no SIGPIPE */
	line_io_release(&p.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_directory),
		cmocka_unit_test(test_no_directory),
		cmocka_unit_test(test_torn_at_every_byte),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_slow_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
