/* table.h - the board: the table of variants. Pure: what it shows is in its arguments. */
#ifndef UI_TABLE_H
#define UI_TABLE_H

#include "model/proto.h"
#include "ui/canvas.h"
#include "ui/layout.h"

enum { TABLE_BARS = 6 };

struct table_row {
	const struct row *row;
	bool selected, marked;
	bool changed; /* its state changed since the last key: bold */
	bool uncertain; /* the engine is away: "running?" */
	int64_t seen_ns; /* when it was last certain, for the note */
	const char *last; /* last line of its log, raw; NULL = none */
	uint8_t bar[TABLE_BARS]; /* output rate, 0..6, oldest first */
};
struct table_opts {
	int64_t now_ns;
	const char *into; /* name of the base branch, for conflicts */
	bool over; /* the race is over */
};

void table_draw(struct canvas *c, const struct layout *l, const struct table_row *rows, size_t n,
	const struct table_opts *o);

/* Parts used by titles and dialogs as well. */
enum role table_state_role(enum variant_state s);
int64_t table_elapsed_ms(const struct variant *v, int64_t now_ns);
/* "12/12", "3/12", "-", "" or the glyph of passed and failed without numbers. */
void table_check_text(const struct variant *v, char out[32]);
/* Why a person should look: one sentence and its role. */
enum role table_note(const struct table_row *r, const struct table_opts *o, struct buf *out);
/* "312M", "1.4G". */
void table_size(int64_t bytes, char out[32]);

#endif
