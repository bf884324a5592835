/* fs.h - files: read whole, replaced atomically, private, never through a link. Linux-only calls
 * (openat2) live here. */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Reads a whole regular file of at most max bytes into b (replaced). Code "not_found" when it is
 * not there, "too_big". Follows links (users link their configuration), so not for what a variant
 * wrote: see fs_open_beneath. */
int fs_read(const char *path, size_t max, struct buf *b, struct err *e);
/* Replaces path (a link itself, not its target) by data: temporary beside it, fsync, rename, fsync
 * of the directory. Mode 0600. */
int fs_replace(const char *path, const void *data, size_t n, struct err *e);
/* Writes a new file O_EXCL with the mode given; existing = error code "exists". */
int fs_create(const char *path, mode_t mode, const void *data, size_t n, struct err *e);
/* Appends one block with one write(2) and fsyncs. */
int fs_append_sync(int fd, const void *data, size_t n, struct err *e);
int fs_write_all(int fd, const void *data, size_t n); /* 0, or -1 with errno */

/* mkdir -p, new directories with mode; what exists is left as it is. */
int fs_mkdirs(const char *path, mode_t mode, struct err *e);
/* As above, and the last one must be a real directory of ours with no bits for group and others;
 * else a sentence. */
int fs_mkdir_private(const char *path, struct err *e);
/* Removes a tree without following links or leaving its file system. marker: name of an entry that
 * must exist in path itself (our sign that it is ours), else nothing is touched and the code is
 * "not_ours"; it goes last, so that an interrupted removal can be resumed. Missing path = 0.
 * Unreadable directories of ours are made readable first. Any depth, three descriptors. */
int fs_remove_tree(const char *path, const char *marker, struct err *e);

bool fs_exists(const char *path); /* lstat succeeds */
bool fs_is_dir(const char *path);
char *fs_join(const char *a, const char *b); /* "a/b"; the caller frees */
char *fs_dirname(const char *path);
const char *fs_basename(const char *path);
/* Absolute, without "." ".." and double slashes; resolves links. NULL with a sentence when missing.
 */
char *fs_realpath(const char *path, struct err *e);
/* $HOME-relative display: /home/u/src/x -> ~/src/x. */
char *fs_tilde(const char *path);

/* One component below dirfd, no links, no magic links, no other file system (openat2). fd or -1
 * with errno. */
int fs_open_beneath(int dirfd, const char *name, int flags);

/* $XDG_STATE_HOME or ~/.local/state, and the like; absolute values only, else the default. The
 * caller frees. */
char *fs_xdg_state(struct err *e);
char *fs_xdg_config(struct err *e);
/* $XDG_RUNTIME_DIR if it is ours and private, else NULL. */
char *fs_xdg_runtime(void);

/* flock LOCK_EX|LOCK_NB on path (made 0600, O_CLOEXEC). fd, or -1 with code "locked" when another
 * holds it. */
int fs_lock(const char *path, struct err *e);
/* The umask of this process, which is left as it is (umask(2) would change it for all threads). */
mode_t fs_umask(void);
/* Fills n random bytes (getrandom). */
void fs_random(void *p, size_t n);

#endif
