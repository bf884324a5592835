/* ambient.h - the part of the environment that decides which daemon is meant: the conductor has it
 * from whoever started it, and a later client may mean another. */
#ifndef MODEL_AMBIENT_H
#define MODEL_AMBIENT_H

#include "base/err.h"
#include "base/json.h"

/* {"DOCKER_HOST":"unix:///x"|null,"DOCKER_CONTEXT":...,"DOCKER_CONFIG":...} of this process. */
struct json *ambient_json(void);
/* Compares what a client sent with ours: -1 with code "other_environment". NULL or not an object =
 * an older client: the same. */
int ambient_same(const struct json *theirs, struct err *e);

#endif
