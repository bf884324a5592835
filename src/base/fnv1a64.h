/* fnv1a64.h - the FNV-1a hash, 64 bits: for tables and names, not against anybody who wants two
 * texts with the same. */
#ifndef BASE_FNV1A64_H
#define BASE_FNV1A64_H

#include <stddef.h>
#include <stdint.h>

#define FNV1A64_START UINT64_C(14695981039346656037)

/* h: FNV1A64_START, or the hash of what stands before. */
static inline uint64_t fnv1a64(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h;
}

#endif
