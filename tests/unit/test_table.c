/* test_table.c - the board: columns and the order they leave in, cells, notes, the folded form. */
#include "unit.h"

#include "ui/table.h"

static struct theme theme;
static const int64_t NOW = 1800000000LL * 1000000000;

static struct row *make(int number, const char *name, enum variant_state s, int sec)
{
	struct row *r = row_new(variant_new(7, number, name));

	r->v->state = s;
	if (sec >= 0) {
		r->v->started_ns = NOW - sec * 1000000000LL - (variant_ended(s) ? 5000000000LL : 0);
		r->v->ended_ns = variant_ended(s) ? NOW - 5000000000LL : 0;
	}
	r->cpu = -1;
	r->memory = -1;
	r->v->files = 2;
	r->v->added = 42;
	r->v->removed = 9;
	r->v->check.passed = r->v->check.total = -1;
	r->v->check.state = CHECK_WAITING;
	xreplace(&r->v->conflict, "");
	return r;
}

/* The board of these rows on a screen of this size, as text. */
static char *draw(struct table_row *rows, size_t n, int h, int w)
{
	struct layout_in in = { .h = h, .w = w, .nrows = n, .npanes = n };
	struct table_opts o = { NOW, "main", false };
	struct canvas c;
	struct layout l;
	struct buf b = BUF_INIT;

	canvas_init(&c, &theme);
	canvas_resize(&c, h, w);
	layout_compute(&in, &l);
	table_draw(&c, &l, rows, n, &o);
	canvas_text(&c, &b);
	canvas_release(&c);
	return buf_take(&b);
}

static void test_rows(void **state)
{
	struct row *a = make(1, "claude-1", VS_RUNNING, 151),
		   *b = make(12, "codex-2", VS_FAILED, 3720);
	struct table_row rows[] = {
		{ .row = a, .selected = true, .last = "\x1b[31mediting\x1b]0;x\x07 src/parse.c" },
		{ .row = b, .marked = true }
	};
	char *text;

	b->attention = 1;
	xreplace(&b->evidence, "silent 94 s, cpu 0%");
	b->v->check = (struct check_result){ CHECK_FAILED, 1, 3, 12 };
	b->v->added = 123456;
	text = draw(rows, 2, 24, 80);
	assert_non_null(strstr(text,
		"\xe2\x96\x8c  1 claude-1   \xe2\x96\xb8 running    2:31      -    +42    -9   2  editing src/parse.c\n"));
	assert_non_null(strstr(text,
		"!\xe2\x9c\xb1"
		"12 codex-2    \xe2\x9c\x97 failed    1h02m   3/12  +123k    -9   2  silent 94 s, cpu 0%\n"));
	free(text);
	row_free(a);
	row_free(b);
}

/* OUT, MEM, CPU, MERGE, F, +, - leave in this order; NOTE keeps its 16 cells. */
static void test_columns_leave(void **state)
{
	static const char *const heads[] = { "OUT", "MEM", "CPU", "MERGE", " F ", " + ", " - " };
	struct row *a = make(1, "a", VS_RUNNING, 5);
	struct table_row rows[] = { { .row = a } };
	int seen = 0;

	for (int w = 200; w >= BOARD_MIN_W; w--) {
		char *text = draw(rows, 1, 24, w), *head = strchr(text, '\n') + 1, *note;
		int gone = 0;

		*strchr(head, '\n') = '\0';
		while (gone < 7 && !strstr(head, heads[gone]))
			gone++;
		for (int i = gone; i < 7; i++)
			if (!strstr(head, heads[i]))
				fail_msg("width %d: %s left before its turn", w, heads[i]);
		assert_true(gone >= seen);
		seen = gone;
		note = strstr(head, "NOTE");
		assert_non_null(note);
		assert_true(w - (int)(note - head) >= 16);
		assert_non_null(strstr(head, "CHECK"));
		free(text);
	}
	assert_int_equal(seen, 7);
	row_free(a);
}

static enum role note(struct row *r, const char *last, bool uncertain, const char *want)
{
	struct table_row b = { .row = r, .last = last, .uncertain = uncertain, .seen_ns = NOW };
	struct table_opts o = { NOW, "main", false };
	struct buf out = BUF_INIT;
	enum role role = table_note(&b, &o, &out);

	assert_string_equal(out.p, want);
	buf_release(&out);
	return role;
}

static void test_notes(void **state)
{
	struct row *r = make(1, "a", VS_RUNNING, 5);

	r->v->state = VS_QUEUED;
	xreplace(&r->v->note, "queued: 4 at once");
	note(r, NULL, false, "queued: 4 at once");
	xreplace(&r->v->note, NULL);
	r->v->state = VS_RUNNING;
	assert_int_equal(note(r, "last \xe2\x80\xae line", false, "last <U+202E> line"), ROLE_DIM);
	xreplace(&r->v->reason, "exit 0");
	note(r, "last", false, "last");
	r->v->state = VS_FAILED;
	xreplace(&r->v->reason, "exit 1");
	note(r, "last", false, "exit 1");
	xreplace(&r->v->scan, "a link points outside");
	note(r, "last", false, "no branch: a link points outside");
	r->v->state = VS_PASSED;
	r->best = true;
	assert_int_equal(note(r, "last", false, "\xe2\x9c\xa6 best so far"), ROLE_BEST);
	xreplace(&r->v->conflict, "src/lex.c");
	note(r, "last", false, "src/lex.c conflicts with main");
	xreplace(&r->v->promoted, "main");
	note(r, "last", false, "in main");
	r->attention = 1;
	xreplace(&r->evidence, "needs you");
	assert_int_equal(note(r, "last", false, "needs you"), ROLE_ATTENTION);
	r->v->state = VS_RUNNING;
	r->v->kill_asked = true;
	assert_int_equal(note(r, "last", true, "kill asked, sent when it answers"), ROLE_ATTENTION);
	row_free(r);
}

static void test_check(void **state)
{
	static const struct {
		struct check_result k;
		const char *want;
	} t[] = {
		{ { CHECK_NONE, -1, -1, -1 }, "" },
		{ { CHECK_WAITING, -1, -1, -1 }, "-" },
		{ { CHECK_RUNNING, -1, 7, 12 }, "7/12" },
		{ { CHECK_PASSED, 0, 12, 12 }, "12/12" },
		{ { CHECK_PASSED, 0, -1, -1 }, "\xe2\x9c\x93" },
		{ { CHECK_FAILED, 1, -1, -1 }, "\xe2\x9c\x97" },
	};
	struct row *r = make(1, "a", VS_PASSED, 5);

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char out[32];

		r->v->check = t[i].k;
		table_check_text(r->v, out);
		assert_string_equal(out, t[i].want);
	}
	row_free(r);
}

static void test_sizes(void **state)
{
	char out[32];

	table_size(0, out);
	assert_string_equal(out, "0B");
	table_size(312LL << 20, out);
	assert_string_equal(out, "312M");
	table_size(1500LL << 20, out);
	assert_string_equal(out, "1.5G");
	table_size(40LL << 30, out);
	assert_string_equal(out, "40G");
}

static void test_fold(void **state)
{
	struct row *r[32];
	struct table_row rows[32] = { 0 };
	char name[24], *text;

	for (int i = 0; i < 32; i++) {
		snprintf(name, sizeof(name), "opus-%d", i + 1);
		r[i] = make(i + 1, name, VS_RUNNING, 211);
		rows[i].row = r[i];
	}
	rows[1].selected = true;
	r[16]->attention = 1;
	r[17]->v->state = VS_PREPARING;
	text = draw(rows, 32, 24, 80);
	assert_non_null(strstr(text,
		"\n  1 opus-1    \xe2\x96\xb8 running 3:31        +42\xe2\x94\x82!17 opus-17    \xe2\x96\xb8 running 3:31        +42\n"));
	assert_non_null(strstr(text,
		"\n\xe2\x96\x8c 2 opus-2    \xe2\x96\xb8 running 3:31        +42\xe2\x94\x82 18 opus-18    \xc2\xbb prepare"));
	assert_non_null(strstr(text, " 32 opus-32 "));
	free(text);
	for (int i = 0; i < 32; i++)
		row_free(r[i]);
}

/* Selection in mono is reverse on the whole row; a changed row is bold. */
static void test_attributes(void **state)
{
	struct theme mono = { .attr[ROLE_SELECT] = { -1, -1, VT_REVERSE } };
	struct row *a = make(1, "a", VS_RUNNING, 5), *b = make(2, "b", VS_PASSED, 5);
	struct table_row rows[] = { { .row = a, .selected = true }, { .row = b, .changed = true } };
	struct layout_in in = { .h = 24, .w = 80, .nrows = 2, .npanes = 2 };
	struct table_opts o = { NOW, "main", false };
	struct layout l;
	struct canvas c;

	for (int i = 0; i < ROLE_COUNT; i++)
		mono.attr[i].fg = mono.attr[i].bg = -1;
	canvas_init(&c, &mono);
	canvas_resize(&c, 24, 80);
	layout_compute(&in, &l);
	table_draw(&c, &l, rows, 2, &o);
	for (int x = 0; x < 80; x++) {
		assert_int_equal(c.cell[2 * 80 + x].attr.flags, VT_REVERSE);
		assert_int_equal(c.cell[3 * 80 + x].attr.flags, VT_BOLD);
	}
	canvas_release(&c);
	row_free(a);
	row_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows),
		cmocka_unit_test(test_columns_leave), cmocka_unit_test(test_notes),
		cmocka_unit_test(test_check), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_fold), cmocka_unit_test(test_attributes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
