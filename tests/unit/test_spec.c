/* test_spec.c - race files: every kind of mistake in a table, then what right ones become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/mem.h"
#include "model/suggest.h"
#include "model/spec.h"

#define HUGE_MATRIX "{ \"a\": [1,2,3,4,5], \"b\": [1,2,3,4,5], \"c\": [1,2,3,4,5] }"

/* Refused by spec_parse; the message must hold each of the words, and begin with file and line. */
static const struct mistake {
	const char *text, *at, *words;
} mistakes[] = {
	{ "", "r.json", "" },
	{ "{ \"command\": \"x\",\n  \"check\" }", "r.json", "line 2" },
	{ "[]", "r.json:1", "a race in { }" },
	{ "{\n \"comand\": \"x\" }", "r.json:2: comand", "did you mean \"command\"" },
	{ "{\n \"zzz\": 1 }", "r.json:2: zzz", "yolodeck-race(5)" },
	{ "{\n\n \"limits\": { \"memory\": \"4gb\" } }", "r.json:3: limits.memory",
		"\"4gb\" is not a size; write 4g, 512m or a number of bytes" },
	{ "{ \"limits\": { \"memory\": true } }", "r.json:1: limits.memory", "write a size" },
	{ "{ \"limits\": { \"memory\": 1024 } }", "r.json:1: limits.memory", "at least 6m" },
	{ "{ \"limits\": { \"memory\": -1 } }", "r.json:1: limits.memory", "at least 6m" },
	{ "{ \"limits\": { \"log\": \"1k\" } }", "r.json:1: limits.log", "at least 64k" },
	{ "{ \"limits\": { \"cpus\": 0 } }", "r.json:1: limits.cpus", "0.01" },
	{ "{ \"limits\": { \"cpus\": \"two\" } }", "r.json:1: limits.cpus", "a number" },
	{ "{ \"limits\": { \"pids\": 2.5 } }", "r.json:1: limits.pids", "whole number" },
	{ "{ \"limits\": { \"pids\": 1 } }", "r.json:1: limits.pids", "from 8" },
	{ "{ \"limits\": { \"time\": \"soon\" } }", "r.json:1: limits.time", "30m" },
	{ "{ \"limits\": { \"time\": 0 } }", "r.json:1: limits.time", "1s" },
	{ "{ \"limits\": { \"time\": \"10ms\" } }", "r.json:1: limits.time", "1s" },
	{ "{ \"limits\": { \"memroy\": \"4g\" } }", "r.json:1: limits.memroy",
		"did you mean \"memory\"" },
	{ "{ \"limits\": { \"network_rate\": 1 } }", "r.json:1: limits.network_rate",
		"cpus, memory, pids, time, log and disk" },
	{ "{ \"limits\": [] }", "r.json:1: limits", "limits in { }" },
	{ "{ \"limits\": { \"disk\": \"10k\" } }", "r.json:1: limits.disk", "at least 64k" },
	{ "{ \"agents\": { \"claude\": 2 } }", "r.json:1: agents",
		"agents come in a later version" },
	{ "{ \"secrets\": [] }", "r.json:1: secrets", "later version" },
	{ "{ \"caches\": {} }", "r.json:1: caches", "later version" },
	{ "{ \"ports\": [1] }", "r.json:1: ports", "every address" },
	{ "{ \"runners\": [] }", "r.json:1: runners", "the array is empty" },
	{ "{ \"metrics\": {} }", "r.json:1: metrics", "later version" },
	{ "{ \"image\": { \"tar\": 7 } }", "r.json:1: image.tar", "a path as text" },
	{ "{ \"image\":\n{ \"tar\": \"\" } }", "r.json:2: image.tar", "is empty" },
	{ "{ \"image\": { \"tar\": \"a\\nb\" } }", "r.json:1: image.tar", "line break" },
	{ "{ \"image\": { \"tar\": \"x\", \"build\": \"y\" } }", "r.json:1: image",
		"nothing else" },
	{ "{ \"image\": { \"build\": \".\", \"target\": \"y\" } }", "r.json:1: image",
		"nothing else" },
	{ "{ \"image\": {} }", "r.json:1: image", "\"build\": \"directory\"" },
	{ "{ \"image\": [] }", "r.json:1: image", "a string" },
	{ "{ \"image\": \"a//b\" }", "r.json:1: image", "tar:./image.tar" },
	{ "{ \"image\": \"a b\" }", "r.json:1: image", "node:22" },
	{ "{ \"image\": \"--privileged\" }", "r.json:1: image", "node:22" },
	{ "{ \"engine\": \"dokcer\" }", "r.json:1: engine", "did you mean docker?" },
	{ "{ \"engine\": \"kubernetes\" }", "r.json:1: engine", "auto, docker, local or dagger" },
	{ "{ \"network\": \"host\" }", "r.json:1: network", "bridge or none" },
	{ "{ \"isolation\": \"vm\" }", "r.json:1: isolation", "container or any" },
	{ "{ \"base\": \"-x\" }", "r.json:1: base", "not a revision" },
	{ "{ \"command\": 7 }", "r.json:1: command", "write a string" },
	{ "{ \"command\": \"  \" }", "r.json:1: command", "is empty" },
	{ "{ \"command\": \"a\",\n \"argv\": [\"b\"] }", "r.json:2: argv", "keep one of the two" },
	{ "{ \"prompt\": \"a\",\n\"prompt_file\": \"b\" }", "r.json:2: prompt_file",
		"keep one of the two" },
	{ "{ \"argv\": \"make\" }", "r.json:1: argv", "an array of strings" },
	{ "{ \"argv\": [] }", "r.json:1: argv", "the array is empty" },
	{ "{ \"argv\": [\"a\",\n 2] }", "r.json:2: argv[1]", "write a string" },
	{ "{ \"env\": [\"A=1\"] }", "r.json:1: env", "names and values in { }" },
	{ "{ \"env\": { \"1A\": \"x\" } }", "r.json:1: env.1A", "letters, digits and _" },
	{ "{ \"env\": { \"A\": [] } }", "r.json:1: env.A", "a string or a number" },
	{ "{ \"env\": { \"YOLO_RACE\": \"x\" } }", "r.json:1: env.YOLO_RACE",
		"set by yolodeck itself" },
	{ "{ \"env\": { \"HOME\": \"x\" } }", "r.json:1: env.HOME", "belongs to the container" },
	{ "{ \"mounts\": [\"/\"] }", "r.json:1: mounts[0]", "everything" },
	{ "{ \"mounts\": [\"~\"] }", "r.json:1: mounts[0]", "everything" },
	{ "{ \"mounts\": [\"a/b\"] }", "r.json:1: mounts[0]", "absolute path" },
	{ "{ \"mounts\": [\"/a/../etc\"] }", "r.json:1: mounts[0]", "goes up" },
	{ "{ \"mounts\": [\"/a\", \"/a\"] }", "r.json:1: mounts[1]", "twice" },
	{ "{ \"rank\": [\"speed\"] }", "r.json:1: rank[0]", "no rule of ranking" },
	{ "{ \"repeat\": 0 }", "r.json:1: repeat", "from 1 to 99" },
	{ "{ \"repeat\": \"3\" }", "r.json:1: repeat", "a number" },
	{ "{ \"parallel\": 100 }", "r.json:1: parallel", "from 1 to 99" },
	{ "{ \"matrix\": [] }", "r.json:1: matrix", "arrays of values in { }" },
	{ "{ \"matrix\": { \"a\": [] } }", "r.json:1: matrix.a", "no values" },
	{ "{ \"matrix\": { \"a\": 1 } }", "r.json:1: matrix.a", "an array of values" },
	{ "{ \"matrix\": { \"a\": [1, 1] } }", "r.json:1: matrix.a[1]", "stands twice" },
	{ "{ \"matrix\": { \"a\": [{}] } }", "r.json:1: matrix.a[0]", "a string or a number" },
	{ "{ \"matrix\": { \"a b\": [1] } }", "r.json:1: matrix.a b", "letters, digits and _" },
	{ "{ \"env\": { \"a\": 1 },\n\"matrix\": { \"a\": [1] } }", "r.json:2: matrix.a",
		"env sets it already" },
	{ "{ \"variants\": {} }", "r.json:1: variants", "an array of variants" },
	{ "{ \"variants\": [] }", "r.json:1: variants", "the array is empty" },
	{ "{ \"variants\": [\n1] }", "r.json:2: variants[0]", "a variant in { }" },
	{ "{ \"variants\": [\n{ \"command\": \"x\" }] }", "r.json:2: variants[0]", "has no name" },
	{ "{ \"variants\": [{ \"name\": \"7\" }] }", "r.json:1: variants[0].name",
		"at least one letter" },
	{ "{ \"variants\": [{ \"name\": \"By Hand\" }] }", "r.json:1: variants[0].name",
		"write \"by-hand\"" },
	{ "{ \"variants\": [{ \"name\": \"q.git\" }] }", "r.json:1: variants[0].name",
		"something else" },
	{ "{ \"variants\": [{ \"name\": \"a\" },\n{ \"name\": \"a\" }] }",
		"r.json:2: variants[1].name", "in line 1" },
	{ "{ \"variants\": [{ \"name\": \"a\", \"base\": \"x\" }] }", "r.json:1: variants[0].base",
		"whole race" },
	{ "{ \"variants\": [{ \"name\": \"a\", \"chekc\": \"x\" }] }",
		"r.json:1: variants[0].chekc", "\"check\"" },
	{ "{ \"variants\": [{ \"name\": \"a\", \"agent\": \"x\" }] }",
		"r.json:1: variants[0].agent", "later" },
	{ "{ \"variants\": [{ \"name\": \"a\", \"command\": \"x\", \"argv\": [\"y\"] }] }",
		"r.json:1: variants[0].argv", "keep one" },
	{ "{ \"variants\": [{ \"name\": \"a\", \"limits\": { \"memory\": \"x\" } }] }",
		"r.json:1: variants[0].limits.memory", "not a size" },
	{ "{ \"matrix\": { \"m\": [1] }, \"variants\": [{ \"name\": \"a\", \"env\": { \"m\": 1 } "
	  "}] }",
		"r.json:1: variants[0].env.m", "matrix sets it" },
	{ "{ \"allow_unlimited\": true }", "r.json:1: allow_unlimited", "no such key" },
	{ "{ \"command\": \"a\", \"command\": \"b\" }", "r.json", "command" },
};

static void every_mistake_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		const struct mistake *m = &mistakes[i];
		struct spec s;
		struct err e = ERR_INIT;
		spec_init(&s);
		int rc = spec_parse(&s, "r.json", m->text, strlen(m->text), &e);
		if (rc != -1 || strncmp(e.msg, m->at, strlen(m->at)) || !strstr(e.msg, m->words))
			fail_msg("%s\n  gave %d \"%s\"\n  not  \"%s ... %s\"", m->text, rc, e.msg,
				m->at, m->words);
		spec_release(&s);
	}
}

/* Parsed well, refused by spec_expand. */
static void impossible_races_are_refused(void **state)
{
	static const struct mistake wrong[] = {
		{ "{}", "r.json", "nothing to run" },
		{ "{ \"check\": \"x\" }", "r.json", "nothing to run" },
		{ "{\n\"variants\": [\n{ \"name\": \"a\" }] }", "r.json:3",
			"\"a\" has no command" },
		{ "{ \"command\": \"x\", \"matrix\": " HUGE_MATRIX " }", "r.json", "at most 99" },
		{ "{ \"command\": \"x\", \"repeat\": 50, \"matrix\": { \"a\": [1, 2] } }", "r.json",
			"100 variants" },
		{ "{ \"matrix\": { \"a\": [1, 2] }, \"variants\": [{ \"name\": \"v\", \"command\": "
		  "\"x\" }] }",
			"r.json", "each variant has its own" },
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct spec s;
		struct err e = ERR_INIT;
		spec_init(&s);
		assert_int_equal(
			spec_parse(&s, "r.json", wrong[i].text, strlen(wrong[i].text), &e), 0);
		int rc = spec_expand(&s, &e);
		if (rc != -1 || strncmp(e.msg, wrong[i].at, strlen(wrong[i].at)) ||
			!strstr(e.msg, wrong[i].words))
			fail_msg("%s gave %d \"%s\"", wrong[i].text, rc, e.msg);
		spec_release(&s);
	}
}

static void expand(struct spec *s, const char *text)
{
	struct err e = ERR_INIT;
	spec_init(s);
	if (spec_parse(s, "r.json", text, strlen(text), &e) || spec_expand(s, &e))
		fail_msg("%s: %s", text, e.msg);
}

static void names_of(const struct spec *s, struct buf *b)
{
	for (size_t i = 0; i < s->nvariants; i++)
		buf_fmt(b, "%s%s", i ? " " : "", s->variants[i].name);
}

static void names_come_from_what_differs(void **state)
{
	static const struct {
		const char *text, *names;
	} right[] = {
		{ "{ \"command\": \"make test\" }", "make" },
		{ "{ \"command\": \"./attempt.sh\", \"repeat\": 3 }",
			"attempt.sh-1 attempt.sh-2 attempt.sh-3" },
		{ "{ \"name\": \"Fix it\", \"command\": \"x\", \"repeat\": 2 }",
			"fix-it-1 fix-it-2" },
		{ "{ \"argv\": [\"sh\", \"-c\", \"FOO=1 /bin/claude -p x\"] }", "claude" },
		{ "{ \"argv\": [\"/usr/bin/python3\", \"x.py\"] }", "python3" },
		{ "{ \"command\": \"for i in 1 2; do sleep 1; done\" }", "try" },
		{ "{ \"command\": \"cd sub && cargo build\" }", "cargo" },
		{ "{ \"command\": \"x\", \"matrix\": { \"model\": [\"Opus\", \"sonnet\"], "
		  "\"seed\": [1, 2] } }",
			"opus-1 opus-2 sonnet-1 sonnet-2" },
		{ "{ \"command\": \"x\", \"matrix\": { \"seed\": [1, 2] } }", "seed-1 seed-2" },
		{ "{ \"command\": \"x\", \"matrix\": { \"m\": [\"a b\", \"a/b\", \"\"] } }",
			"a-b a-b-2 empty" },
		{ "{ \"command\": \"x\", \"repeat\": 2, \"matrix\": { \"m\": [\"a\", \"b\"] } }",
			"a-1 a-2 b-1 b-2" },
		{ "{ \"command\": \"x\", \"variants\": [{ \"name\": \"o2\", \"env\": { \"O\": 2 } "
		  "}, { \"name\": \"o3\" }] }",
			"o2 o3" },
		{ "{ \"command\": \"x\", \"matrix\": { \"m\": [\"a\", \"b\"] }, \"variants\": "
		  "[{ \"name\": \"by-hand\", \"command\": \"patch\" }] }",
			"a b by-hand" },
		{ "{ \"command\": \"x\", \"matrix\": { \"m\": [\"a\", \"b\"] }, \"variants\": [{ "
		  "\"name\": \"v\" }] }",
			"v-a v-b" },
		{ "{ \"command\": \"x\", \"matrix\": { \"m\": [\"\u00fc\", \"\u00e9\", \"u\", "
		  "\"Stra\u00dfe\"] } }",
			"u e u-2 strasse" },
		{ "{ \"command\": \"x\", \"matrix\": { \"m\": [\"a\", \"\u65e5\u672c\", \"???\"] } }",
			"a m-2 m-3" },
		{ "{ \"command\": \"x\", \"matrix\": { \"m\": [\"tpl.html\", \"b\", \"x.json\", "
		  "\"base\"] } }",
			"tpl-html b x-json base-2" },
		{ "{ \"command\": \"x\", \"matrix\": { \"_1\": [1, \"\u65e5\"] } }",
			"try-1-1 try-1-1-2" },
		{ "{ \"command\": \"x\", \"matrix\": { \"_\": [\"\", \".\"] } }", "empty try-2" },
	};
	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		struct spec s;
		struct buf b = BUF_INIT;
		expand(&s, right[i].text);
		names_of(&s, &b);
		assert_string_equal(b.p, right[i].names);
		for (size_t k = 0; k < s.nvariants; k++)
			assert_true(spec_name_ok(s.variants[k].name));
		buf_release(&b);
		spec_release(&s);
	}
}

static const char whole[] =
	"// a race\n"
	"{ \"name\": \"flaky-parser\", \"base\": \"main\", \"engine\": \"auto\", \"image\": "
	"\"node:22\",\n"
	"  \"prompt\": \"fix \\\"it\\\"\\n\", \"command\": \"run.sh\", \"setup\": \"npm ci\", "
	"\"check\": \"npm test\",\n"
	"  \"matrix\": { \"model\": [\"opus\", \"sonnet\"], \"seed\": [1, true] },\n"
	"  \"variants\": [ { \"name\": \"by-hand\", \"argv\": [\"patch\", \"-p1\", \"\"], "
	"\"image\": \"host\",\n"
	"    \"limits\": { \"time\": 90, \"cpus\": 0.5 }, \"env\": { \"CI\": \"2\" }, \"check\": "
	"\"true\" }, ],\n"
	"  \"parallel\": 4, \"env\": { \"CI\": \"1\", \"E\": \"\" }, \"mounts\": [\"~/.nvm\"], /* "
	"c */\n"
	"  \"limits\": { \"cpus\": 2, \"memory\": \"4g\", \"pids\": 512, \"time\": \"30m\", "
	"\"log\": \"1g\" },\n"
	"  \"network\": \"none\", \"isolation\": \"container\", \"rank\": [\"check\", \"-lines\"] "
	"}\n";

static void check_whole(const struct spec *s)
{
	const struct spec_variant *v;
	assert_int_equal(s->nvariants, 5);
	v = &s->variants[0];
	assert_string_equal(v->name, "opus-1");
	assert_string_equal(v->command, "run.sh");
	assert_string_equal(v->image, "node:22");
	assert_string_equal(v->setup, "npm ci");
	assert_int_equal(v->env.n, 4);
	assert_string_equal(v->env.v[0], "CI=1");
	assert_string_equal(v->env.v[1], "E=");
	assert_string_equal(v->env.v[2], "model=opus");
	assert_string_equal(v->env.v[3], "seed=1");
	assert_int_equal(v->limits.memory, 4LL << 30);
	assert_int_equal(v->limits.time_ms, 1800000);
	v = &s->variants[4];
	assert_string_equal(v->name, "by-hand");
	assert_null(v->command);
	assert_int_equal(v->argv.n, 3);
	assert_string_equal(v->argv.v[2], "");
	assert_string_equal(v->image, "host");
	assert_string_equal(v->check, "true");
	assert_string_equal(v->setup, "npm ci");
	assert_string_equal(v->env.v[0], "CI=2");
	assert_int_equal(v->limits.time_ms, 90000);
	assert_true(v->limits.cpus > 0.49 && v->limits.cpus < 0.51);
	assert_int_equal(v->limits.pids, 512);
	assert_string_equal(s->prompt, "fix \"it\"\n");
	assert_int_equal(s->parallel, 4);
	assert_string_equal(s->mounts.v[0], "~/.nvm");
	assert_string_equal(s->rank.v[1], "-lines");
	assert_string_equal(s->network, "none");
	assert_string_equal(s->isolation, "container");
}

static void an_expanded_race_survives_json(void **state)
{
	struct spec s, back;
	struct err e = ERR_INIT;
	struct buf one = BUF_INIT, two = BUF_INIT;
	expand(&s, whole);
	check_whole(&s);
	s.allow_unlimited = true;
	struct json *j = spec_to_json(&s), *parsed, *again;
	json_print(j, &one);
	parsed = json_parse(one.p, one.len, &e);
	assert_non_null(parsed);
	spec_init(&back);
	if (spec_from_json(&back, parsed, &e))
		fail_msg("%s", e.msg);
	check_whole(&back);
	assert_true(back.allow_unlimited);
	again = spec_to_json(&back);
	json_print(again, &two);
	assert_string_equal(one.p, two.p);
	json_free(j);
	json_free(parsed);
	json_free(again);
	buf_release(&one);
	buf_release(&two);
	spec_release(&s);
	spec_release(&back);
}

/* What the engine left for later starts; stored as "pipeline" by older versions. */
static void the_engines_text_is_kept_under_both_names(void **state)
{
	static const char *const names[] = { "prepared", "pipeline" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct spec s;
		struct err e = ERR_INIT;
		char *text = xasprintf("{ \"variants\": [{ \"name\": \"a\", \"command\": \"x\" }], "
				       "\"%s\": \"/some/src-1\", \"expanded\": true }",
			names[i]);
		struct json *j = json_parse(text, strlen(text), &e), *stored;

		spec_init(&s);
		if (spec_from_json(&s, j, &e))
			fail_msg("%s", e.msg);
		assert_string_equal(s.prepared, "/some/src-1");
		stored = spec_to_json(&s);
		assert_string_equal(json_str(stored, "prepared", ""), "/some/src-1");
		json_free(j);
		json_free(stored);
		free(text);
		spec_release(&s);
	}
}

static void what_comes_over_the_wire_is_checked_again(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"[]",
		"{ \"variants\": [] }",
		"{ \"variants\": [{ \"name\": \"a\" }] }",
		"{ \"variants\": [{ \"name\": \"../a\", \"command\": \"x\" }] }",
		"{ \"variants\": [{ \"name\": \"a\", \"command\": \"x\" }, { \"name\": \"a\", "
		"\"command\": \"x\" }] }",
		"{ \"variants\": [{ \"name\": \"a\", \"command\": \"x\", \"argv\": [\"y\"] }] }",
		"{ \"variants\": [{ \"name\": \"a\", \"command\": \"x\", \"env\": { \"YOLO_X\": "
		"\"\" } }] }",
		"{ \"variants\": [{ \"name\": \"a\", \"command\": \"x\" }], \"repeat\": 2 }",
		"{ \"variants\": [{ \"name\": \"a\", \"command\": \"x\" }], \"matrix\": { \"a\": "
		"[1] } }",
		"{ \"variants\": [{ \"name\": \"a\", \"command\": \"x\" }], \"prompt_file\": "
		"\"/etc/passwd\" }",
		"{ \"variants\": [{ \"name\": \"a\", \"command\": \"x\" }], \"mounts\": [\"/\"] }",
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct spec s;
		struct err e = ERR_INIT;
		struct json *j = json_parse(wrong[i], strlen(wrong[i]), &e);
		assert_non_null(j);
		spec_init(&s);
		if (spec_from_json(&s, j, &e) != -1)
			fail_msg("accepted: %s", wrong[i]);
		assert_true(e.msg[0] != '\0');
		spec_release(&s);
		json_free(j);
	}
}

static void sizes_names_and_slugs(void **state)
{
	static const struct {
		const char *s;
		int64_t v;
	} sizes[] = {
		{ "4g", 4LL << 30 },
		{ "512M", 512 << 20 },
		{ "100k", 100 << 10 },
		{ "77", 77 },
		{ "1t", 1LL << 40 },
		{ "", -1 },
		{ "g", -1 },
		{ "4gb", -1 },
		{ "-1", -1 },
		{ " 4g", -1 },
		{ "4 g", -1 },
		{ "0x10", -1 },
		{ "1.5g", -1 },
		{ "99999999999999999999", -1 },
		{ "9999999999t", -1 },
	};
	static const char *const good[] = { "a", "claude-1", "claude-1.2", "1a", "a_b", "7-x" };
	static const char *const bad[] = { "", "7", "1-2", "A", "a b", "-a", ".a", "a/b", "a.",
		"a..b", "a.lock", "base", "pipe", "q.git", "race.json", "tpl", "\xc3\xa9" };
	static const struct {
		const char *s, *slug;
	} slugs[] = {
		{ "Fix flaky parser!", "fix-flaky-parser" },
		{ "", "race" },
		{ "???", "race" },
		{ "a_b.c", "a-b-c" },
		{ "a very long title that goes on and on", "a-very-long-title-that" },
		{ "abcdefghijklmnopqrstuvwxyzabc", "abcdefghijklmnopqrstuvwx" },
	};
	char out[64];
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		assert_int_equal(spec_parse_size(sizes[i].s), sizes[i].v);
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(spec_name_ok(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(spec_name_ok(bad[i]));
	memset(out, 'a', 63);
	out[63] = '\0';
	assert_true(spec_name_ok(out));
	for (size_t i = 0; i < ARRAY_LEN(slugs); i++) {
		spec_slug(slugs[i].s, out, sizeof(out));
		assert_string_equal(out, slugs[i].slug);
	}
	spec_fmt_size(2LL << 30, out, sizeof(out));
	assert_string_equal(out, "2.0 GiB");
	spec_fmt_size(100, out, sizeof(out));
	assert_string_equal(out, "100 B");
}

static void flags_replace_what_the_file_says(void **state)
{
	static const struct {
		const char *flag, *value, *words;
	} wrong[] = {
		{ "memory", "4gb", "--memory: \"4gb\" is not a size" },
		{ "cpus", "-1", "--cpus: \"-1\" is not a number" },
		{ "timeout", "x", "--timeout: \"x\" is not a time" },
		{ "n", "100", "-n: 100 is not possible" },
		{ "matrix", "a", "--matrix: \"a\"" },
		{ "matrix", "a=1,1", "--matrix: a: the value \"1\" stands twice" },
		{ "matrix", "a=", "--matrix: a: it has no values" },
		{ "env", "A", "--env: \"A\" has no value" },
		{ "env", "YOLO_A=1", "--env: \"YOLO_A\" is set by yolodeck" },
		{ "mount", "/", "--mount: \"/\" would show" },
		{ "engine", "dcker", "--engine: \"dcker\" is not an engine; did you mean docker?" },
	};
	struct spec s;
	struct err e = ERR_INIT;
	spec_init(&s);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(spec_flag(&s, wrong[i].flag, wrong[i].value, &e), -1);
		if (strncmp(e.msg, wrong[i].words, strlen(wrong[i].words)))
			fail_msg("%s %s: %s", wrong[i].flag, wrong[i].value, e.msg);
	}
	spec_release(&s);
	spec_init(&s);
	assert_int_equal(spec_parse(&s, "r.json", whole, strlen(whole), &e), 0);
	assert_int_equal(spec_flag(&s, "memory", "8g", &e), 0);
	assert_int_equal(spec_flag(&s, "timeout", "1h", &e), 0);
	assert_int_equal(spec_flag(&s, "env", "CI=flag", &e), 0);
	assert_int_equal(spec_flag(&s, "matrix", "model=haiku", &e), 0);
	assert_int_equal(spec_flag(&s, "n", "2", &e), 0);
	assert_int_equal(spec_command(&s, (const char *const[]){ "make", "\xff", NULL }, &e), -1);
	assert_non_null(strstr(e.msg, "word 2: is not valid UTF-8"));
	assert_int_equal(spec_command(&s, (const char *const[]){ "make", "x", NULL }, &e), 0);
	assert_int_equal(spec_expand(&s, &e), 0);
	assert_int_equal(s.nvariants, 6);
	assert_string_equal(s.variants[0].name, "haiku-1-1");
	assert_null(s.variants[0].command);
	assert_string_equal(s.variants[0].argv.v[0], "make");
	assert_int_equal(s.variants[0].limits.memory, 8LL << 30);
	assert_string_equal(s.variants[0].env.v[0], "CI=flag");
	spec_release(&s);
}

static void a_prompt_file_is_read_beside_the_race_file(void **state)
{
	char dir[] = "/tmp/yolodeck-spec-XXXXXX";
	struct spec s;
	struct err e = ERR_INIT;
	assert_non_null(mkdtemp(dir));
	char *race = fs_join(dir, "race.json"), *task = fs_join(dir, "task.md");
	static const char text[] = "{ \"command\": \"x\", \"prompt_file\": \"task.md\" }";
	assert_int_equal(fs_create(race, 0600, text, strlen(text), &e), 0);
	spec_init(&s);
	assert_int_equal(spec_load(&s, race, &e), -1);
	assert_non_null(strstr(e.msg, "prompt_file"));
	spec_release(&s);
	assert_int_equal(fs_create(task, 0600, "do it\n\n", 7, &e), 0);
	spec_init(&s);
	assert_int_equal(spec_load(&s, race, &e), 0);
	assert_string_equal(s.prompt, "do it");
	assert_int_equal(spec_expand(&s, &e), 0);
	spec_release(&s);
	char *big = xmalloc(SPEC_MAX_PROMPT + 1);
	memset(big, 'a', SPEC_MAX_PROMPT + 1);
	assert_int_equal(fs_replace(task, big, SPEC_MAX_PROMPT + 1, &e), 0);
	spec_init(&s);
	assert_int_equal(spec_load(&s, race, &e), -1);
	assert_non_null(strstr(e.msg, "102401 bytes"));
	spec_release(&s);
	free(big);
	free(race);
	free(task);
	assert_int_equal(fs_remove_tree(dir, "race.json", &e), 0);
}

/* Damage of any kind ends in a sentence or in a race that is right, never otherwise. */
static void damaged_files_never_pass_unseen(void **state)
{
	uint32_t seed = 1;
	for (int round = 0; round < 4000; round++) {
		char text[sizeof(whole)];
		struct spec s;
		struct err e = ERR_INIT;
		memcpy(text, whole, sizeof(whole));
		for (int k = 0; k < 1 + round % 3; k++) {
			seed = seed * 1664525u + 1013904223u;
			text[(seed >> 8) % (sizeof(whole) - 1)] =
				"{}[]\",:x0-\\/\x01\xff"[(seed >> 3) % 15];
		}
		spec_init(&s);
		if (spec_parse(&s, "r.json", text, sizeof(whole) - 1, &e) || spec_expand(&s, &e)) {
			assert_true(!strncmp(e.msg, "r.json", 6) || strstr(e.msg, "variants"));
		} else {
			assert_in_range(s.nvariants, 1, SPEC_MAX_VARIANTS);
			for (size_t i = 0; i < s.nvariants; i++)
				assert_true(spec_name_ok(s.variants[i].name));
		}
		spec_release(&s);
	}
}

static void suggest_words(void **state)
{
	static const char *const words[] = { "kill", "log", "ls", "promote", "restore", "archive" };
	assert_string_equal(suggest_word("klil", words, 6), "kill");
	assert_string_equal(suggest_word("promte", words, 6), "promote");
	assert_string_equal(suggest_word("prom", words, 6), "promote");
	assert_string_equal(suggest_word("lgo", words, 6), "log");
	assert_null(suggest_word("xyz", words, 6));
	assert_null(suggest_word("", words, 6));
	assert_int_equal(suggest_distance("abc", "acb"), 1);
	assert_int_equal(suggest_distance("", "abc"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_is_refused),
		cmocka_unit_test(impossible_races_are_refused),
		cmocka_unit_test(names_come_from_what_differs),
		cmocka_unit_test(an_expanded_race_survives_json),
		cmocka_unit_test(the_engines_text_is_kept_under_both_names),
		cmocka_unit_test(what_comes_over_the_wire_is_checked_again),
		cmocka_unit_test(sizes_names_and_slugs),
		cmocka_unit_test(flags_replace_what_the_file_says),
		cmocka_unit_test(a_prompt_file_is_read_beside_the_race_file),
		cmocka_unit_test(damaged_files_never_pass_unseen),
		cmocka_unit_test(suggest_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
