/* docker_env.h - the part of the environment that decides which daemon is meant: the conductor has
 * it from whoever started it, and a later client may mean another. */
#ifndef MODEL_DOCKER_ENV_H
#define MODEL_DOCKER_ENV_H

#include "base/err.h"
#include "base/json.h"

/* {"DOCKER_HOST":"unix:///x"|null,"DOCKER_CONTEXT":...,"DOCKER_CONFIG":...} of this process. */
struct json *docker_env_json(void);
/* Compares what a client sent with ours: -1 with code "other_environment". NULL or not an object =
 * an older client: the same. */
int docker_env_same(const struct json *theirs, struct err *e);

#endif
