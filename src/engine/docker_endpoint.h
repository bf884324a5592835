/* docker_endpoint.h - where a Docker daemon may be: DOCKER_HOST, DOCKER_CONTEXT, the current
 * context, else the usual sockets. */
#ifndef ENGINE_DOCKER_ENDPOINT_H
#define ENGINE_DOCKER_ENDPOINT_H

#include <stddef.h>

#include "base/err.h"

struct docker_endpoint {
	char *socket;
	char *how; /* "DOCKER_HOST", "context work", "default socket" */
};
/* Where to try, in order. -1 with the sentence when what the user chose cannot be used (not a unix
 * socket, unknown context). */
int docker_endpoints(struct docker_endpoint **out, size_t *n, struct err *e);
void docker_endpoints_free(struct docker_endpoint *p, size_t n);
/* $DOCKER_CONFIG or ~/.docker; NULL = there is no home. The caller frees. */
char *docker_config_dir(void);

#endif
