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
	struct strv not ;
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

static void finish(struct choice *ch, struct engine_handle *s, const char *why, const struct err *e)
{
	ch->fn(ch->ctx, s, why, e);
	strv_release(&ch->not );
	free(ch);
}

static void not_this(struct choice *ch, const struct engine_type *t, const char *why)
{
	strv_fmt(&ch->not, "%s: %s", t->name, why);
}

/* brief: of each only up to its first ";" (what one could do comes behind it). */
static void say_not(const struct choice *ch, bool brief, struct buf *b)
{
	for (size_t i = 0; i < ch->not .n; i++) {
		const char *w = ch->not .v[i];
		buf_str(b, i ? (brief ? "; " : ". ") : "");
		buf_add(b, w, brief ? strcspn(w, ";") : strlen(w));
	}
}

static void take(struct choice *ch)
{
	struct engine_handle *s = ch->handle;
	struct buf why = BUF_INIT;

	buf_str(&why, s->report.why);
	if (ch->forced)
		buf_str(&why, ", asked for");
	else if (ch->not .n) {
		buf_str(&why, " (not ");
		say_not(ch, true, &why);
		buf_str(&why, ")");
	}
	xreplace(&s->away, NULL);
	xreplace(&s->next, NULL);
	s->away_ns = 0;
	engines_show(s);
	finish(ch, s, why.p, NULL);
	buf_release(&why);
}

static void give_up(struct choice *ch)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	say_not(ch, false, &b);
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
	finish(ch, NULL, NULL, &e);
}

static void ask_next(struct choice *ch);

static void answered(void *ctx, const struct engine_report *rep)
{
	struct choice *ch = ctx;
	struct engine_handle *s = ch->handle;

	s->report = *rep;
	s->reported = true;
	if (rep->ok) {
		take(ch);
		return;
	}
	not_this(ch, s->type, rep->why);
	ask_next(ch);
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

static void ask(struct choice *ch, const struct engine_type *t)
{
	struct err e = ERR_INIT;

	ch->handle = NULL;
	if (engine_select_allowed(t, ch->forced != NULL, ch->spec ? ch->spec->isolation : NULL,
		    engine_select_fake(), &e) ||
		unsuited(ch, t, &e) || !(ch->handle = engines_open(ch->c, t, &e))) {
		if (strcmp(e.code, "not_auto") && (ch->forced || strcmp(e.code, "test_only")))
			not_this(ch, t, e.msg);
		ask_next(ch);
		return;
	}
	ch->handle->engine->type->probe(ch->handle->engine, answered, ch);
}

static void ask_next(struct choice *ch)
{
	const struct engine_type *t = ch->forced ? ch->forced : engine_table[ch->at];

	if (!t || (ch->forced && ch->at > 0)) {
		give_up(ch);
		return;
	}
	ch->at++;
	ask(ch, t);
}

static void begin(void *ctx)
{
	ask_next(ctx);
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
		finish(ch, NULL, NULL, &e);
		return;
	}
	loop_after(c->loop, 0, begin, ch);
}
