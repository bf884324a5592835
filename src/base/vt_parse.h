/* vt_parse.h - internal interface of vt: the state machine that feeds the three writers (line,
 * clean, stream). Only src/base/vt*.c. */
#ifndef BASE_VT_PARSE_H
#define BASE_VT_PARSE_H

#include "base/vt.h"

/* text: a code point that is safe to show (markers come as their ASCII letters). control: one of
 * '\r' '\b' '\t' '\n', or VT_ERASE for a line that is empty from here on. */
enum { VT_ERASE = 'K' };
struct vt_sink {
	void (*text)(struct vt_sink *k, struct vt *v, uint32_t cp);
	void (*control)(struct vt_sink *k, struct vt *v, char c);
};
void vt_parse(struct vt *v, const char *s, size_t n, struct vt_sink *k);
/* Ends what is unfinished: half a code point becomes U+FFFD, half a sequence is counted. */
void vt_flush(struct vt *v, struct vt_sink *k);

/* vt_sgr.c: applies the parameters gathered in v to v->attr; writes an attribute as one SGR
 * sequence. */
void vt_sgr_apply(struct vt *v);
void vt_sgr_print(const struct vt_attr *a, struct buf *out);
bool vt_attr_same(const struct vt_attr *a, const struct vt_attr *b);
extern const struct vt_attr vt_attr_default;

enum { VT_NO_BASE = 255 }; /* vt.marks: no character yet that a mark could join */

#endif
