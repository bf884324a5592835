/* pane_log.h - the log of one variant: its log and, behind it, its check's log as one text. Follows
 * the end until scrolled.
 *
 * Reads only what it draws. Positions are byte offsets, so a log that grows does not move under the
 * reader. */
#ifndef UI_PANE_LOG_H
#define UI_PANE_LOG_H

#include "model/proto.h"
#include "model/tail.h"
#include "ui/canvas.h"

struct pane_log {
	char *dir;
	struct tail *part[2]; /* log, check.log; NULL = closed */
	bool follow;
	int top_part; /* the line at the top when not following */
	uint64_t top_off;
	uint64_t lines_left; /* lines there were when following ended */
	size_t sideways;
	uint64_t removed; /* control sequences removed from what was drawn last */
	/* of the last drawing, for the position line */
	uint64_t bottom_line, total_lines;
	int bottom_part;
	int height;
};
struct pane_log_opts {
	bool times, wrap;
	bool marks; /* the stderr column */
	bool align_bottom; /* a text shorter than the pane stands at its lower edge */
	const char *empty; /* said while there is nothing to show; NULL = nothing is */
	const struct variant *v;
	int64_t now_ns;
};

void pane_log_init(struct pane_log *p, const char *dir);
void pane_log_release(struct pane_log *p);
void pane_log_close(struct pane_log *p); /* closes the files; the place is kept */
bool pane_log_refresh(struct pane_log *p); /* true = something came */
void pane_log_draw(
	struct pane_log *p, struct canvas *c, struct rect r, const struct pane_log_opts *o);
/* Moves by lines (negative = up); the ends. Reaching the end follows again. */
void pane_log_move(struct pane_log *p, long lines);
void pane_log_home(struct pane_log *p);
void pane_log_follow(struct pane_log *p, bool on);
/* Lines that came since following ended. */
uint64_t pane_log_new(struct pane_log *p);
/* Bytes of both logs. */
uint64_t pane_log_size(struct pane_log *p);
/* Last line with text, raw; of the check's log when there is one. */
bool pane_log_last(struct pane_log *p, struct buf *b);
uint64_t pane_log_gap(struct pane_log *p);

#endif
