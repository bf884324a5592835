/* auto.h - which engine runs a race, and why, in words. The order is that of engine_table. */
#ifndef CONDUCTOR_AUTO_H
#define CONDUCTOR_AUTO_H

#include "conductor/state.h"

/* Probes one after the other; fn is called once, later: with a slot and the reason, or with NULL
 * and the sentence. engine: as in the spec (NULL = auto). s: the race it is for, alive until then;
 * NULL = one that says nothing, or any for an engine that is named. */
typedef void (*auto_fn)(void *ctx, struct slot *s, const char *why, const struct err *e);
void auto_choose(
	struct conductor *c, const char *engine, const struct spec *s, auto_fn fn, void *ctx);

/* Pure: may this type be taken at all? forced = named by the user. -1 with the reason. */
int auto_allowed(
	const struct engine_type *t, bool forced, const char *isolation, bool fake, struct err *e);
bool auto_fake(void); /* YOLODECK_FAKE=1 */
/* The limits of all variants against what the engine enforces: "" or a sentence. Pure. */
void auto_unlimited(const struct engine_report *rep, const struct spec *s, char *out, size_t n);
/* All that the rows of this race must say: the limits, the network, what the engine warns of. NULL
 * = nothing. The caller frees. */
char *auto_warning(const struct engine_report *rep, const struct spec *s);

#endif
