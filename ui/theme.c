/* theme.c - theme files and the mapping of colours to what a terminal has. */
#include "ui/theme.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/asset.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"

static const char *const role_names[ROLE_COUNT] = { [ROLE_TEXT] = "text",
	[ROLE_STRONG] = "strong",
	[ROLE_ACCENT] = "accent",
	[ROLE_PASSED] = "state.passed",
	[ROLE_FAILED] = "state.failed",
	[ROLE_ATTENTION] = "attention",
	[ROLE_DIM] = "dim",
	[ROLE_RULE] = "rule",
	[ROLE_SELECT] = "select",
	[ROLE_BEST] = "best",
	[ROLE_STDERR] = "stderr",
	[ROLE_MATCH] = "match" };
static const char *const depth_names[] = { "mono", "16", "256" };
static const char *const color_names[] = { "black", "red", "green", "yellow", "blue", "magenta",
	"cyan", "white" };
static const struct vt_attr plain = { -1, -1, 0 };

const char *theme_role_name(enum role r)
{
	return role_names[r];
}

/* One colour word; `bright` was seen before it. -2 = not a colour. */
static int32_t parse_color(const char *w, int bright)
{
	char *end;
	long n;

	if (!strcmp(w, "default"))
		return -1;
	for (int i = 0; i < 8; i++)
		if (!strcmp(w, color_names[i]))
			return i + (bright ? 8 : 0);
	errno = 0;
	n = strtol(w, &end, 10);
	return *w && !*end && !errno && n >= 0 && n <= 255 ? (int32_t)n : -2;
}

static int parse_word(const char *w, struct vt_attr *a, int *bright, int *on)
{
	static const struct {
		const char *word;
		uint8_t flag;
	} flags[] = { { "bold", VT_BOLD }, { "underline", VT_UNDERLINE }, { "reverse", VT_REVERSE },
		{ "italic", VT_ITALIC } };
	int32_t c;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (!strcmp(w, flags[i].word)) {
			a->flags |= flags[i].flag;
			return 0;
		}
	}
	if (!strcmp(w, "normal"))
		return 0;
	if (!strcmp(w, "on") || !strcmp(w, "bright")) {
		*(w[0] == 'o' ? on : bright) = 1;
		return 0;
	}
	c = parse_color(w, *bright);
	if (c == -2)
		return -1;
	*(*on ? &a->bg : &a->fg) = c;
	*bright = *on = 0;
	return 0;
}

int theme_parse_style(const char *style, struct vt_attr *out, struct err *e)
{
	int bright = 0, on = 0;
	char word[32];

	*out = plain;
	while (*style) {
		size_t n = strcspn(style, " ");

		if (n >= sizeof(word))
			n = sizeof(word) - 1;
		memcpy(word, style, n);
		word[n] = '\0';
		if (n && parse_word(word, out, &bright, &on) < 0)
			return err_set(e, "bad_theme",
				"\"%s\" is no colour and no style; say bold, underline, reverse, 0..255, or a name like bright red",
				word);
		style += n;
		style += strspn(style, " ");
	}
	if (bright || on)
		return err_set(
			e, "bad_theme", "a colour is missing after \"%s\"", on ? "on" : "bright");
	return 0;
}

/* The style of the depth, or of the next poorer depth that has one; with none, plain. */
static int parse_role(
	const struct json *j, enum theme_depth depth, struct vt_attr *out, struct err *e)
{
	*out = plain;
	for (int d = (int)depth; d >= 0; d--) {
		const struct json *style = json_get(j, depth_names[d]);

		if (style)
			return theme_parse_style(json_to_str(style), out, e);
	}
	return 0;
}

static int role_find(const char *key)
{
	for (int r = 0; r < ROLE_COUNT; r++)
		if (!strcmp(role_names[r], key))
			return r;
	return -1;
}

int theme_parse(struct theme *t, const char *name, const char *text, size_t n,
	enum theme_depth depth, struct err *e)
{
	struct json *root = json_parse_relaxed(text, n, e);
	const struct json *c;
	int rc = -1;

	if (!root)
		return err_prefix(e, "theme %s", name);
	t->depth = depth;
	t->dim_selected = plain;
	for (int r = 0; r < ROLE_COUNT; r++)
		t->attr[r] = plain;
	for (c = json_first(json_get(root, "roles")); c; c = json_next(c)) {
		int r = role_find(json_key(c));
		struct vt_attr a;

		if (!strcmp(json_key(c), "dim.selected")) {
			if (parse_role(c, depth, &t->dim_selected, e) < 0)
				goto out;
			continue;
		}
		if (r < 0) {
			err_set(e, "bad_theme", "theme %s, line %d: there is no role \"%s\"", name,
				json_line_of_key(text, n, "roles", json_key(c)), json_key(c));
			goto out;
		}
		if (parse_role(c, depth, &a, e) < 0) {
			err_prefix(e, "theme %s, line %d", name,
				json_line_of_key(text, n, "roles", json_key(c)));
			goto out;
		}
		t->attr[r] = a;
	}
	rc = 0;
out:
	json_free(root);
	return rc;
}

static int load_file(struct buf *b, const char *name, struct err *e)
{
	char *config = fs_xdg_config(e);
	char *path;
	int rc;

	if (!config)
		return -1;
	path = xasprintf("%s/yolodeck/themes/%s.json", config, name);
	rc = fs_read(path, 1 << 20, b, e);
	free(path);
	free(config);
	return rc;
}

int theme_load(struct theme *t, const char *name, enum theme_depth depth, struct err *e)
{
	char asset_name[96];
	struct buf b = BUF_INIT;
	const struct asset *a;
	int rc;

	if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(name) ||
		strlen(name) > 64)
		return err_set(e, "bad_theme",
			"\"%.64s\" is no name of a theme; `yolodeck themes` lists them", name);
	if (load_file(&b, name, e) == 0) {
		rc = theme_parse(t, name, b.p, b.len, depth, e);
		buf_release(&b);
		return rc;
	}
	buf_release(&b);
	err_clear(e);
	snprintf(asset_name, sizeof(asset_name), "themes/%s.json", name);
	a = asset_find(asset_name);
	if (!a)
		return err_set(
			e, "bad_theme", "there is no theme %s; `yolodeck themes` lists them", name);
	return theme_parse(t, name, (const char *)a->data, a->len, depth, e);
}

/* More than 256 means direct colour, where palette numbers mean other things: only the first eight
 * are safe there. */
enum theme_depth theme_depth_of(int colors, const char *no_color)
{
	if ((no_color && *no_color) || colors < 8)
		return DEPTH_MONO;
	return colors == 256 ? DEPTH_256 : DEPTH_16;
}

static int cube_level(int v)
{
	return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40;
}

static int32_t rgb_to_256(int r, int g, int b)
{
	static const int level[] = { 0, 95, 135, 175, 215, 255 };
	int cr = cube_level(r), cg = cube_level(g), cb = cube_level(b);
	int gray = (r + g + b) / 3, gi = gray > 238 ? 23 : gray < 8 ? 0 : (gray - 3) / 10;
	int gv = 8 + 10 * gi;
	int dc = abs(level[cr] - r) + abs(level[cg] - g) + abs(level[cb] - b);
	int dg = abs(gv - r) + abs(gv - g) + abs(gv - b);

	return dg < dc ? 232 + gi : 16 + 36 * cr + 6 * cg + cb;
}

static int32_t c256_to_rgb(int32_t c)
{
	static const int level[] = { 0, 95, 135, 175, 215, 255 };

	if (c >= 232)
		return (8 + 10 * (c - 232)) * 0x010101;
	c -= 16;
	return level[c / 36] << 16 | level[c / 6 % 6] << 8 | level[c % 6];
}

static int32_t rgb_to_16(int32_t rgb)
{
	int r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255;
	int max = r > g ? (r > b ? r : b) : (g > b ? g : b);
	int half = max / 2 > 48 ? max / 2 : 48;
	int bits = (r > half) | (g > half) << 1 | (b > half) << 2;

	if (bits == 0)
		return max > 64 ? 8 : 0;
	if (bits == 7 && max < 200)
		return max < 140 ? 8 : 7;
	return bits + (max > 200 ? 8 : 0);
}

int32_t theme_map_color(int32_t c, enum theme_depth depth)
{
	if (c < 0)
		return c;
	if (depth == DEPTH_MONO)
		return -1;
	if (c >= 0x1000000) {
		if (depth == DEPTH_256)
			return rgb_to_256(c >> 16 & 255, c >> 8 & 255, c & 255);
		return rgb_to_16(c & 0xffffff);
	}
	if (depth == DEPTH_16 && c >= 16)
		return rgb_to_16(c256_to_rgb(c));
	return c;
}
