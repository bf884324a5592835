/* glyph.c - the table of signs. */
#include "ui/glyph.h"

#include <string.h>

static const struct {
	const char *full, *ascii;
	int chrome;
} table[G_COUNT] = {
	[G_QUEUED] = { "\xe2\x97\xa6", ".", 0 },
	[G_PREPARING] = { "\xc2\xbb", "~", 0 },
	[G_RUNNING] = { "\xe2\x96\xb8", ">", 0 },
	[G_CHECKING] = { "\xe2\x96\xb9", "=", 0 },
	[G_PASSED] = { "\xe2\x9c\x93", "v", 0 },
	[G_FAILED] = { "\xe2\x9c\x97", "x", 0 },
	[G_KILLED] = { "\xe2\x96\xae", "#", 0 },
	[G_STOPPING] = { "\xe2\x96\xaf", "#", 0 },
	[G_LOST] = { "?", "?", 0 },
	[G_NEEDS] = { "!", "!", 0 },
	[G_BEST] = { "\xe2\x9c\xa6", "*", 0 },
	[G_MARK] = { "\xe2\x9c\xb1", "+", 0 },
	[G_SELECT] = { "\xe2\x96\x8c", "[", 1 },
	[G_STDERR] = { "\xe2\x96\x8c", "|", 1 },
	[G_HLINE] = { "\xe2\x94\x80", "-", 1 },
	[G_VLINE] = { "\xe2\x94\x82", "|", 1 },
	[G_HEAVY] = { "\xe2\x94\x81", "=", 1 },
	[G_TEE] = { "\xe2\x94\xac", "+", 1 },
	[G_TEE_HEAVY] = { "\xe2\x94\xaf", "+", 1 },
	[G_TOP_LEFT] = { "\xe2\x94\x8c", "+", 1 },
	[G_TOP_RIGHT] = { "\xe2\x94\x90", "+", 1 },
	[G_BOTTOM_LEFT] = { "\xe2\x94\x94", "+", 1 },
	[G_BOTTOM_RIGHT] = { "\xe2\x94\x98", "+", 1 },
	[G_MORE] = { "\xe2\x80\xa6", "~", 1 },
	[G_DOWN] = { "\xe2\x86\x93", "v", 1 },
	[G_UP] = { "\xe2\x86\x91", "^", 1 },
	[G_RIGHT] = { "\xe2\x86\x92", ">", 1 },
	[G_BAR0] = { "\xe2\x96\x81", "0", 1 },
	[G_BAR1] = { "\xe2\x96\x82", "1", 1 },
	[G_BAR2] = { "\xe2\x96\x83", "2", 1 },
	[G_BAR3] = { "\xe2\x96\x84", "3", 1 },
	[G_BAR4] = { "\xe2\x96\x85", "4", 1 },
	[G_BAR5] = { "\xe2\x96\x86", "5", 1 },
	[G_BAR6] = { "\xe2\x96\x87", "6", 1 },
};

static enum glyph_mode mode_now = GLYPH_FULL;

void glyph_set_mode(enum glyph_mode mode)
{
	mode_now = mode;
}

enum glyph_mode glyph_mode(void)
{
	return mode_now;
}

const char *glyph(enum glyph g)
{
	if (mode_now == GLYPH_ASCII || (mode_now == GLYPH_SAFE && table[g].chrome))
		return table[g].ascii;
	return table[g].full;
}

enum glyph glyph_state(enum variant_state s)
{
	static const enum glyph of[VS_COUNT] = {
		[VS_QUEUED] = G_QUEUED,
		[VS_PREPARING] = G_PREPARING,
		[VS_RUNNING] = G_RUNNING,
		[VS_SAVING] = G_RUNNING,
		[VS_CHECKING] = G_CHECKING,
		[VS_STOPPING] = G_STOPPING,
		[VS_PASSED] = G_PASSED,
		[VS_FAILED] = G_FAILED,
		[VS_KILLED] = G_KILLED,
		[VS_LOST] = G_LOST,
	};

	return of[s];
}

enum glyph_mode glyph_mode_parse(const char *word, int utf8)
{
	if (!utf8 || (word && !strcmp(word, "ascii")))
		return GLYPH_ASCII;
	if (word && !strcmp(word, "safe"))
		return GLYPH_SAFE;
	return GLYPH_FULL;
}
