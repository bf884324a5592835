/* glyph.h - every sign the deck draws, in three sets: full, safe (narrow data glyphs, ASCII
 * chrome), ascii. Pure. */
#ifndef UI_GLYPH_H
#define UI_GLYPH_H

#include "model/variant.h"

enum glyph_mode { GLYPH_FULL, GLYPH_SAFE, GLYPH_ASCII };

enum glyph {
	/* data: Neutral or Narrow in Unicode, no emoji form */
	G_QUEUED,
	G_PREPARING,
	G_RUNNING,
	G_CHECKING,
	G_PASSED,
	G_FAILED,
	G_KILLED,
	G_STOPPING,
	G_LOST,
	G_NEEDS,
	G_BEST,
	G_MARK,
	/* chrome: may be ambiguous */
	G_SELECT,
	G_STDERR,
	G_HLINE,
	G_VLINE,
	G_HEAVY,
	G_TEE,
	G_TEE_HEAVY,
	G_TOP_LEFT,
	G_TOP_RIGHT,
	G_BOTTOM_LEFT,
	G_BOTTOM_RIGHT,
	G_MORE,
	G_DOWN,
	G_UP,
	G_RIGHT,
	G_BAR0,
	G_BAR1,
	G_BAR2,
	G_BAR3,
	G_BAR4,
	G_BAR5,
	G_BAR6,
	G_COUNT
};

/* Chosen once, before the first frame; default GLYPH_FULL. */
void glyph_set_mode(enum glyph_mode mode);
enum glyph_mode glyph_mode(void);
/* UTF-8, always one cell. */
const char *glyph(enum glyph g);
enum glyph glyph_state(enum variant_state s);
/* "auto" (by the locale: utf8 says whether it is UTF-8), "safe", "ascii"; NULL = auto. */
enum glyph_mode glyph_mode_parse(const char *word, int utf8);

#endif
