/* mem.h - allocation that never returns NULL, and the two deliberate aborts. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Out of memory ends the process with a sentence. */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Reports out of memory and aborts: for a library call whose only possible failure it is. */
_Noreturn void mem_die(void);

/* Replaces *dst (freed) by a copy of s; s may be NULL. */
void xreplace(char **dst, const char *s);

/* A broken invariant: prints file, line and text to stderr and aborts. Never for bad input. */
#define bug(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void bug_at(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
