/* docker_fake.c - included by the docker engine's tests on a fake daemon: its usual answers, and a
 * fresh engine for each script. */
#pragma GCC diagnostic ignored "-Wunused-function" /* each test uses some of it */
#include "docker_rig.c"

#include "fake_daemon.c"

#define INFO \
	"{\"ID\":\"F\",\"ServerVersion\":\"99.9\",\"MemoryLimit\":true,\"PidsLimit\":true," \
	"\"CpuCfsQuota\":true," \
	"\"Architecture\":\"x86_64\",\"SecurityOptions\":[\"name=seccomp,profile=default\"]}"
#define PING \
	{ \
		"GET /_ping", FAKE_JSON, 200, "OK", 0 \
	}
#define INFO_OK \
	{ \
		"GET /info", FAKE_JSON, 200, INFO, 0 \
	}
#define EVENTS \
	{ \
		"GET /events", FAKE_STREAM, 0, "", 0 \
	}
#define LIST \
	{ "GET /containers/json", FAKE_JSON, 200, "[]", 0 }, \
	{ \
		"GET /images/yolodeck-empty:1/json", FAKE_JSON, 200, "{}", 0 \
	}
#define LINK PING, INFO_OK, EVENTS, LIST
#define CREATED \
	{ \
		"POST /containers/create", FAKE_JSON, 201, "{\"Id\":\"cafe\",\"Warnings\":[]}", 0 \
	}
#define STARTED \
	{ \
		"POST /containers/cafe/start", FAKE_JSON, 204, "", 0 \
	}
#define REMOVED \
	{ \
		"DELETE /containers/", FAKE_JSON, 204, "", 0 \
	}
#define END \
	{ \
		0 \
	}

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
	return xasprintf("{\"Id\":\"cafe\",\"State\":{%s,\"StartedAt\":\"2026-01-01T00:00:00Z\"},"
			 "\"Config\":{\"Labels\":{"
			 "\"yolodeck.repo\":\"%s\",\"yolodeck.race\":\"7\",\"yolodeck.variant\":\"%"
			 "s\"}},\"HostConfig\":{\"Memory\":%lld,"
			 "\"PidsLimit\":64}}",
		state, r->repo, name, (long long)memory);
}
#define RUNNING "\"Status\":\"running\",\"Pid\":0,\"ExitCode\":0"
#define EXITED(n) "\"Status\":\"exited\",\"Pid\":0,\"ExitCode\":" #n

static void ends(struct rig *r, struct rig_task *k, enum engine_cause cause, const char *text)
{
	rig_run_until(r, rig_all_ended, "the end");
	if (k->end.cause != cause || !strstr(k->end.reason, text))
		fail_msg("cause %d \"%s\", not %d \"%s\"", (int)k->end.cause, k->end.reason,
			(int)cause, text);
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

#define FAKED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
