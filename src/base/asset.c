/* asset.c - files embedded in the binary, with the user's own files in front. */
#include "base/asset.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"

enum { USER_FILE_MAX = 4 << 20, USER_DEPTH = 6, USER_FILES = 1000 };

/* From mkassets.sh's assembly. */
extern const struct asset asset_table[];
extern const size_t asset_count;

struct set {
	struct asset *v;
	size_t n, cap;
};

/* Made on the first call and never freed: asset.h promises that pointers into it stay valid. */
static _Atomic(struct set *) loaded;

static struct asset *set_find(const struct set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			return &s->v[i];
	return NULL;
}

static struct asset *set_add(struct set *s)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 32;
		s->v = xrealloc(s->v, s->cap * sizeof *s->v);
	}
	return &s->v[s->n++];
}

/* Takes over name. */
static void add_user_file(struct set *s, const char *path, char *take_name)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	struct asset *a;

	if (fs_read(path, USER_FILE_MAX, &text, &e) < 0) {
		diag(DIAG_WARN, "%s", e.msg);
		buf_release(&text);
		free(take_name);
		return;
	}
	a = set_find(s, take_name);
	if (!a)
		a = set_add(s);
	a->name = take_name;
	a->len = text.len;
	a->data = (unsigned char *)buf_take(&text);
}

static void add_user_dir(struct set *s, const char *config, const char *below, int depth)
{
	char *dir = fs_join(config, below);
	DIR *d = opendir(dir);
	struct dirent *de;

	while (d && (de = readdir(d)) && s->n < USER_FILES) {
		char *name, *path;
		struct stat st;

		/* Hidden ones are the droppings of editors and of git; but a template of a
		 * repository has this one. */
		if (de->d_name[0] == '.' && strcmp(de->d_name, ".yolodeck"))
			continue;
		name = fs_join(below, de->d_name);
		path = fs_join(config, name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			add_user_file(s, path, xstrdup(name));
		} else if (depth > 1 && fs_is_dir(path)) {
			add_user_dir(s, config, name, depth - 1);
		}
		free(path);
		free(name);
	}
	if (d)
		closedir(d);
	free(dir);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct asset *)a)->name, ((const struct asset *)b)->name);
}

static struct set *set_load(void)
{
	struct set *s = xcalloc(1, sizeof *s);
	struct err ignored = ERR_INIT;
	char *base = fs_xdg_config(&ignored), *config;

	for (size_t i = 0; i < asset_count; i++)
		*set_add(s) = asset_table[i];
	if (base) {
		config = fs_join(base, "yolodeck");
		add_user_dir(s, config, "themes", USER_DEPTH);
		add_user_dir(s, config, "templates", USER_DEPTH);
		free(config);
		free(base);
	}
	if (s->n > 1)
		qsort(s->v, s->n, sizeof *s->v, by_name);
	return s;
}

static const struct asset *embedded(const char *name)
{
	for (size_t i = 0; i < asset_count; i++)
		if (!strcmp(asset_table[i].name, name))
			return &asset_table[i];
	return NULL;
}

static bool is_embedded(const struct asset *a)
{
	for (size_t i = 0; i < asset_count; i++)
		if (asset_table[i].data == a->data)
			return true;
	return false;
}

static void set_free(struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (is_embedded(&s->v[i]))
			continue;
		free((char *)(uintptr_t)s->v[i].name);
		free((unsigned char *)(uintptr_t)s->v[i].data);
	}
	free(s->v);
	free(s);
}

static const struct set *all(void)
{
	struct set *mine = atomic_load(&loaded), *none = NULL;

	if (mine)
		return mine;
	mine = set_load();
	/* Two threads may ask first: one set stays. */
	if (!atomic_compare_exchange_strong(&loaded, &none, mine)) {
		set_free(mine);
		mine = none;
	}
	return mine;
}

const struct asset *asset_find(const char *name)
{
	/* No file of the user replaces the runner, so the disk is not read for it. */
	if (strncmp(name, "themes/", 7) && strncmp(name, "templates/", 10))
		return embedded(name);
	return set_find(all(), name);
}

const struct asset *asset_all(size_t *n)
{
	const struct set *s = all();

	*n = s->n;
	return s->v;
}
