/* dagger_probe.h - which dagger command, which Go, and does an engine answer? */
#ifndef ENGINE_DAGGER_PROBE_H
#define ENGINE_DAGGER_PROBE_H

#include "engine/engine.h"

/* The SDK in templates/pipeline/go.mod; engine and dagger command must be the same. */
#define DAGGER_SDK "v0.21.8"

struct dagger_tools {
	char *cli, *go; /* absolute; NULL = not found */
	/* _EXPERIMENTAL_DAGGER_RUNNER_HOST, or NULL: the dagger command's own choice */
	char *host;
};
void dagger_tools_find(struct dagger_tools *t);
void dagger_tools_release(struct dagger_tools *t);
/* Blocking, within a second when nothing is there: fills ok, code, why. host NULL or "" = that of
 * tools. */
void dagger_probe(const struct dagger_tools *t, const char *host, struct engine_report *r);

#endif
