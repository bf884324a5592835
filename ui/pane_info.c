/* pane_info.c - everything known of one variant, in sentences. */
#include "ui/pane_info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "ui/conn.h"
#include "ui/message.h"
#include "ui/state.h"

enum { LABEL_W = 14 };

struct page {
	struct deck *d;
	struct rect r;
	long line;
};

/* One fact, over as many lines as it takes; lines above the scroll are counted only. */
static void put_fact(struct page *k, enum role role, const char *label, const char *text)
{
	int w = k->r.w - LABEL_W - 3;
	struct buf b = BUF_INIT;
	const char *p;

	if (!text || !*text || w < 8)
		return;
	vt_clean(text, strlen(text), &b);
	for (p = b.p; *p; k->line++) {
		size_t cut = canvas_break(p, w);
		long y = k->line - k->d->scroll;

		if (y >= 0 && y < k->r.h) {
			if (label)
				canvas_put(&k->d->canvas, k->r.y + (int)y, k->r.x + 2, LABEL_W - 1,
					ROLE_DIM, label);
			canvas_putf(&k->d->canvas, k->r.y + (int)y, k->r.x + 2 + LABEL_W, w, role,
				"%.*s", (int)cut, p);
		}
		label = NULL;
		p += cut;
		p += strspn(p, " ");
	}
	buf_release(&b);
}

static void put_factf(struct page *k, enum role role, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void put_factf(struct page *k, enum role role, const char *label, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	put_fact(k, role, label, b.p);
	buf_release(&b);
}

static void time_fact(struct page *k, const char *label, int64_t ns)
{
	char when[16];

	if (!ns)
		return;
	clock_fmt_time(ns, when, sizeof(when));
	put_fact(k, ROLE_TEXT, label, when);
}

static void state_facts(struct page *k, const struct row *r)
{
	const struct variant *v = r->v;
	char took[32] = "", check[32];
	int64_t ms = table_elapsed_ms(v, deck_now_ns());

	if (ms >= 0)
		clock_fmt_elapsed(ms, took, sizeof(took));
	put_factf(k, table_state_role(v->state), "state", "%s %s %s", glyph(glyph_state(v->state)),
		variant_state_name(v->state), took);
	put_fact(k, ROLE_TEXT, "reason", v->reason);
	if (v->state == VS_LOST)
		put_fact(k, ROLE_ATTENTION, "next step",
			v->commit ? "r runs it again; c there goes on from the work that was saved"
				  : "r runs it again");
	if (v->origin)
		put_factf(k, ROLE_TEXT, "again", "%s %s",
			v->start ? "goes on from the work of" : "of", v->origin);
	if (r->attention)
		put_fact(k, ROLE_ATTENTION, "needs you", r->evidence);
	put_fact(k, ROLE_ATTENTION, "not enforced", r->warn);
	put_fact(k, ROLE_TEXT, "progress", v->note);
	if (v->kill_asked && variant_live(v->state))
		put_fact(k, ROLE_TEXT, "kill", "asked for");
	if (v->exit >= 0)
		put_factf(k, ROLE_TEXT, "exit", "%d", v->exit);
	table_check_text(v, check);
	if (v->check.state != CHECK_NONE)
		put_factf(k, ROLE_TEXT, "check", "%s%s%s",
			v->check.state == CHECK_PASSED            ? "passed"
				: v->check.state == CHECK_FAILED  ? "failed"
				: v->check.state == CHECK_RUNNING ? "running"
								  : "waits",
			v->check.total >= 0 ? " " : "", v->check.total >= 0 ? check : "");
	if (r->rank)
		put_factf(
			k, ROLE_TEXT, "rank", "%d%s", r->rank, r->best ? ", the best so far" : "");
	time_fact(k, "started", v->started_ns);
	time_fact(k, "ended", v->ended_ns);
}

static void git_facts(struct page *k, const struct variant *v)
{
	if (v->files >= 0)
		put_factf(k, ROLE_TEXT, "changes", "+%lld -%lld in %d file%s", (long long)v->added,
			(long long)v->removed, v->files, v->files == 1 ? "" : "s");
	if (!v->scan || !v->not_recorded || !strstr(v->scan, v->not_recorded))
		put_fact(k, ROLE_TEXT, "not recorded", v->not_recorded);
	put_fact(k, ROLE_TEXT, "branch", v->branch);
	put_fact(k, ROLE_ATTENTION, v->branch ? "incomplete" : "no branch", v->scan);
	if (v->conflict)
		put_fact(k, ROLE_TEXT, "merge", *v->conflict ? v->conflict : "clean");
	put_fact(k, ROLE_TEXT, "promoted into", v->promoted);
	put_fact(k, ROLE_DIM, "commit", v->commit);
	put_fact(k, ROLE_DIM, "base", v->base);
}

static void spec_facts(struct page *k, const struct json *show)
{
	const struct json *spec = json_get(show, "spec_variant"), *c;
	struct buf b = BUF_INIT;

	for (c = json_first(json_get(spec, "argv")); c; c = json_next(c))
		buf_fmt(&b, "%s%s", b.len ? " " : "", json_to_str(c));
	put_fact(k, ROLE_TEXT, "command", b.len ? b.p : json_str(spec, "command", NULL));
	put_fact(k, ROLE_TEXT, "setup", json_str(spec, "setup", NULL));
	put_fact(k, ROLE_TEXT, "check command", json_str(spec, "check", NULL));
	buf_clear(&b);
	for (c = json_first(json_get(spec, "env")); c; c = json_next(c))
		buf_fmt(&b, "%s%s", b.len ? "  " : "", json_to_str(c));
	put_fact(k, ROLE_DIM, "environment", b.p);
	put_fact(k, ROLE_DIM, "container", json_str(show, "container", NULL));
	for (c = json_first(json_get(show, "warnings")); c; c = json_next(c))
		put_fact(k, ROLE_ATTENTION, "warning", json_to_str(c));
	buf_release(&b);
}

static void on_show(void *ctx, const struct json *ok, const struct err *e)
{
	struct deck *d = ctx;

	if (!ok) {
		message_add(d, true, "%s", e->msg);
		return;
	}
	json_free(d->show);
	d->show = json_copy(ok);
	d->dirty = true;
}

/* Asks once for what a row does not carry. */
static void ask_show(struct deck *d, const struct item *it)
{
	struct json *j;
	char *name;

	if (d->show_number == it->number || !d->client)
		return;
	d->show_number = it->number;
	json_free(d->show);
	d->show = NULL;
	name = xasprintf("%d/%s", d->race, it->name);
	j = client_request("show");
	json_put_str(j, "variant", name);
	conn_send(d, j, on_show);
	free(name);
}

void pane_info_draw(struct deck *d, struct item *it, struct rect r)
{
	struct page k = { .d = d, .r = r };
	const struct variant *v = it->row->v;
	const struct race_info *race = state_race(d);
	char *dir = fs_tilde(it->log.dir);
	uint64_t gap;

	ask_show(d, it);
	state_facts(&k, it->row);
	k.line++;
	git_facts(&k, v);
	k.line++;
	put_factf(&k, ROLE_TEXT, "engine", "%s%s%s",
		v->engine                      ? v->engine
			: race && race->engine ? race->engine
					       : "-",
		race && race->engine_why ? ": " : "",
		race && race->engine_why ? race->engine_why : "");
	put_fact(&k, ROLE_TEXT, "isolation",
		v->isolation   ? v->isolation
			: race ? race->isolation
			       : NULL);
	put_fact(&k, ROLE_TEXT, "image", v->image);
	if (d->show)
		spec_facts(&k, d->show);
	k.line++;
	put_fact(&k, ROLE_DIM, "files", dir);
	put_factf(&k, ROLE_DIM, "log", "%llu bytes", (unsigned long long)pane_log_size(&it->log));
	gap = pane_log_gap(&it->log);
	if (gap)
		put_factf(&k, ROLE_ATTENTION, "not kept", "%llu bytes of output over the limit",
			(unsigned long long)gap);
	if (it->log.removed)
		put_factf(&k, ROLE_DIM, "removed",
			"%llu control sequences from what was shown last",
			(unsigned long long)it->log.removed);
	d->scroll_max = k.line - r.h;
	free(dir);
}
