/* test_conductor_ending.c - a conductor that ends while a worker is at something, and the next one:
 * clients hear why they wait; and many races through one conductor, which stays as it was. */
#include "wire.h"

#include <dirent.h>

#include "client/client.h"

#define SPEC(rest) "{\"engine\":\"fake\",\"allow_unlimited\":true,\"variants\":[" rest "]}"

/* A git in front of the real one that waits in fast-import (a snapshot) while `hold` is there. */
static void slow_git(struct wire *w)
{
	char *bin = fs_join(w->dir, "bin"), *path, *script;
	const char *old = getenv("PATH");

	script = xasprintf(
		"mkdir bin; real=$(command -v git); { echo '#!/bin/sh'; "
		"echo 'case \"$*\" in *fast-import*) echo $$ >>%s/seen; while [ -e %s/hold ]; do sleep 0.02; done;; esac'; "
		"echo \"exec $real \\\"\\$@\\\"\"; } >bin/git; chmod +x bin/git",
		w->dir, w->dir);
	sh(w->dir, script);
	path = xasprintf("%s:%s", bin, old);
	setenv("PATH", path, 1);
	free(path);
	free(script);
	free(bin);
}

static bool gone(const struct wire *w)
{
	struct err e = ERR_INIT;
	int fd = sock_connect(w->store.dir, "sock", &e);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

/* By steps, none of which may wait for anybody. */
static struct client *dial(struct wire *w)
{
	struct client_dial *d = client_dial_new(&w->store, CLIENT_AUTOSTART);
	struct client *c = NULL;
	struct err e = ERR_INIT;
	int rc;

	do {
		struct pollfd p = { .fd = client_dial_fd(d), .events = POLLIN };
		int64_t before = clock_mono_ms();
		rc = client_dial_step(d, &c, &e);
		assert_true(clock_mono_ms() - before < 3000);
		if (!rc)
			poll(&p, 1, CLIENT_DIAL_MS);
	} while (!rc);
	if (rc < 0)
		fail_msg("%s", e.msg);
	client_dial_free(d);
	return c;
}

static int answered;

static void on_status(void *ctx, const struct json *ok, const struct err *e)
{
	answered = ok ? (int)json_int(ok, "pid", 0) : -1;
}

static void pump(struct client *c)
{
	struct pollfd p = { .fd = client_fd(c), .events = POLLIN };
	struct err e = ERR_INIT;

	poll(&p, 1, 20);
	if (client_pump(c, &e))
		fail_msg("%s", e.msg);
}

static void next_waits_and_says_so(void **state)
{
	struct wire w;
	struct client *a, *b;
	struct child old;
	char *path;
	int code = -1;

	wire_begin(&w);
	path = xstrdup(getenv("PATH"));
	slow_git(&w);
	wire_up(&w);
	wire_race(
		&w, SPEC("{\"name\":\"a\",\"command\":\"until test -e go; do sleep 0.02; done\"}"));
	json_free(wire_wait(&w, "1/a", "running"));
	sh(w.dir, "touch hold; rm -f seen");
	sh(w.store.dir, "touch races/1/a/work/go");
	json_free(wire_wait(&w, "1/a", "saving"));
	char *seen = fs_join(w.dir, "seen");
	UNIT_WAIT(fs_exists(seen));
	free(seen);
	wire_hang_up(&w);
	old = w.conductor;
	kill(old.id.pid, SIGTERM);
	UNIT_WAIT(gone(&w));
	assert_int_equal(child_reap(&old, &code), 0); /* it is still saving */

	a = dial(&w);
	assert_non_null(client_waiting(a));
	assert_string_equal(client_waiting(a), "the last conductor is ending: saving 1/a");
	answered = 0;
	client_send(a, client_request("status"), on_status, NULL);
	b = dial(&w);
	assert_non_null(client_waiting(b));
	for (int i = 0; i < 20; i++)
		pump(a);
	assert_int_equal(answered, 0);
	assert_int_equal(child_reap(&old, &code), 0);
	/* one only waits in line */
	struct child third = wire_spawn(&w);
	assert_int_equal(child_wait(&third, UNIT_DEADLINE, &code), 1);
	assert_int_equal(code, 0);

	sh(w.dir, "rm hold");
	assert_int_equal(child_wait(&old, UNIT_DEADLINE, &code), 1);
	assert_int_equal(code, 0);
	while (!answered)
		pump(a);
	assert_true(answered > 0 && answered != old.id.pid);
	client_free(a);
	client_free(b);
	assert_true(wire_dial_once(&w, &w.io));
	w.connected = true;
	json_free(wire_wait(&w, "1/a", "passed"));
	sh_says(w.store.dir, "ls ending 2>/dev/null || true", "");
	/* it is no child of the test */
	json_free(wire_ask(&w, "\"op\":\"shutdown\""));
	wire_hang_up(&w);
	assert_int_equal(waitpid(answered, NULL, 0), answered);
	setenv("PATH", path, 1);
	free(path);
	wire_end(&w);
}

static size_t descriptors(const struct wire *w)
{
	char path[64];
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", w->conductor.id.pid);
	d = opendir(path);
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Many races through one conductor with a watching client: it holds no more than before. */
static void many_races(void **state)
{
	enum { WARM = 4, ALL = 12 };
	struct wire w;
	size_t fds = 0;

	wire_begin(&w);
	wire_up(&w);
	json_free(wire_ok(&w, wire_ask(&w, "\"op\":\"watch\",\"race\":-1")));
	for (int i = 1; i <= ALL; i++) {
		wire_race(&w,
			SPEC("{\"name\":\"a\",\"command\":\"echo A >>f1\",\"check\":\"true\"},{\"name\":\"b\",\"command\":\"exit 3\"}"));
		wire_over(&w);
		if (i == WARM)
			fds = descriptors(&w);
	}
	assert_true(fds > 5);
	UNIT_WAIT(descriptors(&w) <= fds);
	wire_end(&w);
}

int tests_run(void);
int tests_run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_waits_and_says_so),
		cmocka_unit_test(many_races),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	return wire_main(argc, argv, tests_run);
}
