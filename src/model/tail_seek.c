/* tail_seek.c - finds places in a log: records by offset, newlines by count, the start of a line;
 * by binary search in the index and reads of at most one record's bytes, so that a log of any size
 * answers at once. Without an index it reads the bytes. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/tail_int.h"

int tail_record(struct tail *t, uint64_t i, struct runlog_record *r)
{
	if (i >= t->nrec)
		return -1;
	if (i < t->records_at || i >= t->records_at + t->records_n) {
		uint64_t first = i - i % TAIL_RECORDS, n = t->nrec - first;
		if (n > TAIL_RECORDS)
			n = TAIL_RECORDS;
		ssize_t got = pread(t->idx, t->records, (size_t)n * RUNLOG_RECORD,
			(off_t)(first * RUNLOG_RECORD));
		t->records_at = first;
		t->records_n = got > 0 ? (size_t)got / RUNLOG_RECORD : 0;
		if (i >= first + t->records_n)
			return -1;
	}
	return runlog_decode(t->records + (i - t->records_at) * RUNLOG_RECORD, r);
}

/* First record at or after i, below end, that is one. */
static uint64_t next_valid(struct tail *t, uint64_t i, uint64_t end, struct runlog_record *r)
{
	while (i < end && tail_record(t, i, r))
		i++;
	return i;
}

uint64_t tail_records_upto(struct tail *t, uint64_t off, bool equal)
{
	uint64_t lo = 0, hi = t->nrec;
	struct runlog_record r;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2, at = next_valid(t, mid, hi, &r);
		if (at < hi && (equal ? r.off <= off : r.off < off))
			lo = at + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Last output record with a number below i. */
static bool output_below(struct tail *t, uint64_t i, struct runlog_record *r)
{
	while (i-- > 0)
		if (tail_record(t, i, r) == 0 && r->kind == RUNLOG_OUTPUT)
			return true;
	return false;
}

bool tail_output_record(struct tail *t, uint64_t off, struct runlog_record *r)
{
	return output_below(t, tail_records_upto(t, off, true), r);
}

/* Last output record that begins after fewer than `lines` newlines. */
static bool output_by_lines(struct tail *t, uint64_t lines, struct runlog_record *r)
{
	uint64_t lo = 0, hi = t->nrec;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2, at = mid;
		while (at < hi && (tail_record(t, at, r) || r->kind != RUNLOG_OUTPUT))
			at++;
		if (at < hi && r->val < lines)
			lo = at + 1;
		else
			hi = mid;
	}
	return output_below(t, lo, r);
}

const unsigned char *tail_bytes(struct tail *t, uint64_t off, size_t *n)
{
	if (!t->window)
		t->window = xmalloc(TAIL_WINDOW);
	if (off >= t->size) {
		*n = 0;
		return t->window;
	}
	if (*n > t->size - off)
		*n = (size_t)(t->size - off);
	if (off < t->window_off || off + *n > t->window_off + t->window_len) {
		uint64_t lo = off > TAIL_WINDOW / 4 ? off - TAIL_WINDOW / 4 : 0;
		uint64_t hi = off + *n + TAIL_CHUNK < t->size ? off + *n + TAIL_CHUNK : t->size;
		t->window_len = 0;
		t->window_off = lo;
		while (lo < hi) {
			ssize_t got =
				tail_pread(t, lo, t->window + t->window_len, (size_t)(hi - lo));
			if (got <= 0)
				break;
			t->window_len += (size_t)got;
			lo += (uint64_t)got;
		}
		if (off + *n > t->window_off + t->window_len)
			*n = t->window_off + t->window_len > off
				? (size_t)(t->window_off + t->window_len - off)
				: 0;
	}
	return t->window + (*n ? off - t->window_off : 0);
}

uint64_t tail_newlines_before(struct tail *t, uint64_t off)
{
	struct runlog_record r;
	uint64_t at = 0, lines = 0;

	if (tail_output_record(t, off, &r)) {
		at = r.off;
		lines = r.val;
	}
	if (t->lines_at > at && t->lines_at <= off) {
		at = t->lines_at;
		lines = t->lines;
	}
	while (at < off) {
		size_t n = off - at < TAIL_MAX_LINE ? (size_t)(off - at) : TAIL_MAX_LINE;
		const unsigned char *p = tail_bytes(t, at, &n);
		if (n == 0)
			break;
		lines += runlog_count_lines(p, n);
		at += n;
	}
	return lines;
}

/* Offset after the last newline in [floor, off), or UINT64_MAX. */
static uint64_t newline_back(struct tail *t, uint64_t off, uint64_t floor)
{
	while (off > floor) {
		size_t n = off - floor < TAIL_CHUNK ? (size_t)(off - floor) : TAIL_CHUNK, want = n;
		const unsigned char *p = tail_bytes(t, off - n, &n), *nl = memrchr(p, '\n', n);
		if (nl)
			return off - want + (uint64_t)(nl - p) + 1;
		off -= want;
	}
	return UINT64_MAX;
}

/* Offset after newline number `lines` (1-based), looking from a place with `have` newlines before
 * it. */
static uint64_t newline_forward(struct tail *t, uint64_t at, uint64_t have, uint64_t lines)
{
	while (at < t->size) {
		size_t n = TAIL_MAX_LINE;
		const unsigned char *p = tail_bytes(t, at, &n), *end = p + n;
		if (n == 0)
			break;
		uint64_t in = runlog_count_lines(p, n);
		if (have + in < lines) {
			have += in;
			at += n;
			continue;
		}
		for (const unsigned char *s = p;
			s < end && (s = memchr(s, '\n', (size_t)(end - s))); s++)
			if (++have == lines)
				return at + (uint64_t)(s - p) + 1;
	}
	return t->size;
}

uint64_t tail_offset_of_line(struct tail *t, uint64_t number)
{
	struct runlog_record r = { 0 };

	if (number <= 1)
		return 0;
	if (!output_by_lines(t, number - 1, &r))
		r.off = r.val = 0;
	return newline_forward(t, r.off, r.val, number - 1);
}

uint64_t tail_line_start(struct tail *t, uint64_t off)
{
	uint64_t floor = off > TAIL_MAX_LINE ? off - TAIL_MAX_LINE : 0;
	uint64_t at = newline_back(t, off, floor);

	if (at != UINT64_MAX)
		return at;
	/* a very long line: its start is found by count, not by reading back through it */
	return floor == 0 ? 0 : tail_offset_of_line(t, tail_newlines_before(t, off) + 1);
}

uint64_t tail_fragment_start(struct tail *t, uint64_t line, uint64_t n)
{
	uint64_t at = line + n * TAIL_MAX_LINE;
	size_t back = VT_CUT_BACK;
	const unsigned char *p;

	if (n == 0)
		return line;
	p = tail_bytes(t, at - VT_CUT_BACK, &back);
	return at - VT_CUT_BACK + vt_cut((const char *)p, back);
}

void tail_seg_fill(struct tail *t, struct tail_seg *s)
{
	uint64_t at = s->start, stop = s->line + (s->fragment + 1) * TAIL_MAX_LINE + 1;

	while (at < stop) {
		size_t n = stop - at < TAIL_CHUNK ? (size_t)(stop - at) : TAIL_CHUNK;
		const unsigned char *p = tail_bytes(t, at, &n);
		const unsigned char *nl = n ? memchr(p, '\n', n) : NULL;
		if (nl) {
			s->end = at + (uint64_t)(nl - p);
			s->next = s->end + 1;
			s->open = false;
			return;
		}
		if (n == 0)
			break;
		at += n;
	}
	s->open = at < stop;
	s->end = s->next = s->open ? at : tail_fragment_start(t, s->line, s->fragment + 1);
}

/* Are there bytes from off to `to`, both included, without a newline? */
static bool goes_on(struct tail *t, uint64_t off, uint64_t to)
{
	size_t want = (size_t)(to - off) + 1, n = want;
	const unsigned char *p = tail_bytes(t, off, &n);

	return n == want && !memchr(p, '\n', n);
}

void tail_seg_at(struct tail *t, uint64_t off, struct tail_seg *s)
{
	uint64_t start = tail_line_start(t, off), cut = (off - start) / TAIL_MAX_LINE;
	uint64_t full = start + (cut + 1) * TAIL_MAX_LINE;
	size_t n = 1;

	s->number = tail_newlines_before(t, start) + 1;
	/* A newline right after a full fragment belongs to it; and a cut may be a little before. */
	if (cut > 0 && (off - start) % TAIL_MAX_LINE == 0 && *tail_bytes(t, off, &n) == '\n' &&
		n == 1)
		cut--;
	else if (full - off <= VT_CUT_BACK && goes_on(t, off, full) &&
		off >= tail_fragment_start(t, start, cut + 1))
		cut++;
	s->line = start;
	s->start = tail_fragment_start(t, start, cut);
	s->fragment = cut;
	tail_seg_fill(t, s);
}
