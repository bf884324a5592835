/* spec_image.h - the text that says where an image comes from: "host", "node:22",
 * "tar:/abs/file.tar", "build:/abs/dir".
 *
 * The two prefixes followed by "/" are no reference of a registry, so one text holds all four. */
#ifndef MODEL_SPEC_IMAGE_H
#define MODEL_SPEC_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum image_kind { IMAGE_HOST, IMAGE_REF, IMAGE_TAR, IMAGE_BUILD };

/* *rest (may be NULL) = the path behind the prefix, else the text itself. NULL counts as "host". */
enum image_kind spec_image_kind(const char *text, const char **rest);
/* May it be a reference: letters, digits and ._/:@- only, at most 255 of them, no empty or ".."
 * part. It becomes part of paths of the Docker API and of argument lists. */
bool spec_image_ref_ok(const char *text);

/* As people write it, the path behind "tar:" or "build:" may also begin with "./", "../" or "~/";
 * is this such a text? */
bool spec_image_is_path(const char *text);
/* Such a text made absolute (links resolved, "./" is relative to dir, NULL = the current directory)
 * and looked at: a tar must be a readable tar archive (plain or gzip), a directory must hold a
 * Dockerfile. Another text is copied. NULL with the sentence; the caller frees. */
char *spec_image_resolve(const char *text, const char *dir, struct err *e);
/* Only the look, at an absolute form: it may have gone since. */
int spec_image_look(const char *text, struct err *e);

#endif
