/* json_parse.c - the grammar of JSON with positions: decides what is accepted, says why not, and
 * where a value stands. cJSON's own parser is lenient and says little. */
#include <stdlib.h>
#include <string.h>

#include "base/json_int.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { MAX_DEPTH = 64, MAX_NUMBER = 60 };

struct parser {
	const char *s;
	size_t n, at; /* at = next byte */
	int depth;
	bool relaxed, failed;
	struct err *e;
	struct json *root;
	struct key {
		const char *text; /* the tree's */
		size_t at;
	} * keys; /* of the objects that are open */
	size_t nkeys, cap;
	/* What is looked for, NULL = nothing: the value at a path, or a key of the object there. */
	const char *path, *key;
	struct buf here; /* path of the value under way */
	int line; /* where it was found, 0 = not yet */
};

static int line_at(const struct parser *p, size_t at)
{
	int line = 1;

	for (size_t i = 0; i < at; i++)
		line += p->s[i] == '\n';
	return line;
}

/* The first reason is kept. */
static int fail_at(struct parser *p, size_t at, const char *what)
{
	size_t start = at;
	int column = 1;

	if (p->failed)
		return -1;
	p->failed = true;
	while (start > 0 && p->s[start - 1] != '\n')
		start--;
	/* In characters, as an editor counts. */
	for (size_t i = start; i < at; i++)
		column += ((unsigned char)p->s[i] & 0xC0) != 0x80;
	return err_set(p->e, "bad_json", "line %d, column %d: %s", line_at(p, at), column, what);
}

static int peek(const struct parser *p, size_t ahead)
{
	return p->at + ahead < p->n ? (unsigned char)p->s[p->at + ahead] : -1;
}

/* Blanks, and comments where they are allowed. */
static void skip_blank(struct parser *p)
{
	for (;;) {
		const char *end;

		while (p->at < p->n && memchr(" \t\r\n", p->s[p->at], 4))
			p->at++;
		if (!p->relaxed || peek(p, 0) != '/' || (peek(p, 1) != '/' && peek(p, 1) != '*'))
			return;
		if (peek(p, 1) == '/') {
			end = memchr(p->s + p->at, '\n', p->n - p->at);
			p->at = end ? (size_t)(end - p->s) : p->n;
			continue;
		}
		end = memmem(p->s + p->at + 2, p->n - p->at - 2, "*/", 2);
		if (!end)
			fail_at(p, p->at, "this comment is never closed");
		p->at = end ? (size_t)(end - p->s) + 2 : p->n;
	}
}

static bool take_byte(struct parser *p, char b)
{
	skip_blank(p);
	if (peek(p, 0) != b)
		return false;
	p->at++;
	return true;
}

/* ---- strings ---- */

/* Four hexadecimal digits at `at`, -1 = not there. */
static long hex4(const struct parser *p, size_t at)
{
	char digits[5] = "";

	if (at + 4 > p->n)
		return -1;
	memcpy(digits, p->s + at, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? strtol(digits, NULL, 16) : -1;
}

static int parse_unicode(struct parser *p, struct buf *text)
{
	size_t start = p->at;
	long cp = hex4(p, start + 2), low;
	char utf[4];

	if (cp < 0)
		return fail_at(p, start, "\\u needs four hexadecimal digits");
	if (cp == 0)
		return fail_at(p, start, "a NUL character is not allowed in a string");
	p->at += 6;
	if (cp >= 0xD800 && cp < 0xE000) {
		low = peek(p, 0) == '\\' && peek(p, 1) == 'u' ? hex4(p, p->at + 2) : -1;
		if (cp >= 0xDC00 || low < 0xDC00 || low > 0xDFFF)
			return fail_at(p, start, "half a surrogate pair");
		p->at += 6;
		cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
	}
	buf_add(text, utf, utf8_encode((uint32_t)cp, utf));
	return 0;
}

static int parse_escape(struct parser *p, struct buf *text)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int b = peek(p, 1);
	const char *which = b > 0 ? strchr(from, b) : NULL;

	if (b == 'u')
		return parse_unicode(p, text);
	if (!which)
		return fail_at(p, p->at, "an unknown \\ escape (\\\\ stands for a backslash)");
	p->at += 2;
	buf_char(text, to[which - from]);
	return 0;
}

static int parse_string(struct parser *p, struct buf *text)
{
	size_t start = p->at, len;

	if (peek(p, 0) != '"')
		return fail_at(p, p->at, "expected a string in double quotes");
	p->at++;
	while (p->at < p->n && p->s[p->at] != '"') {
		unsigned char b = (unsigned char)p->s[p->at];

		if (b == '\\') {
			if (parse_escape(p, text))
				return -1;
			continue;
		}
		if (b == '\n')
			return fail_at(p, start, "this string has no closing quote on its line");
		if (b < 0x20)
			return fail_at(p, p->at,
				"a control character in a string must be written as an escape");
		len = utf8_len(p->s + p->at, p->n - p->at);
		if (len == 0)
			return fail_at(p, p->at, "not valid UTF-8");
		buf_add(text, p->s + p->at, len);
		p->at += len;
	}
	if (p->at >= p->n)
		return fail_at(p, start, "this string has no closing quote");
	p->at++;
	return 0;
}

/* ---- numbers and words ---- */

static size_t skip_digits(struct parser *p)
{
	size_t start = p->at;

	while (p->at < p->n && p->s[p->at] >= '0' && p->s[p->at] <= '9')
		p->at++;
	return p->at - start;
}

static struct json *parse_number(struct parser *p)
{
	size_t start = p->at, n;
	const char *wrong = NULL;
	struct json *v = NULL;
	bool zero;

	p->at += peek(p, 0) == '-';
	zero = peek(p, 0) == '0';
	n = skip_digits(p);
	if (n == 0)
		wrong = "expected digits after the minus sign";
	else if (zero && n > 1)
		wrong = "a number does not start with 0";
	if (peek(p, 0) == '.') {
		p->at++;
		if (!skip_digits(p) && !wrong)
			wrong = "expected digits after the decimal point";
	}
	if ((peek(p, 0) | 32) == 'e') {
		p->at++;
		p->at += peek(p, 0) == '+' || peek(p, 0) == '-';
		if (!skip_digits(p) && !wrong)
			wrong = "expected digits in the exponent";
	}
	if (!wrong && p->at - start > MAX_NUMBER)
		wrong = "this number has too many digits";
	if (wrong)
		fail_at(p, start, wrong);
	else if (!(v = json_new_number(p->s + start, p->at - start)) && !p->failed) {
		p->failed = true;
		err_set(p->e, "bad_json", "a number in it is out of range");
	}
	return v;
}

static struct json *parse_word(struct parser *p)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);

		if (p->n - p->at < len || memcmp(p->s + p->at, words[i], len))
			continue;
		p->at += len;
		return i == 2 ? json_new_string(NULL) : json_new_bool(i == 0);
	}
	fail_at(p, p->at,
		"expected a value: a string in double quotes, a number, true, false, null, [ or {");
	return NULL;
}

/* ---- arrays and objects ---- */

static int parse_value(struct parser *p, struct json *parent, const char *key);

static void cut_path(struct parser *p, size_t len)
{
	p->here.len = len;
	p->here.p[len] = '\0';
}

static int parse_array(struct parser *p, struct json *a)
{
	size_t was = p->here.len;
	int rc = 0;

	p->at++;
	for (size_t i = 0; !rc; i++) {
		if ((i == 0 || p->relaxed) && take_byte(p, ']'))
			return 0;
		if (p->path)
			buf_fmt(&p->here, "[%zu]", i);
		rc = parse_value(p, a, NULL);
		cut_path(p, was);
		if (!rc && !take_byte(p, ','))
			break;
	}
	if (!rc && !take_byte(p, ']'))
		rc = fail_at(p, p->at, "expected , or ] in an array");
	return rc;
}

static int by_text(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int rc = strcmp(x->text, y->text);

	return rc ? rc : x->at < y->at ? -1 : x->at > y->at;
}

/* Sorted, so that an object of a hundred thousand keys does not cost their square. */
static int refuse_duplicates(struct parser *p, size_t first)
{
	const struct key *worst = NULL, *k = p->keys + first;
	size_t n = p->nkeys - first;
	struct buf b = BUF_INIT;

	p->nkeys = first;
	if (n > 1)
		qsort(p->keys + first, n, sizeof *k, by_text);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(k[i - 1].text, k[i].text) && (!worst || k[i].at < worst->at))
			worst = &k[i];
	if (!worst)
		return 0;
	buf_fmt(&b, "the key \"%.200s\" stands twice in this object", worst->text);
	fail_at(p, worst->at, b.p);
	buf_release(&b);
	return -1;
}

static int parse_member(struct parser *p, struct json *o)
{
	struct buf key = BUF_INIT;
	size_t at = p->at, was = p->here.len;
	int rc;

	if (at < p->n && p->s[at] != '"')
		return fail_at(p, at, "expected a key in double quotes");
	rc = parse_string(p, &key);
	if (!rc && p->key && !p->line && !strcmp(p->here.p, p->path) && !strcmp(key.p, p->key))
		p->line = line_at(p, at);
	if (!rc && p->path)
		buf_fmt(&p->here, "%s%s", was ? "." : "", key.p);
	if (!rc && !take_byte(p, ':'))
		rc = fail_at(p, p->at, "expected : after a key");
	if (!rc)
		rc = parse_value(p, o, key.p);
	if (p->nkeys == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		p->keys = xrealloc(p->keys, p->cap * sizeof *p->keys);
	}
	if (!rc)
		p->keys[p->nkeys++] = (struct key){ json_key(json_last(o)), at };
	cut_path(p, was);
	buf_release(&key);
	return rc;
}

static int parse_object(struct parser *p, struct json *o)
{
	size_t first = p->nkeys;

	p->at++;
	for (size_t i = 0;; i++) {
		if ((i == 0 || p->relaxed) && take_byte(p, '}'))
			break;
		skip_blank(p);
		if (parse_member(p, o))
			return -1;
		if (take_byte(p, ','))
			continue;
		if (!take_byte(p, '}'))
			return fail_at(p, p->at, "expected , or } in an object");
		break;
	}
	return refuse_duplicates(p, first);
}

static int attach_value(struct parser *p, struct json *parent, const char *key, struct json *v)
{
	if (!v)
		return -1;
	if (parent)
		json_append(parent, key, v);
	else
		p->root = v;
	return 0;
}

static int parse_container(struct parser *p, struct json *parent, const char *key)
{
	bool object = p->s[p->at] == '{';
	struct json *v;
	int rc;

	if (p->depth == MAX_DEPTH)
		return fail_at(p, p->at, "nested more than 64 levels deep");
	v = object ? json_object() : json_array();
	attach_value(p, parent, key, v);
	p->depth++;
	rc = object ? parse_object(p, v) : parse_array(p, v);
	p->depth--;
	return rc;
}

static int parse_value(struct parser *p, struct json *parent, const char *key)
{
	struct json *v = NULL;
	int b;

	skip_blank(p);
	b = peek(p, 0);
	if (b < 0)
		return fail_at(p, p->n, "the text ends too early: a value is missing");
	if (p->path && !p->key && !p->line && !strcmp(p->here.p, p->path))
		p->line = line_at(p, p->at);
	if (b == '{' || b == '[')
		return parse_container(p, parent, key);
	if (b == '"') {
		struct buf text = BUF_INIT;

		if (!parse_string(p, &text))
			v = json_new_string(text.p);
		buf_release(&text);
	} else {
		v = b == '-' || (b >= '0' && b <= '9') ? parse_number(p) : parse_word(p);
	}
	return attach_value(p, parent, key, v);
}

static struct json *parse_document(struct parser *p)
{
	int rc;

	if (p->relaxed && p->n >= 3 && !memcmp(p->s, "\xEF\xBB\xBF", 3))
		p->at = 3; /* some editors begin with a byte order mark */
	buf_init(&p->here);
	rc = parse_value(p, NULL, NULL);
	skip_blank(p);
	if (!rc && p->at < p->n)
		rc = fail_at(p, p->at, "something stands after the end of the value");
	buf_release(&p->here);
	free(p->keys);
	if (!rc && !p->failed)
		return p->root;
	json_free(p->root);
	return NULL;
}

struct json *json_parse(const char *text, size_t n, struct err *e)
{
	return parse_document(&(struct parser){ .s = text, .n = n, .e = e });
}

struct json *json_parse_relaxed(const char *text, size_t n, struct err *e)
{
	return parse_document(&(struct parser){ .s = text, .n = n, .e = e, .relaxed = true });
}

int json_line_of_key(const char *text, size_t n, const char *path, const char *key)
{
	struct err ignored = ERR_INIT;
	struct parser p = {
		.s = text, .n = n, .e = &ignored, .relaxed = true, .path = path, .key = key
	};

	json_free(parse_document(&p));
	return p.line;
}

int json_line_of(const char *text, size_t n, const char *path)
{
	return json_line_of_key(text, n, path, NULL);
}
