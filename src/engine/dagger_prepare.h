/* dagger_prepare.h - what a task needs before a pipeline can start it, made by a worker: the
 * program (built once per content, which takes a while the first time), its image where the local
 * Docker has it, and its task file. */
#ifndef ENGINE_DAGGER_PREPARE_H
#define ENGINE_DAGGER_PREPARE_H

#include "engine/engine.h"

struct dagger_prepare;
/* e->msg "" = fine: take_binary is the built program. */
typedef void (*dagger_prepare_fn)(void *ctx, char *take_binary, const struct err *e);
/* id: the task's for the pipeline; file: where its task file goes. fn is called once, from the
 * loop, unless cancelled. */
struct dagger_prepare *dagger_prepare_start(const struct engine_ctx *c, const struct engine_task *t,
	const char *id, const char *file, dagger_prepare_fn fn, void *ctx);
void dagger_prepare_cancel(struct dagger_prepare *p); /* p may be NULL */

#endif
