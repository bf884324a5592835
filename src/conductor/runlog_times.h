/* runlog_times.h - times of a run as its runner wrote them: right also when the conductor was not
 * there.
 */
#ifndef CONDUCTOR_RUNLOG_TIMES_H
#define CONDUCTOR_RUNLOG_TIMES_H

#include <stdbool.h>
#include <stdint.h>

/* CLOCK_REALTIME ns of the index's first record / of its exit record; dflt when there is none. */
int64_t runlog_times_first(const char *idx, int64_t dflt);
int64_t runlog_times_last(const char *idx, int64_t dflt);
/* Anything in the log or its index? */
bool runlog_times_any(const char *log, const char *idx);
/* Size of log + idx, and the time of the last write to either (*ns, 0 = none); -1 when there is no
 * log. */
int64_t runlog_times_size(const char *log, const char *idx, int64_t *ns);

#endif
