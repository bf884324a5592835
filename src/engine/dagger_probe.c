/* dagger_probe.c - is there a Dagger engine that answers? The SDK and the dagger command hang when
 * there is none (measured), so neither is asked before something simple has answered: a
 * socket, or the daemon that runs the engine's container. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/dagger_probe.h"

#include "base/child.h"
#include "model/pipeline.h"

/* An absent engine is noticed at once (no such container, connection refused); these are for one
 * that hangs, or a machine that is busy. */
enum { CONNECT_MS = 900, DOCKER_MS = 1900, VERSION_MS = 5000 };

void dagger_tools_find(struct dagger_tools *t)
{
	const char *cli = getenv("_EXPERIMENTAL_DAGGER_CLI_BIN");
	const char *host = getenv("_EXPERIMENTAL_DAGGER_RUNNER_HOST");

	memset(t, 0, sizeof *t);
	if (cli && *cli)
		t->cli = *cli == '/' && access(cli, X_OK) == 0 ? xstrdup(cli) : NULL;
	else
		t->cli = child_which("dagger", NULL);
	t->go = pipeline_go();
	t->host = host && *host ? xstrdup(host) : NULL;
}

void dagger_tools_release(struct dagger_tools *t)
{
	free(t->cli);
	free(t->go);
	free(t->host);
	memset(t, 0, sizeof *t);
}

static int no(struct engine_report *r, const char *code, const char *why)
{
	r->ok = false;
	snprintf(r->code, sizeof r->code, "%s", code);
	snprintf(r->why, sizeof r->why, "%s", why);
	return -1;
}

/* First line of a program's output; -1 when it failed. */
static int first_line(const char *const *argv, int ms, char *out, size_t n)
{
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result res;
	struct err e = ERR_INIT;
	int rc = -1;

	s.argv = argv;
	s.cwd = "/";
	if (child_run(&s, NULL, 0, 4096, ms, &res, &e) == 0 && res.code == 0) {
		snprintf(out, n, "%.*s", (int)strcspn(res.out.p, "\r\n"), res.out.p);
		rc = 0;
	}
	child_result_release(&res);
	return rc;
}

/* A connection within CONNECT_MS; it is closed at once. */
static int reachable(int family, const struct sockaddr *to, socklen_t n)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc = -1, error = 0;
	socklen_t size = sizeof error;

	if (fd < 0)
		return -1;
	if (connect(fd, to, n) == 0) {
		rc = 0;
	} else if (errno == EINPROGRESS) {
		struct pollfd p = { fd, POLLOUT, 0 };
		if (poll(&p, 1, CONNECT_MS) == 1 &&
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && !error)
			rc = 0;
	}
	close(fd);
	return rc;
}

static int look_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof a.sun_path)
		return -1;
	memcpy(a.sun_path, path, strlen(path) + 1);
	return reachable(AF_UNIX, (struct sockaddr *)&a, sizeof a);
}

static int look_tcp(const char *where)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *list,
			*a;
	const char *colon = strrchr(where, ':');
	char *host = xstrndup(where, colon ? (size_t)(colon - where) : strlen(where));
	size_t len = strlen(host);
	int rc = -1;

	if (host[0] == '[' && len > 1 && host[len - 1] == ']') {
		memmove(host, host + 1, len - 2);
		host[len - 2] = '\0';
	}
	if (getaddrinfo(host, colon ? colon + 1 : "8080", &hints, &list) == 0) {
		for (a = list; a && rc; a = a->ai_next)
			rc = reachable(a->ai_family, a->ai_addr, a->ai_addrlen);
		freeaddrinfo(list);
	}
	free(host);
	return rc;
}

static int look_container(const char *name, char *why, size_t n)
{
	const char *const argv[] = { "docker", "inspect", "--type", "container", "--format",
		"{{.State.Running}}", "--", name, NULL };
	char said[64];

	if (first_line(argv, DOCKER_MS, said, sizeof said)) {
		snprintf(why, n, "there is no container %.100s, or the docker command cannot tell",
			name);
		return -1;
	}
	if (!strcmp(said, "true"))
		return 0;
	snprintf(why, n, "the container %.100s does not run; `docker start %.100s` starts it", name,
		name);
	return -1;
}

static const char *after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) ? NULL : s + n;
}

static int look_host(const char *host, char *why, size_t n)
{
	const char *at, *const containers[] = { "container://", "docker-container://" };

	for (size_t i = 0; i < ARRAY_LEN(containers); i++)
		if ((at = after(host, containers[i])))
			return look_container(at, why, n);
	snprintf(why, n, "no Dagger engine answers at %.200s", host);
	if ((at = after(host, "unix://")))
		return look_unix(at);
	if ((at = after(host, "tcp://")))
		return look_tcp(at);
	/* ssh, kube-pod and what is to come: the pipeline's own time limit finds out */
	return 0;
}

/* Without a host the dagger command takes its own engine's container, and would fetch and start
 * one: that takes minutes. */
static int look_default(char *why, size_t n)
{
	const char *const argv[] = { "docker", "ps", "--quiet", "--filter",
		"name=dagger-engine-" DAGGER_SDK, NULL };
	char said[64];

	if (first_line(argv, DOCKER_MS, said, sizeof said) == 0 && *said)
		return 0;
	snprintf(why, n,
		"no Dagger engine %s runs here; `dagger core version` starts one, or name one in _EXPERIMENTAL_DAGGER_RUNNER_HOST",
		DAGGER_SDK);
	return -1;
}

/* Asked only once an engine answered: then it may take its time on a busy machine. */
static int look_cli(const struct dagger_tools *t, struct engine_report *r)
{
	const char *const argv[] = { t->cli, "version", NULL };
	char said[128], version[32] = "", why[256];

	if (first_line(argv, VERSION_MS, said, sizeof said) ||
		sscanf(said, "dagger %31s", version) != 1)
		return no(r, "no_dagger", "the dagger command does not tell its version");
	if (!strcmp(version, DAGGER_SDK))
		return 0;
	snprintf(why, sizeof why,
		"dagger %s is installed, and the pipeline needs %s; install that one", version,
		DAGGER_SDK);
	return no(r, "dagger_version", why);
}

void dagger_probe(const struct dagger_tools *t, const char *host, struct engine_report *r)
{
	char why[300];

	if (!t->go) {
		no(r, "no_go", "there is no go on PATH; the pipeline is a Go program (go.dev/dl)");
		return;
	}
	if (!t->cli) {
		no(r, "no_dagger",
			"there is no dagger on PATH; docs.dagger.io/install says how to get it");
		return;
	}
	if (!host || !*host)
		host = t->host;
	if ((host ? look_host(host, why, sizeof why) : look_default(why, sizeof why))) {
		no(r, "no_engine", why);
		return;
	}
	if (look_cli(t, r))
		return;
	r->ok = true;
	snprintf(r->why, sizeof r->why, "dagger %s%s%.200s", DAGGER_SDK, host ? ", " : "",
		host ? host : "");
}
