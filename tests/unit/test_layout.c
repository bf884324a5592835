/* test_layout.c - where everything stands, for every size and number of variants. */
#include "unit.h"

#include "ui/layout.h"

static struct layout make(int h, int w, size_t n, size_t selected)
{
	struct layout_in in = { .h = h,
		.w = w,
		.nrows = n,
		.row_selected = selected,
		.npanes = n,
		.pane_selected = selected };
	struct layout l;

	layout_compute(&in, &l);
	return l;
}

static void test_mockups(void **state)
{
	struct layout l = make(24, 80, 4, 0);
	int sep;
	struct rect r;

	assert_false(l.fold);
	assert_int_equal(l.board.h, 5);
	assert_int_equal(l.cols, 2);
	assert_int_equal(l.rows, 2);
	r = layout_pane(&l, 0, &sep);
	assert_int_equal(r.y, 6);
	assert_int_equal(r.h, 9);
	assert_int_equal(r.w, 39);
	assert_int_equal(sep, 39);
	r = layout_pane(&l, 3, &sep);
	assert_int_equal(r.y, 15);
	assert_int_equal(r.h, 8);
	assert_int_equal(r.x, 40);
	assert_int_equal(r.w, 40);
	assert_int_equal(sep, -1);

	l = make(45, 160, 6, 0);
	assert_int_equal(l.cols, 2);
	assert_int_equal(l.rows, 3);
	r = layout_pane(&l, 1, &sep);
	assert_int_equal(r.h, 12);
	assert_int_equal(r.w, 80);
}

static void test_fold(void **state)
{
	struct layout l = make(24, 80, 32, 20);

	assert_true(l.fold);
	assert_int_equal(l.fold_cols, 2);
	assert_int_equal(l.board.h, 16);
	assert_int_equal(l.grid.h, 6);
	assert_true(l.scrolls);
	assert_int_equal(l.pane_count, 1);
	assert_int_equal(l.pane_first, 20);
	l = make(24, 80, 12, 0);
	assert_false(l.fold);
	l = make(24, 80, 13, 0);
	assert_true(l.fold);
	l = make(24, 57, 3, 0);
	assert_true(l.fold);
	assert_int_equal(l.fold_cols, 1);
}

static void test_small(void **state)
{
	assert_true(make(4, 80, 1, 0).tiny);
	assert_true(make(24, 19, 1, 0).tiny);
	assert_false(make(5, 20, 1, 0).tiny);
	assert_int_equal(make(9, 80, 2, 0).grid.h, 0);
	assert_int_equal(make(24, 39, 2, 0).grid.h, 0);
	assert_true(make(10, 40, 4, 0).grid.h >= 3);
}

static void test_modes(void **state)
{
	struct layout_in in = { .h = 24, .w = 80, .nrows = 4, .npanes = 4, .mode = LAYOUT_BOARD };
	struct layout l;

	layout_compute(&in, &l);
	assert_int_equal(l.grid.h, 0);
	assert_true(l.board.h >= 5);
	in.mode = LAYOUT_PANES;
	layout_compute(&in, &l);
	assert_int_equal(l.board.h, 0);
	assert_int_equal(l.grid.h, 22);
	in.mode = LAYOUT_BOTH;
	in.band = 5;
	layout_compute(&in, &l);
	assert_int_equal(l.band.y, 6);
	assert_int_equal(l.grid.y, 11);
}

/* Nothing overlaps or leaves the screen; the selected row and pane are shown; no pane is under 38
 * cells where the screen has them. */
static void check_size(int h, int w, size_t n, size_t selected)
{
	struct layout l = make(h, w, n, selected);
	int sep;
	size_t per;

	if (l.tiny)
		return;
	assert_int_equal(l.board.y, 1);
	assert_true(l.board.y + l.board.h <= h - 1);
	assert_true(l.board_lines >= 1);
	per = l.fold ? (n + (size_t)l.fold_cols - 1) / (size_t)l.fold_cols : n;
	assert_true(selected % per >= l.board_first);
	assert_true(selected % per < l.board_first + (size_t)l.board_lines);
	if (!l.grid.h)
		return;
	assert_int_equal(l.grid.y, 1 + l.board.h);
	assert_int_equal(l.grid.y + l.grid.h, h - 1);
	assert_true(selected >= l.pane_first && selected < l.pane_first + l.pane_count);
	for (size_t i = 0; i < l.pane_count; i++) {
		struct rect r = layout_pane(&l, i, &sep);

		assert_true(r.h >= 2);
		assert_true(r.y >= l.grid.y && r.y + r.h <= h - 1);
		assert_true(r.x >= 0 && r.x + r.w <= w);
		assert_true(r.w >= PANE_MIN_W);
		assert_true(sep < w);
		if (!l.scrolls)
			assert_true(l.pane_count == 1 || r.h >= PANE_MIN_TEXT + 1);
	}
}

static void test_all_sizes(void **state)
{
	for (int h = 1; h <= 70; h += 3)
		for (int w = 1; w <= 250; w += 7)
			for (size_t n = 1; n <= 99; n += n < 10 ? 1 : 13)
				for (size_t s = 0; s < n; s += 1 + n / 5)
					check_size(h, w, n, s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_mockups),
		cmocka_unit_test(test_fold), cmocka_unit_test(test_small),
		cmocka_unit_test(test_modes), cmocka_unit_test(test_all_sizes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
