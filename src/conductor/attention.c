/* attention.c - which rows need a person, and the evidence. */
#include "conductor/attention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/vt.h"
#include "conductor/variant_run.h"

enum { SILENT_S = 60, PROMPT_S = 5, SHOWN = 60 };

static bool ends(const struct buf *b, const char *with)
{
	size_t n = strlen(with);

	return b->len >= n && !strcmp(b->p + b->len - n, with);
}

bool attention_prompt(const char *tail, size_t n, struct buf *shown)
{
	static const char *const asks[] = { "(y/N)", "(Y/n)", "(y/n)", "[y/N]", "[Y/n]", "[y/n]",
		"?" };
	const char *nl = n ? memrchr(tail, '\n', n) : NULL;
	const char *line = nl ? nl + 1 : tail;
	bool colon;

	buf_clear(shown);
	vt_clean(line, n - (size_t)(line - tail), shown);
	colon = ends(shown, ": ");
	buf_trim(shown);
	if (!shown->len)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(asks); i++)
		if (ends(shown, asks[i]) ||
			(asks[i][0] == '[' && ends(shown, ":") && strstr(shown->p, asks[i])))
			return true;
	return colon;
}

static int64_t silent_limit_s(void)
{
	const char *s = getenv("YOLODECK_SILENT_S");
	long v = s ? strtol(s, NULL, 10) : 0;

	return v > 0 ? v : SILENT_S;
}

static void add_separator(struct buf *b, const char *sep)
{
	if (b->len)
		buf_str(b, sep);
}

static void add_silence(const struct variant_run *run, struct buf *b)
{
	int64_t since = run->s.quiet_ns > run->v->started_ns ? run->s.quiet_ns : run->v->started_ns;
	int64_t quiet = (clock_real_ns() - since) / 1000000000;

	if (run->v->state != VS_RUNNING || !since || !run->s.at_ms)
		return;
	/* one reading of cpu alone says nothing yet; an engine that cannot tell it at all gives the
	 * silence only */
	if (quiet >= silent_limit_s() && run->s.cpu < 2 && (run->s.cpu >= 0 || run->s.cpu_ns < 0)) {
		buf_fmt(b, "silent %lld s", (long long)quiet);
		if (run->s.cpu >= 0)
			buf_fmt(b, ", cpu %.0f%%", run->s.cpu);
	}
	if (run->s.prompt && quiet >= PROMPT_S) {
		add_separator(b, ", ");
		buf_fmt(b, "waits at \"%.*s\"", SHOWN, run->s.prompt);
	}
}

static void add_bytes(const char *what, int64_t used, int64_t limit, struct buf *b)
{
	char have[32], max[32];

	if (limit <= 0 || used < limit / 10 * 9)
		return;
	spec_fmt_size(used, have, sizeof(have));
	spec_fmt_size(limit, max, sizeof(max));
	add_separator(b, ", ");
	buf_fmt(b, "%s %s of %s", what, have, max);
}

static void add_limits(const struct variant_run *run, struct buf *b)
{
	const struct limits *l = &run->ct[COMMAND].task.limits;
	int64_t ran = (clock_real_ns() - run->v->started_ns) / 1000000;
	char have[32], max[32];

	if (run->v->state != VS_RUNNING)
		return;
	add_bytes("memory", run->s.memory, l->memory, b);
	add_bytes("log", run->s.log_bytes, l->log, b);
	if (l->time_ms > 0 && run->v->started_ns && ran >= l->time_ms / 10 * 9) {
		clock_fmt_elapsed(ran, have, sizeof(have));
		clock_fmt_duration(l->time_ms, max, sizeof(max));
		add_separator(b, ", ");
		buf_fmt(b, "%s of its time limit %s", have, max);
	}
}

static void add_conflict(const struct variant_run *run, struct buf *b)
{
	if (!run->best || !run->v->conflict || !run->v->conflict[0] || run->v->promoted)
		return;
	add_separator(b, ", ");
	buf_fmt(b, "%s conflicts with %s", run->v->conflict,
		run->r->race->base_name ? run->r->race->base_name : "the base");
}

void attention_update(struct variant_run *run)
{
	struct buf b = BUF_INIT;
	bool live = variant_live(run->v->state);
	int attention;

	if (!run->v->archived) {
		add_silence(run, &b);
		add_limits(run, &b);
		if (live && run->v->state != VS_QUEUED && run->r->handle && run->r->handle->away) {
			add_separator(&b, ", ");
			buf_fmt(&b, "%s is away", run->r->handle->type->name);
		}
		add_conflict(run, &b);
	}
	attention = b.len > 0;
	if (attention != run->attention || strcmp(b.p, run->evidence ? run->evidence : "")) {
		run->attention = attention;
		xreplace(&run->evidence, attention ? b.p : NULL);
		mark_dirty(run);
	}
	buf_release(&b);
}
