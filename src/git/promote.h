/* promote.h - a variant into the user's branch, and back: plan, compare-and-swap, journal, repair
 * (facts: git.md 4, 8.7-8.8).
 *
 * Always plan -> show -> apply(plan). apply refuses when anything the plan saw has moved. One
 * promote, undo or repair at a time per repository (the conductor's serial worker), and an flock
 * beside it. Blocking: call in a worker. */
#ifndef GIT_PROMOTE_H
#define GIT_PROMOTE_H

#include "git/diff.h"
#include "git/git.h"
#include "model/journal.h"

enum promote_how { PROMOTE_MERGE, PROMOTE_SQUASH, PROMOTE_REBASE };
const char *promote_how_name(enum promote_how how); /* "merge" ... */
int promote_how_parse(const char *name); /* -1 = none of them */

struct promote_in {
	const struct git_repo *repo;
	const char *quarantine, *state_dir;
	int race;
	const char *variant, *tip, *base;
	/* branch name, NULL = the branch the main (or the asking) work tree is on */
	const char *into;
	const char *asked_from; /* the client's work tree or NULL */
	enum promote_how how;
	/* "Merge 7/claude-1: fix flaky parser" (squash: "Promote ...") is made of it */
	const char *subject;
	const char *umask; /* of who asks, octal; NULL = the one of git_set_umask */
};
struct promote_plan {
	char *into, *into_ref; /* "main", "refs/heads/main" */
	char *old, *new; /* OLD, C (built in the quarantine) */
	char *tree_dir; /* work tree that has it checked out, NULL = none */
	char *tree_git_dir;
	enum promote_how how;
	int commits; /* brought */
	struct diff_stat stat; /* OLD..C */
	/* local_edits: the user's dirty files, not touched */
	struct strv conflicts, auto_run, local_edits;
	/* "a.bin (lfs)": new content whose filter, by the branch's attributes, was not run */
	struct strv filtered;
	struct strv notes; /* sentences on what the user's git would do otherwise */
	char *refuse_code, *refuse; /* sentence: cannot be promoted now; NULL = can */
};
/* Builds it. -1 only when it could not be judged at all; what must be refused is in plan->refuse.
 */
int promote_plan(const struct promote_in *in, struct promote_plan *plan, struct err *e);
void promote_plan_release(struct promote_plan *p);
struct json *promote_plan_to_json(const struct promote_plan *p);
/* Applies exactly this plan (old and new must still hold). Journals intent, child, done. Code
 * "moved_base" and the refusals. */
int promote_apply(const struct promote_in *in, const struct promote_plan *plan, struct journal *j,
	struct err *e);

/* The record of a promote that can be taken back, from the journal's replay. */
struct promote_done {
	int n; /* of the intent */
	int race;
	char *variant, *into_ref, *old, *new, *tree_dir;
};
void promote_done_release(struct promote_done *d);
/* Fills d from a journal line of op "promote" (intent). -1 = not one. */
int promote_done_from_json(struct promote_done *d, const struct json *line);

struct undo_plan {
	bool revert; /* a later commit is there: only a revert commit can be made */
	char *revert_commit; /* built, to be applied like a promote */
	char *into, *current, *back_to;
	char *refuse_code, *refuse;
	char *words; /* "takes main back from 1234 to 5678" */
};
int promote_undo_plan(const struct git_repo *repo, const char *quarantine,
	const struct promote_done *d, struct undo_plan *p, struct err *e);
void undo_plan_release(struct undo_plan *p);
struct json *undo_plan_to_json(const struct undo_plan *p);
/* umask as in promote_in. */
int promote_undo_apply(const struct git_repo *repo, const char *quarantine, const char *state_dir,
	const struct promote_done *d, const struct undo_plan *p, const char *umask,
	struct journal *j, struct err *e);

/* After a crash: open intents of op promote and undo, oldest first. Says in `words` what it did or
 * what it needs from the user. */
int promote_repair(const struct git_repo *repo, const char *quarantine, const char *state_dir,
	const struct json *intent, const struct json *child, struct journal *j, struct buf *words,
	struct err *e);

#endif
