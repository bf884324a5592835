/* vt.c - the state machine, and lines of cells from it.
 *
 * Why a machine and not a pattern: a sequence may be cut anywhere by a read, and a pattern that
 * sees halves shows garbage or, worse, lets the second half through. Every byte has one meaning in
 * one of seven states; nothing looks back. */
#include "base/vt.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/vt_parse.h"
#include "base/utf8.h"

enum { S_GROUND, S_ESC, S_ESC_INT, S_CSI, S_CSI_SKIP, S_STRING, S_STRING_ESC };
enum { MAX_PARAM = 16, MAX_STRING = 4096 };
enum { ZWNJ = 0x200c, ZWJ = 0x200d, BOM = 0xfeff };

void vt_init(struct vt *v)
{
	memset(v, 0, sizeof(*v));
	v->attr = v->shown = vt_attr_default;
	v->marks = VT_NO_BASE;
}

static void begin_string(struct vt *v)
{
	v->state = S_STRING;
	v->string_len = 0;
	v->utf_len = 0;
}

static void begin_csi(struct vt *v)
{
	v->state = S_CSI;
	v->nparam = 1;
	v->param[0] = 0;
	v->coloned = 0;
}

static void put_text(struct vt *v, uint32_t cp, struct vt_sink *k)
{
	if (utf8_width(cp) > 0)
		v->base = cp;
	k->text(k, v, cp);
}

/* Joiners are letters' business: behind one of a script that may need them they pass. Behind ASCII
 * they only make two names look like one. A BOM says nothing anywhere, but hides as well. */
static void put_code_point(struct vt *v, uint32_t cp, struct vt_sink *k)
{
	char marker[16];

	if (cp == 0x9b) {
		begin_csi(v);
	} else if (cp == 0x90 || cp == 0x98 || (cp >= 0x9d && cp <= 0x9f)) {
		begin_string(v);
	} else if ((cp >= 0x80 && cp <= 0x9f) || (cp >= 0xfe00 && cp <= 0xfe0f)) {
		v->removed++;
	} else if (cp == BOM && (v->base == 0 || v->base >= 0x80)) {
		v->removed++;
	} else if (utf8_invisible(cp) && !((cp == ZWNJ || cp == ZWJ) && v->base >= 0x80)) {
		snprintf(marker, sizeof(marker), "<U+%04X>", (unsigned)cp);
		for (const char *p = marker; *p; p++)
			put_text(v, (unsigned char)*p, k);
	} else {
		put_text(v, cp, k);
	}
}

static void put_control(struct vt *v, unsigned char b, struct vt_sink *k)
{
	if (b == '\r' || b == '\b' || b == '\t') {
		v->base = b == '\r' ? 0 : ' ';
		k->control(k, v, (char)b);
	} else {
		v->removed++;
	}
}

/* True when b was used up by the sequence under way. */
static bool utf_continue(struct vt *v, unsigned char b, struct vt_sink *k)
{
	uint32_t cp;

	v->utf[v->utf_len++] = b;
	if (utf8_decode((const char *)v->utf, v->utf_len, &cp) < v->utf_len) {
		v->utf_len = 0;
		put_code_point(v, UTF8_BAD, k);
		return false;
	}
	if (v->utf_len == v->utf_need) {
		v->utf_len = 0;
		put_code_point(v, cp, k);
	}
	return true;
}

static void ground_byte(struct vt *v, unsigned char b, struct vt_sink *k)
{
	if (v->utf_len && utf_continue(v, b, k))
		return;
	if (b == 0x1b) {
		v->state = S_ESC;
	} else if (b < 0x20) {
		put_control(v, b, k);
	} else if (b == 0x7f) {
		v->removed++;
	} else if (b < 0x80) {
		put_text(v, b, k);
	} else if (b >= 0xc2 && b <= 0xf4) {
		v->utf[0] = b;
		v->utf_len = 1;
		v->utf_need = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
	} else {
		put_code_point(v, UTF8_BAD, k);
	}
}

static void enter_ground(struct vt *v)
{
	v->state = S_GROUND;
	v->utf_len = 0;
}

static void drop_sequence(struct vt *v)
{
	v->removed++;
	enter_ground(v);
}

static void escape_byte(struct vt *v, unsigned char b)
{
	if (b >= 0x20 && b <= 0x2f) {
		v->state = S_ESC_INT;
	} else if (v->state == S_ESC && b == '[') {
		begin_csi(v);
	} else if (v->state == S_ESC &&
		(b == ']' || b == 'P' || b == 'X' || b == '^' || b == '_')) {
		begin_string(v);
	} else {
		drop_sequence(v);
	}
}

static void csi_param(struct vt *v, unsigned char b)
{
	unsigned val;

	if (b >= '0' && b <= '9') {
		val = v->param[v->nparam - 1] * 10u + (b - '0');
		v->param[v->nparam - 1] = val > 65535 ? 65535 : (uint16_t)val;
	} else if (v->nparam == MAX_PARAM) {
		v->state = S_CSI_SKIP;
	} else {
		if (b == ':')
			v->coloned = (uint16_t)(v->coloned | 1u << v->nparam);
		v->param[v->nparam++] = 0;
	}
}

/* What a spinner does in the place of a carriage return: the cursor to column 1, the line erased.
 */
static void csi_final(struct vt *v, unsigned char b, struct vt_sink *k)
{
	bool one = v->state == S_CSI && v->nparam == 1;

	if (b == 'm' && v->state == S_CSI) {
		vt_sgr_apply(v);
		enter_ground(v);
	} else if (b == 'G' && one && v->param[0] <= 1) {
		enter_ground(v);
		put_control(v, '\r', k);
	} else if (b == 'K' && one && (v->param[0] == 2 || (v->param[0] == 0 && v->restart))) {
		enter_ground(v);
		v->base = 0;
		k->control(k, v, VT_ERASE);
	} else {
		drop_sequence(v);
	}
}

static void csi_byte(struct vt *v, unsigned char b, struct vt_sink *k)
{
	if (b >= 0x40) {
		csi_final(v, b, k);
	} else if (b >= 0x30 && b <= 0x3b) {
		if (v->state == S_CSI)
			csi_param(v, b);
	} else {
		v->state = S_CSI_SKIP; /* a private marker or an intermediate: not SGR */
	}
}

/* utf_len remembers a 0xc2, so that U+009C ends a string as a terminal would have it. */
static void string_byte(struct vt *v, unsigned char b)
{
	bool st8 = v->utf_len && b == 0x9c;

	v->utf_len = b == 0xc2;
	if (b == 0x1b)
		v->state = S_STRING_ESC;
	else if (b == 0x07 || b == 0x18 || b == 0x1a || st8 || ++v->string_len >= MAX_STRING)
		drop_sequence(v);
}

static void parse_byte(struct vt *v, unsigned char b, struct vt_sink *k);

static void sequence_byte(struct vt *v, unsigned char b, struct vt_sink *k)
{
	if (b == 0x18 || b == 0x1a) {
		drop_sequence(v);
	} else if (b == 0x1b) {
		v->removed++;
		v->state = S_ESC;
	} else if (b < 0x20) {
		put_control(v, b, k);
	} else if (b >= 0x7f) { /* no byte of a sequence: it ends here, the byte begins the next */
		drop_sequence(v);
		parse_byte(v, b, k);
	} else if (v->state == S_ESC || v->state == S_ESC_INT) {
		escape_byte(v, b);
	} else {
		csi_byte(v, b, k);
	}
}

static void parse_byte(struct vt *v, unsigned char b, struct vt_sink *k)
{
	if (b == '\n') {
		vt_flush(v, k);
		v->base = 0;
		k->control(k, v, '\n');
	} else if (v->state == S_GROUND) {
		ground_byte(v, b, k);
	} else if (v->state == S_STRING) {
		string_byte(v, b);
	} else if (v->state == S_STRING_ESC) {
		v->state = S_ESC;
		if (b == '\\') {
			drop_sequence(v);
		} else {
			v->removed++;
			sequence_byte(v, b, k);
		}
	} else {
		sequence_byte(v, b, k);
	}
}

void vt_parse(struct vt *v, const char *s, size_t n, struct vt_sink *k)
{
	for (size_t i = 0; i < n; i++)
		parse_byte(v, (unsigned char)s[i], k);
}

void vt_flush(struct vt *v, struct vt_sink *k)
{
	if (v->state != S_GROUND)
		drop_sequence(v);
	else if (v->utf_len) {
		v->utf_len = 0;
		put_code_point(v, UTF8_BAD, k);
	}
}

static void ignore_text(struct vt_sink *k, struct vt *v, uint32_t cp)
{
}

static void ignore_control(struct vt_sink *k, struct vt *v, char c)
{
}

size_t vt_cut(const char *s, size_t n)
{
	struct vt_sink none = { ignore_text, ignore_control };
	size_t safe = n;
	struct vt v;

	vt_init(&v);
	for (size_t i = n > VT_CUT_BACK ? n - VT_CUT_BACK : 0; i < n; i++) {
		if (v.state == S_GROUND && !v.utf_len)
			safe = i;
		parse_byte(&v, (unsigned char)s[i], &none);
	}
	return v.state == S_GROUND && !v.utf_len ? n : safe;
}

size_t vt_restart(const char *s, size_t n)
{
	static const char *const forms[] = { "\r", "\033[G", "\033[1G", "\033[2K" };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; (s[i] == '\r' || s[i] == '\033') && k < ARRAY_LEN(forms); k++) {
			size_t len = strlen(forms[k]);

			if (len < n - i && !memcmp(s + i, forms[k], len))
				return i;
		}
	return n;
}
