/* merge_attributes.c - the merge attribute of files, as `git merge` would take it. */
#include "git/merge_attributes.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/attributes.h"

/* git ignores longer lines of an attributes file. */
enum { LINE_MAX_GIT = 2047 };

struct drivers {
	struct strv name; /* configured ones: merge.<name>.driver */
	char *fallback; /* merge.default; NULL = text */
};

static int read_drivers(const char *common, struct drivers *d, struct err *e)
{
	struct git_call c;
	struct strv rec = STRV_INIT;
	int rc;

	git_in_tree(&c, common, NULL, GIT_READS);
	rc = git_list(&c, &rec, e, "config", "-z", "--get-regexp",
		"^merge\\.(default|.*\\.driver)$", (char *)NULL);
	if (rc && c.code == 1) {
		err_clear(e);
		rc = 0;
	}
	for (size_t i = 0; !rc && i < rec.n; i++) {
		char *key = rec.v[i] + strlen("merge."), *value = strchr(key, '\n');

		if (value)
			*value++ = '\0';
		if (!strcmp(key, "default"))
			xreplace(&d->fallback, value);
		else
			strv_take(&d->name, xstrndup(key, strlen(key) - strlen(".driver")));
	}
	strv_release(&rec);
	return rc;
}

/* A pattern that fits this path only, quoted as in C. */
static void add_pattern(struct buf *b, const char *path)
{
	buf_str(b, "\"/");
	for (const char *s = path; *s; s++) {
		if (strchr("*?[\\", *s))
			buf_str(b, "\\\\");
		if (*s == '\\' || *s == '"')
			buf_char(b, '\\');
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			buf_fmt(b, "\\%03o", (unsigned char)*s);
		else
			buf_char(b, *s);
	}
	buf_char(b, '"');
}

/* "" = as text; NULL = by a driver of the user's. */
static const char *line_of(const struct drivers *d, const char *value, const char **driver)
{
	*driver = !strcmp(value, "unspecified") ? d->fallback : value;
	if (!*driver || !strcmp(value, "set"))
		return "";
	if (!strcmp(value, "unset"))
		return " -merge\n";
	if (strv_has(&d->name, *driver))
		return NULL;
	if (!strcmp(*driver, "binary"))
		return " -merge\n";
	return strcmp(*driver, "union") ? "" : " merge=union\n";
}

int merge_attributes(const char *common, const char *store, const char *commit,
	const struct strv *paths, struct buf *lines, struct strv *drivers, struct err *e)
{
	static const char *const asked[] = { "merge", NULL };
	struct drivers d = { STRV_INIT, NULL };
	struct strv values = STRV_INIT;
	int rc = attributes_values(common, store, commit, paths, asked, &values, e);

	if (!rc && paths->n)
		rc = read_drivers(common, &d, e);
	for (size_t i = 0; !rc && i < values.n; i++) {
		const char *driver, *line = line_of(&d, values.v[i], &driver);
		size_t from = lines->len;

		if (!line)
			strv_fmt(drivers, "%s (merge=%s)", paths->v[i], driver);
		if (line && !*line)
			continue;
		add_pattern(lines, paths->v[i]);
		buf_str(lines, line ? line : " -merge\n");
		if (lines->len - from > LINE_MAX_GIT)
			rc = err_set(e, "bad_path",
				"The path %.80s... is too long for a line of attributes",
				paths->v[i]);
	}
	strv_release(&values);
	strv_release(&d.name);
	free(d.fallback);
	return rc;
}

/* As the template's, but the merge attribute is left to the caller of the merge. */
#define STORE_ATTRIBUTES "* !text !eol !crlf !ident !filter !working-tree-encoding !diff\n"

int merge_attributes_store(const char *path, struct err *e)
{
	struct buf want = BUF_INIT, have = BUF_INIT;
	char *dir = fs_join(path, "info"), *file = fs_join(dir, "attributes");
	struct err ignored = ERR_INIT;
	int rc = fs_mkdirs(dir, 0755, e);

	buf_str(&want, STORE_ATTRIBUTES);
	if (!rc && (fs_read(file, 1 << 16, &have, &ignored) < 0 || strcmp(have.p, want.p)))
		rc = fs_replace(file, want.p, want.len, e);
	free(dir);
	free(file);
	buf_release(&want);
	buf_release(&have);
	return rc;
}
