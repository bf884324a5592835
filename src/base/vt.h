/* vt.h - the only path of untrusted bytes to a terminal: a VT500-style state machine, byte at a
 * time, resumable at any split.
 *
 * Kept: text in strict UTF-8 (else U+FFFD), TAB (to the next multiple of 8), SGR with known
 * parameters, CR (also as "cursor to column 1" or "erase the line") as "start the line again", BS
 * as overstrike. Everything else is removed and counted. Bidi, zero-width, tag, filler and
 * private-use code points become a visible marker "<U+202E>"; ZWJ and ZWNJ pass behind a letter
 * that is not ASCII. At most 3 combining marks a cell. */
#ifndef BASE_VT_H
#define BASE_VT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum vt_flag {
	VT_BOLD = 1,
	VT_UNDERLINE = 2,
	VT_REVERSE = 4,
	VT_ITALIC = 8,
	VT_DIM = 16,
	VT_STRIKE = 32
};
struct vt_attr {
	int32_t fg, bg; /* -1 default, 0..255 palette, 0x1000000 | rgb */
	uint8_t flags;
};
struct vt_cell {
	uint32_t cp; /* base code point; 0 = right half of a wide one */
	uint32_t comb[3]; /* combining marks, 0 = none */
	uint8_t width; /* 1 or 2; 0 for the right half */
	struct vt_attr attr;
};
struct vt_line {
	struct vt_cell *cell;
	size_t n, cap; /* cells used, allocated */
	size_t cursor; /* where the next character goes (after CR: 0) */
};

struct vt {
	struct vt_attr attr; /* current SGR state, carried over lines */
	uint64_t removed; /* control sequences and bytes dropped so far */
	/* private: parser state */
	struct vt_attr shown; /* what vt_stream has told the terminal */
	uint8_t state, utf_need, utf_len, nparam, marks, restart;
	uint32_t base; /* the last character of the line that has cells, 0 = none */
	uint8_t utf[4];
	uint16_t param[16], coloned; /* coloned: bit i = param[i] came after a ':' */
	uint32_t string_len, column;
};

void vt_init(struct vt *v);
/* Feeds bytes of ONE line (a '\n' in them ends nothing: it is dropped). Cells beyond max_cells are
 * counted but not kept. */
void vt_feed(struct vt *v, const char *s, size_t n, struct vt_line *l, size_t max_cells);
/* End of the line: an unfinished UTF-8 sequence becomes U+FFFD, an unfinished control sequence ends
 * (nothing swallows the next line). */
void vt_end(struct vt *v, struct vt_line *l, size_t max_cells);
void vt_line_clear(struct vt_line *l);
/* Where to cut a text that is too long: at most n, between characters and sequences as far as the
 * last VT_CUT_BACK bytes before n tell (n when they do not). */
enum { VT_CUT_BACK = 64 };
size_t vt_cut(const char *s, size_t n);
/* Offset of the first place where the line starts again with something behind it; n = none. What
 * stands before it does not show at the end. */
size_t vt_restart(const char *s, size_t n);
void vt_line_release(struct vt_line *l);

/* A short text (name, message, last line) as safe UTF-8 on one line: newlines and tabs become a
 * blank, what a carriage return starts again is gone, no SGR. Appended to out. */
void vt_clean(const char *s, size_t n, struct buf *out);
/* Same, NUL-terminated in a caller's array, cut at `size`. Returns out. */
char *vt_clean_str(const char *s, char *out, size_t size);
/* A log for a terminal: safe bytes with newlines kept, and SGR re-made by us when color. v carries
 * the state between calls; after each call the terminal's colours are the default ones again.
 * Output: printable UTF-8, '\n', '\t', '\b', "\r\033[K" (a line started again) and, with color,
 * SGR. */
void vt_stream(struct vt *v, const char *s, size_t n, bool color, struct buf *out);

#endif
