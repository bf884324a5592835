/* act_new.c - a new race from the deck: `yolodeck run` on this terminal, which opens the editor on
 * a race file. */
#include <stdlib.h>

#include "base/fs.h"
#include "ui/action.h"
#include "ui/message.h"
#include "ui/prompt.h"
#include "ui/run_here.h"

static void start_race(struct deck *d, struct json *take_request)
{
	static const char *const verb[] = { "run", "-d", NULL };
	struct err e = ERR_INIT;
	int code;

	json_free(take_request);
	code = run_here(d, verb, &e);
	d->open_newest = code == 0;
	if (code < 0)
		message_add(d, true, "The new race cannot be started: %s", e.msg);
}

/* With a race file in the repository there is nothing to edit: that race would start at once, so it
 * is asked about. */
void act_new(struct deck *d, int32_t key, int arg)
{
	char *file = fs_join(d->top, ".yolodeck/race.json");

	if (*d->top && fs_exists(file)) {
		d->prompt.yes = start_race;
		prompt_ask(d, PROMPT_YES, NULL, "start a race as .yolodeck/race.json says?");
	} else {
		start_race(d, NULL);
	}
	free(file);
}
