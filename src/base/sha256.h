/* sha256.h - SHA-256, for names made of contents. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
	uint32_t h[8];
	uint64_t len;
	unsigned char block[64];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t n);
/* The first 16 hex digits (64 bits) of the sum, as a text. s is used up. */
void sha256_hex16(struct sha256 *s, char out[17]);

#endif
