/* spec.c - the life of a spec, and the small words of it: names, sizes, slugs. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/spec_image.h"
#include "model/spec_int.h"

enum { FILE_MAX = 1 << 20, SLUG_MAX = 24 };

void spec_init(struct spec *s)
{
	memset(s, 0, sizeof(*s));
}

void spec_variant_release(struct spec_variant *v)
{
	spec_field_release(spec_variant_fields, v);
	memset(v, 0, sizeof(*v));
}

void spec_release(struct spec *s)
{
	spec_field_release(spec_race_fields, s);
	free(s->file);
	spec_clear_matrix(s);
	for (size_t i = 0; i < s->nvariants; i++)
		spec_variant_release(&s->variants[i]);
	free(s->variants);
	memset(s, 0, sizeof(*s));
}

void spec_clear_matrix(struct spec *s)
{
	for (size_t i = 0; i < s->nmatrix; i++) {
		free(s->matrix[i].key);
		strv_release(&s->matrix[i].values);
	}
	free(s->matrix);
	s->matrix = NULL;
	s->nmatrix = 0;
}

void spec_drop_recipes(struct spec *s)
{
	for (size_t i = 0; i < s->nvariants; i++)
		spec_variant_release(&s->variants[i]);
	free(s->variants);
	s->variants = NULL;
	s->nvariants = 0;
	spec_clear_matrix(s);
	xreplace(&s->name, NULL);
	xreplace(&s->command, NULL);
	strv_clear(&s->argv);
	s->repeat = 0;
}

struct spec_variant *spec_add_variant(struct spec *s)
{
	s->variants = xrealloc(s->variants, (s->nvariants + 1) * sizeof(*s->variants));
	struct spec_variant *v = &s->variants[s->nvariants++];
	memset(v, 0, sizeof(*v));
	return v;
}

/* Names that stand beside the variants in a race's directory or among its refs. */
static bool is_reserved(const char *name)
{
	static const char *const taken[] = { "base", "pipe", "seed", "tpl" };
	static const char *const ends[] = { ".git", ".json", ".lock", ".tmp" };
	size_t n = strlen(name);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (!strcmp(name, taken[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (n > strlen(ends[i]) && !strcmp(name + n - strlen(ends[i]), ends[i]))
			return true;
	return !strncmp(name, "tpl.", 4);
}

bool spec_name_ok(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = strlen(name);
	if (n == 0 || n > SPEC_MAX_NAME || strspn(name, allowed) != n)
		return false;
	if (strchr("._-", name[0]) || name[n - 1] == '.' || strstr(name, ".."))
		return false;
	return strpbrk(name, "abcdefghijklmnopqrstuvwxyz") && !is_reserved(name);
}

void spec_safe_name(const char *text, char *out, size_t n)
{
	struct buf letters = BUF_INIT;
	size_t o = 0;
	if (n > SPEC_MAX_NAME + 1)
		n = SPEC_MAX_NAME + 1;
	utf8_plain(text, &letters);
	for (const char *p = letters.p; *p && o + 1 < n; p++) {
		char c = *p;
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		bool mark = strchr("._-", c) && o && !strchr("._-", out[o - 1]);
		if (plain || mark)
			out[o++] = c;
		else if (o && !strchr("._-", out[o - 1]))
			out[o++] = '-';
	}
	while (o && strchr("._-", out[o - 1]))
		o--;
	out[o] = '\0';
	buf_release(&letters);
}

void spec_slug(const char *text, char *out, size_t n)
{
	char safe[SPEC_MAX_NAME + 1];
	size_t o = 0, word = 0;
	spec_safe_name(text ? text : "", safe, sizeof(safe));
	for (; safe[o]; o++) {
		if (safe[o] == '.' || safe[o] == '_')
			safe[o] = '-';
		if (safe[o] == '-' && o <= SLUG_MAX)
			word = o;
	}
	if (o > SLUG_MAX)
		safe[word >= SLUG_MAX / 2 ? word : SLUG_MAX] = '\0';
	snprintf(out, n, "%s", *safe ? safe : "race");
}

int64_t spec_parse_size(const char *s)
{
	static const char units[] = "kmgt";
	int64_t v = 0;
	const char *p = s;
	if (!isdigit((unsigned char)*p))
		return -1;
	for (; isdigit((unsigned char)*p); p++) {
		if (v > (1LL << 52) / 10)
			return -1;
		v = v * 10 + (*p - '0');
	}
	if (*p) {
		const char *u = strchr(units, tolower((unsigned char)*p));
		int shift = u ? 10 * (int)(u - units + 1) : 0;
		if (!u || p[1] || v > (1LL << 52) >> shift)
			return -1;
		v <<= shift;
	}
	return v;
}

void spec_fmt_size(int64_t bytes, char *out, size_t n)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes / 1024;
	size_t u = 0;
	if (bytes < 1024) {
		snprintf(out, n, "%d B", (int)bytes);
		return;
	}
	for (; v >= 1023.95 && u + 1 < ARRAY_LEN(units); u++)
		v /= 1024;
	snprintf(out, n, "%.1f %s", v, units[u]);
}

static size_t key_len(const char *kv)
{
	return strcspn(kv, "=");
}

bool spec_env_has(const struct strv *env, const char *key)
{
	for (size_t i = 0; i < env->n; i++)
		if (key_len(env->v[i]) == strlen(key) && !strncmp(env->v[i], key, strlen(key)))
			return true;
	return false;
}

void spec_env_put(struct strv *env, const char *kv)
{
	size_t k = key_len(kv);
	for (size_t i = 0; i < env->n; i++)
		if (key_len(env->v[i]) == k && !strncmp(env->v[i], kv, k)) {
			xreplace(&env->v[i], kv);
			return;
		}
	strv_add(env, kv);
}

static int load_prompt(struct spec *s, const char *path, struct err *e)
{
	char *dir = fs_dirname(path), *full;
	struct buf b = BUF_INIT;
	int rc = -1;
	full = s->prompt_file[0] == '/' ? xstrdup(s->prompt_file) : fs_join(dir, s->prompt_file);
	if (fs_read(full, FILE_MAX, &b, e)) {
		err_prefix(e, "%s: prompt_file", path);
		goto out;
	}
	buf_trim(&b);
	if (memchr(b.p, '\0', b.len)) {
		err_set(e, "spec", "%s: prompt_file: %s is not a text file", path, full);
		goto out;
	}
	if (spec_value_text(SPEC_PROMPT, b.p, e)) {
		err_prefix(e, "%s: prompt_file: %s", path, full);
		goto out;
	}
	xreplace(&s->prompt, b.p);
	xreplace(&s->prompt_file, NULL);
	rc = 0;
out:
	buf_release(&b);
	free(dir);
	free(full);
	return rc;
}

struct image_place {
	const char *path, *text;
	size_t n;
	char *dir;
};

static int resolve_image(char **image, const char *key, const struct image_place *w, struct err *e)
{
	if (!*image)
		return 0;
	char *done = spec_image_resolve(*image, w->dir, e);
	if (!done) {
		char *sub = xasprintf("%s.%s", key, (*image)[0] == 't' ? "tar" : "build");
		int line = json_line_of(w->text, w->n, sub);
		const char *named = line ? sub : key;
		line = line ? line : json_line_of(w->text, w->n, key);
		err_prefix(e, "%s:%d: %s", w->path, line, named);
		free(sub);
		return -1;
	}
	free(*image);
	*image = done;
	return 0;
}

/* All images of a race file, with file, line and key before a sentence. text = the file's own, for
 * line numbers. */
static int resolve_images(
	struct spec *s, const char *path, const char *text, size_t n, struct err *e)
{
	struct image_place w = { path, text, n, fs_dirname(path) };
	int rc = resolve_image(&s->image, "image", &w, e);
	for (size_t i = 0; !rc && i < s->nvariants; i++) {
		char key[64];
		snprintf(key, sizeof(key), "variants[%zu].image", i);
		rc = resolve_image(&s->variants[i].image, key, &w, e);
	}
	free(w.dir);
	return rc;
}

int spec_load(struct spec *s, const char *path, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = fs_read(path, FILE_MAX, &b, e);
	if (!rc)
		rc = spec_parse(s, path, b.p, b.len, e);
	if (!rc)
		rc = resolve_images(s, path, b.p, b.len, e);
	if (!rc && s->prompt_file)
		rc = load_prompt(s, path, e);
	buf_release(&b);
	return rc;
}
