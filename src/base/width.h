/* width.h - cells of code points and texts, the same on every machine (own table, not wcwidth). */
#ifndef BASE_WIDTH_H
#define BASE_WIDTH_H

#include <stddef.h>
#include <stdint.h>

/* 0 combining, 1, 2; ambiguous counts as 1. */
int width_cp(uint32_t cp);
/* Cells of a clean UTF-8 text. */
size_t width_str(const char *s);
/* Decodes one code point of valid or invalid UTF-8: bytes used (>= 1), *cp = U+FFFD when bad. n >
 * 0. */
size_t width_decode(const char *s, size_t n, uint32_t *cp);
size_t width_encode(uint32_t cp, char out[4]); /* bytes written */
/* Bytes of s that fit into `cells`. */
size_t width_fit(const char *s, size_t cells);

#endif
