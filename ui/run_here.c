/* run_here.c - a verb of ours on this terminal, in the place of the deck. */
#include "ui/run_here.h"

#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "ui/term.h"

enum { READ_MS = 3000 };

static int run_verb(const char *const *verb, struct err *e)
{
	struct child_spec spec = CHILD_SPEC_INIT;
	struct strv argv = STRV_INIT;
	struct child c;
	int code = -1;

	strv_add(&argv, "/proc/self/exe");
	strv_addv(&argv, verb);
	spec.argv = strv_argv(&argv);
	spec.in = spec.out = spec.err = CHILD_INHERIT;
	if (!child_start(&c, &spec, e))
		child_wait(&c, -1, &code);
	strv_release(&argv);
	return code;
}

/* What it wrote is on the other screen, and stays there until it was read. */
static void wait_for_enter(void)
{
	static const char ask[] = "Enter goes back to the deck. ";
	char c = 0;

	fs_write_all(STDOUT_FILENO, ask, sizeof(ask) - 1);
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

int run_here(struct deck *d, const char *const *verb, struct err *e)
{
	int64_t began = clock_mono_ms();
	int code;

	term_lend();
	code = run_verb(verb, e);
	if (code > 0 && clock_mono_ms() - began < READ_MS)
		wait_for_enter();
	term_take_back();
	d->discard_typeahead = d->dirty = d->urgent = true;
	return code;
}
