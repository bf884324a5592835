/* fs_tree.c - making and removing directories, relative to descriptors, never through a link. */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

int fs_open_beneath(int dirfd, const char *name, int flags)
{
	struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC) };
	long fd;

	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")) {
		errno = EINVAL;
		return -1;
	}
	if (!(flags & O_PATH))
		how.flags |= O_NOCTTY;
	if (flags & O_CREAT)
		how.mode = 0600;
	how.resolve =
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
	do
		fd = syscall(SYS_openat2, dirfd, name, &how, sizeof how);
	while (fd < 0 && (errno == EINTR || errno == EAGAIN) && !(flags & O_NONBLOCK));
	return (int)fd;
}

/* ---- making ---- */

static bool leads_to_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int fs_mkdirs(const char *path, mode_t mode, struct err *e)
{
	char *p = xstrdup(path);
	int rc = 0;

	for (char *at = p + 1; rc == 0 && *p; at++) {
		char was = *at;

		if (was && was != '/')
			continue;
		*at = 0;
		if (mkdir(p, mode) == 0) {
			/* the mode asked for, whatever the umask */
			if (chmod(p, mode) < 0)
				rc = err_sys(e, "io", "cannot set the mode of %s", p);
		} else {
			int saved = errno;

			if (!leads_to_dir(p)) {
				errno = saved == EEXIST ? ENOTDIR : saved;
				rc = err_sys(e, "io", "cannot make the directory %s", p);
			}
		}
		*at = was;
		if (!was)
			break;
	}
	free(p);
	return rc;
}

int fs_mkdir_private(const char *path, struct err *e)
{
	struct stat st;

	if (fs_mkdirs(path, 0700, e) < 0)
		return -1;
	if (lstat(path, &st) < 0)
		return err_sys(e, "io", "cannot look at %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, "not_private",
			"%s is a link or no directory: replace it by a real directory", path);
	if (st.st_uid != geteuid())
		return err_set(e, "not_private",
			"%s belongs to another user (uid %u): it must be yours", path,
			(unsigned)st.st_uid);
	if (st.st_mode & 077)
		return err_set(e, "not_private",
			"%s can be reached by other users (mode %03o): run `chmod 700 %s`", path,
			(unsigned)st.st_mode & 0777, path);
	return 0;
}

/* ---- removing ---- */

/* The way down. Only the innermost directory is open, so depth costs no descriptors; the way back
 * up is checked. */
struct level {
	dev_t dev;
	ino_t ino;
	char *name; /* of this directory in the one above; NULL at the top */
};

struct removal {
	const char *path, *marker; /* marker is spared at the top until all else is gone */
	struct level *level;
	size_t n, cap;
	int fd;
	struct err *e;
};

static int fail(const struct removal *r, const char *name)
{
	int saved = errno;
	struct buf where = BUF_INIT;

	buf_str(&where, r->path);
	for (size_t i = 1; i < r->n && where.len < 1024; i++)
		buf_fmt(&where, "/%s", r->level[i].name);
	if (name)
		buf_fmt(&where, "/%s", name);
	errno = saved;
	if (saved == EXDEV)
		err_set(r->e, "io",
			"cannot remove %s: another file system is mounted there; unmount it first",
			where.p);
	else
		err_sys(r->e, "io", "cannot remove %s", where.p);
	buf_release(&where);
	return -1;
}

/* Opens a directory for reading; one of ours without the bits for that gets them first. */
static int open_subdir(int dirfd, const char *name)
{
	int fd = fs_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	char link[64];
	int pathfd;

	if (fd >= 0 || errno != EACCES)
		return fd;
	pathfd = fs_open_beneath(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	if (pathfd < 0)
		return -1;
	snprintf(link, sizeof link, "/proc/self/fd/%d", pathfd);
	if (chmod(link, 0700) == 0)
		fd = fs_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	close(pathfd);
	return fd;
}

/* Takes over fd, and name. */
static int enter(struct removal *r, int fd, char *take_name)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		close(fd);
		free(take_name);
		return -1;
	}
	if ((st.st_mode & 0700) != 0700)
		(void)fchmod(fd, 0700); /* if not, the unlink below says why */
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 16;
		r->level = xrealloc(r->level, r->cap * sizeof *r->level);
	}
	r->level[r->n++] = (struct level){ st.st_dev, st.st_ino, take_name };
	if (r->fd >= 0)
		close(r->fd);
	r->fd = fd;
	return 0;
}

/* Back to the directory above, which must be the one we came from, and removes the one we leave. */
static int leave(struct removal *r)
{
	char *name = r->level[r->n - 1].name;
	const struct level *up = &r->level[r->n - 2];
	int fd = openat(r->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	struct stat st;

	if (fd < 0)
		return fail(r, NULL);
	if (fstat(fd, &st) < 0 || st.st_dev != up->dev || st.st_ino != up->ino) {
		close(fd);
		return err_set(r->e, "io",
			"cannot remove %s: something moves directories in it; try again when it is "
			"quiet",
			r->path);
	}
	close(r->fd);
	r->fd = fd;
	r->n--;
	if (unlinkat(fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		rc = fail(r, name);
	free(name);
	return rc;
}

static bool spared(const struct removal *r, const char *name)
{
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return true;
	return r->n == 1 && r->marker && !strcmp(name, r->marker);
}

/* 0 gone, 1 it is a directory with entries, -1 error. */
static int remove_entry(struct removal *r, const char *name)
{
	if (unlinkat(r->fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return fail(r, name);
	if (unlinkat(r->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST ? 1 : fail(r, name);
}

/* Removes entries of the open directory up to the first subdirectory with entries: its name, or
 * NULL when none is left. */
static int sweep(struct removal *r, char **sub)
{
	int fd = openat(r->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	*sub = NULL;
	if (!d) {
		if (fd >= 0)
			close(fd);
		return fail(r, NULL);
	}
	while (rc == 0 && (errno = 0, de = readdir(d))) {
		if (spared(r, de->d_name))
			continue;
		rc = remove_entry(r, de->d_name);
		if (rc == 1)
			*sub = xstrdup(de->d_name);
	}
	if (rc == 0 && errno)
		rc = fail(r, NULL);
	closedir(d);
	return rc < 0 ? -1 : 0;
}

static int empty_tree(struct removal *r)
{
	for (;;) {
		char *sub;
		int fd;

		if (sweep(r, &sub) < 0)
			return -1;
		if (!sub) {
			if (r->n == 1)
				return 0;
			if (leave(r) < 0)
				return -1;
			continue;
		}
		fd = open_subdir(r->fd, sub);
		if (fd < 0) {
			fail(r, sub);
			free(sub);
			return -1;
		}
		if (enter(r, fd, sub) < 0)
			return fail(r, NULL);
	}
}

static int check_marker(int fd, const char *path, const char *marker, struct err *e)
{
	struct stat st;

	if (fstatat(fd, marker, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return err_set(e, "not_ours", "%s is left alone: it has no %s in it, so it may not be ours",
		path, marker);
}

static int remove_below(int parent, const char *base, struct removal *r)
{
	int fd = open_subdir(parent, base), rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail(r, NULL);
	if (check_marker(fd, r->path, r->marker, r->e) < 0) {
		close(fd);
		return -1;
	}
	if (enter(r, fd, NULL) < 0)
		return fail(r, NULL);
	rc = empty_tree(r);
	if (rc == 0) {
		/* The marker goes last: a removal cut short can be taken up again. */
		r->marker = NULL;
		rc = empty_tree(r);
	}
	if (rc == 0 && unlinkat(parent, base, AT_REMOVEDIR) < 0 && errno != ENOENT)
		rc = fail(r, NULL);
	return rc;
}

int fs_remove_tree(const char *path, const char *marker, struct err *e)
{
	struct removal r = { .path = path, .marker = marker, .fd = -1, .e = e };
	char *p = xstrdup(path), *dir;
	size_t len = strlen(p);
	int parent, rc = 0;

	if (!marker || !*marker)
		bug("fs_remove_tree of %s without a marker", path);
	while (len > 1 && p[len - 1] == '/')
		p[--len] = 0;
	dir = fs_dirname(p);
	parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent >= 0) {
		rc = remove_below(parent, fs_basename(p), &r);
		close(parent);
	} else if (errno != ENOENT) {
		rc = fail(&r, NULL);
	}
	if (r.fd >= 0)
		close(r.fd);
	for (size_t i = 0; i < r.n; i++)
		free(r.level[i].name);
	free(r.level);
	free(dir);
	free(p);
	return rc;
}
