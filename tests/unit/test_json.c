/* test_json.c - JSON accepted, refused with a place, printed validly, found by line. */
#include "unit.h"

#include <locale.h>
#include <math.h>

#include "base/json.h"

static struct json *must(const char *text)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(text, strlen(text), &e);

	if (!j)
		fail_msg("%s: %s", text, e.msg);
	return j;
}

static void round_trip(const char *text, const char *want)
{
	struct json *j = must(text);
	struct buf b = BUF_INIT;

	json_print(j, &b);
	assert_string_equal(b.p, want);
	buf_release(&b);
	json_free(j);
}

static void test_round_trip(void **state)
{
	round_trip("null", "null");
	round_trip(" [ ] ", "[]");
	round_trip("{ }", "{}");
	round_trip("{\"a\":[1,2.5,-3e2,true,false,null,\"x\"],\"b\":{\"c\":{}}}",
		"{\"a\":[1,2.5,-300,true,false,null,\"x\"],\"b\":{\"c\":{}}}");
	round_trip("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\\u0085\"",
		"\"\\\"\\\\/\\u0008\\u000c\\n\\u000d\\t\\u0001\\u007f\\u0085\"");
	round_trip("\"\\u00e9\\u20ac\\ud83d\\ude80\"", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\x80\"");
	round_trip("[9007199254740992,-9007199254740992,9007199254740991,1764000000000]",
		"[9007199254740992,-9007199254740992,9007199254740991,1764000000000]");
	round_trip("[0.1,1e300,123456.789,1e-7]", "[0.1,1e+300,123456.789,1e-07]");
	round_trip("{\"A\":1,\"a\":2}", "{\"A\":1,\"a\":2}");
}

static void refuse(const char *text, const char *place)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(text, strlen(text), &e);

	if (j)
		fail_msg("%s was accepted", text);
	assert_string_equal(e.code, "bad_json");
	if (strncmp(e.msg, place, strlen(place)))
		fail_msg("%s: \"%s\", expected it to begin with \"%s\"", text, e.msg, place);
}

static void test_refused(void **state)
{
	refuse("", "line 1, column 1: the text ends too early");
	refuse("{", "line 1, column 2: expected a string");
	refuse("{\"a\":1,}", "line 1, column 8: expected a key");
	refuse("[1,]", "line 1, column 4: expected a value");
	refuse("[1 2]", "line 1, column 4: expected , or ]");
	refuse("{\"a\" 1}", "line 1, column 6: expected :");
	refuse("{a:1}", "line 1, column 2: expected a key in double quotes");
	refuse("1 2", "line 1, column 3: something stands after");
	refuse("[01]", "line 1, column 2: a number does not start with 0");
	refuse("[1.]", "line 1, column 2: expected digits after the decimal point");
	refuse("[-]", "line 1, column 2: expected digits after the minus");
	refuse("[1e]", "line 1, column 2: expected digits in the exponent");
	refuse("[+1]", "line 1, column 2: expected a value");
	refuse("[NaN]", "line 1, column 2: expected a value");
	refuse("[nul]", "line 1, column 2: expected a value");
	refuse("[1e999]", "a number in it is out of range");
	refuse("// no\n1", "line 1, column 1: expected a value");
	refuse("{\n\"k\": 1,\n\"x\": {\"y\": tru}}", "line 3, column 12: expected a value");
	refuse("[\"\xC3\xA9\xC3\xA9\", x]", "line 1, column 8: expected a value");
	refuse("[1111111111111111111111111111111111111111111111111111111111111111111]",
		"line 1, column 2: this number");
}

static void test_refused_texts(void **state)
{
	refuse("[\"a\nb\"]", "line 1, column 2: this string has no closing quote on its line");
	refuse("[\"abc", "line 1, column 2: this string has no closing quote");
	refuse("[\"a\tb\"]", "line 1, column 4: a control character");
	refuse("[\"\\u0000\"]", "line 1, column 3: a NUL");
	refuse("[\"\\u12g4\"]", "line 1, column 3: \\u needs");
	refuse("[\"\\u12\"]", "line 1, column 3: \\u needs");
	refuse("[\"\\ud800\"]", "line 1, column 3: half");
	refuse("[\"\\udc00\"]", "line 1, column 3: half");
	refuse("[\"\\ud800\\u0041\"]", "line 1, column 3: half");
	refuse("[\"\\q\"]", "line 1, column 3: an unknown");
	refuse("[\"\\", "line 1, column 3: an unknown");
	refuse("[\"ok\xFF\"]", "line 1, column 5: not valid UTF-8");
	refuse("[\"\xC0\x80\"]", "line 1, column 3: not valid UTF-8");
	refuse("[\"\xED\xA0\x80\"]", "line 1, column 3: not valid UTF-8");
	refuse("[\"\xF4\x90\x80\x80\"]", "line 1, column 3: not valid UTF-8");
	refuse("[\"\xE2\x82\"]", "line 1, column 3: not valid UTF-8");
}

static void test_nul_byte_and_exact_length(void **state)
{
	struct err e = ERR_INIT;
	struct json *j;

	assert_null(json_parse("[1]\0", 4, &e));
	assert_null(json_parse("[\"a\0b\"]", 7, &e));
	/* The byte behind the text is not looked at. */
	j = json_parse("123456", 3, &e);
	assert_non_null(j);
	assert_true(json_to_double(j) == 123);
	json_free(j);
	j = json_parse("[\"abc\"]}", 7, &e);
	assert_non_null(j);
	json_free(j);
}

static void test_duplicates(void **state)
{
	refuse("{\"a\":1,\n \"b\":2,\n \"a\":3}", "line 3, column 2: the key \"a\" stands twice");
	refuse("{\"a\":1,\"\\u0061\":3}", "line 1, column 8: the key \"a\" stands twice");
	refuse("[{\"x\":{\"k\":1,\"k\":1}}]", "line 1, column 14: the key \"k\"");
	json_free(must("[{\"a\":1},{\"a\":2,\"b\":{\"a\":3}}]"));
}

static void test_many_keys(void **state)
{
	struct buf b = BUF_INIT;
	int64_t start = clock_mono_ms();

	buf_char(&b, '{');
	for (int i = 0; i < 50000; i++)
		buf_fmt(&b, "\"key%d\":%d,\n", i, i);
	buf_str(&b, "\"key77\":0}");
	refuse(b.p, "line 50001, column 1: the key \"key77\"");
	assert_true(clock_mono_ms() - start < 5000); /* the square would take minutes */
	buf_release(&b);
}

static void test_depth(void **state)
{
	struct buf b = BUF_INIT;
	struct json *j;
	struct err e = ERR_INIT;

	for (int i = 0; i < 64; i++)
		buf_char(&b, '[');
	for (int i = 0; i < 64; i++)
		buf_char(&b, ']');
	j = json_parse(b.p, b.len, &e);
	assert_non_null(j);
	json_free(j);
	buf_clear(&b);
	for (int i = 0; i < 100000; i++)
		buf_str(&b, "{\"a\":[");
	refuse(b.p, "line 1, column 193: nested more than 64");
	buf_release(&b);
}

static const char relaxed[] = "\xEF\xBB\xBF// a race\n"
			      "{\n"
			      "  \"name\": \"// no comment, \\\" still none */\", /* one\n"
			      "  two */ \"limits\": {\n"
			      "    \"memory\" : // why\n"
			      "      \"4g\",\n"
			      "  },\n"
			      "  \"variants\": [\n"
			      "    { \"name\": \"a\", },\n"
			      "    { \"name\": \"b\" }, // last\n"
			      "    { \"env\": { \"X.Y\": 1, \"X\": { \"Z\": [ [], [ 1,\n"
			      "2 ] ] } } },\n"
			      "  ],\n"
			      "}\n"
			      "// end";

static void test_relaxed(void **state)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse_relaxed(relaxed, strlen(relaxed), &e);
	struct buf b = BUF_INIT;

	if (!j)
		fail_msg("%s", e.msg);
	json_print(j, &b);
	assert_string_equal(b.p,
		"{\"name\":\"// no comment, \\\" still none */\",\"limits\":{\"memory\":\"4g\"},"
		"\"variants\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"env\":{\"X.Y\":1,\"X\":{\"Z\":["
		"[],[1,2]]}}}]}");
	json_free(j);
	buf_release(&b);
}

static void refuse_relaxed(const char *text, const char *place)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse_relaxed(text, strlen(text), &e);

	if (j)
		fail_msg("%s was accepted", text);
	if (strncmp(e.msg, place, strlen(place)))
		fail_msg("%s: \"%s\", expected it to begin with \"%s\"", text, e.msg, place);
}

static void test_relaxed_refused(void **state)
{
	refuse_relaxed("[,]", "line 1, column 2: expected a value");
	refuse_relaxed("{,}", "line 1, column 2: expected a key");
	refuse_relaxed("[1,,]", "line 1, column 4: expected a value");
	refuse_relaxed("[1,,2]", "line 1, column 4: expected a value");
	refuse_relaxed("{\"a\":,}", "line 1, column 6: expected a value");
	refuse_relaxed("[1],", "line 1, column 4: something stands after");
	refuse_relaxed("{\n/* never", "line 2, column 1: this comment is never closed");
	refuse_relaxed("{\n/*/", "line 2, column 1: this comment is never closed");
	refuse_relaxed("[1 /* x */ 2]", "line 1, column 12: expected , or ]");
	refuse_relaxed("// c\n{\n \"a\": 1, // c\n \"a\": 2 }", "line 4, column 2: the key \"a\"");
	refuse_relaxed("[1 / 2]", "line 1, column 4: expected , or ]");
	refuse_relaxed("[\"a\n, ]", "line 1, column 2: this string has no closing quote");
	refuse_relaxed("// only", "line 1, column 8: the text ends too early");
	refuse_relaxed("[1]\\", "line 1, column 4: something");
}

static void test_lines(void **state)
{
	static const struct {
		const char *path;
		int line;
	} want[] = {
		{ "", 2 },
		{ "name", 3 },
		{ "limits", 4 },
		{ "limits.memory", 6 },
		{ "variants", 8 },
		{ "variants[0]", 9 },
		{ "variants[1].name", 10 },
		{ "variants[2].env.X.Y", 11 },
		{ "variants[2].env.X.Z", 11 },
		{ "variants[2].env.X.Z[1][1]", 12 },
		{ "variants[3]", 0 },
		{ "none", 0 },
		{ "nam", 0 },
		{ "name.x", 0 },
		{ "limits[0]", 0 },
		{ "variants[2].env.X.Z[0][0]", 0 },
		{ "variants[x]", 0 },
		{ "variants.name", 0 },
	};
	size_t n = strlen(relaxed);

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		int line = json_line_of(relaxed, n, want[i].path);

		if (line != want[i].line)
			fail_msg("%s: line %d, expected %d", want[i].path, line, want[i].line);
	}
	assert_int_equal(json_line_of_key(relaxed, n, "", "limits"), 4);
	assert_int_equal(json_line_of_key(relaxed, n, "limits", "memory"), 5);
	assert_int_equal(json_line_of_key(relaxed, n, "variants[1]", "name"), 10);
	assert_int_equal(json_line_of_key(relaxed, n, "variants[2].env", "X"), 11);
	assert_int_equal(json_line_of_key(relaxed, n, "variants", "name"), 0);
	assert_int_equal(json_line_of_key(relaxed, n, "limits", "none"), 0);
	assert_int_equal(json_line_of("[", 1, "a"), 0);
}

static void test_out_is_valid(void **state)
{
	struct json *o = json_object(), *again;
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	json_put_str(o, "bad", "a\xFF\xE2\x82z\xED\xA0\x80\xC3");
	json_put_str(o, "k\xFE", NULL);
	json_put_double(o, "nan", (double)NAN);
	json_put_double(o, "inf", (double)INFINITY);
	json_print(o, &b);
	assert_string_equal(b.p,
		"{\"bad\":"
		"\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD"
		"\xEF\xBF\xBD\xEF\xBF\xBD\","
		"\"k\xEF\xBF\xBD\":null,\"nan\":null,\"inf\":null}");
	again = json_parse(b.p, b.len, &e);
	assert_non_null(again);
	json_free(again);
	json_free(o);
	buf_release(&b);
}

/* Every byte pair as a text: always valid JSON, never a control byte. */
static void test_all_byte_pairs(void **state)
{
	struct err e = ERR_INIT;

	for (int x = 1; x < 256; x++) {
		for (int y = 1; y < 256; y += x % 7 + 1) {
			char s[3] = { (char)x, (char)y, 0 };
			struct json *a = json_array(), *again;
			struct buf b = BUF_INIT;

			json_add_str(a, s);
			json_print(a, &b);
			for (size_t i = 0; i < b.len; i++)
				assert_true((unsigned char)b.p[i] >= 0x20 && b.p[i] != 0x7F);
			again = json_parse(b.p, b.len, &e);
			if (!again)
				fail_msg("%02x %02x: %s", x, y, e.msg);
			if (x < 0x80 && y < 0x80)
				assert_string_equal(json_to_str(json_first(again)), s);
			json_free(again);
			json_free(a);
			buf_release(&b);
		}
	}
}

static void test_typed_reads(void **state)
{
	struct json *o = must("{\"s\":\"x\",\"i\":42,\"big\":1e19,\"d\":1.5,\"t\":true,\"n\":null,"
			      "\"l\":[\"a\",\"b\"],\"m\":[1]}");
	struct strv v = STRV_INIT;

	assert_string_equal(json_str(o, "s", "d"), "x");
	assert_string_equal(json_str(o, "i", "d"), "d");
	assert_null(json_str(o, "none", NULL));
	assert_int_equal(json_int(o, "i", 7), 42);
	assert_int_equal(json_int(o, "s", 7), 7);
	assert_int_equal(json_int(o, "big", 7), 7);
	assert_true(json_double(o, "d", 0) == 1.5);
	assert_true(json_bool(o, "t", false));
	assert_true(json_bool(o, "i", true));
	assert_int_equal(json_type(json_get(o, "n")), JSON_NULL);
	assert_int_equal(json_type(json_get(o, "l")), JSON_ARRAY);
	assert_null(json_get(json_get(o, "l"), "a"));
	assert_null(json_get(NULL, "a"));
	assert_null(json_get(o, "S"));
	assert_int_equal(json_size(o), 8);
	assert_int_equal(json_size(NULL), 0);
	assert_string_equal(json_key(json_next(json_first(o))), "i");
	assert_null(json_first(json_get(o, "s")));
	assert_string_equal(json_to_str(json_get(o, "i")), "");
	assert_int_equal(json_get_strv(o, "l", &v), 0);
	assert_int_equal(v.n, 2);
	assert_int_equal(json_get_strv(o, "m", &v), -1);
	assert_int_equal(json_get_strv(o, "s", &v), -1);
	assert_int_equal(json_get_strv(o, "none", &v), 0);
	assert_int_equal(v.n, 0);
	strv_release(&v);
	json_free(o);
}

static void test_building(void **state)
{
	struct json *o = json_object(), *copy;
	struct strv v = STRV_INIT;
	struct buf b = BUF_INIT;

	strv_addl(&v, "p", "q", NULL);
	json_put_int(o, "a", 1);
	json_put_str(o, "b", "old");
	json_put_strv(o, "v", &v);
	json_put_str(o, "b", "new");
	json_put_bool(o, "t", true);
	json_put_null(o, "z");
	json_put(o, "a", json_array());
	copy = json_copy(o);
	json_free(o);
	json_print(copy, &b);
	assert_string_equal(
		b.p, "{\"a\":[],\"b\":\"new\",\"v\":[\"p\",\"q\"],\"t\":true,\"z\":null}");
	buf_clear(&b);
	json_print_pretty(copy, &b);
	assert_string_equal(b.p,
		"{\n\t\"a\": [],\n\t\"b\": \"new\",\n\t\"v\": "
		"[\n\t\t\"p\",\n\t\t\"q\"\n\t],\n\t\"t\": true,\n\t\"z\": null\n}");
	json_free(copy);
	json_free(NULL);
	assert_null(json_copy(NULL));
	strv_release(&v);
	buf_release(&b);
}

/* curses programs set the locale; a decimal comma must not get into JSON. */
static void test_locale(void **state)
{
	static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8",
		"fr_FR.utf8" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(names) && !found; i++)
		found = setlocale(LC_NUMERIC, names[i]);
	if (!found) {
		print_message("skipped: no locale with a decimal comma is installed\n");
		skip();
	}
	round_trip("[1.5,0.25]", "[1.5,0.25]");
	setlocale(LC_NUMERIC, "C");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_texts),
		cmocka_unit_test(test_nul_byte_and_exact_length),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_relaxed),
		cmocka_unit_test(test_relaxed_refused),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_out_is_valid),
		cmocka_unit_test(test_all_byte_pairs),
		cmocka_unit_test(test_typed_reads),
		cmocka_unit_test(test_building),
		cmocka_unit_test(test_locale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
