/* test_docker.c - the docker engine against a fake daemon: every way a daemon can be wrong, away, slow or strange. */
#include "docker_rig.c"

#include "fake_daemon.c"

#define INFO "{\"ID\":\"F\",\"ServerVersion\":\"99.9\",\"MemoryLimit\":true,\"PidsLimit\":true,\"CpuCfsQuota\":true," \
	"\"Architecture\":\"x86_64\",\"SecurityOptions\":[\"name=seccomp,profile=default\"]}"
#define PING { "GET /_ping", FAKE_JSON, 200, "OK", 0 }
#define INFO_OK { "GET /info", FAKE_JSON, 200, INFO, 0 }
#define EVENTS { "GET /events", FAKE_STREAM, 0, "", 0 }
#define LIST { "GET /containers/json", FAKE_JSON, 200, "[]", 0 }
#define LINK PING, INFO_OK, EVENTS, LIST
#define CREATED { "POST /containers/create", FAKE_JSON, 201, "{\"Id\":\"cafe\",\"Warnings\":[]}", 0 }
#define STARTED { "POST /containers/cafe/start", FAKE_JSON, 204, "", 0 }
#define REMOVED { "DELETE /containers/", FAKE_JSON, 204, "", 0 }
#define END { 0 }

static struct fake_daemon daemon_;

static int setup(void **state)
{
	*state = rig_new();
	setenv("DOCKER_CONFIG", "/nonexistent", 1);
	unsetenv("DOCKER_CONTEXT");
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	if (daemon_.dir[0])
		fake_daemon_stop(&daemon_);
	memset(&daemon_, 0, sizeof(daemon_));
	return 0;
}

static void use(const struct fake_rule *rules, const char *api)
{
	char *host;
	if (daemon_.dir[0])
		fake_daemon_stop(&daemon_);
	fake_daemon_start(&daemon_, rules, api);
	host = xasprintf("unix://%s", daemon_.socket);
	setenv("DOCKER_HOST", host, 1);
	free(host);
}

/* A fresh engine in the same rig. */
static void again(struct rig *r)
{
	rig_close(r);
	rig_engine(r);
	r->away = r->back = 0;
}

static void probe_says(struct rig *r, bool ok, const char *text)
{
	again(r);
	rig_probe(r);
	if (r->report.ok != ok || !strstr(r->report.why, text))
		fail_msg("probe: %d \"%s\", not %d \"%s\"", r->report.ok, r->report.why, ok, text);
}

static char *inspect_json(const struct rig *r, const char *name, const char *state, int64_t memory)
{
	return xasprintf("{\"Id\":\"cafe\",\"State\":{%s,\"StartedAt\":\"2026-01-01T00:00:00Z\"},\"Config\":{\"Labels\":{"
		"\"yolodeck.repo\":\"%s\",\"yolodeck.race\":\"7\",\"yolodeck.variant\":\"%s\"}},\"HostConfig\":{\"Memory\":%lld,"
		"\"PidsLimit\":64}}", state, r->repo, name, (long long)memory);
}
#define RUNNING "\"Status\":\"running\",\"Pid\":0,\"ExitCode\":0"
#define EXITED(n) "\"Status\":\"exited\",\"Pid\":0,\"ExitCode\":" #n

static void ends(struct rig *r, struct rig_task *k, enum engine_cause cause, const char *text)
{
	rig_run_until(r, rig_all_ended, 15000, "the end");
	if (k->end.cause != cause || !strstr(k->end.reason, text))
		fail_msg("cause %d \"%s\", not %d \"%s\"", (int)k->end.cause, k->end.reason, (int)cause, text);
	assert_int_equal(k->ended, 1);
}

static struct rig_task *run(struct rig *r, const struct fake_rule *rules)
{
	use(rules, "1.41");
	again(r);
	char name[16];
	snprintf(name, sizeof(name), "v%zu", r->n);
	struct rig_task *k = rig_task(r, name, "true");
	rig_start(r, k);
	return k;
}

/* ---- where to look ---- */

static void places_are(const char *want)
{
	struct docker_place *p = NULL;
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	size_t n = 0;
	if (docker_places(&p, &n, &e) < 0)
		buf_str(&b, e.msg);
	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%s(%s) ", p[i].socket, p[i].how);
	if (!strstr(b.p, want))
		fail_msg("places: %s\nnot %s", b.p, want);
	docker_places_free(p, n);
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
	static const char *const others[] = { "tcp://1.2.3.4:2375", "ssh://me@host", "npipe:////./pipe/x", "fd://", "http://x" };
	add_file(r->dir, "contexts/meta/0123", "meta.json",
		"{\"Name\":\"work\",\"Endpoints\":{\"docker\":{\"Host\":\"unix:///run/work.sock\"}}}");
	add_file(r->dir, "contexts/meta/4567", "meta.json",
		"{\"Name\":\"far\",\"Endpoints\":{\"docker\":{\"Host\":\"ssh://far\"}}}");
	add_file(r->dir, "contexts/meta/89ab", "meta.json", "{ broken");
	setenv("DOCKER_CONFIG", r->dir, 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/77", 1);
	unsetenv("DOCKER_HOST");
	places_are("/var/run/docker.sock(default socket) /run/user/77/docker.sock(rootless socket) "
		"/run/user/77/podman/podman.sock(podman socket of the user) /run/podman/podman.sock(podman socket) ");
	add_file(r->dir, ".", "config.json", "{\"currentContext\":\"work\",\"auths\":{}}");
	places_are("/run/work.sock(Docker context work) ");
	setenv("DOCKER_CONTEXT", "far", 1);
	places_are("Docker context far says ssh://far, but yolodeck reaches Docker through a unix socket only");
	setenv("DOCKER_CONTEXT", "none", 1);
	places_are("DOCKER_CONTEXT names the Docker context none, which is not there; see `docker context ls`");
	setenv("DOCKER_CONTEXT", "default", 1);
	places_are("/var/run/docker.sock(default socket)");
	setenv("DOCKER_HOST", "unix:///run/mine.sock", 1);	/* beats every context */
	places_are("/run/mine.sock(DOCKER_HOST) ");
	setenv("DOCKER_HOST", "unix://relative", 1);
	places_are("not an absolute path");
	setenv("DOCKER_HOST", deep, 1);
	places_are("longer than 107 bytes");
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		setenv("DOCKER_HOST", others[i], 1);
		places_are("through a unix socket only");
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
	use(good, "1.99");	/* newer than what we know: ours */
	probe_says(r, true, "API 1.51");
	use(good, "1.40");
	probe_says(r, false, "too old: it speaks API 1.40, and 1.41 (Docker 20.10) or newer is needed; upgrade Docker");
	use(good, NULL);
	probe_says(r, false, "is not a Docker engine");
	/* its header lies: asked once more in the version it names, and never again */
	const struct fake_rule liar[] = { PING, { "GET /info", FAKE_JSON, 400,
		"client version 1.51 is too new. Maximum supported API version is 1.41\n", 1 }, INFO_OK, EVENTS, LIST, END };
	use(liar, "1.60");
	probe_says(r, true, "API 1.41");
	const struct fake_rule always[] = { PING, { "GET /info", FAKE_JSON, 400,
		"{\"message\":\"client version 1.51 is too new. Maximum supported API version is 1.41\"}", 0 }, END };
	use(always, "1.60");
	probe_says(r, false, "refuses (400): client version 1.51 is too new");
	assert_int_equal(fake_daemon_count(&daemon_, "/info"), 2);
}

static void kinds_of_daemon(void **state)
{
	struct rig *r = *state;
	const struct fake_rule rootless[] = { PING, { "GET /info", FAKE_JSON, 200,
		"{\"ServerVersion\":\"27\",\"SecurityOptions\":[\"name=seccomp,profile=builtin\",\"name=rootless\"]}", 0 }, EVENTS, LIST, END };
	use(rootless, "1.43");
	probe_says(r, true, "rootless");
	assert_string_equal(r->report.warn, "log not guarded");
	assert_false(r->report.limit_memory || r->report.limit_pids || r->report.limit_cpus);
	int uid = 7, gid = 7;
	engine_docker.owner(r->g, &uid, &gid);
	assert_true(uid == -1 && gid == -1);
	const struct fake_rule podman[] = { PING, { "GET /info", FAKE_JSON, 200,
		"{\"ServerVersion\":\"4.3\",\"BuildahVersion\":\"1.28\",\"Rootless\":true}", 0 }, EVENTS, LIST, END };
	use(podman, "1.41");
	probe_says(r, true, "podman 4.3, API 1.41, rootless");
	static const struct { enum fake_how how; int status; const char *data, *says; } broken[] = {
		{ FAKE_JSON, 500, "{\"message\":\"boom\"}", "refuses (500): boom; see `docker version`" },
		{ FAKE_JSON, 200, "<html>", "is not a Docker engine" },
		{ FAKE_SEND, 0, "hello\n", "is not a Docker engine" },
		{ FAKE_CLOSE, 0, NULL, "Docker closed the connection" },
		{ FAKE_SILENT, 0, NULL, "Docker does not answer" },
	};
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		const struct fake_rule rules[] = { PING, { "GET /info", broken[i].how, broken[i].status, broken[i].data, 0 }, END };
		use(rules, "1.41");
		probe_says(r, false, broken[i].says);
	}
}

/* A link that is up is asked again, not believed. */
static void probe_of_a_link_that_is_up(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20);
	const struct fake_rule rules[] = { LINK, CREATED, STARTED, { "GET /containers/cafe/json", FAKE_JSON, 200, running, 0 }, END };
	run(r, rules);
	rig_run_until(r, rig_all_started, 5000, "the start");
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
	assert_true(clock_mono_ms() - t0 < 2200);
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

/* ---- refusals ---- */

static void refused_creates(void **state)
{
	struct rig *r = *state;
	static const struct { int status; const char *data, *says; } table[] = {
		{ 404, "{\"message\":\"No such image: node:22\"}", "image host is not here; `docker pull" },
		{ 400, "{\"message\":\"invalid mount config for type \\\"bind\\\": bind source path does not exist: /no/such/path\"}",
			"Docker cannot mount it" },
		{ 400, "{\"message\":\"invalid mount config for type \\\"bind\\\": bind source path does not exist: /tmp\"}",
			"this Docker does not see our files (/tmp): it runs on another machine" },
		{ 500, "{\"message\":\"boom \\u001b[31m here.\"}", "Docker could not create it (500): boom" },
		{ 503, "plain text", "Docker could not create it (503): plain text" },
		{ 201, "{ broken", "Docker could not create it (201)" },
		{ 201, "{\"Id\":17}", "Docker could not create it (201)" },
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct fake_rule rules[] = { LINK, { "POST /containers/create", FAKE_JSON, table[i].status, table[i].data, 0 }, END };
		struct rig_task *k = run(r, rules);
		ends(r, k, ENGINE_NOT_STARTED, table[i].says);
		assert_null(strchr(k->end.reason, '\033'));
		assert_int_equal(k->started, 0);
	}
}

static void refused_starts(void **state)
{
	struct rig *r = *state;
	const struct fake_rule bad[] = { LINK, CREATED, REMOVED, { "POST /containers/cafe/start", FAKE_JSON, 400,
		"{\"message\":\"OCI runtime create failed: exec format error: unknown\"}", 0 }, END };
	struct rig_task *k = run(r, bad);
	ends(r, k, ENGINE_NOT_STARTED, "is for another kind of processor");
	assert_int_equal(fake_daemon_count(&daemon_, "DELETE /v1.41/containers/cafe?force=1&v=1"), 1);	/* nothing left behind */
	char *other = inspect_json(r, "somebody-else", RUNNING, 0);
	const struct fake_rule taken[] = { LINK, { "POST /containers/create", FAKE_JSON, 409, "{\"message\":\"Conflict\"}", 0 },
		{ "GET /containers/*/json", FAKE_JSON, 200, other, 0 }, END };
	k = run(r, taken);
	ends(r, k, ENGINE_NOT_STARTED, "is in the way and is not ours");
	assert_int_equal(fake_daemon_count(&daemon_, "DELETE"), 0);	/* never what is not ours */
	free(other);
}

static void discarded_limits(void **state)
{
	static const char warning[] = "{\"Id\":\"cafe\",\"Warnings\":[\"Your kernel does not support memory limit capabilities or the "
		"cgroup is not mounted. Limitation discarded.\"]}";
	struct rig *r = *state;
	const struct fake_rule warned[] = { LINK, { "POST /containers/create", FAKE_JSON, 201, warning, 0 }, REMOVED, STARTED, END };
	struct rig_task *k = run(r, warned);
	ends(r, k, ENGINE_NOT_STARTED, "Docker discards the memory limit here; --allow-unlimited runs it without");
	assert_int_equal(fake_daemon_count(&daemon_, "/start"), 0);
	assert_int_equal(fake_daemon_count(&daemon_, "DELETE"), 1);
	/* no warning, but the container has another limit */
	char *less = inspect_json(r, "v1", RUNNING, 0);
	const struct fake_rule quiet[] = { LINK, CREATED, STARTED, { "GET /containers/cafe/json", FAKE_JSON, 200, less, 0 }, REMOVED, END };
	k = run(r, quiet);
	ends(r, k, ENGINE_NOT_STARTED, "memory limit not enforced here; --allow-unlimited");
	assert_int_equal(k->started, 0);
	assert_int_equal(fake_daemon_count(&daemon_, "DELETE"), 1);
	free(less);
	/* /info already says so: nothing is created; allowed, it is created without */
	const struct fake_rule none[] = { PING, { "GET /info", FAKE_JSON, 200, "{\"MemoryLimit\":false,\"PidsLimit\":true}", 0 },
		EVENTS, LIST, CREATED, END };
	k = run(r, none);
	ends(r, k, ENGINE_NOT_STARTED, "memory limit not enforced here");
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/create"), 0);
	use(none, "1.41");
	again(r);
	k = rig_task(r, "allowed", "true");
	k->t.allow_unlimited = true;
	rig_start(r, k);
	rig_run_for(r, 300);
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/create?name="), 1);
	assert_int_equal(fake_daemon_count(&daemon_, "\"PidsLimit\":64"), 1);
	assert_int_equal(fake_daemon_count(&daemon_, "\"Memory\""), 0);
}

/* ---- away and back ---- */

static void away_and_back(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20), *exited = inspect_json(r, "v0", EXITED(137), 256 << 20);
	const struct fake_rule up[] = { LINK, CREATED, STARTED, { "GET /containers/cafe/json", FAKE_JSON, 200, running, 0 }, END };
	const struct fake_rule later[] = { LINK, { "GET /containers/cafe/json", FAKE_JSON, 200, running, 1 },
		{ "POST /containers/cafe/stop", FAKE_JSON, 204, "", 0 }, REMOVED,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, exited, 0 }, END };
	struct rig_task *k = run(r, up);
	rig_run_until(r, rig_all_started, 5000, "the start");
	fake_daemon_kill(&daemon_);
	rig_run_until(r, rig_is_away, 3000, "the word that it is away");
	assert_non_null(strstr(r->why, "nothing answers at"));
	assert_string_equal(r->next, "sudo systemctl start docker");
	assert_int_equal(k->ended, 0);	/* nothing is concluded from a closed stream */
	engine_docker.stop(r->g, &k->t);	/* kept */
	engine_docker.remove(r->g, 7, "old", false, "beef");
	rig_run_for(r, 600);
	assert_int_equal(r->away, 1);	/* said once */
	fake_daemon_again(&daemon_, later, "1.41");
	rig_run_until(r, rig_is_back, 6000, "the word that it is back");
	ends(r, k, ENGINE_STOPPED, "stopped");
	assert_int_equal(fake_daemon_count(&daemon_, "POST /v1.41/containers/cafe/stop?t=4"), 1);
	rig_run_until(r, rig_removed, 3000, "the removal");
	assert_int_equal(fake_daemon_count(&daemon_, "DELETE /v1.41/containers/beef?force=1&v=1"), 1);
	free(running);
	free(exited);
}

/* A task that waits for a daemon is stopped before it came: nothing is left, yet who was told "away" is told "back". */
static void away_with_nothing_left(void **state)
{
	struct rig *r = *state;
	const struct fake_rule good[] = { LINK, END };
	use(good, "1.41");
	fake_daemon_kill(&daemon_);
	again(r);
	struct rig_task *k = rig_task(r, "waits", "true");
	rig_start(r, k);
	rig_run_until(r, rig_is_away, 3000, "the word that it is away");
	engine_docker.stop(r->g, &k->t);
	ends(r, k, ENGINE_STOPPED, "stopped before it started");
	fake_daemon_again(&daemon_, good, "1.41");
	rig_run_until(r, rig_is_back, 6000, "the word that it is back");
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/create"), 0);
}

static void restarted(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20), *exited = inspect_json(r, "v0", EXITED(137), 256 << 20);
	const struct fake_rule up[] = { LINK, CREATED, STARTED, { "GET /containers/cafe/json", FAKE_JSON, 200, running, 0 }, END };
	const struct fake_rule later[] = { LINK, { "GET /containers/cafe/json", FAKE_JSON, 200, exited, 0 }, END };
	struct rig_task *k = run(r, up);
	rig_run_until(r, rig_all_started, 5000, "the start");
	fake_daemon_kill(&daemon_);
	fake_daemon_again(&daemon_, later, "1.41");
	ends(r, k, ENGINE_RESTARTED, "Docker restarted");
	assert_int_equal(r->away, 0);	/* back before anybody was told */
	free(running);
	free(exited);
}

/* The create got no answer: looked up on return, not there, so created again; nothing twice. */
static void an_unanswered_create(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20);
	/* twice: curl itself repeats once on a connection that was kept alive */
	const struct fake_rule rules[] = { LINK, { "POST /containers/create", FAKE_CLOSE, 0, NULL, 2 }, CREATED, STARTED,
		{ "GET /containers/yolo-*/json", FAKE_JSON, 404, "{\"message\":\"No such container\"}", 0 },
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 0 }, END };
	struct rig_task *k = run(r, rules);
	rig_run_until(r, rig_all_started, 5000, "the start");
	assert_int_equal(k->ended, 0);
	assert_int_equal(fake_daemon_count(&daemon_, "POST /v1.41/containers/create"), 3);
	assert_int_equal(fake_daemon_count(&daemon_, "GET /v1.41/containers/yolo-"), 1);
	free(running);
}

/* A create that never gets through: it ends in a sentence, not in a loop. */
static void never_created(void **state)
{
	struct rig *r = *state;
	const struct fake_rule rules[] = { LINK, { "POST /containers/create", FAKE_CLOSE, 0, NULL, 0 },
		{ "GET /containers/yolo-*/json", FAKE_JSON, 404, "{}", 0 }, END };
	struct rig_task *k = run(r, rules);
	ends(r, k, ENGINE_NOT_STARTED, "Docker did not create and start it in six attempts");
}

static void frozen(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20), *exited = inspect_json(r, "v0", EXITED(0), 256 << 20);
	const struct fake_rule rules[] = { { "GET /_ping", FAKE_JSON, 200, "OK", 1 }, { "GET /_ping", FAKE_SILENT, 0, NULL, 0 },
		INFO_OK, EVENTS, LIST, CREATED, STARTED, { "GET /containers/cafe/json", FAKE_JSON, 200, running, 1 },
		{ "GET /containers/cafe/json", FAKE_SILENT, 0, NULL, 0 }, END };
	const struct fake_rule thawed[] = { LINK, { "GET /containers/cafe/json", FAKE_JSON, 200, exited, 0 }, END };
	struct rig_task *k = run(r, rules);
	rig_run_until(r, rig_all_started, 5000, "the start");
	((struct docker_task *)k->t.priv)->dirty = true;
	docker_poke((struct docker *)r->g);
	int64_t t0 = clock_mono_ms();
	rig_run_until(r, rig_is_away, 6000, "the word that it is silent");
	assert_in_range(clock_mono_ms() - t0, 3500, 5500);	/* late after 2 s, asked whether it lives, 2 s more */
	assert_non_null(strstr(r->why, "Docker does not answer at"));
	assert_int_equal(k->ended, 0);
	fake_daemon_kill(&daemon_);
	fake_daemon_again(&daemon_, thawed, "1.41");
	ends(r, k, ENGINE_EXITED, "exit 0");
	assert_int_equal(r->back, 1);
	free(running);
	free(exited);
}

/* An event is only a hint: bad lines, strangers and a die before its time end nothing. */
static void odd_events(void **state)
{
	static const char lines[] = "not json\n\n[]\n{\"Action\":5,\"Actor\":7}\n{\"Action\":\"die\",\"Actor\":{\"ID\":\"other\"}}\n";
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20), *exited = inspect_json(r, "v0", EXITED(6), 256 << 20);
	const struct fake_rule rules[] = { PING, INFO_OK, { "GET /events", FAKE_STREAM, 0, lines, 0 }, LIST, CREATED, STARTED,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 1 }, { "GET /containers/cafe/json", FAKE_JSON, 200, "{ broken", 1 },
		{ "GET /containers/cafe/json", FAKE_JSON, 500, "{\"message\":\"busy\"}", 1 },
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 1 }, { "GET /containers/cafe/json", FAKE_JSON, 200, exited, 0 }, END };
	struct rig_task *k = run(r, rules);
	rig_run_until(r, rig_all_started, 5000, "the start");
	rig_run_for(r, 200);
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/cafe/json"), 1);
	static const char oom[] = "{\"Action\":\"oom\",\"Actor\":{\"ID\":\"cafe\"}}";
	docker_event((struct docker *)r->g, oom, strlen(oom));	/* a part of it died: no reason to ask */
	rig_run_for(r, 50);
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/cafe/json"), 1);
	static const char die[] = "{\"Action\":\"die\",\"Actor\":{\"ID\":\"cafe\"}}";
	docker_event((struct docker *)r->g, die, strlen(die));
	ends(r, k, ENGINE_EXITED, "exit 6, a process was out of memory (limit 256.0 MiB)");
	assert_int_equal(k->started, 1);
	free(running);
	free(exited);
}

static bool first_and_last(struct rig *r)
{
	return r->task[0].started && r->task[2].ended;
}

static void adoption(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20), *made = inspect_json(r, "v1", "\"Status\":\"created\"", 256 << 20);
	char *list = xasprintf("[{\"Id\":\"cafe\",\"Labels\":{\"yolodeck.repo\":\"%s\",\"yolodeck.race\":\"7\",\"yolodeck.variant\":\"v0\"}},"
		"{\"Id\":\"stray\",\"Labels\":{\"yolodeck.race\":\"7\",\"yolodeck.variant\":\"v0\",\"yolodeck.check\":\"1\"}}]", r->repo);
	const struct fake_rule rules[] = { PING, INFO_OK, EVENTS, { "GET /containers/json", FAKE_JSON, 200, list, 0 },
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 0 }, { "GET /containers/yolo-*-7-v1/json", FAKE_JSON, 200, made, 1 },
		STARTED, { "GET /containers/*/json", FAKE_JSON, 404, "{}", 0 }, END };
	use(rules, "1.41");
	again(r);
	for (int i = 0; i < 3; i++) {
		char name[8];
		snprintf(name, sizeof(name), "v%d", i);
		engine_docker.adopt(r->g, &rig_task(r, name, "true")->t);
	}
	rig_run_until(r, first_and_last, 5000, "two of them");
	rig_run_for(r, 200);
	assert_string_equal(r->task[0].t.id, "cafe");	/* by its label, whatever it is called now */
	assert_int_equal(r->task[0].started, 1);
	assert_int_equal(r->task[0].ended, 0);
	assert_int_equal(fake_daemon_count(&daemon_, "POST /v1.41/containers/cafe/start"), 1);	/* v1 was created, not started */
	assert_int_equal(r->task[2].end.cause, ENGINE_GONE);
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/create"), 0);
	assert_int_equal(fake_daemon_count(&daemon_, "DELETE"), 0);	/* a stray is never deleted */
	free(list);
	free(running);
	free(made);
}

#define FAKED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKED(where_to_look), FAKED(versions), FAKED(kinds_of_daemon), FAKED(nobody_there), FAKED(probe_of_a_link_that_is_up), FAKED(refused_creates),
		FAKED(refused_starts), FAKED(discarded_limits), FAKED(away_and_back), FAKED(away_with_nothing_left), FAKED(restarted), FAKED(an_unanswered_create),
		FAKED(never_created), FAKED(frozen), FAKED(odd_events), FAKED(adoption),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
