/* term.h - the terminal: the only file that knows curses. Shows a canvas, reads bytes, turns
 * signals into something to poll.
 *
 * Whatever ends the process (exit, a crash signal, a hangup) the terminal is as it was. Keys are
 * not read by curses. */
#ifndef UI_TERM_H
#define UI_TERM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "ui/canvas.h"

enum term_signal { TERM_NONE, TERM_RESIZE, TERM_LEAVE, TERM_STOP };

/* Takes the terminal on stdin and stdout. Code "no_terminal" when they are none, or TERM is not
 * known. */
int term_open(struct err *e);
void term_close(void);
enum theme_depth term_depth(void);
bool term_utf8(void);
void term_size(int *h, int *w);
/* Readable when a signal came; term_signal() takes one. */
int term_signal_fd(void);
enum term_signal term_signal(void);
/* Stops ourselves as ctrl-z asks, with the terminal given back meanwhile; returns when continued.
 */
void term_stop(void);

/* Gives the terminal to a program that we start and wait for, and takes it back: what was typed
 * meanwhile is the program's. */
void term_lend(void);
void term_take_back(void);

/* Bytes read (0 = nothing now), -1 = the terminal is gone. */
ssize_t term_read(char *p, size_t n);
void term_flush_input(void); /* drops what the kernel still holds */

void term_set_theme(const struct theme *t);
/* One frame: one doupdate, wrapped in synchronised output once term_sync_on() was called. Only what
 * changed is sent. */
void term_show(const struct canvas *c);
/* Prints one rule and asks where the cursor is: KEY_WIDE_RULES comes back when ambiguous signs take
 * two cells, which no table on this side can know. Before the first frame, which draws over it. */
void term_probe_width(void);
void term_sync_on(void);
/* Asks the terminal for a sign of life (CSI 5 n, answered as KEY_STATUS): on a slow link the next
 * frame waits for it. False = it would not answer. */
bool term_ask_status(void);
void term_redraw(void); /* the next term_show sends everything */
void term_bell(void);

#endif
