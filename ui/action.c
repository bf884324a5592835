/* action.c - the table. Order inside a section is the order in help and footer. */
#include "ui/action.h"

#include <string.h>

#include "base/mem.h"

#define ARROWS "\xe2\x86\x93 \xe2\x86\x91"
#define SIDES "\xe2\x86\x90 \xe2\x86\x92"

#define HELP(k, text) .help_keys = (k), .help = (text)
#define SAME .help = NULL /* as the row before it */
#define FOOT(k, text, contexts, rank) \
	.foot_key = (k), .foot = (text), .foot_contexts = (contexts), .foot_rank = (rank)

const struct action actions[] = {
	{ "next", "j down", IN_DECK | IN_RACES, act_select, 1, SECTION_LOOK,
		HELP("j k " ARROWS, "select") },
	{ "previous", "k up", IN_DECK | IN_RACES, act_select, -1, SECTION_LOOK, SAME },
	{ "number", "0 1 2 3 4 5 6 7 8 9", IN_VARIANT, act_number, 0, SECTION_LOOK,
		HELP("1-99", "by number") },
	{ "zoom", "enter", IN_DECK, act_enter, 0, SECTION_LOOK, HELP("enter  q", "zoom, back"),
		FOOT("enter", "zoom", IN_DECK, 1) },
	{ "open", "enter", IN_RACES, act_enter, 0, SECTION_LOOK,
		FOOT("enter", "open", IN_RACES, 1) },
	{ "kill", "x", IN_VARIANT, act_kill, 0, SECTION_DECIDE, HELP("x", "kill (asks)"),
		FOOT("x", "kill", IN_DECK, 3) },
	{ "promote", "p", IN_VARIANT, act_promote, 0, SECTION_DECIDE, HELP("p", "promote (asks)"),
		FOOT("p", "promote", IN_DECK, 3) },
	{ "kill-all", "X", IN_VARIANT, act_kill, 1, SECTION_DECIDE,
		HELP("X", "kill all live (asks)") },
	{ "archive", "z", IN_VARIANT, act_archive, 0, SECTION_DECIDE,
		HELP("z", "archive or restore") },
	{ "undo", "U", IN_VARIANT | IN_RACES | IN_EMPTY, act_undo, 0, SECTION_DECIDE,
		HELP("U", "undo the last (asks)") },
	{ "info", "i", IN_VARIANT, act_info, 0, SECTION_LOOK, HELP("i", "info"),
		FOOT("i", "info", IN_DECK, 5) },
	{ "next-needs", "a", IN_VARIANT, act_needs, 1, SECTION_LOOK, HELP("a A", "next, prev !"),
		FOOT("a", "next !", IN_DECK, 4) },
	{ "previous-needs", "A", IN_VARIANT, act_needs, -1, SECTION_LOOK, SAME },
	{ "mark", "space", IN_DECK, act_mark, 0, SECTION_LOOK, HELP("space", "mark for x, z, r"),
		FOOT("space", "mark", IN_DECK, 6) },
	{ "new", "c", IN_DECK | IN_EMPTY | IN_RACES, act_new, 0, SECTION_RACE,
		HELP("c", "new race ($EDITOR)"), FOOT("c", "new race", IN_DECK | IN_EMPTY, 9) },
	{ "rerun", "r", IN_VARIANT, act_rerun, 0, SECTION_RACE, HELP("r", "run again (asks)"),
		FOOT("r", "again", IN_DECK, 8) },
	{ "order", "s", IN_DECK, act_order, 0, SECTION_RACE, HELP("s", "order: launch, best"),
		FOOT("s", "order", IN_DECK, 7) },
	{ "layout", "b", IN_DECK, act_layout, 0, SECTION_RACE, HELP("b", "board, panes, both"),
		FOOT("b", "layout", IN_DECK, 8) },
	{ "races", "L", IN_VARIANT | IN_EMPTY, act_races, 0, SECTION_RACE, HELP("L", "all races"),
		FOOT("L", "all races", IN_EMPTY, 1) },
	{ "shell", "!", IN_VARIANT, act_shell, 0, SECTION_RACE, HELP("!", "shell in container") },

	{ "line-down", "j down", IN_TEXT, act_scroll, SCROLL_LINE, SECTION_TEXT,
		HELP("j k ^D ^U d u", "scroll") },
	{ "line-up", "k up", IN_TEXT, act_scroll, -SCROLL_LINE, SECTION_TEXT, SAME },
	{ "half-down", "d ctrl-d", IN_TEXT, act_scroll, SCROLL_HALF, SECTION_TEXT, SAME },
	{ "half-up", "u ctrl-u", IN_TEXT, act_scroll, -SCROLL_HALF, SECTION_TEXT, SAME },
	{ "follow", "f F", IN_LOG, act_follow, 0, SECTION_TEXT, HELP("f F", "follow"),
		FOOT("f", "follow", IN_LOG, 2) },
	{ "wrap", "w", IN_LOG, act_wrap, 0, SECTION_TEXT, HELP("w", "wrap"),
		FOOT("w", "wrap", IN_LOG, 6) },
	{ "page-down", "space pgdn", IN_TEXT, act_scroll, SCROLL_PAGE, SECTION_TEXT,
		HELP("space b PgDn PgUp", "a page"), FOOT("space", "page", IN_TEXT, 3) },
	{ "page-up", "b pgup", IN_TEXT, act_scroll, -SCROLL_PAGE, SECTION_TEXT, SAME },
	{ "times", "t", IN_LOG, act_times, 0, SECTION_TEXT, HELP("t", "times"),
		FOOT("t", "times", IN_LOG, 6) },
	{ "next-tab", "tab shift-tab", IN_LOG | IN_INFO, act_tab, 0, SECTION_TEXT,
		HELP("tab", "Log, Info"), FOOT("tab", "Log/Info", IN_LOG | IN_INFO, 4) },
	{ "top", "g home", IN_TEXT, act_ends, -1, SECTION_TEXT, HELP("g G Home End", "the ends") },
	{ "bottom", "G end", IN_TEXT, act_ends, 1, SECTION_TEXT, SAME },
	{ "next-variant", "J", IN_VARIANT, act_other, 1, SECTION_TEXT, HELP("J K", "other"),
		FOOT("J K", "next", IN_LOG | IN_INFO, 5) },
	{ "previous-variant", "K", IN_VARIANT, act_other, -1, SECTION_TEXT, SAME },
	{ "left", "h left", IN_LOG, act_sideways, -16, SECTION_TEXT,
		HELP("h l " SIDES, "sideways") },
	{ "right", "l right", IN_LOG, act_sideways, 16, SECTION_TEXT, SAME },

	{ "back", "q esc", EVERYWHERE, act_back, 0, SECTION_LOOK,
		FOOT("q", "back", IN_TEXT | IN_RACES, 1) },

	{ "command", ":", EVERYWHERE, act_command, 0, SECTION_ALWAYS, HELP(":", "command by name"),
		FOOT(":", "command", IN_DECK | IN_RACES | IN_EMPTY, 6) },
	{ "help", "?", EVERYWHERE, act_page, SCREEN_HELP, SECTION_ALWAYS, HELP("?", "help"),
		FOOT("?", "help", IN_DECK | IN_RACES | IN_LOG | IN_INFO | IN_EMPTY, 2) },
	{ "messages", "m", EVERYWHERE, act_page, SCREEN_MESSAGES, SECTION_ALWAYS,
		HELP("m", "messages") },
	{ "redraw", "ctrl-l", EVERYWHERE, act_redraw, 0, SECTION_ALWAYS, HELP("^L", "redraw") },
	{ "leave", "Q", EVERYWHERE, act_leave, 0, SECTION_ALWAYS, HELP("Q", "leave"),
		FOOT("q", "leave", IN_EMPTY, 1) },
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
