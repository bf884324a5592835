/* test_theme.c - theme files: styles, every embedded theme at every depth, mistakes told by line;
 * colours brought down. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/asset.h"
#include "ui/theme.h"

static void test_styles(void **state)
{
	static const struct {
		const char *s;
		int32_t fg, bg;
		uint8_t flags;
	} good[] = {
		{ "75", 75, -1, 0 },
		{ "bold 221", 221, -1, VT_BOLD },
		{ "16 on 221", 16, 221, 0 },
		{ "bright red", 9, -1, 0 },
		{ "normal", -1, -1, 0 },
		{ "default on default", -1, -1, 0 },
		{ "underline reverse", -1, -1, VT_UNDERLINE | VT_REVERSE },
		{ "", -1, -1, 0 },
	};
	static const char *const bad[] = { "puce", "256", "-1", "bright", "75 on", "bold 1 2x" };
	struct err e = ERR_INIT;
	struct vt_attr a;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(theme_parse_style(good[i].s, &a, &e), 0);
		assert_int_equal(a.fg, good[i].fg);
		assert_int_equal(a.bg, good[i].bg);
		assert_int_equal(a.flags, good[i].flags);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(theme_parse_style(bad[i], &a, &e), -1);
}

static bool names_all_roles(const struct asset *a)
{
	bool all = true;

	for (int r = 0; r < ROLE_COUNT; r++) {
		char quoted[64];

		snprintf(quoted, sizeof(quoted), "\"%s\":", theme_role_name((enum role)r));
		all &= memmem(a->data, a->len, quoted, strlen(quoted)) != NULL;
	}
	return all;
}

static void test_embedded(void **state)
{
	size_t n, seen = 0;
	const struct asset *all = asset_all(&n);

	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	for (size_t i = 0; i < n; i++) {
		if (strncmp(all[i].name, "themes/", 7))
			continue;
		seen++;
		assert_true(names_all_roles(&all[i]));
		for (int d = DEPTH_MONO; d <= DEPTH_256; d++) {
			struct err e = ERR_INIT;
			struct theme t;
			char name[64];

			snprintf(name, sizeof(name), "%.*s", (int)strlen(all[i].name) - 12,
				all[i].name + 7);
			if (theme_load(&t, name, (enum theme_depth)d, &e) < 0)
				fail_msg("%s: %s", name, e.msg);
			for (int r = 0; r < ROLE_COUNT; r++)
				if (d == DEPTH_MONO || !strcmp(name, "mono"))
					assert_true(t.attr[r].fg < 0 && t.attr[r].bg < 0);
				else if (d == DEPTH_16)
					assert_true(t.attr[r].fg < 16 && t.attr[r].bg < 16);
		}
	}
	assert_true(seen >= 2);
}

static void test_mistakes(void **state)
{
	static const char role[] = "{\n \"roles\": {\n  \"colour\": {}\n }\n}";
	static const char style[] =
		"{\n \"roles\": {\n  \"text\": {},\n  \"dim\": { \"256\": \"puce\" }\n }\n}";
	struct err e = ERR_INIT;
	struct theme t;

	assert_int_equal(theme_parse(&t, "x", role, strlen(role), DEPTH_256, &e), -1);
	assert_non_null(strstr(e.msg, "line 3"));
	assert_non_null(strstr(e.msg, "colour"));
	assert_int_equal(theme_parse(&t, "x", style, strlen(style), DEPTH_256, &e), -1);
	assert_non_null(strstr(e.msg, "line 4"));
	assert_non_null(strstr(e.msg, "puce"));
	assert_int_equal(theme_parse(&t, "x", "{", 1, DEPTH_256, &e), -1);
	assert_int_equal(theme_load(&t, "../../etc/passwd", DEPTH_256, &e), -1);
	assert_int_equal(theme_load(&t, "nosuch", DEPTH_256, &e), -1);
}

static void test_depth(void **state)
{
	assert_int_equal(theme_depth_of(256, NULL), DEPTH_256);
	assert_int_equal(theme_depth_of(256, ""), DEPTH_256);
	assert_int_equal(theme_depth_of(256, "1"), DEPTH_MONO);
	assert_int_equal(theme_depth_of(8, NULL), DEPTH_16);
	assert_int_equal(theme_depth_of(1 << 24, NULL), DEPTH_16);
	assert_int_equal(theme_depth_of(0, NULL), DEPTH_MONO);
	assert_int_equal(theme_map_color(0x1ff0000, DEPTH_256), 196);
	assert_int_equal(theme_map_color(0x1808080, DEPTH_256), 244);
	assert_int_equal(theme_map_color(0x1ff0000, DEPTH_16), 9);
	assert_int_equal(theme_map_color(196, DEPTH_16), 9);
	assert_int_equal(theme_map_color(5, DEPTH_16), 5);
	assert_int_equal(theme_map_color(196, DEPTH_MONO), -1);
	for (int32_t c = -1; c < 256; c++)
		assert_in_range(theme_map_color(c, DEPTH_16) + 1, 0, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_styles),
		cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
