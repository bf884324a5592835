/* message.c - a long command as a commit message: subject, body, trailer. */
#include "git/message.h"

#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "base/vt.h"

enum { SUBJECT_COLUMNS = 72, MAX_TEXT = 4096, WORD_MAX = 24 };

/* Bytes of the text that go into the subject, with room for the mark that says it goes on. */
static size_t cut(const char *text)
{
	size_t n = utf8_fit(text, SUBJECT_COLUMNS - 1);

	for (size_t back = n; back && n - back < WORD_MAX; back--)
		if (text[back] == ' ')
			return back;
	return n;
}

char *message_make(const char *prefix, const char *text, const char *label)
{
	struct buf line = BUF_INIT, b = BUF_INIT;
	size_t n = text ? strcspn(text, "\r\n") : 0;

	vt_clean(text ? text : "", n > MAX_TEXT ? utf8_trim(text, MAX_TEXT) : n, &b);
	buf_trim(&b);
	if (prefix)
		buf_fmt(&line, "%s%s%s", prefix, b.len ? ": " : "", b.p);
	else if (b.len)
		buf_str(&line, b.p);
	else
		buf_fmt(&line, "Work of %s", label);
	buf_clear(&b);
	if (utf8_cells(line.p) <= SUBJECT_COLUMNS) {
		buf_str(&b, line.p);
	} else {
		n = cut(line.p);
		buf_add(&b, line.p, n);
		buf_str(&b, "\xE2\x80\xA6\n\n\xE2\x80\xA6");
		buf_str(&b, line.p + n + (line.p[n] == ' '));
	}
	buf_fmt(&b, "\n\nYolodeck: %s\n", label);
	buf_release(&line);
	return buf_take(&b);
}
