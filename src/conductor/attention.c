/* attention.c - which rows need a person, and the evidence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/vt.h"
#include "conductor/board.h"
#include "conductor/sample.h"

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

static void part(struct buf *b, const char *sep)
{
	if (b->len)
		buf_str(b, sep);
}

static void look_silence(const struct variant_run *vr, struct buf *b)
{
	int64_t since = vr->s.quiet_ns > vr->v->started_ns ? vr->s.quiet_ns : vr->v->started_ns;
	int64_t quiet = (clock_real_ns() - since) / 1000000000;

	if (vr->v->state != VS_RUNNING || !since || !vr->s.at_ms)
		return;
	/* one reading of cpu alone says nothing yet; an engine that cannot tell it at all gives the
	 * silence only */
	if (quiet >= silent_limit_s() && vr->s.cpu < 2 && (vr->s.cpu >= 0 || vr->s.cpu_ns < 0)) {
		buf_fmt(b, "silent %lld s", (long long)quiet);
		if (vr->s.cpu >= 0)
			buf_fmt(b, ", cpu %.0f%%", vr->s.cpu);
	}
	if (vr->s.prompt && quiet >= PROMPT_S) {
		part(b, ", ");
		buf_fmt(b, "waits at \"%.*s\"", SHOWN, vr->s.prompt);
	}
}

static void look_bytes(const char *what, int64_t used, int64_t limit, struct buf *b)
{
	char have[32], max[32];

	if (limit <= 0 || used < limit / 10 * 9)
		return;
	spec_fmt_size(used, have, sizeof(have));
	spec_fmt_size(limit, max, sizeof(max));
	part(b, ", ");
	buf_fmt(b, "%s %s of %s", what, have, max);
}

static void look_limits(const struct variant_run *vr, struct buf *b)
{
	const struct limits *l = &vr->task.limits;
	int64_t ran = (clock_real_ns() - vr->v->started_ns) / 1000000;
	char have[32], max[32];

	if (vr->v->state != VS_RUNNING)
		return;
	look_bytes("memory", vr->s.memory, l->memory, b);
	look_bytes("log", vr->s.log_bytes, l->log, b);
	if (l->time_ms > 0 && vr->v->started_ns && ran >= l->time_ms / 10 * 9) {
		clock_fmt_elapsed(ran, have, sizeof(have));
		clock_fmt_duration(l->time_ms, max, sizeof(max));
		part(b, ", ");
		buf_fmt(b, "%s of its time limit %s", have, max);
	}
}

static void look_conflict(const struct variant_run *vr, struct buf *b)
{
	if (!vr->best || !vr->v->conflict || !vr->v->conflict[0] || vr->v->promoted)
		return;
	part(b, ", ");
	buf_fmt(b, "%s conflicts with %s", vr->v->conflict,
		vr->r->race->base_name ? vr->r->race->base_name : "the base");
}

void attention_update(struct variant_run *vr)
{
	struct buf b = BUF_INIT;
	bool live = variant_live(vr->v->state);
	int attention;

	if (!vr->v->archived) {
		look_silence(vr, &b);
		look_limits(vr, &b);
		if (live && vr->v->state != VS_QUEUED && vr->r->slot && vr->r->slot->away) {
			part(&b, ", ");
			buf_fmt(&b, "%s is away", vr->r->slot->type->name);
		}
		look_conflict(vr, &b);
	}
	attention = b.len > 0;
	if (attention != vr->attention || strcmp(b.p, vr->evidence ? vr->evidence : "")) {
		vr->attention = attention;
		xreplace(&vr->evidence, attention ? b.p : NULL);
		board_touch(vr);
	}
	buf_release(&b);
}
