/* dir_walk.c - one directory open for each level. */
#include "base/dir_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"

static int walk(const struct dir_walk *w, int fd, struct buf *path, int depth);

/* 0, or -1 = the walk ends. */
static int enter(const struct dir_walk *w, const struct dir_entry *ent, struct buf *path)
{
	int fd;

	if (ent->depth + 1 > w->max_depth) {
		errno = ELOOP;
		return w->strict ? -1 : 0;
	}
	fd = fs_open_beneath(ent->dirfd, ent->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		return w->strict ? -1 : 0;
	return walk(w, fd, path, ent->depth + 1);
}

static int visit(const struct dir_walk *w, int dirfd, const char *name, struct buf *path, int depth)
{
	struct dir_entry ent = { .dirfd = dirfd, .name = name, .depth = depth };
	enum dir_next next;

	if (fstatat(dirfd, name, &ent.st, AT_SYMLINK_NOFOLLOW))
		return w->strict ? -1 : 0;
	ent.path = path->p;
	next = w->visit(w->ctx, &ent);
	if (next == DIR_STOP) {
		errno = 0;
		return -1;
	}
	return next == DIR_GO_ON && S_ISDIR(ent.st.st_mode) ? enter(w, &ent, path) : 0;
}

/* Takes fd over. */
static int walk(const struct dir_walk *w, int fd, struct buf *path, int depth)
{
	DIR *d = fdopendir(fd);
	size_t len = path->len;
	struct dirent *de;
	int rc = 0, why;

	if (!d) {
		why = errno;
		close(fd);
		errno = why;
		return w->strict || !depth ? -1 : 0;
	}
	while (!rc && (errno = 0, de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (len)
			buf_char(path, '/');
		buf_str(path, de->d_name);
		rc = visit(w, dirfd(d), de->d_name, path, depth);
		path->len = len;
		if (len)
			path->p[len] = '\0';
	}
	if (!rc && errno && w->strict)
		rc = -1;
	why = errno;
	closedir(d);
	errno = why;
	return rc;
}

int dir_walk(const struct dir_walk *w, int take_fd)
{
	struct buf path = BUF_INIT;
	int rc = walk(w, take_fd, &path, 0), why = errno;

	buf_release(&path);
	errno = why;
	return rc;
}
