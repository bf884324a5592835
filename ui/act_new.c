/* act_new.c - a new race from the deck: `yolodeck run` on this terminal, which opens the editor on a race file. */
#include <stdlib.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "git/git.h"
#include "ui/action.h"
#include "ui/term.h"

static int run_here(struct err *e)
{
	static const char *const argv[] = { "/proc/self/exe", "run", "-d", NULL };
	struct child_spec spec = CHILD_SPEC_INIT;
	struct child c;
	int code = -1;

	spec.argv = argv;
	spec.in = spec.out = spec.err = CHILD_INHERIT;
	if (child_start(&c, &spec, e) < 0)
		return -1;
	child_wait(&c, -1, &code);
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

static void start(struct deck *d, struct json *take_request)
{
	struct err e = ERR_INIT;
	int code;

	json_free(take_request);
	term_lend();
	code = run_here(&e);
	if (code > 0)
		wait_for_enter();
	term_take_back();
	d->drain = d->dirty = d->urgent = true;
	d->open_newest = code == 0;
	if (code < 0)
		message_add(d, true, "The new race cannot be started: %s", e.msg);
}

/* With a race file in the repository there is nothing to edit: that race would start at once, so it is asked about. */
void act_new(struct deck *d, int32_t key)
{
	struct git_repo r;
	struct err e = ERR_INIT;
	char *file;

	if (git_repo_open(&r, ".", &e) < 0) {
		message_add(d, true, "%s", e.msg);
		return;
	}
	file = r.top ? fs_join(r.top, ".yolodeck/race.json") : NULL;
	if (file && fs_exists(file)) {
		d->prompt.yes = start;
		prompt_ask(d, PROMPT_YES, NULL, "start a race as .yolodeck/race.json says?");
	} else {
		start(d, NULL);
	}
	free(file);
	git_repo_release(&r);
}
