/* action.c - the table. Order inside a section is the order in help and footer. */
#include "ui/action.h"

#include <string.h>

#include "base/mem.h"

#define ARROWS "\xe2\x86\x93 \xe2\x86\x91"
#define SIDES "\xe2\x86\x90 \xe2\x86\x92"

const struct action actions[] = {
	{ "next", "j down", IN_DECK | IN_RACES, SECTION_LOOK, "j k " ARROWS, "select", NULL, NULL,
		0, 0, act_next },
	{ "previous", "k up", IN_DECK | IN_RACES, SECTION_LOOK, NULL, NULL, NULL, NULL, 0, 0,
		act_prev },
	{ "number", "0 1 2 3 4 5 6 7 8 9", IN_VARIANT, SECTION_LOOK, "1-99", "by number", NULL,
		NULL, 0, 0, act_number },
	{ "zoom", "enter", IN_DECK, SECTION_LOOK, "enter  q", "zoom, back", "enter", "zoom",
		IN_DECK, 1, act_enter },
	{ "open", "enter", IN_RACES, SECTION_LOOK, NULL, NULL, "enter", "open", IN_RACES, 1,
		act_enter },
	{ "kill", "x", IN_VARIANT, SECTION_DECIDE, "x", "kill (asks)", "x", "kill", IN_DECK, 3,
		act_kill },
	{ "promote", "p", IN_VARIANT, SECTION_DECIDE, "p", "promote (asks)", "p", "promote",
		IN_DECK, 3, act_promote },
	{ "kill-all", "X", IN_VARIANT, SECTION_DECIDE, "X", "kill all live (asks)", NULL, NULL, 0,
		0, act_kill_all },
	{ "archive", "z", IN_VARIANT, SECTION_DECIDE, "z", "archive or restore", NULL, NULL, 0, 0,
		act_archive },
	{ "undo", "U", IN_VARIANT | IN_RACES | IN_EMPTY, SECTION_DECIDE, "U",
		"undo the last (asks)", NULL, NULL, 0, 0, act_undo },
	{ "info", "i", IN_VARIANT, SECTION_LOOK, "i", "info", "i", "info", IN_DECK, 5, act_info },
	{ "next-needs", "a", IN_VARIANT, SECTION_LOOK, "a A", "next, prev !", "a", "next !",
		IN_DECK, 4, act_next_needs },
	{ "previous-needs", "A", IN_VARIANT, SECTION_LOOK, NULL, NULL, NULL, NULL, 0, 0,
		act_prev_needs },
	{ "mark", "space", IN_DECK, SECTION_LOOK, "space", "mark for x, z, r", "space", "mark",
		IN_DECK, 6, act_mark },
	{ "new", "c", IN_DECK | IN_EMPTY | IN_RACES, SECTION_RACE, "c", "new race ($EDITOR)", "c",
		"new race", IN_DECK | IN_EMPTY, 9, act_new },
	{ "rerun", "r", IN_VARIANT, SECTION_RACE, "r", "run again (asks)", "r", "again", IN_DECK, 8,
		act_rerun },
	{ "order", "s", IN_DECK, SECTION_RACE, "s", "order: launch, best", "s", "order", IN_DECK, 7,
		act_order },
	{ "layout", "b", IN_DECK, SECTION_RACE, "b", "board, panes, both", "b", "layout", IN_DECK,
		8, act_layout },
	{ "races", "L", IN_VARIANT | IN_EMPTY, SECTION_RACE, "L", "all races", "L", "all races",
		IN_EMPTY, 1, act_races },
	{ "shell", "!", IN_VARIANT, SECTION_RACE, "!", "shell in container", NULL, NULL, 0, 0,
		act_shell },

	{ "line-down", "j down", IN_TEXT, SECTION_TEXT, "j k ^D ^U d u", "scroll", NULL, NULL, 0, 0,
		act_line_down },
	{ "line-up", "k up", IN_TEXT, SECTION_TEXT, NULL, NULL, NULL, NULL, 0, 0, act_line_up },
	{ "half-down", "d ctrl-d", IN_TEXT, SECTION_TEXT, NULL, NULL, NULL, NULL, 0, 0,
		act_half_down },
	{ "half-up", "u ctrl-u", IN_TEXT, SECTION_TEXT, NULL, NULL, NULL, NULL, 0, 0, act_half_up },
	{ "follow", "f F", IN_LOG, SECTION_TEXT, "f F", "follow", "f", "follow", IN_LOG, 2,
		act_follow },
	{ "wrap", "w", IN_LOG, SECTION_TEXT, "w", "wrap", "w", "wrap", IN_LOG, 6, act_wrap },
	{ "page-down", "space pgdn", IN_TEXT, SECTION_TEXT, "space b PgDn PgUp", "a page", "space",
		"page", IN_TEXT, 3, act_page_down },
	{ "page-up", "b pgup", IN_TEXT, SECTION_TEXT, NULL, NULL, NULL, NULL, 0, 0, act_page_up },
	{ "times", "t", IN_LOG, SECTION_TEXT, "t", "times", "t", "times", IN_LOG, 6, act_times },
	{ "next-tab", "tab shift-tab", IN_LOG | IN_INFO, SECTION_TEXT, "tab", "Log, Info", "tab",
		"Log/Info", IN_LOG | IN_INFO, 4, act_tab },
	{ "top", "g home", IN_TEXT, SECTION_TEXT, "g G Home End", "the ends", NULL, NULL, 0, 0,
		act_top },
	{ "bottom", "G end", IN_TEXT, SECTION_TEXT, NULL, NULL, NULL, NULL, 0, 0, act_bottom },
	{ "next-variant", "J", IN_VARIANT, SECTION_TEXT, "J K", "other", "J K", "next",
		IN_LOG | IN_INFO, 5, act_next_other },
	{ "previous-variant", "K", IN_VARIANT, SECTION_TEXT, NULL, NULL, NULL, NULL, 0, 0,
		act_prev_other },
	{ "left", "h left", IN_LOG, SECTION_TEXT, "h l " SIDES, "sideways", NULL, NULL, 0, 0,
		act_left },
	{ "right", "l right", IN_LOG, SECTION_TEXT, NULL, NULL, NULL, NULL, 0, 0, act_right },

	{ "back", "q esc", EVERYWHERE, SECTION_LOOK, NULL, NULL, "q", "back", IN_TEXT | IN_RACES, 1,
		act_back },

	{ "command", ":", EVERYWHERE, SECTION_ALWAYS, ":", "command by name", ":", "command",
		IN_DECK | IN_RACES | IN_EMPTY, 6, act_command },
	{ "help", "?", EVERYWHERE, SECTION_ALWAYS, "?", "help", "?", "help",
		IN_DECK | IN_RACES | IN_LOG | IN_INFO | IN_EMPTY, 2, act_help },
	{ "messages", "m", EVERYWHERE, SECTION_ALWAYS, "m", "messages", NULL, NULL, 0, 0,
		act_messages },
	{ "redraw", "ctrl-l", EVERYWHERE, SECTION_ALWAYS, "^L", "redraw", NULL, NULL, 0, 0,
		act_redraw },
	{ "leave", "Q", EVERYWHERE, SECTION_ALWAYS, "Q", "leave", "q", "leave", IN_EMPTY, 1,
		act_leave },
};
const size_t action_count = ARRAY_LEN(actions);

unsigned action_context(const struct deck *d)
{
	switch (deck_screen(d)) {
	case SCREEN_ZOOM:
		return d->tab == TAB_LOG ? IN_LOG : IN_INFO;
	case SCREEN_RACES:
		return IN_RACES;
	case SCREEN_HELP:
	case SCREEN_MESSAGES:
		return IN_PAGE;
	default:
		return d->nitem ? IN_DECK : IN_EMPTY;
	}
}

const struct action *action_find(const char *name, unsigned context, struct err *e)
{
	const struct action *found = NULL;
	size_t n = strlen(name), fits = 0;

	for (size_t i = 0; i < action_count; i++) {
		if (!(actions[i].contexts & context) || strncmp(actions[i].name, name, n))
			continue;
		if (!actions[i].name[n])
			return &actions[i];
		found = &actions[i];
		fits++;
	}
	if (n && fits == 1)
		return found;
	err_set(e, "unknown",
		fits > 1 && n ? "\"%.40s\" begins more than one command; type more of it"
			      : "there is no command \"%.40s\" here; ? lists what there is",
		name);
	return NULL;
}
