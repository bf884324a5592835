/* pipeline_render.c - the template's assets into files, with values in their sections; and anew
 * around sections that a user wrote. */
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

static void put_value(const struct pipeline_values *v, bool setup, struct buf *out)
{
	const char *text = v && v->setup ? v->setup : "";

	if (setup)
		pipeline_quote(text, strlen(text), out);
	for (size_t i = 0; !setup && v && i < v->caches.n; i++) {
		buf_str(out, i ? ", " : "");
		pipeline_quote(v->caches.v[i], strlen(v->caches.v[i]), out);
	}
}

/* In one pass: what a value holds is never looked at again. */
static void fill(const struct pipeline_values *v, const char *s, size_t n, struct buf *out)
{
	static const char setup[] = "{{setup}}", caches[] = "{{caches}}";

	for (size_t i = 0; i < n;) {
		bool is_setup = n - i >= strlen(setup) && !memcmp(s + i, setup, strlen(setup));
		bool is_caches = n - i >= strlen(caches) && !memcmp(s + i, caches, strlen(caches));

		if (is_setup || is_caches) {
			put_value(v, is_setup, out);
			i += is_setup ? strlen(setup) : strlen(caches);
		} else {
			buf_char(out, s[i++]);
		}
	}
}

static int render_one(struct pipeline_file *f, const struct asset *a,
	const struct pipeline_values *v, struct err *e)
{
	struct pipeline_sections s;
	struct buf raw = BUF_INIT;
	size_t at = 0;

	buf_add(&raw, a->data, a->len);
	f->text = raw;
	if (pipeline_sections_find(f, &s, e)) {
		err_prefix(e, "the template %s", a->name);
		return -1;
	}
	buf_init(&f->text);
	for (size_t i = 0; i < s.n; i++) {
		buf_add(&f->text, raw.p + at, s.v[i].from - at);
		fill(v, raw.p + s.v[i].from, s.v[i].to - s.v[i].from, &f->text);
		at = s.v[i].to;
	}
	buf_add(&f->text, raw.p + at, raw.len - at);
	buf_release(&raw);
	pipeline_sections_release(&s);
	return 0;
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

/* A section of the user that the new template has no place for would be lost. */
static int all_have_a_place(const char *name, const struct pipeline_sections *ours,
	const struct pipeline_sections *mine, struct err *e)
{
	for (size_t i = 0; i < mine->n; i++)
		if (!pipeline_section(ours, mine->v[i].name))
			return err_set(e, "pipeline_changed",
				"%s: the template of this version has no section %s; move what stands there, "
				"then upgrade",
				name, mine->v[i].name);
	return 0;
}

/* The user's sections in the place of ours. ours NULL: the template dropped this file. */
static int keep_sections(
	struct pipeline_file *ours, const struct pipeline_file *mine, struct err *e)
{
	struct pipeline_sections a = { NULL, 0 }, b = { NULL, 0 };
	struct buf text = BUF_INIT;
	size_t at = 0;
	int rc = -1;

	if ((ours && pipeline_sections_find(ours, &a, e)) || pipeline_sections_find(mine, &b, e) ||
		all_have_a_place(mine->name, &a, &b, e))
		goto out;
	rc = 0;
	if (!ours)
		goto out;
	for (size_t i = 0; i < a.n; i++) {
		const struct pipeline_section *own = pipeline_section(&b, a.v[i].name);

		buf_add(&text, ours->text.p + at, a.v[i].from - at);
		at = a.v[i].to;
		if (own)
			buf_add(&text, mine->text.p + own->from, own->to - own->from);
		else
			buf_add(&text, ours->text.p + a.v[i].from, at - a.v[i].from);
	}
	buf_add(&text, ours->text.p + at, ours->text.len - at);
	buf_release(&ours->text);
	ours->text = text;
	buf_init(&text);
out:
	buf_release(&text);
	pipeline_sections_release(&a);
	pipeline_sections_release(&b);
	return rc;
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
