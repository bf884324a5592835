/* test_keymap.c - the table of actions: no key means two things in one place, and nothing is shown
 * that does not work. */
#include "unit.h"

#include <string.h>

#include "base/utf8.h"
#include "ui/keymap.h"

static const unsigned places[] = { IN_DECK, IN_LOG, IN_INFO, IN_PAGE, IN_RACES, IN_EMPTY };

static void test_no_conflict(void **state)
{
	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++)
		for (size_t i = 0; i < action_count; i++)
			for (size_t k = 0;
				(actions[i].contexts & places[p]) && keymap_key(&actions[i], k);
				k++)
				if (keymap_find(places[p], keymap_key(&actions[i], k)) !=
					&actions[i])
					fail_msg("%s: a key of it does something else in place %u",
						actions[i].name, places[p]);
}

static void test_keys_parse(void **state)
{
	for (size_t i = 0; i < action_count; i++) {
		size_t words = 1, keys = 0;

		for (const char *s = actions[i].keys; *s; s++)
			words += *s == ' ';
		while (keymap_key(&actions[i], keys))
			keys++;
		assert_int_equal(words, keys);
		assert_non_null(actions[i].run);
	}
}

/* Ctrl-a, ctrl-b, ctrl-s, ctrl-z and the keys that read "n" or "R" out of habit are nobody's. */
static void test_reserved(void **state)
{
	static const int32_t keys[] = { KEY_CTRL('a'), KEY_CTRL('b'), KEY_CTRL('s'),
		KEY_CTRL('z') };

	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++)
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			assert_null(keymap_find(places[p], keys[i]));
	assert_null(keymap_find(IN_DECK, 'u'));
	assert_null(keymap_find(IN_DECK, 'R'));
	assert_null(keymap_find(IN_DECK, 'n'));
}

/* What is not built yet is not offered anywhere. */
static void test_not_offered(void **state)
{
	static const int32_t later[] = { '/', '&', '=', '+', 'M' };

	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++)
		for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
			assert_null(keymap_find(places[p], later[i]));
}

static bool key_of_words(const char *words, unsigned place)
{
	char word[16];

	while (*words) {
		size_t n = strcspn(words, " ");
		int32_t key;

		assert_true(n < sizeof(word));
		memcpy(word, words, n);
		word[n] = '\0';
		key = input_key_parse(word);
		if (!key || !keymap_find(place, key))
			return false;
		words += n;
		words += strspn(words, " ");
	}
	return true;
}

static void test_footer(void **state)
{
	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++)
		for (size_t i = 0; i < action_count; i++)
			if (actions[i].foot && (actions[i].foot_contexts & places[p]) &&
				!key_of_words(actions[i].foot_key, places[p]))
				fail_msg("footer: %s does nothing in place %u", actions[i].foot_key,
					places[p]);
}

/* Every action is found in help: by a line of its own, or in the line of the row before it. */
static void test_help(void **state)
{
	const char *keys = "";

	for (size_t i = 0; i < action_count; i++) {
		char name[16];
		int32_t first = keymap_key(&actions[i], 0);

		if (actions[i].help)
			keys = actions[i].help_keys;
		else if (!strcmp(actions[i].name, "back"))
			continue; /* q stands beside enter, and in the ALWAYS section */
		if (first >= '0' && first <= '9')
			continue; /* "1-99" */
		input_key_name(first, name);
		if (!strstr(keys, name))
			fail_msg("help of %s does not show its key %s", actions[i].name, name);
		assert_true(utf8_cells(keys) <= 18);
	}
}

static bool manual_has(const char *page, const struct action *a)
{
	char key[32];

	snprintf(key, sizeof(key), "  %.*s ", (int)strcspn(a->help_keys, " "), a->help_keys);
	for (const char *p = page; *p; p += strcspn(p, "\n"), p += *p != '\0') {
		const char *at = strstr(p, a->help);

		if (!strncmp(p, key, strlen(key)) && at && at < p + strcspn(p, "\n"))
			return true;
	}
	return false;
}

/* Every line of help stands in yolodeck(1), behind its keys (arrows are words there). Run from the
 * top of the source. */
static void test_manual(void **state)
{
	struct err e = ERR_INIT;
	struct buf page = BUF_INIT;
	size_t o = 0;

	if (fs_read("man/yolodeck.1", 1 << 20, &page, &e) < 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < page.len; i++) /* without roff's escapes of a minus and a caret */
		if (!strncmp(page.p + i, "\\(ha", 4)) {
			page.p[o++] = '^';
			i += 3;
		} else if (page.p[i] != '\\') {
			page.p[o++] = page.p[i];
		}
	page.p[o] = '\0';
	for (size_t i = 0; i < action_count; i++)
		if (actions[i].help && !manual_has(page.p, &actions[i]))
			fail_msg("yolodeck(1) does not have: %s  %s", actions[i].help_keys,
				actions[i].help);
	buf_release(&page);
}

static void test_names(void **state)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < action_count; i++) {
		for (size_t k = i + 1; k < action_count; k++)
			assert_string_not_equal(actions[i].name, actions[k].name);
		assert_ptr_equal(action_find(actions[i].name,
					 actions[i].contexts & -actions[i].contexts, &e),
			&actions[i]);
	}
	assert_non_null(action_find("lay", IN_DECK, &e));
	assert_null(action_find("kil", IN_RACES, &e));
	assert_null(action_find("", IN_DECK, &e));
	assert_null(action_find("ne", IN_DECK, &e));
	assert_string_equal(e.code, "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_no_conflict),
		cmocka_unit_test(test_keys_parse), cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_not_offered), cmocka_unit_test(test_footer),
		cmocka_unit_test(test_help), cmocka_unit_test(test_manual),
		cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
