/* asset.h - files embedded in the binary: the runner, themes, templates. A file of the same name
 * under $XDG_CONFIG_HOME/yolodeck/ comes first for themes/ and templates/, and one with a new name
 * is found too (not hidden ones but .yolodeck, none over 4 MiB, six levels deep). They are read
 * once, on the first call that does not ask for the runner; what is returned stays valid until the
 * process ends. Thread safe. */
#ifndef BASE_ASSET_H
#define BASE_ASSET_H

#include <stddef.h>

struct asset {
	/* "runner", "themes/dark.json", "templates/races/race.json" */
	const char *name;
	const unsigned char *data;
	size_t len;
};
/* NULL = no such. */
const struct asset *asset_find(const char *name);
/* All, in the order of their names; *n = how many. */
const struct asset *asset_all(size_t *n);

#endif
