/* pipeline_diff.c - a unified diff of two small texts, line by line (longest common subsequence).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/pipeline_int.h"

/* CONTEXT: lines around a change. Texts of more cells than this are shown as wholly replaced. */
enum { CONTEXT = 3, MAX_CELLS = 16 << 20 };

struct lines {
	const char **at;
	size_t *len, n;
};

/* Lines between here and there that are the same, deleted or added. */
struct edit {
	char op; /* ' ' '-' '+' */
	size_t a, b; /* line numbers in either, from 0 */
};
struct edits {
	struct edit *v;
	size_t n;
};

static struct lines split(const struct buf *b)
{
	struct lines l = { NULL, NULL, 0 };

	for (size_t at = 0; at < b->len;) {
		const char *nl = memchr(b->p + at, '\n', b->len - at);
		size_t n = nl ? (size_t)(nl - b->p) - at : b->len - at;

		l.at = xrealloc(l.at, (l.n + 1) * sizeof *l.at);
		l.len = xrealloc(l.len, (l.n + 1) * sizeof *l.len);
		l.at[l.n] = b->p + at;
		l.len[l.n++] = n;
		at += n + 1;
	}
	return l;
}

static bool same(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
	return a->len[i] == b->len[j] && !memcmp(a->at[i], b->at[j], a->len[i]);
}

static void add(struct edits *e, char op, size_t a, size_t b)
{
	e->v[e->n++] = (struct edit){ op, a, b };
}

/* common[i][j]: length of the longest common part of a from i and b from j. */
static uint32_t *table(const struct lines *a, const struct lines *b)
{
	size_t w = b->n + 1;
	uint32_t *t = xcalloc((a->n + 1) * w, sizeof *t);

	for (size_t i = a->n; i-- > 0;)
		for (size_t j = b->n; j-- > 0;) {
			uint32_t down = t[(i + 1) * w + j], right = t[i * w + j + 1];

			t[i * w + j] = same(a, i, b, j) ? t[(i + 1) * w + j + 1] + 1
				: down > right          ? down
							: right;
		}
	return t;
}

static struct edits compare(const struct lines *a, const struct lines *b)
{
	struct edits e = { xcalloc(a->n + b->n + 1, sizeof *e.v), 0 };
	bool small = (a->n + 1) <= MAX_CELLS / (b->n + 1);
	uint32_t *t = small ? table(a, b) : NULL;
	size_t i = 0, j = 0, w = b->n + 1;

	while (i < a->n || j < b->n) {
		if (t && i < a->n && j < b->n && same(a, i, b, j)) {
			add(&e, ' ', i, j);
			i++;
			j++;
		} else if (i < a->n &&
			(j == b->n || !t || t[(i + 1) * w + j] >= t[i * w + j + 1])) {
			add(&e, '-', i++, j);
		} else {
			add(&e, '+', i, j++);
		}
	}
	free(t);
	return e;
}

static void put_hunk(const struct edits *e, size_t from, size_t to, const struct lines *a,
	const struct lines *b, struct buf *out)
{
	size_t na = 0, nb = 0;

	for (size_t k = from; k < to; k++) {
		na += e->v[k].op != '+';
		nb += e->v[k].op != '-';
	}
	buf_fmt(out, "@@ -%zu,%zu +%zu,%zu @@\n", e->v[from].a + (na > 0), na,
		e->v[from].b + (nb > 0), nb);
	for (size_t k = from; k < to; k++) {
		const struct edit *x = &e->v[k];

		buf_char(out, x->op);
		if (x->op == '+')
			buf_add(out, b->at[x->b], b->len[x->b]);
		else
			buf_add(out, a->at[x->a], a->len[x->a]);
		buf_char(out, '\n');
	}
}

void pipeline_diff(const char *name, const struct buf *ba, const struct buf *bb, struct buf *out)
{
	struct lines a = split(ba), b = split(bb);
	struct edits e = compare(&a, &b);
	size_t k = 0;
	bool head = false;

	while (k < e.n) {
		size_t from, to, quiet = 0;

		while (k < e.n && e.v[k].op == ' ')
			k++;
		if (k == e.n)
			break;
		from = k > CONTEXT ? k - CONTEXT : 0;
		/* a hunk ends where more than twice the context is the same */
		for (to = k; to < e.n && quiet <= 2 * CONTEXT; to++)
			quiet = e.v[to].op == ' ' ? quiet + 1 : 0;
		k = to;
		if (quiet > CONTEXT)
			to -= quiet - CONTEXT;
		if (!head)
			buf_fmt(out, "--- a/%s\n+++ b/%s\n", name, name);
		head = true;
		put_hunk(&e, from, to, &a, &b, out);
	}
	free(e.v);
	free(a.at);
	free(a.len);
	free(b.at);
	free(b.len);
}
