/* pipeline_render.c - the template's assets into files, with values in their sections, or
 * around the sections that a user wrote. */
#include <stdlib.h>
#include <string.h>

#include "base/asset.h"
#include "base/mem.h"
#include "model/pipeline_int.h"

static const char prefix[] = "templates/pipeline/";

/* "main.go.tmpl" -> "main.go"; NULL = is not rendered. The caller frees. */
static char *file_name(const char *asset)
{
	static const char tmpl[] = ".tmpl", test[] = "_test.go";
	size_t n;
	char *name;

	if (strncmp(asset, prefix, strlen(prefix)))
		return NULL;
	name = xstrdup(asset + strlen(prefix));
	n = strlen(name);
	if (n > strlen(tmpl) && !strcmp(name + n - strlen(tmpl), tmpl))
		name[n - strlen(tmpl)] = '\0';
	n = strlen(name);
	if (!pipeline_name_ok(name) || !strcmp(name, PIPELINE_RENDERED) ||
		(n > strlen(test) && !strcmp(name + n - strlen(test), test))) {
		free(name);
		return NULL;
	}
	return name;
}

static void put_setup(const struct pipeline_values *v, struct buf *out)
{
	const char *text = v && v->setup ? v->setup : "";

	pipeline_quote(text, strlen(text), out);
}

static void put_caches(const struct pipeline_values *v, struct buf *out)
{
	for (size_t i = 0; v && i < v->caches.n; i++) {
		buf_str(out, i ? ", " : "");
		pipeline_quote(v->caches.v[i], strlen(v->caches.v[i]), out);
	}
}

static const struct {
	const char *word;
	void (*put)(const struct pipeline_values *v, struct buf *out);
} placeholders[] = { { "{{setup}}", put_setup }, { "{{caches}}", put_caches } };

/* In one pass: placeholders in a value are text. */
static void fill_section(
	const void *values, const char *name, const char *text, size_t n, struct buf *out)
{
	for (size_t i = 0, k; i < n;) {
		for (k = 0; k < ARRAY_LEN(placeholders); k++)
			if (!strncmp(text + i, placeholders[k].word, strlen(placeholders[k].word)))
				break;
		if (k == ARRAY_LEN(placeholders)) {
			buf_char(out, text[i++]);
		} else {
			placeholders[k].put(values, out);
			i += strlen(placeholders[k].word);
		}
	}
}

static int render_one(struct pipeline_file *f, const struct asset *a,
	const struct pipeline_values *v, struct err *e)
{
	struct pipeline_file raw = { f->name, BUF_INIT };
	struct pipeline_sections s;
	int rc;

	buf_add(&raw.text, a->data, a->len);
	rc = pipeline_sections_find(&raw, &s, e);
	if (rc)
		err_prefix(e, "the template %s", a->name);
	else
		pipeline_weave(&raw, &s, fill_section, v, &f->text);
	pipeline_sections_release(&s);
	buf_release(&raw.text);
	return rc;
}

int pipeline_render(const struct pipeline_values *v, struct pipeline_files *out, struct err *e)
{
	size_t n;
	const struct asset *a = asset_all(&n);
	struct buf note = BUF_INIT;
	int rc = 0;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; !rc && i < n; i++) {
		char *name = file_name(a[i].name);

		if (name && pipeline_find(out, name))
			rc = err_set(e, "template", "the template has two files for %s", name);
		else if (name)
			rc = render_one(pipeline_add(out, name), &a[i], v, e);
		free(name);
	}
	if (!rc && (!pipeline_find(out, "main.go") || !pipeline_find(out, "go.mod")))
		rc = err_set(e, "template", "the template of the pipeline has no %s",
			pipeline_find(out, "main.go") ? "go.mod" : "main.go");
	if (!rc)
		rc = pipeline_rendered(out, &note, e);
	if (!rc)
		buf_add(&pipeline_add(out, PIPELINE_RENDERED)->text, note.p, note.len);
	else
		pipeline_files_release(out);
	buf_release(&note);
	return rc;
}

struct own {
	const struct pipeline_file *file;
	struct pipeline_sections s;
};

static void put_own(const void *ctx, const char *name, const char *text, size_t n, struct buf *out)
{
	const struct own *own = ctx;
	const struct pipeline_section *v = pipeline_section(&own->s, name);

	if (v)
		buf_add(out, own->file->text.p + v->from, v->to - v->from);
	else
		buf_add(out, text, n);
}

/* The user's sections in the place of ours. ours NULL: the template dropped this file. */
static int keep_sections(
	struct pipeline_file *ours, const struct pipeline_file *mine, struct err *e)
{
	struct pipeline_sections s = { NULL, 0 };
	struct own own = { mine, { NULL, 0 } };
	struct buf text = BUF_INIT;
	int rc = (ours && pipeline_sections_find(ours, &s, e)) ||
		pipeline_sections_find(mine, &own.s, e);

	for (size_t i = 0; !rc && i < own.s.n; i++)
		if (!pipeline_section(&s, own.s.v[i].name)) /* it would be lost */
			rc = err_set(e, "pipeline_changed",
				"%s: the template of this version has no section %s; move what stands there, "
				"then upgrade",
				mine->name, own.s.v[i].name);
	if (!rc && ours) {
		pipeline_weave(ours, &s, put_own, &own, &text);
		buf_release(&ours->text);
		ours->text = text;
	}
	pipeline_sections_release(&s);
	pipeline_sections_release(&own.s);
	return rc ? -1 : 0;
}

int pipeline_upgrade(const struct pipeline_files *mine, struct pipeline_files *out, struct err *e)
{
	struct err ignored = ERR_INIT;
	int changed = pipeline_compare(mine, e) && strcmp(e->code, "pipeline_old"), rc = 0;

	memset(out, 0, sizeof *out);
	if ((changed && strcmp(e->code, "pipeline_changed")) ||
		pipeline_render(NULL, out, changed ? &ignored : e))
		return -1;
	for (size_t i = 0; !rc && i < mine->n; i++)
		if (strcmp(mine->f[i].name, PIPELINE_RENDERED))
			rc = keep_sections(pipeline_find(out, mine->f[i].name), &mine->f[i],
				changed ? &ignored : e);
	if (rc && !changed)
		pipeline_files_release(out);
	if (changed && pipeline_find(mine, PIPELINE_RENDERED)) {
		/* a note about the files, no difference */
		const struct buf *note = &pipeline_find(mine, PIPELINE_RENDERED)->text;
		struct buf *to = &pipeline_find(out, PIPELINE_RENDERED)->text;

		buf_clear(to);
		buf_add(to, note->p, note->len);
	}
	return changed ? -1 : rc;
}
