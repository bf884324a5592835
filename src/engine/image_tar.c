/* image_tar.c - a directory as a tar (pax), for the daemon that builds it. Links are never
 * followed; what is no file, directory or link is left out. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/image.h"

enum { BLOCK = 512, PIECE = 256 << 10, DEPTH = 128, ENTRIES = 1000000, IGNORE_MAX = 1 << 20 };

struct packer {
	int out;
	char *piece;
	size_t used;
	int64_t size;
	long entries;
	struct strv ignore;
	bool takes_back; /* there is a "!": an ignored directory may hold what is wanted */
	const atomic_bool *stop;
	struct err *e;
};

static int flush(struct packer *k)
{
	if (fs_write_all(k->out, k->piece, k->used) < 0)
		return err_sys(k->e, "image_build", "cannot store the build's files");
	k->used = 0;
	return 0;
}

static int put(struct packer *k, const void *data, size_t n)
{
	const char *p = data;
	k->size += (int64_t)n;
	while (n) {
		size_t take = PIECE - k->used < n ? PIECE - k->used : n;
		memcpy(k->piece + k->used, p, take);
		k->used += take;
		p += take;
		n -= take;
		if (k->used == PIECE && flush(k) < 0)
			return -1;
	}
	return 0;
}

static int pad(struct packer *k)
{
	static const char zeros[BLOCK];
	size_t over = (size_t)(k->size % BLOCK);
	return over ? put(k, zeros, BLOCK - over) : 0;
}

static int header(struct packer *k, const char *name, const struct stat *st, char type,
	int64_t size, const char *link)
{
	char b[BLOCK] = "";
	unsigned sum = 0;
	snprintf(b, 101, "%s", name);
	snprintf(b + 100, 8, "%07o", (unsigned)st->st_mode & 07777);
	snprintf(b + 108, 8, "%07o", 0U);
	snprintf(b + 116, 8, "%07o", 0U);
	snprintf(b + 124, 12, "%011llo", (unsigned long long)size & 077777777777ULL);
	snprintf(b + 136, 12, "%011llo",
		st->st_mtime > 0 ? (unsigned long long)st->st_mtime & 077777777777ULL : 0ULL);
	memset(b + 148, ' ', 8);
	b[156] = type;
	snprintf(b + 157, 101, "%s", link);
	memcpy(b + 257, "ustar\00000", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)b[i];
	snprintf(b + 148, 7, "%06o", sum);
	b[155] = ' ';
	return put(k, b, BLOCK);
}

static void pax(struct buf *b, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, digits = 1;
	char text[24];
	while ((size_t)snprintf(text, sizeof(text), "%zu", rest + digits) > digits)
		digits++;
	buf_fmt(b, "%zu %s=%s\n", rest + digits, key, value);
}

static int entry(
	struct packer *k, const char *name, const struct stat *st, char type, const char *link)
{
	struct buf more = BUF_INIT;
	char text[32];
	int64_t size = type == '0' ? (int64_t)st->st_size : 0;
	int rc = 0;
	if (strlen(name) > 100)
		pax(&more, "path", name);
	if (strlen(link) > 100)
		pax(&more, "linkpath", link);
	if (size > 077777777777LL) {
		snprintf(text, sizeof(text), "%lld", (long long)size);
		pax(&more, "size", text);
	}
	if (more.len)
		rc = header(k, "pax", st, 'x', (int64_t)more.len, "") || put(k, more.p, more.len) ||
			pad(k);
	buf_release(&more);
	return rc || header(k, name, st, type, size, link) ? -1 : 0;
}

static int file(struct packer *k, int dir, const char *base, const char *name)
{
	struct stat st;
	char *piece;
	int rc = -1, fd = openat(dir, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_sys(k->e, "image_build", "cannot read %s; .dockerignore can leave it out",
			name);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		rc = 0;
		goto out;
	}
	if (entry(k, name, &st, '0', "") < 0)
		goto out;
	piece = xmalloc(PIECE);
	int64_t left = st.st_size;
	while (left > 0 && !atomic_load(k->stop)) {
		ssize_t n = read(fd, piece, left < PIECE ? (size_t)left : PIECE);
		if (n <= 0) {
			err_set(k->e, "image_build", "%s became shorter while it was read", name);
			break;
		}
		if (put(k, piece, (size_t)n) < 0)
			break;
		left -= n;
	}
	free(piece);
	if (left == 0)
		rc = pad(k);
out:
	if (fd >= 0)
		close(fd);
	return rc;
}

static int link_(
	struct packer *k, int dir, const char *base, const char *name, const struct stat *st)
{
	char to[4096];
	ssize_t n = readlinkat(dir, base, to, sizeof(to) - 1);
	if (n < 0)
		return err_sys(k->e, "image_build", "cannot read %s", name);
	to[n] = 0;
	return entry(k, name, st, '2', to);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int walk(struct packer *k, int dir, const char *prefix, int depth);

static int one(struct packer *k, int dir, const char *base, const char *name, int depth)
{
	struct stat st;
	bool out = image_ignored(&k->ignore, name);
	bool always = !strcmp(name, "Dockerfile") || !strcmp(name, ".dockerignore");
	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(k->e, "image_build", "cannot read %s", name);
	if (out && !always && (!S_ISDIR(st.st_mode) || !k->takes_back))
		return 0;
	if (++k->entries > ENTRIES)
		return err_set(k->e, "image_build",
			"it holds more than %d files; .dockerignore can leave some out", ENTRIES);
	if (S_ISLNK(st.st_mode))
		return link_(k, dir, base, name, &st);
	if (!S_ISDIR(st.st_mode))
		return S_ISREG(st.st_mode) ? file(k, dir, base, name) : 0;
	if (!out) {
		char *slash = xasprintf("%s/", name);
		int rc = entry(k, slash, &st, '5', "");
		free(slash);
		if (rc < 0)
			return -1;
	}
	int sub = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0)
		return err_sys(k->e, "image_build",
			"cannot read %s; .dockerignore can leave it out", name);
	return walk(k, sub, name, depth + 1);
}

/* Takes over dir. In order of the names, so that equal directories make equal tars. */
static int walk(struct packer *k, int dir, const char *prefix, int depth)
{
	struct strv names = STRV_INIT;
	DIR *d = depth < DEPTH ? fdopendir(dir) : NULL;
	int rc = 0;
	if (!d) {
		close(dir);
		return err_set(k->e, "image_build", "cannot read %s", prefix);
	}
	for (struct dirent *x; (x = readdir(d));)
		if (strcmp(x->d_name, ".") && strcmp(x->d_name, ".."))
			strv_add(&names, x->d_name);
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), by_name);
	for (size_t i = 0; i < names.n && !rc; i++) {
		char *name = *prefix ? fs_join(prefix, names.v[i]) : xstrdup(names.v[i]);
		rc = atomic_load(k->stop) ? err_set(k->e, "stopped", "stopped")
					  : one(k, dir, names.v[i], name, depth);
		free(name);
	}
	strv_release(&names);
	closedir(d);
	return rc;
}

static void read_ignore(struct packer *k, const char *dir)
{
	char *path = fs_join(dir, ".dockerignore");
	struct buf b = BUF_INIT;
	struct err none = ERR_INIT;
	if (fs_read(path, IGNORE_MAX, &b, &none) == 0)
		image_ignore_parse(b.p, &k->ignore);
	for (size_t i = 0; i < k->ignore.n; i++)
		k->takes_back |= k->ignore.v[i][0] == '!';
	buf_release(&b);
	free(path);
}

int image_tar(
	const char *dir, const char *tmp_dir, const atomic_bool *stop, int64_t *size, struct err *e)
{
	static const char end[2 * BLOCK];
	char *path = xasprintf("%s/build-XXXXXX", tmp_dir);
	struct packer k = { .stop = stop, .e = e };
	int rc = -1, top;
	k.out = mkostemp(path, O_CLOEXEC);
	k.piece = xmalloc(PIECE);
	if (k.out < 0) {
		err_sys(e, "image_build", "cannot write below %s", tmp_dir);
		goto out;
	}
	unlink(path);
	top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0) {
		err_sys(e, "image_build", "cannot read %s", dir);
		goto out;
	}
	read_ignore(&k, dir);
	if (walk(&k, top, "", 0) == 0 && put(&k, end, sizeof(end)) == 0 && flush(&k) == 0)
		rc = 0;
	*size = k.size;
out:
	strv_release(&k.ignore);
	free(k.piece);
	free(path);
	if (rc && k.out >= 0)
		close(k.out);
	return rc ? -1 : k.out;
}
