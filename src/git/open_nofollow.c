/* open_nofollow.c - hostile trees: look (O_PATH), judge (fstat), and only then open the very thing
 * that was judged. */
#include "git/open_nofollow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"

/* Opening by name after a check by name is a race, and opening a FIFO or a device at once has
 * effects. O_PATH has none, and /proc/self/fd leads back to exactly that inode. */
int open_nofollow_file(int dirfd, const char *name, dev_t dev, struct stat *st)
{
	char link[40];
	int fd, seen = fs_open_beneath(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (seen < 0)
		return -1;
	if (fstat(seen, st)) {
		close(seen);
		return -1;
	}
	if (!S_ISREG(st->st_mode) || st->st_dev != dev) {
		close(seen);
		errno = S_ISREG(st->st_mode) ? EXDEV : ELOOP;
		return -1;
	}
	snprintf(link, sizeof link, "/proc/self/fd/%d", seen);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	close(seen);
	return fd;
}

int open_nofollow_dir(int dirfd, const char *name)
{
	return fs_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int open_nofollow_root(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}
