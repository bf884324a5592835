/* deck.h - what the deck knows while it is open: one struct, owned by app.c, that the modules of
 * ui/ work on.
 *
 * Handlers (act_*.c) change it, and a frame follows each; whatever else changes it sets `dirty`.
 * Only draw.c draws. An item follows the variant, not the row: selection, marks, an open dialog
 * name a variant by its number. */
#ifndef UI_DECK_H
#define UI_DECK_H

#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"
#include "ui/table.h"
#include "ui/canvas.h"
#include "ui/input.h"
#include "ui/layout.h"
#include "ui/pane_log.h"

enum screen { SCREEN_DECK, SCREEN_ZOOM, SCREEN_HELP, SCREEN_MESSAGES, SCREEN_RACES };
enum zoom_tab { TAB_LOG, TAB_INFO, TAB_COUNT };

struct item { /* a variant of the shown race */
	int number;
	char *name;
	const struct row *row; /* into deck.rows; set by state_sync */
	bool marked, changed;
	enum variant_state seen; /* state at the last key */
	bool bell_rung; /* the bell rang for its "!" */
	struct pane_log log;
	char *last; /* last line of its log, raw */
	bool stale; /* its files changed since they were read */
	int64_t last_read; /* mono ms: when `last` was read */
	int watch[2]; /* inotify: log.idx, check.idx; -1 = not armed */
	int watch_dir;
	uint64_t rate_size;
	uint8_t bar[TABLE_BARS];
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
	struct client_dial *dial; /* while it is being found again */
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
	bool end_announced;

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
	bool discard_typeahead; /* a question opened: what was typed before it is seen is dropped */
	bool quit;
	int exit;
};

/* The wall clock, replaced only by the fixture of the deck tests. */
extern int64_t (*deck_now_ns)(void);
enum screen deck_screen(const struct deck *d);
void deck_push(struct deck *d, enum screen s);
bool deck_pop(struct deck *d); /* false = it was the last */

#endif
