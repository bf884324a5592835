/* attributes.c - `git check-attr` on an index that holds nothing but a commit's .gitattributes. */
#include "git/attributes.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

struct driver {
	char *name;
	bool runs, required;
};
struct config {
	struct driver *driver;
	size_t n;
	bool autocrlf; /* "true" or "input" */
};

static bool is_true(const char *s)
{
	return !s || !strcasecmp(s, "true") || !strcasecmp(s, "yes") || !strcasecmp(s, "on") ||
		(*s >= '1' && *s <= '9');
}

static struct driver *driver_of(struct config *c, const char *name, size_t n)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strncmp(c->driver[i].name, name, n) && !c->driver[i].name[n])
			return &c->driver[i];
	c->driver = xrealloc(c->driver, (c->n + 1) * sizeof *c->driver);
	c->driver[c->n] = (struct driver){ xstrndup(name, n), false, false };
	return &c->driver[c->n++];
}

/* "filter.lfs.required\ntrue"; a key alone means true. The last one of a key wins. */
static void add_setting(struct config *c, char *key)
{
	char *value = strchr(key, '\n'), *name = key + strlen("filter."), *last;
	struct driver *d;

	if (value)
		*value++ = '\0';
	if (!strcmp(key, "core.autocrlf")) {
		c->autocrlf = is_true(value) || !strcasecmp(value, "input");
		return;
	}
	last = strrchr(key, '.');
	if (last < name)
		return;
	d = driver_of(c, name, (size_t)(last - name));
	if (!strcmp(last, ".required"))
		d->required = is_true(value);
	else
		d->runs = value && *value;
}

/* With the user's configuration, outside every work tree. */
static void user_call(struct git_call *c, const char *common)
{
	git_in_tree(c, common, NULL, GIT_READS);
	c->timeout_ms = GIT_WORK_MS;
}

static int read_config(const char *common, struct config *conf, struct err *e)
{
	struct git_call c;
	struct strv rec = STRV_INIT;
	int rc;

	user_call(&c, common);
	rc = git_list(&c, &rec, e, "config", "-z", "--get-regexp",
		"^(core\\.autocrlf|filter\\..*\\.(clean|process|required))$", (char *)NULL);
	if (rc && c.code == 1) {
		err_clear(e);
		rc = 0;
	}
	for (size_t i = 0; !rc && i < rec.n; i++)
		add_setting(conf, rec.v[i]);
	strv_release(&rec);
	return rc;
}

/* The .gitattributes of a commit as input of update-index. */
static int list_sources(const char *git_dir, const char *commit, struct buf *out, struct err *e)
{
	struct strv rec = STRV_INIT;
	int rc = git_list_tree(git_dir, commit, &rec, e);

	for (size_t i = 0; !rc && i < rec.n; i++) {
		const char *tab = strchr(rec.v[i], '\t');

		if (tab && !strcmp(fs_basename(tab + 1), ".gitattributes"))
			buf_add(out, rec.v[i], strlen(rec.v[i]) + 1);
	}
	strv_release(&rec);
	return rc;
}

static int write_index(const char *git_dir, const char *index, const struct buf *in, struct err *e)
{
	struct git_call c;

	git_call_init(&c, git_dir);
	c.index = index;
	c.in = in->p;
	c.nin = in->len;
	return git_capture(&c, NULL, e, "update-index", "-z", "--index-info", (char *)NULL);
}

/* Of each three of "path NUL attribute NUL value NUL" the value. */
static int ask(const char *common, const char *index, const struct strv *paths,
	const char *const *names, struct strv *values, struct err *e)
{
	struct buf in = BUF_INIT;
	struct strv f = STRV_INIT;
	struct git_call c;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < paths->n; i++)
		buf_add(&in, paths->v[i], strlen(paths->v[i]) + 1);
	user_call(&c, common);
	c.index = index;
	c.in = in.p;
	c.nin = in.len;
	strv_addl(&c.args, "check-attr", "--cached", "-z", "--stdin", (char *)NULL);
	for (; names[n]; n++)
		strv_add(&c.args, names[n]);
	rc = git_list(&c, &f, e, (char *)NULL);
	if (!rc && c.truncated)
		rc = err_set(e, "too_big", "Too many files have changed to look for attributes");
	else if (!rc && f.n != paths->n * n * 3)
		rc = err_set(e, "git_failed", "git check-attr: its answer is not understood");
	for (size_t i = 2; !rc && i < f.n; i += 3)
		strv_add(values, f.v[i]);
	strv_release(&f);
	buf_release(&in);
	return rc;
}

int attributes_values(const char *common, const char *store, const char *commit,
	const struct strv *paths, const char *const *names, struct strv *values, struct err *e)
{
	static atomic_uint count;
	struct buf sources = BUF_INIT;
	char *index = xasprintf(
		"%s/attributes.%d.%u.tmp", store, (int)getpid(), atomic_fetch_add(&count, 1));
	int rc = 0;

	if (paths->n)
		rc = list_sources(store, commit, &sources, e) ||
			(sources.len && write_index(store, index, &sources, e)) ||
			ask(common, index, paths, names, values, e);
	unlink(index);
	free(index);
	buf_release(&sources);
	return rc ? err_prefix(e, "The attributes of the changed files could not be read") : 0;
}

static enum attr_eol eol_of(const char *text, const char *crlf, const char *eol, bool autocrlf)
{
	/* "crlf" is the old name of "text", and counts where that says nothing. */
	const char *v = !strcmp(text, "unspecified") ? crlf : text;
	bool lines = !strcmp(eol, "lf") || !strcmp(eol, "crlf");

	if (!strcmp(v, "unset"))
		return ATTR_EOL_KEEP;
	if (!strcmp(v, "set") || !strcmp(v, "input"))
		return ATTR_EOL_TEXT;
	if (!strcmp(v, "auto"))
		return ATTR_EOL_AUTO;
	if (lines)
		return ATTR_EOL_TEXT;
	return autocrlf ? ATTR_EOL_AUTO : ATTR_EOL_KEEP;
}

int attributes_read(const struct git_repo *repo, const char *store, const char *commit,
	const struct strv *paths, struct attributes *out, struct err *e)
{
	static const char *const asked[] = { "text", "crlf", "eol", "filter", NULL };
	enum { ASKED = ARRAY_LEN(asked) - 1 };
	struct config conf = { NULL, 0, false };
	struct strv values = STRV_INIT;
	int rc = 0;

	out->n = paths->n;
	out->v = xcalloc(paths->n + 1, sizeof *out->v);
	if (paths->n)
		rc = read_config(repo->common, &conf, e) ||
			attributes_values(repo->common, store, commit, paths, asked, &values, e);
	for (size_t i = 0; !rc && i < paths->n; i++) {
		char **v = values.v + i * ASKED;
		struct driver *d = driver_of(&conf, v[3], strlen(v[3]));

		out->v[i].eol = eol_of(v[0], v[1], v[2], conf.autocrlf);
		if (!d->runs && !d->required)
			continue;
		out->v[i].filter = xstrdup(d->name);
		out->v[i].required = d->required;
	}
	for (size_t i = 0; i < conf.n; i++)
		free(conf.driver[i].name);
	free(conf.driver);
	strv_release(&values);
	return rc ? -1 : 0;
}

void attributes_release(struct attributes *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i].filter);
	free(a->v);
	memset(a, 0, sizeof *a);
}

void attributes_paths(const struct changes *c, struct strv *paths)
{
	for (size_t i = 0; i < c->n; i++)
		if ((c->v[i].new_mode & 0170000) == 0100000 &&
			strcmp(c->v[i].old_id, c->v[i].new_id))
			strv_add(paths, c->v[i].path);
}

void attributes_filtered(const struct attributes *a, const struct strv *paths, struct strv *named,
	struct strv *required)
{
	for (size_t i = 0; i < a->n; i++) {
		if (!a->v[i].filter)
			continue;
		strv_fmt(named, "%s (%s)", paths->v[i], a->v[i].filter);
		if (a->v[i].required)
			strv_add(required, paths->v[i]);
	}
}

/* git's own measure: a NUL, a CR alone, or more than one strange byte in 128 make it binary. */
static bool looks_binary(const struct buf *b)
{
	size_t good = 0, strange = 0;

	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->p[i];

		if (c == '\r' && b->p[i + 1] == '\n')
			i++;
		else if (c == '\r' || !c)
			return true;
		else if (c == '\n')
			continue;
		else if (c == 127 || (c < 32 && !strchr("\b\t\033\014", c)))
			strange++;
		else
			good++;
	}
	/* an end-of-file mark of DOS is none */
	if (b->len && b->p[b->len - 1] == '\032')
		strange--;
	return good >> 7 < strange;
}

bool attributes_to_lf(enum attr_eol eol, bool base_has_crlf, struct buf *b)
{
	size_t n = 0;

	if (eol == ATTR_EOL_KEEP || (eol == ATTR_EOL_AUTO && (base_has_crlf || looks_binary(b))))
		return false;
	for (size_t i = 0; i < b->len; i++)
		if (b->p[i] != '\r' || b->p[i + 1] != '\n')
			b->p[n++] = b->p[i];
	if (n == b->len)
		return false;
	b->len = n;
	b->p[n] = '\0';
	return true;
}
