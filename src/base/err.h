/* err.h - an error as a sentence for the user, with a stable code for --json.
 *
 * Every function that can fail for a reason outside the program takes a `struct err *` as its last
 * argument (never NULL), returns -1 or NULL, and leaves a whole sentence there: what failed, why,
 * what to do next. Untrusted bytes (names, daemon messages) may be in msg: display it only through
 * vt_clean(). */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

struct err {
	char code[32]; /* "moved_base", "no_docker" ... [a-z0-9_]; "" = no error */
	char msg[2048]; /* one sentence or two; cut at the end, never in a code point */
};
#define ERR_INIT \
	{ \
		"", "" \
	}

void err_clear(struct err *e);

/* Fills e and returns -1, so that `return err_set(e, ...)` reads well. Replaces an
 * earlier error. */
int err_set(struct err *e, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int err_vset(struct err *e, const char *code, const char *fmt, va_list ap);

/* As err_set, then ": " and strerror(errno). */
int err_sys(struct err *e, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "fmt: " before what is there already. Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
