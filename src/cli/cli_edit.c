/* cli_edit.c - a new race written in the user's editor, starting from a commented example. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/asset.h"
#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/cli.h"

enum { RACE_MAX = 1 << 20 };

/* $VISUAL or $EDITOR may carry options ("code -w"): words, never a shell. */
static void editor_argv(struct strv *argv, const char *file)
{
	static const char *const known[] = { "editor", "nano", "vi" };
	const char *ed = getenv("VISUAL");
	if (!ed || !*ed)
		ed = getenv("EDITOR");
	for (const char *p = ed ? ed : ""; *p;) {
		p += strspn(p, " \t");
		size_t n = strcspn(p, " \t");
		if (n)
			strv_take(argv, xstrndup(p, n));
		p += n;
	}
	for (size_t i = 0; !argv->n && i < ARRAY_LEN(known); i++) {
		char *path = child_which(known[i], NULL);
		if (path)
			strv_take(argv, path);
	}
	if (argv->n)
		strv_add(argv, file);
}

static int run_editor(const char *file, const char *cwd, struct err *e)
{
	struct strv argv = STRV_INIT;
	struct child_spec spec = CHILD_SPEC_INIT;
	struct child c;
	int code = 0, rc = -1;
	editor_argv(&argv, file);
	if (!argv.n) {
		err_set(e, "no_editor",
			"no editor was found; set EDITOR, or write .yolodeck/race.json and run "
			"again");
		goto out;
	}
	spec.argv = strv_argv(&argv);
	spec.cwd = cwd;
	spec.in = spec.out = spec.err = CHILD_INHERIT;
	if (child_start(&c, &spec, e)) {
		struct err why = *e;
		err_set(e, "editor_failed", "the editor %s cannot be started: %s", argv.v[0],
			why.msg);
		goto out;
	}
	child_wait(&c, -1, &code);
	if (code)
		err_set(e, "editor_failed", "%s ended with code %d, so nothing was started",
			argv.v[0], code);
	else
		rc = 0;
out:
	strv_release(&argv);
	return rc;
}

/* Only comments, blanks and braces: nothing was asked for. */
static bool empty_race(const struct buf *text)
{
	struct err ignored = ERR_INIT;
	struct json *j;
	bool empty;
	if (strspn(text->p, " \t\r\n") == text->len)
		return true;
	j = json_parse_relaxed(text->p, text->len, &ignored);
	empty = j && !json_size(j);
	json_free(j);
	return empty;
}

static char *new_file(struct err *e)
{
	const struct asset *example = asset_find("templates/races/race.json");
	char *dir = fs_xdg_state(e), *path = NULL, *yolo;
	unsigned char tag[4];
	if (!example)
		bug("the example race is not embedded");
	if (!dir)
		return NULL;
	yolo = fs_join(dir, "yolodeck");
	fs_random(tag, sizeof(tag));
	path = xasprintf("%s/new-race-%02x%02x%02x%02x.json", yolo, tag[0], tag[1], tag[2], tag[3]);
	if (fs_mkdirs(yolo, 0700, e) || fs_create(path, 0600, example->data, example->len, e))
		xreplace(&path, NULL);
	free(dir);
	free(yolo);
	return path;
}

/* One round: 0 = read well, 1 = empty, -1 = wrong (e). The spec is fresh each time. */
static int round_of(const char *file, const char *cwd, struct spec *s, struct err *e)
{
	struct buf text = BUF_INIT;
	int rc;
	spec_release(s);
	spec_init(s);
	rc = run_editor(file, cwd, e);
	if (!rc)
		rc = fs_read(file, RACE_MAX, &text, e);
	if (!rc && empty_race(&text))
		rc = 1;
	else if (!rc)
		rc = spec_load(s, file, e);
	buf_release(&text);
	return rc;
}

int cli_edit(const struct git_repo *repo, struct spec *s, struct err *e)
{
	char *file = new_file(e);
	int rc = file ? 0 : -1;
	if (!rc)
		rc = round_of(file, repo->top, s, e);
	while (rc < 0 && file && strcmp(e->code, "no_editor") && strcmp(e->code, "editor_failed")) {
		cli_say(stderr, "%s", e->msg);
		if (!cli_ask("edit it again? y/N")) {
			err_prefix(e, "what you wrote stays in %s", file);
			free(file);
			return -1;
		}
		rc = round_of(file, repo->top, s, e);
	}
	if (file)
		unlink(file);
	free(file);
	return rc;
}
