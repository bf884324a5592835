/* local_probe.h - does bubblewrap work here, and which limits: tried in a worker, never on the
 * loop. */
#ifndef ENGINE_LOCAL_PROBE_H
#define ENGINE_LOCAL_PROBE_H

#include "engine/cgroup.h"
#include "engine/engine.h"

struct local_probe;
struct local_probe *local_probe_new(const struct engine_ctx *c);
/* a trial under way is not waited for; its answer is dropped */
void local_probe_free(struct local_probe *p);
void local_probe_start(struct local_probe *p, engine_probe_fn fn, void *ctx);
/* May this race run here: image, mounts, and the trial. */
void local_prepare_start(struct local_probe *p, const struct spec *s, engine_done_fn fn, void *ctx);
/* What limits by control group; tried now, if no probe came before. */
const struct cgroup_can *local_cgroups(struct local_probe *p);

/* RLIMIT_NPROC counts per user namespace here (Linux 5.14), so it limits one sandbox */
bool local_own_nproc(void);

#endif
