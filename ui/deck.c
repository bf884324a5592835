/* deck.c - the clock, and the stack of screens. */
#include "ui/deck.h"

#include "base/clock.h"
#include "base/mem.h"

int64_t (*deck_now_ns)(void) = clock_real_ns;

enum screen deck_screen(const struct deck *d)
{
	return d->screen[d->depth];
}

void deck_push(struct deck *d, enum screen s)
{
	if (deck_screen(d) == s)
		return;
	if (d->depth + 1 == (int)ARRAY_LEN(d->screen))
		d->depth--;
	d->screen[++d->depth] = s;
	d->scroll = 0;
	d->dirty = true;
}

bool deck_pop(struct deck *d)
{
	d->dirty = true;
	d->scroll = 0;
	if (d->depth == 0)
		return false;
	d->depth--;
	return true;
}
