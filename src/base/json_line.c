/* json_line.c - where a value or a key stands in a relaxed text. */
#include "base/json.h"

#include <string.h>

#include "base/json_scan.h"

/* Bytes of `path` that `key` covers, 0 = it does not start with it. A key may itself hold dots. */
static size_t covers(const char *path, const struct buf *key)
{
	if (strncmp(path, key->p, key->len) || !strchr(".[", path[key->len]))
		return 0;
	return key->len;
}

/* Parses "[12]"; bytes used or 0. */
static size_t index_of(const char *path, size_t *index)
{
	size_t i = 1;

	*index = 0;
	if (path[0] != '[')
		return 0;
	for (; path[i] >= '0' && path[i] <= '9' && i < 10; i++)
		*index = *index * 10 + (size_t)(path[i] - '0');
	return i > 1 && path[i] == ']' ? i + 1 : 0;
}

static int seek(struct json_scan *c, const char *path);

static int seek_item(struct json_scan *c, const char *path)
{
	size_t want, used = index_of(path, &want);

	if (!used || !json_scan_take(c, '['))
		return -1;
	for (size_t i = 0; i < want; i++)
		if (json_scan_value(c) < 0 || !json_scan_take(c, ','))
			return -1;
	path += used;
	return seek(c, *path == '.' ? path + 1 : path);
}

/* Leaves c on the value of the first member for which `pick` says so; *key_at = offset of its key.
 */
static int seek_member(struct json_scan *c, const char *path)
{
	if (!json_scan_take(c, '{'))
		return -1;
	do {
		struct buf key = BUF_INIT;
		size_t used;
		int rc;

		json_scan_blank(c);
		rc = json_scan_string(c, &key);
		used = rc == 0 ? covers(path, &key) : 0;
		buf_release(&key);
		if (rc < 0 || !json_scan_take(c, ':'))
			return -1;
		if (used) {
			struct json_scan inside = *c;
			const char *rest = path + used;

			/* "a.b" may be a key of its own beside "a": try on when this one leads
			 * nowhere. */
			if (seek(&inside, *rest == '.' ? rest + 1 : rest) == 0) {
				*c = inside;
				return 0;
			}
		}
		if (json_scan_value(c) < 0)
			return -1;
	} while (json_scan_take(c, ','));
	return -1;
}

/* Leaves c on the first byte of the value at path. */
static int seek(struct json_scan *c, const char *path)
{
	json_scan_blank(c);
	if (!*path)
		return c->at < c->n && !strchr("]},", c->s[c->at]) ? 0 : -1;
	return *path == '[' ? seek_item(c, path) : seek_member(c, path);
}

static int find_key(struct json_scan *c, const char *want, size_t *at)
{
	if (!json_scan_take(c, '{'))
		return -1;
	do {
		struct buf key = BUF_INIT;
		bool hit;

		json_scan_blank(c);
		*at = c->at;
		if (json_scan_string(c, &key) < 0) {
			buf_release(&key);
			return -1;
		}
		hit = !strcmp(key.p, want);
		buf_release(&key);
		if (hit)
			return 0;
		if (!json_scan_take(c, ':') || json_scan_value(c) < 0)
			return -1;
	} while (json_scan_take(c, ','));
	return -1;
}

static int line_of(const char *text, size_t n, const char *path, const char *key)
{
	struct buf plain = BUF_INIT;
	struct err ignored = ERR_INIT;
	struct json_scan c = { .n = n, .e = &ignored };
	int line = 0;

	if (json_scan_relax(text, n, &plain, &ignored) == 0) {
		c.s = plain.p;
		if (seek(&c, path) == 0) {
			size_t at = c.at;

			if (!key || find_key(&c, key, &at) == 0)
				line = json_scan_line(plain.p, at);
		}
	}
	buf_release(&plain);
	return line;
}

int json_line_of(const char *text, size_t n, const char *path)
{
	return line_of(text, n, path, NULL);
}

int json_line_of_key(const char *text, size_t n, const char *path, const char *key)
{
	return line_of(text, n, path, key);
}
