/* dialog.c - the promote box: what would happen, made by the conductor's plan, and the few keys
 * that change or do it.
 *
 * It opens only with a whole plan in hand, so what is asked never changes under the eye; what was
 * typed before it was drawn is dropped by the loop (deck.discard_typeahead). It belongs to the
 * variant that was selected when p was pressed. */
#include "ui/dialog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "ui/conn.h"
#include "ui/message.h"
#include "ui/state.h"

enum { BOX_W = 72, LABEL_W = 13, MAX_LINES = 40, SHOWN_FILES = 6, SHORT_HEX = 7 };

struct line {
	char *label, *text; /* label NULL = goes on */
	enum role role;
};
struct lines {
	struct line v[MAX_LINES];
	size_t n;
};

static void add_line(struct lines *l, const char *label, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void add_line(struct lines *l, const char *label, enum role role, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	if (l->n == MAX_LINES)
		return;
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	l->v[l->n++] = (struct line){ label ? xstrdup(label) : NULL, buf_take(&b), role };
}

static void lines_release(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].label);
		free(l->v[i].text);
	}
}

static struct json *promote_request(struct deck *d, const struct item *it, bool plan)
{
	struct json *j = client_request("promote");
	char *name = xasprintf("%d/%s", d->race, it->name);

	json_put_str(j, "variant", name);
	json_put_str(j, "how", d->dialog.how);
	json_put_str(j, "from", d->top);
	if (plan) {
		json_put_bool(j, "plan", true);
	} else {
		json_put_str(j, "into", json_str(d->dialog.plan, "into", NULL));
		json_put_str(j, "token", json_str(d->dialog.plan, "token", NULL));
		json_put_bool(j, "archive_rest", d->dialog.archive_rest);
	}
	free(name);
	return j;
}

static void on_plan(void *ctx, const struct json *ok, const struct err *e)
{
	struct deck *d = ctx;
	struct dialog *g = &d->dialog;
	const struct json *plan = json_get(ok, "plan");

	g->asking = false;
	d->dirty = true;
	if (!g->number) /* cancelled meanwhile */
		return;
	if (!plan) {
		message_add(d, true, "%s", ok ? "The conductor sent no plan." : e->msg);
		dialog_close(d);
		return;
	}
	json_free(g->plan);
	g->plan = json_copy(plan);
	if (!json_get(plan, "token"))
		json_put_str(g->plan, "token", json_str(ok, "token", NULL));
	if (g->kind == DIALOG_NONE)
		d->discard_typeahead = true;
	g->kind = DIALOG_PROMOTE;
}

static void ask_plan(struct deck *d)
{
	struct item *it = state_item(d, d->dialog.number);

	if (!it || d->dialog.asking)
		return;
	d->dialog.asking = conn_send(d, promote_request(d, it, true), on_plan);
	if (!d->dialog.asking)
		dialog_close(d);
}

void dialog_open_promote(struct deck *d, struct item *it)
{
	dialog_close(d);
	d->dialog.number = it->number;
	snprintf(d->dialog.how, sizeof(d->dialog.how), "merge");
	ask_plan(d);
}

void dialog_close(struct deck *d)
{
	struct dialog old = d->dialog;

	json_free(d->dialog.plan);
	memset(&d->dialog, 0, sizeof(d->dialog));
	/* its answer is still to come, and will be dropped */
	d->dialog.asking = old.asking && d->client;
	d->dialog.sent = old.sent;
	memcpy(d->dialog.sent_how, old.sent_how, sizeof(old.sent_how));
	d->dirty = true;
}

static bool plan_refuses(const struct deck *d)
{
	return json_type(json_get(d->dialog.plan, "refuse")) == JSON_OBJECT;
}

bool dialog_wants_capital(const struct deck *d)
{
	struct item *it = state_item((struct deck *)(uintptr_t)d, d->dialog.number);

	if (!it)
		return true;
	return json_size(json_get(d->dialog.plan, "auto_run")) > 0 ||
		json_bool(d->dialog.plan, "cut", false) || it->row->v->state != VS_PASSED;
}

/* Success is a message of the conductor to all clients that watch. */
static void on_promoted(void *ctx, const struct json *ok, const struct err *e)
{
	struct deck *d = ctx;
	struct item *it = state_item(d, d->dialog.sent);

	d->dialog.sent = 0;
	if (ok)
		return;
	message_add(d, true, "%s", e->msg);
	if (strcmp(e->code, "moved_base") || !it || d->dialog.kind != DIALOG_NONE ||
		d->dialog.number)
		return;
	d->dialog.number = it->number;
	memcpy(d->dialog.how, d->dialog.sent_how, sizeof(d->dialog.how));
	ask_plan(d);
}

static void do_promote(struct deck *d)
{
	struct item *it = state_item(d, d->dialog.number);
	struct json *request;

	if (!it) {
		dialog_close(d);
		return;
	}
	request = promote_request(d, it, false);
	d->dialog.sent = it->number;
	memcpy(d->dialog.sent_how, d->dialog.how, sizeof(d->dialog.how));
	dialog_close(d);
	message_add(d, false, "promoting %d %s ...", it->number, it->name);
	conn_send(d, request, on_promoted);
}

static void set_how(struct deck *d, const char *how)
{
	if (!strcmp(d->dialog.how, how) || d->dialog.asking)
		return;
	snprintf(d->dialog.how, sizeof(d->dialog.how), "%s", how);
	ask_plan(d);
}

static void yes_key(struct deck *d, int32_t key)
{
	if (plan_refuses(d))
		d->dialog.hint = "it cannot be promoted now; q goes back";
	else if (d->dialog.asking)
		d->dialog.hint = "the plan is being made";
	else if (key == 'y' && dialog_wants_capital(d))
		d->dialog.hint = "Y promotes anyway (see check and auto-run)";
	else
		do_promote(d);
}

bool dialog_key(struct deck *d, int32_t key)
{
	if (d->dialog.kind == DIALOG_NONE)
		return false;
	if (key == KEY_PASTE)
		return false;
	d->dialog.hint = NULL;
	d->dirty = true;
	if (key == 'y' || key == 'Y')
		yes_key(d, key);
	else if (key == KEY_RETURN)
		d->dialog.hint = dialog_wants_capital(d) ? "Y promotes anyway" : "y promotes";
	else if (key == 'm' || key == 's')
		set_how(d, key == 'm' ? "merge" : "squash");
	else if (key == 'o')
		d->dialog.archive_rest = !d->dialog.archive_rest;
	else if (key == 'q' || key == KEY_ESCAPE || key == 'n')
		dialog_close(d);
	else
		d->dialog.hint = "y promote   m s o change it   q cancel";
	return true;
}

/* ---- drawing */

static void list_text(const struct json *list, const char *none, struct buf *b)
{
	struct strv v = STRV_INIT;

	for (const struct json *c = json_first(list); c; c = json_next(c))
		strv_add(&v, json_to_str(c));
	if (v.n)
		strv_join(&v, 3, b);
	else
		buf_str(b, none);
	strv_release(&v);
}

/* The end of a path says more than its beginning. */
static const char *path_end(const char *path, size_t cells)
{
	size_t all = utf8_cells(path);

	while (all > cells && *path) {
		uint32_t cp;

		path += utf8_decode(path, strlen(path), &cp);
		all = utf8_cells(path);
	}
	return path;
}

static void add_where(struct lines *l, const struct json *plan, int w)
{
	const char *tree = json_str(plan, "tree", NULL);
	struct buf b = BUF_INIT;

	buf_fmt(&b, "%s %.*s", json_str(plan, "into", "?"), SHORT_HEX, json_str(plan, "old", ""));
	buf_str(&b, tree ? ", checked out in " : ", not checked out anywhere");
	if (tree) {
		char *tilde = fs_tilde(tree);
		int left = w - (int)utf8_cells(b.p);
		const char *end = path_end(tilde, left > 12 ? (size_t)left : 12);

		if (end > tilde)
			end = path_end(tilde, left > 12 ? (size_t)left - 1 : 11);
		buf_fmt(&b, "%s%s", end > tilde ? glyph(G_MORE) : "", end);
		free(tilde);
	}
	add_line(l, "into", ROLE_TEXT, "%s", b.p);
	buf_release(&b);
}

static void add_check(struct lines *l, struct deck *d, const struct item *it)
{
	const struct race_info *r = state_race(d);
	const struct variant *v = it->row->v;
	char check[32], rank[48] = "";

	table_check_text(v, check);
	if (it->row->rank)
		snprintf(rank, sizeof(rank), "   rank %d of %d", it->row->rank, r ? r->total : 0);
	if (!variant_ended(v->state))
		add_line(l, "check", ROLE_ATTENTION, "not yet: it is still %s",
			variant_state_name(v->state));
	else if (v->check.state == CHECK_NONE)
		add_line(l, "check", ROLE_TEXT, "none; %s%s",
			v->reason ? v->reason : variant_state_name(v->state), rank);
	else if (v->check.state == CHECK_PASSED)
		add_line(l, "check", ROLE_TEXT, "%s %s%s", glyph(G_PASSED),
			v->check.total >= 0 ? check : "passed", rank);
	else
		add_line(l, "check", ROLE_ATTENTION, "%s %s: did not pass", glyph(G_FAILED),
			v->check.total >= 0 ? check : variant_state_name(v->state));
}

static void add_files(struct lines *l, const struct json *plan, size_t most)
{
	const struct json *files = json_get(plan, "files");
	int64_t total = json_int(plan, "files_total", (int64_t)json_size(files)),
		commits = json_int(plan, "commits", 0);
	int widest = 0;
	size_t n = 0;

	for (const struct json *f = json_first(files); f && n < most; f = json_next(f), n++) {
		char path[512];
		int w = (int)utf8_cells(vt_clean_str(json_str(f, "path", "?"), path, sizeof(path)));

		widest = w > widest ? w : widest;
	}
	widest = widest > 40 ? 40 : widest;
	n = 0;
	add_line(l, "brings", ROLE_TEXT, "%lld commit%s, %lld file%s, +%lld -%lld",
		(long long)commits, commits == 1 ? "" : "s", (long long)total,
		total == 1 ? "" : "s", (long long)json_int(plan, "added", 0),
		(long long)json_int(plan, "removed", 0));
	for (const struct json *f = json_first(files); f; f = json_next(f), n++) {
		char path[512];
		int pad;

		if (n == most) {
			add_line(l, NULL, ROLE_DIM, "  and %lld more",
				(long long)total - (long long)n);
			return;
		}
		vt_clean_str(json_str(f, "path", "?"), path, sizeof(path));
		pad = widest + 1 - (int)utf8_cells(path);
		if (json_int(f, "added", -1) < 0)
			add_line(l, NULL, ROLE_TEXT, "  %s%*s binary", path, pad > 0 ? pad : 0, "");
		else
			add_line(l, NULL, ROLE_TEXT, "  %s%*s +%lld -%lld", path, pad > 0 ? pad : 0,
				"", (long long)json_int(f, "added", 0),
				(long long)json_int(f, "removed", 0));
	}
}

static void add_risks(struct lines *l, const struct json *plan)
{
	struct buf b = BUF_INIT;

	list_text(json_get(plan, "auto_run"), "none of Makefile, hooks, CI, .envrc, package.json",
		&b);
	add_line(l, "auto-run", json_size(json_get(plan, "auto_run")) ? ROLE_ATTENTION : ROLE_TEXT,
		"%s", b.p);
	buf_clear(&b);
	list_text(json_get(plan, "conflicts"), "none", &b);
	add_line(l, "conflicts",
		json_size(json_get(plan, "conflicts")) ? ROLE_ATTENTION : ROLE_TEXT, "%s", b.p);
	if (json_size(json_get(plan, "local_edits"))) {
		buf_clear(&b);
		list_text(json_get(plan, "local_edits"), "", &b);
		add_line(l, "your edits", ROLE_TEXT, "%s, not touched", b.p);
	}
	if (json_size(json_get(plan, "filtered"))) {
		buf_clear(&b);
		list_text(json_get(plan, "filtered"), "", &b);
		add_line(l, "unfiltered", ROLE_ATTENTION, "%s", b.p);
	}
	buf_release(&b);
}

/* A sentence over as many lines as it needs. */
static void add_sentence(struct lines *l, const char *label, const char *text, int w)
{
	struct buf b = BUF_INIT;
	const char *p;

	vt_clean(text, strlen(text), &b);
	for (p = b.p; *p;) {
		size_t n = canvas_break(p, w);

		add_line(l, label, ROLE_ATTENTION, "%.*s", (int)n, p);
		label = NULL;
		p += n;
		p += strspn(p, " ");
	}
	buf_release(&b);
}

static void add_choices(struct lines *l, struct deck *d)
{
	const struct dialog *g = &d->dialog;
	bool merge = !strcmp(g->how, "merge");
	int others = 0, live = 0;

	for (size_t i = 0; i < d->nitem; i++) {
		if (d->item[i]->number == g->number)
			continue;
		others++;
		live += variant_live(d->item[i]->row->v->state);
	}
	add_line(l, "", ROLE_TEXT, "%s", "");
	add_line(l, "how", ROLE_TEXT, "%s merge   %s squash", merge ? "[m]" : " m ",
		merge ? " s " : "[s]");
	if (others && live)
		add_line(l, "the rest", ROLE_TEXT,
			"%s archive the %d other%s; kills %d that still run%s",
			g->archive_rest ? "[o]" : " o ", others, others == 1 ? "" : "s", live,
			live == 1 ? "s" : "");
	else if (others)
		add_line(l, "the rest", ROLE_TEXT, "%s archive the %d other%s",
			g->archive_rest ? "[o]" : " o ", others, others == 1 ? "" : "s");
	add_line(l, "after", ROLE_TEXT, "nothing is pushed; U takes it all back");
}

static void build_lines(struct lines *l, struct deck *d, const struct item *it, int w)
{
	const struct json *plan = d->dialog.plan;

	add_where(l, plan, w);
	add_check(l, d, it);
	if (plan_refuses(d)) {
		add_sentence(l, "cannot", json_str(json_get(plan, "refuse"), "msg", "refused"), w);
		return;
	}
	add_files(l, plan, d->canvas.h >= 20 ? SHOWN_FILES : 2);
	add_risks(l, plan);
	for (const struct json *n = json_first(json_get(plan, "notes")); n; n = json_next(n))
		add_sentence(l, "note", json_to_str(n), w);
	add_choices(l, d);
}

static void draw_frame_box(struct canvas *c, struct rect r, const char *title)
{
	int x;

	canvas_blank(c, r);
	for (int y = r.y; y < r.y + r.h; y += r.h - 1) {
		canvas_fill(c, y, r.x, r.w, ROLE_RULE, G_HLINE);
		canvas_glyph(c, y, r.x, ROLE_RULE, y == r.y ? G_TOP_LEFT : G_BOTTOM_LEFT);
		canvas_glyph(
			c, y, r.x + r.w - 1, ROLE_RULE, y == r.y ? G_TOP_RIGHT : G_BOTTOM_RIGHT);
	}
	for (int y = r.y + 1; y < r.y + r.h - 1; y++) {
		canvas_glyph(c, y, r.x, ROLE_RULE, G_VLINE);
		canvas_glyph(c, y, r.x + r.w - 1, ROLE_RULE, G_VLINE);
	}
	canvas_put(c, r.y, r.x + 1, 1, ROLE_TEXT, " ");
	x = r.x + 2 + canvas_put(c, r.y, r.x + 2, r.w - 4, ROLE_STRONG, title);
	canvas_put(c, r.y, x, 1, ROLE_TEXT, " ");
}

static void draw_foot(struct deck *d, struct rect r)
{
	struct canvas *c = &d->canvas;
	int y = r.y + r.h - 1, x = r.x + 2;

	canvas_put(c, y, r.x + 1, 1, ROLE_TEXT, " ");
	if (d->dialog.hint) {
		x += canvas_put(c, y, x, r.w - 4, ROLE_ATTENTION, d->dialog.hint);
	} else {
		if (!plan_refuses(d)) {
			x += canvas_put(
				     c, y, x, 1, ROLE_ACCENT, dialog_wants_capital(d) ? "Y" : "y") +
				1;
			canvas_put(c, y, x - 1, 1, ROLE_TEXT, " ");
			x += canvas_put(c, y, x, 20, ROLE_TEXT,
				dialog_wants_capital(d) ? "promote anyway" : "promote");
			x += canvas_put(c, y, x, 3, ROLE_TEXT, "   ");
		}
		x += canvas_put(c, y, x, 1, ROLE_ACCENT, "q");
		x += canvas_put(c, y, x, 8, ROLE_TEXT, " cancel");
	}
	canvas_put(c, y, x, 1, ROLE_TEXT, " ");
}

void dialog_draw(struct deck *d)
{
	struct item *it = state_item(d, d->dialog.number);
	struct canvas *c = &d->canvas;
	struct lines l = { .n = 0 };
	struct rect r;
	char title[160];

	if (d->dialog.kind == DIALOG_NONE)
		return;
	if (!it) {
		dialog_close(d);
		return;
	}
	r.w = c->w < BOX_W + 2 ? c->w - 2 : BOX_W;
	build_lines(&l, d, it, r.w - LABEL_W - 4);
	r.h = (int)l.n + 2 > c->h ? c->h : (int)l.n + 2;
	r.x = (c->w - r.w) / 2;
	r.y = (c->h - r.h) / 2;
	snprintf(title, sizeof(title), "promote %d/%d %s into %s", d->race, it->number, it->name,
		json_str(d->dialog.plan, "into", "?"));
	draw_frame_box(c, r, title);
	for (int i = 0; i < (int)l.n && i < r.h - 2; i++) {
		const struct line *s = &l.v[i];

		if (s->label)
			canvas_put(c, r.y + 1 + i, r.x + 2, LABEL_W, ROLE_DIM, s->label);
		canvas_put(c, r.y + 1 + i, r.x + 2 + LABEL_W, r.w - LABEL_W - 4, s->role, s->text);
	}
	draw_foot(d, r);
	lines_release(&l);
}
