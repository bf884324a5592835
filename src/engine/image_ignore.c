/* image_ignore.c - .dockerignore: patterns as Docker reads them (* ? [a-z] \ and ** for any number
 * of directories, ! takes back). */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/image.h"

/* One class "[...]" at p against c; *end behind it. Malformed = an ordinary "[". */
static bool class_fits(const char *p, char c, const char **end)
{
	bool not = p[1] == '^' || p[1] == '!', in = false;
	const char *q = p + 1 + not ;
	for (bool first = true; *q && (*q != ']' || first); first = false) {
		char low = *q == '\\' && q[1] ? *++q : *q, high = low;
		q++;
		if (*q == '-' && q[1] && q[1] != ']') {
			high = q[1] == '\\' && q[2] ? q[2] : q[1];
			q += q[1] == '\\' && q[2] ? 3 : 2;
		}
		in |= (unsigned char)low <= (unsigned char)c &&
			(unsigned char)c <= (unsigned char)high;
	}
	if (*q != ']') {
		*end = p + 1;
		return c == '[';
	}
	*end = q + 1;
	return c != '/' && in != not ;
}

static bool fits(const char *p, const char *s);

static bool fits_star(const char *p, const char *s)
{
	if (p[1] == '*') {
		while (*p == '*')
			p++;
		if (*p == '/') { /* no directory at all, too */
			p++;
			if (fits(p, s))
				return true;
			for (; *s; s++)
				if (*s == '/' && fits(p, s + 1))
					return true;
			return false;
		}
		for (; *s; s++)
			if (fits(p, s))
				return true;
		return fits(p, s);
	}
	for (p++; *s && *s != '/'; s++)
		if (fits(p, s))
			return true;
	return fits(p, s);
}

static bool fits(const char *p, const char *s)
{
	for (; *p; s++) {
		if (*p == '*')
			return fits_star(p, s);
		if (!*s)
			return false;
		if (*p == '[') {
			if (!class_fits(p, *s, &p))
				return false;
			continue;
		}
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '?' && *s != '/') {
			p++;
			continue;
		}
		if (*p++ != *s)
			return false;
	}
	return !*s;
}

/* A pattern that fits a directory fits all below it. */
static bool fits_upwards(const char *pattern, const char *path)
{
	char *part = xstrdup(path), *cut;
	bool yes = fits(pattern, part);
	while (!yes && (cut = strrchr(part, '/'))) {
		*cut = 0;
		yes = fits(pattern, part);
	}
	free(part);
	return yes;
}

bool image_ignored(const struct strv *patterns, const char *path)
{
	bool out = false;
	for (size_t i = 0; i < patterns->n; i++) {
		const char *p = patterns->v[i];
		bool back = *p == '!';
		if (out == back && fits_upwards(p + back, path))
			out = !back;
	}
	return out;
}

/* "./a/", "/a" and "a" are one; "a/../b" is not made simple. */
static char *tidy(const char *line, size_t n)
{
	while (n && strchr(" \t\r", line[n - 1]))
		n--;
	while (n && strchr(" \t", *line))
		line++, n--;
	bool back = n && *line == '!';
	line += back;
	n -= back;
	while (n && strchr(" \t", *line))
		line++, n--;
	while (n && (*line == '/' || (n > 1 && line[0] == '.' && line[1] == '/'))) {
		size_t k = *line == '/' ? 1 : 2;
		line += k;
		n -= k;
	}
	while (n && line[n - 1] == '/')
		n--;
	return xasprintf("%s%.*s", back && n ? "!" : "", (int)n, line);
}

void image_ignore_parse(const char *text, struct strv *patterns)
{
	if (!strncmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *p = *text == '#' ? xstrdup("") : tidy(text, n);
		if (*p && strcmp(p, ".") != 0)
			strv_add(patterns, p);
		free(p);
		text += n + (text[n] == '\n');
	}
}
