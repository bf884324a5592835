/* test_tail.c - a log read back for people, against a slow and simple reader of the same two files.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "model/tail.h"
#include "base/vt.h"
#include "model/tail_int.h"

static char dir[64];
static struct runlog_writer w;

static void begin(const char *log_name, const char *idx_name)
{
	char *log = fs_join(dir, log_name), *idx = fs_join(dir, idx_name);
	int a = open(log, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	int b = open(idx, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);

	assert_true(a >= 0 && b >= 0);
	runlog_writer_init(&w, a, b, 0);
	free(log);
	free(idx);
}

static void put(const char *s)
{
	runlog_output(&w, RUNLOG_STDOUT, s, strlen(s));
}

static void end(void)
{
	close(w.log);
	close(w.idx);
}

static struct tail *opened(void)
{
	struct err e = ERR_INIT;
	struct tail *t = tail_open(dir, "log", &e);

	assert_non_null(t);
	assert_string_equal(e.msg, "");
	return t;
}

/* One line a row: "3:text", "3+text" for a cut line's rest, a trailing "~" when open, "# text" for
 * marks. */
struct seen {
	struct buf b;
	size_t n;
	uint64_t off[5000];
	size_t at[5000];
};
static struct seen got, want;

static void row(struct seen *s, const struct tail_line *l)
{
	assert_true(s->n < 5000);
	s->off[s->n] = l->off;
	s->at[s->n++] = s->b.len;
	if (l->kind == TAIL_MARK)
		buf_fmt(&s->b, "# %.*s\n", (int)l->len, l->text);
	else if (l->len > 100)
		buf_fmt(&s->b, "%u%c(%u) %s\n", (unsigned)l->number, l->cont ? '+' : ':', l->len,
			l->open ? "~" : "");
	else
		buf_fmt(&s->b, "%u%c%.*s%s\n", (unsigned)l->number, l->cont ? '+' : ':',
			(int)l->len, l->text, l->open ? "~" : "");
}

static bool collect(void *ctx, const struct tail_line *l)
{
	row(ctx, l);
	return true;
}

static void reset(struct seen *s)
{
	buf_clear(&s->b);
	s->n = 0;
}

static void expect(const char *text)
{
	assert_string_equal(got.b.p, text);
	reset(&got);
}

static int setup(void **state)
{
	strcpy(dir, "/tmp/yolo-tail-XXXXXX");
	buf_init(&got.b);
	buf_init(&want.b);
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "log", "log.idx", "check.log", "check.idx" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *p = fs_join(dir, names[i]);
		unlink(p);
		free(p);
	}
	buf_release(&got.b);
	buf_release(&want.b);
	return rmdir(dir);
}

static void empty_and_late(void **state)
{
	struct err e;
	struct tail *t = opened();

	assert_int_equal(tail_size(t), 0);
	assert_int_equal(tail_lines(t), 0);
	assert_int_equal(tail_last(t, UINT64_MAX, 10, collect, &got), 0);
	assert_int_equal(tail_from(t, 0, 10, collect, &got), 0);
	assert_false(tail_refresh(t, &e));
	begin("log", "log.idx");
	put("one\ntw");
	assert_true(tail_refresh(t, &e));
	tail_last(t, UINT64_MAX, 10, collect, &got);
	expect("1:one\n2:tw~\n");
	assert_int_equal(tail_lines(t), 2);
	put("o\n");
	runlog_exit(&w, 137, RUNLOG_BY_ITSELF);
	assert_true(tail_refresh(t, &e));
	assert_int_equal(tail_from(t, 0, 10, collect, &got), 8);
	expect("1:one\n2:two\n# exit 137 (signal 9)\n");
	assert_int_equal(tail_lines(t), 2);
	uint32_t code = 0;
	enum runlog_cause cause = RUNLOG_STOPPED;
	assert_true(tail_exit(t, &code, &cause));
	assert_int_equal(code, 137);
	assert_int_equal(cause, RUNLOG_BY_ITSELF);
	tail_close(t);
	end();
}

static void marks(void **state)
{
	begin("log", "log.idx");
	runlog_note(&w, RUNLOG_NOTE_SETUP, 0);
	put("s1\ns2\n");
	runlog_note(&w, RUNLOG_NOTE_COMMAND, 0);
	put("c1\nhalf");
	runlog_note(&w, RUNLOG_NOTE_TIME, 90000);
	put(" rest\n");
	w.cap = 1;
	put("12345678");
	runlog_exit(&w, 143, RUNLOG_TIME_LIMIT);
	end();
	struct tail *t = opened();
	const char *all =
		"# setup begins\n1:s1\n2:s2\n# command begins\n3:c1\n4:half rest\n# time limit 1m30s reached, asked to stop\n"
		"# log limit reached, further output is counted but not kept\n# 8 bytes not kept\n# time limit: exit 143 (signal 15)\n";
	tail_from(t, 0, 100, collect, &got);
	expect(all);
	tail_last(t, UINT64_MAX, 100, collect, &got);
	expect(all);
	tail_last(t, UINT64_MAX, 2, collect, &got);
	expect("# 8 bytes not kept\n# time limit: exit 143 (signal 15)\n");
	/* a page that starts below the mark in front of it brings that mark */
	tail_from(t, 6, 2, collect, &got);
	expect("# command begins\n3:c1\n");
	assert_int_equal(tail_gap(t), 8);
	struct buf b = BUF_INIT;
	assert_true(tail_last_text(t, &b));
	assert_string_equal(b.p, "half rest");
	buf_release(&b);
	tail_close(t);
}

static void carriage_returns_and_blank(void **state)
{
	begin("log", "log.idx");
	put("  1%\r 50%\r100%\nbytes \xff kept\n");
	runlog_output(&w, RUNLOG_STDERR, "err\n \t\r\n\n", 9);
	runlog_flush(&w);
	end();
	struct tail *t = opened();
	struct buf b = BUF_INIT;
	tail_last(t, UINT64_MAX, 4, collect, &got);
	expect("2:bytes \xff kept\n3:err\n4: \t\r\n5:\n");
	assert_true(tail_last_text(t, &b));
	assert_string_equal(b.p, "err");
	buf_release(&b);
	char raw[8];
	assert_int_equal(tail_pread(t, 2, raw, sizeof raw), 8);
	assert_memory_equal(raw, "1%\r 50%\r", 8);
	assert_int_equal(tail_pread(t, 1000, raw, sizeof raw), 0);
	tail_close(t);
}

/* --- the simple reader: whole log in memory, one pass --- */

static void naive(const char *p, size_t n, const struct runlog_record *r, size_t nr)
{
	struct buf text = BUF_INIT;
	uint64_t number = 1;
	size_t m = 0;

	reset(&want);
	for (size_t at = 0; at < n || m < nr;) {
		for (; m < nr && (r[m].kind == RUNLOG_OUTPUT || at >= n || r[m].off <= at); m++) {
			if (r[m].kind == RUNLOG_OUTPUT)
				continue;
			tail_mark_text(&r[m], &text);
			struct tail_line l = { .kind = TAIL_MARK,
				.off = r[m].off,
				.text = text.p,
				.len = (uint32_t)text.len };
			row(&want, &l);
		}
		if (at >= n)
			break;
		const char *nl = memchr(p + at, '\n', n - at);
		size_t stop = nl ? (size_t)(nl - p) : n, start = at;
		for (size_t cut = 1; cut == 1 || at < stop; cut++) {
			size_t full = start + cut * TAIL_MAX_LINE;
			size_t len =
				(full < stop ? start + vt_cut(p + start, full - start) : stop) - at;
			for (; at > start && m < nr &&
				(r[m].kind == RUNLOG_OUTPUT || r[m].off <= at);
				m++)
				if (r[m].kind != RUNLOG_OUTPUT) {
					tail_mark_text(&r[m], &text);
					struct tail_line k = { .kind = TAIL_MARK,
						.off = r[m].off,
						.text = text.p,
						.len = (uint32_t)text.len };
					row(&want, &k);
				}
			struct tail_line l = { .kind = TAIL_TEXT,
				.off = at,
				.text = p + at,
				.len = (uint32_t)len,
				.number = number,
				.cont = at > start,
				.open = !nl && at + len == n };
			row(&want, &l);
			at += len;
		}
		at = nl ? stop + 1 : n;
		number++;
	}
	buf_release(&text);
}

static uint32_t seed;
static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void random_log(void)
{
	static const size_t lengths[] = { 0, 1, 5, 60, TAIL_MAX_LINE - 1, TAIL_MAX_LINE,
		TAIL_MAX_LINE + 1, 3 * TAIL_MAX_LINE, 200000 };
	static const char *const bits[] = { "q", "plain text ", "\xc3\xa9", "\xe4\xb8\xad",
		"\xf0\x9f\x98\x80", "\033[1;38;5;208m", "\033]0;a title\007", "\033[K", "\xff" };
	struct buf mixed = BUF_INIT;
	char *line;

	for (bool plain = rnd(2) == 0; mixed.len < 200001;)
		buf_str(&mixed, bits[plain ? 0 : rnd(ARRAY_LEN(bits))]);
	line = mixed.p;
	begin("log", "log.idx");
	for (uint32_t i = 0, n = 1 + rnd(60); i < n; i++) {
		size_t len = lengths[rnd(10) ? rnd(4) : rnd(9)];
		char was = line[len];

		line[len] = '\n';
		runlog_output(&w, rnd(2) ? RUNLOG_STDOUT : RUNLOG_STDERR, line,
			len + (i + 1 < n || rnd(2)));
		line[len] = was;
		if (rnd(3) == 0)
			runlog_flush(&w);
		if (rnd(8) == 0)
			runlog_note(&w, (enum runlog_note)rnd(3), 1000);
		if (rnd(12) == 0) {
			w.skipped = 77;
			w.gap_off = w.off;
			w.gap_ns = w.last_ns;
		}
	}
	if (rnd(2))
		runlog_exit(&w, rnd(3), RUNLOG_BY_ITSELF);
	end();
	buf_release(&mixed);
}

static void compare_all(struct tail *t, const char *p, size_t n)
{
	tail_from(t, 0, SIZE_MAX, collect, &got);
	assert_string_equal(got.b.p, want.b.p);
	reset(&got);
	for (int i = 0; i < 40; i++) {
		size_t k = rnd(12), have = want.n < k ? want.n : k;
		tail_last(t, UINT64_MAX, k, collect, &got);
		assert_int_equal(got.n, have);
		assert_string_equal(got.b.p, have ? want.b.p + want.at[want.n - have] : "");
		reset(&got);
	}
	for (int i = 0; i < 40 && n; i++) {
		uint64_t off = rnd((uint32_t)n + 1), line = 1;
		size_t upto = 0, k = 1 + rnd(7);
		while (upto < want.n && want.off[upto] < off)
			upto++;
		size_t have = upto < k ? upto : k;
		tail_last(t, off, k, collect, &got);
		size_t stop = upto < want.n ? want.at[upto] : want.b.len;
		assert_int_equal(got.b.len, have ? stop - want.at[upto - have] : 0);
		assert_memory_equal(
			got.b.p, want.b.p + (have ? want.at[upto - have] : 0), got.b.len);
		reset(&got);
		uint64_t start = 0;
		for (uint64_t j = 0; j < off; j++)
			if (p[j] == '\n') {
				line++;
				start = j + 1;
			}
		assert_int_equal(tail_offset_of_line(t, line), start);
		assert_int_equal(tail_newlines_before(t, off), line - 1);
	}
}

static void against_simple_reader(void **state)
{
	struct err e;
	char *log = fs_join(dir, "log"), *idx = fs_join(dir, "log.idx");

	for (seed = 1; seed < 150 * 7919; seed = (seed / 7919 + 1) * 7919) {
		uint32_t keep = seed;
		struct buf p = BUF_INIT, x = BUF_INIT;
		random_log();
		if (rnd(4) == 0 &&
			w.idx_off > 5) /* a torn record, or a tail without records, after a crash */
			assert_int_equal(
				truncate(idx, rnd(2) ? (off_t)w.idx_off / 2 : (off_t)w.idx_off - 5),
				0);
		assert_int_equal(fs_read(log, 64 << 20, &p, &e), 0);
		assert_int_equal(fs_read(idx, 64 << 20, &x, &e), 0);
		size_t nr = x.len / RUNLOG_RECORD;
		struct runlog_record *r = xcalloc(nr + 1, sizeof *r);
		for (size_t i = 0; i < nr; i++)
			assert_int_equal(
				runlog_decode((unsigned char *)x.p + i * RUNLOG_RECORD, &r[i]), 0);
		naive(p.p, p.len, r, nr);
		struct tail *t = opened();
		compare_all(t, p.p, p.len);
		uint64_t lines = runlog_count_lines(p.p, p.len);
		assert_int_equal(tail_lines(t), lines + (p.len && p.p[p.len - 1] != '\n'));
		tail_close(t);
		free(r);
		buf_release(&p);
		buf_release(&x);
		seed = keep;
	}
	free(log);
	free(idx);
}

/* Cut anywhere else, a letter would be two marks and a colour would be text. */
static bool is_whole(void *ctx, const struct tail_line *l)
{
	struct buf *all = ctx, safe = BUF_INIT;
	struct vt v;

	vt_init(&v);
	vt_stream(&v, l->text, l->len, false, &safe);
	assert_null(strstr(safe.p, "\xef\xbf\xbd"));
	assert_null(strstr(safe.p, "31m"));
	assert_int_equal(l->cut, l->off + 1000 < 3 * TAIL_MAX_LINE);
	buf_add(all, l->text, l->len);
	buf_release(&safe);
	return true;
}

static void long_lines_are_cut_between_letters(void **state)
{
	for (size_t before = 0; before < 16; before++) {
		struct buf line = BUF_INIT, back = BUF_INIT;

		for (size_t i = 0; i < before; i++)
			buf_char(&line, 'x');
		while (line.len < 3 * TAIL_MAX_LINE + 100)
			buf_str(&line, "\033[31m\xe4\xb8\xad\xf0\x9f\x98\x80");
		begin("log", "log.idx");
		runlog_output(&w, RUNLOG_STDOUT, line.p, line.len);
		end();
		struct tail *t = opened();
		assert_int_equal(tail_from(t, 0, 99, is_whole, &back), line.len);
		assert_string_equal(back.p, line.p);
		tail_close(t);
		buf_release(&line);
		buf_release(&back);
	}
}

static void times_and_streams(void **state)
{
	int64_t before = clock_real_ns();
	begin("log", "log.idx");
	put("out\n");
	runlog_output(&w, RUNLOG_STDERR, "err\n", 4);
	runlog_flush(&w);
	runlog_output(&w, RUNLOG_STDOUT, "tail\n", 5); /* its record is never written */
	end();
	struct tail *t = opened();
	tail_from(t, 0, 9, collect, &got);
	expect("1:out\n2:err\n3:tail\n");
	struct runlog_record r;
	assert_true(tail_output_record(t, 4, &r));
	assert_int_equal(r.stream, RUNLOG_STDERR);
	assert_in_range(r.ns, before, clock_real_ns());
	assert_true(tail_output_record(t, 8, &r));
	assert_int_equal(r.off, 4);
	tail_close(t);
}

/* 1 GB, a quarter of it one line: opened, read at its end and in its middle, within the time of a
 * few reads. */
static void huge(void **state)
{
	const uint64_t size = 1 << 30;
	unsigned char b[RUNLOG_RECORD];

	begin("log", "log.idx");
	assert_int_equal(ftruncate(w.log, (off_t)size), 0);
	struct buf idx = BUF_INIT;
	for (uint64_t off = 0; off < size; off += RUNLOG_BLOCK) {
		struct runlog_record r = {
			.off = off, .ns = off, .len = RUNLOG_BLOCK, .stream = RUNLOG_STDOUT
		};
		runlog_encode(&r, b);
		buf_add(&idx, b, sizeof b);
	}
	assert_int_equal(write(w.idx, idx.p, idx.len), idx.len);
	put("last\n");
	w.pending_off = size;
	runlog_flush(&w);
	end();
	buf_release(&idx);
	int64_t t0 = clock_mono_ms();
	struct tail *t = opened();
	assert_int_equal(tail_size(t), size + 5);
	tail_last(t, UINT64_MAX, 3, collect, &got);
	assert_int_equal(got.n, 3);
	reset(&got);
	tail_from(t, size / 2, 5, collect, &got);
	assert_int_equal(got.n, 5);
	assert_int_equal(got.off[0], size / 2);
	reset(&got);
	assert_int_equal(tail_lines(t), 1);
	assert_int_equal(tail_offset_of_line(t, 2), size + 5);
	tail_close(t);
	assert_true(clock_mono_ms() - t0 < 2000);
}

static void shrinks(void **state)
{
	struct err e;
	char *log = fs_join(dir, "log");

	begin("log", "log.idx");
	put("a\nb\nc\n");
	runlog_flush(&w);
	struct tail *t = opened();
	assert_int_equal(tail_lines(t), 3);
	assert_int_equal(truncate(log, 2), 0);
	assert_true(tail_refresh(t, &e));
	assert_string_equal(e.code, "log_shrank");
	assert_int_equal(tail_lines(t), 1);
	assert_false(tail_refresh(t, &e));
	assert_string_equal(e.code, "");
	tail_close(t);
	end();
	free(log);
}

static void check_names_and_links(void **state)
{
	struct err e = ERR_INIT;
	char *log = fs_join(dir, "log");

	begin("check.log", "check.idx");
	put("ok 1\n");
	runlog_flush(&w);
	end();
	struct tail *t = tail_open(dir, "check.log", &e);
	assert_non_null(t);
	tail_last(t, UINT64_MAX, 9, collect, &got);
	expect("1:ok 1\n");
	tail_close(t);
	unlink(log);
	assert_int_equal(symlink("/etc/passwd", log), 0);
	assert_null(tail_open(dir, "log", &e));
	assert_string_equal(e.code, "log_unreadable");
	unlink(log);
	assert_int_equal(mkfifo(log, 0600), 0);
	assert_null(tail_open(dir, "log", &e));
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(empty_and_late),
		cmocka_unit_test(marks), cmocka_unit_test(carriage_returns_and_blank),
		cmocka_unit_test(against_simple_reader),
		cmocka_unit_test(long_lines_are_cut_between_letters),
		cmocka_unit_test(times_and_streams), cmocka_unit_test(huge),
		cmocka_unit_test(shrinks), cmocka_unit_test(check_names_and_links) };
	return cmocka_run_group_tests(tests, setup, teardown);
}
