/* spec_image.c - the text that says where an image comes from. */
#include "model/spec_image.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

enum { TAR_BLOCK = 512, TAR_MAGIC = 257 };

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
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
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

bool spec_image_is_path(const char *text)
{
	const char *path = !strncmp(text, "tar:", 4) ? text + 4
		: !strncmp(text, "build:", 6)        ? text + 6
						     : "";
	return *path == '/' || !strncmp(path, "./", 2) || !strncmp(path, "../", 3) ||
		!strncmp(path, "~/", 2) || !strcmp(path, ".") || !strcmp(path, "..");
}

static int check_tar(const char *path, struct err *e)
{
	unsigned char b[TAR_BLOCK] = "";
	struct stat st;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = -1;
	if (fd < 0)
		return err_sys(e, "image", "cannot read %s", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = pread(fd, b, sizeof(b), 0);
	close(fd);
	if (n > 2 && b[0] == 0x1f && b[1] == 0x8b)
		return 0; /* gzip: only Docker looks inside */
	if (n == TAR_BLOCK && !memcmp(b + TAR_MAGIC, "ustar", 5))
		return 0;
	return err_set(e, "image",
		"%s is not a tar archive; `docker save -o FILE IMAGE` makes one of an image", path);
}

static int check_build(const char *path, struct err *e)
{
	char *file;
	int rc = 0;
	if (!fs_is_dir(path))
		return err_set(e, "image",
			"%s is not a directory; name the directory that holds the Dockerfile",
			path);
	file = fs_join(path, "Dockerfile");
	if (!fs_exists(file))
		rc = err_set(e, "image", "there is no Dockerfile in %s", path);
	else if (access(file, R_OK) < 0 || access(path, R_OK | X_OK) < 0)
		rc = err_sys(e, "image", "cannot read %s", file);
	free(file);
	return rc;
}

int spec_image_look(const char *text, struct err *e)
{
	const char *path;
	enum image_kind kind = spec_image_kind(text, &path);
	return kind == IMAGE_TAR      ? check_tar(path, e)
		: kind == IMAGE_BUILD ? check_build(path, e)
				      : 0;
}

static char *place(const char *path, const char *dir)
{
	const char *home = getenv("HOME");
	if (path[0] == '~' && home && *home)
		return fs_join(home, path + 2);
	return path[0] == '/' || !dir ? xstrdup(path) : fs_join(dir, path);
}

/* "tar:x.tar" is a reference, if a strange one. */
static int meant_as_path(const char *text, const char *dir, struct err *e)
{
	const char *colon = strchr(text, ':');
	char *there;
	int rc = 0;
	if (strncmp(text, "tar:", 4) && strncmp(text, "build:", 6))
		return 0;
	there = dir ? fs_join(dir, colon + 1) : xstrdup(colon + 1);
	if (fs_exists(there))
		rc = err_set(e, "image",
			"\"%s\" is the name of an image; what is here under that name is "
			"%.*s./%s",
			text, (int)(colon - text) + 1, text, colon + 1);
	free(there);
	return rc;
}

char *spec_image_resolve(const char *text, const char *dir, struct err *e)
{
	if (!spec_image_is_path(text))
		return meant_as_path(text, dir, e) ? NULL : xstrdup(text);
	int prefix = (int)(strchr(text, ':') - text) + 1;
	char *there = place(text + prefix, dir), *real = fs_realpath(there, e), *out = NULL;
	if (real) {
		out = xasprintf("%.*s%s", prefix, text, real);
		if (spec_image_look(out, e) < 0) {
			free(out);
			out = NULL;
		}
	}
	free(there);
	free(real);
	return out;
}
