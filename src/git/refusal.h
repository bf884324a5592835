/* refusal.h - a reason why something is not done now, as a code and a sentence. */
#ifndef GIT_REFUSAL_H
#define GIT_REFUSAL_H

#include "base/buf.h"
#include "base/err.h"

/* A reason why not now. The first one stays: it is the one to be dealt with first. */
struct refusal {
	char *code, *msg; /* NULL = none */
};
void refusal_release(struct refusal *r);
void refusal_set(struct refusal *r, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Fills e from it; -1. */
int refusal_err(const struct refusal *r, struct err *e);

/* "a, b and 3 more", as in all sentences here. The caller frees. */
char *refusal_names(const struct strv *v);

#endif
