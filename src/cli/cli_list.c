/* cli_list.c - ls, show, status: what is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "model/race.h"

static void print_races(const struct cli_args *a, const struct json *ok)
{
	const struct json *first = json_first(json_get(ok, "races"));
	if (!first)
		cli_say(stdout, "no race on the deck; `yolodeck ls --all` shows the archived ones");
	for (const struct json *r = first; r; r = json_next(r)) {
		int number = (int)json_int(r, "number", 0);
		if (r != first)
			putchar('\n');
		cli_say(stdout, "race %d %s  %s %.7s  %s  %lld of %lld passed%s", number,
			json_str(r, "slug", ""), json_str(r, "base_name", "?"),
			json_str(r, "base", "?"), json_str(r, "engine", "?"),
			(long long)json_int(r, "passed", 0), (long long)json_int(r, "total", 0),
			json_int(r, "live", 0) ? "" : ", over");
		cli_rows_print(json_get(ok, "rows"), number, stdout);
	}
}

static int run_ls(struct cli_args *a)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	struct json *j;
	if (!cli_open(&s, false, &e)) {
		j = client_request("list");
		json_put_bool(j, "all", cli_has(a, "all"));
		return cli_answer_in(a, &s, j, print_races);
	}
	if (strcmp(e.code, "no_race"))
		return cli_fail(a, &e);
	if (!a->json) {
		cli_say(stdout, "%s", e.msg);
		return CLI_DONE;
	}
	j = json_object();
	json_put(j, "races", json_array());
	json_put(j, "rows", json_array());
	return cli_json(j);
}

static const struct cli_opt ls_opts[] = {
	{ "all", 'a', NULL, "include archived variants and races" },
	{ NULL, 0, NULL, NULL },
};
const struct cli_verb cli_verb_ls = { "ls", "ps", "[--all]", "list races and their variants",
	ls_opts, run_ls, 0, 0, .json = true };

static void line(const char *label, const char *value)
{
	if (value && *value)
		cli_say(stdout, "%-10s %s", label, value);
}

static void show_limits(const struct json *limits)
{
	struct buf b = BUF_INIT;
	char text[64];
	static const char *const sizes[] = { "memory", "log", "disk" };
	if (json_double(limits, "cpus", 0) > 0)
		buf_fmt(&b, "cpus %g  ", json_double(limits, "cpus", 0));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		if (json_int(limits, sizes[i], 0)) {
			spec_fmt_size(json_int(limits, sizes[i], 0), text, sizeof(text));
			buf_fmt(&b, "%s %s  ", sizes[i], text);
		}
	if (json_int(limits, "pids", 0))
		buf_fmt(&b, "pids %lld  ", (long long)json_int(limits, "pids", 0));
	if (clock_parse_duration(json_str(limits, "time", "")) > 0) {
		clock_fmt_duration(
			clock_parse_duration(json_str(limits, "time", "")), text, sizeof(text));
		buf_fmt(&b, "time %s", text);
	}
	buf_trim(&b);
	line("limits", b.p);
	buf_release(&b);
}

static void show_command(const struct json *spec)
{
	struct strv argv = STRV_INIT;
	struct buf b = BUF_INIT;
	const char *command = json_str(spec, "command", NULL);
	if (command)
		buf_str(&b, command);
	else if (!json_get_strv(spec, "argv", &argv))
		for (size_t i = 0; i < argv.n; i++)
			buf_fmt(&b, "%s%s", i ? " " : "", argv.v[i]);
	line("command", b.p);
	line("setup", json_str(spec, "setup", NULL));
	line("check", json_str(spec, "check", NULL));
	for (const struct json *v = json_first(json_get(spec, "env")); v; v = json_next(v)) {
		char *kv = xasprintf("%s=%s", json_key(v), json_to_str(v));
		line("env", kv);
		free(kv);
	}
	show_limits(json_get(spec, "limits"));
	strv_release(&argv);
	buf_release(&b);
}

static void print_show(const struct cli_args *a, const struct json *ok)
{
	static const struct {
		const char *label, *key;
	} texts[] = {
		{ "state", "state" },
		{ "again", "origin" },
		{ "goes on", "start" },
		{ "reason", "reason" },
		{ "needs you", "evidence" },
		{ "engine", "engine" },
		{ "isolation", "isolation" },
		{ "image", "image" },
		{ "base", "base" },
		{ "commit", "commit" },
		{ "branch", "branch" },
		{ "conflict", "conflict" },
		{ "promoted", "promoted" },
		{ "started", "started" },
		{ "ended", "ended" },
		{ "note", "warn" },
	};
	const struct json *row = json_get(ok, "row"), *race = json_get(ok, "race");
	int64_t files = json_int(row, "files", -1);
	char cell[64];
	cli_say(stdout, "%lld/%s  number %lld of race %lld %s", (long long)json_int(row, "race", 0),
		json_str(row, "variant", "?"), (long long)json_int(row, "number", 0),
		(long long)json_int(row, "race", 0), json_str(race, "slug", ""));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		line(texts[i].label, json_str(row, texts[i].key, NULL));
	line(json_str(row, "branch", NULL) ? "incomplete" : "no branch",
		json_str(row, "scan", NULL));
	line("left out", cli_left_out(row));
	cli_elapsed(row, cell, sizeof(cell));
	line("time", cell);
	cli_check(row, cell, sizeof(cell));
	line("result", cell);
	if (files >= 0)
		cli_say(stdout, "%-10s %lld file%s, +%lld -%lld", "changes", (long long)files,
			files == 1 ? "" : "s", (long long)json_int(row, "added", 0),
			(long long)json_int(row, "removed", 0));
	show_command(json_get(ok, "spec_variant"));
	line("why", json_str(race, "engine_why", NULL));
	line("container", json_str(ok, "container", NULL));
	line("files", json_str(ok, "dir", NULL));
	line("log", json_str(ok, "log", NULL));
	for (const struct json *w = json_first(json_get(ok, "warnings")); w; w = json_next(w))
		line("note", json_to_str(w));
}

static int run_show(struct cli_args *a)
{
	struct json *req = client_request("show");
	json_put_str(req, "variant", a->words.v[0]);
	return cli_answer(a, req, print_show);
}

const struct cli_verb cli_verb_show = { "show", NULL, "V", "show everything known about a variant",
	NULL, run_show, 1, 1, .json = true };

/* Asked every few seconds by a status line: never starts a conductor, reads the disk when there is
 * none. */
static struct json *status_from_disk(struct cli_session *s, struct err *e)
{
	struct json *o;
	const struct race *r;
	int64_t n[VS_COUNT] = { 0 }, live = 0;
	if (cli_load(s, e))
		return NULL;
	o = json_object();
	r = s->nrace ? s->race[s->nrace - 1] : NULL;
	for (size_t i = 0; r && i < r->n; i++) {
		n[r->v[i]->state]++;
		live += variant_live(r->v[i]->state);
	}
	json_put_int(o, "race", r ? r->number : 0);
	json_put_int(o, "needs", 0);
	json_put_int(o, "live", live);
	json_put_int(o, "passed", n[VS_PASSED]);
	json_put_int(o, "failed", n[VS_FAILED]);
	json_put_null(o, "pid");
	json_put_str(o, "version", YOLODECK_VERSION);
	return o;
}

static int run_status(struct cli_args *a)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	struct json *ok = NULL;
	int rc = CLI_DONE;
	if (cli_open(&s, false, &e)) {
		if (a->json || (strcmp(e.code, "no_race") && strcmp(e.code, "moved")))
			return cli_fail(a, &e);
		return CLI_DONE;
	}
	s.client = client_connect(&s.store, 0, &e);
	if (s.client && client_waiting(s.client)) /* a status bar does not wait */
		ok = status_from_disk(&s, &e);
	else if (s.client)
		ok = client_call(s.client, client_request("status"), 2000, &e);
	else if (!strcmp(e.code, "no_conductor"))
		ok = status_from_disk(&s, &e);
	if (!ok) {
		rc = cli_fail(a, &e);
	} else if (a->json) {
		rc = cli_json(ok);
	} else {
		printf("yolo %lld !%lld >%lld v%lld x%lld\n", (long long)json_int(ok, "race", 0),
			(long long)json_int(ok, "needs", 0), (long long)json_int(ok, "live", 0),
			(long long)json_int(ok, "passed", 0), (long long)json_int(ok, "failed", 0));
		json_free(ok);
	}
	cli_close(&s);
	return rc;
}

const struct cli_verb cli_verb_status = { "status", NULL, "",
	"print one line for a status bar: yolo 7 !1 >2 v1 x1", NULL, run_status, 0, 0,
	.json = true };
