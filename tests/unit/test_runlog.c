/* test_runlog.c - the index's codec and its writer: fragments, streams, cap, a full disk, notes and
 * the exit. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/runlog.h"

struct log {
	char dir[64], path[80], idx[80];
	struct runlog_writer w;
	struct runlog_record r[20000];
	size_t n;
	uint64_t size;
};
static struct log l;

static void begin(const char *dir, uint64_t cap)
{
	snprintf(l.path, sizeof l.path, "%s/log", dir);
	snprintf(l.idx, sizeof l.idx, "%s/log.idx", dir);
	int log = open(l.path, O_CREAT | O_EXCL | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	int idx = open(l.idx, O_CREAT | O_EXCL | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	assert_true(log >= 0 && idx >= 0);
	runlog_writer_init(&l.w, log, idx, cap);
}

static void end(void)
{
	struct stat st;
	unsigned char b[RUNLOG_RECORD];
	int fd = open(l.idx, O_RDONLY | O_CLOEXEC);

	assert_int_equal(stat(l.path, &st), 0);
	l.size = (uint64_t)st.st_size;
	for (l.n = 0; read(fd, b, sizeof b) == sizeof b; l.n++)
		assert_int_equal(runlog_decode(b, &l.r[l.n]), 0);
	close(fd);
	close(l.w.log);
	close(l.w.idx);
	unlink(l.path);
	unlink(l.idx);
}

/* What every index must hold: ordered, whole, right counts. Returns the bytes told missing. */
static uint64_t check_order(void)
{
	uint64_t at = 0, ns = 0, gap = 0;

	for (size_t i = 0; i < l.n; i++) {
		const struct runlog_record *r = &l.r[i];
		assert_true(r->ns >= ns);
		assert_true(r->off >= at);
		assert_int_equal(r->magic, RUNLOG_MAGIC);
		if (r->kind == RUNLOG_OUTPUT) {
			assert_int_equal(r->off, at);
			assert_in_range(r->len, 1, RUNLOG_BLOCK);
			at = r->off + r->len;
		}
		gap += r->kind == RUNLOG_GAP ? r->val : 0;
		ns = r->ns;
	}
	assert_int_equal(at, l.size);
	return gap;
}

static int setup(void **state)
{
	strcpy(l.dir, "/tmp/yolo-runlog-XXXXXX");
	return mkdtemp(l.dir) ? 0 : -1;
}

static int teardown(void **state)
{
	return rmdir(l.dir);
}

static void codec(void **state)
{
	struct runlog_record a = { 1, 0x1122334455667788, UINT64_MAX - 3, 0xdeadbeef, RUNLOG_GAP,
		RUNLOG_STDERR, RUNLOG_MAGIC },
			     b;
	unsigned char bytes[RUNLOG_RECORD];

	runlog_encode(&a, bytes);
	assert_int_equal(bytes[8], 0x88);
	assert_int_equal(bytes[30], 0x59);
	assert_int_equal(bytes[31], 0x4c);
	assert_int_equal(runlog_decode(bytes, &b), 0);
	assert_memory_equal(&a, &b, sizeof a);
	bytes[28] = 9;
	assert_int_equal(runlog_decode(bytes, &b), -1);
	memset(bytes, 0, sizeof bytes);
	assert_int_equal(runlog_decode(bytes, &b), -1);
	for (unsigned i = 0; i <= RUNLOG_NOTE_CRLF; i++)
		assert_string_not_equal(runlog_note_text(i), "unknown note");
	assert_string_equal(runlog_note_text(99), "unknown note");
}

static void count_lines(void **state)
{
	unsigned char b[300];

	for (unsigned seed = 0; seed < 200; seed++) {
		uint64_t want = 0;
		size_t from = seed % 9, n = sizeof b - from - seed % 7;
		for (size_t i = 0; i < sizeof b; i++)
			b[i] = (unsigned char)((i * 7 + seed * 13) % 17 ? (i * 31 + seed) : '\n');
		for (size_t i = 0; i < n; i++)
			want += b[from + i] == '\n';
		assert_int_equal(runlog_count_lines(b + from, n), want);
	}
}

static void streams_and_blocks(void **state)
{
	char *big = malloc(200000);

	memset(big, 'x', 200000);
	for (int i = 99; i < 200000; i += 100)
		big[i] = '\n';
	begin(l.dir, 0);
	runlog_output(&l.w, RUNLOG_STDOUT, "a\nb", 3);
	runlog_output(&l.w, RUNLOG_STDOUT, "\nc", 2);
	runlog_output(&l.w, RUNLOG_STDERR, "!\n", 2);
	runlog_output(&l.w, RUNLOG_STDOUT, big, 200000);
	runlog_note(&l.w, RUNLOG_NOTE_STOP, 5);
	runlog_exit(&l.w, 143, RUNLOG_STOPPED);
	end();
	free(big);
	assert_int_equal(check_order(), 0);
	assert_int_equal(l.size, 200007);
	assert_int_equal(l.n, 8);
	assert_int_equal(l.r[0].len, 5);
	assert_int_equal(l.r[1].val, 2);
	assert_int_equal(l.r[1].stream, RUNLOG_STDERR);
	assert_int_equal(l.r[2].val, 3);
	assert_int_equal(l.r[2].len, RUNLOG_BLOCK);
	assert_int_equal(l.r[3].val, 3 + 655);
	assert_int_equal(l.r[6].kind, RUNLOG_NOTE);
	assert_int_equal(l.r[6].val, 5);
	assert_int_equal(l.r[7].kind, RUNLOG_EXIT);
	assert_int_equal(l.r[7].len, 143);
	assert_int_equal(l.r[7].val, RUNLOG_STOPPED);
	assert_int_equal(l.r[7].off, 200007);
}

static void cap(void **state)
{
	enum { CAP = 100000, PIECE = 1000, N = 2000 };
	char fragment[PIECE];
	struct stat st;

	memset(fragment, 'y', sizeof fragment);
	begin(l.dir, CAP);
	for (int i = 0; i < N; i++) {
		runlog_output(&l.w, RUNLOG_STDOUT, fragment, sizeof fragment);
		runlog_flush(&l.w);
	}
	runlog_exit(&l.w, 0, RUNLOG_BY_ITSELF);
	assert_int_equal(stat(l.idx, &st), 0);
	end();
	assert_int_equal(check_order() + l.size, (uint64_t)N * PIECE);
	assert_true(l.size + (uint64_t)st.st_size <= CAP + 32 * RUNLOG_RECORD);
	assert_true(l.size > CAP * 9 / 10);
	assert_int_equal(l.r[l.n - 1].kind, RUNLOG_EXIT);
	size_t notes = 0;
	for (size_t i = 0; i < l.n; i++)
		notes += l.r[i].kind == RUNLOG_NOTE && l.r[i].len == RUNLOG_NOTE_CAP &&
			l.r[i].val == CAP;
	assert_int_equal(notes, 1);
}

static void tiny_cap(void **state)
{
	begin(l.dir, 10);
	runlog_output(&l.w, RUNLOG_STDOUT, "hello", 5);
	runlog_exit(&l.w, 1, RUNLOG_BY_ITSELF);
	end();
	assert_int_equal(l.size, 0);
	assert_int_equal(check_order(), 5);
	assert_int_equal(l.r[l.n - 1].kind, RUNLOG_EXIT);
}

/* A file system that fills up and gets room again: all is there or counted, and the exit is told.
 */
static void full_disk(void **state)
{
	char fragment[4000], filler[80];
	uint64_t total = 0;

	if (mount("yolo", l.dir, "tmpfs", 0, "size=256k") < 0) {
		printf("skipped: full disk (mount: %s)\n", strerror(errno));
		return;
	}
	memset(fragment, 'z', sizeof fragment);
	begin(l.dir, 0);
	snprintf(filler, sizeof filler, "%s/filler", l.dir);
	int fd = open(filler, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(posix_fallocate(fd, 0, 64 * 1024), 0);
	for (int i = 0; i < 100; i++, total += sizeof fragment) {
		runlog_output(&l.w, RUNLOG_STDERR, fragment, sizeof fragment);
		runlog_flush(&l.w);
	}
	unlink(filler);
	close(fd);
	runlog_output(&l.w, RUNLOG_STDOUT, "room again\n", 11);
	runlog_flush(&l.w);
	for (int i = 0; i < 100; i++, total += sizeof fragment)
		runlog_output(&l.w, RUNLOG_STDERR, fragment, sizeof fragment);
	runlog_exit(&l.w, 7, RUNLOG_BY_ITSELF);
	end();
	uint64_t gap = check_order();
	size_t gaps = 0;
	for (size_t i = 0; i < l.n; i++)
		gaps += l.r[i].kind == RUNLOG_GAP;
	umount2(l.dir, MNT_DETACH);
	assert_true(gap > 0);
	assert_in_range(gaps, 2, 10);
	assert_int_equal(gap + l.size, total + 11);
	assert_int_equal(l.r[l.n - 1].kind, RUNLOG_EXIT);
	assert_int_equal(l.r[l.n - 1].len, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(codec), cmocka_unit_test(count_lines),
		cmocka_unit_test(streams_and_blocks), cmocka_unit_test(cap),
		cmocka_unit_test(tiny_cap), cmocka_unit_test(full_disk) };
	return cmocka_run_group_tests(tests, setup, teardown);
}
