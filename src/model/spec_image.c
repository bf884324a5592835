/* spec_image.c - the text that says where an image comes from. */
#include "model/spec_image.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *prefix;
	enum image_kind kind;
} prefixes[] = { { "tar:/", IMAGE_TAR }, { "build:/", IMAGE_BUILD } };

enum image_kind spec_image_kind(const char *text, const char **rest)
{
	const char *dummy;
	if (!rest)
		rest = &dummy;
	*rest = text;
	if (!text || !strcmp(text, "host"))
		return IMAGE_HOST;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t n = strlen(prefixes[i].prefix);
		if (strncmp(text, prefixes[i].prefix, n))
			continue;
		*rest = text + n - 1;
		return prefixes[i].kind;
	}
	return IMAGE_REF;
}

bool spec_image_ref_ok(const char *s)
{
	if (!isalnum((unsigned char)*s) || strlen(s) > 255 || strstr(s, "..") || strstr(s, "//"))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("._/:@-", *s))
			return false;
	return true;
}
