/* diag.h - the program's own log: one line an event, to stderr (the conductor's stderr is
 * conductor.log). Never log bytes of secrets. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

enum diag_level { DIAG_DEBUG, DIAG_INFO, DIAG_WARN, DIAG_ERROR };

/* Below this level nothing is written; default DIAG_WARN, YOLODECK_DEBUG=1 in the environment sets
 * DIAG_DEBUG. */
void diag_set_level(enum diag_level level);
/* Writes "2026-11-24T15:04:05.123 warn text\n" in one write(2); control bytes in the text become
 * '?'. Thread safe. */
void diag(enum diag_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
