/* ops.h - the table of requests. Adding one: a function of this form, a row in ops.c, its lines in
 * model/proto.h. */
#ifndef CONDUCTOR_OPS_H
#define CONDUCTOR_OPS_H

#include "conductor/session.h"

/* Answers now or later, exactly once, by reply_ok or reply_err. What it refuses has changed
 * nothing. */
typedef void (*ops_fn)(const struct reply *r, const struct json *req);

void ops_do(const struct reply *r, const char *op, const struct json *req);

/* ops_read.c: what only reads */
void ops_list(const struct reply *r, const struct json *req);
void ops_watch(const struct reply *r, const struct json *req);
void ops_show(const struct reply *r, const struct json *req);
void ops_status(const struct reply *r, const struct json *req);
void ops_report(const struct reply *r, const struct json *req);
void ops_diff(const struct reply *r, const struct json *req); /* ops_diff.c */
void ops_engines(const struct reply *r, const struct json *req);
/* ops_run.c */
void ops_run(const struct reply *r, const struct json *req);
/* ops_archive.c: kill, archive, restore */
void ops_kill(const struct reply *r, const struct json *req);
void ops_archive(const struct reply *r, const struct json *req);
void ops_restore(const struct reply *r, const struct json *req);
void ops_rerun(const struct reply *r, const struct json *req); /* ops_rerun.c */
void ops_shell(const struct reply *r, const struct json *req); /* ops_shell.c */
/* ops_promote.c, ops_undo.c */
void ops_promote(const struct reply *r, const struct json *req);
void ops_undo(const struct reply *r, const struct json *req);

/* The variants a request names: variants[] | variant | race | all. 0, or -1 with a sentence. *out
 * is to be freed. */
int ops_pick(const struct conductor *c, const struct json *req, bool changes,
	struct variant_run ***out, size_t *n, struct err *e);
/* Exactly one: the text at `key`. */
struct variant_run *ops_one(const struct conductor *c, const struct json *req, const char *key,
	bool changes, struct err *e);

#endif
