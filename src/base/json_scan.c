/* json_scan.c - the grammar of JSON with positions. cJSON is lenient and says little; this decides
 * what is accepted and why. */
#include "base/json_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

int json_scan_line(const char *s, size_t at)
{
	int line = 1;

	for (size_t i = 0; i < at; i++)
		line += s[i] == '\n';
	return line;
}

static int fail_at(struct json_scan *c, size_t at, const char *what)
{
	size_t start = at;
	int column = 1;

	while (start > 0 && c->s[start - 1] != '\n')
		start--;
	/* In characters, as an editor counts. */
	for (size_t i = start; i < at; i++)
		column += ((unsigned char)c->s[i] & 0xC0) != 0x80;
	return err_set(
		c->e, "bad_json", "line %d, column %d: %s", json_scan_line(c->s, at), column, what);
}

void json_scan_blank(struct json_scan *c)
{
	while (c->at < c->n && memchr(" \t\r\n", c->s[c->at], 4))
		c->at++;
}

int json_scan_take(struct json_scan *c, char b)
{
	json_scan_blank(c);
	if (c->at >= c->n || c->s[c->at] != b)
		return 0;
	c->at++;
	return 1;
}

/* ---- strings ---- */

static int hex4(const struct json_scan *c, size_t at, uint32_t *v)
{
	*v = 0;
	if (at + 4 > c->n)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		char h = c->s[i];

		if (h >= '0' && h <= '9')
			*v = *v * 16 + (uint32_t)(h - '0');
		else if ((h | 32) >= 'a' && (h | 32) <= 'f')
			*v = *v * 16 + (uint32_t)((h | 32) - 'a' + 10);
		else
			return -1;
	}
	return 0;
}

/* `at` stands on the first hex digit of \uXXXX. */
static int unicode_escape(struct json_scan *c, struct buf *text)
{
	size_t start = c->at - 2;
	uint32_t cp, low;
	char utf[4];

	if (hex4(c, c->at, &cp) < 0)
		return fail_at(c, start, "\\u needs four hexadecimal digits");
	c->at += 4;
	if (cp == 0)
		return fail_at(c, start, "a NUL character is not allowed in a text");
	if (cp >= 0xDC00 && cp < 0xE000)
		return fail_at(c, start, "half a surrogate pair");
	if (cp >= 0xD800 && cp < 0xDC00) {
		if (c->at + 6 > c->n || c->s[c->at] != '\\' || c->s[c->at + 1] != 'u' ||
			hex4(c, c->at + 2, &low) < 0 || low < 0xDC00 || low > 0xDFFF)
			return fail_at(c, start, "half a surrogate pair");
		c->at += 6;
		cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
	}
	if (text)
		buf_add(text, utf, utf8_encode(cp, utf));
	return 0;
}

static int escape(struct json_scan *c, struct buf *text)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *which;
	char b = c->at + 1 < c->n ? c->s[c->at + 1] : 0;

	if (b == 'u') {
		c->at += 2;
		return unicode_escape(c, text);
	}
	which = b ? strchr(from, b) : NULL;
	if (!which)
		return fail_at(c, c->at, "an unknown \\ escape (\\\\ stands for a backslash)");
	c->at += 2;
	if (text)
		buf_char(text, to[which - from]);
	return 0;
}

int json_scan_string(struct json_scan *c, struct buf *text)
{
	size_t start = c->at;

	if (c->at >= c->n || c->s[c->at] != '"')
		return fail_at(c, c->at, "expected a text in double quotes");
	c->at++;
	while (c->at < c->n && c->s[c->at] != '"') {
		unsigned char b = (unsigned char)c->s[c->at];
		size_t len;

		if (b == '\\') {
			if (escape(c, text) < 0)
				return -1;
			continue;
		}
		if (b == '\n')
			return fail_at(c, start, "this text has no closing quote on its line");
		if (b < 0x20)
			return fail_at(c, c->at,
				"a control character in a text must be written as an escape");
		len = utf8_len(c->s + c->at, c->n - c->at);
		if (len == 0)
			return fail_at(c, c->at, "not valid UTF-8");
		if (text)
			buf_add(text, c->s + c->at, len);
		c->at += len;
	}
	if (c->at >= c->n)
		return fail_at(c, start, "this text has no closing quote");
	c->at++;
	return 0;
}

/* ---- numbers and words ---- */

static size_t digits(struct json_scan *c)
{
	size_t start = c->at;

	while (c->at < c->n && c->s[c->at] >= '0' && c->s[c->at] <= '9')
		c->at++;
	return c->at - start;
}

static int number(struct json_scan *c)
{
	size_t start = c->at, n;
	bool zero;

	if (c->s[c->at] == '-')
		c->at++;
	zero = c->at < c->n && c->s[c->at] == '0';
	n = digits(c);
	if (n == 0)
		return fail_at(c, start, "expected digits after the minus sign");
	if (zero && n > 1)
		return fail_at(c, start, "a number does not start with 0");
	if (c->at < c->n && c->s[c->at] == '.') {
		c->at++;
		if (digits(c) == 0)
			return fail_at(c, start, "expected digits after the decimal point");
	}
	if (c->at < c->n && (c->s[c->at] | 32) == 'e') {
		c->at++;
		if (c->at < c->n && (c->s[c->at] == '+' || c->s[c->at] == '-'))
			c->at++;
		if (digits(c) == 0)
			return fail_at(c, start, "expected digits in the exponent");
	}
	if (c->at - start > JSON_NUMBER_MAX)
		return fail_at(c, start, "this number has too many digits");
	return 0;
}

static int word(struct json_scan *c)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t left = c->n - c->at;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);

		if (left < len || memcmp(c->s + c->at, words[i], len))
			continue;
		c->at += len;
		return 0;
	}
	return fail_at(c, c->at,
		"expected a value: a text in double quotes, a number, true, false, null, [ or {");
}

/* ---- lists and objects ---- */

static int list(struct json_scan *c)
{
	c->at++;
	if (json_scan_take(c, ']'))
		return 0;
	do {
		if (json_scan_value(c) < 0)
			return -1;
	} while (json_scan_take(c, ','));
	if (!json_scan_take(c, ']'))
		return fail_at(c, c->at, "expected , or ] in a list");
	return 0;
}

struct key {
	char *text;
	size_t at;
};

static int by_text(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int rc = strcmp(x->text, y->text);

	return rc ? rc : x->at < y->at ? -1 : x->at > y->at;
}

struct keys {
	struct key *v;
	size_t n, cap;
};

static void keys_add(struct keys *k, char *take_text, size_t at)
{
	if (k->n == k->cap) {
		k->cap = k->cap ? k->cap * 2 : 16;
		k->v = xrealloc(k->v, k->cap * sizeof *k->v);
	}
	k->v[k->n++] = (struct key){ take_text, at };
}

/* Sorted, so that an object of a hundred thousand keys does not cost their square. */
static int no_duplicates(struct json_scan *c, struct keys *k)
{
	const struct key *worst = NULL;
	struct buf b = BUF_INIT;

	if (k->n > 1)
		qsort(k->v, k->n, sizeof *k->v, by_text);
	for (size_t i = 1; i < k->n; i++)
		if (!strcmp(k->v[i - 1].text, k->v[i].text) && (!worst || k->v[i].at < worst->at))
			worst = &k->v[i];
	if (!worst)
		return 0;
	buf_fmt(&b, "the key \"%.200s\" stands twice in this object", worst->text);
	fail_at(c, worst->at, b.p);
	buf_release(&b);
	return -1;
}

static int members(struct json_scan *c, struct keys *k)
{
	do {
		struct buf text = BUF_INIT;
		size_t at;

		json_scan_blank(c);
		at = c->at;
		if (at < c->n && c->s[at] != '"')
			return fail_at(c, at, "expected a key in double quotes");
		if (json_scan_string(c, &text) < 0) {
			buf_release(&text);
			return -1;
		}
		keys_add(k, buf_take(&text), at);
		if (!json_scan_take(c, ':'))
			return fail_at(c, c->at, "expected : after a key");
		if (json_scan_value(c) < 0)
			return -1;
	} while (json_scan_take(c, ','));
	if (!json_scan_take(c, '}'))
		return fail_at(c, c->at, "expected , or } in an object");
	return no_duplicates(c, k);
}

static int object(struct json_scan *c)
{
	struct keys k = { NULL, 0, 0 };
	int rc;

	c->at++;
	if (json_scan_take(c, '}'))
		return 0;
	rc = members(c, &k);
	for (size_t i = 0; i < k.n; i++)
		free(k.v[i].text);
	free(k.v);
	return rc;
}

int json_scan_value(struct json_scan *c)
{
	char b;
	int rc;

	json_scan_blank(c);
	if (c->at >= c->n)
		return fail_at(c, c->n, "the text ends too early: a value is missing");
	b = c->s[c->at];
	if (b == '"')
		return json_scan_string(c, NULL);
	if (b == '-' || (b >= '0' && b <= '9'))
		return number(c);
	if (b != '{' && b != '[')
		return word(c);
	if (c->depth == JSON_DEPTH)
		return fail_at(c, c->at, "nested more than 64 levels deep");
	c->depth++;
	rc = b == '{' ? object(c) : list(c);
	c->depth--;
	return rc;
}

int json_scan_document(struct json_scan *c)
{
	if (json_scan_value(c) < 0)
		return -1;
	json_scan_blank(c);
	return c->at < c->n ? fail_at(c, c->at, "something stands after the end of the value") : 0;
}

/* ---- comments and trailing commas ---- */

static size_t skip_string(const char *s, size_t n, size_t i)
{
	for (i++; i < n && s[i] != '"' && s[i] != '\n'; i++)
		if (s[i] == '\\' && i + 1 < n && s[i + 1] != '\n')
			i++;
	return i < n ? i + 1 : n;
}

/* End of the comment at i, or 0 when it never ends. */
static size_t comment_end(const char *s, size_t n, size_t i)
{
	if (s[i + 1] == '/') {
		while (i < n && s[i] != '\n')
			i++;
		return i;
	}
	for (i += 2; i + 1 < n; i++)
		if (s[i] == '*' && s[i + 1] == '/')
			return i + 2;
	return 0;
}

int json_scan_relax(const char *text, size_t n, struct buf *out, struct err *e)
{
	struct json_scan where = { .s = text, .n = n, .e = e };
	size_t i = 0, comma = SIZE_MAX; /* a comma with only blanks behind it so far */
	char last = '['; /* last byte that counts */

	buf_clear(out);
	buf_add(out, text, n);
	if (n >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) {
		memset(out->p, ' ', 3); /* some editors begin with a byte order mark */
		i = 3;
	}
	while (i < n) {
		char b = text[i];

		if (b == '/' && i + 1 < n && (text[i + 1] == '/' || text[i + 1] == '*')) {
			size_t end = comment_end(text, n, i);

			if (end == 0)
				return fail_at(&where, i, "this comment is never closed");
			for (; i < end; i++)
				if (text[i] != '\n')
					out->p[i] = ' ';
			continue;
		}
		if (memchr(" \t\r\n", b, 4)) {
			i++;
			continue;
		}
		if ((b == ']' || b == '}') && comma != SIZE_MAX)
			out->p[comma] = ' ';
		/* A comma that follows no value stays, and is refused where it stands. */
		comma = b == ',' && !strchr("[{,:", last) ? i : SIZE_MAX;
		last = b ? b : '?';
		i = b == '"' ? skip_string(text, n, i) : i + 1;
	}
	return 0;
}
