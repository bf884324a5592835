/* action.h - the one table of what a person can do: it makes the keymap, the footer, `?` and the
 * names of `:`.
 *
 * To add an action: one row in action.c, one handler in act_*.c. tests/unit/test_keymap.c checks
 * that no key means two things in one place, that help and footer name only keys that work, and
 * that help fits 80x24. */
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

struct action {
	const char *name; /* for `:` */
	const char *keys; /* names of keys, blanks between (input.h) */
	unsigned contexts;
	enum action_section section;
	const char *help_keys, *help; /* one line of help; NULL = told by the row before it */
	const char *foot_key, *foot; /* in the footer: "enter", "zoom"; NULL = not there */
	unsigned foot_contexts;
	int foot_rank; /* smaller = leaves the footer later */
	void (*run)(struct deck *d, int32_t key);
};
extern const struct action actions[];
extern const size_t action_count;

unsigned action_context(const struct deck *d);
/* By a name or an unambiguous beginning of one; NULL with a sentence. */
const struct action *action_find(const char *name, unsigned context, struct err *e);

/* handlers, act_move.c */
void act_next(struct deck *d, int32_t key);
void act_prev(struct deck *d, int32_t key);
void act_number(struct deck *d, int32_t key);
void act_enter(struct deck *d, int32_t key);
void act_back(struct deck *d, int32_t key);
void act_leave(struct deck *d, int32_t key);
void act_next_other(struct deck *d, int32_t key);
void act_prev_other(struct deck *d, int32_t key);
void act_next_needs(struct deck *d, int32_t key);
void act_prev_needs(struct deck *d, int32_t key);
void act_info(struct deck *d, int32_t key);
void act_mark(struct deck *d, int32_t key);
void act_order(struct deck *d, int32_t key);
void act_layout(struct deck *d, int32_t key);
void act_races(struct deck *d, int32_t key);
void act_help(struct deck *d, int32_t key);
void act_messages(struct deck *d, int32_t key);
void act_redraw(struct deck *d, int32_t key);
void act_command(struct deck *d, int32_t key);
/* act_text.c */
void act_line_down(struct deck *d, int32_t key);
void act_line_up(struct deck *d, int32_t key);
void act_page_down(struct deck *d, int32_t key);
void act_page_up(struct deck *d, int32_t key);
void act_half_down(struct deck *d, int32_t key);
void act_half_up(struct deck *d, int32_t key);
void act_top(struct deck *d, int32_t key);
void act_bottom(struct deck *d, int32_t key);
void act_left(struct deck *d, int32_t key);
void act_right(struct deck *d, int32_t key);
void act_follow(struct deck *d, int32_t key);
void act_times(struct deck *d, int32_t key);
void act_wrap(struct deck *d, int32_t key);
void act_tab(struct deck *d, int32_t key);
/* act_race.c */
void act_promote(struct deck *d, int32_t key);
void act_kill(struct deck *d, int32_t key);
void act_kill_all(struct deck *d, int32_t key);
void act_archive(struct deck *d, int32_t key);
void act_undo(struct deck *d, int32_t key);
/* for the files of handlers: the items an action means (the marked ones, else the selected one), as
 * a request and in words */
size_t act_targets(struct deck *d, struct item **out);
void act_put_variants(struct deck *d, struct json *request, struct item **it, size_t n);
void act_name_all(struct item **it, size_t n, struct buf *out);
/* "running 2:31, +42 -9 in 2 files" */
void act_describe(struct deck *d, const struct item *it, struct buf *out);
void act_unmark(struct deck *d);
/* act_again.c */
void act_rerun(struct deck *d, int32_t key);
void act_shell(struct deck *d, int32_t key);
/* act_new.c */
void act_new(struct deck *d, int32_t key);
/* Runs a verb of ours (argv[0] is put before it) on this terminal and waits; -1 = it did not start.
 * One that failed at once is left on the screen until Enter. */
int act_run_here(struct deck *d, const char *const *verb, struct err *e);

#endif
