/* theme.h - roles in the code, colours in theme files (themes/NAME.json, embedded;
 * $XDG_CONFIG_HOME/yolodeck/themes first).
 *
 * A theme file is JSON with comments: "roles": { ROLE: { "256": STYLE, "16": STYLE, "mono": STYLE }
 * }. A STYLE is words: "bold", "underline", "reverse", a colour (0..255, "default", "red", "bright
 * red" ...), "on" and a colour. A depth that is missing takes the next poorer one; a role that is
 * missing is plain text. */
#ifndef UI_THEME_H
#define UI_THEME_H

#include "base/err.h"
#include "base/vt.h"

enum role {
	ROLE_TEXT,
	ROLE_STRONG,
	ROLE_ACCENT,
	ROLE_PASSED,
	ROLE_FAILED,
	ROLE_ATTENTION,
	ROLE_DIM,
	ROLE_RULE,
	ROLE_SELECT,
	ROLE_BEST,
	ROLE_STDERR,
	ROLE_MATCH,
	ROLE_COUNT
};
enum theme_depth { DEPTH_MONO, DEPTH_16, DEPTH_256 };

struct theme {
	enum theme_depth depth;
	struct vt_attr attr[ROLE_COUNT];
	struct vt_attr dim_selected; /* dim on the selection's background */
};

const char *theme_role_name(enum role r);
/* "bold 221 on 238" -> attribute; -1 with the word that is not understood. */
int theme_parse_style(const char *style, struct vt_attr *out, struct err *e);
/* Reads a theme's text; unknown roles are refused by name and line. */
int theme_parse(struct theme *t, const char *name, const char *text, size_t n,
	enum theme_depth depth, struct err *e);
/* By name ("default", "mono"). */
int theme_load(struct theme *t, const char *name, enum theme_depth depth, struct err *e);
/* Depth from what the terminal says (terminfo colors) and NO_COLOR. */
enum theme_depth theme_depth_of(int colors, const char *no_color);
/* Foreign colours (24-bit, 256) brought to what the depth has. */
int32_t theme_map_color(int32_t c, enum theme_depth depth);

#endif
