/* test_dialog.c - the promote box and the bottom line without a terminal: which keys do what, what
 * is shown, what never happens. */
#include "unit.h"
#include "ui/deck.h"
#include "ui/dialog.h"
#include "ui/message.h"
#include "ui/prompt.h"

static struct deck d;
static struct item item;
static int answered;

static const char plan_clean[] =
	"{\"into\":\"main\",\"old\":\"3f2a1c9aaaaaaaaa\",\"new\":\"8d11c04bbbbb\",\"tree\":\"/src/parser\","
	"\"commits\":2,\"files\":[{\"path\":\"src/\\u202eparse.c\",\"added\":19,\"removed\":9},{\"path\":\"logo.png\",\"added\":-1,\"removed\":-1}],"
	"\"files_total\":2,\"added\":31,\"removed\":9,\"conflicts\":[],\"auto_run\":[],\"local_edits\":[\"notes.txt\"],\"refuse\":null,\"token\":\"t\"}";
static const char plan_risky[] =
	"{\"into\":\"main\",\"old\":\"3f2a1c9a\",\"files\":[],\"conflicts\":[],\"auto_run\":[\"Makefile\",\".envrc\"],\"refuse\":null}";
static const char plan_refused[] =
	"{\"into\":\"main\",\"old\":\"3f2a1c9a\",\"refuse\":{\"code\":\"dirty\",\"msg\":\"src/parse.c has changes of yours that are not committed; commit or stash them first\"}}";

static void open_box(const char *plan, enum variant_state s)
{
	struct err e = ERR_INIT;

	dialog_close(&d);
	item.row->v->state = s;
	d.dialog.number = 2;
	d.dialog.kind = DIALOG_PROMOTE;
	d.dialog.plan = json_parse(plan, strlen(plan), &e);
	snprintf(d.dialog.how, sizeof(d.dialog.how), "merge");
	assert_non_null(d.dialog.plan);
}

static char *screen(void)
{
	struct buf b = BUF_INIT;

	canvas_resize(&d.canvas, 24, 80);
	dialog_draw(&d);
	if (d.prompt.kind != PROMPT_NONE)
		prompt_draw(&d);
	canvas_text(&d.canvas, &b);
	return buf_take(&b);
}

static void shows(const char *text)
{
	char *s = screen();

	if (!strstr(s, text))
		fail_msg("not on the screen: %s\n%s", text, s);
	free(s);
}

static int setup(void **state)
{
	static struct item *items[1] = { &item };
	static size_t order[1];

	item.number = 2;
	item.name = (char *)(uintptr_t) "claude-2";
	item.row = row_new(variant_new(7, 2, "claude-2"));
	item.row->v->check = (struct check_result){ CHECK_PASSED, 0, 12, 12 };
	d.race = 7;
	d.item = items;
	d.order = order;
	d.nitem = 1;
	d.selected = 2;
	d.message_until = -1;
	canvas_init(&d.canvas, &d.theme);
	buf_init(&d.prompt.text);
	rows_init(&d.rows);
	return 0;
}

static int teardown(void **state)
{
	dialog_close(&d);
	prompt_close(&d);
	buf_release(&d.prompt.text);
	row_free((struct row *)(uintptr_t)item.row);
	canvas_release(&d.canvas);
	message_release(&d);
	return 0;
}

static void test_clean_plan(void **state)
{
	open_box(plan_clean, VS_PASSED);
	assert_false(dialog_wants_capital(&d));
	shows("promote 7/2 claude-2 into main");
	shows("main 3f2a1c9, checked out in /src/parser");
	shows("2 commits, 2 files, +31 -9");
	shows("src/<U+202E>parse.c");
	shows("src/<U+202E>parse.c  +19 -9");
	shows("logo.png             binary");
	shows("notes.txt, not touched");
	shows("[m] merge    s  squash");
	shows("y promote   q cancel");
}

static void test_enter_only_hints(void **state)
{
	open_box(plan_clean, VS_PASSED);
	assert_true(dialog_key(&d, KEY_RETURN));
	assert_int_equal(d.dialog.kind, DIALOG_PROMOTE);
	shows("y promotes");
	assert_true(dialog_key(&d, ' '));
	assert_int_equal(d.dialog.kind, DIALOG_PROMOTE);
	assert_false(dialog_key(&d, KEY_PASTE));
	dialog_key(&d, KEY_ESCAPE);
	assert_int_equal(d.dialog.kind, DIALOG_NONE);
	assert_false(dialog_key(&d, 'y'));
}

static void test_capital(void **state)
{
	open_box(plan_risky, VS_PASSED);
	assert_true(dialog_wants_capital(&d));
	shows("Makefile");
	shows("Y promote anyway");
	dialog_key(&d, 'y');
	assert_int_equal(d.dialog.kind, DIALOG_PROMOTE);
	shows("Y promotes anyway");
	open_box(plan_clean, VS_FAILED);
	assert_true(dialog_wants_capital(&d));
	open_box(plan_clean, VS_RUNNING);
	shows("not yet: it is still running");
	assert_true(dialog_wants_capital(&d));
}

static void test_refused(void **state)
{
	open_box(plan_refused, VS_PASSED);
	shows("src/parse.c has changes of yours");
	shows(" q cancel");
	dialog_key(&d, 'Y');
	dialog_key(&d, 'y');
	assert_int_equal(d.dialog.kind, DIALOG_PROMOTE);
	shows("it cannot be promoted now");
}

static void test_archive_rest(void **state)
{
	open_box(plan_clean, VS_PASSED);
	assert_false(d.dialog.archive_rest);
	dialog_key(&d, 'o');
	assert_true(d.dialog.archive_rest);
	dialog_key(&d, 'q');
	open_box(plan_clean, VS_PASSED);
	assert_false(d.dialog.archive_rest); /* it never stays on */
}

/* The variant went away (archived by another client) while the box was open. */
static void test_gone(void **state)
{
	open_box(plan_clean, VS_PASSED);
	d.nitem = 0;
	free(screen());
	assert_int_equal(d.dialog.kind, DIALOG_NONE);
	d.nitem = 1;
}

static void on_yes(struct deck *deck, struct json *take_request)
{
	answered++;
	json_free(take_request);
}

static void ask(enum prompt_kind kind)
{
	answered = 0;
	d.discard_typeahead = false;
	d.prompt.yes = on_yes;
	prompt_ask(&d, kind, json_object(), "kill 1 claude-1?  Files and log stay.");
	assert_true(d.discard_typeahead);
}

static void test_prompt_yes(void **state)
{
	static const int32_t no[] = { KEY_RETURN, KEY_ESCAPE, 'n', ' ', 'q', 'x', KEY_CURSOR_UP };

	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		ask(PROMPT_YES);
		assert_true(prompt_key(&d, no[i]));
		assert_int_equal(d.prompt.kind, PROMPT_NONE);
		assert_int_equal(answered, 0);
	}
	ask(PROMPT_YES);
	shows("kill 1 claude-1?  Files and log stay.  y/N");
	assert_false(prompt_key(&d, KEY_PASTE));
	prompt_key(&d, 'y');
	assert_int_equal(answered, 1);
}

static void type(const char *s)
{
	for (; *s; s++)
		prompt_key(&d, *s);
}

static void test_prompt_paste(void **state)
{
	prompt_command(&d);
	buf_clear(&d.input.paste);
	buf_str(&d.input.paste, "one\rtwo\n\033[31mthree");
	prompt_key(&d, KEY_PASTE);
	assert_string_equal(d.prompt.text.p, "one two three");
	prompt_close(&d);
	buf_release(&d.input.paste);
}

static void test_prompt_word(void **state)
{
	ask(PROMPT_WORD_YES);
	type("yes");
	shows("yes/N yes");
	assert_int_equal(answered, 0);
	prompt_key(&d, KEY_RETURN);
	assert_int_equal(answered, 1);
	ask(PROMPT_WORD_YES);
	type("ye");
	prompt_key(&d, KEY_RETURN);
	assert_int_equal(answered, 0);
	ask(PROMPT_WORD_YES);
	type("n");
	assert_int_equal(d.prompt.kind, PROMPT_NONE);
	ask(PROMPT_WORD_YES);
	type("yet");
	assert_int_equal(d.prompt.kind, PROMPT_NONE);
	assert_int_equal(answered, 0);
}

static void test_prompt_long(void **state)
{
	prompt_ask(&d, PROMPT_YES, json_object(),
		"kill 6 live: 1 a-long-name-1  2 a-long-name-2  3 a-long-name-3  4 a-long-name-4  5 a-long-name-5  6 end-of-it?  Files and logs stay.");
	assert_int_equal(prompt_height(&d, 80), 2);
	shows("6 end-of-it?");
	shows("y/N");
	prompt_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_clean_plan),
		cmocka_unit_test(test_enter_only_hints), cmocka_unit_test(test_capital),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_archive_rest),
		cmocka_unit_test(test_gone), cmocka_unit_test(test_prompt_yes),
		cmocka_unit_test(test_prompt_paste), cmocka_unit_test(test_prompt_word),
		cmocka_unit_test(test_prompt_long) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
