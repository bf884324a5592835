/* image_save.c - `docker save` of a local image into a cache, once per image id.
 *
 * Whoever holds the lock writes; a writer that was killed leaves a .new, which the next one unlinks
 * (the killed one's `docker` may still be writing into that inode) and writes again. */
#include "engine/image_save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/vt.h"
#include "model/spec_image.h"

enum { LOOK_MS = 10000, SAVE_MS = 30 * 60 * 1000, LOOK_CAP = 64 << 10, SAID = 300 };

/* "sha256:<hex>\n" -> hex, which becomes a file's name. */
static char *plain_id(const char *out)
{
	const char *hex = strncmp(out, "sha256:", 7) ? out : out + 7;
	size_t n = strspn(hex, "0123456789abcdef");
	return n == 64 && (hex[n] == '\n' || !hex[n]) ? xstrndup(hex, n) : NULL;
}

/* The id of the image, or NULL: it is not there, or cannot be asked for. */
static char *find_id(const char *docker, const char *name)
{
	const char *const argv[] = { docker, "image", "inspect", "--format", "{{.Id}}", name,
		NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	struct err e = ERR_INIT;
	char *id = NULL;
	s.argv = argv;
	s.cwd = "/";
	if (child_run(&s, NULL, 0, LOOK_CAP, LOOK_MS, &r, &e) < 0)
		diag(DIAG_WARN, "docker image inspect: %s", e.msg);
	else if (r.code == 0)
		id = plain_id(r.out.p);
	child_result_release(&r);
	return id;
}

/* `docker save` writes a file of its own beside it and renames that. */
static int save(
	const char *docker, const char *id, const char *name, const char *path, struct err *e)
{
	char *fresh = xasprintf("%s.new", path), words[SAID];
	const char *const argv[] = { docker, "save", "--output", fresh, id, NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	int rc = -1, fd = -1;
	unlink(fresh);
	s.argv = argv;
	s.cwd = "/";
	if (child_run(&s, NULL, 0, LOOK_CAP, SAVE_MS, &r, e) < 0) {
		err_prefix(e, "cannot save image %s", name);
	} else if (r.code != 0) {
		r.err.p[strcspn(r.err.p, "\n")] = 0;
		vt_clean_str(r.err.p, words, sizeof(words));
		err_set(e, "image_save", "`docker save` could not save image %s (exit %d): %s",
			name, r.code, words[0] ? words : "it did not say why");
	} else if ((fd = open(fresh, O_RDONLY | O_CLOEXEC)) < 0 || fchmod(fd, 0600) < 0 ||
		fsync(fd) < 0 || rename(fresh, path) < 0) {
		err_sys(e, "image_save", "cannot write %s", path);
	} else {
		rc = 0;
	}
	child_result_release(&r);
	if (fd >= 0)
		close(fd);
	if (rc)
		unlink(fresh);
	free(fresh);
	return rc;
}

/* Waits for another writer. */
static int lock(const char *cache_dir, struct err *e)
{
	char *path = fs_join(cache_dir, "lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (fd >= 0 && flock(fd, LOCK_EX) < 0)
		if (errno != EINTR) {
			close(fd);
			fd = -1;
		}
	if (fd < 0)
		err_sys(e, "image_save", "cannot lock %s", path);
	free(path);
	return fd;
}

int image_save(const char *name, const char *cache_dir, char **tar, struct err *e)
{
	char *docker = child_which("docker", NULL), *id = NULL, *path = NULL;
	int rc = 1, held;
	if (!docker || !spec_image_ref_ok(name))
		goto out;
	id = find_id(docker, name);
	if (!id)
		goto out;
	rc = -1;
	if (fs_mkdir_private(cache_dir, e) < 0)
		goto out;
	path = xasprintf("%s/%s.tar", cache_dir, id);
	held = lock(cache_dir, e);
	if (held < 0)
		goto out;
	if (fs_exists(path) || save(docker, id, name, path, e) == 0) {
		*tar = path;
		path = NULL;
		rc = 0;
	}
	close(held);
out:
	free(docker);
	free(id);
	free(path);
	return rc;
}
