/* docker_errors.c - what the daemon said or did not say, as sentences for the user. */
#include "engine/docker_errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/vt.h"

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

int docker_error(const struct docker_endpoint *p, const struct http_answer *a, struct err *e,
	char *next, size_t n)
{
	char said[DOCKER_TEXT];
	switch (a->error) {
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
