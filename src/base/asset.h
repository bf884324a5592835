/* asset.h - files embedded in the binary: the runner, themes, templates. A file of the same name under
 * $XDG_CONFIG_HOME/yolodeck/ comes first for themes/ and templates/. */
#ifndef BASE_ASSET_H
#define BASE_ASSET_H

#include <stddef.h>

struct asset {
	const char *name;		/* "runner", "themes/dark.json", "templates/races/race.json" */
	const unsigned char *data;
	size_t len;
};
/* NULL = no such. */
const struct asset *asset_find(const char *name);
/* All, in the order of their names; *n = how many. */
const struct asset *asset_all(size_t *n);

#endif
