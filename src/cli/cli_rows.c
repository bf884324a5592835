/* cli_rows.c - rows of a race as text: the cells that ls, wait and report share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"

void cli_elapsed(const struct json *row, char *out, size_t n)
{
	int64_t ms = json_int(row, "elapsed_ms", -1);
	if (ms < 0)
		snprintf(out, n, "-");
	else
		clock_fmt_elapsed(ms, out, n);
}

void cli_check(const struct json *row, char *out, size_t n)
{
	const struct json *c = json_get(row, "check");
	const char *state = json_str(c, "state", "none");
	int64_t passed = json_int(c, "passed", -1), total = json_int(c, "total", -1);
	if (!strcmp(state, "none"))
		out[0] = '\0';
	else if (total >= 0 && passed >= 0)
		snprintf(out, n, "%lld/%lld", (long long)passed, (long long)total);
	else if (!strcmp(state, "waiting"))
		snprintf(out, n, "-");
	else
		snprintf(out, n, "%.31s", state);
}

/* CHECK and TIME in that order or the other, then "+42", "-9" and the files; "-" = not known. */
static void add_figures(struct cli_table *t, const struct json *row, bool time_first)
{
	static const struct {
		const char *key, *sign;
	} counts[] = { { "added", "+" }, { "removed", "-" }, { "files", "" } };
	char time[64], check[64];
	cli_elapsed(row, time, sizeof(time));
	cli_check(row, check, sizeof(check));
	strv_addl(&t->cells, time_first ? time : check, time_first ? check : time, (char *)NULL);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		int64_t n = json_int(row, counts[i].key, -1);
		if (n < 0)
			strv_add(&t->cells, "-");
		else
			strv_fmt(&t->cells, "%s%lld", counts[i].sign, (long long)n);
	}
}

const char *cli_left_out(const struct json *row)
{
	const char *out = json_str(row, "not_recorded", NULL);
	return out && strstr(json_str(row, "scan", ""), out) ? NULL : out;
}

/* What a person should know of it, most urgent first. */
static void build_note(const struct json *row, struct buf *b)
{
	static const char *const keys[] = { "evidence", "scan", "reason", "note", "warn" };
	const char *left_out = cli_left_out(row);
	const char *promoted = json_str(row, "promoted", NULL);
	if (json_bool(row, "best", false))
		buf_str(b, "* best so far");
	if (promoted)
		buf_fmt(b, "%sin %s", b->len ? "; " : "", promoted);
	if (json_bool(row, "archived", false))
		buf_fmt(b, "%sarchived", b->len ? "; " : "");
	if (!strcmp(json_str(row, "state", ""), "lost"))
		buf_fmt(b, "%s`yolodeck rerun` runs it again", b->len ? "; " : "");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *s = json_str(row, keys[i], NULL);
		if (s && *s && !(b->len && !strcmp(keys[i], "reason") && !strcmp(s, "exit 0")))
			buf_fmt(b, "%s%s", b->len ? "; " : "", s);
	}
	if (left_out)
		buf_fmt(b, "%sleft out: %s", b->len ? "; " : "", left_out);
}

static void add_row(struct cli_table *t, const struct json *row)
{
	struct buf b = BUF_INIT;
	strv_add(&t->cells, json_int(row, "attention", 0) ? "!" : "");
	strv_fmt(&t->cells, "%lld", (long long)json_int(row, "number", 0));
	strv_addl(&t->cells, json_str(row, "variant", "?"), json_str(row, "state", "?"),
		(char *)NULL);
	add_figures(t, row, true);
	build_note(row, &b);
	strv_add(&t->cells, b.p);
	buf_release(&b);
}

void cli_rows_print(const struct json *rows, int race, FILE *f)
{
	struct cli_table t = { STRV_INIT, 10, "lrllrrrrrl", false };
	strv_addl(&t.cells, "", "#", "VARIANT", "STATE", "TIME", "CHECK", "+", "-", "F", "NOTE",
		(char *)NULL);
	for (const struct json *r = json_first(rows); r; r = json_next(r))
		if (!race || json_int(r, "race", 0) == race)
			add_row(&t, r);
	cli_table_print(&t, f);
}

static int by_rank(const void *a, const void *b)
{
	const struct json *x = *(const struct json *const *)a, *y = *(const struct json *const *)b;
	int64_t rx = json_int(x, "rank", 1000), ry = json_int(y, "rank", 1000);
	if (rx != ry)
		return rx < ry ? -1 : 1;
	return json_int(x, "number", 0) < json_int(y, "number", 0) ? -1 : 1;
}

static void add_ranked(struct cli_table *t, const struct json *row)
{
	int64_t rank = json_int(row, "rank", 0);
	if (rank > 0)
		strv_fmt(&t->cells, "%lld%s", (long long)rank,
			json_bool(row, "best", false) ? " *" : "");
	else
		strv_add(&t->cells, "");
	strv_addl(&t->cells, json_str(row, "variant", "?"), json_str(row, "state", "?"),
		(char *)NULL);
	add_figures(t, row, false);
	strv_addl(
		&t->cells, json_str(row, "branch", "-"), json_str(row, "reason", ""), (char *)NULL);
}

static void ranked_table(const struct json *rows, bool markdown, FILE *f)
{
	struct cli_table t = { STRV_INIT, 10, "lllrrrrrll", markdown };
	size_t n = json_size(rows), i = 0;
	const struct json **sorted = xcalloc(n + 1, sizeof(*sorted));
	for (const struct json *r = json_first(rows); r; r = json_next(r))
		sorted[i++] = r;
	if (n)
		qsort(sorted, n, sizeof(*sorted), by_rank);
	strv_addl(&t.cells, "RANK", "VARIANT", "STATE", "CHECK", "TIME", "+", "-", "F", "BRANCH",
		"REASON", (char *)NULL);
	for (i = 0; i < n; i++)
		add_ranked(&t, sorted[i]);
	cli_table_print(&t, f);
	free(sorted);
}

void cli_report_print(const struct json *report, bool markdown, FILE *f)
{
	const struct json *race = json_get(report, "race"), *spec = json_get(report, "spec");
	const char *check = json_str(spec, "check", NULL), *prompt = json_str(spec, "prompt", NULL);
	cli_say(f, "%srace %lld %s", markdown ? "# " : "", (long long)json_int(race, "number", 0),
		json_str(race, "slug", ""));
	if (markdown)
		fputc('\n', f);
	const char *dot = markdown ? "- " : "";
	cli_say(f, "%sbase %s %.10s", dot, json_str(race, "base_name", "?"),
		json_str(race, "base", "?"));
	cli_say(f, "%sengine %s: %s", dot, json_str(race, "engine", "?"),
		json_str(race, "engine_why", "?"));
	if (check)
		cli_say(f, "%scheck %s", dot, check);
	if (prompt)
		cli_say(f, "%sprompt %.*s", dot, (int)strcspn(prompt, "\n"), prompt);
	cli_say(f, "%s%lld of %lld passed, %lld failed, %lld live; %s", dot,
		(long long)json_int(race, "passed", 0), (long long)json_int(race, "total", 0),
		(long long)json_int(race, "failed", 0), (long long)json_int(race, "live", 0),
		json_str(race, "rank_words", ""));
	for (const struct json *w = json_first(json_get(report, "warnings")); w; w = json_next(w))
		cli_say(f, "%snote: %s", dot, json_to_str(w));
	fputc('\n', f);
	ranked_table(json_get(report, "rows"), markdown, f);
}
