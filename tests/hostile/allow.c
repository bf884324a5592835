/* allow.c - reads what a program wrote to a terminal and names all that it may not have written.
 * Exit 1 = something was found.
 *
 *   allow log    text in UTF-8, LF, TAB, BS, CR followed by "erase line", colours
 *   allow deck   also what moves the cursor, erases, and sets the modes that curses sets */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *b;
static size_t n;
static int found;

static void blame(size_t at, const char *what)
{
	if (found++ >= 20)
		return;
	printf("%zu: %s:", at, what);
	for (size_t i = at; i < n && i < at + 12; i++)
		printf(" %02x", b[i]);
	putchar('\n');
}

/* Characters that nobody sees, that turn text around, or that stand for nothing agreed upon. */
static bool hidden(unsigned long c)
{
	static const struct {
		unsigned long from, to;
	} no[] = { { 0x80, 0x9F }, { 0xAD, 0xAD }, { 0x61C, 0x61C }, { 0x115F, 0x1160 },
		{ 0x17B4, 0x17B5 }, { 0x180E, 0x180E }, { 0x200B, 0x200F }, { 0x2028, 0x202E },
		{ 0x2060, 0x206F }, { 0x3164, 0x3164 }, { 0xE000, 0xF8FF }, { 0xFEFF, 0xFEFF },
		{ 0xFFA0, 0xFFA0 }, { 0xFFF9, 0xFFFB }, { 0xE0000, 0xE0FFF },
		{ 0xF0000, 0x10FFFF } };

	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (c >= no[i].from && c <= no[i].to)
			return true;
	return false;
}

/* Returns the bytes of the character at i. */
static size_t character(size_t i)
{
	size_t len = b[i] < 0x80              ? 1
		: b[i] >= 0xC2 && b[i] < 0xE0 ? 2
		: b[i] >= 0xE0 && b[i] < 0xF0 ? 3
		: b[i] >= 0xF0 && b[i] < 0xF5 ? 4
					      : 0;
	unsigned long c = len == 1 ? b[i] : len ? b[i] & (0x7Fu >> len) : 0;

	for (size_t k = 1; k < len; k++) {
		if (i + k >= n || (b[i + k] & 0xC0) != 0x80)
			len = 0;
		else
			c = c << 6 | (b[i + k] & 63);
	}
	if (!len) {
		blame(i, "no UTF-8");
		return 1;
	}
	if (hidden(c))
		blame(i, "a character that is not to be seen");
	return len;
}

/* ESC at i; returns the bytes of the sequence. */
static size_t sequence(size_t i, bool deck)
{
	size_t k = i + 2;
	bool private = false;

	if (i + 1 >= n)
		return 1;
	if (b[i + 1] != '[') {
		if (deck && strchr("()", b[i + 1]) && i + 2 < n && strchr("B0", b[i + 2]))
			return 3;
		if (!deck || !strchr("=>78MDE", b[i + 1]))
			blame(i, "an escape sequence");
		return 2;
	}
	for (; k < n && b[k] >= 0x20 && b[k] < 0x40; k++)
	private |= b[k] < '0' || b[k] > ';';
	if (k >= n)
		return n - i;
	if (b[k] == 'm' && !private)
		return k + 1 - i;
	if (deck ? !strchr("ABCDGHJKLMPSTXbdfhlmnr@", b[k]) && !(b[k] == 't' && b[i + 2] == '2') &&
				!(b[k] == 'p' && b[k - 1] == '$')
		 : b[k] != 'K' || i == 0 || b[i - 1] != '\r')
		blame(i, "a control sequence");
	return k + 1 - i;
}

int main(int argc, char **argv)
{
	bool deck = argc > 1 && !strcmp(argv[1], "deck");
	size_t cap = 0, got;

	do {
		if (n == cap && !(b = realloc(b, cap = cap ? cap * 2 : 1 << 20)))
			return 2;
		got = fread(b + n, 1, cap - n, stdin);
		n += got;
	} while (got);
	for (size_t i = 0; i < n;) {
		if (b[i] == 27) {
			i += sequence(i, deck);
		} else if (b[i] >= 32 && b[i] != 127) {
			i += character(i);
		} else {
			if (!strchr(deck ? "\n\r\t\b\a\016\017" : "\n\r\t\b", b[i]) || !b[i])
				blame(i, "a control byte");
			i++;
		}
	}
	if (found)
		printf("%d in %zu bytes\n", found, n);
	return found ? 1 : 0;
}
