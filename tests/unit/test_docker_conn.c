/* test_docker_conn.c - where a Docker engine is looked for, in which version it is spoken to, and
 * what a probe says of it. */
#include "docker_fake.c"

/* ---- where to look ---- */

static void endpoints_are(const char *want)
{
	struct docker_endpoint *p = NULL;
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	size_t n = 0;
	if (docker_endpoints(&p, &n, &e) < 0)
		buf_str(&b, e.msg);
	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%s(%s) ", p[i].socket, p[i].how);
	if (!strstr(b.p, want))
		fail_msg("endpoints: %s\nnot %s", b.p, want);
	docker_endpoints_free(p, n);
	buf_release(&b);
}

static void add_file(const char *dir, const char *sub, const char *name, const char *text)
{
	struct err e = ERR_INIT;
	char *d = xasprintf("%s/%s", dir, sub), *f = xasprintf("%s/%s", d, name);
	assert_int_equal(fs_mkdirs(d, 0700, &e), 0);
	assert_int_equal(fs_replace(f, text, strlen(text), &e), 0);
	free(d);
	free(f);
}

static void where_to_look(void **state)
{
	struct rig *r = *state;
	char deep[200] = "unix:///";
	memset(deep + 8, 'a', 150);
	static const char *const others[] = { "tcp://1.2.3.4:2375", "ssh://me@host",
		"npipe:////./pipe/x", "fd://", "http://x" };
	add_file(r->dir, "contexts/meta/0123", "meta.json",
		"{\"Name\":\"work\",\"Endpoints\":{\"docker\":{\"Host\":\"unix:///run/"
		"work.sock\"}}}");
	add_file(r->dir, "contexts/meta/4567", "meta.json",
		"{\"Name\":\"far\",\"Endpoints\":{\"docker\":{\"Host\":\"ssh://far\"}}}");
	add_file(r->dir, "contexts/meta/89ab", "meta.json", "{ broken");
	setenv("DOCKER_CONFIG", r->dir, 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/77", 1);
	unsetenv("DOCKER_HOST");
	endpoints_are(
		"/var/run/docker.sock(default socket) /run/user/77/docker.sock(rootless socket) "
		"/run/user/77/podman/podman.sock(podman socket of the user) "
		"/run/podman/podman.sock(podman socket) ");
	add_file(r->dir, ".", "config.json", "{\"currentContext\":\"work\",\"auths\":{}}");
	endpoints_are("/run/work.sock(Docker context work) ");
	setenv("DOCKER_CONTEXT", "far", 1);
	endpoints_are(
		"Docker context far says ssh://far, but yolodeck reaches Docker through a unix "
		"socket only");
	setenv("DOCKER_CONTEXT", "none", 1);
	endpoints_are(
		"DOCKER_CONTEXT names the Docker context none, which is not there; see `docker "
		"context ls`");
	setenv("DOCKER_CONTEXT", "default", 1);
	endpoints_are("/var/run/docker.sock(default socket)");
	setenv("DOCKER_HOST", "unix:///run/mine.sock", 1); /* beats every context */
	endpoints_are("/run/mine.sock(DOCKER_HOST) ");
	setenv("DOCKER_HOST", "unix://relative", 1);
	endpoints_are("not an absolute path");
	setenv("DOCKER_HOST", deep, 1);
	endpoints_are("longer than 107 bytes");
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		setenv("DOCKER_HOST", others[i], 1);
		endpoints_are("through a unix socket only");
	}
	probe_says(r, false, "Unset DOCKER_HOST");
	unsetenv("DOCKER_CONTEXT");
	unsetenv("XDG_RUNTIME_DIR");
}

/* ---- probes ---- */

static void versions(void **state)
{
	struct rig *r = *state;
	const struct fake_rule good[] = { LINK, END };
	use(good, "1.41");
	probe_says(r, true, "docker 99.9, API 1.41, rootful, at ");
	assert_non_null(strstr(r->report.why, "(DOCKER_HOST)"));
	assert_true(r->report.limit_memory && r->report.limit_pids && r->report.limit_cpus);
	assert_string_equal(r->report.isolation, "container");
	use(good, "1.44");
	probe_says(r, true, "API 1.44");
	assert_int_equal(fake_daemon_count(&daemon_, "GET /v1.44/info"), 1);
	use(good, "1.99"); /* newer than what we know: ours */
	probe_says(r, true, "API 1.51");
	use(good, "1.40");
	probe_says(r, false,
		"too old: it speaks API 1.40, and 1.41 (Docker 20.10) or newer is needed; upgrade "
		"Docker");
	use(good, NULL);
	probe_says(r, false, "is not a Docker engine");
	/* its header lies: asked once more in the version it names, and never again */
	const struct fake_rule liar[] = { PING,
		{ "GET /info", FAKE_JSON, 400,
			"client version 1.51 is too new. Maximum supported API version is 1.41\n",
			1 },
		INFO_OK, EVENTS, LIST, END };
	use(liar, "1.60");
	probe_says(r, true, "API 1.41");
	const struct fake_rule always[] = { PING,
		{ "GET /info", FAKE_JSON, 400,
			"{\"message\":\"client version 1.51 is too new. Maximum supported API "
			"version is 1.41\"}",
			0 },
		END };
	use(always, "1.60");
	probe_says(r, false, "refuses (400): client version 1.51 is too new");
	assert_int_equal(fake_daemon_count(&daemon_, "/info"), 2);
}

static void kinds_of_daemon(void **state)
{
	struct rig *r = *state;
	const struct fake_rule rootless[] = { PING,
		{ "GET /info", FAKE_JSON, 200,
			"{\"ServerVersion\":\"27\",\"SecurityOptions\":[\"name=seccomp,profile="
			"builtin\",\"name=rootless\"]}",
			0 },
		EVENTS, LIST, END };
	use(rootless, "1.43");
	probe_says(r, true, "rootless");
	assert_string_equal(r->report.warn, "log not guarded");
	assert_false(r->report.limit_memory || r->report.limit_pids || r->report.limit_cpus);
	int uid = 7, gid = 7;
	engine_docker.owner(r->g, &uid, &gid);
	assert_true(uid == -1 && gid == -1);
	const struct fake_rule podman[] = { PING,
		{ "GET /info", FAKE_JSON, 200,
			"{\"ServerVersion\":\"4.3\",\"BuildahVersion\":\"1.28\",\"Rootless\":true}",
			0 },
		EVENTS, LIST, END };
	use(podman, "1.41");
	probe_says(r, true, "podman 4.3, API 1.41, rootless");
	static const struct {
		enum fake_how how;
		int status;
		const char *data, *says;
	} broken[] = {
		{ FAKE_JSON, 500, "{\"message\":\"boom\"}",
			"refuses (500): boom; see `docker version`" },
		{ FAKE_JSON, 200, "<html>", "is not a Docker engine" },
		{ FAKE_SEND, 0, "hello\n", "is not a Docker engine" },
		{ FAKE_CLOSE, 0, NULL, "Docker closed the connection" },
		{ FAKE_SILENT, 0, NULL, "Docker does not answer" },
	};
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		const struct fake_rule rules[] = { PING,
			{ "GET /info", broken[i].how, broken[i].status, broken[i].data, 0 }, END };
		use(rules, "1.41");
		probe_says(r, false, broken[i].says);
	}
}

/* A link that is up is asked again, not believed. */
static void probe_of_a_link_that_is_up(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20);
	const struct fake_rule rules[] = { LINK, CREATED, STARTED,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 0 }, END };
	run(r, rules);
	rig_run_until(r, rig_all_started, "the start");
	rig_probe(r);
	assert_true(r->report.ok);
	assert_int_equal(fake_daemon_count(&daemon_, "GET /v1.41/_ping"), 1);
	kill(daemon_.pid, SIGSTOP);
	rig_probe(r);
	assert_false(r->report.ok);
	assert_non_null(strstr(r->report.why, "Docker does not answer at"));
	kill(daemon_.pid, SIGCONT);
	free(running);
}

static void nobody_there(void **state)
{
	struct rig *r = *state;
	const struct fake_rule silent[] = { { "GET /_ping", FAKE_SILENT, 0, NULL, 0 }, END };
	use(silent, NULL);
	int64_t t0 = clock_mono_ms();
	probe_says(r, false, "Docker does not answer at ");
	assert_true(clock_mono_ms() - t0 < 30000);
	rig_prepare(r, "host");
	assert_string_equal(r->prepare_err.code, "docker_silent");
	fake_daemon_kill(&daemon_);
	probe_says(r, false, "Docker is not running (nothing answers at ");
	assert_non_null(strstr(r->report.why, "; sudo systemctl start docker"));
	unlink(daemon_.socket);
	probe_says(r, false, "Docker is not running (no socket at ");
	rig_prepare(r, "host");
	assert_string_equal(r->prepare_err.code, "no_docker");
	assert_non_null(strstr(r->prepare_err.msg, "systemctl start docker"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKED(where_to_look),
		FAKED(versions),
		FAKED(kinds_of_daemon),
		FAKED(nobody_there),
		FAKED(probe_of_a_link_that_is_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
