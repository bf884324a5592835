/* pipeline_compare.c - is all outside the custom sections ours? .rendered tells a file of an older
 * template from a changed one. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "model/pipeline_int.h"
#include "model/proto.h"

static int skeleton_of(const struct pipeline_file *f, struct buf *out, struct err *e)
{
	struct pipeline_sections s;

	if (pipeline_sections_find(f, &s, e))
		return -1;
	pipeline_weave(f, &s, NULL, NULL, out);
	pipeline_sections_release(&s);
	return 0;
}

static void sum(const struct buf *b, char out[17])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, b->p, b->len);
	sha256_hex16(&s, out);
}

int pipeline_rendered(const struct pipeline_files *p, struct buf *out, struct err *e)
{
	buf_str(out,
		"# Written by yolodeck; tells an older pipeline from a changed one. Leave it as it is.\n");
	buf_fmt(out, "template %s\n", YOLODECK_VERSION);
	for (size_t i = 0; i < p->n; i++) {
		struct buf b = BUF_INIT;
		char hex[17];

		if (skeleton_of(&p->f[i], &b, e)) {
			buf_release(&b);
			return -1;
		}
		sum(&b, hex);
		buf_fmt(out, "%s %s\n", hex, p->f[i].name);
		buf_release(&b);
	}
	return 0;
}

/* Does .rendered have this line? name NULL: any hash of it. */
static bool noted(const struct pipeline_files *p, const char *hex, const char *name)
{
	struct pipeline_file *note = pipeline_find(p, PIPELINE_RENDERED);
	char *line = xasprintf("\n%s %s\n", hex ? hex : "", name), *at;
	bool found;

	at = note ? strstr(note->text.p, hex ? line : line + 1) : NULL;
	found = at != NULL;
	free(line);
	return found;
}

static bool noted_text(const struct pipeline_files *p, const char *name, const struct buf *skeleton)
{
	char hex[17];

	sum(skeleton, hex);
	return noted(p, hex, name);
}

static char *template_version(const struct pipeline_files *p)
{
	struct pipeline_file *note = pipeline_find(p, PIPELINE_RENDERED);
	const char *at = note ? strstr(note->text.p, "\ntemplate ") : NULL;

	return at ? xstrndup(at + 10, strcspn(at + 10, "\n ")) : NULL;
}

/* The line of the file at which its part of ours first differs. */
static int first_difference(const struct pipeline_file *f, const struct pipeline_sections *s,
	const struct buf *mine, const struct buf *ours)
{
	size_t at = 0, in_file;
	int line = 1;

	while (at < mine->len && at < ours->len && mine->p[at] == ours->p[at])
		at++;
	/* back to the place in the whole file */
	in_file = at;
	for (size_t i = 0; i < s->n && s->v[i].from < in_file; i++)
		in_file += s->v[i].to - s->v[i].from;
	for (size_t i = 0; i < in_file && i < f->text.len; i++)
		line += f->text.p[i] == '\n';
	return line;
}

/* 0 = equal, 1 = as an older template had it, -1 = changed. */
static int compare_one(const struct pipeline_files *p, const struct pipeline_file *mine,
	const struct pipeline_file *ours, struct err *e)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct pipeline_sections s = { NULL, 0 };
	int rc = -1;

	if (pipeline_sections_find(mine, &s, e))
		goto out;
	pipeline_weave(mine, &s, NULL, NULL, &a);
	if (ours && skeleton_of(ours, &b, e))
		goto out;
	if (ours && a.len == b.len && !memcmp(a.p, b.p, a.len))
		rc = 0;
	else if (noted_text(p, mine->name, &a))
		rc = 1;
	else if (!ours)
		err_set(e, "pipeline_changed",
			"%s:1: outside: this file is not one of the pipeline's; take it out of " PIPELINE_DIR,
			mine->name);
	else
		err_set(e, "pipeline_changed",
			"%s:%d: outside: this differs from our template and stands in no custom section; "
			"`yolodeck init --upgrade` shows the difference",
			mine->name, first_difference(mine, &s, &a, &b));
out:
	pipeline_sections_release(&s);
	buf_release(&a);
	buf_release(&b);
	return rc;
}

int pipeline_compare(const struct pipeline_files *p, struct err *e)
{
	struct pipeline_files ours;
	char *version = NULL;
	bool old = false;
	int rc = pipeline_render(NULL, &ours, e);

	if (rc)
		return -1;
	for (size_t i = 0; !rc && i < p->n; i++) {
		int one;

		if (!strcmp(p->f[i].name, PIPELINE_RENDERED))
			continue;
		one = compare_one(p, &p->f[i], pipeline_find(&ours, p->f[i].name), e);
		old |= one > 0;
		rc = one < 0 ? -1 : 0;
	}
	for (size_t i = 0; !rc && i < ours.n; i++) {
		const char *name = ours.f[i].name;

		if (!strcmp(name, PIPELINE_RENDERED) || pipeline_find(p, name))
			continue;
		version = template_version(p);
		/* a file that the older template did not have is not missed */
		if (version && !noted(p, NULL, name))
			old = true;
		else
			rc = err_set(e, "pipeline_changed",
				"%s:1: outside: the file is missing; `yolodeck init --upgrade` writes it again",
				name);
		free(version);
	}
	if (!rc && old) {
		version = template_version(p);
		rc = err_set(e, "pipeline_old",
			"the pipeline in " PIPELINE_DIR
			" is of an older template (%.20s); `yolodeck init "
			"--upgrade` renews it and keeps the custom sections",
			version ? version : "unknown");
		free(version);
	}
	pipeline_files_release(&ours);
	return rc;
}
