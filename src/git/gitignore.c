/* gitignore.c - our own gitignore: parses rule files, matches paths within a budget of steps. */
#include "git/gitignore.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "git/open_nofollow.h"

struct rule {
	char *pat;
	/* leading bytes without anything special: git compares them literally and globs only the
	 * rest */
	size_t plain;
	bool negated, dirs_only, anchored;
};

struct gitignore {
	const struct gitignore *up;
	size_t base, n, cap;
	struct rule *rule;
};

struct match {
	bool path; /* '*' and '?' stop at slashes, "**" does not */
	long steps;
};

static bool special(char c)
{
	return c == '*' || c == '?' || c == '[' || c == '\\';
}

static const struct {
	const char *name;
	int (*is)(int);
} classes[] = {
	{ "alnum", isalnum },
	{ "alpha", isalpha },
	{ "blank", isblank },
	{ "cntrl", iscntrl },
	{ "digit", isdigit },
	{ "graph", isgraph },
	{ "lower", islower },
	{ "print", isprint },
	{ "punct", ispunct },
	{ "space", isspace },
	{ "upper", isupper },
	{ "xdigit", isxdigit },
};

/* "[:name:]" at p. Returns its length, 0 = not such a thing, -1 = an unknown name, which makes the
 * whole rule match nothing. */
static int named_class(const char *p, unsigned char c, bool *hit)
{
	size_t n = strcspn(p + 2, "]");

	if (!p[2 + n])
		return -1;
	if (n < 1 || p[2 + n - 1] != ':')
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (strlen(classes[i].name) == n - 1 && !strncmp(p + 2, classes[i].name, n - 1)) {
			*hit |= classes[i].is(c) != 0;
			return (int)n + 3;
		}
	return -1;
}

/* A bracket expression at p (on its '['). Returns the position after ']', NULL = it never ends. */
static const char *bracket(const char *p, unsigned char c, bool *hit)
{
	bool negated = p[1] == '!' || p[1] == '^', in = false;
	unsigned char from = 0;
	int n;

	p += negated ? 2 : 1;
	for (bool first = true; first || *p != ']'; first = false) {
		if (*p == '[' && p[1] == ':') {
			n = named_class(p, c, &in);
			if (n < 0)
				return NULL;
			if (n) {
				p += n;
				from = 0;
				continue;
			}
		}
		if (*p == '-' && from && p[1] && p[1] != ']') {
			p += p[1] == '\\' ? 2 : 1;
			if (!*p)
				return NULL;
			in |= c >= from && c <= (unsigned char)*p;
			p++;
			from = 0;
			continue;
		}
		p += *p == '\\';
		if (!*p)
			return NULL;
		from = (unsigned char)*p++;
		in |= c == from;
	}
	*hit = in != negated;
	return p + 1;
}

static bool glob(struct match *m, const char *start, const char *text);

/* After a run of stars: tries the rest of the pattern at each place the stars may end. */
static bool stars(struct match *m, const char *start, const char *p, const char *text)
{
	const char *after = p + strspn(p, "*");
	bool cross = !m->path;

	/* A part of the pattern after a star is matched as if it began there: so does git, and
	 * "a*b**\/c" depends on it. */
	if (m->path && after - p >= 2 && (p == start || p[-1] == '/') &&
		(!*after || *after == '/' || (*after == '\\' && after[1] == '/'))) {
		if (*after == '/' && glob(m, after + 1, text))
			return true;
		cross = true;
	}
	if (!*after)
		return cross || !strchr(text, '/');
	if (!cross && *after == '/') {
		text = strchr(text, '/');
		return text && glob(m, after, text);
	}
	for (; *text; text++) {
		if (m->steps < 0)
			return false;
		if (special(*after) || *after == *text) {
			if (glob(m, after, text))
				return true;
		} else {
			m->steps--;
		}
		if (!cross && *text == '/')
			return false;
	}
	return false;
}

static bool glob(struct match *m, const char *start, const char *text)
{
	const char *p = start;
	bool hit;

	for (; *p; text++) {
		if (--m->steps < 0)
			return false;
		if (*p == '*')
			return stars(m, start, p, text);
		if (!*text)
			return false;
		switch (*p) {
		case '?':
			if (m->path && *text == '/')
				return false;
			p++;
			break;
		case '[':
			p = bracket(p, (unsigned char)*text, &hit);
			if (!p || !hit || (m->path && *text == '/'))
				return false;
			break;
		case '\\':
			p++;
			/* fall through */
		default:
			if (*p != *text)
				return false;
			p++;
		}
	}
	return !*text;
}

static bool rule_matches(const struct rule *r, const char *path, const char *name, struct match *m)
{
	const char *text = r->anchored ? path : name;

	m->steps -= 1 + (long)(r->plain / 16);
	if (strncmp(r->pat, text, r->plain))
		return false;
	/* Unanchored rules are globbed whole: there the literal start is only a short cut. */
	m->path = r->anchored;
	return glob(m, r->pat + (r->anchored ? r->plain : 0), text + (r->anchored ? r->plain : 0));
}

bool gitignore_match(
	const struct gitignore *g, const char *path, bool dir, struct gitignore_budget *b)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct match m = { false, GITIGNORE_STEPS < b->total ? GITIGNORE_STEPS : b->total };
	long had = m.steps;
	bool ignored = false, found = false;

	for (; g && !found; g = g->up)
		for (size_t i = g->n; i-- > 0 && !found;) {
			const struct rule *r = &g->rule[i];

			if (r->dirs_only && !dir)
				continue;
			found = rule_matches(r, path + g->base, name, &m);
			if (found)
				ignored = !r->negated;
			if (m.steps < 0) {
				b->blown++;
				b->total -= had;
				return false;
			}
		}
	b->total -= had - m.steps;
	return ignored;
}

/* Blanks at the end do not count unless escaped. */
static size_t trimmed(const char *s, size_t n)
{
	size_t keep = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\' && i + 1 < n)
			i++;
		else if (s[i] == ' ')
			continue;
		keep = i + 1;
	}
	return keep;
}

static void add_rule(struct gitignore *g, const char *s, size_t n)
{
	struct rule r = { NULL, 0, false, false, false };

	if (n && *s == '!') {
		r.negated = true;
		s++;
		n--;
	}
	if (n && s[n - 1] == '/') {
		r.dirs_only = true;
		n--;
	}
	r.anchored = memchr(s, '/', n) != NULL;
	if (n && *s == '/') {
		s++;
		n--;
	}
	if (!n || n > GITIGNORE_MAX_RULE || memchr(s, '\0', n) || g->n == GITIGNORE_MAX_RULES)
		return;
	r.pat = xstrndup(s, n);
	while (r.pat[r.plain] && !special(r.pat[r.plain]))
		r.plain++;
	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 16;
		g->rule = xrealloc(g->rule, g->cap * sizeof *g->rule);
	}
	g->rule[g->n++] = r;
}

struct gitignore *gitignore_new(const struct gitignore *up, size_t base, const char *text, size_t n)
{
	struct gitignore *g = xcalloc(1, sizeof *g);
	const char *end = text + n;

	g->up = up;
	g->base = base;
	if (n >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3))
		text += 3;
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((nl ? nl : end) - text);
		size_t keep = len && text[len - 1] == '\r' ? len - 1 : len;

		if (*text != '#')
			add_rule(g, text, trimmed(text, keep));
		text += len + (nl != NULL);
	}
	return g;
}

struct gitignore *gitignore_of_dir(const struct gitignore *up, size_t base, int dirfd, dev_t dev)
{
	struct gitignore *g = NULL;
	struct stat st;
	char *text;
	size_t n = 0;
	ssize_t got;
	int fd = open_nofollow_file(dirfd, ".gitignore", dev, &st);

	if (fd < 0)
		return NULL;
	if (st.st_size <= GITIGNORE_MAX_FILE) {
		text = xmalloc(GITIGNORE_MAX_FILE + 1);
		while (n < GITIGNORE_MAX_FILE &&
			(got = read(fd, text + n, GITIGNORE_MAX_FILE - n)) > 0)
			n += (size_t)got;
		g = gitignore_new(up, base, text, n);
		free(text);
	}
	close(fd);
	return g;
}

void gitignore_free(struct gitignore *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++)
		free(g->rule[i].pat);
	free(g->rule);
	free(g);
}
