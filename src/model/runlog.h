/* runlog.h - the format of log.idx (DESIGN 4): who writes a log is the runner (docker, local, fake)
 * or the pipeline (dagger).
 *
 * log: the raw bytes as the program wrote them, nothing else. log.idx: records of 32 bytes, little
 * endian. Data first, then its record; so a reader takes the idx size first, then the log size, and
 * ignores idx size % 32. */
#ifndef MODEL_RUNLOG_H
#define MODEL_RUNLOG_H

#include <stdint.h>
#include <sys/types.h>

enum { RUNLOG_MAGIC = 0x4c59, RUNLOG_RECORD = 32 };

enum runlog_kind {
	RUNLOG_OUTPUT, /* bytes [off, off+len), val = newlines before off */
	RUNLOG_EXIT, /* len = exit code (128 + signal), val = enum runlog_cause */
	RUNLOG_GAP, /* val = bytes not kept at off */
	RUNLOG_NOTE, /* len = enum runlog_note, val = its argument */
};
enum runlog_stream { RUNLOG_NONE, RUNLOG_STDOUT, RUNLOG_STDERR };

enum runlog_cause { /* why the command ended, as far as the runner knows */
	RUNLOG_BY_ITSELF,
	RUNLOG_TIME_LIMIT,
	RUNLOG_STOPPED, /* TERM was forwarded before the end */
	RUNLOG_SETUP_FAILED, /* len = the setup's code; the command was not started */
	RUNLOG_NOT_STARTED, /* exec failed: len 127 not found, 126 not executable */
	/* the runner itself found it over its memory limit and killed it (dagger) */
	RUNLOG_OUT_OF_MEMORY,
};

enum runlog_note { /* the reader makes the sentence: runlog_note_text() */
	RUNLOG_NOTE_SETUP, /* setup begins */
	RUNLOG_NOTE_COMMAND, /* the command begins */
	RUNLOG_NOTE_TIME, /* time limit reached, TERM sent; val = limit in ms */
	RUNLOG_NOTE_STOP, /* stop asked, TERM forwarded */
	RUNLOG_NOTE_KILL, /* grace over, KILL sent */
	RUNLOG_NOTE_CAP, /* the log's cap is reached; val = cap in bytes */
	RUNLOG_NOTE_ORPHANS, /* the command ended, children of it still held its output */
	RUNLOG_NOTE_NOT_FOUND, /* exec failed; val = errno */
	RUNLOG_NOTE_UNGUARDED, /* the log could not be guarded (no root in the container) */
	/* a fork was refused at the limit of processes; val = limit. Just before the exit */
	RUNLOG_NOTE_PIDS,
	RUNLOG_NOTE_MEMORY, /* over the memory limit, KILL sent; val = limit in bytes */
	/* what could not be executed (127) is a script with Windows line endings. Just before the
	 * exit */
	RUNLOG_NOTE_CRLF,
};

struct runlog_record {
	uint64_t off, ns, val; /* ns: CLOCK_REALTIME, never less than the one before */
	uint32_t len;
	uint8_t kind, stream;
	uint16_t magic;
};

void runlog_encode(const struct runlog_record *r, unsigned char out[RUNLOG_RECORD]);
/* -1: wrong magic or unknown kind. */
int runlog_decode(const unsigned char in[RUNLOG_RECORD], struct runlog_record *r);
/* Static text of a note ("time limit reached, asked to stop"), without its argument. */
const char *runlog_note_text(unsigned note);

/* Writer, without malloc and stdio: used by the static runner. A write that fails never blocks and
 * never loses count: what could not be kept becomes part of a gap, recorded before the next output
 * that can. Room for the last records is allocated ahead where the file system can (fallocate), so
 * that a full disk does not hide the exit. */
struct runlog_writer {
	int log, idx; /* descriptors, appended to */
	uint64_t cap; /* bytes of log + idx together; 0 = none */
	/* the most bytes one output record covers; RUNLOG_BLOCK after init, smaller if set */
	uint32_t block;
	uint64_t off, idx_off; /* bytes written so far */
	uint64_t reserved; /* idx is allocated up to here; 0 = not known */
	uint64_t lines, last_ns;
	/* bytes of a gap not yet recorded, where and since when they are missing */
	uint64_t skipped, gap_off, gap_ns;
	uint64_t skip_next; /* a gap that grows is recorded when it reaches this */
	uint64_t pending_off, pending_ns; /* output without a record yet */
	uint32_t pending_len;
	uint8_t pending_stream;
	uint64_t pending_lines; /* newlines before pending_off */
	int capped;
};
enum { RUNLOG_BLOCK = 64 * 1024 };

void runlog_writer_init(struct runlog_writer *w, int log, int idx, uint64_t cap);
/* Output bytes. A record is written at the latest after block bytes, a change of stream, or
 * runlog_flush. */
void runlog_output(struct runlog_writer *w, enum runlog_stream s, const void *p, size_t n);
/* Writes the record of what is pending. Call within 5 ms of the last output. A gap that still grows
 * is recorded each time its size has doubled. */
void runlog_flush(struct runlog_writer *w);
void runlog_note(struct runlog_writer *w, enum runlog_note note, uint64_t val);
/* Flushes, writes the exit record (always: the cap does not hold it back) and fdatasyncs both. */
void runlog_exit(struct runlog_writer *w, uint32_t code, enum runlog_cause cause);
uint64_t runlog_count_lines(const void *p, size_t n); /* newlines in p */

#endif
