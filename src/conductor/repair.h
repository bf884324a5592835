/* repair.h - what a crash left open in the journal, looked at in the repository's serial job before
 * anything else. */
#ifndef CONDUCTOR_REPAIR_H
#define CONDUCTOR_REPAIR_H

#include "conductor/state.h"

/* What the journal says of rows is stored where variant.json is older. */
void repair_rows(struct conductor *c, const struct replay *r);
/* Removes what killed writers left. Posts the job when c->replay has open intents; frees c->replay.
 * Its news are said to the clients.
 */
void repair_begin(struct conductor *c);

#endif
