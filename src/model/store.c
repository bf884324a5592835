/* store.c - the state directory: opening, numbering races, saving and loading. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fnv1a64.h"
#include "base/fs.h"
#include "base/mem.h"
#include "model/store.h"

enum { REPO_MAX = 64 << 10, ID_LEN = 16 };

static uint32_t path_hash(const char *s)
{
	/* a start of its own: the names of the directories that are there depend on it */
	uint64_t h = fnv1a64(UINT64_C(1469598103934665603), s, strlen(s));
	return (uint32_t)(h ^ (h >> 32));
}

/* The repository's name for people: what holds .git, or a bare repository's own name without
 * ".git". */
static void repo_name(const char *common, char *out, size_t n)
{
	const char *base = fs_basename(common);
	char *parent = NULL;
	size_t len;
	if (!strcmp(base, ".git")) {
		parent = fs_dirname(common);
		base = fs_basename(parent);
	}
	len = strlen(base);
	if (len > 4 && !strcmp(base + len - 4, ".git"))
		len -= 4;
	size_t o = 0;
	for (size_t i = 0; i < len && o + 1 < n && o < 40; i++) {
		unsigned char c = (unsigned char)base[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '_' || c == '-' || (c == '.' && o);
		out[o++] = ok ? (char)c : '_';
	}
	if (!o)
		out[o++] = '_';
	out[o] = '\0';
	free(parent);
}

static char *store_dir(const char *common, struct err *e)
{
	char name[64];
	char *state = fs_xdg_state(e), *dir;
	if (!state)
		return NULL;
	repo_name(common, name, sizeof(name));
	dir = xasprintf("%s/yolodeck/%s-%08x", state, name, path_hash(common));
	free(state);
	return dir;
}

static bool hex16(const char *s)
{
	return strspn(s, "0123456789abcdef") >= ID_LEN;
}

/* The file `repo`: the id, a newline, the common dir's path to the end (a path may hold anything).
 */
static char *read_repo(const char *dir, char id[ID_LEN + 1], struct err *e)
{
	char *path = fs_join(dir, "repo"), *common = NULL;
	struct buf b = BUF_INIT;
	if (fs_read(path, REPO_MAX, &b, e)) {
		;
	} else if (b.len < ID_LEN + 2 || !hex16(b.p) || b.p[ID_LEN] != '\n') {
		err_set(e, "damaged",
			"%s is damaged; move its directory away to start without what is in it",
			path);
	} else {
		memcpy(id, b.p, ID_LEN);
		id[ID_LEN] = '\0';
		common = xstrdup(b.p + ID_LEN + 1);
	}
	buf_release(&b);
	free(path);
	return common;
}

static int check_repo(struct store *s, struct err *e)
{
	char *common = read_repo(s->dir, s->id, e);
	int rc = common ? 0 : -1;
	if (common && strcmp(common, s->common))
		rc = err_set(e, "wrong_repo",
			"%s belongs to the repository %s, not to %s; move it away to start "
			"without it",
			s->dir, common, s->common);
	free(common);
	return rc;
}

/* Two may do this at once: link(2) lets exactly one whole file win. */
static int make_repo(const struct store *s, const char *path, struct err *e)
{
	unsigned char raw[ID_LEN / 2];
	struct buf b = BUF_INIT;
	int rc = -1;
	fs_random(raw, sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++)
		buf_fmt(&b, "%02x", raw[i]);
	char *tmp = xasprintf("%s.%s", path, b.p);
	buf_fmt(&b, "\n%s", s->common);
	if (fs_create(tmp, 0600, b.p, b.len, e))
		goto out;
	if (link(tmp, path) && errno != EEXIST)
		err_sys(e, "state", "cannot write %s", path);
	else
		rc = 0;
	unlink(tmp);
out:
	free(tmp);
	buf_release(&b);
	return rc;
}

static int make_dirs(const struct store *s, struct err *e)
{
	char *parent = fs_dirname(s->dir), *races = fs_join(s->dir, "races");
	int rc = fs_mkdirs(parent, 0700, e);
	if (!rc)
		rc = fs_mkdir_private(s->dir, e);
	if (!rc)
		rc = fs_mkdirs(races, 0700, e);
	free(parent);
	free(races);
	return rc;
}

int store_open(struct store *s, const char *common_dir, bool create, struct err *e)
{
	char *path = NULL;
	int rc = -1;
	memset(s, 0, sizeof(*s));
	if (common_dir[0] != '/')
		bug("store_open: %s is not absolute", common_dir);
	s->common = xstrdup(common_dir);
	s->dir = store_dir(common_dir, e);
	if (!s->dir)
		goto out;
	path = fs_join(s->dir, "repo");
	if (!fs_exists(path)) {
		if (!create) {
			err_set(e, "not_found",
				"there is no race yet in this repository: `yolodeck run` starts "
				"one");
			goto out;
		}
		if (make_dirs(s, e) || make_repo(s, path, e))
			goto out;
	}
	rc = fs_mkdir_private(s->dir, e);
	if (!rc)
		rc = check_repo(s, e);
out:
	free(path);
	if (rc)
		store_release(s);
	return rc;
}

void store_release(struct store *s)
{
	free(s->dir);
	free(s->common);
	memset(s, 0, sizeof(*s));
}

void store_others(const char *common_dir, struct store **out, size_t *n)
{
	struct err e = ERR_INIT;
	char *own = store_dir(common_dir, &e), *parent = own ? fs_dirname(own) : NULL;
	DIR *d = parent ? opendir(parent) : NULL;
	struct dirent *de;
	*out = NULL;
	*n = 0;
	while (d && (de = readdir(d))) {
		struct store s = { .dir = fs_join(parent, de->d_name) };
		if (de->d_name[0] != '.' && strcmp(s.dir, own))
			s.common = read_repo(s.dir, s.id, &e);
		if (s.common) {
			*out = xrealloc(*out, (*n + 1) * sizeof(**out));
			(*out)[(*n)++] = s;
		} else {
			store_release(&s);
		}
	}
	if (d)
		closedir(d);
	free(parent);
	free(own);
}

/* Only what has no race. */
static int make_room(const char *dir, const char *common, struct err *e)
{
	struct store s = { .dir = xstrdup(dir), .common = xstrdup(common) };
	int *race = NULL, rc;
	size_t n = 0;
	rc = store_race_numbers(&s, &race, &n, e);
	if (!rc && n)
		rc = err_set(e, "exists", "%s has races already", dir);
	else if (!rc)
		rc = fs_remove_tree(dir, "repo", e);
	free(race);
	store_release(&s);
	return rc;
}

int store_move(struct store *s, const char *common_dir, struct err *e)
{
	char *path = store_path(s, "repo"), *dir = store_dir(common_dir, e);
	struct buf b = BUF_INIT;
	int rc = -1;
	buf_fmt(&b, "%s\n%s", s->id, common_dir);
	if (!dir || make_room(dir, common_dir, e) || fs_replace(path, b.p, b.len, e)) {
		;
	} else if (rename(s->dir, dir)) {
		err_sys(e, "state", "cannot rename %s to %s", s->dir, dir);
	} else {
		xreplace(&s->common, common_dir);
		xreplace(&s->dir, dir);
		rc = 0;
	}
	buf_release(&b);
	free(path);
	free(dir);
	return rc;
}

char *store_path(const struct store *s, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	buf_fmt(&b, "%s/", s->dir);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	return buf_take(&b);
}

char *store_race_dir(const struct store *s, int race)
{
	return store_path(s, "races/%d", race);
}

char *store_variant_dir(const struct store *s, int race, const char *variant)
{
	if (!spec_name_ok(variant))
		bug("\"%s\" is no variant's name", variant);
	return store_path(s, "races/%d/%s", race, variant);
}

char *store_base_store(const struct store *s, const char *base)
{
	return store_path(s, "base-%s.git", base);
}

/* "7" -> 7, anything that is not a plain positive number -> 0. */
static int race_number(const char *name)
{
	size_t n = strlen(name);
	if (n == 0 || n > 9 || strspn(name, "0123456789") != n || name[0] == '0')
		return 0;
	return (int)strtol(name, NULL, 10);
}

/* Numbers of the directories below races/, ascending. Missing directory = none. */
int store_race_numbers(const struct store *s, int **out, size_t *n, struct err *e)
{
	char *path = store_path(s, "races");
	DIR *d = opendir(path);
	struct dirent *de;
	*out = NULL;
	*n = 0;
	if (!d && errno != ENOENT) {
		err_sys(e, "state", "cannot read %s", path);
		free(path);
		return -1;
	}
	while (d && (de = readdir(d))) {
		int number = race_number(de->d_name);
		size_t at = *n;
		if (!number)
			continue;
		*out = xrealloc(*out, (*n + 1) * sizeof(**out));
		for (; at > 0 && (*out)[at - 1] > number; at--)
			(*out)[at] = (*out)[at - 1];
		(*out)[at] = number;
		(*n)++;
	}
	if (d)
		closedir(d);
	free(path);
	return 0;
}

int store_claim_race(const struct store *s, int floor, struct err *e)
{
	int *all, number;
	size_t n;
	if (store_race_numbers(s, &all, &n, e))
		return -1;
	number = n && all[n - 1] > floor ? all[n - 1] : floor;
	free(all);
	for (number++; number < 1000000000; number++) {
		char *path = store_race_dir(s, number);
		int rc = mkdir(path, 0700), why = errno;
		if (rc && why != EEXIST) {
			errno = why;
			err_sys(e, "state", "cannot make %s", path);
			free(path);
			return -1;
		}
		free(path);
		if (!rc)
			return number;
	}
	return err_set(e, "state", "there is no race number left below %d", number);
}

static int save(const char *dir, const char *name, struct json *take_j, struct err *e)
{
	struct buf b = BUF_INIT;
	char *path = fs_join(dir, name);
	int rc = fs_mkdirs(dir, 0700, e);
	json_print_pretty(take_j, &b);
	if (!b.len || b.p[b.len - 1] != '\n')
		buf_char(&b, '\n');
	if (!rc)
		rc = fs_replace(path, b.p, b.len, e);
	json_free(take_j);
	buf_release(&b);
	free(path);
	return rc;
}

int store_save_race(const struct store *s, const struct race *r, struct err *e)
{
	char *dir = store_race_dir(s, r->number);
	int rc = save(dir, "race.json", race_to_json(r), e);
	free(dir);
	return rc;
}

int store_save_variant(const struct store *s, const struct variant *v, struct err *e)
{
	char *dir = store_variant_dir(s, v->race, v->name);
	int rc = save(dir, "variant.json", variant_to_json(v), e);
	free(dir);
	return rc;
}
