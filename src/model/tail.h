/* tail.h - reads a log for display: bytes + idx -> lines by the carriage-return rule, with stream
 * and time. One for board, panes and CLI. Opens at the end of a log of any size at once; memory
 * does not grow with the log.
 *
 * A line is what stands between two '\n'; of a line that holds '\r' the raw bytes are given whole
 * (base/vt draws the last state). Lines over 64 KiB are cut there, or up to VT_CUT_BACK bytes
 * before so as not to cut a character or an escape sequence; the rest counts as further lines
 * flagged `cont`. The exit, notes and gaps of the index are lines of kind TAIL_MARK at their place.
 * Lines are numbered from 1 by newlines, marks have no number. */
#ifndef MODEL_TAIL_H
#define MODEL_TAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/runlog.h"

enum tail_kind { TAIL_TEXT, TAIL_MARK };

struct tail_line {
	enum tail_kind kind;
	uint64_t off; /* of its first byte in the log (marks: where they stand) */
	uint32_t len; /* bytes without the newline */
	const char *text; /* valid until the next call on the tail; marks: a made sentence */
	uint64_t number; /* 1-based; 0 for marks */
	uint64_t ns; /* when its first byte was written; 0 = not known */
	uint8_t stream; /* enum runlog_stream of its first byte */
	bool cont; /* goes on a cut line */
	bool cut; /* is cut itself: the line goes on in the next one */
	bool open; /* no newline yet: may still grow */
	struct runlog_record mark; /* of a TAIL_MARK */
	/* of a TAIL_MARK: its place in the index, rising: shows a mark once when paging forward */
	uint64_t seq;
};

struct tail;

/* Opens <dir>/<name> and <dir>/<name's index>: "log" -> "log.idx", "check.log" -> "check.idx".
 * Missing files = an empty log that may appear later. */
struct tail *tail_open(const char *dir, const char *name, struct err *e);
void tail_close(struct tail *t);

/* Looks at the files' sizes again. Returns true when something was added since the last call. A log
 * that shrank is reported once in e (code "log_shrank") and read again. */
bool tail_refresh(struct tail *t, struct err *e);
uint64_t tail_size(const struct tail *t); /* bytes of the log */
uint64_t tail_lines(struct tail *t); /* newlines (+1 when the last line is open) */
uint64_t tail_gap(struct tail *t); /* bytes not kept, summed over the index */
/* True once an exit record is there. */
bool tail_exit(struct tail *t, uint32_t *code, enum runlog_cause *cause);

/* Order: a mark stands before the text line that starts at its offset, after one that starts before
 * it.
 *
 * Calls fn for at most the last n lines (marks included) that start before byte offset `before`
 * (UINT64_MAX = all), in order. Returns the offset of the first one given (0 = nothing above), to
 * page further up. fn may return false to stop. */
typedef bool (*tail_fn)(void *ctx, const struct tail_line *l);
uint64_t tail_last(struct tail *t, uint64_t before, size_t n, tail_fn fn, void *ctx);
/* Calls fn for up to n lines from the line that holds offset `from`, with the marks in front of it.
 * Returns the offset after the last one. A last line given as `open` is given again, whole, once it
 * has grown; a mark may come twice: see seq. */
uint64_t tail_from(struct tail *t, uint64_t from, size_t n, tail_fn fn, void *ctx);
/* Offset of the start of line `number` (found through the index), or of the end. */
uint64_t tail_offset_of_line(struct tail *t, uint64_t number);
/* The last non-blank text line, raw, into b (cleared). False = there is none. Reads at most 64 KiB.
 */
bool tail_last_text(struct tail *t, struct buf *b);
/* Raw bytes [off, off+n) for `log` piped: bytes read, 0 at the end, -1 on error. */
ssize_t tail_pread(struct tail *t, uint64_t off, void *p, size_t n);

#endif
