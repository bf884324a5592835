/* pack.c - a tree as a tar, also while its owner is still changing it, and also when its owner
 * is hostile.
 *
 * Every step goes by a descriptor of the directory and never through a link, so a directory swapped
 * for a link leads nowhere. What is opened is looked at again. A file gives exactly the bytes that
 * its header promised: less is filled with zeros, more is cut. GNU's format: its long names are
 * plain bytes, as names are. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/run.h"

enum { BLOCK = 512, DEPTH = 512, PATH_BYTES = 4096, OUT_BYTES = 256 * 1024, LIST_BYTES = 4096 };
enum { MAX_ENTRIES = 1000000 };
/* whoever wants our tar takes no more; so it does not fill a disk either */
static const uint64_t max_bytes = 20ull << 30;

struct level {
	int fd;
	size_t path; /* length of its path, with the slash */
	long list, at; /* bytes in entries, of which are done */
	_Alignas(8) char entries[LIST_BYTES];
};
struct entry { /* linux_dirent64 */
	uint64_t ino, off;
	uint16_t len;
	uint8_t type;
	char name[];
};

static struct level levels[DEPTH];
static int depth;
static char path[PATH_BYTES];
static char out[OUT_BYTES];
static size_t out_len;
static int out_fd, out_errno;
static uint64_t packed, entries, skipped;

static void flush(void)
{
	for (size_t done = 0; done < out_len && !out_errno;) {
		ssize_t n = write(out_fd, out + done, out_len - done);
		if (n < 0)
			out_errno = errno;
		else
			done += (size_t)n;
	}
	out_len = 0;
}

static void put(const void *p, size_t n)
{
	while (n > 0) {
		size_t part = n < OUT_BYTES - out_len ? n : OUT_BYTES - out_len;
		memcpy(out + out_len, p, part);
		out_len += part;
		p = (const char *)p + part;
		n -= part;
		if (out_len == OUT_BYTES)
			flush();
	}
}

static void zeros(uint64_t n)
{
	static const char none[BLOCK];

	for (; n > 0; n -= n < BLOCK ? n : BLOCK)
		put(none, n < BLOCK ? (size_t)n : BLOCK);
}

/* Octal with its NUL; what does not fit goes in binary, marked by the first byte's high bit. */
static void number(char *field, size_t size, uint64_t v)
{
	if (v >> (3 * (size - 1)) == 0) {
		for (size_t i = size - 1; i-- > 0; v >>= 3)
			field[i] = (char)('0' + (v & 7));
		return;
	}
	for (size_t i = size; i-- > 0; v >>= 8)
		field[i] = (char)(v & 255);
	field[0] = (char)0x80;
}

static void header(
	const char *name, const char *link, char type, const struct stat *st, uint64_t size)
{
	char h[BLOCK] = { 0 };
	unsigned sum = 0;

	memcpy(h, name, strnlen(name, 100));
	number(h + 100, 8, st->st_mode & 07777);
	number(h + 108, 8, 0);
	number(h + 116, 8, 0);
	number(h + 124, 12, size);
	number(h + 136, 12, st->st_mtime > 0 ? (uint64_t)st->st_mtime : 0);
	memset(h + 148, ' ', 8);
	h[156] = type;
	memcpy(h + 157, link, strnlen(link, 100));
	memcpy(h + 257, "ustar  ", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	number(h + 148, 7, sum);
	put(h, BLOCK);
}

static void long_name(char type, const char *name)
{
	static const struct stat plain = { .st_mode = 0644 };
	size_t n = strlen(name) + 1;

	if (n <= 100)
		return;
	header("././@LongLink", "", type, &plain, n);
	put(name, n);
	zeros(-n & (BLOCK - 1));
}

static void member(const char *link, char type, const struct stat *st, uint64_t size)
{
	long_name('K', link);
	long_name('L', path);
	header(path, link, type, st, size);
	entries++;
}

static void pack_file(int fd, const struct stat *st)
{
	uint64_t left = (uint64_t)st->st_size;

	packed += left;
	if (packed > max_bytes)
		return;
	member("", '0', st, left);
	while (left > 0 && !out_errno) {
		size_t want = left < OUT_BYTES - out_len ? (size_t)left : OUT_BYTES - out_len;
		ssize_t n = read(fd, out + out_len, want);
		if (n <= 0)
			break;
		out_len += (size_t)n;
		left -= (size_t)n;
		if (out_len == OUT_BYTES)
			flush();
	}
	if (!out_errno)
		zeros(left + (-(uint64_t)st->st_size & (BLOCK - 1)));
}

static void enter(int fd, size_t len)
{
	struct level *l = &levels[depth++];

	l->fd = fd;
	l->path = len;
	l->list = l->at = 0;
}

static void pack_link(int dir, const char *name, const struct stat *st)
{
	char to[PATH_BYTES];
	ssize_t n = readlinkat(dir, name, to, sizeof to - 1);

	if (n <= 0)
		return;
	to[n] = 0;
	member(to, '2', st, 0);
}

/* Opens what was just seen to be a file or directory; it may be something else by now, which is
 * then looked at like this. */
static void pack_open(int dir, const char *name, bool is_dir, size_t len)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0) {
		skipped += errno != ENOENT;
		return;
	}
	if (fstat(fd, &st) < 0 || (is_dir ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)) ||
		(is_dir && depth == DEPTH)) {
		skipped++;
	} else if (is_dir) {
		memcpy(path + len, "/", 2);
		member("", '5', &st, 0);
		enter(fd, len + 1);
		return;
	} else {
		pack_file(fd, &st);
	}
	close(fd);
}

static void pack_entry(const struct level *l, const char *name)
{
	struct stat st;
	size_t n = strlen(name), len = l->path + n;

	if (!strcmp(name, ".") || !strcmp(name, "..") || (depth == 1 && !strcmp(name, ".git")))
		return;
	if (len + 2 > sizeof path) {
		skipped++;
		return;
	}
	memcpy(path + l->path, name, n + 1);
	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISLNK(st.st_mode))
		pack_link(l->fd, name, &st);
	else if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
		pack_open(l->fd, name, S_ISDIR(st.st_mode), len);
	else
		skipped++;
}

static void walk(void)
{
	while (depth > 0 && !out_errno && packed <= max_bytes && entries <= MAX_ENTRIES) {
		struct level *l = &levels[depth - 1];
		if (l->at == l->list) {
			l->at = 0;
			l->list = syscall(SYS_getdents64, l->fd, l->entries, sizeof l->entries);
			if (l->list <= 0) {
				skipped += l->list < 0;
				close(l->fd);
				depth--;
				continue;
			}
		}
		const struct entry *e = (const struct entry *)(const void *)(l->entries + l->at);
		l->at += e->len;
		pack_entry(l, e->name);
	}
}

int pack(const char *dir, const char *to)
{
	struct rlimit files;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		dprintf(2, "runner: cannot read %s: %s\n", dir, strerror(errno));
		return RUN_FAULT;
	}
	out_fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	out_errno = out_fd < 0 ? errno : 0;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	enter(fd, 0);
	walk();
	zeros(2 * BLOCK);
	flush();
	if (!out_errno && close(out_fd) < 0)
		out_errno = errno;
	if (out_errno)
		dprintf(2, "runner: cannot write %s: %s\n", to, strerror(out_errno));
	else if (packed > max_bytes || entries > MAX_ENTRIES)
		dprintf(2, "runner: the tree is larger than 20 GiB or a million files\n");
	else if (skipped)
		dprintf(2,
			"runner: skipped %llu that are no files, directories or links, or too deep\n",
			(unsigned long long)skipped);
	return out_errno || packed > max_bytes || entries > MAX_ENTRIES ? RUN_FAULT : 0;
}
