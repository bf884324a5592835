/* engine_select.c - which engine runs a race, and why, in words. */
#include "conductor/engine_select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conductor/board.h"
#include "conductor/engines.h"

/* One choice under way; engines are asked one after the other, so that none is started for nothing.
 */
struct choice {
	struct conductor *c;
	const struct spec *spec; /* the caller's; NULL = none */
	const struct engine_type *forced;
	size_t at; /* in engine_table */
	struct engine_handle *handle; /* being probed */
	/* "dagger: it is not built in yet", one of each that was passed over */
	struct strv rejected;
	engine_select_fn fn;
	void *ctx;
};

int engine_select_allowed(
	const struct engine_type *t, bool forced, const char *isolation, bool fake, struct err *e)
{
	if ((t->caps & ENGINE_TEST_ONLY) && !fake)
		return err_set(e, "test_only", "it is for tests (YOLODECK_FAKE=1)");
	if (!forced && !(t->caps & ENGINE_AUTO))
		return err_set(e, "not_auto", "it is taken only when asked for");
	if (isolation && !strcmp(isolation, "container") && !(t->caps & ENGINE_CONTAINER))
		return err_set(e, "isolation",
			"it gives no container, and the race asks for \"isolation\": \"container\"");
	return 0;
}

void engine_select_unlimited(
	const struct engine_report *rep, const struct spec *s, char *out, size_t n)
{
	int parallel = s->parallel > 0 ? s->parallel : engine_default_parallel();

	out[0] = '\0';
	for (size_t i = 0; i < s->nvariants && !out[0]; i++) {
		struct limits l = s->variants[i].limits;
		engine_defaults(&l, parallel);
		engine_unlimited(rep, &l, out, n);
	}
}

char *engine_select_warning(const struct engine_report *rep, const struct spec *s)
{
	char limits[256];
	bool net = rep->shares_network && !(s->network && !strcmp(s->network, "none"));
	const char *const parts[] = { limits, net ? "shares your network" : "", rep->warn };
	struct buf b = BUF_INIT;

	engine_select_unlimited(rep, s, limits, sizeof(limits));
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (*parts[i])
			buf_fmt(&b, "%s%s", b.len ? ", " : "", parts[i]);
	return b.len ? buf_take(&b) : NULL;
}

bool engine_select_fake(void)
{
	const char *v = getenv("YOLODECK_FAKE");

	return v && !strcmp(v, "1");
}

static void finish_choice(
	struct choice *ch, struct engine_handle *s, const char *why, const struct err *e)
{
	ch->fn(ch->ctx, s, why, e);
	strv_release(&ch->rejected);
	free(ch);
}

static void reject_engine(struct choice *ch, const struct engine_type *t, const char *why)
{
	strv_fmt(&ch->rejected, "%s: %s", t->name, why);
}

/* brief: of each only up to its first ";" (what one could do comes behind it). */
static void format_rejected(const struct choice *ch, bool brief, struct buf *b)
{
	for (size_t i = 0; i < ch->rejected.n; i++) {
		const char *w = ch->rejected.v[i];
		buf_str(b, i ? (brief ? "; " : ". ") : "");
		buf_add(b, w, brief ? strcspn(w, ";") : strlen(w));
	}
}

static void accept_engine(struct choice *ch)
{
	struct engine_handle *s = ch->handle;
	struct buf why = BUF_INIT;

	buf_str(&why, s->report.why);
	if (ch->forced)
		buf_str(&why, ", asked for");
	else if (ch->rejected.n) {
		buf_str(&why, " (not ");
		format_rejected(ch, true, &why);
		buf_str(&why, ")");
	}
	xreplace(&s->away, NULL);
	xreplace(&s->next, NULL);
	s->away_ns = 0;
	engines_show(s);
	finish_choice(ch, s, why.p, NULL);
	buf_release(&why);
}

static void fail_choice(struct choice *ch)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	format_rejected(ch, false, &b);
	if (ch->forced)
		err_set(&e,
			ch->handle && ch->handle->report.code[0] ? ch->handle->report.code
								 : "no_engine",
			"%s", b.p);
	else
		err_set(&e, "no_engine",
			"No engine can run this race. %s. `yolodeck doctor` looks closer.",
			b.len ? b.p : "None is built in");
	buf_release(&b);
	finish_choice(ch, NULL, NULL, &e);
}

static void ask_next_engine(struct choice *ch);

static void on_probe(void *ctx, const struct engine_report *rep)
{
	struct choice *ch = ctx;
	struct engine_handle *s = ch->handle;

	s->report = *rep;
	s->reported = true;
	if (rep->ok) {
		accept_engine(ch);
		return;
	}
	reject_engine(ch, s->type, rep->why);
	ask_next_engine(ch);
}

/* Limits that are not enforced are a refusal of the whole race, so `auto` rather goes on to an
 * engine that does. */
static int unsuited(const struct choice *ch, const struct engine_type *t, struct err *e)
{
	static const struct spec plain; /* what is asked without a race: one that names nothing */
	const struct spec *s = ch->spec;

	if (!s && ch->forced)
		return 0;
	if (!s)
		s = &plain;
	if (s->runners.n && !(t->caps & ENGINE_RUNNERS))
		return err_set(e, "runners", "it cannot spread a race over \"runners\"");
	return t->suits ? t->suits(s, e) : 0;
}

static void probe_engine(struct choice *ch, const struct engine_type *t)
{
	struct err e = ERR_INIT;

	ch->handle = NULL;
	if (engine_select_allowed(t, ch->forced != NULL, ch->spec ? ch->spec->isolation : NULL,
		    engine_select_fake(), &e) ||
		unsuited(ch, t, &e) || !(ch->handle = engines_open(ch->c, t, &e))) {
		if (strcmp(e.code, "not_auto") && (ch->forced || strcmp(e.code, "test_only")))
			reject_engine(ch, t, e.msg);
		ask_next_engine(ch);
		return;
	}
	ch->handle->engine->type->probe(ch->handle->engine, on_probe, ch);
}

static void ask_next_engine(struct choice *ch)
{
	const struct engine_type *t = ch->forced ? ch->forced : engine_table[ch->at];

	if (!t || (ch->forced && ch->at > 0)) {
		fail_choice(ch);
		return;
	}
	ch->at++;
	probe_engine(ch, t);
}

static void begin_choice(void *ctx)
{
	ask_next_engine(ctx);
}

void engine_select_choose(struct conductor *c, const char *engine, const struct spec *s,
	engine_select_fn fn, void *ctx)
{
	struct choice *ch = xcalloc(1, sizeof(*ch));
	bool any = !engine || !strcmp(engine, "auto");
	struct err e = ERR_INIT;

	ch->c = c;
	ch->fn = fn;
	ch->ctx = ctx;
	ch->spec = s;
	ch->forced = any ? NULL : engine_find(engine);
	if (!any && !ch->forced) {
		err_set(&e, "no_engine", "this yolodeck has no engine \"%s\"", engine);
		finish_choice(ch, NULL, NULL, &e);
		return;
	}
	loop_after(c->loop, 0, begin_choice, ch);
}
