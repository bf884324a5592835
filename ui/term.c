/* term.c - curses for output, plain read(2) for input, signalfd for signals.
 *
 * Curses writes at every cursor move, about a hundred times a frame, and a terminal may show each
 * piece. So it is given a file in memory; what one frame leaves there goes to the terminal in one
 * write. The terminal's modes are therefore ours to set. */
#include "ui/term.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/utf8.h"

static struct {
	bool open, utf8, sync, modern;
	SCREEN *screen;
	FILE *frame; /* where curses writes: a file in memory */
	struct buf bytes; /* of the frame on its way out */
	struct termios saved;
	struct canvas shown; /* what the terminal has */
	const struct theme *theme;
	enum theme_depth depth;
	int signals;
	int flags; /* of the terminal's descriptor while it is lent */
	char restore[256]; /* bytes that put the screen back, for the crash handler */
	size_t restore_len;
	sigset_t old_mask;
} term = { .signals = -1 };

static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

/* Only write(2), tcsetattr and raise: this runs in a process that is already broken. */
static void on_crash(int sig)
{
	if (term.open) {
		ssize_t ignored = write(STDOUT_FILENO, term.restore, term.restore_len);

		(void)ignored;
		tcsetattr(STDIN_FILENO, TCSANOW, &term.saved);
	}
	raise(sig);
}

/* To the terminal, whole. Another program may have made it non-blocking. What is on the screen
 * after a failed write is not known, so the next frame is sent whole. */
static void write_terminal(const char *p, size_t n)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	while (n > 0) {
		ssize_t sent = write(STDOUT_FILENO, p, n);

		if (sent > 0) {
			p += sent;
			n -= (size_t)sent;
		} else if (sent < 0 && errno == EAGAIN) {
			poll(&fd, 1, -1);
		} else if (sent < 0 && errno != EINTR) {
			term_redraw();
			return;
		}
	}
}

static void send_bytes(const char *s)
{
	write_terminal(s, strlen(s));
}

/* What curses wrote since the last call, as one block; wrapped in synchronised output where the
 * terminal has it. */
static void flush_frame(void)
{
	int fd = fileno(term.frame);
	off_t n = lseek(fd, 0, SEEK_CUR);

	if (n <= 0)
		return;
	buf_clear(&term.bytes);
	if (term.sync)
		buf_str(&term.bytes, "\033[?2026h");
	buf_reserve(&term.bytes, (size_t)n);
	n = pread(fd, term.bytes.p + term.bytes.len, (size_t)n, 0);
	term.bytes.len += n > 0 ? (size_t)n : 0;
	if (term.sync)
		buf_str(&term.bytes, "\033[?2026l");
	write_terminal(term.bytes.p, term.bytes.len);
	if (lseek(fd, 0, SEEK_SET) != 0 || ftruncate(fd, 0) < 0)
		bug("the file in memory cannot be emptied");
}

static void add_restore(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	if (!s || s == (char *)-1 || term.restore_len + n >= sizeof(term.restore))
		return;
	memcpy(term.restore + term.restore_len, s, n);
	term.restore_len += n;
}

static void prepare_restore(void)
{
	term.restore_len = 0;
	if (term.modern)
		add_restore("\033[?2026l\033[?2004l");
	add_restore(tigetstr("sgr0"));
	add_restore(tigetstr("rmcup"));
	add_restore(tigetstr("cnorm"));
}

static void take_signals(void)
{
	struct sigaction crash = { .sa_handler = on_crash,
		.sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, &term.old_mask);
	term.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	for (size_t i = 0; i < ARRAY_LEN(crash_signals); i++)
		sigaction(crash_signals[i], &crash, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

/* Names of terminals that swallow a mode report or a bracket they do not know without printing it.
 */
static bool is_modern(const char *name)
{
	static const char *const known[] = { "xterm", "tmux", "screen", "alacritty", "foot",
		"kitty", "wezterm", "rxvt", "st-", "ghostty", "contour", "vte", "konsole", "gnome",
		"iterm", "mintty" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strncmp(name, known[i], strlen(known[i])))
			return true;
	return false;
}

static void enter_modes(void)
{
	struct termios t = term.saved;

	/* Signals stay (ctrl-c, ctrl-z); Enter is \r; nothing is echoed; output is not touched. */
	t.c_lflag &= (tcflag_t) ~(ICANON | ECHO | ECHONL);
	t.c_iflag &= (tcflag_t) ~(ICRNL | INLCR | IGNCR);
	t.c_oflag &= (tcflag_t) ~(ONLCR | TAB3);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
	if (term.modern)
		send_bytes("\033[?2004h\033[?2026$p");
}

static int open_frame(struct err *e)
{
	int fd = memfd_create("frame", MFD_CLOEXEC);

	term.frame = fd < 0 ? NULL : fdopen(fd, "w");
	if (!term.frame)
		return err_sys(e, "internal", "no file in memory for the screen");
	buf_init(&term.bytes);
	return 0;
}

int term_open(struct err *e)
{
	const char *name = getenv("TERM");
	int colors;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, "no_terminal",
			"The deck needs a terminal; `yolodeck ls` and `yolodeck log` work without one.");
	tcgetattr(STDIN_FILENO, &term.saved);
	setlocale(LC_CTYPE, "");
	term.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (open_frame(e) < 0)
		return -1;
	term.screen =
		name && *name && strcmp(name, "dumb") ? newterm(NULL, term.frame, stdin) : NULL;
	/* a terminal of today whose entry is not installed here, as over ssh */
	if (!term.screen && name && is_modern(name))
		term.screen = newterm("xterm-256color", term.frame, stdin);
	if (!term.screen)
		return err_set(e, "no_terminal",
			"The terminal \"%s\" (TERM) is not known here or cannot move its cursor; `yolodeck ls` works on it.",
			name ? name : "");
	term.modern = is_modern(name);
	prepare_restore();
	take_signals();
	colors = has_colors() ? (start_color(), COLORS) : 0;
	if (colors)
		use_default_colors();
	term.depth = theme_depth_of(colors, getenv("NO_COLOR"));
	term.open = true;
	atexit(term_close);
	canvas_init(&term.shown, NULL);
	nonl();
	typeahead(-1);
	enter_modes();
	curs_set(0);
	flush_frame();
	return 0;
}

/* Without a second screen to come back from, the shell's prompt will stand on the last line. */
static void leave_screen(void)
{
	if (term.modern)
		send_bytes("\033[?2004l");
	if (!exit_ca_mode) {
		move(LINES - 1, 0);
		clrtoeol();
		refresh();
	}
	curs_set(1);
	endwin();
	flush_frame();
}

void term_close(void)
{
	if (!term.open)
		return;
	term.open = false;
	leave_screen();
	delscreen(term.screen);
	fclose(term.frame);
	buf_release(&term.bytes);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &term.saved);
	close(term.signals);
	term.signals = -1;
	canvas_release(&term.shown);
	sigprocmask(SIG_SETMASK, &term.old_mask, NULL);
}

enum theme_depth term_depth(void)
{
	return term.depth;
}

bool term_utf8(void)
{
	return term.utf8;
}

void term_size(int *h, int *w)
{
	struct winsize ws = { 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
	*h = ws.ws_row ? ws.ws_row : 24;
	*w = ws.ws_col ? ws.ws_col : 80;
}

int term_signal_fd(void)
{
	return term.signals;
}

enum term_signal term_signal(void)
{
	struct signalfd_siginfo si;

	if (read(term.signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return TERM_NONE;
	if (si.ssi_signo == SIGWINCH)
		return TERM_RESIZE;
	return si.ssi_signo == SIGTSTP ? TERM_STOP : TERM_LEAVE;
}

/* What a program may have left behind: half a sequence, margins, modes of mouse and keys, colours.
 * The screen itself is drawn again; the cursor stays where it is, because leaving the deck goes
 * back to it. */
static const char UNDO_FOREIGN[] =
	"\033\\\030\033(B\017\033[m\0337\033[?69l\033[r\0338"
	"\033[?9l\033[?1000l\033[?1001l\033[?1002l\033[?1003l\033[?1004l\033[?1005l\033[?1006l\033[?1015l\033[?1016l"
	"\033[?2026l\033[?1l\033>\033[4l\033[20l\033[?5l\033[?7h\033[>4;0m\033[=0;1u\033[0 q"
	"\033]104\033\\\033]110\033\\\033]111\033\\\033]112\033\\";

/* A shell that was killed may have kept the terminal for its own jobs, and any program may have
 * made it non-blocking. */
static void reclaim(void)
{
	void (*was)(int) = signal(SIGTTOU, SIG_IGN);

	if (tcgetpgrp(STDIN_FILENO) != getpgrp())
		tcsetpgrp(STDIN_FILENO, getpgrp());
	signal(SIGTTOU, was);
	if (term.flags >= 0)
		fcntl(STDIN_FILENO, F_SETFL, term.flags);
	if (term.modern)
		send_bytes(UNDO_FOREIGN);
}

void term_lend(void)
{
	term.flags = fcntl(STDIN_FILENO, F_GETFL);
	leave_screen();
	tcsetattr(STDIN_FILENO, TCSADRAIN, &term.saved);
}

void term_take_back(void)
{
	reclaim();
	enter_modes();
	term_redraw();
	while (term_signal() != TERM_NONE) /* ctrl-c was meant for the program */
		;
}

void term_stop(void)
{
	term_lend();
	raise(SIGSTOP);
	enter_modes();
	term_redraw();
}

ssize_t term_read(char *p, size_t n)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t got;

	if (poll(&fd, 1, 0) <= 0)
		return 0;
	got = read(STDIN_FILENO, p, n);
	if (got > 0)
		return got;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

void term_flush_input(void)
{
	tcflush(STDIN_FILENO, TCIFLUSH);
}

void term_set_theme(const struct theme *t)
{
	term.theme = t;
}

/* Bright colours on a terminal of eight are the plain ones, bold. */
static int color_of(int32_t c, attr_t *attr)
{
	c = theme_map_color(c, term.depth);
	if (c >= 8 && COLORS < 16) {
		*attr |= A_BOLD;
		c -= 8;
	}
	return c;
}

static attr_t attr_of(const struct vt_attr *a, int *pair)
{
	static int32_t last_fg = -1, last_bg = -1;
	static int last_pair;
	attr_t out = A_NORMAL;
	int32_t fg = a->fg, bg = a->bg;

	if (a->flags & VT_DIM && fg < 0 && term.theme)
		fg = term.theme->attr[ROLE_DIM].fg;
	fg = color_of(fg, &out);
	bg = bg < 0 ? -1 : color_of(bg, &(attr_t){ 0 });
	if (a->flags & VT_BOLD)
		out |= A_BOLD;
	if (a->flags & VT_UNDERLINE)
		out |= A_UNDERLINE;
	if (a->flags & VT_REVERSE)
		out |= A_REVERSE;
	if (a->flags & VT_ITALIC)
		out |= A_ITALIC;
	*pair = 0;
	if (fg >= 0 || bg >= 0) {
		if (fg != last_fg || bg != last_bg || last_pair <= 0) {
			last_pair = alloc_pair(fg, bg);
			last_fg = fg;
			last_bg = bg;
		}
		*pair = last_pair > 0 ? last_pair : 0;
	}
	return out;
}

/* What the C library thinks of a character's width decides where curses puts the next one; where it
 * disagrees, a stand-in. */
static void show_cell(int y, int x, const struct vt_cell *c)
{
	wchar_t text[5] = { 0 };
	cchar_t cc;
	int pair, n = 0;
	attr_t attr = attr_of(&c->attr, &pair);
	bool known = c->cp < 0x80 || (term.utf8 && wcwidth((wchar_t)c->cp) == c->width);

	text[n++] = known ? (wchar_t)c->cp : term.utf8 ? 0xfffd : L'?';
	for (int m = 0; known && m < 3 && c->comb[m]; m++)
		if (term.utf8 && wcwidth((wchar_t)c->comb[m]) == 0)
			text[n++] = (wchar_t)c->comb[m];
	if (setcchar(&cc, text, attr, 0, &pair) == OK)
		mvadd_wch(y, x, &cc);
	if (!known && c->width == 2) {
		text[0] = L' ';
		text[1] = 0;
		if (setcchar(&cc, text, attr, 0, &pair) == OK)
			mvadd_wch(y, x + 1, &cc);
	}
}

static void show_row(const struct canvas *c, int y)
{
	for (int x = 0; x < c->w; x++) {
		const struct vt_cell *cell = &c->cell[y * c->w + x];

		if (cell->width)
			show_cell(y, x, cell);
	}
}

void term_show(const struct canvas *c)
{
	size_t row = (size_t)c->w * sizeof(*c->cell);
	bool all = c->h != term.shown.h || c->w != term.shown.w;
	bool changed =
		all || c->cursor_y != term.shown.cursor_y || c->cursor_x != term.shown.cursor_x;

	if (all) {
		resizeterm(c->h, c->w);
		canvas_resize(&term.shown, c->h, c->w);
		clear();
	}
	for (int y = 0; y < c->h; y++) {
		struct vt_cell *old = term.shown.cell + y * c->w;

		if (!all && !memcmp(old, c->cell + y * c->w, row))
			continue;
		show_row(c, y);
		memcpy(old, c->cell + y * c->w, row);
		changed = true;
	}
	if (!changed)
		return;
	term.shown.cursor_y = c->cursor_y;
	term.shown.cursor_x = c->cursor_x;
	if (c->cursor_y >= 0) {
		move(c->cursor_y, c->cursor_x);
		curs_set(1);
	} else {
		curs_set(0);
	}
	wnoutrefresh(stdscr);
	doupdate();
	flush_frame();
}

void term_probe_width(void)
{
	if (term.modern && term.utf8)
		send_bytes("\033[1;1H\xe2\x94\x80\033[6n");
}

void term_sync_on(void)
{
	term.sync = true;
}

bool term_ask_status(void)
{
	if (term.modern)
		send_bytes("\033[5n");
	return term.modern;
}

void term_redraw(void)
{
	clearok(curscr, TRUE);
	term.shown.h = 0;
}

void term_bell(void)
{
	send_bytes("\a");
}
