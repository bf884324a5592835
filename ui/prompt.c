/* prompt.c - questions and commands on the bottom line. Any key that is not the right one is no. */
#include "ui/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "ui/action.h"
#include "ui/keymap.h"
#include "ui/message.h"
#include "ui/state.h"

enum { MAX_TEXT = 200, MAX_LINES = 3 };

void prompt_ask(
	struct deck *d, enum prompt_kind kind, struct json *take_request, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	prompt_close(d);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	d->prompt.kind = kind;
	d->prompt.question = buf_take(&b);
	d->prompt.request = take_request;
	buf_clear(&d->prompt.text);
	d->message_until = -1;
	d->discard_typeahead = d->dirty = true;
}

void prompt_command(struct deck *d)
{
	prompt_close(d);
	d->prompt.kind = PROMPT_COMMAND;
	buf_clear(&d->prompt.text);
	d->message_until = -1;
	d->dirty = true;
}

void prompt_close(struct deck *d)
{
	d->prompt.kind = PROMPT_NONE;
	free(d->prompt.question);
	d->prompt.question = NULL;
	json_free(d->prompt.request);
	d->prompt.request = NULL;
	d->prompt.also = 0;
	d->dirty = true;
}

static void give_answer(struct deck *d, bool yes)
{
	struct json *request = d->prompt.request;
	void (*fn)(struct deck *, struct json *) = d->prompt.yes;

	d->prompt.request = NULL;
	prompt_close(d);
	if (yes)
		fn(d, request);
	else
		json_free(request);
}

static void erase_last(struct buf *b)
{
	while (b->len && ((unsigned char)b->p[b->len - 1] & 0xc0) == 0x80)
		b->p[--b->len] = '\0';
	if (b->len)
		b->p[--b->len] = '\0';
}

/* Typing into the line; false = the key is none for text. */
static bool edit_text(struct deck *d, int32_t key)
{
	struct buf *b = &d->prompt.text;
	char utf[4];

	if (key == KEY_RUBOUT) {
		erase_last(b);
	} else if (key == KEY_CTRL('u')) {
		buf_clear(b);
	} else if (key == KEY_PASTE) {
		struct buf clean = BUF_INIT;

		/* The lines of a paste end so; none of them starts another again. */
		for (size_t i = 0; i < d->input.paste.len; i++)
			if (d->input.paste.p[i] == '\r')
				d->input.paste.p[i] = '\n';
		vt_clean(d->input.paste.p, d->input.paste.len, &clean);
		if (b->len + clean.len <= MAX_TEXT)
			buf_add(b, clean.p, clean.len);
		buf_release(&clean);
	} else if (key >= ' ' && key < 0x110000 && b->len < MAX_TEXT) {
		buf_add(b, utf, utf8_encode((uint32_t)key, utf));
	} else {
		return false;
	}
	d->dirty = true;
	return true;
}

static void complete_command(struct deck *d)
{
	struct err e = ERR_INIT;
	const struct action *a = action_find(d->prompt.text.p, action_context(d), &e);

	if (a) {
		buf_clear(&d->prompt.text);
		buf_str(&d->prompt.text, a->name);
	}
	d->dirty = true;
}

static void run_command(struct deck *d)
{
	struct err e = ERR_INIT;
	char name[MAX_TEXT + 8];
	const struct action *a;
	struct buf trimmed = BUF_INIT;

	buf_str(&trimmed, d->prompt.text.p + strspn(d->prompt.text.p, " :"));
	buf_trim(&trimmed);
	vt_clean_str(trimmed.p, name, sizeof(name));
	buf_release(&trimmed);
	prompt_close(d);
	if (!*name)
		return;
	if (strspn(name, "0123456789") == strlen(name)) {
		if (!state_select(d, (int)strtol(name, NULL, 10)))
			message_add(d, true, "there is no variant %s in this race", name);
		return;
	}
	a = action_find(name, action_context(d), &e);
	if (!a)
		message_add(d, true, "%s", e.msg);
	else
		a->run(d, keymap_key(a, 0), a->arg);
}

bool prompt_key(struct deck *d, int32_t key)
{
	switch (d->prompt.kind) {
	case PROMPT_NONE:
		return false;
	case PROMPT_YES:
		if (key == KEY_PASTE)
			return false;
		d->prompt.by_also = d->prompt.also && key == d->prompt.also;
		give_answer(d, key == 'y' || key == 'Y' || d->prompt.by_also);
		return true;
	case PROMPT_WORD_YES:
		if (key == KEY_RETURN)
			give_answer(d, !strcmp(d->prompt.text.p, "yes"));
		else if (key == KEY_PASTE)
			return false;
		else if (!edit_text(d, key) || strncmp("yes", d->prompt.text.p, d->prompt.text.len))
			give_answer(d, false);
		return true;
	case PROMPT_COMMAND:
		if (key == KEY_RETURN)
			run_command(d);
		else if (key == KEY_TAB)
			complete_command(d);
		else if ((key == KEY_RUBOUT && !d->prompt.text.len) || !edit_text(d, key))
			prompt_close(d);
		return true;
	}
	return false;
}

static void format_answers(const struct deck *d, char out[16])
{
	if (d->prompt.kind == PROMPT_WORD_YES)
		snprintf(out, 16, "yes/N");
	else if (d->prompt.also)
		snprintf(out, 16, "y/%c/N", (char)d->prompt.also);
	else
		snprintf(out, 16, "y/N");
}

/* The question, what may be answered, and what was typed. */
static void format_question(const struct deck *d, struct buf *out)
{
	char may[16];

	format_answers(d, may);
	vt_clean(d->prompt.question, strlen(d->prompt.question), out);
	buf_fmt(out, "  %s", may);
	if (d->prompt.kind == PROMPT_WORD_YES)
		buf_fmt(out, " %s", d->prompt.text.p);
}

int prompt_height(const struct deck *d, int w)
{
	struct buf b = BUF_INIT;
	int lines = 0;

	if (d->prompt.kind == PROMPT_NONE || d->prompt.kind == PROMPT_COMMAND)
		return 1;
	format_question(d, &b);
	for (const char *p = b.p; *p; lines++) {
		p += canvas_break(p, w - 2);
		p += strspn(p, " ");
	}
	buf_release(&b);
	return lines > MAX_LINES ? MAX_LINES : lines;
}

static void draw_command(struct deck *d, int y)
{
	struct canvas *c = &d->canvas;
	unsigned context = action_context(d);
	int x = 2 + canvas_put(c, y, 1, 1, ROLE_ACCENT, ":");

	x += canvas_put(c, y, x - 1, c->w - x, ROLE_TEXT, d->prompt.text.p) - 1;
	c->cursor_y = y;
	c->cursor_x = x;
	x += 3;
	for (size_t i = 0; i < action_count; i++) {
		if (!(actions[i].contexts & context) ||
			strncmp(actions[i].name, d->prompt.text.p, d->prompt.text.len))
			continue;
		if (x + (int)strlen(actions[i].name) + 1 >= c->w)
			break;
		x += canvas_put(c, y, x, c->w - x, ROLE_DIM, actions[i].name) + 1;
	}
}

void prompt_draw(struct deck *d)
{
	struct canvas *c = &d->canvas;
	int h = prompt_height(d, c->w), y = c->h - h, used = 0, answer;
	struct buf b = BUF_INIT;
	char may[16];

	canvas_blank(c, (struct rect){ y, 0, h, c->w });
	if (d->prompt.kind == PROMPT_COMMAND) {
		draw_command(d, y);
		return;
	}
	format_question(d, &b);
	for (const char *p = b.p; *p; y++) {
		size_t n = y == c->h - 1 ? strlen(p) : canvas_break(p, c->w - 2);

		used = canvas_putf(c, y, 1, c->w - 2, ROLE_STRONG, "%.*s", (int)n, p);
		p += n;
		p += strspn(p, " ");
	}
	format_answers(d, may);
	answer = (int)utf8_cells(may) + (d->prompt.kind == PROMPT_WORD_YES) +
		(int)utf8_cells(d->prompt.text.p);
	for (int x = 1 + used - answer; x < 1 + used && x > 0; x++)
		c->cell[(c->h - 1) * c->w + x].attr = c->theme->attr[ROLE_ACCENT];
	if (d->prompt.kind == PROMPT_WORD_YES) {
		c->cursor_y = c->h - 1;
		c->cursor_x = 1 + used < c->w ? 1 + used : c->w - 1;
	}
	buf_release(&b);
}
