/* input.h - bytes of the terminal to keys. Pure: time comes in as an argument (CLOCK_MONOTONIC,
 * ms).
 *
 * A lone Esc is a key after esc_ms; a begun sequence is waited for 250 ms and dropped whole, never
 * read as keys. What arrives between the paste brackets is one event with its length (a paste that
 * stops without its end counts as over after 1 s). Answers of the terminal (mode report, status)
 * are events too. */
#ifndef UI_INPUT_H
#define UI_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { /* beyond Unicode; control characters are 1..31, 127 is backspace */
	KEY_NONE = 0,
	KEY_TAB = 9,
	KEY_RETURN = 13,
	KEY_ESCAPE = 27,
	KEY_RUBOUT = 127,
	KEY_CURSOR_UP = 0x200000,
	KEY_CURSOR_DOWN,
	KEY_CURSOR_LEFT,
	KEY_CURSOR_RIGHT,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_TO_HOME,
	KEY_TO_END,
	KEY_BACKTAB,
	KEY_DEL,
	KEY_PASTE, /* text in input.paste until the next call */
	KEY_SYNC_YES, /* the terminal has synchronised output (DEC 2026) */
	KEY_STATUS, /* answer to CSI 5 n */
	KEY_WIDE_RULES, /* the terminal draws a rule two cells wide (answer to CSI 6 n) */
	KEY_UNKNOWN, /* a sequence we have no name for: dropped by everyone */
};
#define KEY_CTRL(c) ((c)&31)
enum { INPUT_SEQUENCE_MS = 250, INPUT_PASTE_MS = 1000, INPUT_MAX_PASTE = 1 << 20 };

struct input {
	struct buf in; /* bytes not yet read as keys */
	struct buf paste;
	size_t paste_len; /* characters of the paste, also beyond what is kept */
	bool pasting;
	int esc_ms;
	int64_t since; /* when the first byte of `in` came */
};

void input_init(struct input *in, int esc_ms);
void input_release(struct input *in);
void input_feed(struct input *in, const char *p, size_t n, int64_t now);
/* The next key, or KEY_NONE: nothing whole is there yet. */
int32_t input_next(struct input *in, int64_t now);
/* When input_next may have something without further bytes; -1 = never. */
int64_t input_deadline(const struct input *in);
/* Forgets everything: what came before a dialog was on the screen. */
void input_discard(struct input *in);

/* "a", "ctrl-l", "enter", "space", "pgdn", "f" -> key; KEY_NONE = not a name. And back, for
 * messages and help. */
int32_t input_key_parse(const char *name);
const char *input_key_name(int32_t key, char out[16]);

#endif
