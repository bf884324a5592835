/* fs.c - whole files: read, replace, create, append, lock. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static const char *code_of(int err)
{
	return err == ENOENT || err == ENOTDIR ? "not_found" : err == EEXIST ? "exists" : "io";
}

static int read_all(int fd, const char *path, size_t max, struct buf *b, struct err *e)
{
	for (;;) {
		ssize_t n;

		buf_reserve(b, 65536);
		n = read(fd, b->p + b->len, b->cap - b->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "io", "cannot read %s", path);
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		b->p[b->len] = 0;
		if (b->len > max)
			return err_set(e, "too_big", "%s has more than %zu bytes", path, max);
	}
}

int fs_read(const char *path, size_t max, struct buf *b, struct err *e)
{
	struct stat st;
	int fd, rc;

	buf_clear(b);
	/* O_NONBLOCK: a FIFO in the place of the file must not hold us. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, code_of(errno), "cannot read %s", path);
	if (fstat(fd, &st) < 0)
		rc = err_sys(e, "io", "cannot read %s", path);
	else if (!S_ISREG(st.st_mode))
		rc = err_set(e, "io", "cannot read %s: not a regular file", path);
	else
		rc = read_all(fd, path, max, b, e);
	close(fd);
	if (rc < 0)
		buf_clear(b);
	return rc;
}

int fs_write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = fsync(fd);
	/* Some file systems cannot sync a directory; they have nothing to offer then. */
	if (rc < 0 && (errno == EINVAL || errno == ENOTSUP))
		rc = 0;
	close(fd);
	return rc;
}

static int write_tmp(const char *tmp, const void *data, size_t n)
{
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc, saved;

	if (fd < 0)
		return -1;
	rc = fs_write_all(fd, data, n);
	if (rc == 0)
		rc = fsync(fd);
	saved = errno;
	if (close(fd) < 0 && rc == 0) {
		saved = errno;
		rc = -1;
	}
	if (rc < 0)
		unlink(tmp);
	errno = saved;
	return rc;
}

int fs_replace(const char *path, const void *data, size_t n, struct err *e)
{
	char *dir = fs_dirname(path), *tmp;
	uint64_t r;
	int rc = -1;

	fs_random(&r, sizeof r);
	tmp = xasprintf("%s/.%s.%016llx.tmp", dir, fs_basename(path), (unsigned long long)r);
	if (write_tmp(tmp, data, n) < 0) {
		err_sys(e, code_of(errno), "cannot write %s", path);
		goto out;
	}
	if (rename(tmp, path) < 0) {
		err_sys(e, code_of(errno), "cannot replace %s", path);
		unlink(tmp);
		goto out;
	}
	rc = sync_dir(dir);
	if (rc < 0)
		err_sys(e, "io", "cannot write %s to the disk", dir);
out:
	free(tmp);
	free(dir);
	return rc;
}

int fs_create(const char *path, mode_t mode, const void *data, size_t n, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0)
		return err_sys(e, code_of(errno), "cannot create %s", path);
	/* fchmod: the mode asked for, whatever the umask. */
	if (fchmod(fd, mode) < 0 || fs_write_all(fd, data, n) < 0) {
		err_sys(e, "io", "cannot write %s", path);
		close(fd);
		unlink(path);
		return -1;
	}
	if (close(fd) < 0)
		return err_sys(e, "io", "cannot write %s", path);
	return 0;
}

int fs_append_sync(int fd, const void *data, size_t n, struct err *e)
{
	ssize_t w;

	do
		w = write(fd, data, n);
	while (w < 0 && errno == EINTR);
	if (w < 0)
		return err_sys(e, "io", "cannot append");
	if ((size_t)w != n)
		return err_set(e, "io",
			"cannot append: only %zd of %zu bytes were written (disk full?)", w, n);
	if (fsync(fd) < 0)
		return err_sys(e, "io", "cannot write to the disk");
	return 0;
}

int fs_lock(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), rc;

	if (fd < 0)
		return err_sys(e, code_of(errno), "cannot open %s", path);
	do
		rc = flock(fd, LOCK_EX | LOCK_NB);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return fd;
	if (errno == EWOULDBLOCK)
		err_set(e, "locked", "%s is held by another process", path);
	else
		err_sys(e, "io", "cannot lock %s", path);
	close(fd);
	return -1;
}

void fs_random(void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			bug("getrandom: %s", strerror(errno));
		at += got;
		n -= (size_t)got;
	}
}

mode_t fs_umask(void)
{
	struct buf b = BUF_INIT;
	struct err ignored = ERR_INIT;
	const char *line = NULL;
	mode_t mask = 022;

	if (!fs_read("/proc/self/status", 1 << 16, &b, &ignored))
		line = strstr(b.p, "\nUmask:");
	if (line)
		mask = (mode_t)strtoul(line + 7, NULL, 8);
	buf_release(&b);
	return mask;
}
