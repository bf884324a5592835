/* test_journal.c - append and replay, a good journal cut at every byte, every byte changed, blocks
 * doubled, moved, left out. */
#include "unit.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>

#include "model/journal.h"

enum { MAX_LINES = 64 };

/* What a replay gave: the printed lines in order. */
struct seen {
	char *line[MAX_LINES];
	size_t n;
};

static char *dir, *path, *bad;

static int setup(void **state)
{
	dir = unit_mkdir();
	path = fs_join(dir, "journal");
	bad = fs_join(dir, "journal.bad");
	return 0;
}

static int teardown(void **state)
{
	free(path);
	free(bad);
	unit_rmdir(dir);
	return 0;
}

static void note(void *ctx, const struct json *line)
{
	struct seen *s = ctx;
	struct buf b = BUF_INIT;

	assert_true(s->n < MAX_LINES);
	json_print(line, &b);
	s->line[s->n++] = buf_take(&b);
}

static void seen_clear(struct seen *s)
{
	while (s->n)
		free(s->line[--s->n]);
}

static struct json *one(const char *key, const char *value)
{
	struct json *o = json_object();

	json_put_str(o, key, value);
	return o;
}

static struct journal *open_ok(struct seen *s, size_t *torn)
{
	struct err e = ERR_INIT;
	struct journal *j;

	s->n = 0;
	j = journal_open(path, note, s, torn, &e);
	if (!j)
		fail_msg("%s", e.msg);
	return j;
}

/* Writes a journal of three intents and returns its bytes. */
static void write_good(struct buf *bytes)
{
	struct seen s;
	struct err e = ERR_INIT;
	size_t torn;
	struct journal *j = open_ok(&s, &torn);

	assert_int_equal(journal_intent(j, "promote", one("into_ref", "refs/heads/main"), &e), 1);
	assert_int_equal(journal_stage(j, 1, "child", one("boot", "b"), &e), 0);
	assert_int_equal(journal_stage(j, 1, "done", NULL, &e), 0);
	assert_int_equal(journal_intent(j, "archive", one("variant", "a\n\"b\" \xc3\xbc"), &e), 2);
	assert_int_equal(journal_stage(j, 2, "failed", one("code", "moved"), &e), 0);
	assert_int_equal(journal_intent(j, "undo", NULL, &e), 3);
	journal_close(j);
	assert_int_equal(fs_read(path, 1 << 20, bytes, &e), 0);
}

static void put(const char *p, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	unlink(bad);
}

static size_t lines_before(const struct buf *b, size_t off)
{
	size_t n = 0;

	for (size_t i = 0; i < off; i++)
		n += b->p[i] == '\n';
	return n;
}

static off_t size_of(const char *p)
{
	struct stat st;

	return stat(p, &st) < 0 ? -1 : st.st_size;
}

static void test_replay(void **state)
{
	struct buf b = BUF_INIT;
	struct seen s;
	struct err e = ERR_INIT;
	struct stat st;
	size_t torn;
	struct journal *j;
	struct json *l;

	write_good(&b);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	j = open_ok(&s, &torn);
	assert_int_equal(torn, 0);
	assert_int_equal(s.n, 6);
	l = json_parse(s.line[3], strlen(s.line[3]), &e);
	assert_string_equal(json_str(l, "variant", ""), "a\n\"b\" \xc3\xbc");
	assert_string_equal(json_str(l, "op", ""), "archive");
	assert_string_equal(json_str(l, "stage", ""), "intent");
	assert_int_equal(json_int(l, "n", 0), 2);
	json_free(l);
	/* Numbers go on where they ended, and the chain too. */
	assert_int_equal(journal_intent(j, "promote", NULL, &e), 4);
	journal_close(j);
	seen_clear(&s);
	j = open_ok(&s, &torn);
	assert_int_equal(s.n, 7);
	assert_int_equal(torn, 0);
	journal_close(j);
	seen_clear(&s);
	buf_release(&b);
}

/* Fields cannot overrule what the journal itself says. */
static void test_fields_do_not_overrule(void **state)
{
	struct seen s;
	struct err e = ERR_INIT;
	size_t torn;
	struct journal *j = open_ok(&s, &torn);
	struct json *f = one("stage", "done");

	json_put_int(f, "n", 99);
	assert_int_equal(journal_intent(j, "promote", f, &e), 1);
	journal_close(j);
	j = open_ok(&s, &torn);
	assert_int_equal(s.n, 1);
	assert_non_null(strstr(s.line[0], "\"stage\":\"intent\""));
	assert_null(strstr(s.line[0], "99"));
	journal_close(j);
	seen_clear(&s);
}

static void check_prefix(const struct seen *whole, const struct seen *s, size_t lines)
{
	assert_int_equal(s->n, lines);
	for (size_t i = 0; i < lines; i++)
		assert_string_equal(s->line[i], whole->line[i]);
}

/* Opened again after the cut it is whole, and takes new lines. */
static void check_usable(size_t lines)
{
	struct seen s;
	struct err e = ERR_INIT;
	size_t torn;
	struct journal *j = open_ok(&s, &torn);

	assert_int_equal(torn, 0);
	assert_int_equal(s.n, lines);
	assert_int_equal(journal_stage(j, 1, "done", NULL, &e), 0);
	journal_close(j);
	seen_clear(&s);
	j = open_ok(&s, &torn);
	assert_int_equal(torn, 0);
	assert_int_equal(s.n, lines + 1);
	journal_close(j);
	seen_clear(&s);
}

static void test_cut_at_every_byte(void **state)
{
	struct buf b = BUF_INIT;
	struct seen whole, s;
	size_t torn;

	write_good(&b);
	journal_close(open_ok(&whole, &torn));
	for (size_t cut = 0; cut <= b.len; cut++) {
		size_t lines = lines_before(&b, cut), good = cut;

		while (good && b.p[good - 1] != '\n')
			good--;
		put(b.p, cut);
		journal_close(open_ok(&s, &torn));
		check_prefix(&whole, &s, lines);
		seen_clear(&s);
		assert_int_equal(torn, cut - good);
		assert_int_equal(size_of(path), good);
		assert_int_equal(size_of(bad), -1);
		check_usable(lines);
	}
	print_message("cut at %zu places\n", b.len + 1);
	seen_clear(&whole);
	buf_release(&b);
}

/* One byte changed: the lines before it, never a later one; the rest is kept beside. */
static void test_flip_every_byte(void **state)
{
	static const unsigned char masks[] = { 0x01, 0x80, 0x20, 0xff };
	struct buf b = BUF_INIT;
	struct seen whole, s;
	size_t torn, tried = 0;

	write_good(&b);
	journal_close(open_ok(&whole, &torn));
	for (size_t at = 0; at < b.len; at++) {
		for (size_t k = 0; k < ARRAY_LEN(masks); k++, tried++) {
			size_t lines = lines_before(&b, at), good = at;

			while (good && b.p[good - 1] != '\n')
				good--;
			b.p[at] = (char)(b.p[at] ^ masks[k]);
			put(b.p, b.len);
			b.p[at] = (char)(b.p[at] ^ masks[k]);
			journal_close(open_ok(&s, &torn));
			check_prefix(&whole, &s, lines);
			seen_clear(&s);
			assert_int_equal(torn, b.len - good);
			assert_int_equal(size_of(path), good);
			/* Only a last line that lost its newline is plainly torn; all else is
			 * damage and kept. */
			if (at != b.len - 1)
				assert_int_equal(size_of(bad), b.len - good);
		}
	}
	print_message("changed %zu bytes\n", tried);
	check_usable(5);
	seen_clear(&whole);
	buf_release(&b);
}

/* Whole lines left out, doubled or exchanged pass a per-line checksum; the chain sees them. */
static void test_lines_moved(void **state)
{
	struct buf b = BUF_INIT, t = BUF_INIT;
	struct seen whole, s;
	size_t torn, start[8] = { 0 }, n = 0;

	write_good(&b);
	journal_close(open_ok(&whole, &torn));
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] == '\n')
			start[++n] = i + 1;
	assert_int_equal(n, 6);
	for (size_t i = 0; i + 1 < n; i++) {
		for (int how = 0; how < 3; how++) {
			buf_clear(&t);
			buf_add(&t, b.p, start[i]);
			if (how == 1)
				buf_add(&t, b.p + start[i], start[i + 1] - start[i]);
			if (how == 2)
				buf_add(&t, b.p + start[i + 1], start[i + 2] - start[i + 1]);
			if (how)
				buf_add(&t, b.p + start[i], start[i + 1] - start[i]);
			buf_add(&t, b.p + start[how == 2 ? i + 2 : i + 1],
				b.len - start[how == 2 ? i + 2 : i + 1]);
			put(t.p, t.len);
			journal_close(open_ok(&s, &torn));
			check_prefix(&whole, &s, how == 1 ? i + 1 : i);
			assert_true(torn > 0);
			assert_int_equal(size_of(bad), (off_t)torn);
			seen_clear(&s);
		}
	}
	seen_clear(&whole);
	buf_release(&t);
	buf_release(&b);
}

static void test_zeroed_and_foreign(void **state)
{
	static const char text[] = "this is no journal\nat all\n";
	struct buf b = BUF_INIT, keep = BUF_INIT;
	struct err e = ERR_INIT;
	struct seen s;
	size_t torn;

	write_good(&b);
	for (size_t at = 0; at + 64 <= b.len; at += 64) {
		buf_clear(&keep);
		buf_add(&keep, b.p, b.len);
		memset(keep.p + at, 0, 64);
		put(keep.p, keep.len);
		journal_close(open_ok(&s, &torn));
		assert_int_equal(s.n, lines_before(&b, at));
		seen_clear(&s);
	}
	put(text, sizeof(text) - 1);
	journal_close(open_ok(&s, &torn));
	assert_int_equal(s.n, 0);
	assert_int_equal(torn, sizeof(text) - 1);
	assert_int_equal(fs_read(bad, 1000, &keep, &e), 0);
	assert_string_equal(keep.p, text);
	buf_release(&keep);
	buf_release(&b);
}

/* No room: the act is refused, what was written stays whole, and it works again when there is room.
 */
static void test_no_room(void **state)
{
	struct rlimit was, small;
	struct buf b = BUF_INIT;
	struct seen s;
	struct err e = ERR_INIT;
	size_t torn;
	struct journal *j;

	write_good(&b);
	j = open_ok(&s, &torn);
	seen_clear(&s);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = b.len + 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(journal_intent(j, "promote", NULL, &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_string_equal(e.code, "journal");
	assert_int_equal(size_of(path), b.len);
	assert_int_equal(journal_intent(j, "promote", NULL, &e), 4);
	journal_close(j);
	j = open_ok(&s, &torn);
	assert_int_equal(torn, 0);
	assert_int_equal(s.n, 7);
	seen_clear(&s);
	journal_close(j);
	buf_release(&b);
}

static void test_not_openable(void **state)
{
	struct err e = ERR_INIT;
	size_t torn;
	char *other = fs_join(dir, "other");

	assert_int_equal(symlink(other, path), 0);
	assert_null(journal_open(path, NULL, NULL, &torn, &e));
	assert_string_equal(e.code, "journal");
	assert_false(fs_exists(other));
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fields_do_not_overrule, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_at_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flip_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_moved, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zeroed_and_foreign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_openable, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
