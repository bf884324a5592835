/* mounts.h - the read-only mounts a race asks for: "~" resolved, dangerous ones refused. */
#ifndef CONDUCTOR_MOUNTS_H
#define CONDUCTOR_MOUNTS_H

#include "conductor/state.h"

/* Absolute paths into out (added). Refused with a sentence: a relative one, and what
 * host_check_mounts refuses. */
int mounts_resolve(
	const struct conductor *c, const struct strv *asked, struct strv *out, struct err *e);

#endif
