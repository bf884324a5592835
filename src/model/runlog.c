/* runlog.c - writer and codec of log.idx; linked into the static runner, so without malloc, stdio
 * and base. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/runlog.h"

enum {
	TAIL_ROOM = 4 *
		RUNLOG_RECORD, /* idx bytes kept for the last records: output, gap, note, exit */
	/* of the cap: a growing gap is recorded each time it has doubled, at most so many times */
	GAPS_ROOM = 44 * RUNLOG_RECORD,
	RESERVE_STEP = 16 * 1024, /* idx bytes allocated at a time */
};

static void put_le(unsigned char *p, uint64_t v, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t get_le(const unsigned char *p, int n)
{
	uint64_t v = 0;
	for (int i = n - 1; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

void runlog_encode(const struct runlog_record *r, unsigned char out[RUNLOG_RECORD])
{
	put_le(out, r->off, 8);
	put_le(out + 8, r->ns, 8);
	put_le(out + 16, r->val, 8);
	put_le(out + 24, r->len, 4);
	out[28] = r->kind;
	out[29] = r->stream;
	put_le(out + 30, RUNLOG_MAGIC, 2);
}

int runlog_decode(const unsigned char in[RUNLOG_RECORD], struct runlog_record *r)
{
	r->off = get_le(in, 8);
	r->ns = get_le(in + 8, 8);
	r->val = get_le(in + 16, 8);
	r->len = (uint32_t)get_le(in + 24, 4);
	r->kind = in[28];
	r->stream = in[29];
	r->magic = (uint16_t)get_le(in + 30, 2);
	return r->magic == RUNLOG_MAGIC && r->kind <= RUNLOG_NOTE ? 0 : -1;
}

const char *runlog_note_text(unsigned note)
{
	static const char *const text[] = {
		[RUNLOG_NOTE_SETUP] = "setup begins",
		[RUNLOG_NOTE_COMMAND] = "command begins",
		[RUNLOG_NOTE_TIME] = "time limit reached, asked to stop",
		[RUNLOG_NOTE_STOP] = "asked to stop",
		[RUNLOG_NOTE_KILL] = "did not stop in time, killed",
		[RUNLOG_NOTE_CAP] = "log limit reached, further output is counted but not kept",
		[RUNLOG_NOTE_ORPHANS] = "the command ended, processes it left behind were killed",
		[RUNLOG_NOTE_NOT_FOUND] = "the command could not be started",
		[RUNLOG_NOTE_UNGUARDED] = "the command can reach its own log",
		[RUNLOG_NOTE_PIDS] = "process limit reached",
		[RUNLOG_NOTE_MEMORY] = "memory limit reached, killed",
		[RUNLOG_NOTE_CRLF] = "the script has Windows line endings (CRLF)",
	};
	return note < sizeof text / sizeof *text ? text[note] : "unknown note";
}

uint64_t runlog_count_lines(const void *p, size_t n)
{
	const unsigned char *s = p;
	const uint64_t low = 0x7f7f7f7f7f7f7f7f, nl = 0x0a0a0a0a0a0a0a0a;
	uint64_t lines = 0;

	for (; n >= 8; n -= 8, s += 8) {
		uint64_t v;
		memcpy(&v, s, 8);
		v ^= nl;
		/* a byte of v is zero exactly where its high bit is set here */
		v = ~(((v & low) + low) | v | low);
		lines += (uint64_t)__builtin_popcountll(v);
	}
	for (; n > 0; n--, s++)
		lines += *s == '\n';
	return lines;
}

static uint64_t now(struct runlog_writer *w)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	uint64_t ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	if (ns > w->last_ns)
		w->last_ns = ns;
	return w->last_ns;
}

/* Bytes really appended, which may be fewer than n (a full disk, a quota). */
static size_t append(int fd, const void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = write(fd, (const char *)p + done, n - done);
		if (r > 0)
			done += (size_t)r;
		else if (r == 0 || errno != EINTR)
			break;
	}
	return done;
}

/* May an ordinary record be written, with room left after it for the last ones? */
static int idx_room(struct runlog_writer *w, int last)
{
	if (w->reserved == 0 || last)
		return 1;
	if (w->idx_off + RUNLOG_RECORD + TAIL_ROOM <= w->reserved)
		return 1;
	if (fallocate(w->idx, FALLOC_FL_KEEP_SIZE, (off_t)w->idx_off, RESERVE_STEP) < 0)
		return 0;
	w->reserved = w->idx_off + RESERVE_STEP;
	return 1;
}

/* last: one of the records that end the log, which may use the room kept for them. */
static int write_record(struct runlog_writer *w, const struct runlog_record *r, int last)
{
	unsigned char b[RUNLOG_RECORD];

	if (!idx_room(w, last))
		return -1;
	runlog_encode(r, b);
	size_t n = append(w->idx, b, sizeof b);
	if (n == sizeof b) {
		w->idx_off += sizeof b;
		return 0;
	}
	/* half a record would put all later ones out of step */
	if (n > 0 && ftruncate(w->idx, (off_t)w->idx_off) < 0)
		w->idx_off += n;
	return -1;
}

static int put_pending(struct runlog_writer *w, int last)
{
	if (w->pending_len == 0)
		return 0;
	struct runlog_record r = {
		.off = w->pending_off,
		.ns = w->pending_ns,
		.val = w->pending_lines,
		.len = w->pending_len,
		.kind = RUNLOG_OUTPUT,
		.stream = w->pending_stream,
	};
	if (write_record(w, &r, last))
		return -1;
	w->pending_len = 0;
	return 0;
}

static int put_gap(struct runlog_writer *w, int last)
{
	if (w->skipped == 0)
		return 0;
	struct runlog_record r = {
		.off = w->gap_off, .ns = w->gap_ns, .val = w->skipped, .kind = RUNLOG_GAP
	};
	if (write_record(w, &r, last))
		return -1;
	w->skipped = 0;
	return 0;
}

/* Records what is pending, in the order of offsets (readers search by them); all: also a gap that
 * still grows behind it. */
static int settle(struct runlog_writer *w, int last, int all)
{
	if (w->pending_len && w->skipped && w->gap_off <= w->pending_off && put_gap(w, last))
		return -1;
	if (put_pending(w, last))
		return -1;
	return all ? put_gap(w, last) : 0;
}

void runlog_writer_init(struct runlog_writer *w, int log, int idx, uint64_t cap)
{
	memset(w, 0, sizeof *w);
	w->log = log;
	w->idx = idx;
	w->cap = cap;
	w->block = RUNLOG_BLOCK;
	w->skip_next = RUNLOG_BLOCK;
	if (fallocate(idx, FALLOC_FL_KEEP_SIZE, 0, RESERVE_STEP) == 0)
		w->reserved = RESERVE_STEP;
}

/* How many of n bytes the cap lets in, with room for their record and the last ones. */
static size_t cap_room(const struct runlog_writer *w, size_t n)
{
	if (w->cap == 0)
		return n;
	uint64_t gaps = w->cap / 16 < GAPS_ROOM ? w->cap / 16 : GAPS_ROOM;
	uint64_t used = w->off + w->idx_off + RUNLOG_RECORD + TAIL_ROOM + gaps;
	if (used >= w->cap)
		return 0;
	return w->cap - used < n ? (size_t)(w->cap - used) : n;
}

static void add_to_gap(struct runlog_writer *w, size_t n)
{
	if (w->skipped == 0) {
		w->gap_off = w->off;
		w->gap_ns = now(w);
	}
	w->skipped += n;
	/* while a command floods on, what is lost is recorded each time it has doubled: the index
	 * stays small
	 */
	if (w->skipped >= w->skip_next && settle(w, 0, 1) == 0)
		w->skip_next *= 2;
}

static void begin_pending(struct runlog_writer *w, enum runlog_stream s)
{
	w->pending_off = w->off;
	w->pending_lines = w->lines;
	w->pending_stream = (uint8_t)s;
	w->pending_ns = now(w);
}

/* Does the record at hand end here, before more output of stream s? */
static int fragment_ends(const struct runlog_writer *w, enum runlog_stream s)
{
	return w->pending_len &&
		(w->pending_stream != s || w->pending_len >= w->block ||
			(w->skipped && w->gap_off > w->pending_off));
}

/* One fragment that fits the record at hand. Returns bytes taken care of. */
static size_t output_fragment(
	struct runlog_writer *w, enum runlog_stream s, const void *p, size_t n)
{
	if (fragment_ends(w, s) && settle(w, 0, 0)) {
		add_to_gap(w, n);
		return n;
	}
	size_t want = n < w->block - w->pending_len ? n : w->block - w->pending_len;
	size_t room = cap_room(w, want);
	if (w->pending_len == 0)
		begin_pending(w, s);
	size_t done = append(w->log, p, room);
	w->off += done;
	w->lines += runlog_count_lines(p, done);
	w->pending_len += (uint32_t)done;
	if (done == want) {
		w->skip_next = RUNLOG_BLOCK;
		return want;
	}
	if (room < want) {
		runlog_note(w, RUNLOG_NOTE_CAP, w->cap);
		w->capped = 1;
	}
	settle(w, 0, 0);
	add_to_gap(w, want - done);
	return want;
}

void runlog_output(struct runlog_writer *w, enum runlog_stream s, const void *p, size_t n)
{
	const char *c = p;

	if (w->capped) {
		add_to_gap(w, n);
		return;
	}
	while (n > 0 && !w->capped) {
		size_t took = output_fragment(w, s, c, n);
		c += took;
		n -= took;
	}
	if (n > 0)
		add_to_gap(w, n);
}

void runlog_flush(struct runlog_writer *w)
{
	settle(w, 0, 0);
}

void runlog_note(struct runlog_writer *w, enum runlog_note n, uint64_t val)
{
	if (settle(w, 0, 1))
		return;
	struct runlog_record r = {
		.off = w->off,
		.ns = now(w),
		.val = val,
		.len = (uint32_t)n,
		.kind = RUNLOG_NOTE,
	};
	write_record(w, &r, 0);
}

void runlog_exit(struct runlog_writer *w, uint32_t code, enum runlog_cause cause)
{
	settle(w, 1, 1);
	struct runlog_record r = {
		.off = w->off,
		.ns = now(w),
		.val = cause,
		.len = code,
		.kind = RUNLOG_EXIT,
	};
	write_record(w, &r, 1);
	if (w->reserved && ftruncate(w->idx, (off_t)w->idx_off) < 0)
		w->reserved = 0; /* only the allocation ahead stays */
	if (fdatasync(w->log) < 0 || fdatasync(w->idx) < 0)
		return; /* there is no one to report it to; the bytes are in the page cache all the
			   same */
}
