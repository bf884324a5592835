/* image_save.h - an image of the local Docker daemon as a tar, for an engine that cannot see that
 * daemon. */
#ifndef ENGINE_IMAGE_SAVE_H
#define ENGINE_IMAGE_SAVE_H

#include "base/err.h"

/* Is there an image of that name in the local Docker daemon? 1 = no (or there is no `docker`, or it
 * does not answer): take it from the registry. 0 = *tar is the absolute path of a `docker save` of
 * it in cache_dir (made if missing), named by the image's id, so that one content is saved once;
 * the caller frees. -1 = it is there, but could not be saved. Blocks, for a large image for
 * minutes: for a worker. Several may run at once, also in several processes. */
int image_save(const char *name, const char *cache_dir, char **tar, struct err *e);

#endif
