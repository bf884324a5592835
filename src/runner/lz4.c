/* lz4.c - makes a block of a log an LZ4 block on its way through the Dagger engine. Measured with
 * 30 MB of a build's output: 13 s of the engine's CPU instead of 24, and 5 instead of 6 when it
 * comes line by line. */
#include <string.h>

#include "runner/run.h"

enum { HASH_BITS = 12, MATCH_MIN = 4, TAIL = 12, NONE = 0xffff };

/* A block is shorter than NONE, so places in it fit. */
static uint16_t seen[1 << HASH_BITS];

static uint32_t four(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* What of a length did not fit into the token's half. */
static unsigned char *rest(unsigned char *o, size_t n)
{
	if (n < 15)
		return o;
	for (n -= 15; n >= 255; n -= 255)
		*o++ = 255;
	*o++ = (unsigned char)n;
	return o;
}

/* Bytes as they are, then a copy of what stands back bytes before; copy 0 = none, the end. */
static unsigned char *sequence(
	unsigned char *o, const unsigned char *p, size_t n, size_t copy, size_t back)
{
	size_t more = copy ? copy - MATCH_MIN : 0;

	*o++ = (unsigned char)((n < 15 ? n : 15) << 4 | (more < 15 ? more : 15));
	o = rest(o, n);
	memcpy(o, p, n);
	o += n;
	if (!copy)
		return o;
	*o++ = (unsigned char)back;
	*o++ = (unsigned char)(back >> 8);
	return rest(o, more);
}

size_t lz4_pack(const unsigned char *p, size_t n, unsigned char *out)
{
	unsigned char *o = out;
	size_t at = 0, from = 0;

	memset(seen, 0xff, sizeof seen);
	while (at + TAIL < n) {
		uint16_t *h = &seen[four(p + at) * 2654435761u >> (32 - HASH_BITS)];
		size_t old = *h;
		*h = (uint16_t)at;
		if (old == NONE || four(p + old) != four(p + at)) {
			/* what has no repetitions is passed over quickly */
			at += 1 + (at - from) / 64;
			continue;
		}
		size_t copy = MATCH_MIN;
		while (at + copy + TAIL / 2 < n && p[old + copy] == p[at + copy])
			copy++;
		o = sequence(o, p + from, at - from, copy, at - old);
		at += copy;
		from = at;
	}
	return (size_t)(sequence(o, p + from, n - from, 0, 0) - out);
}
