/* image_save.c - `docker save` of a local image into a cache, once per image id.
 *
 * Whoever holds the lock writes; a writer that was killed leaves a .new, which the next one unlinks
 * (the killed one's `docker` may still be writing into that inode) and makes anew. */
#include "engine/image_save.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
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

/* The id of the image, or NULL: it is not there, or nobody can tell. */
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

static void said(int fd, char *out, size_t n)
{
	char raw[SAID];
	ssize_t k = pread(fd, raw, sizeof(raw) - 1, 0);
	raw[k > 0 ? k : 0] = 0;
	raw[strcspn(raw, "\n")] = 0;
	vt_clean_str(raw, out, n);
}

static int run_save(const char *docker, const char *id, int to, const char *name, struct err *e)
{
	const char *const argv[] = { docker, "save", id, NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct child c;
	char words[SAID];
	int code = -1, done, err = memfd_create("stderr", MFD_CLOEXEC);
	if (err < 0)
		return err_sys(e, "image_save", "cannot save image %s", name);
	s.argv = argv;
	s.cwd = "/";
	s.out = to;
	s.err = err;
	s.new_group = true;
	if (child_start(&c, &s, e) < 0) {
		close(err);
		return err_prefix(e, "cannot save image %s", name);
	}
	done = child_wait(&c, SAVE_MS, &code);
	if (done != 1) {
		child_kill(&c, SIGKILL);
		child_wait(&c, -1, &code);
	}
	said(err, words, sizeof(words));
	close(err);
	if (done != 1)
		return err_set(e, "image_save",
			"saving image %s from Docker took more than %d minutes", name,
			SAVE_MS / 60000);
	if (code != 0)
		return err_set(e, "image_save",
			"`docker save` could not save image %s (exit %d): %s", name, code,
			words[0] ? words : "it did not say why");
	return 0;
}

static int save(
	const char *docker, const char *id, const char *name, const char *path, struct err *e)
{
	char *fresh = xasprintf("%s.new", path);
	int rc = -1, fd;
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_sys(e, "image_save", "cannot write %s", fresh);
		goto out;
	}
	if (run_save(docker, id, fd, name, e) < 0)
		goto out;
	if (fsync(fd) < 0 || rename(fresh, path) < 0) {
		err_sys(e, "image_save", "cannot write %s", path);
		goto out;
	}
	rc = 0;
out:
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
