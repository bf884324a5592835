/* test_engine_select.c - who may be chosen, what is not enforced, and the order and words of the
 * real choice. */
#include "unit.h"

#include "conductor/engine_select.h"
#include "conductor/engines.h"

static void allowed(void **state)
{
	struct engine_type t = { .name = "x", .caps = ENGINE_AUTO };
	struct err e = ERR_INIT;

	assert_int_equal(engine_select_allowed(&t, false, NULL, false, &e), 0);
	assert_int_equal(engine_select_allowed(&t, false, "any", false, &e), 0);
	assert_int_equal(engine_select_allowed(&t, true, "container", false, &e), -1);
	assert_string_equal(e.code, "isolation");
	t.caps |= ENGINE_CONTAINER;
	assert_int_equal(engine_select_allowed(&t, false, "container", false, &e), 0);
	t.caps &= ~(unsigned)ENGINE_AUTO;
	assert_int_equal(engine_select_allowed(&t, false, NULL, false, &e), -1);
	assert_string_equal(e.code, "not_auto");
	assert_int_equal(engine_select_allowed(&t, true, NULL, false, &e), 0);
	t.caps |= ENGINE_TEST_ONLY;
	assert_int_equal(engine_select_allowed(&t, true, NULL, false, &e), -1);
	assert_string_equal(e.code, "test_only");
	assert_int_equal(engine_select_allowed(&t, true, NULL, true, &e), 0);
}

static void not_enforced(void **state)
{
	struct engine_report rep = {
		.ok = true, .limit_memory = true, .limit_pids = true, .limit_cpus = true
	};
	struct spec s;
	char words[256];

	spec_init(&s);
	s.variants = xcalloc(1, sizeof(*s.variants));
	s.variants[0].name = xstrdup("a");
	s.nvariants = 1;
	engine_select_unlimited(&rep, &s, words, sizeof(words));
	assert_string_equal(words, "");
	rep.limit_memory = false;
	engine_select_unlimited(&rep, &s, words, sizeof(words));
	assert_non_null(strstr(words, "memory"));
	rep.limit_memory = true;
	rep.limit_cpus = false;
	engine_select_unlimited(&rep, &s, words, sizeof(words));
	assert_string_equal(words, ""); /* nobody asked for cpus */
	s.variants[0].limits.cpus = 2;
	engine_select_unlimited(&rep, &s, words, sizeof(words));
	assert_non_null(strstr(words, "cpu"));
	spec_release(&s);
}

/* ---- the real table ---- */

struct chosen {
	struct conductor *c;
	char *name, *why;
	struct err e;
};

static void answer(void *ctx, struct engine_handle *s, const char *why, const struct err *e)
{
	struct chosen *ch = ctx;

	ch->name = s ? xstrdup(s->type->name) : NULL;
	ch->why = why ? xstrdup(why) : NULL;
	if (e)
		ch->e = *e;
	loop_stop(ch->c->loop, 0);
}

static void too_late(void *ctx)
{
	fail_msg("no choice");
}

/* image NULL = a race that names none */
static struct chosen choose(const char *engine, const char *isolation, const char *image)
{
	struct conductor c;
	struct chosen ch = { .c = &c };
	struct err e = ERR_INIT;
	char *dir = unit_mkdir(), *common = fs_join(dir, ".git");
	struct spec spec;

	spec_init(&spec);
	xreplace(&spec.isolation, isolation);
	xreplace(&spec.image, image);
	memset(&c, 0, sizeof(c));
	setenv("XDG_STATE_HOME", dir, 1);
	assert_int_equal(store_open(&c.store, common, true, &e), 0);
	c.loop = loop_new(&e);
	assert_int_equal(engines_runner(&c, &e), 0);
	struct loop_timer *t = loop_after(c.loop, UNIT_DEADLINE, too_late, NULL);
	engine_select_choose(&c, engine, &spec, answer, &ch);
	if (!ch.name && !ch.e.msg[0])
		loop_run(c.loop);
	loop_cancel(t);
	for (size_t i = 0; i < c.nengine; i++) {
		if (c.handle[i].engine)
			c.handle[i].type->close(c.handle[i].engine);
		free(c.handle[i].away);
		free(c.handle[i].next);
	}
	loop_free(c.loop);
	store_release(&c.store);
	free(c.runner);
	spec_release(&spec);
	free(common);
	unit_rmdir(dir);
	return ch;
}

static void real_choices(void **state)
{
	struct chosen ch;

	unsetenv("YOLODECK_FAKE");
	ch = choose("fake", NULL, NULL);
	assert_null(ch.name);
	ch = choose("nosuch", NULL, NULL);
	assert_null(ch.name);
	assert_non_null(strstr(ch.e.msg, "nosuch"));
	ch = choose("dagger", NULL, NULL);
	assert_null(ch.name);
	assert_non_null(strstr(ch.e.msg, "no image is known"));
	setenv("YOLODECK_FAKE", "1", 1);
	ch = choose("fake", NULL, NULL);
	assert_string_equal(ch.name, "fake");
	assert_non_null(strstr(ch.why, "asked for"));
	free(ch.name);
	free(ch.why);
	ch = choose(NULL, NULL, NULL);
	/* docker, local or none, but never the one for tests; and the words name what came before
	 */
	if (ch.name) {
		assert_string_not_equal(ch.name, "fake");
		assert_non_null(strstr(ch.why, "not dagger: no image is known"));
		print_message("auto: %s, %s\n", ch.name, ch.why);
	} else {
		assert_string_equal(ch.e.code, "no_engine");
		print_message("auto: %s\n", ch.e.msg);
	}
	free(ch.name);
	free(ch.why);
	/* with an image dagger is asked first; where nothing of it is there, the reason is another
	 * one */
	setenv("_EXPERIMENTAL_DAGGER_RUNNER_HOST", "unix:///nonexistent", 1);
	ch = choose(NULL, NULL, "some:image");
	if (ch.name) {
		assert_string_not_equal(ch.name, "dagger");
		assert_null(strstr(ch.why, "no image is known"));
		assert_non_null(strstr(ch.why, "not dagger: "));
	}
	free(ch.name);
	free(ch.why);
	ch = choose("auto", "container", NULL);
	if (ch.name)
		assert_string_not_equal(ch.name, "local");
	free(ch.name);
	free(ch.why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allowed),
		cmocka_unit_test(not_enforced),
		cmocka_unit_test(real_choices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
