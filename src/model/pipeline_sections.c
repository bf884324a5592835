/* pipeline_sections.c - the custom sections of a Go file: `// yolodeck:begin NAME` to `//
 * yolodeck:end NAME`, each alone on its line. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/suggest.h"
#include "model/pipeline_int.h"

static const char *const known[] = { "base", "setup", "wrap", "commands" };
static const char mark[] = "// yolodeck:";

void pipeline_sections_release(struct pipeline_sections *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].name);
	free(s->v);
	memset(s, 0, sizeof *s);
}

const struct pipeline_section *pipeline_section(const struct pipeline_sections *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			return &s->v[i];
	return NULL;
}

static bool is_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(known[i], name))
			return true;
	return false;
}

struct finder {
	const char *file;
	struct pipeline_sections *out;
	bool open;
	int line;
	struct err *e;
};

static int broken(struct finder *f, const char *what, const char *name)
{
	return err_set(
		f->e, "pipeline_changed", "%s:%d: marker: %s%.40s", f->file, f->line, what, name);
}

static int begin(struct finder *f, const char *name, size_t after)
{
	struct pipeline_sections *s = f->out;

	if (f->open) {
		err_set(f->e, "pipeline_changed",
			"%s:%d: marker: the section %.40s begins inside the section %s", f->file,
			f->line, name, s->v[s->n - 1].name);
		return -1;
	}
	if (!is_known(name)) {
		const char *near = suggest_word(name, known, ARRAY_LEN(known));

		err_set(f->e, "pipeline_changed",
			"%s:%d: marker: there is no section %.40s%s%s (base, setup, wrap, commands)",
			f->file, f->line, name, near ? "; did you mean " : "", near ? near : "");
		return -1;
	}
	if (pipeline_section(s, name))
		return broken(f, "a second section ", name);
	s->v = xrealloc(s->v, (s->n + 1) * sizeof *s->v);
	s->v[s->n++] = (struct pipeline_section){ xstrdup(name), after, after };
	f->open = true;
	return 0;
}

static int end(struct finder *f, const char *name, size_t at)
{
	struct pipeline_sections *s = f->out;

	if (!f->open)
		return broken(f, "no section is open, yet this ends ", name);
	if (strcmp(s->v[s->n - 1].name, name))
		return err_set(f->e, "pipeline_changed",
			"%s:%d: marker: the section %s ends as %.40s", f->file, f->line,
			s->v[s->n - 1].name, name);
	s->v[s->n - 1].to = at;
	f->open = false;
	return 0;
}

/* One line [at, at + n) without its newline. */
static int one_line(struct finder *f, const char *text, size_t at, size_t n)
{
	const char *p = text + at;
	size_t skip = 0;
	char *word;
	int rc;

	while (skip < n && (p[skip] == '\t' || p[skip] == ' '))
		skip++;
	if (n - skip < strlen(mark) || memcmp(p + skip, mark, strlen(mark)))
		return 0;
	word = xstrndup(p + skip + strlen(mark), n - skip - strlen(mark));
	if (!strncmp(word, "begin ", 6))
		rc = begin(f, word + 6, at + n + 1);
	else if (!strncmp(word, "end ", 4))
		rc = end(f, word + 4, at);
	else
		rc = broken(f, "neither begin nor end of a section: ", word);
	free(word);
	return rc;
}

int pipeline_sections_find(
	const struct pipeline_file *file, struct pipeline_sections *out, struct err *e)
{
	struct finder f = { file->name, out, false, 0, e };
	const char *text = file->text.p, *dot = strrchr(file->name, '.');
	size_t len = file->text.len;
	int rc = 0;

	memset(out, 0, sizeof *out);
	if (!dot || strcmp(dot, ".go"))
		return 0;
	for (size_t at = 0; !rc && at < len;) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t n = nl ? (size_t)(nl - text) - at : len - at;

		f.line++;
		rc = one_line(&f, text, at, n);
		at += n + 1;
	}
	if (!rc && f.open)
		rc = broken(&f, "the file ends inside the section ", out->v[out->n - 1].name);
	if (rc)
		pipeline_sections_release(out);
	return rc;
}

void pipeline_weave(const struct pipeline_file *f, const struct pipeline_sections *s,
	pipeline_section_fn put, const void *ctx, struct buf *out)
{
	size_t at = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct pipeline_section *v = &s->v[i];

		buf_add(out, f->text.p + at, v->from - at);
		if (put)
			put(ctx, v->name, f->text.p + v->from, v->to - v->from, out);
		at = v->to;
	}
	buf_add(out, f->text.p + at, f->text.len - at);
}
