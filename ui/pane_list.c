/* pane_list.c - the deck without a race (never an empty screen), and the list of all races. */
#include "ui/pane_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "git/git.h"

/* The work tree beside the common dir, as far as its name tells. */
static char *work_tree(const struct deck *d)
{
	return strcmp(fs_basename(d->store.common), ".git") ? NULL : fs_dirname(d->store.common);
}

static bool file_has(const char *dir, const char *name, const char *words)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	char *path = fs_join(dir, name);
	bool found = fs_read(path, 1 << 18, &b, &e) == 0 && strstr(b.p, words);

	free(path);
	buf_release(&b);
	return found;
}

/* A guess a person can take or leave: what this kind of project runs as its tests. */
static const char *guess_check(const char *dir, const char **from)
{
	static const struct {
		const char *file, *words, *command;
	} kinds[] = {
		{ "Makefile", "\ntest:", "make test" },
		{ "Makefile", "\ncheck:", "make check" },
		{ "GNUmakefile", "\ntest:", "make test" },
		{ "package.json", "\"test\"", "npm test" },
		{ "Cargo.toml", "[package]", "cargo test" },
		{ "go.mod", "module", "go test ./..." },
		{ "pyproject.toml", "pytest", "pytest" },
		{ "meson.build", "project(", "meson test -C build" },
	};

	for (size_t i = 0; dir && i < ARRAY_LEN(kinds); i++) {
		if (file_has(dir, kinds[i].file, kinds[i].words)) {
			*from = kinds[i].file;
			return kinds[i].command;
		}
	}
	return NULL;
}

/* Where a race would start. Read once: git is asked only when there is nothing else to show. */
static char *read_head(const struct deck *d)
{
	struct git_repo r;
	struct err e = ERR_INIT;
	char *words;

	if (git_repo_open_common(&r, d->store.common, &e) < 0)
		return xstrdup("");
	if (!r.head)
		words = xstrdup("no commit yet");
	else
		words = xasprintf(
			"%s %.7s", r.head_ref ? fs_basename(r.head_ref) : "detached", r.head);
	git_repo_release(&r);
	return words;
}

static void empty_header(struct deck *d)
{
	struct statvfs fs;
	struct buf b = BUF_INIT;
	int x = 1 + canvas_put(&d->canvas, 0, 1, d->canvas.w - 2, ROLE_STRONG, d->project);
	char size[32];

	if (!d->head)
		d->head = read_head(d);
	x += 2 + canvas_put(&d->canvas, 0, x + 2, d->canvas.w - x - 3, ROLE_DIM, d->head);
	if (!d->client)
		buf_str(&b, "! conductor away");
	else if (d->rows.engine_away)
		buf_fmt(&b, "! %s", d->rows.engine_away);
	else if (d->rows.engine_name)
		buf_fmt(&b, "%s%s", d->rows.engine_name, d->rows.engine_ready ? " ready" : "");
	buf_fmt(&b, "%s%ld cores", b.len ? "  " : "", sysconf(_SC_NPROCESSORS_ONLN));
	if (statvfs(d->store.dir, &fs) == 0) {
		table_size((int64_t)fs.f_bavail * (int64_t)fs.f_frsize, size);
		buf_fmt(&b, "  %s free", size);
	}
	if (x + 2 < d->canvas.w)
		canvas_right(&d->canvas, 0, x + 2, d->canvas.w - x - 3,
			d->rows.engine_away || !d->client ? ROLE_ATTENTION : ROLE_DIM, b.p);
	buf_release(&b);
}

static int put_hint(
	struct deck *d, int y, const char *label, const char *command, const char *about)
{
	int w = d->canvas.w, x;

	if (y >= d->canvas.h - 1)
		return y;
	canvas_put(&d->canvas, y, 2, 13, ROLE_DIM, label);
	x = 15 + canvas_put(&d->canvas, y, 15, w - 16, ROLE_STRONG, command);
	if (about && *about)
		canvas_right(&d->canvas, y, x + 2, w - x - 2, ROLE_DIM, about);
	return y + 1;
}

static int put_text(struct deck *d, int y, const char *label, const char *text)
{
	int room = d->canvas.h - 1 - y;

	if (!text || room <= 0)
		return y;
	canvas_put(&d->canvas, y, 2, 12, ROLE_DIM, label);
	return y +
		canvas_wrap(&d->canvas, (struct rect){ y, 15, room, d->canvas.w - 16 }, ROLE_TEXT,
			text);
}

void pane_list_draw_empty(struct deck *d, struct rect r)
{
	const char *from = NULL, *check;
	char *dir = work_tree(d), line[256];
	int y = r.y;

	empty_header(d);
	check = guess_check(dir, &from);
	canvas_put(&d->canvas, y, 2, r.w - 3, ROLE_TEXT, "No race yet.");
	y = put_hint(d, y + 2, "Try it", "yolodeck demo", "4 variants, 20 s, no account");
	snprintf(line, sizeof(line), "yolodeck run -n 3 --check \"%s\" -- ./attempt.sh",
		check ? check : "make test");
	y = put_hint(d, y, "Race a cmd", line, NULL);
	y = put_hint(d, y, "From a file", "yolodeck run", "opens $EDITOR on a race file");
	y++;
	if (check) {
		snprintf(line, sizeof(line), "from %s", from);
		y = put_hint(d, y, "Check guess", check, line);
	}
	y = put_text(d, y, "Engine", d->rows.engine_ready);
	put_text(d, y, "Your files", "are copied; nothing here changes until you promote.");
	free(dir);
}

static const char *race_state(const struct race_info *r, char out[64])
{
	char took[32];

	if (r->live > 0) {
		snprintf(out, 64, "%d live", r->live);
	} else if (r->over_ns) {
		clock_fmt_elapsed(
			(r->over_ns - (r->began_ns ? r->began_ns : r->created_ns)) / 1000000, took,
			sizeof(took));
		snprintf(out, 64, "over in %s", took);
	} else {
		snprintf(out, 64, "over");
	}
	return out;
}

void pane_list_draw_races(struct deck *d, struct rect r)
{
	struct canvas *c = &d->canvas;
	size_t n = d->rows.nrace, cursor = 0, first;
	char text[64];

	canvas_put(c, 0, 1, c->w - 2, ROLE_STRONG, "all races");
	for (size_t i = 0; i < n; i++)
		if (d->rows.race[i].number == d->race_cursor)
			cursor = n - 1 - i;
	first = r.h > 0 && cursor >= (size_t)r.h ? cursor - (size_t)r.h + 1 : 0;
	for (int y = 0; y < r.h && first + (size_t)y < n; y++) {
		/* newest first */
		const struct race_info *i = &d->rows.race[n - 1 - first - (size_t)y];
		int at = r.y + y, x;

		if (i->number == d->race_cursor)
			canvas_glyph(c, at, 0, ROLE_ACCENT, G_SELECT);
		canvas_putf(c, at, 2, 4, i->number == d->race ? ROLE_STRONG : ROLE_TEXT, "%3d",
			i->number);
		canvas_put(c, at, 7, 24, ROLE_TEXT, i->slug ? i->slug : "");
		canvas_put(c, at, 33, 14, i->live ? ROLE_TEXT : ROLE_DIM, race_state(i, text));
		canvas_putf(c, at, 48, 20, i->passed ? ROLE_PASSED : ROLE_DIM, "%d of %d passed",
			i->passed, i->total);
		x = 66;
		if (i->attention)
			x += canvas_putf(c, at, x, c->w - x, ROLE_ATTENTION, "%d !", i->attention) +
				2;
		if (i->base && x + 12 < c->w)
			canvas_putf(c, at, x, c->w - x - 1, ROLE_DIM, "%s %.7s",
				i->base_name ? i->base_name : "", i->base);
		if (i->number == d->race_cursor)
			canvas_select(c, at, 0, c->w);
	}
	if (!n)
		canvas_put(c, r.y, 2, r.w - 3, ROLE_TEXT, "No race yet.");
}
