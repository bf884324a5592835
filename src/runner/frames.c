/* frames.c - a guarded log's records as lines on stdout: "Y off ns val len kind stream base64", "~"
 * before the base64 of an LZ4 block (lz4.c). What they say is read back from the
 * files, so a reader that is slow or gone costs neither memory nor the command's time: whatever has
 * no place in the pipe now is still in the files later, and what is never taken comes with the
 * collection. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "runner/run.h"

enum {
	HEAD_BYTES = 128,
	LINE_BYTES = HEAD_BYTES + (RUN_GUARDED_BLOCK + 2) / 3 * 4 + 1,
	LZ4_FROM = 256, /* bytes; below it is not worth the while */
	LINES_A_TURN = 16, /* then the command's output is read again */
	PATIENCE_MS = 10000,
};

static char line[LINE_BYTES];
static size_t len, at; /* of line, of what is written of it */
static uint64_t next; /* place in idx of the record after the one in line */
static bool shut, full; /* no reader any more, no place in the pipe */

void frames_open(struct run *r)
{
	int flags = fcntl(1, F_GETFL);

	shut = flags < 0 || fcntl(1, F_SETFL, flags | O_NONBLOCK) < 0;
}

static bool pending(const struct run *r)
{
	return r->o.guarded_log && !shut && (at < len || next + RUNLOG_RECORD <= r->w.idx_off);
}

bool frames_wait(const struct run *r)
{
	return full && pending(r);
}

static size_t base64(const unsigned char *p, size_t n, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *o = out;

	for (; n >= 3; n -= 3, p += 3) {
		unsigned v = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
		*o++ = digits[v >> 18];
		*o++ = digits[v >> 12 & 63];
		*o++ = digits[v >> 6 & 63];
		*o++ = digits[v & 63];
	}
	if (n > 0) {
		unsigned v = (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0);
		*o++ = digits[v >> 18];
		*o++ = digits[v >> 12 & 63];
		*o++ = n > 1 ? digits[v >> 6 & 63] : '=';
		*o++ = '=';
	}
	return (size_t)(o - out);
}

/* The data of a record as text: as an LZ4 block if that saves an eighth. */
static size_t text(const unsigned char *p, size_t n, char *out)
{
	static unsigned char packed[LZ4_BOUND(RUN_GUARDED_BLOCK)];
	size_t z = n < LZ4_FROM ? n : lz4_pack(p, n, packed);

	if (z >= n - n / 8)
		return base64(p, n, out);
	*out = '~';
	return 1 + base64(packed, z, out + 1);
}

/* The next record as the line to write; false when it cannot be read back, and then no later one is
 * told either. */
static bool load(const struct run *r)
{
	static unsigned char data[RUN_GUARDED_BLOCK];
	unsigned char raw[RUNLOG_RECORD];
	struct runlog_record k;

	if (pread(r->w.idx, raw, sizeof raw, (off_t)next) != sizeof raw || runlog_decode(raw, &k))
		return false;
	bool output = k.kind == RUNLOG_OUTPUT;
	if (output && (k.len > sizeof data || pread(r->w.log, data, k.len, (off_t)k.off) != k.len))
		return false;
	len = (size_t)snprintf(line, HEAD_BYTES, "Y %llu %llu %llu %u %u %u ",
		(unsigned long long)k.off, (unsigned long long)k.ns, (unsigned long long)k.val,
		k.len, k.kind, k.stream);
	if (output)
		len += text(data, k.len, line + len);
	else
		line[len++] = '-';
	line[len++] = '\n';
	at = 0;
	next += RUNLOG_RECORD;
	return true;
}

void frames_push(struct run *r)
{
	full = false;
	for (int i = 0; i < LINES_A_TURN && pending(r); i++) {
		if (at == len && !load(r)) {
			shut = true;
			return;
		}
		ssize_t n = write(1, line + at, len - at);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			shut = true;
		else if (n > 0)
			at += (size_t)n;
		if (at < len) {
			full = true;
			return;
		}
	}
	full = pending(r);
}

void frames_finish(struct run *r)
{
	struct pollfd f = { 1, POLLOUT, 0 };
	int64_t end = run_now() + (int64_t)PATIENCE_MS * 1000000;

	while (pending(r)) {
		uint64_t was = next;
		size_t was_at = at;
		frames_push(r);
		int64_t now = run_now();
		if (next != was || at != was_at)
			end = now + (int64_t)PATIENCE_MS * 1000000;
		if (now >= end)
			return;
		poll(&f, 1, 100);
	}
}
