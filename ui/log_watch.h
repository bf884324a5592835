/* log_watch.h - inotify on the logs: one event a file and frame. */
#ifndef UI_LOG_WATCH_H
#define UI_LOG_WATCH_H

#include "ui/deck.h"

int log_watch_open(struct err *e); /* the descriptor to poll, -1 */
void log_watch_arm(struct deck *d, struct item *it);
void log_watch_read(struct deck *d); /* marks items stale */
void log_watch_forget(struct deck *d, struct item *it);

#endif
