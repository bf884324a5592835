/* deck.h - what the deck knows while it is open; one struct, one owner (app.c), shared by the files
 * of ui/.
 *
 * Handlers (act_*.c) change it and set `dirty`; only draw.c draws; nobody draws from a handler. An
 * item follows the variant, not the row: selection, marks, an open dialog name a variant by its
 * number. */
#ifndef UI_DECK_H
#define UI_DECK_H

#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"
#include "ui/board.h"
#include "ui/canvas.h"
#include "ui/input.h"
#include "ui/layout.h"
#include "ui/pane_log.h"

enum screen { SCREEN_DECK, SCREEN_ZOOM, SCREEN_HELP, SCREEN_MESSAGES, SCREEN_RACES };
enum zoom_tab { TAB_LOG, TAB_INFO, TAB_COUNT };

struct item { /* a variant of the shown race */
	int number;
	char *name;
	const struct row *row; /* into deck.rows; renewed by state_sync */
	bool marked, changed;
	enum variant_state seen; /* state at the last key */
	bool rung; /* the bell rang for its "!" */
	struct pane_log log;
	char *last; /* last line of its log, raw */
	bool stale; /* its files changed since they were read */
	int64_t last_read; /* mono ms: when `last` was read */
	int watch[2]; /* inotify: log.idx, check.idx; -1 = not armed */
	int watch_dir;
	uint64_t rate_size;
	uint8_t bar[BOARD_BARS];
};

struct message {
	int64_t ns;
	char *text;
	bool warn;
};

enum prompt_kind { PROMPT_NONE, PROMPT_YES, PROMPT_WORD_YES, PROMPT_COMMAND };
struct deck;
struct prompt { /* the bottom line asks */
	enum prompt_kind kind;
	char *question;
	struct buf text;
	void (*yes)(struct deck *d, struct json *take_request);
	struct json *request; /* what is sent on yes */
	int32_t also; /* of PROMPT_YES: one more key that is a yes; 0 = none */
	bool by_also; /* it was that one */
};

enum dialog_kind { DIALOG_NONE, DIALOG_PROMOTE };
struct dialog { /* a box */
	enum dialog_kind kind;
	int number; /* of its variant */
	struct json *plan;
	char how[16];
	bool archive_rest;
	bool asking; /* a plan is on its way */
	const char *hint; /* static text at the foot, NULL = none */
	/* number of the one whose promote is under way: opened again when its base has moved */
	int sent;
	char sent_how[16];
};

struct deck {
	struct store store;
	const char *top; /* the work tree the deck was opened in, "" = none */
	char *project; /* name of the repository for the header */
	/* "main 3f2a1c9", read when there is no race yet; NULL = not read */
	char *head;
	struct client *client; /* NULL = away */
	int64_t away_ms, retry_ms; /* mono: since when; next try */
	int64_t away_ns; /* the same by the wall clock */
	struct rows rows;

	int race; /* shown; 0 = none */
	int newest; /* highest number seen, for the news of a new race */
	bool open_newest; /* a new one was asked for from here: show it when it comes */
	struct item **item;
	size_t nitem; /* by number */
	size_t *order; /* display order: indexes into item */
	int selected; /* number, 0 = nothing */
	bool best_first;
	int64_t order_due; /* mono ms: reorder then; 0 = nothing waits */
	bool over_told;

	enum screen screen[8];
	int depth; /* screen[depth] is shown */
	enum zoom_tab tab;
	enum layout_mode layout_mode;
	struct layout layout;
	size_t *pane; /* items with a pane, in order */
	size_t npane;
	bool times, wrap;
	long scroll; /* of help, messages, info: first line */
	long scroll_max; /* set by the drawing */
	int race_cursor; /* number, in the list of races */
	struct json *show; /* answer to "show" of the zoomed variant */
	int show_number;

	struct prompt prompt;
	struct dialog dialog;
	struct message *message;
	size_t nmessage;
	int64_t message_until; /* mono ms; 0 = until a key; -1 = none is shown */
	int digit; /* first digit of a number, 0 = none */
	int64_t digit_ms;

	struct canvas canvas;
	struct theme theme;
	struct input input;
	int inotify;
	int64_t note_due; /* mono ms: a last line waits to be read again; 0 = none */
	int64_t last_key, last_frame, last_bell, last_tick;
	bool slow_link; /* over ssh: a frame waits until the one before was seen */
	/* mono ms: draw then at the latest; 0 = the terminal has caught up */
	int64_t answer_due;
	bool dirty, urgent; /* draw; draw now (a key) */
	bool drain; /* a question opened: what was typed before it is seen is dropped */
	bool quit;
	int exit;
};

/* The wall clock, replaced only by the fixture of the deck tests. */
extern int64_t (*deck_now_ns)(void);

/* state.c */
void state_sync(struct deck *d); /* after rows changed */
void state_release(struct deck *d);
void state_open_race(struct deck *d, int race);
void state_order(struct deck *d, bool now);
void state_key(struct deck *d); /* a key came: nothing is new any more */
struct item *state_selected(struct deck *d);
struct item *state_item(struct deck *d, int number);
void state_move(struct deck *d, int by); /* in display order */
bool state_select(struct deck *d, int number);
const struct race_info *state_race(struct deck *d);
bool state_ticks(struct deck *d); /* a live row's time runs */
void state_tick(struct deck *d);
/* Nobody can say now whether what was live still is: the engine or the conductor is away. */
bool state_uncertain(const struct deck *d);
enum screen deck_screen(const struct deck *d);
void deck_push(struct deck *d, enum screen s);
bool deck_pop(struct deck *d); /* false = it was the last */

/* messages.c: news for 4 s, warnings until a key; all are kept for `m` */
void message_add(struct deck *d, bool warn, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const struct message *message_shown(const struct deck *d);
void message_key(struct deck *d);
void message_release(struct deck *d);
void pane_messages_draw(struct deck *d, struct rect r);

/* link.c: the conductor */
int link_open(struct deck *d, struct err *e);
void link_pump(struct deck *d);
void link_retry(struct deck *d);
/* Sends when the conductor is there, else says so and returns false. Takes the request. */
bool link_send(struct deck *d, struct json *take_request, client_fn fn);

/* watch.c: inotify on the logs, one event a file and frame */
int watch_open(struct err *e);
void watch_arm(struct deck *d, struct item *it);
void watch_read(struct deck *d);
void watch_forget(struct deck *d, struct item *it);

/* draw.c */
void draw_frame(struct deck *d);

/* the panes and bars */
void bar_header(struct deck *d);
void bar_zoom_header(struct deck *d, struct item *it);
void bar_footer(struct deck *d);
void bar_away(struct deck *d, struct rect r);
int bar_away_height(const struct deck *d);
void pane_info_draw(struct deck *d, struct item *it, struct rect r);
void pane_help_draw(struct deck *d);
void pane_empty_draw(struct deck *d, struct rect r);
void pane_races_draw(struct deck *d, struct rect r);

/* prompt.c: the bottom line */
void prompt_ask(struct deck *d, enum prompt_kind kind, struct json *take_request, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
void prompt_command(struct deck *d);
void prompt_close(struct deck *d);
bool prompt_key(struct deck *d, int32_t key); /* true = it was for the prompt */
int prompt_height(const struct deck *d, int w);
void prompt_draw(struct deck *d);

/* dialog.c */
void dialog_open_promote(struct deck *d, struct item *it);
void dialog_close(struct deck *d);
bool dialog_key(struct deck *d, int32_t key);
void dialog_draw(struct deck *d);
bool dialog_wants_capital(const struct deck *d);

#endif
