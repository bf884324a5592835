/* docker_words.c - what the daemon said or did not say, as sentences for the user. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/vt.h"
#include "engine/docker.h"

void docker_message(const struct http_answer *a, char *out, size_t n)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(a->body.p, a->body.len, &e);
	const char *text = json_str(j, "message", NULL);
	if (!text) /* podman; and version refusals are plain text */
		text = j && json_str(j, "cause", NULL) ? json_str(j, "cause", "") : a->body.p;
	vt_clean_str(text, out, n < DOCKER_TEXT ? n : DOCKER_TEXT);
	size_t len = strlen(out);
	while (len > 0 && (out[len - 1] == ' ' || out[len - 1] == '.'))
		out[--len] = 0;
	json_free(j);
}

int docker_trouble(const struct docker_place *p, const struct http_answer *a, struct err *e,
	char *next, size_t n)
{
	char said[DOCKER_TEXT];
	switch (a->trouble) {
	case HTTP_NO_SOCKET:
		err_set(e, "no_docker", "Docker is not running (no socket at %s)", p->socket);
		snprintf(next, n, "sudo systemctl start docker");
		return 0;
	case HTTP_NOT_HTTP:
	case HTTP_TOO_LONG:
		err_set(e, "not_docker", "%s is not a Docker engine (%s)", p->socket, p->how);
		snprintf(next, n, "see DOCKER_HOST and `docker context ls`");
		return 1;
	case HTTP_REFUSED:
		err_set(e, "no_docker", "Docker is not running (nothing answers at %s)", p->socket);
		snprintf(next, n, "sudo systemctl start docker");
		return 2;
	case HTTP_CUT:
	case HTTP_CANCELLED:
		err_set(e, "docker_closed", "Docker closed the connection at %s", p->socket);
		snprintf(next, n, "see `systemctl status docker`");
		return 2;
	case HTTP_TIMEOUT:
		err_set(e, "docker_silent", "Docker does not answer at %s", p->socket);
		snprintf(next, n, "see `systemctl status docker`");
		return 3;
	case HTTP_NO_PERMISSION:
		err_set(e, "docker_permission", "you may not use Docker at %s", p->socket);
		snprintf(next, n,
			"join the docker group (sudo usermod -aG docker USER, then log in again), "
			"or use rootless Docker");
		return 4;
	case HTTP_OK:
		break;
	}
	if (a->status < 400) {
		err_set(e, "not_docker", "%s is not a Docker engine (%s)", p->socket, p->how);
		snprintf(next, n, "see DOCKER_HOST and `docker context ls`");
		return 1;
	}
	docker_message(a, said, sizeof(said));
	err_set(e, "docker_refuses", "Docker at %s refuses (%d): %s", p->socket, a->status, said);
	snprintf(next, n, "see `docker version` and `docker info`");
	return 3;
}

/* The texts end in "Limitation discarded." or "PIDs limit discarded." */
void docker_discarded(const struct json *created, char *out, size_t n)
{
	out[0] = 0;
	for (const struct json *w = json_first(json_get(created, "Warnings")); w;
		w = json_next(w)) {
		const char *text = json_to_str(w);
		if (!strcasestr(text, "discarded"))
			continue;
		const char *what = strcasestr(text, "pids") ? "pids"
			: strcasestr(text, "cpu")           ? "cpu"
							    : "memory";
		snprintf(out, n, "Docker discards the %s limit here", what);
		return;
	}
}

void docker_unlimited(const struct docker *d, const struct engine_task *t,
	const struct json *inspect, char *out, size_t n)
{
	const struct json *c = json_get(inspect, "HostConfig");
	const struct limits *l = &t->limits;
	out[0] = 0;
	if (l->memory > 0 && (!d->info.memory || (c && json_int(c, "Memory", 0) != l->memory)))
		snprintf(out, n, "memory limit not enforced here");
	else if (l->pids > 0 && (!d->info.pids || (c && json_int(c, "PidsLimit", 0) != l->pids)))
		snprintf(out, n, "process limit not enforced here");
	else if (l->cpus > 0 && (!d->info.cpus || (c && json_int(c, "NanoCpus", 0) <= 0)))
		snprintf(out, n, "cpu limit not enforced here");
}

static void refuse_mount(const struct http_answer *a, const char *said, struct engine_end *end)
{
	const char *path = strstr(said, "does not exist: ");
	if (path && access(path + 16, F_OK) == 0)
		snprintf(end->reason, sizeof(end->reason),
			"this Docker does not see our files (%.200s): it runs on another machine; "
			"use one on this machine, or the dagger engine",
			path + 16);
	else
		snprintf(end->reason, sizeof(end->reason), "Docker cannot mount it: %s", said);
}

void docker_refused(const struct engine_task *t, bool start, const struct http_answer *a,
	struct engine_end *end)
{
	char said[DOCKER_TEXT];
	docker_message(a, said, sizeof(said));
	*end = (struct engine_end){ .cause = ENGINE_NOT_STARTED, .exit = -1 };
	if (!start && a->status == 404 && !strcmp(t->image, "host"))
		snprintf(end->reason, sizeof(end->reason),
			"the empty image %s is gone from Docker; run it again, it is made anew",
			DOCKER_EMPTY_IMAGE);
	else if (!start && a->status == 404)
		snprintf(end->reason, sizeof(end->reason),
			"image %.200s is not here; `docker pull %.200s` fetches it", t->image,
			t->image);
	else if (strstr(said, "bind source path does not exist"))
		refuse_mount(a, said, end);
	else if (strstr(said, "exec format error"))
		snprintf(end->reason, sizeof(end->reason),
			"image %.200s is for another kind of processor", t->image);
	else if (strstr(said, "network"))
		snprintf(end->reason, sizeof(end->reason),
			"Docker has no network for it: %s; --network none needs none", said);
	else
		snprintf(end->reason, sizeof(end->reason), "Docker could not %s it (%d): %s",
			start ? "start" : "create", a->status, said);
}
