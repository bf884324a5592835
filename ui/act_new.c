/* act_new.c - a new race from the deck: `yolodeck run` on this terminal, which opens the editor on
 * a race file. */
#include <stdlib.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "ui/action.h"
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

/* Its words are on the other screen: they stay there until they are read. */
static void wait_for_enter(void)
{
	static const char ask[] = "Enter goes back to the deck. ";
	char c = 0;

	fs_write_all(STDOUT_FILENO, ask, sizeof(ask) - 1);
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

int act_run_here(struct deck *d, const char *const *verb, struct err *e)
{
	int64_t began = clock_mono_ms();
	int code;

	term_lend();
	code = run_verb(verb, e);
	if (code > 0 && clock_mono_ms() - began < READ_MS)
		wait_for_enter();
	term_take_back();
	d->drain = d->dirty = d->urgent = true;
	return code;
}

static void start(struct deck *d, struct json *take_request)
{
	static const char *const verb[] = { "run", "-d", NULL };
	struct err e = ERR_INIT;
	int code;

	json_free(take_request);
	code = act_run_here(d, verb, &e);
	d->open_newest = code == 0;
	if (code < 0)
		message_add(d, true, "The new race cannot be started: %s", e.msg);
}

/* With a race file in the repository there is nothing to edit: that race would start at once, so it
 * is asked about. */
void act_new(struct deck *d, int32_t key)
{
	char *file = fs_join(d->top, ".yolodeck/race.json");

	if (*d->top && fs_exists(file)) {
		d->prompt.yes = start;
		prompt_ask(d, PROMPT_YES, NULL, "start a race as .yolodeck/race.json says?");
	} else {
		start(d, NULL);
	}
	free(file);
}
