/* clock.h - the two clocks, and times as text. Timers use mono only; what is stored uses real. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_ms(void); /* CLOCK_MONOTONIC, milliseconds */
int64_t clock_mono_ns(void);
int64_t clock_real_ns(void); /* CLOCK_REALTIME, nanoseconds since 1970 */

/* "0:07", "12:31", from one hour "1h02m". Negative counts as 0. */
void clock_fmt_elapsed(int64_t ms, char *out, size_t n);
/* Local "14:02:41" of a CLOCK_REALTIME value. */
void clock_fmt_time(int64_t real_ns, char *out, size_t n);
/* "30m", "90s", "1h30m", "250ms", "2d", bare digits = seconds. -1: not a duration. Result in ms, >
 * 0. */
int64_t clock_parse_duration(const char *s);
/* Inverse for messages: 1800000 -> "30m", 90000 -> "1m30s". */
void clock_fmt_duration(int64_t ms, char *out, size_t n);

#endif
