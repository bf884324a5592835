/* autostart.h - starts the conductor of a repository as a process of its own. Private to
 * src/client. */
#ifndef CLIENT_AUTOSTART_H
#define CLIENT_AUTOSTART_H

#include "base/child.h"
#include "base/err.h"
#include "model/store.h"

/* Runs our own binary as `yolodeck conductor COMMON_DIR`: own session, cwd /, stdin /dev/null, the
 * rest to <state>/conductor.log. It is not waited for here; c lets the caller see an early end. */
int autostart_conductor(const struct store *s, struct child *c, struct err *e);
/* The last line of conductor.log, for the sentence when it ended at once; "" when there is none. */
void autostart_last_words(const struct store *s, struct buf *out);

#endif
