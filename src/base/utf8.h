/* utf8.h - UTF-8 and what Unicode says of a code point: cells, what is invisible, case. The tables
 * are libutf8proc's, so the answers are the same under every locale. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum { UTF8_BAD = 0xfffd }; /* U+FFFD, the replacement character */

/* One code point of valid or invalid UTF-8 (n > 0): bytes used (>= 1). What is not valid gives
 * UTF8_BAD, once for the longest beginning of a valid sequence. */
size_t utf8_decode(const char *s, size_t n, uint32_t *cp);
/* Length of the valid sequence at s (1 to 4, n > 0); 0 = not valid. */
size_t utf8_len(const char *s, size_t n);
bool utf8_valid(const char *s, size_t n);
/* Bytes written; UTF8_BAD for what is no code point. */
size_t utf8_encode(uint32_t cp, char out[4]);
/* The first n bytes of a text without an unfinished code point at their end: <= n. */
size_t utf8_trim(const char *s, size_t n);

/* Cells on a terminal: 0 combining or joiner, 1, 2; ambiguous counts as 1. */
int utf8_width(uint32_t cp);
/* Cells of a clean text; bytes of it that fit into `cells`. */
size_t utf8_cells(const char *s);
size_t utf8_fit(const char *s, size_t cells);
/* A terminal shows nothing, or something else, for it: format, bidi, zero width, fillers, tags,
 * private use, noncharacters. */
bool utf8_invisible(uint32_t cp);
/* Appends a name as a file system sees it that knows no case and composes letters its own way
 * (macOS, Windows, ext4 with casefold): decomposed, folded, without what is ignorable. Bytes that
 * are not UTF-8 stand for themselves. */
void utf8_fold(const char *s, struct buf *out);
/* The same for making names: letters also lose their marks and their other forms (U umlaut is u,
 * a full-width A is a). */
void utf8_plain(const char *s, struct buf *out);

#endif
