/* watch.h - one process of this machine, known by (pid, start, boot), not necessarily our child:
 * its end comes as a callback of the loop, and a signal never hits a stranger (pidfd). */
#ifndef ENGINE_WATCH_H
#define ENGINE_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/child.h"
#include "engine/loop.h"

struct watch;
/* NULL = it has already ended (or never was); then gone is not called. gone is called once, from
 * the loop; the watch must still be freed, which is allowed inside of gone. */
struct watch *watch_new(
	struct loop *l, const struct child_id *id, void (*gone)(void *ctx), void *ctx);
void watch_signal(struct watch *w, int sig); /* w may be NULL */
void watch_free(struct watch *w); /* the process goes on */

/* "pid:start:boot", as stored in variant.json. */
void watch_format(const struct child_id *id, char *out, size_t n);
int watch_parse(const char *text, struct child_id *id); /* -1 = not one */
/* Its /proc/PID/cmdline holds arg as a whole argument. */
bool watch_has_arg(pid_t pid, const char *arg);

#endif
