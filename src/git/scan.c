/* scan.c - names, modes, links and sizes of a finished tree, read with `ls-tree` and `cat-file` in
 * the quarantine. */
#include "git/scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "git/git.h"

enum {
	MAX_FILES = 200000,
	MAX_CHANGED = 50000,
	MAX_DEPTH = 64,
	MAX_PATH = 4096,
	MAX_LINK = 4096,
	MAX_NAMED = 50
};
#define MAX_FILE ((long long)64 << 20)
#define MAX_BYTES ((long long)1 << 30)

struct entry {
	const char *mode, *oid, *path; /* into the list's text */
	bool same; /* the base has exactly this */
	bool known; /* the base has this path */
};

struct list {
	struct buf text;
	struct entry *e;
	size_t n;
};

enum reason {
	R_LINK,
	R_SUBMODULE,
	R_GIT,
	R_CONTROL,
	R_BACKSLASH,
	R_CASE,
	R_MODE,
	R_PATH,
	R_BIG,
	R_COUNT
};
static const char *const reason_text[R_COUNT] = {
	[R_LINK] = "a link that leaves the tree",
	[R_SUBMODULE] = "a new or changed submodule",
	[R_GIT] = "a name that imitates .git",
	[R_CONTROL] = "a name with control characters",
	[R_BACKSLASH] = "a name with a backslash",
	[R_CASE] = "two names that differ only in case",
	[R_MODE] = "an entry that is neither file nor link",
	[R_PATH] = "a path that is no plain path",
	[R_BIG] = "a file over 64 MiB",
};

struct scan {
	const char *git_dir;
	struct list base, tip;
	struct strv found[R_COUNT];
	bool limits;
};

static void blame(struct scan *s, enum reason r, const char *path)
{
	if (s->found[r].n < MAX_NAMED && !strv_has(&s->found[r], path))
		strv_add(&s->found[r], path);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

/* "100644 blob 1234...\tdir/name\0" */
static int read_list(const char *git_dir, const char *commit, struct list *l, struct err *e)
{
	struct git_call c;
	size_t cap = 0;
	int rc;

	git_call_init(&c, git_dir);
	c.timeout_ms = GIT_WORK_MS;
	rc = git_capture(
		&c, &l->text, e, "ls-tree", "-r", "-z", "--full-tree", commit, (char *)NULL);
	if (!rc && c.truncated)
		rc = err_set(e, "too_big", "The list of files is too long to be judged");
	for (char *p = l->text.p, *end = p + l->text.len; !rc && p < end; p += strlen(p) + 1) {
		char *type = strchr(p, ' '), *oid = type ? strchr(type + 1, ' ') : NULL,
		     *tab = oid ? strchr(oid, '\t') : NULL;

		if (!tab) {
			rc = err_set(
				e, "git_failed", "git ls-tree gave a line that is not understood");
			break;
		}
		*type = *oid = *tab = '\0';
		if (l->n == cap) {
			cap = cap ? cap * 2 : 1024;
			l->e = xrealloc(l->e, cap * sizeof *l->e);
		}
		l->e[l->n++] = (struct entry){ p, oid + 1, tab + 1, false, false };
		p = tab + 1;
	}
	if (l->n)
		qsort(l->e, l->n, sizeof *l->e, by_path);
	return rc;
}

static const struct entry *find(const struct list *l, const char *path)
{
	struct entry key = { NULL, NULL, path, false, false };

	return l->n ? bsearch(&key, l->e, l->n, sizeof *l->e, by_path) : NULL;
}

static bool has_dir(const struct list *l, const char *dir, size_t len)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = strncmp(l->e[mid].path, dir, len);

		/* bytes, not chars: 0xC3 sorts behind '/' */
		if (d < 0 || (!d && (unsigned char)l->e[mid].path[len] < '/'))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && !strncmp(l->e[lo].path, dir, len) && l->e[lo].path[len] == '/';
}

/* ".git" and "git~1" to "git~9", with what HFS+ ignores inside and what NTFS ignores behind. */
static bool imitates_git(const char *name, size_t n)
{
	struct buf folded = BUF_INIT;
	char *raw = xstrndup(name, n);
	size_t len;
	bool yes;

	utf8_fold(raw, &folded);
	len = strcspn(folded.p, ":");
	while (len && (folded.p[len - 1] == ' ' || folded.p[len - 1] == '.'))
		len--;
	yes = (len == 4 && !memcmp(folded.p, ".git", 4)) ||
		(len == 5 && !memcmp(folded.p, "git~", 4) && folded.p[4] >= '1' &&
			folded.p[4] <= '9');
	free(raw);
	buf_release(&folded);
	return yes;
}

/* C0, DEL, C1, and what turns the direction of text around. */
static bool has_control(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char a = (unsigned char)s[i], b = i + 1 < n ? (unsigned char)s[i + 1] : 0,
			      c = i + 2 < n ? (unsigned char)s[i + 2] : 0;

		if (a < 0x20 || a == 0x7F || (a == 0xC2 && b >= 0x80 && b < 0xA0))
			return true;
		if (a == 0xE2 && b == 0x80 && (c == 0x8E || c == 0x8F || (c >= 0xAA && c <= 0xAE)))
			return true;
		if ((a == 0xE2 && b == 0x81 && c >= 0xA6 && c <= 0xA9) || (a == 0xD8 && b == 0x9C))
			return true;
	}
	return false;
}

static void judge_names(struct scan *s, const char *path)
{
	int depth = 0;

	for (const char *p = path;; p++) {
		size_t n = strcspn(p, "/");

		if (!n || (n == 1 && *p == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			blame(s, R_PATH, path);
		if (imitates_git(p, n))
			blame(s, R_GIT, path);
		if (has_control(p, n))
			blame(s, R_CONTROL, path);
		if (memchr(p, '\\', n))
			blame(s, R_BACKSLASH, path);
		depth++;
		p += n;
		if (!*p)
			break;
	}
	if (depth > MAX_DEPTH + 1 || strlen(path) > MAX_PATH)
		s->limits = true;
}

/* ".." counts only at the front: behind a name it may go through another link, and then its meaning
 * depends on that one. */
int scan_link_leaves(const char *path, const char *target)
{
	size_t depth = 0;
	bool down = false;

	for (const char *p = path; *p; p++)
		depth += *p == '/';
	if (*target == '/' || !*target)
		return 1;
	for (const char *p = target; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (down || !depth)
				return 1;
			depth--;
		} else if (n && !(n == 1 && *p == '.')) {
			down = true;
			if (imitates_git(p, n))
				return 1;
		}
		p += n;
		p += strspn(p, "/");
	}
	return 0;
}

/* Files of git's own that must not be links: git follows or refuses them by version. */
static bool is_git_file(const char *path)
{
	static const char *const names[] = { ".gitmodules", ".gitattributes", ".gitignore",
		".mailmap" };
	const char *name = strrchr(path, '/');
	struct buf folded = BUF_INIT;
	bool yes = false;

	utf8_fold(name ? name + 1 : path, &folded);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		yes |= !strcmp(folded.p, names[i]);
	buf_release(&folded);
	return yes;
}

static void judge_entry(struct scan *s, struct entry *t)
{
	const struct entry *b = find(&s->base, t->path);

	t->known = b != NULL;
	t->same = b && !strcmp(b->mode, t->mode) && !strcmp(b->oid, t->oid);
	if (!t->known)
		judge_names(s, t->path);
	if (t->same)
		return;
	if (!strcmp(t->mode, "160000"))
		blame(s, R_SUBMODULE, t->path);
	else if (strcmp(t->mode, "100644") && strcmp(t->mode, "100755") &&
		strcmp(t->mode, "120000"))
		blame(s, R_MODE, t->path);
	if (!strcmp(t->mode, "120000") && is_git_file(t->path))
		blame(s, R_LINK, t->path);
}

struct folded {
	char *key;
	const char *path;
	size_t len;
	bool fresh;
};

static int by_key(const void *a, const void *b)
{
	const struct folded *x = a, *y = b;
	int d = strcmp(x->key, y->key);
	size_t n = x->len < y->len ? x->len : y->len;

	if (!d)
		d = strncmp(x->path, y->path, n);
	return d ? d : x->len < y->len ? -1 : x->len > y->len;
}

static void add_folded(
	struct folded **v, size_t *n, size_t *cap, const char *path, size_t len, bool fresh)
{
	struct buf key = BUF_INIT;
	char *raw = xstrndup(path, len);

	if (*n == *cap) {
		*cap = *cap ? *cap * 2 : 1024;
		*v = xrealloc(*v, *cap * sizeof **v);
	}
	utf8_fold(raw, &key);
	(*v)[(*n)++] = (struct folded){ buf_take(&key), path, len, fresh };
	free(raw);
}

/* Paths and directories of the tip, each once: the list is sorted, so a directory is new when the
 * path before was not in it. */
static void judge_case(struct scan *s)
{
	struct folded *v = NULL;
	size_t n = 0, cap = 0;
	const char *before = "";

	for (size_t i = 0; i < s->tip.n; i++) {
		const char *path = s->tip.e[i].path;

		for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
			size_t len = (size_t)(p - path);

			if (strncmp(before, path, len + 1))
				add_folded(&v, &n, &cap, path, len, !has_dir(&s->base, path, len));
		}
		add_folded(&v, &n, &cap, path, strlen(path), !s->tip.e[i].known);
		before = path;
	}
	if (n)
		qsort(v, n, sizeof *v, by_key);
	for (size_t i = 1; i < n; i++)
		if ((v[i].fresh || v[i - 1].fresh) && !strcmp(v[i].key, v[i - 1].key) &&
			(v[i].len != v[i - 1].len || strncmp(v[i].path, v[i - 1].path, v[i].len))) {
			char *twins = xasprintf("%.*s and %.*s", (int)v[i - 1].len, v[i - 1].path,
				(int)v[i].len, v[i].path);

			blame(s, R_CASE, twins);
			free(twins);
		}
	for (size_t i = 0; i < n; i++)
		free(v[i].key);
	free(v);
}

/* Runs cat-file over the changed blobs; links only, or all that are no links. */
static int cat_file(struct scan *s, bool links, struct buf *out, struct err *e)
{
	struct git_call c;
	struct buf in = BUF_INIT;
	int rc;

	git_call_init(&c, s->git_dir);
	c.timeout_ms = GIT_WORK_MS;
	for (size_t i = 0; i < s->tip.n; i++)
		if (!s->tip.e[i].same && s->tip.e[i].mode[1] != '6' &&
			links == (s->tip.e[i].mode[1] == '2'))
			buf_fmt(&in, "%s\n", s->tip.e[i].oid);
	c.in = in.p;
	c.nin = in.len;
	rc = git_capture(&c, out, e, "cat-file", links ? "--batch" : "--batch-check", (char *)NULL);
	if (!rc && c.truncated)
		rc = err_set(e, "too_big", "The links of the variant are too long to be judged");
	buf_release(&in);
	return rc;
}

/* "<id> blob <size>\n<bytes>\n" for each */
static int judge_links(struct scan *s, struct err *e)
{
	struct buf out = BUF_INIT;
	int rc = cat_file(s, true, &out, e);
	const char *p = out.p, *end = p + out.len;

	for (size_t i = 0; !rc && i < s->tip.n; i++) {
		const struct entry *t = &s->tip.e[i];
		const char *nl, *size;
		char *target;
		size_t n;

		if (t->same || t->mode[1] != '2')
			continue;
		nl = memchr(p, '\n', (size_t)(end - p));
		size = nl ? memrchr(p, ' ', (size_t)(nl - p)) : NULL;
		n = size ? strtoul(size, NULL, 10) : 0;
		if (!size || n > (size_t)(end - nl - 1)) {
			rc = err_set(e, "git_failed", "The links of the variant could not be read");
			break;
		}
		target = xstrndup(nl + 1, n);
		if (n > MAX_LINK || strlen(target) != n || has_control(target, n) ||
			scan_link_leaves(t->path, target))
			blame(s, R_LINK, t->path);
		free(target);
		p = nl + 1 + n + 1;
	}
	buf_release(&out);
	return rc;
}

/* "<id> blob <size>\n" for each */
static int judge_sizes(struct scan *s, struct err *e)
{
	struct buf out = BUF_INIT;
	int rc = cat_file(s, false, &out, e);
	long long total = 0;
	size_t changed = 0;
	const char *p = out.p;

	for (size_t i = 0; !rc && i < s->tip.n; i++) {
		const struct entry *t = &s->tip.e[i];
		const char *size;
		long long n;

		if (t->same || t->mode[1] == '6' || t->mode[1] == '2')
			continue;
		size = *p ? strstr(p, " blob ") : NULL;
		if (!size) {
			rc = err_set(e, "git_failed",
				"The sizes of the variant's files could not be read");
			break;
		}
		n = strtoll(size + 6, NULL, 10);
		total += n;
		changed++;
		if (n > MAX_FILE)
			blame(s, R_BIG, t->path);
		p = size + strcspn(size, "\n");
		p += *p == '\n';
	}
	if (changed > MAX_CHANGED || total > MAX_BYTES || s->tip.n > MAX_FILES)
		s->limits = true;
	buf_release(&out);
	return rc;
}

static char *verdict(const struct scan *s)
{
	struct buf b = BUF_INIT;

	for (int r = 0; r < R_COUNT; r++) {
		if (!s->found[r].n)
			continue;
		buf_fmt(&b, "%sThe variant holds %s: ", b.len ? " " : "", reason_text[r]);
		strv_join(&s->found[r], 3, &b);
		buf_char(&b, '.');
	}
	if (s->limits)
		buf_fmt(&b, "%sMore than 50,000 files, 1 GiB or depth 64.", b.len ? " " : "");
	return b.len ? buf_take(&b) : NULL;
}

int scan_tree(
	const char *quarantine, const char *base, const char *commit, char **why, struct err *e)
{
	struct scan s = { .git_dir = quarantine };
	int rc;

	*why = NULL;
	buf_init(&s.base.text);
	buf_init(&s.tip.text);
	rc = read_list(quarantine, base, &s.base, e);
	if (!rc)
		rc = read_list(quarantine, commit, &s.tip, e);
	for (size_t i = 0; !rc && i < s.tip.n; i++)
		judge_entry(&s, &s.tip.e[i]);
	if (!rc)
		judge_case(&s);
	if (!rc)
		rc = judge_links(&s, e);
	if (!rc)
		rc = judge_sizes(&s, e);
	if (rc)
		err_prefix(e, "The variant's tree could not be judged");
	else
		*why = verdict(&s);
	for (int r = 0; r < R_COUNT; r++)
		strv_release(&s.found[r]);
	free(s.base.e);
	free(s.tip.e);
	buf_release(&s.base.text);
	buf_release(&s.tip.text);
	return rc;
}
