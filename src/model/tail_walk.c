/* tail_walk.c - lines and marks in one order, up and down. A mark stands before the line that
 * starts at its offset. */
#include <string.h>

#include "base/mem.h"
#include "model/tail_int.h"

/* A place between two items: the next line and the next record that may be a mark. */
struct place {
	struct tail_seg seg;
	bool more; /* seg is a line; false = behind the last */
	uint64_t rec;
};

static bool is_mark(struct tail *t, uint64_t i, struct runlog_record *r)
{
	return tail_record(t, i, r) == 0 && r->kind != RUNLOG_OUTPUT;
}

static void step_seg(struct tail *t, struct place *p)
{
	struct tail_seg *s = &p->seg;
	bool newline = s->next > s->end;

	p->more = s->next < t->size;
	s->number += newline;
	s->fragment = newline ? 0 : s->fragment + 1;
	s->start = s->next;
	s->line = newline ? s->start : s->line;
	if (p->more)
		tail_seg_fill(t, s);
}

/* Before seg, or false when there is none. */
static bool step_seg_back(struct tail *t, struct tail_seg *s)
{
	uint64_t start = s->start, number = s->number;

	if (start == 0)
		return false;
	if (s->fragment > 0) {
		s->fragment--;
		s->start = tail_fragment_start(t, s->line, s->fragment);
		s->end = s->next = start;
		s->open = false;
		return true;
	}
	s->start = s->line = tail_line_start(t, start - 1);
	s->fragment = 0;
	if (start - s->start > TAIL_MAX_LINE)
		tail_seg_at(t, start - 1, s);
	else
		tail_seg_fill(t, s);
	s->number = number - 1;
	return true;
}

static bool give_mark(
	struct tail *t, uint64_t i, const struct runlog_record *r, tail_fn fn, void *ctx)
{
	tail_mark_text(r, &t->mark_text);
	struct tail_line l = {
		.kind = TAIL_MARK,
		.off = r->off,
		.len = (uint32_t)t->mark_text.len,
		.text = t->mark_text.p,
		.ns = r->ns,
		.mark = *r,
		.seq = i,
	};
	return fn(ctx, &l);
}

static bool give_seg(struct tail *t, const struct tail_seg *s, tail_fn fn, void *ctx)
{
	struct runlog_record r;
	struct tail_line l = { .kind = TAIL_TEXT,
		.off = s->start,
		.number = s->number,
		.cont = s->fragment > 0,
		.cut = !s->open && s->next == s->end,
		.open = s->open };

	if (tail_output_record(t, s->start, &r) && s->start < r.off + r.len) {
		l.ns = r.ns;
		l.stream = r.stream;
	}
	size_t n = (size_t)(s->end - s->start);
	l.text = (const char *)tail_bytes(t, s->start, &n);
	l.len = (uint32_t)n;
	return fn(ctx, &l);
}

/* Gives up to n items from p on. Returns the offset after the last one. */
static uint64_t forward(struct tail *t, struct place *p, size_t n, tail_fn fn, void *ctx)
{
	uint64_t at = p->more ? p->seg.start : t->size;

	for (bool go = true; go && n > 0; n--) {
		struct runlog_record r;
		while (p->rec < t->nrec && !is_mark(t, p->rec, &r) &&
			(tail_record(t, p->rec, &r) || !p->more || r.off <= p->seg.start))
			p->rec++;
		if (is_mark(t, p->rec, &r) && (!p->more || r.off <= p->seg.start)) {
			go = give_mark(t, p->rec++, &r, fn, ctx);
		} else if (p->more) {
			go = give_seg(t, &p->seg, fn, ctx);
			at = p->seg.next;
			step_seg(t, p);
		} else {
			break;
		}
	}
	return at;
}

/* Last mark below record i that stands behind a line starting at floor (no line = any). UINT64_MAX
 * = none; *i is where the search ended. */
static uint64_t mark_back(struct tail *t, uint64_t *i, bool line, uint64_t floor)
{
	struct runlog_record r;

	for (; *i > 0; (*i)--) {
		if (tail_record(t, *i - 1, &r))
			continue;
		if (line && r.off <= floor)
			return UINT64_MAX;
		if (r.kind != RUNLOG_OUTPUT)
			return *i - 1;
	}
	return UINT64_MAX;
}

uint64_t tail_last(struct tail *t, uint64_t before, size_t n, tail_fn fn, void *ctx)
{
	struct place p = { .more = false };
	struct tail_seg s = { 0 };
	uint64_t end = before < t->size ? before : t->size, first = 0;
	uint64_t i = before == UINT64_MAX ? t->nrec : tail_records_upto(t, before, false);
	size_t found = 0;
	bool line = end > 0;

	p.rec = i;
	p.seg.start = p.seg.next = p.seg.end = t->size;
	if (line)
		tail_seg_at(t, end - 1, &s);
	while (found < n) {
		struct runlog_record r;
		uint64_t m = mark_back(t, &i, line, s.start);
		if (m != UINT64_MAX) {
			p.rec = i = m;
			first = tail_record(t, m, &r) == 0 ? r.off : 0;
		} else if (line) {
			p.seg = s;
			p.more = true;
			first = s.start;
			line = step_seg_back(t, &s);
		} else {
			break;
		}
		found++;
	}
	/* records between the place found and the marks that follow are skipped by forward itself
	 */
	if (found)
		forward(t, &p, found, fn, ctx);
	return found < n ? 0 : first;
}

uint64_t tail_from(struct tail *t, uint64_t from, size_t n, tail_fn fn, void *ctx)
{
	struct place p = { .more = from < t->size };
	struct tail_seg before;
	uint64_t at = from < t->size ? from : t->size;

	p.rec = 0;
	if (p.more) {
		tail_seg_at(t, from, &p.seg);
		at = p.seg.start;
	}
	if (at > 0) {
		tail_seg_at(t, at - 1, &before);
		p.rec = tail_records_upto(t, before.start, true);
	}
	return forward(t, &p, n, fn, ctx);
}
