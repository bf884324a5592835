/* copytree.c - lists a tree, and copies a list. */
#include "git/copytree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/dir_walk.h"
#include "base/mem.h"
#include "base/pool.h"

enum { BLOCK = 64 << 10, MAX_THREADS = 4, MAX_DEPTH = 256 };

void copytree_list_release(struct copy_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->e[i].path);
	free(l->e);
	memset(l, 0, sizeof *l);
}

static enum dir_next list_entry(void *ctx, const struct dir_entry *ent)
{
	struct copy_list *l = ctx;

	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 512;
		l->e = xrealloc(l->e, l->cap * sizeof *l->e);
	}
	l->e[l->n++] = (struct copy_entry){ xstrdup(ent->path), ent->st };
	return DIR_GO_ON;
}

int copytree_list(const char *root, struct copy_list *l, struct err *e)
{
	struct dir_walk w = { list_entry, l, MAX_DEPTH, true };
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	memset(l, 0, sizeof *l);
	if (fd >= 0 && !dir_walk(&w, fd))
		return 0;
	err_sys(e, "disk", "%s could not be listed", root);
	copytree_list_release(l);
	return -1;
}

struct copying {
	struct copy_list *l;
	int src, dst, uid, gid;
	atomic_bool clones; /* until the file system says no */
	atomic_int failed; /* errno of the first failure */
	atomic_size_t which;
};

static void failed(struct copying *c, size_t i, int why)
{
	int none = 0;

	if (atomic_compare_exchange_strong(&c->failed, &none, why ? why : EIO))
		atomic_store(&c->which, i);
}

static int copy_bytes(struct copying *c, int in, int out, off_t left)
{
	char block[BLOCK];
	bool ranges = left > BLOCK;

	if (left > BLOCK && atomic_load(&c->clones)) {
		if (!ioctl(out, FICLONE, in))
			return 0;
		atomic_store(&c->clones, false);
	}
	while (left > 0) {
		ssize_t n = ranges ? copy_file_range(in, NULL, out, NULL, (size_t)left, 0) : 0;

		if (n <= 0) {
			ranges = false;
			n = read(in, block, sizeof block);
			if (n <= 0 || write(out, block, (size_t)n) != n)
				return -1;
		}
		left -= n;
	}
	return 0;
}

static int copy_file(struct copying *c, struct copy_entry *ent)
{
	struct timespec times[2] = { ent->st.st_mtim, ent->st.st_mtim };
	int in = openat(c->src, ent->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int out = openat(
		c->dst, ent->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc = -1, why;

	if (in >= 0 && out >= 0 && !copy_bytes(c, in, out, ent->st.st_size) &&
		!fchown(out, (uid_t)c->uid, (gid_t)c->gid) &&
		!fchmod(out, ent->st.st_mode & 0777) && !futimens(out, times))
		rc = fstat(out, &ent->st);
	why = errno;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	errno = why;
	return rc;
}

static int copy_link(struct copying *c, struct copy_entry *ent)
{
	struct timespec times[2] = { ent->st.st_mtim, ent->st.st_mtim };
	char target[4097];
	ssize_t n = readlinkat(c->src, ent->path, target, sizeof target - 1);

	if (n < 0)
		return -1;
	target[n] = '\0';
	if (symlinkat(target, c->dst, ent->path) ||
		fchownat(c->dst, ent->path, (uid_t)c->uid, (gid_t)c->gid, AT_SYMLINK_NOFOLLOW) ||
		utimensat(c->dst, ent->path, times, AT_SYMLINK_NOFOLLOW))
		return -1;
	return fstatat(c->dst, ent->path, &ent->st, AT_SYMLINK_NOFOLLOW);
}

static void copy_one(void *ctx, size_t i)
{
	struct copying *c = ctx;
	struct copy_entry *ent = &c->l->e[i];
	int rc = 0;

	if (atomic_load(&c->failed) || S_ISDIR(ent->st.st_mode))
		return;
	errno = 0;
	if (S_ISREG(ent->st.st_mode))
		rc = copy_file(c, ent);
	else if (S_ISLNK(ent->st.st_mode))
		rc = copy_link(c, ent);
	else
		rc = -1;
	if (rc)
		failed(c, i, errno);
}

static void make_dirs(struct copying *c)
{
	for (size_t i = 0; i < c->l->n && !c->failed; i++)
		if (S_ISDIR(c->l->e[i].st.st_mode) && mkdirat(c->dst, c->l->e[i].path, 0700))
			failed(c, i, errno);
}

/* Last, and the innermost first: what is made inside a directory moves its time. */
static void finish_dirs(struct copying *c)
{
	for (size_t i = c->l->n; i-- > 0 && !c->failed;) {
		const struct copy_entry *ent = &c->l->e[i];
		struct timespec times[2] = { ent->st.st_mtim, ent->st.st_mtim };

		if (!S_ISDIR(ent->st.st_mode))
			continue;
		if (fchmodat(c->dst, ent->path, ent->st.st_mode & 0777, 0) ||
			fchownat(c->dst, ent->path, (uid_t)c->uid, (gid_t)c->gid,
				AT_SYMLINK_NOFOLLOW) ||
			utimensat(c->dst, ent->path, times, AT_SYMLINK_NOFOLLOW))
			failed(c, i, errno);
	}
}

int copytree_run(
	const char *src, struct copy_list *l, const char *dst, int uid, int gid, struct err *e)
{
	struct copying c = { .l = l, .uid = uid, .gid = gid, .src = -1, .dst = -1 };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int rc = -1;

	atomic_init(&c.clones, true);
	atomic_init(&c.failed, 0);
	atomic_init(&c.which, 0);
	c.src = open(src, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c.src >= 0 && !mkdir(dst, 0755))
		c.dst = open(dst, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c.dst < 0) {
		err_sys(e, "disk", "%s could not be made", dst);
	} else {
		make_dirs(&c);
		if (!c.failed)
			pool_parallel(l->n,
				cores > MAX_THREADS ? MAX_THREADS
					: cores > 0 ? (int)cores
						    : 1,
				copy_one, &c);
		finish_dirs(&c);
		errno = c.failed;
		if (!errno &&
			(fchmodat(AT_FDCWD, dst, 0755, 0) || chown(dst, (uid_t)uid, (gid_t)gid)))
			c.failed = errno;
		errno = c.failed;
		rc = !errno ? 0
			    : err_sys(e, "disk", "%s could not be copied to %s",
				      l->n ? l->e[c.which].path : src, dst);
	}
	if (c.src >= 0)
		close(c.src);
	if (c.dst >= 0)
		close(c.dst);
	return rc;
}
