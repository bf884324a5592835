/* open_nofollow.h - opening things in a tree that somebody hostile changes while we look: one
 * component, no links, no other device, and nothing but what it claims to be. */
#ifndef GIT_OPEN_NOFOLLOW_H
#define GIT_OPEN_NOFOLLOW_H

#include <sys/stat.h>

/* A regular file of device dev, opened for reading; st is of the very file opened. -1 with errno;
 * ELOOP = not a regular file (any more), EXDEV = another device. A FIFO, device or socket is never
 * opened. */
int open_nofollow_file(int dirfd, const char *name, dev_t dev, struct stat *st);
/* A directory. -1 with errno. */
int open_nofollow_dir(int dirfd, const char *name);
/* The root of a tree; the path itself is ours, only its last component may not be a link. */
int open_nofollow_root(const char *path);

#endif
