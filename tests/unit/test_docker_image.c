/* test_docker_image.c - images fetched by the docker engine, against a fake daemon: pulls that go
 * well, fail, stall, are cut or stopped; logins; tars and builds. */
#include "docker_fake.c"

#define NOT_HERE(times) \
	{ \
		"GET /images/node:22/json", FAKE_JSON, 404, \
			"{\"message\":\"No such image: node:22\"}", times \
	}
#define HERE \
	{ \
		"GET /images/node:22/json", FAKE_JSON, 200, "{\"Architecture\":\"\"}", 0 \
	}
#define PULL "POST /images/create?fromImage=node&tag=22"
#define REAL_INFO \
	PING, \
		{ "GET /info", FAKE_JSON, 200, \
			"{\"ID\":\"F\",\"MemoryLimit\":true,\"PidsLimit\":true,\"CpuCfsQuota\":true," \
			"\"IndexServerAddress\":\"https://index.registry.test/v1/\"}", \
			0 }, \
		EVENTS, LIST

static const char pulled[] =
	"{\"status\":\"Pulling from library/node\",\"id\":\"22\"}\r\n"
	"{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"aaa\"}\r\n"
	"{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"bbb\"}\r\n"
	"{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"ccc\"}\r\n"
	"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":41000000,\"total\":120000000},\"progress\":\"[=> ]\",\"id\":\"aaa\"}\r\n"
	"{\"status\":\"Verifying Checksum\",\"progressDetail\":{},\"id\":\"aaa\"}\r\n"
	"{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"aaa\"}\r\n"
	"not json \033[31m\r\n"
	"{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"bbb\"}\r\n"
	"{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"aaa\"}\r\n"
	"{\"status\":\"Digest: sha256:1234\"}\r\n"
	"{\"status\":\"Status: Downloaded newer image for node:22\"}\r\n";

static struct rig_task *add(struct rig *r, const char *image)
{
	static int number;
	char name[16];
	snprintf(name, sizeof(name), "i%d", number++);
	struct rig_task *k = rig_task(r, name, "true");
	k->t.image = image;
	rig_start(r, k);
	return k;
}

static void serve(struct rig *r, const struct fake_rule *rules)
{
	use(rules, "1.41");
	again(r);
}

/* The container's end is not this file's: create refuses, with a word that shows that it came that
 * far. */
#define CREATE_SEEN \
	{ \
		"POST /containers/create", FAKE_JSON, 500, "{\"message\":\"came this far\"}", 0 \
	}

static void pulled_once_for_all(void **state)
{
	struct rig *r = *state;
	const struct fake_rule rules[] = { LINK, NOT_HERE(1), HERE,
		{ PULL, FAKE_JSON, 200, pulled, 0 }, CREATE_SEEN, END };
	struct rig_task *k[3];
	serve(r, rules);
	for (int i = 0; i < 3; i++)
		k[i] = add(r, "node:22");
	rig_run_until(r, rig_all_ended, "the ends");
	for (int i = 0; i < 3; i++) {
		assert_non_null(strstr(k[i]->end.reason, "came this far"));
		assert_non_null(strstr(k[i]->noted, "pulling node:22\n"));
		assert_string_equal(k[i]->note, ""); /* cleared */
	}
	assert_int_equal(fake_daemon_count(&daemon_, "/images/create?fromImage=node&tag=22"), 1);
	char *all = fake_daemon_requests(&daemon_);
	assert_non_null(strstr(all, "\"Image\":\"node:22\""));
	assert_null(strstr(all, "auth="));
	free(all);
}

static void prepare_asks_only(void **state)
{
	struct rig *r = *state;
	const struct fake_rule rules[] = { LINK, NOT_HERE(0),
		{ "GET /images/other:1/json", FAKE_JSON, 200, "{\"Architecture\":\"mips\"}", 0 },
		{ "GET /images/arm:1/json", FAKE_JSON, 200, "{\"Architecture\":\"s390x\"}", 0 },
		END };
	serve(r, rules);
	rig_prepare(r, "node:22");
	assert_string_equal(r->prepare_err.msg, "");
	rig_prepare(r, "other:1");
	assert_string_equal(r->prepare_err.msg, "");
	rig_prepare(r, "arm:1");
	assert_string_equal(r->prepare_err.code, "image_processor");
	rig_prepare(r, "tar:/no/such.tar");
	assert_non_null(strstr(r->prepare_err.msg, "cannot read /no/such.tar"));
	rig_prepare(r, "build:/proc");
	assert_non_null(strstr(r->prepare_err.msg, "no Dockerfile in /proc"));
	assert_int_equal(fake_daemon_count(&daemon_, "POST"), 0);
}

static void refusals(void **state)
{
	static const struct {
		const char *image;
		int status;
		const char *data, *says;
	} t[] = {
		{ "node:22x", 404,
			"{\"message\":\"manifest for node:22x not found: manifest unknown: manifest unknown\"}",
			"no such image: node:22x; its registry does not have it" },
		{ "nodex", 404,
			"{\"message\":\"pull access denied for nodex, repository does not exist or may require 'docker login': denied: requested access to the resource is denied\"}",
			"no such image: nodex, or its registry wants a login: `docker login`" },
		{ "reg.test:5000/a/b:1", 500,
			"{\"message\":\"Head \\\"...\\\": no basic auth credentials\"}",
			"wants a login: `docker login reg.test:5000`" },
		{ "node", 500,
			"{\"message\":\"Get \\\"x\\\": dial tcp: lookup x on 1.1.1.1:53: no such host\"}",
			"image node is not here and its registry cannot be reached: Get" },
		{ "node", 500,
			"{\"message\":\"toomanyrequests: You have reached your pull rate limit\"}",
			"takes no more pulls for now" },
		{ "node", 200,
			"{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"a\"}\r\n{\"errorDetail\":{\"message\":\"unauthorized: x\"},\"error\":\"unauthorized: x\"}\r\n",
			"wants a login: `docker login`" },
		{ "node", 200,
			"{\"errorDetail\":{\"message\":\"no matching manifest for linux/s390x in the manifest list entries\"}}\r\n",
			"is not made for this machine's processor" },
		{ "node", 200, "{\"error\":\"write /x: no space left on device\"}\r\n",
			"does not fit on Docker's disk" },
		{ "node", 200, "{\"error\":\"boom \\u001b[31m here.\"}",
			"Docker could not pull image node: boom" },
		{ "node", 200, "{\"error\":\"\"}\r\n", "it did not say why" },
		{ "node", 200, "", "Docker fetched image node and does not have it now" },
		{ "node@sha256:12", 500, "plain",
			"Docker could not pull image node@sha256:12: plain" },
	};
	struct rig *r = *state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct fake_rule rules[] = { LINK,
			{ "GET /images/", FAKE_JSON, 404, "{}", 0 },
			{ "GET /images/reg.test:5000/", FAKE_JSON, 404, "{}", 0 },
			{ "POST /images/create", FAKE_JSON, t[i].status, t[i].data, 0 }, END };
		serve(r, rules);
		struct rig_task *k = add(r, t[i].image);
		ends(r, k, ENGINE_NOT_STARTED, t[i].says);
		assert_null(strchr(k->end.reason, '\033'));
		assert_int_equal(fake_daemon_count(&daemon_, "POST"), 1);
	}
	char *all = fake_daemon_requests(&daemon_);
	assert_non_null(strstr(all, "create?fromImage=node&tag=sha256%3A12"));
	free(all);
}

static bool pulling(struct rig *r)
{
	return strstr(r->task[r->n - 1].note, "34 %") != NULL;
}

static bool first_ended(struct rig *r)
{
	return r->task[0].ended > 0;
}

/* The pull's connection is gone: the daemon stops, too. */
static bool pull_is_closed(struct rig *r)
{
	return fake_daemon_count(&daemon_, "CLOSED POST /images/create?fromImage=node") > 0;
}

static bool last_ended(struct rig *r)
{
	return r->task[r->n - 1].ended > 0;
}

static void stopped_while_pulling(void **state)
{
	struct rig *r = *state;
	static const char part[] =
		"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":34,\"total\":100},\"id\":\"aaa\"}\r\n";
	const struct fake_rule rules[] = { LINK, NOT_HERE(0), { PULL, FAKE_STREAM, 0, part, 0 },
		END };
	serve(r, rules);
	struct rig_task *a = add(r, "node:22"), *b = add(r, "node:22");
	rig_run_until(r, pulling, "the pull");
	engine_docker.stop(r->g, &a->t);
	rig_run_until(r, first_ended, "the first's end");
	assert_int_equal(a->end.cause, ENGINE_STOPPED);
	assert_int_equal(b->ended, 0);
	assert_int_equal(fake_daemon_count(&daemon_, "CLOSED"), 0); /* the other waits for it */
	engine_docker.stop(r->g, &b->t);
	ends(r, b, ENGINE_STOPPED, "stopped before it started");
	rig_run_until(r, pull_is_closed, "the end of the pull");
}

/* A daemon that dies in the middle is waited for, then asked again; so is one whose stream is cut,
 * but not for ever. */
static void away_while_pulling(void **state)
{
	struct rig *r = *state;
	static const char part[] =
		"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":34,\"total\":100},\"id\":\"aaa\"}\r\n";
	const struct fake_rule rules[] = { LINK, NOT_HERE(0), { PULL, FAKE_STREAM, 0, part, 0 },
		END };
	const struct fake_rule then[] = { LINK, NOT_HERE(1), HERE,
		{ PULL, FAKE_JSON, 200, pulled, 0 }, CREATE_SEEN, END };
	serve(r, rules);
	struct rig_task *k = add(r, "node:22");
	rig_run_until(r, pulling, "the pull");
	fake_daemon_kill(&daemon_);
	rig_run_until(r, rig_is_away, "the word that it is away");
	assert_int_equal(k->ended, 0);
	fake_daemon_again(&daemon_, then, "1.41");
	ends(r, k, ENGINE_NOT_STARTED, "came this far");
	assert_int_equal(r->back, 1);
}

static void always_cut(void **state)
{
	struct rig *r = *state;
	static const char cut[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"status\":\"x\"}\r\n";
	const struct fake_rule rules[] = { LINK, NOT_HERE(0), { PULL, FAKE_SEND, 0, cut, 0 }, END };
	serve(r, rules);
	struct rig_task *k = add(r, "node:22");
	ends(r, k, ENGINE_NOT_STARTED, "Docker broke off 5 times while image node:22 was fetched");
}

/* One call that breaks off is that call's own: the pull beside it goes on, and nobody is told that
 * Docker is away. */
static void a_broken_call_beside_a_pull(void **state)
{
	struct rig *r = *state;
	static const char part[] =
		"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":34,\"total\":100},\"id\":\"aaa\"}\r\n";
	/* twice: curl itself repeats once on a connection that was kept alive */
	const struct fake_rule rules[] = { LINK, NOT_HERE(0), { PULL, FAKE_STREAM, 0, part, 0 },
		{ "POST /containers/create", FAKE_CLOSE, 0, NULL, 2 },
		{ "GET /containers/yolo-*/json", FAKE_JSON, 404, "{}", 0 }, CREATE_SEEN, END };
	serve(r, rules);
	struct rig_task *pull = add(r, "node:22");
	rig_run_until(r, pulling, "the pull");
	struct rig_task *k = add(r, "host");
	rig_run_until(r, last_ended, "the end of the other");
	assert_non_null(strstr(k->end.reason, "came this far"));
	assert_int_equal(pull->ended, 0);
	assert_int_equal(fake_daemon_count(&daemon_, "/images/create?fromImage=node"), 1);
	assert_int_equal(fake_daemon_count(&daemon_, "/events"), 1);
	assert_int_equal(r->away + r->back, 0);
	engine_docker.stop(r->g, &pull->t);
	ends(r, pull, ENGINE_STOPPED, "stopped before it started");
}

/* Removed between the look and the create: fetched again, once. */
static void removed_meanwhile(void **state)
{
	struct rig *r = *state;
	const struct fake_rule rules[] = { LINK,
		{ "GET /images/node:22/json", FAKE_JSON, 200, "{}", 1 }, NOT_HERE(1), HERE,
		{ PULL, FAKE_JSON, 200, pulled, 0 },
		{ "POST /containers/create", FAKE_JSON, 404,
			"{\"message\":\"No such image: node:22\"}", 1 },
		CREATE_SEEN, END };
	serve(r, rules);
	ends(r, add(r, "node:22"), ENGINE_NOT_STARTED, "came this far");
}

static void logins(void **state)
{
	struct rig *r = *state;
	struct err e = ERR_INIT;
	char *config = xasprintf("%s/config.json", r->dir), *path;
	static const char text[] =
		"{\"auths\":{\"https://index.registry.test/v1/\":{\"auth\":\"bWU6c2VjOnJldA==\"}},"
		"\"credHelpers\":{\"reg.test\":\"yolotest\"}}";
	static const char helper[] =
		"#!/bin/sh\nread -r who\necho \"{\\\"ServerURL\\\":\\\"$who\\\",\\\"Username\\\":\\\"<token>\\\",\\\"Secret\\\":\\\"tok\\\"}\"\n";
	const struct fake_rule rules[] = { REAL_INFO, { "GET /images/", FAKE_JSON, 404, "{}", 0 },
		{ "GET /images/reg.test/", FAKE_JSON, 404, "{}", 0 },
		{ "POST /images/create", FAKE_JSON, 404, "{\"message\":\"manifest unknown\"}", 0 },
		END };
	assert_int_equal(fs_create(config, 0600, text, strlen(text), &e), 0);
	path = xasprintf("%s/docker-credential-yolotest", r->dir);
	assert_int_equal(fs_create(path, 0755, helper, strlen(helper), &e), 0);
	char *old = xstrdup(getenv("PATH")), *with = xasprintf("%s:%s", r->dir, old);
	setenv("PATH", with, 1);
	setenv("DOCKER_CONFIG", r->dir, 1);
	serve(r, rules);
	ends(r, add(r, "node:22"), ENGINE_NOT_STARTED, "no such image");
	ends(r, add(r, "reg.test/a:1"), ENGINE_NOT_STARTED, "no such image");
	ends(r, add(r, "other.test/a:1"), ENGINE_NOT_STARTED, "no such image");
	char *all = fake_daemon_requests(&daemon_);
	/* {"username":"me","password":"sec:ret","serveraddress":"https://index.registry.test/v1/"}
	 */
	assert_non_null(strstr(all,
		"auth=eyJ1c2VybmFtZSI6Im1lIiwicGFzc3dvcmQiOiJzZWM6cmV0Iiwic2VydmVyYWRkcmVzcyI6Imh0dHBzOi8vaW5kZXgucmVnaXN0cnkudGVzdC92MS8ifQ=="));
	/* {"identitytoken":"tok","serveraddress":"reg.test"} */
	assert_non_null(strstr(
		all, "auth=eyJpZGVudGl0eXRva2VuIjoidG9rIiwic2VydmVyYWRkcmVzcyI6InJlZy50ZXN0In0="));
	assert_int_equal(fake_daemon_count(&daemon_, "auth="), 2);
	free(all);
	setenv("PATH", old, 1);
	setenv("DOCKER_CONFIG", "/nonexistent", 1);
	free(old);
	free(with);
	free(config);
	free(path);
}

static char *tar_file(struct rig *r)
{
	char block[1024] = "", *path = xasprintf("%s/x.tar", r->dir),
	     *text = xasprintf("tar:%s", path);
	struct err e = ERR_INIT;
	memcpy(block, "MARK", 4);
	memcpy(block + 257, "ustar", 5);
	assert_int_equal(fs_replace(path, block, sizeof(block), &e), 0);
	free(path);
	return text;
}

static void tars(void **state)
{
	struct rig *r = *state;
	static const char ok[] =
		"{\"stream\":\"Loaded image: busy:1\\n\"}\r\n{\"stream\":\"Loaded image: busy:2\\n\"}\r\n";
	static const struct {
		int status;
		const char *data, *says;
	} t[] = {
		{ 200, ok, "came this far" },
		{ 200, "{\"stream\":\"Loaded image ID: sha256:ab\\n\"}\r\n", "came this far" },
		{ 200, "{\"stream\":\"Loaded image: ../x y\\n\"}\r\n", "Docker finds no image in" },
		{ 200, "", "Docker finds no image in" },
		{ 500, "{\"message\":\"open /var/lib/docker/tmp/docker-import-1/manifest.json: no such file\"}",
			"needs Docker 25" },
		{ 200, "{\"errorDetail\":{\"message\":\"invalid tar header\"},\"error\":\"invalid tar header\"}",
			"could not load" },
	};
	char *image = tar_file(r);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct fake_rule rules[] = { LINK,
			{ "GET /images/yolodeck-tar-*:*/json", FAKE_JSON, 404, "{}", 1 },
			{ "GET /images/yolodeck-tar-*:*/json", FAKE_JSON, 200, "{}", 0 },
			{ "POST /images/load", FAKE_JSON, t[i].status, t[i].data, 0 },
			{ "POST /images/busy:1/tag?repo=yolodeck-tar-", FAKE_JSON, 201, "", 0 },
			{ "POST /images/sha256:ab/tag?repo=yolodeck-tar-", FAKE_JSON, 201, "", 0 },
			CREATE_SEEN, END };
		serve(r, rules);
		struct rig_task *k = add(r, image), *l = add(r, image);
		ends(r, k, ENGINE_NOT_STARTED, t[i].says);
		ends(r, l, ENGINE_NOT_STARTED, t[i].says);
		assert_int_equal(fake_daemon_count(&daemon_, "/images/load MARK"), 1);
		if (!strcmp(t[i].says, "came this far"))
			assert_int_equal(
				fake_daemon_count(&daemon_, "\"Image\":\"yolodeck-tar-"), 2);
	}
	free(image);
}

/* A `docker` that prints the lines and ends with the code; false: there is none. PATH finds it. */
static void put_docker(struct rig *r, const char *lines, int code, bool there)
{
	struct err e = ERR_INIT;
	char *path = fs_join(r->dir, "bin"), *program = fs_join(path, "docker"),
	     *text = xasprintf("#!/bin/sh\necho \"$@\" >>%s/calls\ncat <<'EOF'\n%sEOF\nexit %d\n",
		     r->dir, lines, code);
	assert_int_equal(fs_mkdirs(path, 0700, &e), 0);
	unlink(program);
	if (there)
		assert_int_equal(fs_create(program, 0755, text, strlen(text), &e), 0);
	setenv("PATH", path, 1);
	if (there) {
		char *with = xasprintf("%s:/usr/bin:/bin", path);
		setenv("PATH", with, 1);
		free(with);
	}
	free(path);
	free(program);
	free(text);
}

static void builds(void **state)
{
	struct rig *r = *state;
	static const struct {
		int code;
		const char *lines, *says;
	} t[] = {
		{ 0, "Step 1/3 : FROM scratch\n ---> ab\nStep 2/3 : COPY a /\n ---> cd\nStep 3/3 : LABEL yolodeck.image.repo=1\n",
			"came this far" },
		{ 0, "#1 [internal] load .dockerignore\n#5 [2/2] COPY a /\n#5 DONE 0.1s\n",
			"came this far" },
		{ 1, "Step 2/3 : RUN make\n ---> Running in ab\ncc: no input files\nThe command '/bin/sh -c make' returned a non-zero code: 1\n",
			"failed at step 2 of 2 (RUN make): The command '/bin/sh -c make' returned a non-zero code: 1; it said last: cc: no input files" },
		{ 1,
			"#6 [build 2/3] RUN make\n#6 0.145 cc: no input files\n#6 ERROR: process \"/bin/sh -c make\" did not complete successfully: exit code: 1\n------\n"
			" > [build 2/3] RUN make:\n0.145 cc: no input files\n------\nERROR: failed to solve: process \"/bin/sh -c make\" did not complete successfully: exit code: 1\n",
			"failed at step 2 of 3 (RUN make): process \"/bin/sh -c make\" did not complete successfully: exit code: 1; it said last: cc: no input files" },
		{ 1, "DEPRECATED: x\n\nError response from daemon: dockerfile parse error \033[31mline 1\n",
			"building env failed: dockerfile parse error line 1" },
		{ 125, "", "building env failed: it did not say why" },
		{ -1, "", "building env needs the `docker` command, which is not on your PATH" },
	};
	char *dir = xasprintf("%s/env", r->dir), *file = fs_join(dir, "Dockerfile"),
	     *image = xasprintf("build:%s", dir), *path = xstrdup(getenv("PATH")),
	     *calls = fs_join(r->dir, "calls");
	struct buf called = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(fs_mkdirs(dir, 0700, &e), 0);
	assert_int_equal(fs_create(file, 0600, "FROM scratch\n", 13, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct fake_rule rules[] = { LINK,
			{ "GET /images/yolodeck-build-*:7-*/json", FAKE_JSON, 404, "{}", 1 },
			{ "GET /images/yolodeck-build-*:7-*/json", FAKE_JSON, 200, "{}", 0 },
			CREATE_SEEN, END };
		serve(r, rules);
		put_docker(r, t[i].lines, t[i].code, t[i].code >= 0);
		unlink(calls);
		struct rig_task *k = add(r, image), *other = add(r, image);
		ends(r, k, ENGINE_NOT_STARTED, t[i].says);
		ends(r, other, ENGINE_NOT_STARTED, t[i].says);
		assert_null(strchr(k->end.reason, '\033'));
		setenv("PATH", path, 1);
		if (t[i].code < 0)
			continue;
		assert_non_null(strstr(k->noted, "building env\n"));
		assert_int_equal(fs_read(calls, 4096, &called, &e), 0);
		char *want =
			xasprintf("--host=unix://%s build --force-rm --tag yolodeck-build-%.8s:7-",
				daemon_.socket, r->repo);
		assert_ptr_equal(strstr(called.p, want), called.p);
		assert_ptr_equal(strchr(called.p, '\n'), called.p + called.len - 1); /* once */
		free(want);
		buf_release(&called);
	}
	free(dir);
	free(file);
	free(image);
	free(path);
	free(calls);
}

/* The daemon dies under the `docker` command: the build is begun again, but not without end. */
static void interrupted_builds(void **state)
{
	struct rig *r = *state;
	const struct fake_rule rules[] = { LINK, { "GET /images/", FAKE_JSON, 404, "{}", 0 },
		CREATE_SEEN, END };
	char *file = xasprintf("%s/Dockerfile", r->dir), *image = xasprintf("build:%s", r->dir),
	     *path = xstrdup(getenv("PATH")), *calls = fs_join(r->dir, "calls");
	struct buf called = BUF_INIT;
	struct err e = ERR_INIT;
	size_t lines = 0;
	assert_int_equal(fs_create(file, 0600, "FROM scratch\n", 13, &e), 0);
	serve(r, rules);
	put_docker(r, "error during connect: Post x: EOF\n", 1, true);
	ends(r, add(r, image), ENGINE_NOT_STARTED, "Docker broke off 5 times while image build:");
	assert_int_equal(fs_read(calls, 1 << 16, &called, &e), 0);
	for (const char *p = called.p; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 5);
	setenv("PATH", path, 1);
	buf_release(&called);
	free(file);
	free(image);
	free(path);
	free(calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKED(pulled_once_for_all),
		FAKED(prepare_asks_only),
		FAKED(refusals),
		FAKED(stopped_while_pulling),
		FAKED(away_while_pulling),
		FAKED(always_cut),
		FAKED(a_broken_call_beside_a_pull),
		FAKED(removed_meanwhile),
		FAKED(logins),
		FAKED(tars),
		FAKED(builds),
		FAKED(interrupted_builds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
