/* cache.c - the walk's memory: items by path, and their file. */
#include "git/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fnv1a64.h"
#include "base/fs.h"
#include "base/mem.h"

enum { MAGIC_LEN = 8, MAX_CACHE = 256 << 20, RACY_NS = 20000000, CHUNK = 64 << 10 };
static const char MAGIC[MAGIC_LEN + 1] = "yolowlk3";

/* item counts from 1, 0 = empty. The hash stands beside it so that a look-up meets few items in
 * vain. */
struct cache_slot {
	uint32_t item, hash;
};

void cache_init(struct walk_cache *c)
{
	memset(c, 0, sizeof *c);
	buf_init(&c->text);
	c->files = -1;
}

void cache_release(struct walk_cache *c)
{
	for (size_t i = 0; i < c->nchunk; i++)
		free(c->chunk[i]);
	free(c->chunk);
	free(c->item);
	free(c->slot);
	free(c->commit);
	free(c->tree);
	free(c->message);
	strv_release(&c->paths);
	buf_release(&c->text);
	cache_init(c);
}

/* FNV-1a, eight bytes at a time where order is all that matters. */
static uint64_t checksum(const char *p, size_t n)
{
	uint64_t h = FNV1A64_START, word;

	for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
		memcpy(&word, p, sizeof word);
		h = (h ^ word) * 1099511628211u;
		h ^= h >> 29;
	}
	return fnv1a64(h, p, n);
}

static uint32_t hash_path(const char *path)
{
	uint64_t h = fnv1a64(FNV1A64_START, path, strlen(path));

	return (uint32_t)(h ^ h >> 32);
}

static size_t engine_handle_of(const struct walk_cache *c, const char *path, uint32_t h)
{
	size_t s = h & (c->nslot - 1);

	while (c->slot[s].item &&
		(c->slot[s].hash != h || strcmp(c->item[c->slot[s].item - 1].path, path)))
		s = (s + 1) & (c->nslot - 1);
	return s;
}

/* Room for n items in a table at most half full. */
static void grow_slots(struct walk_cache *c, size_t n)
{
	if (n * 2 <= c->nslot)
		return;
	free(c->slot);
	c->nslot = c->nslot ? c->nslot : 512;
	while (n * 2 > c->nslot)
		c->nslot *= 2;
	c->nslot *= 2;
	c->slot = xcalloc(c->nslot, sizeof *c->slot);
	for (size_t i = 0; i < c->n; i++) {
		size_t s = c->item[i].hash & (c->nslot - 1);

		while (c->slot[s].item)
			s = (s + 1) & (c->nslot - 1);
		c->slot[s] = (struct cache_slot){ (uint32_t)i + 1, c->item[i].hash };
	}
}

static const char *keep_path(struct walk_cache *c, const char *path)
{
	size_t n = strlen(path) + 1;
	char *p;

	if (!c->nchunk || c->chunk_used + n > CHUNK) {
		c->chunk = xrealloc(c->chunk, (c->nchunk + 1) * sizeof *c->chunk);
		c->chunk[c->nchunk++] = xmalloc(n > CHUNK ? n : CHUNK);
		c->chunk_used = 0;
	}
	p = c->chunk[c->nchunk - 1] + c->chunk_used;
	memcpy(p, path, n);
	c->chunk_used += n;
	return p;
}

/* The item of a path, made if needed; lasting: the path may be kept by pointer. */
static struct walk_item *item_of(struct walk_cache *c, const char *path, bool lasting)
{
	uint32_t h = hash_path(path);
	struct walk_item *i;
	size_t s;

	grow_slots(c, c->n + 1);
	s = engine_handle_of(c, path, h);
	if (c->slot[s].item)
		return &c->item[c->slot[s].item - 1];
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 256;
		c->item = xrealloc(c->item, c->cap * sizeof *c->item);
	}
	i = &c->item[c->n++];
	memset(i, 0, sizeof *i);
	i->path = lasting ? path : keep_path(c, path);
	i->hash = h;
	c->slot[s] = (struct cache_slot){ (uint32_t)c->n, h };
	return i;
}

static int64_t ns(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct walk_item *cache_add(
	struct walk_cache *c, const char *path, uint32_t mode, const struct stat *st)
{
	struct walk_item *i = item_of(c, path, false);

	i->mode = mode;
	i->size = st ? st->st_size : 0;
	i->mtime = st ? ns(st->st_mtim) : 0;
	i->ctime = st ? ns(st->st_ctim) : 0;
	i->ino = st ? st->st_ino : 0;
	return i;
}

struct walk_item *cache_find(const struct walk_cache *c, const char *path)
{
	size_t s;

	if (!c->nslot)
		return NULL;
	s = engine_handle_of(c, path, hash_path(path));
	return c->slot[s].item ? &c->item[c->slot[s].item - 1] : NULL;
}

void cache_add_same(struct walk_cache *c, const struct walk_cache *old)
{
	for (size_t k = 0; k < old->n; k++) {
		const struct walk_item *from = &old->item[k];
		struct walk_item *to;

		if (!from->same)
			continue;
		to = cache_add(c, from->path, from->mode, NULL);
		to->size = from->size;
		to->mtime = from->mtime;
		to->ctime = from->ctime;
		to->ino = from->ino;
	}
}

void cache_add_parents(struct walk_cache *c)
{
	for (size_t i = 0; i < c->n; i++) {
		char *path = xstrdup(c->item[i].path), *slash;

		while ((slash = strrchr(path, '/'))) {
			*slash = '\0';
			if (cache_find(c, path))
				break;
			cache_add(c, path, MODE_DIR, NULL);
		}
		free(path);
	}
}

uint32_t cache_mode(mode_t m)
{
	if (S_ISREG(m))
		return m & 0100 ? MODE_EXEC : MODE_FILE;
	if (S_ISLNK(m))
		return MODE_LINK;
	return S_ISDIR(m) ? MODE_DIR : 0;
}

bool cache_unchanged(const struct walk_cache *c, const struct walk_item *i, const struct stat *st)
{
	return i->ctime && i->mode == cache_mode(st->st_mode) && i->size == st->st_size &&
		i->mtime == ns(st->st_mtim) && i->ctime == ns(st->st_ctim) &&
		i->ino == st->st_ino && i->ctime < c->time - RACY_NS;
}

/* A text is its length, its bytes, and a NUL, so that it can be used where it stands. */
static void put_str(struct buf *b, const char *s)
{
	uint32_t n = (uint32_t)strlen(s);

	buf_add(b, &n, sizeof n);
	buf_add(b, s, n + 1);
}

static void put_int(struct buf *b, int64_t v)
{
	buf_add(b, &v, sizeof v);
}

struct reader {
	const char *p, *end;
	bool bad;
};

static int64_t get_int(struct reader *r)
{
	int64_t v = 0;

	if (r->end - r->p < (ptrdiff_t)sizeof v) {
		r->bad = true;
		return 0;
	}
	memcpy(&v, r->p, sizeof v);
	r->p += sizeof v;
	return v;
}

static const char *get_str(struct reader *r)
{
	const char *s;
	uint32_t n;

	if (r->end - r->p < (ptrdiff_t)sizeof n) {
		r->bad = true;
		return "";
	}
	memcpy(&n, r->p, sizeof n);
	r->p += sizeof n;
	if (n > 65536 || n >= (size_t)(r->end - r->p) || r->p[n]) {
		r->bad = true;
		return "";
	}
	s = r->p;
	r->p += n + 1;
	return s;
}

static void get_items(struct walk_cache *c, struct reader *r)
{
	int64_t n = get_int(r);

	if (n < 0 || n > r->end - r->p) {
		r->bad = true;
		return;
	}
	grow_slots(c, (size_t)n);
	for (int64_t k = 0; k < n && !r->bad; k++) {
		struct walk_item *i = item_of(c, get_str(r), true);

		i->mode = (uint32_t)get_int(r);
		i->size = get_int(r);
		i->mtime = get_int(r);
		i->ctime = get_int(r);
		i->ino = (uint64_t)get_int(r);
	}
}

static void get_head(struct walk_cache *c, struct reader *r)
{
	int64_t npaths;

	c->commit = xstrdup(get_str(r));
	c->tree = xstrdup(get_str(r));
	c->message = xstrdup(get_str(r));
	c->time = get_int(r);
	c->files = (int)get_int(r);
	c->added = get_int(r);
	c->removed = get_int(r);
	npaths = get_int(r);
	for (int64_t k = 0; k < npaths && !r->bad; k++)
		strv_add(&c->paths, get_str(r));
}

int cache_load(struct walk_cache *c, const char *path, struct err *e)
{
	struct reader r = { NULL, NULL, false };
	uint64_t sum = 0;

	cache_init(c);
	if (fs_read(path, MAX_CACHE, &c->text, e))
		return -1;
	if (c->text.len > MAGIC_LEN + sizeof sum && !memcmp(c->text.p, MAGIC, MAGIC_LEN)) {
		r.p = c->text.p + MAGIC_LEN;
		r.end = c->text.p + c->text.len - sizeof sum;
		memcpy(&sum, r.end, sizeof sum);
	}
	if (r.p && sum == checksum(c->text.p, c->text.len - sizeof sum)) {
		get_head(c, &r);
		get_items(c, &r);
		if (!r.bad)
			return 0;
	}
	cache_release(c);
	return err_set(e, "damaged", "%s is damaged", path);
}

static void put_items(struct buf *b, const struct walk_cache *c)
{
	put_int(b, (int64_t)c->n);
	for (size_t i = 0; i < c->n; i++) {
		put_str(b, c->item[i].path);
		put_int(b, c->item[i].mode);
		put_int(b, c->item[i].size);
		put_int(b, c->item[i].mtime);
		put_int(b, c->item[i].ctime);
		put_int(b, (int64_t)c->item[i].ino);
	}
}

int cache_save(const struct walk_cache *c, const char *path, struct err *e)
{
	struct buf b = BUF_INIT;
	char *tmp = xasprintf("%s.new", path);
	uint64_t sum;
	int rc = -1, fd;

	buf_add(&b, MAGIC, MAGIC_LEN);
	put_str(&b, c->commit);
	put_str(&b, c->tree);
	put_str(&b, c->message ? c->message : "");
	put_int(&b, c->time);
	put_int(&b, c->files);
	put_int(&b, c->added);
	put_int(&b, c->removed);
	put_int(&b, (int64_t)c->paths.n);
	for (size_t i = 0; i < c->paths.n; i++)
		put_str(&b, c->paths.v[i]);
	put_items(&b, c);
	sum = checksum(b.p, b.len);
	buf_add(&b, &sum, sizeof sum);
	/* No fsync: this is written every few seconds, and the checksum tells a file that a power
	 * cut tore. */
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		rc = fs_write_all(fd, b.p, b.len);
	if (fd >= 0 && close(fd))
		rc = -1;
	if (!rc)
		rc = rename(tmp, path);
	if (rc)
		err_sys(e, "disk", "%s could not be written", path);
	buf_release(&b);
	free(tmp);
	return rc ? -1 : 0;
}
