/* variant.c - the one table of a variant's states, and variant.json. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "model/spec.h"
#include "model/timestamp.h"
#include "model/variant.h"

static const char *const state_names[VS_COUNT] = {
	[VS_QUEUED] = "queued",
	[VS_PREPARING] = "preparing",
	[VS_RUNNING] = "running",
	[VS_SAVING] = "saving",
	[VS_CHECKING] = "checking",
	[VS_STOPPING] = "stopping",
	[VS_PASSED] = "passed",
	[VS_FAILED] = "failed",
	[VS_KILLED] = "killed",
	[VS_LOST] = "lost",
};

static const char *const event_names[VE_COUNT] = {
	[VE_PREPARE] = "prepare",
	[VE_STARTED] = "started",
	[VE_ENDED] = "ended",
	[VE_FAILED_START] = "failed_start",
	[VE_KILL] = "kill",
	[VE_GONE] = "gone",
	[VE_SAVED_CHECK] = "saved_check",
	[VE_SAVED_PASSED] = "saved_passed",
	[VE_SAVED_FAILED] = "saved_failed",
	[VE_SAVED_KILLED] = "saved_killed",
	[VE_SAVED_LOST] = "saved_lost",
	[VE_CHECK_PASSED] = "check_passed",
	[VE_CHECK_FAILED] = "check_failed",
};

/* State + 1, so that a pair not named here is 0: not legal. */
#define TO(s) ((s) + 1)

static const signed char next_state[VS_COUNT][VE_COUNT] = {
	[VS_QUEUED] = {
		[VE_PREPARE] = TO(VS_PREPARING),
		[VE_FAILED_START] = TO(VS_FAILED),
		[VE_KILL] = TO(VS_KILLED),
	},
	[VS_PREPARING] = {
		[VE_PREPARE] = TO(VS_PREPARING),
		[VE_STARTED] = TO(VS_RUNNING),
		[VE_ENDED] = TO(VS_SAVING),
		[VE_FAILED_START] = TO(VS_FAILED),
		[VE_KILL] = TO(VS_STOPPING),
		[VE_GONE] = TO(VS_SAVING),
	},
	[VS_RUNNING] = {
		[VE_STARTED] = TO(VS_RUNNING),
		[VE_ENDED] = TO(VS_SAVING),
		[VE_KILL] = TO(VS_STOPPING),
		[VE_GONE] = TO(VS_SAVING),
	},
	[VS_SAVING] = {
		[VE_KILL] = TO(VS_SAVING),
		[VE_SAVED_CHECK] = TO(VS_CHECKING),
		[VE_SAVED_PASSED] = TO(VS_PASSED),
		[VE_SAVED_FAILED] = TO(VS_FAILED),
		[VE_SAVED_KILLED] = TO(VS_KILLED),
		[VE_SAVED_LOST] = TO(VS_LOST),
	},
	[VS_CHECKING] = {
		[VE_FAILED_START] = TO(VS_FAILED),
		[VE_KILL] = TO(VS_STOPPING),
		[VE_GONE] = TO(VS_LOST),
		[VE_CHECK_PASSED] = TO(VS_PASSED),
		[VE_CHECK_FAILED] = TO(VS_FAILED),
	},
	[VS_STOPPING] = {
		[VE_STARTED] = TO(VS_STOPPING),
		[VE_ENDED] = TO(VS_SAVING),
		[VE_FAILED_START] = TO(VS_KILLED),
		[VE_KILL] = TO(VS_STOPPING),
		[VE_GONE] = TO(VS_SAVING),
		[VE_SAVED_KILLED] = TO(VS_KILLED),
	},
};

int variant_next(enum variant_state s, enum variant_event ev)
{
	if ((unsigned)s >= VS_COUNT || (unsigned)ev >= VE_COUNT)
		return -1;
	return next_state[s][ev] - 1;
}

const char *variant_state_name(enum variant_state s)
{
	return (unsigned)s < VS_COUNT ? state_names[s] : "?";
}

int variant_state_parse(const char *name)
{
	for (int i = 0; name && i < VS_COUNT; i++)
		if (!strcmp(name, state_names[i]))
			return i;
	return -1;
}

const char *variant_event_name(enum variant_event ev)
{
	return (unsigned)ev < VE_COUNT ? event_names[ev] : "?";
}

bool variant_ended(enum variant_state s)
{
	return s == VS_PASSED || s == VS_FAILED || s == VS_KILLED || s == VS_LOST;
}

bool variant_live(enum variant_state s)
{
	return !variant_ended(s);
}

struct variant *variant_new(int race, int number, const char *name)
{
	struct variant *v = xcalloc(1, sizeof(*v));
	v->race = race;
	v->number = number;
	v->name = xstrdup(name);
	v->exit = -1;
	v->saved = true;
	v->files = -1;
	v->added = v->removed = -1;
	v->check.exit = v->check.passed = v->check.total = -1;
	return v;
}

/* The texts of a variant that are stored as they are. */
static const struct {
	const char *key;
	size_t at;
} texts[] = {
	{ "origin", offsetof(struct variant, origin) },
	{ "start", offsetof(struct variant, start) },
	{ "reason", offsetof(struct variant, reason) },
	{ "engine", offsetof(struct variant, engine) },
	{ "engine_id", offsetof(struct variant, engine_id) },
	{ "check_id", offsetof(struct variant, check_id) },
	{ "image", offsetof(struct variant, image) },
	{ "isolation", offsetof(struct variant, isolation) },
	{ "base", offsetof(struct variant, base) },
	{ "commit", offsetof(struct variant, commit) },
	{ "branch", offsetof(struct variant, branch) },
	{ "live", offsetof(struct variant, live) },
	{ "scan", offsetof(struct variant, scan) },
	{ "not_recorded", offsetof(struct variant, not_recorded) },
	{ "conflict", offsetof(struct variant, conflict) },
	{ "promoted", offsetof(struct variant, promoted) },
};

static char **text_at(struct variant *v, size_t i)
{
	return (char **)(void *)((char *)v + texts[i].at);
}

void variant_free(struct variant *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(*text_at(v, i));
	free(v->name);
	free(v->note);
	free(v);
}

int variant_apply(struct variant *v, enum variant_event ev)
{
	int to = variant_next(v->state, ev);
	if (to >= 0) {
		v->state = (enum variant_state)to;
		return 0;
	}
	if (getenv("YOLODECK_STRICT"))
		bug("variant %d/%s: event %s in state %s", v->race, v->name, variant_event_name(ev),
			variant_state_name(v->state));
	diag(DIAG_ERROR, "variant %d/%s: event %s in state %s is not legal, ignored", v->race,
		v->name, variant_event_name(ev), variant_state_name(v->state));
	return -1;
}

static const char *const check_names[] = { "none", "waiting", "running", "passed", "failed" };

/* -1 = not known is null in JSON. */
static void put_known(struct json *o, const char *key, int64_t v)
{
	if (v < 0)
		json_put_null(o, key);
	else
		json_put_int(o, key, v);
}

struct json *variant_to_json(const struct variant *v)
{
	struct json *o = json_object(), *c = json_object();
	json_put_int(o, "v", 1);
	json_put_int(o, "race", v->race);
	json_put_str(o, "variant", v->name);
	json_put_int(o, "number", v->number);
	json_put_str(o, "state", variant_state_name(v->state));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		json_put_str(o, texts[i].key, *text_at((struct variant *)(uintptr_t)v, i));
	json_put_bool(o, "continue", v->start != NULL);
	put_known(o, "exit", v->exit);
	timestamp_put(o, "created", v->created_ns);
	timestamp_put(o, "started", v->started_ns);
	timestamp_put(o, "ended", v->ended_ns);
	timestamp_put_u64(o, "log_dev", v->log_dev);
	timestamp_put_u64(o, "log_ino", v->log_ino);
	put_known(o, "files", v->files);
	put_known(o, "added", v->added);
	put_known(o, "removed", v->removed);
	json_put_str(c, "state", check_names[v->check.state]);
	put_known(c, "exit", v->check.exit);
	put_known(c, "passed", v->check.passed);
	put_known(c, "total", v->check.total);
	json_put(o, "check", c);
	json_put_bool(o, "kill_asked", v->kill_asked);
	json_put_bool(o, "archived", v->archived);
	json_put_bool(o, "archive_after", v->archive_after);
	json_put_bool(o, "saved", v->saved);
	return o;
}

static int bad(struct err *e, const char *what)
{
	return err_set(e, "damaged", "the record of a variant %s", what);
}

static int read_check(struct check_result *c, const struct json *j, struct err *e)
{
	const char *name = json_str(j, "state", "none");
	size_t i = 0;
	while (i < ARRAY_LEN(check_names) && strcmp(name, check_names[i]))
		i++;
	if (i == ARRAY_LEN(check_names))
		return bad(e, "names a state of the check that does not exist");
	c->state = (int)i;
	c->exit = (int)json_int(j, "exit", -1);
	c->passed = (int)json_int(j, "passed", -1);
	c->total = (int)json_int(j, "total", -1);
	return 0;
}

static int read_all(struct variant *v, const struct json *j, struct err *e)
{
	int state = variant_state_parse(json_str(j, "state", NULL));
	if (state < 0)
		return bad(e, "names no state or one that does not exist");
	v->state = (enum variant_state)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct json *t = json_get(j, texts[i].key);
		if (t && json_type(t) == JSON_STRING)
			*text_at(v, i) = xstrdup(json_to_str(t));
		else if (t && json_type(t) != JSON_NULL)
			return err_set(e, "damaged",
				"the record of a variant has %s where \"%s\" is a string",
				json_type_name(json_type(t)), texts[i].key);
	}
	v->exit = (int)json_int(j, "exit", -1);
	v->created_ns = timestamp_get(j, "created");
	v->started_ns = timestamp_get(j, "started");
	v->ended_ns = timestamp_get(j, "ended");
	v->log_dev = timestamp_get_u64(j, "log_dev");
	v->log_ino = timestamp_get_u64(j, "log_ino");
	v->files = (int)json_int(j, "files", -1);
	v->added = json_int(j, "added", -1);
	v->removed = json_int(j, "removed", -1);
	v->kill_asked = json_bool(j, "kill_asked", false);
	v->archived = json_bool(j, "archived", false);
	v->archive_after = json_bool(j, "archive_after", false);
	v->saved = json_bool(j, "saved", true);
	return read_check(&v->check, json_get(j, "check"), e);
}

struct variant *variant_from_json(const struct json *j, struct err *e)
{
	int64_t race = json_int(j, "race", 0), number = json_int(j, "number", 0);
	const char *name = json_str(j, "variant", NULL);
	if (json_int(j, "v", 0) != 1) {
		bad(e, "is not of version 1: it was written by another yolodeck");
		return NULL;
	}
	if (race < 1 || race > INT32_MAX || number < 1 || number > INT32_MAX || !name ||
		!spec_name_ok(name)) {
		bad(e, "has no race, number or name");
		return NULL;
	}
	struct variant *v = variant_new((int)race, (int)number, name);
	if (read_all(v, j, e)) {
		variant_free(v);
		return NULL;
	}
	return v;
}
