/* changes.c - what a commit changes of another one, path by path. */
#include "git/changes.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"

enum { CHANGES_MS = 60000 };

void changes_release(struct changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].path);
		free(c->v[i].old_id);
		free(c->v[i].new_id);
	}
	free(c->v);
	memset(c, 0, sizeof(*c));
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct change *)a)->path, ((const struct change *)b)->path);
}

const struct change *changes_find(const struct changes *c, const char *path)
{
	struct change key = { .path = (char *)path };

	return c->n ? bsearch(&key, c->v, c->n, sizeof(key), by_path) : NULL;
}

/* ":100644 100755 <id> <id> M" */
static int parse_raw(const char *s, struct change *ch)
{
	char *end;
	size_t n;

	if (*s != ':')
		return -1;
	ch->old_mode = (unsigned)strtoul(s + 1, &end, 8);
	ch->new_mode = (unsigned)strtoul(end, &end, 8);
	if (*end++ != ' ')
		return -1;
	n = strspn(end, "0123456789abcdef");
	ch->old_id = xstrndup(end, n);
	end += n + (end[n] == ' ');
	n = strspn(end, "0123456789abcdef");
	ch->new_id = xstrndup(end, n);
	end += n + (end[n] == ' ');
	ch->status = *end;
	return strchr("ADMT", *end) && *end ? 0 : -1;
}

static int read_from(
	const char *git_dir, const char *from, const char *to, struct changes *c, struct err *e)
{
	struct git_call call;
	struct strv f = STRV_INIT;
	int rc;

	git_call_init(&call, git_dir);
	call.timeout_ms = CHANGES_MS;
	rc = git_list(&call, &f, e, "diff-tree", "-r", "--raw", "--no-renames", "--full-index",
		"--no-ext-diff", "-z", "--end-of-options", from, to, (char *)NULL);
	if (!rc && call.truncated)
		rc = err_set(e, "too_many_files", "The list of changed files is too long");
	c->v = xcalloc(f.n / 2 + 1, sizeof(*c->v));
	for (size_t i = 0; !rc && i + 1 < f.n; i += 2) {
		c->v[c->n].path = xstrdup(f.v[i + 1]);
		if (parse_raw(f.v[i], &c->v[c->n++]) < 0)
			rc = err_set(
				e, "git_failed", "git diff-tree: its answer is not understood");
	}
	qsort(c->v, c->n, sizeof(*c->v), by_path);
	strv_release(&f);
	return rc;
}

int changes_read(const char *git_dir, const char *other, const char *from, const char *to,
	struct changes *c, struct err *e)
{
	int rc;

	memset(c, 0, sizeof(*c));
	rc = read_from(git_dir, from, to, c, e);
	if (rc < 0 && other && fs_is_dir(other)) {
		changes_release(c);
		err_clear(e);
		rc = read_from(other, from, to, c, e);
	}
	return rc;
}
