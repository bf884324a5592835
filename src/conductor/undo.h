/* undo.h - the stack of what U takes back, kept in the journal and rebuilt from it. */
#ifndef CONDUCTOR_UNDO_H
#define CONDUCTOR_UNDO_H

#include "conductor/state.h"

void undo_push(struct undo_stack *u, struct action *take_a);
void undo_pop(struct undo_stack *u);
struct action *undo_top(struct undo_stack *u); /* NULL = nothing to take back */
void undo_clear(struct undo_stack *u);
/* That variant ("7/claude-1") is back: no action archives it any more. */
void undo_forget(struct undo_stack *u, const char *name);
void undo_action_release(struct action *a);

/* What the journal says last of one variant: its row may be older, when a crash came between the
 * journal's line and variant.json. */
struct replay_row {
	char *key; /* "7/claude-1" */
	int archived; /* -1 = it says nothing */
	bool has_promoted;
	char *promoted; /* NULL = it was taken back */
};

/* What a replay of the journal finds. */
struct replay {
	struct undo_stack undo;
	struct replay_row *row;
	size_t nrow;
	/* intents without completion; same index, child may be NULL */
	struct json **open, **child;
	size_t nopen;
};
void undo_replay(void *ctx, const struct json *line); /* ctx: struct replay */
void replay_release(struct replay *r);

#endif
