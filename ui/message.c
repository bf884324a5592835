/* message.c - one line of news at a time, and the list of all. */
#include "ui/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { NEWS_MS = 4000, KEEP = 500 };
static const int64_t TWICE_NS = 5000000000;

/* The conductor and the deck may report the same thing: it is shown once, for the longer time. */
static bool is_repeat(struct deck *d, bool warn, const char *text)
{
	struct message *m = d->nmessage ? &d->message[d->nmessage - 1] : NULL;

	if (!m || d->message_until < 0 || strcmp(m->text, text) ||
		deck_now_ns() - m->ns >= TWICE_NS)
		return false;
	m->warn |= warn;
	if (warn)
		d->message_until = 0;
	d->dirty = true;
	return true;
}

void message_add(struct deck *d, bool warn, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	if (is_repeat(d, warn, b.p)) {
		buf_release(&b);
		return;
	}
	if (d->nmessage == KEEP) {
		free(d->message[0].text);
		memmove(d->message, d->message + 1, (KEEP - 1) * sizeof(*d->message));
		d->nmessage--;
	}
	d->message = xrealloc(d->message, (d->nmessage + 1) * sizeof(*d->message));
	d->message[d->nmessage++] = (struct message){ deck_now_ns(), buf_take(&b), warn };
	d->message_until = warn ? 0 : clock_mono_ms() + NEWS_MS;
	d->dirty = true;
}

const struct message *message_shown(const struct deck *d)
{
	if (!d->nmessage || d->message_until < 0)
		return NULL;
	if (d->message_until && clock_mono_ms() >= d->message_until)
		return NULL;
	return &d->message[d->nmessage - 1];
}

void message_key(struct deck *d)
{
	if (message_shown(d))
		d->dirty = true;
	d->message_until = -1;
}

void message_release(struct deck *d)
{
	for (size_t i = 0; i < d->nmessage; i++)
		free(d->message[i].text);
	free(d->message);
}

void message_draw_all(struct deck *d, struct rect r)
{
	char when[16];
	long line = 0;

	if (!d->nmessage) {
		canvas_put(&d->canvas, r.y, r.x + 2, r.w - 2, ROLE_DIM, "No messages yet.");
		return;
	}
	for (size_t i = d->nmessage; i-- > 0;) { /* newest first */
		const struct message *m = &d->message[i];
		int y = (int)(line - d->scroll), h = r.h - y;

		if (y >= 0 && h > 0) {
			clock_fmt_time(m->ns, when, sizeof(when));
			canvas_put(&d->canvas, r.y + y, r.x + 2, 8, ROLE_DIM, when);
		}
		line += canvas_wrap(&d->canvas,
			(struct rect){ r.y + y, r.x + 12, y >= 0 ? h : 0, r.w - 13 },
			m->warn ? ROLE_STRONG : ROLE_TEXT, m->text);
	}
	d->scroll_max = line - r.h;
}
