/* docker_env.c - the part of the environment that decides which daemon is meant. */
#include "model/docker_env.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *const names[] = { "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG",
	"_EXPERIMENTAL_DAGGER_RUNNER_HOST", "_EXPERIMENTAL_DAGGER_CLI_BIN" };

/* Unset and empty mean the same to the docker command, so to us. */
static const char *value(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

struct json *docker_env_json(void)
{
	struct json *j = json_object();

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		json_put_str(j, names[i], value(names[i]));
	return j;
}

int docker_env_same(const struct json *theirs, struct err *e)
{
	if (!theirs || json_type(theirs) != JSON_OBJECT)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *ours = value(names[i]), *asked = json_str(theirs, names[i], NULL);

		if (!strcmp(ours ? ours : "", asked ? asked : ""))
			continue;
		return err_set(e, "other_environment",
			"Here %s is %s, but this repository's conductor was started with %s and variants are live there. "
			"Wait for their end (`yolodeck wait`), or use the same setting.",
			names[i], asked && *asked ? asked : "not set", ours ? ours : "none");
	}
	return 0;
}
