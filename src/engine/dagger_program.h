/* dagger_program.h - the questions before a race, answered by a worker: does a Dagger engine
 * answer, may the race go to it, and which program is it launched by.
 *
 * The program is pinned: its source is copied to <state>/pipelines/src-<hash>, whose path is
 * spec.prepared, and every later start takes that copy. The one in the work tree may change while
 * the race runs, and belongs to whatever branch is checked out then. */
#ifndef ENGINE_DAGGER_PROGRAM_H
#define ENGINE_DAGGER_PROGRAM_H

#include "engine/engine.h"

struct dagger_question;
struct dagger_questions {
	struct loop *loop;
	const char *state_dir;
	struct dagger_question *first; /* those in a worker */
};
/* As engine_type says of suits, probe and prepare. */
int dagger_suits(const struct spec *s, struct err *e);
void dagger_ask_probe(struct dagger_questions *q, engine_probe_fn fn, void *ctx);
void dagger_ask_prepare(
	struct dagger_questions *q, struct spec *s, const char *from, engine_done_fn fn, void *ctx);
/* No answer is given any more. */
void dagger_questions_release(struct dagger_questions *q);

/* <state>/pipelines, where sources are pinned and programs built; the caller frees. */
char *dagger_program_cache(const char *state_dir);

#endif
