/* pane_log.c - lines of both logs as rows of a pane.
 *
 * A frame gathers at most as many raw lines as the pane has rows, feeds them through vt in order,
 * and draws the last (or, when scrolled, the first) rows. Nothing is kept between frames but a
 * place. */
#include "ui/pane_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	MAX_ROWS = 400,
	MAX_CELLS = 4096,
	KEEP_BYTES = 16384,
	SPARE = 4 /* marks that are not shown */
};
static const char *const part_name[2] = { "log", "check.log" };

struct raw { /* one line, copied: a tail's text lives only until its next call */
	char *text;
	uint32_t len;
	uint64_t number, ns;
	uint8_t stream, part;
	bool mark, cut; /* cut: the line goes on in the next one */
};
struct gather {
	struct raw *line;
	size_t n, cap;
	int part;
	const struct pane_log_opts *o;
	uint64_t check_began;
	uint64_t seen_mark; /* 1 + seq of the last mark given */
};

void pane_log_init(struct pane_log *p, const char *dir)
{
	memset(p, 0, sizeof(*p));
	p->dir = xstrdup(dir);
	p->follow = true;
}

void pane_log_close(struct pane_log *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->part[i])
			tail_close(p->part[i]);
		p->part[i] = NULL;
	}
}

void pane_log_release(struct pane_log *p)
{
	pane_log_close(p);
	free(p->dir);
	p->dir = NULL;
}

static struct tail *open_part(struct pane_log *p, int i)
{
	struct err e = ERR_INIT;

	if (!p->part[i])
		p->part[i] = tail_open(p->dir, part_name[i], &e);
	return p->part[i];
}

bool pane_log_refresh(struct pane_log *p)
{
	struct err e = ERR_INIT;
	bool grew = false;

	for (int i = 0; i < 2; i++)
		if (open_part(p, i) && tail_refresh(p->part[i], &e))
			grew = true;
	return grew;
}

uint64_t pane_log_size(struct pane_log *p)
{
	uint64_t n = 0;

	for (int i = 0; i < 2; i++)
		n += open_part(p, i) ? tail_size(p->part[i]) : 0;
	return n;
}

uint64_t pane_log_gap(struct pane_log *p)
{
	uint64_t n = 0;

	for (int i = 0; i < 2; i++)
		n += open_part(p, i) ? tail_gap(p->part[i]) : 0;
	return n;
}

static uint64_t part_lines(struct pane_log *p, int i)
{
	return open_part(p, i) ? tail_lines(p->part[i]) : 0;
}

bool pane_log_last(struct pane_log *p, struct buf *b)
{
	for (int i = 1; i >= 0; i--)
		if (open_part(p, i) && tail_last_text(p->part[i], b))
			return true;
	return false;
}

static struct raw *gather_add(struct gather *g)
{
	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 64;
		g->line = xrealloc(g->line, g->cap * sizeof(*g->line));
	}
	memset(&g->line[g->n], 0, sizeof(*g->line));
	g->line[g->n].part = (uint8_t)g->part;
	return &g->line[g->n++];
}

static void gather_mark(struct gather *g, const char *text)
{
	struct raw *r = gather_add(g);

	r->mark = true;
	r->text = xstrdup(text);
	r->len = (uint32_t)strlen(text);
}

/* "check passed 12/12 in 0:06": what the row knows in the place of the bare exit code. */
static char *check_words(const struct gather *g, const struct tail_line *l)
{
	const struct variant *v = g->o->v;
	char took[32], counts[32] = "";

	if (!v || (v->check.state != CHECK_PASSED && v->check.state != CHECK_FAILED))
		return xasprintf("check: %s", l->text);
	if (v->check.total >= 0)
		snprintf(counts, sizeof(counts), " %d/%d", v->check.passed, v->check.total);
	clock_fmt_elapsed((int64_t)(l->ns - g->check_began) / 1000000, took, sizeof(took));
	return xasprintf("check %s%s%s%s", v->check.state == CHECK_PASSED ? "passed" : "failed",
		counts, g->check_began ? " in " : "", g->check_began ? took : "");
}

/* Marks that say nothing a person needs: the command begins where no setup was; exit 0 when a check
 * tells the end. */
static bool quiet_mark(const struct gather *g, const struct tail_line *l)
{
	const struct variant *v = g->o->v;

	if (l->mark.kind == RUNLOG_NOTE && l->mark.len == RUNLOG_NOTE_COMMAND)
		return l->off == 0 || g->part == 1;
	return l->mark.kind == RUNLOG_EXIT && g->part == 0 && l->mark.len == 0 && v &&
		v->check.state != CHECK_NONE;
}

static bool gather_line(void *ctx, const struct tail_line *l)
{
	struct gather *g = ctx;
	size_t from = KEEP_BYTES;
	struct raw *r;

	if (l->kind == TAIL_MARK) {
		if (l->seq + 1 <= g->seen_mark || quiet_mark(g, l))
			return true;
		g->seen_mark = l->seq + 1;
		r = gather_add(g);
		r->mark = true;
		r->text = g->part == 1 && l->mark.kind == RUNLOG_EXIT ? check_words(g, l)
								      : xstrdup(l->text);
		r->len = (uint32_t)strlen(r->text);
		r->ns = l->ns;
		return true;
	}
	r = gather_add(g);
	/* Of a long line with restarts only its end is of interest: the last state of a progress
	 * bar. */
	if (l->len > KEEP_BYTES)
		from = vt_restart(l->text + l->len - KEEP_BYTES, KEEP_BYTES);
	from = from < KEEP_BYTES ? l->len - KEEP_BYTES + from : 0;
	r->len = l->len - from > KEEP_BYTES ? vt_cut(l->text, KEEP_BYTES) : l->len - from;
	r->cut = l->cut && from + r->len == l->len;
	r->text = xmalloc(r->len + 1);
	memcpy(r->text, l->text + from, r->len);
	r->number = l->number;
	r->ns = l->ns;
	r->stream = l->stream;
	return true;
}

static bool first_ns(void *ctx, const struct tail_line *l)
{
	*(uint64_t *)ctx = l->ns;
	return l->ns == 0;
}

static void begin_part(struct pane_log *p, struct gather *g, int i)
{
	g->part = i;
	g->seen_mark = 0;
	if (i == 1 && open_part(p, 1))
		tail_from(p->part[1], 0, 4, first_ns, &g->check_began);
}

static bool has_check(struct pane_log *p)
{
	uint32_t code;
	enum runlog_cause cause;

	return open_part(p, 1) &&
		(tail_size(p->part[1]) > 0 || tail_exit(p->part[1], &code, &cause));
}

static void move_lines(struct gather *to, struct gather *from)
{
	for (size_t i = 0; i < from->n; i++) {
		struct raw *r = gather_add(to);

		*r = from->line[i];
	}
	free(from->line);
}

static void gather_end(struct pane_log *p, struct gather *g, size_t want)
{
	struct gather check = { .o = g->o };

	if (has_check(p)) {
		begin_part(p, &check, 1);
		tail_last(p->part[1], UINT64_MAX, want, gather_line, &check);
	}
	if (check.n < want && open_part(p, 0)) {
		begin_part(p, g, 0);
		tail_last(p->part[0], UINT64_MAX, want - check.n, gather_line, g);
	}
	if (g->n && check.n)
		gather_mark(g, "check");
	move_lines(g, &check);
}

static void gather_from(struct pane_log *p, struct gather *g, size_t want)
{
	begin_part(p, g, p->top_part);
	if (open_part(p, p->top_part))
		tail_from(p->part[p->top_part], p->top_off, want, gather_line, g);
	if (p->top_part == 0 && g->n < want && has_check(p)) {
		if (g->n)
			gather_mark(g, "check");
		begin_part(p, g, 1);
		tail_from(p->part[1], 0, want - g->n, gather_line, g);
	}
}

static void gather_release(struct gather *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->line[i].text);
	free(g->line);
}

struct log_renderer {
	struct pane_log *p;
	struct canvas *c;
	struct rect r;
	const struct pane_log_opts *o;
	int gutter;
	struct vt vt;
	struct vt_line line;
};

static int rows_of(const struct log_renderer *k)
{
	int w = k->r.w - k->gutter;

	if (!k->o->wrap || w < 1 || k->line.n <= (size_t)w)
		return 1;
	return (int)((k->line.n + (size_t)w - 1) / (size_t)w);
}

static void feed_line(struct log_renderer *k, const struct raw *l)
{
	vt_line_clear(&k->line);
	vt_feed(&k->vt, l->text, l->len, &k->line, MAX_CELLS);
	if (!l->cut)
		vt_end(&k->vt, &k->line, MAX_CELLS);
}

static void draw_gutter(struct log_renderer *k, int y, const struct raw *l)
{
	char when[16];
	int x = k->r.x;

	if (k->o->times) {
		if (l->ns) {
			clock_fmt_time((int64_t)l->ns, when, sizeof(when));
			canvas_put(k->c, y, x, 8, ROLE_DIM, when);
		}
		x += 9;
	}
	if (k->o->marks && l->stream == RUNLOG_STDERR)
		canvas_glyph(k->c, y, x, ROLE_STDERR, G_STDERR);
}

static void draw_mark(struct log_renderer *k, int y, const struct raw *l)
{
	int x = k->r.x + k->gutter, w = k->r.w - k->gutter, used;

	draw_gutter(k, y, l);
	canvas_fill(k->c, y, x, w < 2 ? w : 2, ROLE_RULE, G_HLINE);
	used = 3 + canvas_put(k->c, y, x + 3, w - 3, ROLE_DIM, l->text);
	if (used + 3 <= w)
		canvas_fill(k->c, y, x + used + 1, 2, ROLE_RULE, G_HLINE);
}

/* Draws the rows of one line from row `skip` on; returns the rows drawn. */
static int draw_line(struct log_renderer *k, int y, int room, const struct raw *l, int skip)
{
	int w = k->r.w - k->gutter, rows, n = 0;

	if (l->mark) {
		draw_mark(k, y, l);
		return 1;
	}
	feed_line(k, l);
	rows = rows_of(k);
	for (int i = skip; i < rows && n < room; i++, n++) {
		if (i == 0)
			draw_gutter(k, y, l);
		canvas_line(k->c, y + n, k->r.x + k->gutter, w, &k->line,
			k->o->wrap ? (size_t)(i * w) : k->p->sideways);
	}
	return n;
}

/* Rows that all gathered lines take, and how many of the first ones are too many. */
static int count_rows(struct log_renderer *k, const struct gather *g, size_t i)
{
	if (g->line[i].mark || !k->o->wrap)
		return 1;
	feed_line(k, &g->line[i]);
	return rows_of(k);
}

static void draw_gathered(struct log_renderer *k, const struct gather *g, bool at_end)
{
	size_t first = 0;
	int y = k->r.y, skip = 0, over = 0;

	vt_init(&k->vt);
	if (at_end) {
		int total = 0;

		for (size_t i = g->n; i-- > 0 && total < k->r.h;) {
			total += count_rows(k, g, i);
			first = i;
		}
		over = total - k->r.h;
		skip = over > 0 ? over : 0;
		if (k->o->align_bottom && over < 0)
			y -= over; /* a short text stands at the lower edge, where the next line
				      will come */
		vt_init(&k->vt);
	}
	for (size_t i = 0; i < first; i++) /* colours that began above */
		if (!g->line[i].mark)
			feed_line(k, &g->line[i]);
	for (size_t i = first; i < g->n && y < k->r.y + k->r.h; i++) {
		y += draw_line(k, y, k->r.y + k->r.h - y, &g->line[i], skip);
		skip = 0;
		if (!g->line[i].mark) {
			k->p->bottom_line = g->line[i].number;
			k->p->bottom_part = g->line[i].part;
		}
	}
	k->p->removed = k->vt.removed;
}

void pane_log_draw(
	struct pane_log *p, struct canvas *c, struct rect r, const struct pane_log_opts *o)
{
	struct log_renderer k = { .p = p, .c = c, .r = r, .o = o };
	struct gather g = { .o = o };
	size_t want = r.h < 1 ? 0 : r.h > MAX_ROWS ? MAX_ROWS : (size_t)r.h + SPARE;

	k.gutter = (o->times ? 9 : 0) + (o->marks ? 1 : 0);
	p->height = r.h;
	p->bottom_line = 0;
	p->bottom_part = 0;
	if (want == 0)
		return;
	if (p->follow)
		gather_end(p, &g, want);
	else
		gather_from(p, &g, want);
	draw_gathered(&k, &g, p->follow);
	if (!g.n && o->empty)
		canvas_put(c, o->align_bottom ? r.y + r.h - 1 : r.y, r.x + k.gutter, r.w - k.gutter,
			ROLE_DIM, o->empty);
	p->total_lines = part_lines(p, p->bottom_part);
	gather_release(&g);
	vt_line_release(&k.line);
}

static bool count_line(void *ctx, const struct tail_line *l)
{
	(void)l;
	++*(size_t *)ctx;
	return true;
}

/* Puts the top so that the end is at the bottom. */
static void top_from_end(struct pane_log *p)
{
	size_t want = p->height > 0 ? (size_t)p->height : 1, got = 0;

	p->top_part = has_check(p);
	p->top_off = open_part(p, p->top_part)
		? tail_last(p->part[p->top_part], UINT64_MAX, want, count_line, &got)
		: 0;
	if (p->top_part == 1 && got < want && open_part(p, 0)) {
		p->top_part = 0;
		p->top_off = tail_last(p->part[0], UINT64_MAX, want - got, count_line, &got);
	}
}

static void move_up(struct pane_log *p, size_t lines)
{
	size_t got = 0;

	if (p->top_off > 0 && open_part(p, p->top_part))
		p->top_off = tail_last(p->part[p->top_part], p->top_off, lines, count_line, &got);
	if (got < lines && p->top_part == 1 && open_part(p, 0)) {
		p->top_part = 0;
		p->top_off = tail_last(p->part[0], UINT64_MAX, lines - got, count_line, &got);
	}
}

/* True when a pane of this height, from the top we have, shows the end. */
static bool shows_end(struct pane_log *p)
{
	size_t want = p->height > 0 ? (size_t)p->height + 1 : 2, got = 0;

	if (open_part(p, p->top_part))
		tail_from(p->part[p->top_part], p->top_off, want, count_line, &got);
	if (p->top_part == 0 && got < want && has_check(p))
		tail_from(p->part[1], 0, want - got, count_line, &got);
	return got < want;
}

static void move_down(struct pane_log *p, size_t lines)
{
	size_t got = 0;
	uint64_t off;

	if (!open_part(p, p->top_part))
		return;
	off = tail_from(p->part[p->top_part], p->top_off, lines, count_line, &got);
	if (got < lines && p->top_part == 0 && has_check(p)) {
		p->top_part = 1;
		off = tail_from(p->part[1], 0, lines - got, count_line, &got);
	}
	p->top_off = off;
	if (shows_end(p))
		pane_log_follow(p, true);
}

void pane_log_move(struct pane_log *p, long lines)
{
	pane_log_refresh(p);
	if (lines == 0 || (p->follow && lines > 0))
		return;
	if (p->follow)
		pane_log_follow(p, false);
	if (lines < 0)
		move_up(p, (size_t)-lines);
	else
		move_down(p, (size_t)lines);
}

void pane_log_home(struct pane_log *p)
{
	pane_log_follow(p, false);
	p->top_part = 0;
	p->top_off = 0;
	if (shows_end(p))
		pane_log_follow(p, true);
}

void pane_log_follow(struct pane_log *p, bool on)
{
	if (p->follow && !on) {
		p->lines_left = part_lines(p, 0) + part_lines(p, 1);
		top_from_end(p);
	}
	p->follow = on;
}

uint64_t pane_log_new(struct pane_log *p)
{
	uint64_t now = part_lines(p, 0) + part_lines(p, 1);

	return p->follow || now < p->lines_left ? 0 : now - p->lines_left;
}
