/* tail.c - a log on disk: its two files, their sizes, and what is summed over them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/spec.h"
#include "model/tail_int.h"

static char *idx_name(const char *dir, const char *name)
{
	const char *dot = strrchr(name, '.');

	if (!dot)
		return xasprintf("%s/%s.idx", dir, name);
	return xasprintf("%s/%.*s.idx", dir, (int)(dot - name), name);
}

/* The files are ours, but they lie beside a tree that is not: nothing but a regular file is read.
 */
static int open_file(const char *path, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		if (errno != ENOENT)
			err_sys(e, "log_unreadable", "Cannot read %s", path);
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	err_set(e, "log_unreadable", "%s is not a regular file, so it is not read", path);
	return -1;
}

static void reset_caches(struct tail *t)
{
	t->window_len = t->records_n = 0;
	t->lines_at = t->lines = t->gap_at = t->gap = 0;
}

struct tail *tail_open(const char *dir, const char *name, struct err *e)
{
	struct tail *t = xcalloc(1, sizeof *t);

	t->log_path = xasprintf("%s/%s", dir, name);
	t->idx_path = idx_name(dir, name);
	t->log = t->idx = -1;
	buf_init(&t->mark_text);
	err_clear(e);
	tail_refresh(t, e);
	if (*e->code) {
		tail_close(t);
		return NULL;
	}
	return t;
}

void tail_close(struct tail *t)
{
	if (!t)
		return;
	if (t->log >= 0)
		close(t->log);
	if (t->idx >= 0)
		close(t->idx);
	buf_release(&t->mark_text);
	free(t->window);
	free(t->log_path);
	free(t->idx_path);
	free(t);
}

static uint64_t file_size(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

bool tail_refresh(struct tail *t, struct err *e)
{
	err_clear(e);
	if (t->idx < 0)
		t->idx = open_file(t->idx_path, e);
	if (t->log < 0)
		t->log = open_file(t->log_path, e);
	/* data is written before its record: so the index is looked at first, and never speaks of
	 * bytes we do not see */
	uint64_t nrec = file_size(t->idx) / RUNLOG_RECORD, size = file_size(t->log);
	bool shrank = size < t->size || nrec < t->nrec;
	bool changed = size != t->size || nrec != t->nrec;
	if (nrec != t->nrec)
		t->records_n = 0;
	if (shrank) {
		err_set(e, "log_shrank",
			"The log %s became shorter while it was read: something outside yolodeck "
			"wrote to it",
			t->log_path);
		reset_caches(t);
	}
	t->size = size;
	t->nrec = nrec;
	return changed;
}

uint64_t tail_size(const struct tail *t)
{
	return t->size;
}

uint64_t tail_lines(struct tail *t)
{
	size_t n = 1;

	t->lines = tail_newlines_before(t, t->size);
	t->lines_at = t->size;
	if (t->size == 0)
		return 0;
	const unsigned char *last = tail_bytes(t, t->size - 1, &n);
	return t->lines + (n == 1 && *last != '\n');
}

uint64_t tail_gap(struct tail *t)
{
	struct runlog_record r;

	for (; t->gap_at < t->nrec; t->gap_at++)
		if (tail_record(t, t->gap_at, &r) == 0 && r.kind == RUNLOG_GAP)
			t->gap += r.val;
	return t->gap;
}

bool tail_exit(struct tail *t, uint32_t *code, enum runlog_cause *cause)
{
	struct runlog_record r;

	for (uint64_t i = t->nrec; i > 0 && t->nrec - i < 16; i--)
		if (tail_record(t, i - 1, &r) == 0 && r.kind == RUNLOG_EXIT) {
			*code = r.len;
			*cause = (enum runlog_cause)r.val;
			return true;
		}
	return false;
}

ssize_t tail_pread(struct tail *t, uint64_t off, void *p, size_t n)
{
	if (t->log < 0 || off >= t->size)
		return 0;
	if (n > t->size - off)
		n = (size_t)(t->size - off);
	ssize_t r;
	do
		r = pread(t->log, p, n, (off_t)off);
	while (r < 0 && errno == EINTR);
	return r;
}

static bool is_blank(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] > ' ' && p[i] != 0x7f)
			return false;
	return true;
}

bool tail_last_text(struct tail *t, struct buf *b)
{
	size_t n = t->size < TAIL_MAX_LINE ? (size_t)t->size : TAIL_MAX_LINE;
	const unsigned char *p = tail_bytes(t, t->size - n, &n);

	buf_clear(b);
	while (n > 0) {
		size_t end = p[n - 1] == '\n' ? n - 1 : n;
		const unsigned char *nl = end ? memrchr(p, '\n', end) : NULL;
		size_t start = nl ? (size_t)(nl - p) + 1 : 0;
		while (!nl && t->size > TAIL_MAX_LINE && start < end && (p[start] & 0xC0) == 0x80)
			start++; /* what was cut off has the rest of that letter */
		if (!is_blank(p + start, end - start)) {
			buf_add(b, p + start, end - start);
			return true;
		}
		n = start;
	}
	return false;
}

static void group_digits(uint64_t v, struct buf *b)
{
	char d[24];
	int n = 0;

	do {
		d[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	while (n > 0) {
		buf_char(b, d[--n]);
		if (n && n % 3 == 0)
			buf_char(b, ',');
	}
}

static void exit_text(const struct runlog_record *r, struct buf *b)
{
	static const char *const why[] = {
		[RUNLOG_BY_ITSELF] = "",
		[RUNLOG_TIME_LIMIT] = "time limit: ",
		[RUNLOG_STOPPED] = "stopped: ",
		[RUNLOG_SETUP_FAILED] = "setup failed: ",
		[RUNLOG_NOT_STARTED] = "could not be started: ",
		[RUNLOG_OUT_OF_MEMORY] = "out of memory: ",
	};

	buf_str(b, r->val < ARRAY_LEN(why) ? why[r->val] : "");
	if (r->len > 128 && r->len < 128 + 65 && r->val != RUNLOG_NOT_STARTED)
		buf_fmt(b, "exit %u (signal %u)", r->len, r->len - 128);
	else
		buf_fmt(b, "exit %u", r->len);
}

void tail_mark_text(const struct runlog_record *r, struct buf *b)
{
	char d[32];

	buf_clear(b);
	if (r->kind == RUNLOG_EXIT) {
		exit_text(r, b);
	} else if (r->kind == RUNLOG_GAP) {
		group_digits(r->val, b);
		buf_str(b, r->val == 1 ? " byte not kept" : " bytes not kept");
	} else if (r->len == RUNLOG_NOTE_TIME) {
		clock_fmt_duration((int64_t)r->val, d, sizeof d);
		buf_fmt(b, "time limit %s reached, asked to stop", d);
	} else if (r->len == RUNLOG_NOTE_MEMORY) {
		spec_fmt_size((int64_t)r->val, d, sizeof d);
		buf_fmt(b, "memory limit %s reached, killed", d);
	} else if (r->len == RUNLOG_NOTE_NOT_FOUND) {
		buf_fmt(b, "%s: %s", runlog_note_text(r->len), strerror((int)r->val));
	} else {
		buf_str(b, runlog_note_text(r->len));
	}
}
