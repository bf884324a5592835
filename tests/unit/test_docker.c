/* test_docker.c - the docker engine against a fake daemon that refuses, discards, vanishes, freezes
 * or lies. */
#include "docker_fake.c"

/* ---- refusals ---- */

static void refused_creates(void **state)
{
	struct rig *r = *state;
	static const struct {
		int status;
		const char *data, *says;
	} table[] = {
		{ 404, "{\"message\":\"No such image: node:22\"}",
			"the empty image yolodeck-empty:1 is gone from Docker" },
		{ 400,
			"{\"message\":\"invalid mount config for type \\\"bind\\\": bind source "
			"path does not exist: /no/such/path\"}",
			"Docker cannot mount it" },
		{ 400,
			"{\"message\":\"invalid mount config for type \\\"bind\\\": bind source "
			"path does not exist: /tmp\"}",
			"this Docker does not see our files (/tmp): it runs on another machine" },
		{ 500, "{\"message\":\"boom \\u001b[31m here.\"}",
			"Docker could not create it (500): boom" },
		{ 503, "plain text", "Docker could not create it (503): plain text" },
		{ 201, "{ broken", "Docker could not create it (201)" },
		{ 201, "{\"Id\":17}", "Docker could not create it (201)" },
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct fake_rule rules[] = { LINK,
			{ "POST /containers/create", FAKE_JSON, table[i].status, table[i].data, 0 },
			END };
		struct rig_task *k = run(r, rules);
		ends(r, k, ENGINE_NOT_STARTED, table[i].says);
		assert_null(strchr(k->end.reason, '\033'));
		assert_int_equal(k->started, 0);
	}
}

static void refused_starts(void **state)
{
	struct rig *r = *state;
	const struct fake_rule bad[] = { LINK, CREATED, REMOVED,
		{ "POST /containers/cafe/start", FAKE_JSON, 400,
			"{\"message\":\"OCI runtime create failed: exec format error: unknown\"}",
			0 },
		END };
	struct rig_task *k = run(r, bad);
	ends(r, k, ENGINE_NOT_STARTED, "is for another kind of processor");
	assert_int_equal(fake_daemon_count(&daemon_, "DELETE /v1.41/containers/cafe?force=1&v=1"),
		1); /* nothing left behind */
	const struct fake_rule no_bridge[] = { LINK, CREATED, REMOVED,
		{ "POST /containers/cafe/start", FAKE_JSON, 404,
			"{\"message\":\"network bridge not found\"}", 0 },
		END };
	k = run(r, no_bridge);
	ends(r, k, ENGINE_NOT_STARTED, "network bridge not found; --network none needs none");
	char *other = inspect_json(r, "somebody-else", RUNNING, 0);
	const struct fake_rule taken[] = { LINK,
		{ "POST /containers/create", FAKE_JSON, 409, "{\"message\":\"Conflict\"}", 0 },
		{ "GET /containers/*/json", FAKE_JSON, 200, other, 0 }, END };
	k = run(r, taken);
	ends(r, k, ENGINE_NOT_STARTED, "is in the way and is not ours");
	assert_int_equal(fake_daemon_count(&daemon_, "DELETE"), 0); /* never what is not ours */
	free(other);
}

static bool create_is_seen(struct rig *r)
{
	return fake_daemon_count(&daemon_, "/containers/create?name=") > 0;
}

static void discarded_limits(void **state)
{
	static const char warning[] = "{\"Id\":\"cafe\",\"Warnings\":[\"Your kernel does not "
				      "support memory limit capabilities or the "
				      "cgroup is not mounted. Limitation discarded.\"]}";
	struct rig *r = *state;
	const struct fake_rule warned[] = { LINK,
		{ "POST /containers/create", FAKE_JSON, 201, warning, 0 }, REMOVED, STARTED, END };
	struct rig_task *k = run(r, warned);
	ends(r, k, ENGINE_NOT_STARTED,
		"Docker discards the memory limit here; --allow-unlimited runs it without");
	assert_int_equal(fake_daemon_count(&daemon_, "/start"), 0);
	assert_int_equal(fake_daemon_count(&daemon_, "DELETE"), 1);
	/* no warning, but the container has another limit */
	char *less = inspect_json(r, "v1", RUNNING, 0);
	const struct fake_rule quiet[] = { LINK, CREATED, STARTED,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, less, 0 }, REMOVED, END };
	k = run(r, quiet);
	ends(r, k, ENGINE_NOT_STARTED, "memory limit not enforced here; --allow-unlimited");
	assert_int_equal(k->started, 0);
	assert_int_equal(fake_daemon_count(&daemon_, "DELETE"), 1);
	free(less);
	/* /info already says so: nothing is created; allowed, it is created without */
	const struct fake_rule none[] = { PING,
		{ "GET /info", FAKE_JSON, 200, "{\"MemoryLimit\":false,\"PidsLimit\":true}", 0 },
		EVENTS, LIST, CREATED, END };
	k = run(r, none);
	ends(r, k, ENGINE_NOT_STARTED, "memory limit not enforced here");
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/create"), 0);
	use(none, "1.41");
	again(r);
	k = rig_task(r, "allowed", "true");
	k->t.allow_unlimited = true;
	rig_start(r, k);
	rig_run_until(r, create_is_seen, "the create");
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/create?name="), 1);
	assert_int_equal(fake_daemon_count(&daemon_, "\"PidsLimit\":64"), 1);
	assert_int_equal(fake_daemon_count(&daemon_, "\"Memory\""), 0);
}

/* ---- away and back ---- */

static void away_and_back(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20),
	     *exited = inspect_json(r, "v0", EXITED(137), 256 << 20);
	const struct fake_rule up[] = { LINK, CREATED, STARTED,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 0 }, END };
	const struct fake_rule later[] = { LINK,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 1 },
		{ "POST /containers/cafe/stop", FAKE_JSON, 204, "", 0 }, REMOVED,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, exited, 0 }, END };
	struct rig_task *k = run(r, up);
	rig_run_until(r, rig_all_started, "the start");
	fake_daemon_kill(&daemon_);
	rig_run_until(r, rig_is_away, "the word that it is away");
	assert_non_null(strstr(r->why, "nothing answers at"));
	assert_string_equal(r->next, "sudo systemctl start docker");
	assert_int_equal(k->ended, 0); /* nothing is concluded from a closed stream */
	engine_docker.stop(r->g, &k->t); /* kept */
	engine_docker.remove(r->g, 7, "old", false, "beef");
	rig_run_for(r, 600);
	assert_int_equal(r->away, 1); /* said once */
	fake_daemon_again(&daemon_, later, "1.41");
	rig_run_until(r, rig_is_back, "the word that it is back");
	ends(r, k, ENGINE_STOPPED, "stopped");
	assert_int_equal(fake_daemon_count(&daemon_, "POST /v1.41/containers/cafe/stop?t=4"), 1);
	rig_run_until(r, rig_removed, "the removal");
	assert_int_equal(
		fake_daemon_count(&daemon_, "DELETE /v1.41/containers/beef?force=1&v=1"), 1);
	free(running);
	free(exited);
}

/* A task that waits for a daemon is stopped before it came: nothing is left, yet who was told
 * "away" is told "back". */
static void away_with_nothing_left(void **state)
{
	struct rig *r = *state;
	const struct fake_rule good[] = { LINK, END };
	use(good, "1.41");
	fake_daemon_kill(&daemon_);
	again(r);
	struct rig_task *k = rig_task(r, "waits", "true");
	rig_start(r, k);
	rig_run_until(r, rig_is_away, "the word that it is away");
	engine_docker.stop(r->g, &k->t);
	ends(r, k, ENGINE_STOPPED, "stopped before it started");
	fake_daemon_again(&daemon_, good, "1.41");
	rig_run_until(r, rig_is_back, "the word that it is back");
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/create"), 0);
}

static void restarted(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20),
	     *exited = inspect_json(r, "v0", EXITED(137), 256 << 20);
	const struct fake_rule up[] = { LINK, CREATED, STARTED,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 0 }, END };
	const struct fake_rule later[] = { LINK,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, exited, 0 }, END };
	struct rig_task *k = run(r, up);
	rig_run_until(r, rig_all_started, "the start");
	fake_daemon_kill(&daemon_);
	fake_daemon_again(&daemon_, later, "1.41");
	ends(r, k, ENGINE_RESTARTED, "Docker restarted");
	assert_int_equal(r->away, 0); /* back before anybody was told */
	free(running);
	free(exited);
}

/* The create got no answer: looked up on return, not there, so created again; nothing twice. */
static void an_unanswered_create(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20);
	/* twice: curl itself repeats once on a connection that was kept alive */
	const struct fake_rule rules[] = { LINK,
		{ "POST /containers/create", FAKE_CLOSE, 0, NULL, 2 }, CREATED, STARTED,
		{ "GET /containers/yolo-*/json", FAKE_JSON, 404,
			"{\"message\":\"No such container\"}", 0 },
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 0 }, END };
	struct rig_task *k = run(r, rules);
	rig_run_until(r, rig_all_started, "the start");
	assert_int_equal(k->ended, 0);
	assert_int_equal(fake_daemon_count(&daemon_, "POST /v1.41/containers/create"), 3);
	assert_int_equal(fake_daemon_count(&daemon_, "GET /v1.41/containers/yolo-"), 1);
	free(running);
}

/* A create that never gets through: it ends in a sentence, not in a loop. */
static void never_created(void **state)
{
	struct rig *r = *state;
	const struct fake_rule rules[] = { LINK,
		{ "POST /containers/create", FAKE_CLOSE, 0, NULL, 0 },
		{ "GET /containers/yolo-*/json", FAKE_JSON, 404, "{}", 0 }, END };
	struct rig_task *k = run(r, rules);
	ends(r, k, ENGINE_NOT_STARTED, "Docker did not create and start it in six attempts");
}

static void frozen(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20),
	     *exited = inspect_json(r, "v0", EXITED(0), 256 << 20);
	const struct fake_rule rules[] = { { "GET /_ping", FAKE_JSON, 200, "OK", 1 },
		{ "GET /_ping", FAKE_SILENT, 0, NULL, 0 }, INFO_OK, EVENTS, LIST, CREATED, STARTED,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 1 },
		{ "GET /containers/cafe/json", FAKE_SILENT, 0, NULL, 0 }, END };
	const struct fake_rule thawed[] = { LINK,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, exited, 0 }, END };
	struct rig_task *k = run(r, rules);
	rig_run_until(r, rig_all_started, "the start");
	((struct docker_task *)k->t.priv)->dirty = true;
	docker_schedule_pump((struct docker *)r->g);
	int64_t t0 = clock_mono_ms();
	rig_run_until(r, rig_is_away, "the word that it is silent");
	assert_in_range(clock_mono_ms() - t0, 3500,
		30000); /* late after 2 s, asked whether it lives, 2 s more */
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
	static const char lines[] = "not "
				    "json\n\n[]\n{\"Action\":5,\"Actor\":7}\n{\"Action\":\"die\","
				    "\"Actor\":{\"ID\":\"other\"}}\n";
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20),
	     *exited = inspect_json(r, "v0", EXITED(6), 256 << 20);
	const struct fake_rule rules[] = { PING, INFO_OK,
		{ "GET /events", FAKE_STREAM, 0, lines, 0 }, LIST, CREATED, STARTED,
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 1 },
		{ "GET /containers/cafe/json", FAKE_JSON, 200, "{ broken", 1 },
		{ "GET /containers/cafe/json", FAKE_JSON, 500, "{\"message\":\"busy\"}", 1 },
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 1 },
		{ "GET /containers/cafe/json", FAKE_JSON, 200, exited, 0 }, END };
	struct rig_task *k = run(r, rules);
	rig_run_until(r, rig_all_started, "the start");
	rig_run_for(r, 200);
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/cafe/json"), 1);
	static const char oom[] = "{\"Action\":\"oom\",\"Actor\":{\"ID\":\"cafe\"}}";
	docker_event(
		(struct docker *)r->g, oom, strlen(oom)); /* a part of it died: no reason to ask */
	rig_run_for(r, 50);
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/cafe/json"), 1);
	static const char die[] = "{\"Action\":\"die\",\"Actor\":{\"ID\":\"cafe\"}}";
	docker_event((struct docker *)r->g, die, strlen(die));
	ends(r, k, ENGINE_EXITED, "exit 6, a process was out of memory (limit 256.0 MiB)");
	assert_int_equal(k->started, 1);
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/cafe/json"), 5);
	free(running);
	free(exited);
}

static bool first_and_last(struct rig *r)
{
	return r->task[0].started && r->task[2].ended &&
		fake_daemon_count(&daemon_, "POST /v1.41/containers/cafe/start");
}

static void adoption(void **state)
{
	struct rig *r = *state;
	char *running = inspect_json(r, "v0", RUNNING, 256 << 20),
	     *made = inspect_json(r, "v1", "\"Status\":\"created\"", 256 << 20);
	char *list = xasprintf("[{\"Id\":\"cafe\",\"Labels\":{\"yolodeck.repo\":\"%s\",\"yolodeck."
			       "race\":\"7\",\"yolodeck.variant\":\"v0\"}},"
			       "{\"Id\":\"stray\",\"Labels\":{\"yolodeck.race\":\"7\",\"yolodeck."
			       "variant\":\"v0\",\"yolodeck.check\":\"1\"}}]",
		r->repo);
	const struct fake_rule rules[] = { PING, INFO_OK, EVENTS,
		{ "GET /containers/json", FAKE_JSON, 200, list, 0 },
		{ "GET /containers/cafe/json", FAKE_JSON, 200, running, 0 },
		{ "GET /containers/yolo-*-7-v1/json", FAKE_JSON, 200, made, 1 }, STARTED,
		{ "GET /containers/*/json", FAKE_JSON, 404, "{}", 0 }, END };
	use(rules, "1.41");
	again(r);
	for (int i = 0; i < 3; i++) {
		char name[16];
		snprintf(name, sizeof(name), "v%d", i);
		engine_docker.adopt(r->g, &rig_task(r, name, "true")->t);
	}
	rig_run_until(r, first_and_last, "two of them");
	rig_run_for(r, 200);
	assert_string_equal(r->task[0].t.id, "cafe"); /* by its label, whatever it is called now */
	assert_int_equal(r->task[0].started, 1);
	assert_int_equal(r->task[0].ended, 0);
	assert_int_equal(fake_daemon_count(&daemon_, "POST /v1.41/containers/cafe/start"),
		1); /* v1 was created, not started */
	assert_int_equal(r->task[2].end.cause, ENGINE_GONE);
	assert_int_equal(fake_daemon_count(&daemon_, "/containers/create"), 0);
	assert_int_equal(fake_daemon_count(&daemon_, "DELETE"), 0); /* a stray is never deleted */
	free(list);
	free(running);
	free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKED(refused_creates),
		FAKED(refused_starts),
		FAKED(discarded_limits),
		FAKED(away_and_back),
		FAKED(away_with_nothing_left),
		FAKED(restarted),
		FAKED(an_unanswered_create),
		FAKED(never_created),
		FAKED(frozen),
		FAKED(odd_events),
		FAKED(adoption),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
