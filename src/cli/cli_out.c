/* cli_out.c - how the verbs answer: sentences, JSON, tables, questions. */
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/vt.h"
#include "base/utf8.h"
#include "cli/cli.h"

enum cli_exit cli_exit_of(const struct err *e)
{
	static const struct {
		const char *code;
		enum cli_exit exit;
	} codes[] = {
		{ "usage", CLI_USAGE },
		{ "no_conductor", CLI_NO_CONDUCTOR },
		{ "newer_conductor", CLI_NO_CONDUCTOR },
		{ "conductor_gone", CLI_NO_CONDUCTOR },
		{ "no_answer", CLI_NO_CONDUCTOR },
		{ "timeout", CLI_NO_CONDUCTOR },
		{ "protocol", CLI_BUG },
		{ "bad_request", CLI_BUG },
		{ "unknown_op", CLI_BUG },
	};
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (!strcmp(codes[i].code, e->code))
			return codes[i].exit;
	return CLI_FAILED;
}

void cli_say(FILE *f, const char *fmt, ...)
{
	struct buf raw = BUF_INIT, safe = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vfmt(&raw, fmt, ap);
	va_end(ap);
	vt_clean(raw.p, raw.len, &safe);
	/* one after the other where both go to the same place */
	if (f == stderr)
		fflush(stdout);
	fprintf(f, "%s\n", safe.p);
	buf_release(&raw);
	buf_release(&safe);
}

void cli_row(int width, const char *label, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	cli_say(stdout, "%-*s %s", width, label, b.p);
	buf_release(&b);
}

struct json *cli_err_json(const struct err *e)
{
	struct json *err = json_object();
	json_put_str(err, "code", *e->code ? e->code : "failed");
	json_put_str(err, "msg", e->msg);
	return err;
}

int cli_fail(const struct cli_args *a, const struct err *e)
{
	if (a->json) {
		struct json *o = json_object();
		json_put(o, "err", cli_err_json(e));
		cli_json(o);
	} else {
		cli_say(stderr, "yolodeck %s: %s", a->verb->name, e->msg);
	}
	return cli_exit_of(e);
}

int cli_usage(const struct cli_args *a, const char *fmt, ...)
{
	struct err e = ERR_INIT;
	va_list ap;
	va_start(ap, fmt);
	err_vset(&e, "usage", fmt, ap);
	va_end(ap);
	cli_fail(a, &e);
	if (!a->json)
		fprintf(stderr, "usage: yolodeck %s%s%s\n", a->verb->name,
			*a->verb->args ? " " : "", a->verb->args);
	return CLI_USAGE;
}

int cli_json(struct json *take_o)
{
	struct json *o = json_object();
	struct buf b = BUF_INIT;
	json_put_int(o, "schema", 1);
	for (const struct json *c = json_first(take_o); c; c = json_next(c))
		if (strcmp(json_key(c), "schema"))
			json_put(o, json_key(c), json_copy(c));
	json_print(o, &b);
	buf_char(&b, '\n');
	fwrite(b.p, 1, b.len, stdout);
	json_free(o);
	json_free(take_o);
	buf_release(&b);
	return CLI_DONE;
}

bool cli_tty(void)
{
	return isatty(0) && isatty(1);
}

bool cli_color(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(1) && !(no && *no) && term && strcmp(term, "dumb");
}

bool cli_ask(const char *question)
{
	char line[64];
	/* what was typed before the question is no answer to it */
	tcflush(STDIN_FILENO, TCIFLUSH);
	fflush(stdout);
	fprintf(stderr, "%s ", question);
	fflush(stderr);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return !strcmp(line, "y") || !strcmp(line, "yes");
}

static void print_blanks(FILE *f, size_t n)
{
	fprintf(f, "%*s", (int)n, "");
}

static void print_cell(FILE *f, const char *s, size_t width, bool right, bool last)
{
	size_t w = utf8_cells(s), gap = width > w ? width - w : 0;
	if (right)
		print_blanks(f, gap);
	fputs(s, f);
	if (!right && !last)
		print_blanks(f, gap);
}

static void print_rule(const struct cli_table *t, FILE *f)
{
	fputc('|', f);
	for (size_t c = 0; c < t->columns; c++)
		fputs(t->align[c] == 'r' ? " ---: |" : " --- |", f);
	fputc('\n', f);
}

/* In Markdown a bar ends a cell. */
static char *cell_text(const char *raw, bool markdown)
{
	struct buf safe = BUF_INIT, b = BUF_INIT;
	vt_clean(raw, strlen(raw), &safe);
	for (const char *p = safe.p; *p; p++) {
		if (markdown && strchr("|<`\\", *p))
			buf_char(&b, '\\');
		buf_char(&b, *p);
	}
	buf_release(&safe);
	return buf_take(&b);
}

void cli_table_print(struct cli_table *t, FILE *f)
{
	size_t *width = xcalloc(t->columns, sizeof(*width));
	for (size_t i = 0; i < t->cells.n; i++) {
		char *text = cell_text(t->cells.v[i], t->markdown);
		size_t w = utf8_cells(text), c = i % t->columns;
		free(t->cells.v[i]);
		t->cells.v[i] = text;
		width[c] = w > width[c] ? w : width[c];
	}
	for (size_t i = 0; i < t->cells.n; i++) {
		size_t c = i % t->columns;
		bool last = c + 1 == t->columns;
		fputs(t->markdown ? (c ? " " : "| ") : (c ? "  " : ""), f);
		print_cell(f, t->cells.v[i], width[c], t->align[c] == 'r', last && !t->markdown);
		if (t->markdown)
			fputs(" |", f);
		if (last)
			fputc('\n', f);
		if (last && i + 1 == t->columns && t->markdown)
			print_rule(t, f);
	}
	free(width);
	strv_release(&t->cells);
}
