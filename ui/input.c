/* input.c - the reader of keys. */
#include "ui/input.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

static const struct {
	const char *seq; /* after ESC */
	int32_t key;
} sequences[] = {
	{ "[A", KEY_CURSOR_UP },
	{ "[B", KEY_CURSOR_DOWN },
	{ "[C", KEY_CURSOR_RIGHT },
	{ "[D", KEY_CURSOR_LEFT },
	{ "OA", KEY_CURSOR_UP },
	{ "OB", KEY_CURSOR_DOWN },
	{ "OC", KEY_CURSOR_RIGHT },
	{ "OD", KEY_CURSOR_LEFT },
	{ "[H", KEY_TO_HOME },
	{ "[F", KEY_TO_END },
	{ "OH", KEY_TO_HOME },
	{ "OF", KEY_TO_END },
	{ "[1~", KEY_TO_HOME },
	{ "[4~", KEY_TO_END },
	{ "[7~", KEY_TO_HOME },
	{ "[8~", KEY_TO_END },
	{ "[5~", KEY_PAGE_UP },
	{ "[6~", KEY_PAGE_DOWN },
	{ "[3~", KEY_DEL },
	{ "[Z", KEY_BACKTAB },
	{ "[?2026;1$y", KEY_SYNC_YES },
	{ "[?2026;2$y", KEY_SYNC_YES },
	{ "[0n", KEY_STATUS },
	{ "[1;3R", KEY_WIDE_RULES },
};

static const struct {
	const char *name;
	int32_t key;
} names[] = {
	{ "enter", KEY_RETURN },
	{ "esc", KEY_ESCAPE },
	{ "space", ' ' },
	{ "tab", KEY_TAB },
	{ "shift-tab", KEY_BACKTAB },
	{ "up", KEY_CURSOR_UP },
	{ "down", KEY_CURSOR_DOWN },
	{ "left", KEY_CURSOR_LEFT },
	{ "right", KEY_CURSOR_RIGHT },
	{ "pgup", KEY_PAGE_UP },
	{ "pgdn", KEY_PAGE_DOWN },
	{ "home", KEY_TO_HOME },
	{ "end", KEY_TO_END },
	{ "backspace", KEY_RUBOUT },
	{ "delete", KEY_DEL },
};

void input_init(struct input *in, int esc_ms)
{
	memset(in, 0, sizeof(*in));
	buf_init(&in->in);
	buf_init(&in->paste);
	in->esc_ms = esc_ms;
}

void input_release(struct input *in)
{
	buf_release(&in->in);
	buf_release(&in->paste);
}

void input_discard(struct input *in)
{
	buf_clear(&in->in);
	buf_clear(&in->paste);
	in->pasting = false;
}

void input_feed(struct input *in, const char *p, size_t n, int64_t now)
{
	if (in->in.len == 0)
		in->since = now;
	buf_add(&in->in, p, n);
}

static void consume(struct input *in, size_t n, int64_t now)
{
	buf_drop(&in->in, n);
	in->since = now;
}

/* Length of the sequence at the front (which is ESC), 0 = not whole yet. */
static size_t sequence_len(const char *p, size_t n)
{
	size_t i = 2;

	if (n < 2)
		return 0;
	if (p[1] == 'O')
		return n >= 3 ? 3 : 0;
	if (p[1] == ']' || p[1] == 'P' || p[1] == '_') {
		for (; i < n; i++)
			if (p[i] == 7 || (p[i] == '\\' && p[i - 1] == 27))
				return i + 1;
		return 0;
	}
	if (p[1] != '[')
		return p[1] == 27 ? 1 : 2; /* Alt and a key: dropped whole */
	for (; i < n; i++) {
		if ((unsigned char)p[i] >= 0x40 && (unsigned char)p[i] <= 0x7e)
			return i + 1;
		if ((unsigned char)p[i] < 0x20 || (unsigned char)p[i] > 0x7e)
			return i; /* no byte of a sequence: the broken one ends before it */
	}
	return 0;
}

static int32_t sequence_key(const char *p, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(sequences); i++)
		if (strlen(sequences[i].seq) == n - 1 && !memcmp(sequences[i].seq, p + 1, n - 1))
			return sequences[i].key;
	return KEY_UNKNOWN;
}

static int32_t next_paste(struct input *in, int64_t now)
{
	static const char end[] = "\033[201~";
	char *stop = memmem(in->in.p, in->in.len, end, 6);
	size_t n = stop ? (size_t)(stop - in->in.p) : in->in.len > 5 ? in->in.len - 5 : 0;

	for (size_t i = 0; i < n; i++)
		in->paste_len += ((unsigned char)in->in.p[i] & 0xc0) != 0x80;
	if (in->paste.len + n <= INPUT_MAX_PASTE)
		buf_add(&in->paste, in->in.p, n);
	if (stop || n)
		consume(in, stop ? n + 6 : n, now);
	if (!stop && now - in->since < INPUT_PASTE_MS)
		return KEY_NONE;
	if (!stop)
		buf_clear(&in->in);
	in->pasting = false;
	return KEY_PASTE;
}

static int32_t next_sequence(struct input *in, int64_t now)
{
	size_t n = sequence_len(in->in.p, in->in.len);
	int32_t key;

	if (n == 0) {
		if (in->in.len == 1) {
			if (now - in->since < in->esc_ms)
				return KEY_NONE;
			consume(in, 1, now);
			return KEY_ESCAPE;
		}
		if (now - in->since < INPUT_SEQUENCE_MS)
			return KEY_NONE;
		consume(in, in->in.len, now);
		return KEY_UNKNOWN;
	}
	if (n == 6 && !memcmp(in->in.p, "\033[200~", 6)) {
		consume(in, 6, now);
		in->pasting = true;
		in->paste_len = 0;
		buf_clear(&in->paste);
		return next_paste(in, now);
	}
	if (n == 1) {
		consume(in, 1, now);
		return KEY_ESCAPE;
	}
	key = sequence_key(in->in.p, n);
	consume(in, n, now);
	return key;
}

int32_t input_next(struct input *in, int64_t now)
{
	uint32_t cp;
	size_t n, need;
	unsigned char c;

	if (in->pasting)
		return next_paste(in, now);
	if (in->in.len == 0)
		return KEY_NONE;
	c = (unsigned char)in->in.p[0];
	if (c == 27)
		return next_sequence(in, now);
	need = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (in->in.len < need && now - in->since < INPUT_SEQUENCE_MS)
		return KEY_NONE;
	n = utf8_decode(in->in.p, in->in.len, &cp);
	consume(in, n, now);
	if (cp == 0)
		return KEY_UNKNOWN;
	return cp == '\n' ? KEY_CTRL('j') : cp == 8 ? KEY_RUBOUT : (int32_t)cp;
}

int64_t input_deadline(const struct input *in)
{
	if (in->pasting)
		return in->since + INPUT_PASTE_MS;
	if (in->in.len == 0)
		return -1;
	if (in->in.len == 1 && in->in.p[0] == 27)
		return in->since + in->esc_ms;
	return in->since + INPUT_SEQUENCE_MS;
}

int32_t input_key_parse(const char *name)
{
	uint32_t cp;
	size_t n = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i].name, name))
			return names[i].key;
	if (!strncmp(name, "ctrl-", 5) && n == 6 && name[5] >= 'a' && name[5] <= 'z')
		return KEY_CTRL(name[5]);
	if (n && utf8_decode(name, n, &cp) == n && cp > ' ' && cp != 0xfffd)
		return (int32_t)cp;
	return KEY_NONE;
}

const char *input_key_name(int32_t key, char out[16])
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i].key == key) {
			snprintf(out, 16, "%s", names[i].name);
			return out;
		}
	}
	if (key > 0 && key < 32)
		snprintf(out, 16, "^%c", 'A' + key - 1);
	else if (key < 0x200000)
		out[utf8_encode((uint32_t)key, out)] = '\0';
	else
		snprintf(out, 16, "?");
	return out;
}
