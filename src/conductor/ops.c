/* ops.c - the table of requests, and how a request names variants. */
#include "conductor/ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "conductor/races.h"

static void ops_shutdown(const struct reply *r, const struct json *req);

static const struct {
	const char *op;
	ops_fn fn;
} table[] = {
	{ "run", ops_run },
	{ "list", ops_list },
	{ "watch", ops_watch },
	{ "kill", ops_kill },
	{ "promote", ops_promote },
	{ "undo", ops_undo },
	{ "archive", ops_archive },
	{ "restore", ops_restore },
	{ "rerun", ops_rerun },
	{ "shell", ops_shell },
	{ "show", ops_show },
	{ "diff", ops_diff },
	{ "status", ops_status },
	{ "report", ops_report },
	{ "engines", ops_engines },
	{ "shutdown", ops_shutdown },
};

void ops_do(const struct reply *r, const char *op, const struct json *req)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strcmp(table[i].op, op))
			continue;
		table[i].fn(r, req);
		return;
	}
	err_set(&e, "unknown_op", "this conductor (yolodeck %s) knows no request \"%s\"",
		YOLODECK_VERSION, op);
	reply_err(r, &e);
}

/* Variants go on: their runners need nobody. */
static void ops_shutdown(const struct reply *r, const struct json *req)
{
	diag(DIAG_INFO, "a client asked the conductor to end; what runs goes on");
	reply_ok(r, json_object());
	loop_stop(r->c->loop, 0);
}

static void add(struct variant_run ***out, size_t *n, struct variant_run *run)
{
	for (size_t i = 0; i < *n; i++)
		if ((*out)[i] == run)
			return;
	*out = xrealloc(*out, (*n + 1) * sizeof(**out));
	(*out)[(*n)++] = run;
}

static int select_one(const struct conductor *c, const char *sel, bool changes,
	struct variant_run ***out, size_t *n, struct err *e)
{
	struct variant **v = NULL;
	size_t nv = 0;
	int rc = race_select(&c->set, sel, changes, &v, &nv, e);

	for (size_t i = 0; i < nv && !rc; i++)
		add(out, n, races_run(c, v[i]));
	free(v);
	return rc;
}

static void add_race(const struct race_run *r, struct variant_run ***out, size_t *n)
{
	for (size_t i = 0; i < r->race->n; i++)
		add(out, n, &r->v[i]);
}

static int pick_race(const struct conductor *c, int64_t number, struct variant_run ***out,
	size_t *n, struct err *e)
{
	struct race_run *r = number > 0 && number <= INT32_MAX ? races_find(c, (int)number) : NULL;

	if (number == 0 && c->set.n)
		r = c->race[c->set.n - 1];
	if (!r)
		return err_set(e, "no_such_race",
			"there is no race %lld; `yolodeck ls --all` shows all", (long long)number);
	add_race(r, out, n);
	return 0;
}

static int pick_names(const struct conductor *c, const struct json *list, bool changes,
	struct variant_run ***out, size_t *n, struct err *e)
{
	if (json_type(list) != JSON_ARRAY)
		return err_set(e, "bad_request", "\"variants\" is an array of strings, not %s",
			json_type_name(json_type(list)));
	for (const struct json *j = json_first(list); j; j = json_next(j)) {
		if (json_type(j) != JSON_STRING)
			return err_set(e, "bad_request", "\"variants\" is an array of strings");
		if (select_one(c, json_to_str(j), changes, out, n, e))
			return -1;
	}
	return 0;
}

int ops_pick(const struct conductor *c, const struct json *req, bool changes,
	struct variant_run ***out, size_t *n, struct err *e)
{
	const struct json *list = json_get(req, "variants");
	const struct json *race = json_get(req, "race");
	const char *one = json_str(req, "variant", NULL);
	int rc = 0;

	*out = NULL;
	*n = 0;
	if (list)
		rc = pick_names(c, list, changes, out, n, e);
	else if (one)
		rc = select_one(c, one, changes, out, n, e);
	else if (race && json_type(race) == JSON_NUMBER)
		rc = pick_race(c, json_int(req, "race", -1), out, n, e);
	else if (json_bool(req, "all", false))
		for (size_t i = 0; i < c->set.n; i++)
			add_race(c->race[i], out, n);
	else
		rc = err_set(
			e, "bad_request", "the request names no variant, no race and not \"all\"");
	if (!rc && !*n)
		rc = err_set(e, "no_such_variant", "the request names no variant");
	if (rc) {
		free(*out);
		*out = NULL;
		*n = 0;
	}
	return rc;
}

struct variant_run *ops_one(const struct conductor *c, const struct json *req, const char *key,
	bool changes, struct err *e)
{
	const char *sel = json_str(req, key, NULL);
	struct variant_run **v = NULL, *one = NULL;
	size_t n = 0;

	if (!sel)
		err_set(e, "bad_request", "the request wants a string \"%s\" that names a variant",
			key);
	else if (!select_one(c, sel, changes, &v, &n, e)) {
		if (n == 1)
			one = v[0];
		else
			err_set(e, "ambiguous", "\"%s\" means %zu variants; name one", sel, n);
	}
	free(v);
	return one;
}
