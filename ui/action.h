/* action.h - the one table of what a person can do: it makes the keymap, the footer, `?` and the
 * names of `:`.
 *
 * To add an action: one row in action.c, and a handler in act_*.c unless one there does it with
 * another argument. tests/unit/test_keymap.c checks that no key means two things in one place, that
 * help and footer name only keys that work, and that help fits 80x24. */
#ifndef UI_ACTION_H
#define UI_ACTION_H

#include "ui/deck.h"

enum action_context { /* where a key counts; bits */
	IN_DECK = 1, /* board and panes */
	IN_LOG = 2, /* zoom */
	IN_INFO = 4,
	IN_PAGE = 8, /* help, messages */
	IN_RACES = 16,
	IN_EMPTY = 32, /* the deck without a race */
	IN_TEXT = IN_LOG | IN_INFO | IN_PAGE,
	IN_VARIANT = IN_DECK | IN_LOG | IN_INFO,
	EVERYWHERE = 63,
};
enum action_section {
	SECTION_LOOK,
	SECTION_DECIDE,
	SECTION_RACE,
	SECTION_TEXT,
	SECTION_ALWAYS,
	SECTION_COUNT
};

/* A handler changes the deck; a frame follows each by itself. */
typedef void action_fn(struct deck *d, int32_t key, int arg);

struct action {
	const char *name; /* for `:` */
	const char *keys; /* names of keys, blanks between (input.h) */
	unsigned contexts;
	action_fn *run;
	int arg;
	enum action_section section;
	/* one line of help; NULL = the row before it says it */
	const char *help_keys, *help;
	/* in the footer: "enter", "zoom"; NULL = not there */
	const char *foot_key, *foot;
	unsigned foot_contexts;
	int foot_rank; /* smaller = leaves the footer later */
};
extern const struct action actions[];
extern const size_t action_count;

unsigned action_context(const struct deck *d);
/* By a name or an unambiguous beginning of one; NULL with a sentence. */
const struct action *action_find(const char *name, unsigned context, struct err *e);

/* what `arg` means to handlers that have more than one row */
enum { SCROLL_LINE = 1, SCROLL_HALF, SCROLL_PAGE }; /* act_scroll; negative = up */

/* act_move.c; arg of select, other, needs: 1 = the next, -1 = the previous */
extern action_fn act_select, act_number, act_enter, act_back, act_leave, act_other, act_needs,
	act_info, act_mark, act_order, act_layout, act_races, act_redraw, act_command;
extern action_fn act_page; /* arg: the screen */
/* act_text.c; arg of ends: -1 = the beginning; of sideways: cells */
extern action_fn act_scroll, act_ends, act_sideways, act_follow, act_times, act_wrap, act_tab;
/* act_race.c; arg of kill: 1 = all that are live */
extern action_fn act_promote, act_kill, act_archive, act_undo;
extern action_fn act_rerun, act_shell; /* act_rerun.c */
extern action_fn act_new; /* act_new.c */

#endif
