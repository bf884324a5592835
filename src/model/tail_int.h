/* tail_int.h - between tail.c (files, sums), tail_seek.c (index and line starts) and tail_walk.c
 * (lines and marks in order). */
#ifndef MODEL_TAIL_INT_H
#define MODEL_TAIL_INT_H

#include "base/vt.h"
#include "model/tail.h"

enum {
	TAIL_MAX_LINE = 64 * 1024, /* longest line given whole */
	TAIL_CHUNK = 4 * 1024, /* step when looking for a newline */
	TAIL_WINDOW = 128 * 1024, /* bytes of the log held at most */
	TAIL_RECORDS = 128, /* records of the index held at a time */
};

struct tail {
	char *log_path, *idx_path;
	int log, idx; /* -1 = not there yet */
	/* bytes of the log, whole records of the index, as of the last refresh */
	uint64_t size, nrec;
	unsigned char *window; /* bytes [window_off, window_off + window_len) */
	uint64_t window_off;
	size_t window_len;
	unsigned char records[TAIL_RECORDS * RUNLOG_RECORD];
	uint64_t records_at; /* number of the first one held */
	size_t records_n;
	uint64_t lines_at, lines; /* newlines in [0, lines_at) */
	uint64_t gap_at, gap; /* sum over records [0, gap_at) */
	struct buf mark_text;
};

/* One line of text, or one cut of it. */
struct tail_seg {
	uint64_t start, end, next; /* content [start, end); next = start of the one after it */
	uint64_t line; /* start of the whole line */
	uint64_t number, fragment; /* fragment > 0: goes on a cut line */
	bool open;
};

/* Record i, or -1 when it is not one (torn, zeros). */
int tail_record(struct tail *t, uint64_t i, struct runlog_record *r);
/* Number of records with an offset <= off, or < off: the index is ordered by it. */
uint64_t tail_records_upto(struct tail *t, uint64_t off, bool equal);
/* The output record that covers or is the last before off. False = none. */
bool tail_output_record(struct tail *t, uint64_t off, struct runlog_record *r);
/* n bytes at off (n <= TAIL_MAX_LINE + VT_CUT_BACK + 1), fewer at the end; valid until the next
 * call. */
const unsigned char *tail_bytes(struct tail *t, uint64_t off, size_t *n);
uint64_t tail_newlines_before(struct tail *t, uint64_t off);
uint64_t tail_line_start(struct tail *t, uint64_t off);
/* The segment that holds byte off (< size). */
void tail_seg_at(struct tail *t, uint64_t off, struct tail_seg *s);
/* Where fragment n of a line begins that is long enough to have one. */
uint64_t tail_fragment_start(struct tail *t, uint64_t line, uint64_t n);
/* The end of the one whose start, line and fragment are known. */
void tail_seg_fill(struct tail *t, struct tail_seg *s);

void tail_mark_text(const struct runlog_record *r, struct buf *b);

#endif
