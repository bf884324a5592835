/* journal.c - the append-only file of intents and completions: chained checksums, fsync, cut at the
 * first damage. */
#include "model/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/pool.h"

enum { JOURNAL_MAX = 1 << 30, SEAL_LEN = 18 };

struct journal {
	int fd;
	char *path;
	off_t len; /* bytes of whole, good lines */
	uint32_t chain; /* checksum of the last good line */
	int last; /* highest intent number */
	bool broken; /* an fsync failed: what the disk holds is not known */
	struct pool_lock *lock;
};

/* CRC-32 (IEEE 802.3, reflected), seeded with the line before: a line taken out, doubled or moved
 * shows too. */
static uint32_t crc32_of(uint32_t seed, const char *p, size_t n)
{
	uint32_t c = ~seed;

	while (n--) {
		c ^= (unsigned char)*p++;
		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (0xedb88320u & -(c & 1));
	}
	return ~c;
}

/* A line is {...,"crc":"xxxxxxxx"}; the checksum covers what stands before `,"crc"`. */
static bool seal_holds(const char *line, size_t n, uint32_t seed, uint32_t *crc)
{
	char want[SEAL_LEN + 1];

	if (n <= SEAL_LEN)
		return false;
	*crc = crc32_of(seed, line, n - SEAL_LEN);
	snprintf(want, sizeof(want), ",\"crc\":\"%08" PRIx32 "\"}", *crc);
	return memcmp(line + n - SEAL_LEN, want, SEAL_LEN) == 0;
}

/* Replays whole lines; returns the length of the good prefix. */
static size_t replay(struct journal *j, const struct buf *b,
	void (*fn)(void *ctx, const struct json *line), void *ctx)
{
	size_t off = 0;

	while (off < b->len) {
		const char *nl = memchr(b->p + off, '\n', b->len - off);
		struct err e = ERR_INIT;
		struct json *line;
		uint32_t crc;
		size_t n;

		if (!nl)
			break;
		n = (size_t)(nl - (b->p + off));
		if (!seal_holds(b->p + off, n, j->chain, &crc))
			break;
		line = json_parse(b->p + off, n, &e);
		if (!line)
			break;
		if (json_int(line, "n", 0) > j->last)
			j->last = (int)json_int(line, "n", 0);
		if (fn)
			fn(ctx, line);
		json_free(line);
		j->chain = crc;
		off += n + 1;
	}
	return off;
}

/* Damaged lines are evidence: they go to <path>.bad before the file is cut. */
static int keep_bad(const char *path, const char *p, size_t n, struct err *e)
{
	char *bad = xasprintf("%s.bad", path);
	int fd = open(bad, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600), rc = 0;

	if (fd < 0 || fs_write_all(fd, p, n) < 0 || fsync(fd) < 0)
		rc = err_sys(
			e, "journal", "the damaged part of %s cannot be kept in %s", path, bad);
	if (fd >= 0)
		close(fd);
	free(bad);
	return rc;
}

static int cut(struct journal *j, const struct buf *b, size_t good, size_t *torn, struct err *e)
{
	size_t rest = b->len - good;

	*torn = rest;
	if (!rest)
		return 0;
	if (memchr(b->p + good, '\n', rest) && keep_bad(j->path, b->p + good, rest, e) < 0)
		return -1;
	if (ftruncate(j->fd, (off_t)good) < 0 || fsync(j->fd) < 0)
		return err_sys(e, "journal", "%s cannot be cut to its good part", j->path);
	return 0;
}

static int sync_dir(const char *path, struct err *e)
{
	char *dir = fs_dirname(path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = err_sys(e, "journal", "the directory %s cannot be written to disk", dir);
	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

struct journal *journal_open(const char *path, void (*fn)(void *ctx, const struct json *line),
	void *ctx, size_t *torn, struct err *e)
{
	struct journal *j = xcalloc(1, sizeof(*j));
	struct buf b = BUF_INIT;
	size_t good;

	*torn = 0;
	j->path = xstrdup(path);
	j->lock = pool_lock_new();
	j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->fd < 0) {
		err_sys(e, "journal", "the journal %s cannot be opened", path);
		goto fail;
	}
	if (sync_dir(path, e) < 0 || fs_read(path, JOURNAL_MAX, &b, e) < 0)
		goto fail;
	good = replay(j, &b, fn, ctx);
	j->len = (off_t)good;
	if (cut(j, &b, good, torn, e) < 0)
		goto fail;
	buf_release(&b);
	return j;
fail:
	buf_release(&b);
	journal_close(j);
	return NULL;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	pool_lock_free(j->lock);
	free(j->path);
	free(j);
}

/* A failed write is taken back; after a failed fsync nothing may be believed until the file is read
 * again. */
static int append(struct journal *j, const struct json *o, struct err *e)
{
	struct buf b = BUF_INIT;
	uint32_t crc;
	int rc = -1;

	if (j->broken) {
		return err_set(e, "journal",
			"%s could not be written to disk earlier; restart yolodeck when the disk "
			"is well",
			j->path);
	}
	json_print(o, &b);
	b.len--; /* the closing brace comes back behind the checksum */
	crc = crc32_of(j->chain, b.p, b.len);
	buf_fmt(&b, ",\"crc\":\"%08" PRIx32 "\"}\n", crc);
	if (fs_write_all(j->fd, b.p, b.len) < 0) {
		err_sys(e, "journal", "%s cannot be written; nothing was started", j->path);
		j->broken = ftruncate(j->fd, j->len) < 0;
	} else if (fsync(j->fd) < 0) {
		err_sys(e, "journal", "%s cannot be written to disk; nothing was started", j->path);
		j->broken = true;
	} else {
		j->len += (off_t)b.len;
		j->chain = crc;
		rc = 0;
	}
	buf_release(&b);
	return rc;
}

static struct json *line_new(int n, const char *op, const char *stage, struct json *take_fields)
{
	struct json *o = json_object();

	json_put_int(o, "n", n);
	if (op)
		json_put_str(o, "op", op);
	json_put_str(o, "stage", stage);
	for (const struct json *c = json_first(take_fields); c; c = json_next(c)) {
		if (!json_get(o, json_key(c)))
			json_put(o, json_key(c), json_copy(c));
	}
	json_free(take_fields);
	return o;
}

int journal_intent(struct journal *j, const char *op, struct json *take_fields, struct err *e)
{
	struct json *o;
	int n;

	pool_lock_take(j->lock);
	n = j->last + 1;
	o = line_new(n, op, "intent", take_fields);
	if (append(j, o, e) < 0)
		n = -1;
	else
		j->last = n;
	pool_lock_give(j->lock);
	json_free(o);
	return n;
}

int journal_stage(
	struct journal *j, int n, const char *stage, struct json *take_fields, struct err *e)
{
	struct json *o = line_new(n, NULL, stage, take_fields);
	int rc;

	pool_lock_take(j->lock);
	rc = append(j, o, e);
	pool_lock_give(j->lock);
	json_free(o);
	return rc;
}
