/* cli_wait.c - wait and report: a race to its end, and its result. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"

enum { RECONNECTS = 5, ANSWER_MS = 30000 };

static void on_event(void *ctx, const struct json *ev)
{
	rows_apply(ctx, ev);
}

/* The rows as the answer to watch gave them are events like any other. */
static int watch_race(struct cli_session *s, int race, struct rows *rows, struct err *e)
{
	struct json *req = client_request("watch"), *ok;
	json_put_int(req, "race", race);
	client_on_event(s->client, on_event, rows);
	ok = client_call(s->client, req, ANSWER_MS, e);
	if (!ok)
		return -1;
	rows_apply(rows, ok);
	json_free(ok);
	return 0;
}

static bool is_meant(const struct variant *v, const struct strv *names)
{
	char *name = names ? xasprintf("%d/%s", v->race, v->name) : NULL;
	bool is = !name || strv_has(names, name);
	free(name);
	return is;
}

/* All that is watched of the race (names: of these) has ended; archived ones are not watched, and
 * have. */
static bool all_ended(const struct rows *rows, int race, const struct strv *names)
{
	for (size_t i = 0; i < rows->nrow; i++) {
		const struct variant *v = rows->row[i]->v;
		if ((race < 0 || v->race == race) && variant_live(v->state) && is_meant(v, names))
			return false;
	}
	return true;
}

static int wait_and_pump(struct cli_session *s, struct err *e)
{
	struct pollfd p = { client_fd(s->client), POLLIN, 0 };
	if (client_wants_write(s->client))
		p.events |= POLLOUT;
	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return err_sys(e, "conductor_gone", "cannot wait for the conductor");
	return client_pump(s->client, e);
}

/* A conductor that goes away is replaced: what runs goes on without it. */
static int reconnect(struct cli_session *s, int race, struct rows *rows, struct err *e)
{
	for (int i = 0; i < RECONNECTS; i++) {
		client_free(s->client);
		s->client = NULL;
		if (!cli_connect(s, e) && !watch_race(s, race, rows, e))
			return 0;
	}
	return -1;
}

static int newest_race(const struct rows *rows)
{
	return rows->nrace ? rows->race[rows->nrace - 1].number : 0;
}

/* race -1 = all. */
static int follow_race(struct cli_session *s, int *race, const struct strv *names,
	struct rows *rows, struct err *e)
{
	if (cli_connect(s, e) || watch_race(s, *race, rows, e))
		return -1;
	if (!*race)
		*race = newest_race(rows);
	while (!all_ended(rows, *race, names))
		if (wait_and_pump(s, e) && reconnect(s, *race, rows, e))
			return -1;
	return 0;
}

static struct json *report_request(int race)
{
	struct json *req = client_request("report");
	json_put_int(req, "race", race);
	return req;
}

int cli_wait_race(const struct cli_args *a, struct cli_session *s, int race)
{
	struct rows rows;
	struct err e = ERR_INIT;
	struct json *report = NULL;
	int rc;
	rows_init(&rows);
	if (!follow_race(s, &race, NULL, &rows, &e))
		report = cli_call(s, report_request(race), &e);
	if (!report) {
		rc = cli_fail(a, &e);
	} else {
		rc = json_int(json_get(report, "race"), "passed", 0) > 0 ? CLI_DONE : CLI_FAILED;
		if (a->json) {
			cli_json(report);
		} else {
			cli_report_print(report, false, stdout);
			json_free(report);
		}
	}
	rows_release(&rows);
	return rc;
}

int cli_wait_variants(const struct cli_args *a, struct cli_session *s, const struct strv *names)
{
	struct rows rows;
	struct err e = ERR_INIT;
	struct json *o = json_object(), *list = json_array();
	int race = -1, rc = CLI_FAILED;
	rows_init(&rows);
	if (follow_race(s, &race, names, &rows, &e)) {
		rc = cli_fail(a, &e);
		json_free(list);
		goto out;
	}
	for (size_t i = 0; i < rows.nrow; i++) {
		if (!is_meant(rows.row[i]->v, names))
			continue;
		if (rows.row[i]->v->state == VS_PASSED)
			rc = CLI_DONE;
		json_add(list, row_to_json(rows.row[i]));
	}
	if (!a->json)
		cli_rows_print(list, 0, stdout);
	json_put_strv(o, "rerun", names);
	json_put(o, "rows", list);
	if (a->json) {
		cli_json(o);
		o = NULL;
	}
out:
	json_free(o);
	rows_release(&rows);
	return rc;
}

static int run_wait(struct cli_args *a)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	int race = cli_race_number(a->words.n ? a->words.v[0] : NULL, &e), rc;
	if (race < 0 || cli_open(&s, false, &e))
		return cli_fail(a, &e);
	rc = cli_wait_race(a, &s, race);
	cli_close(&s);
	return rc;
}

const struct cli_verb cli_verb_wait = { "wait", NULL, "[R]",
	"wait for the end of a race; exit code 0 if a variant passed, else 1", NULL, run_wait, 0, 1,
	.json = true };

static void print_report(const struct cli_args *a, const struct json *report)
{
	cli_report_print(report, cli_has(a, "markdown"), stdout);
}

static int run_report(struct cli_args *a)
{
	struct err e = ERR_INIT;
	int race = cli_race_number(a->words.n ? a->words.v[0] : NULL, &e);
	return race < 0 ? cli_fail(a, &e) : cli_answer(a, report_request(race), print_report);
}

static const struct cli_opt report_opts[] = {
	{ "markdown", 'm', NULL, "print Markdown, for a pull request" },
	{ NULL, 0, NULL, NULL },
};
const struct cli_verb cli_verb_report = { "report", NULL, "[R] [--markdown]",
	"print the ranked result of a race", report_opts, run_report, 0, 1, .json = true };
