/* cache.c - the walk's memory: items by path, and their file. */
#include "git/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

enum { MAGIC_LEN = 8, MAX_CACHE = 256 << 20, RACY_NS = 20000000 };
static const char MAGIC[MAGIC_LEN + 1] = "yolowlk1";

void cache_init(struct walk_cache *c)
{
	memset(c, 0, sizeof *c);
	c->files = -1;
}

void cache_release(struct walk_cache *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->item[i].path);
	free(c->item);
	free(c->slot);
	free(c->commit);
	free(c->tree);
	strv_release(&c->paths);
	cache_init(c);
}

static uint64_t hash(const void *data, size_t n, uint64_t h)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h;
}

enum { HASH_SEED = 0x9e3779b9 };

static size_t slot_of(const struct walk_cache *c, const char *path)
{
	size_t s = hash(path, strlen(path), HASH_SEED) & (c->nslot - 1);

	while (c->slot[s] && strcmp(c->item[c->slot[s] - 1].path, path))
		s = (s + 1) & (c->nslot - 1);
	return s;
}

static void grow_slots(struct walk_cache *c)
{
	free(c->slot);
	c->nslot = c->nslot ? c->nslot * 4 : 1024;
	c->slot = xcalloc(c->nslot, sizeof *c->slot);
	for (size_t i = 0; i < c->n; i++)
		c->slot[slot_of(c, c->item[i].path)] = i + 1;
}

static int64_t ns(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct walk_item *cache_add(struct walk_cache *c, const char *path, uint32_t mode, const struct stat *st)
{
	struct walk_item *i;
	size_t s;

	if ((c->n + 1) * 2 > c->nslot)
		grow_slots(c);
	s = slot_of(c, path);
	if (!c->slot[s]) {
		if (c->n == c->cap) {
			c->cap = c->cap ? c->cap * 2 : 256;
			c->item = xrealloc(c->item, c->cap * sizeof *c->item);
		}
		memset(&c->item[c->n], 0, sizeof *c->item);
		c->item[c->n].path = xstrdup(path);
		c->slot[s] = ++c->n;
	}
	i = &c->item[c->slot[s] - 1];
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
	s = slot_of(c, path);
	return c->slot[s] ? &c->item[c->slot[s] - 1] : NULL;
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
	return i->ctime && i->mode == cache_mode(st->st_mode) && i->size == st->st_size && i->mtime == ns(st->st_mtim) &&
	       i->ctime == ns(st->st_ctim) && i->ino == st->st_ino && i->ctime < c->time - RACY_NS;
}

static void put_str(struct buf *b, const char *s)
{
	uint32_t n = s ? (uint32_t)strlen(s) : 0;

	buf_add(b, &n, sizeof n);
	buf_add(b, s ? s : "", n);
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

static char *get_str(struct reader *r)
{
	uint32_t n;
	char *s;

	if (r->end - r->p < (ptrdiff_t)sizeof n) {
		r->bad = true;
		return xstrdup("");
	}
	memcpy(&n, r->p, sizeof n);
	r->p += sizeof n;
	if (n > 65536 || n > (size_t)(r->end - r->p)) {
		r->bad = true;
		return xstrdup("");
	}
	s = xstrndup(r->p, n);
	r->p += n;
	return s;
}

static void get_items(struct walk_cache *c, struct reader *r)
{
	int64_t n = get_int(r);

	for (int64_t k = 0; k < n && !r->bad; k++) {
		char *path = get_str(r);
		struct walk_item *i = cache_add(c, path, (uint32_t)get_int(r), NULL);

		i->size = get_int(r);
		i->mtime = get_int(r);
		i->ctime = get_int(r);
		i->ino = (uint64_t)get_int(r);
		free(path);
	}
}

int cache_load(struct walk_cache *c, const char *path, struct err *e)
{
	struct buf b = BUF_INIT;
	struct reader r = { NULL, NULL, false };
	uint64_t sum = 0;
	int64_t npaths;

	cache_init(c);
	if (fs_read(path, MAX_CACHE, &b, e))
		return -1;
	if (b.len > MAGIC_LEN + sizeof sum && !memcmp(b.p, MAGIC, MAGIC_LEN)) {
		r.p = b.p + MAGIC_LEN;
		r.end = b.p + b.len - sizeof sum;
		memcpy(&sum, r.end, sizeof sum);
	}
	if (!r.p || sum != hash(b.p, b.len - sizeof sum, HASH_SEED)) {
		buf_release(&b);
		return err_set(e, "damaged", "%s is damaged", path);
	}
	c->commit = get_str(&r);
	c->tree = get_str(&r);
	c->time = get_int(&r);
	c->files = (int)get_int(&r);
	c->added = get_int(&r);
	c->removed = get_int(&r);
	npaths = get_int(&r);
	for (int64_t k = 0; k < npaths && !r.bad; k++)
		strv_take(&c->paths, get_str(&r));
	get_items(c, &r);
	buf_release(&b);
	if (!r.bad)
		return 0;
	cache_release(c);
	return err_set(e, "damaged", "%s is damaged", path);
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
	put_int(&b, c->time);
	put_int(&b, c->files);
	put_int(&b, c->added);
	put_int(&b, c->removed);
	put_int(&b, (int64_t)c->paths.n);
	for (size_t i = 0; i < c->paths.n; i++)
		put_str(&b, c->paths.v[i]);
	put_int(&b, (int64_t)c->n);
	for (size_t i = 0; i < c->n; i++) {
		put_str(&b, c->item[i].path);
		put_int(&b, c->item[i].mode);
		put_int(&b, c->item[i].size);
		put_int(&b, c->item[i].mtime);
		put_int(&b, c->item[i].ctime);
		put_int(&b, (int64_t)c->item[i].ino);
	}
	sum = hash(b.p, b.len, HASH_SEED);
	buf_add(&b, &sum, sizeof sum);
	/* No fsync: this is written every few seconds, and the checksum tells a file that a power cut tore. */
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
