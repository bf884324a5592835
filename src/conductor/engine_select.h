/* engine_select.h - which engine runs a race, and why, in words. The order is that of engine_table.
 */
#ifndef CONDUCTOR_ENGINE_SELECT_H
#define CONDUCTOR_ENGINE_SELECT_H

#include "conductor/state.h"

/* Probes one after the other; fn is called once, later: with its handle and the reason, or with
 * NULL and the sentence. engine: as in the spec (NULL = auto). s: the race it is for, alive until
 * then; NULL = one that says nothing, or any for an engine that is named. */
typedef void (*engine_select_fn)(
	void *ctx, struct engine_handle *h, const char *why, const struct err *e);
void engine_select_choose(struct conductor *c, const char *engine, const struct spec *s,
	engine_select_fn fn, void *ctx);

/* Pure: may this type be taken at all? forced = named by the user. -1 with the reason. */
int engine_select_allowed(
	const struct engine_type *t, bool forced, const char *isolation, bool fake, struct err *e);
bool engine_select_fake(void); /* YOLODECK_FAKE=1 */
/* The limits of all variants against what the engine enforces: "" or a sentence. Pure. */
void engine_select_unlimited(
	const struct engine_report *rep, const struct spec *s, char *out, size_t n);
/* All that the rows of this race must say: the limits, the network, what the engine warns of. NULL
 * = nothing. The caller frees. */
char *engine_select_warning(const struct engine_report *rep, const struct spec *s);

#endif
