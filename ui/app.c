/* app.c - opens the deck, waits, draws, leaves.
 *
 * One poll(2) over terminal, signals, conductor and inotify, and one deadline. Nothing is drawn and
 * nothing wakes up when nothing changed: the deadline is the earliest of what really has one (a
 * running row's clock, a message's end, half a key). inotify is left out of the poll until 16 ms
 * after the last frame began to be due, so a flood of writes costs frames, not wake-ups. */
#include "ui/app.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "ui/action.h"
#include "ui/conn.h"
#include "ui/dialog.h"
#include "ui/draw.h"
#include "ui/keymap.h"
#include "ui/log_watch.h"
#include "ui/message.h"
#include "ui/prompt.h"
#include "ui/state.h"
#include "ui/term.h"

enum {
	FRAME_MS = 34,
	KEY_FRAME_MS = 4,
	MASK_MS = 16,
	TICK_MS = 1000,
	ESC_MS = 25,
	ESC_SSH_MS = 100,
	STATUS_MS = 1000
};
enum { FD_TTY, FD_SIGNAL, FD_CLIENT, FD_FILES, FD_COUNT };

/* Mono ms before which no frame is drawn. */
static int64_t frame_due(const struct deck *d)
{
	int64_t t = d->last_frame + (d->urgent ? KEY_FRAME_MS : FRAME_MS);

	return t > d->answer_due ? t : d->answer_due;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/* Mono ms of the next thing that must happen by itself; -1 = nothing. */
static int64_t deadline(struct deck *d, int64_t now)
{
	int64_t t = input_deadline(&d->input);

	if (d->dirty)
		t = earlier(t, frame_due(d));
	if (state_ticks(d))
		t = earlier(t, d->last_tick + TICK_MS);
	if (d->message_until > 0 && d->nmessage)
		t = earlier(t, d->message_until);
	if (d->order_due)
		t = earlier(t, d->order_due);
	if (d->note_due)
		t = earlier(t, d->note_due);
	if (d->retry_ms && !d->client)
		t = earlier(t, d->retry_ms);
	return t < 0 ? -1 : t > now ? t : now;
}

static void on_signal(struct deck *d)
{
	switch (term_signal()) {
	case TERM_RESIZE:
		d->dirty = d->urgent = true;
		break;
	case TERM_STOP:
		term_stop();
		d->dirty = d->urgent = true;
		break;
	case TERM_LEAVE:
		d->quit = true;
		break;
	default:
		break;
	}
}

static void on_paste(struct deck *d)
{
	if (d->prompt.kind == PROMPT_COMMAND)
		prompt_key(d, KEY_PASTE);
	else
		message_add(d, true, "paste ignored (%zu character%s)", d->input.paste_len,
			d->input.paste_len == 1 ? "" : "s");
}

static void on_key(struct deck *d, int32_t key)
{
	const struct action *a;

	if (key == KEY_SYNC_YES) {
		term_sync_on();
		return;
	}
	if (key == KEY_STATUS)
		d->answer_due = 0;
	if (key == KEY_WIDE_RULES && glyph_mode() == GLYPH_FULL && !getenv("YOLODECK_GLYPHS")) {
		glyph_set_mode(GLYPH_SAFE);
		term_redraw();
		d->dirty = d->urgent = true;
	}
	if (key == KEY_UNKNOWN || key == KEY_STATUS || key == KEY_WIDE_RULES)
		return;
	d->urgent = true;
	state_key(d);
	if (key == KEY_PASTE) {
		on_paste(d);
		return;
	}
	message_key(d);
	if (prompt_key(d, key) || dialog_key(d, key))
		return;
	a = keymap_find(action_context(d), key);
	if (!a) {
		d->digit = 0;
		return;
	}
	a->run(d, key, a->arg);
	d->dirty = true;
}

static void read_keys(struct deck *d)
{
	char b[4096];
	ssize_t n = term_read(b, sizeof(b));
	int32_t key;

	if (n < 0) {
		d->quit = true;
		return;
	}
	if (n > 0)
		input_feed(&d->input, b, (size_t)n, clock_mono_ms());
	while (!d->quit && !d->discard_typeahead &&
		(key = input_next(&d->input, clock_mono_ms())) != KEY_NONE)
		on_key(d, key);
}

/* A question is on the screen now: what was typed before it could be read is no answer. */
static void discard_typeahead(struct deck *d)
{
	char b[4096];

	d->discard_typeahead = false;
	d->answer_due = 0; /* its answer is dropped with the rest */
	term_flush_input();
	while (term_read(b, sizeof(b)) > 0)
		;
	input_discard(&d->input);
}

static void draw_if_due(struct deck *d)
{
	int64_t now = clock_mono_ms();
	bool was_discard = d->discard_typeahead;

	if (!d->dirty || (!was_discard && now < frame_due(d)))
		return;
	d->dirty = d->urgent = false;
	d->last_frame = now;
	draw_frame(d);
	if (d->slow_link && term_ask_status())
		d->answer_due = now + STATUS_MS;
	if (was_discard)
		discard_typeahead(d);
}

static void run_timers(struct deck *d)
{
	int64_t now = clock_mono_ms();

	if (state_ticks(d))
		state_tick(d);
	if (d->message_until > 0 && now >= d->message_until) {
		d->message_until = -1;
		d->dirty = true;
	}
	if (d->order_due && now >= d->order_due) {
		state_order(d, true);
		d->dirty = true;
	}
	if (d->note_due && now >= d->note_due) {
		d->note_due = 0;
		d->dirty = true;
	}
	conn_retry(d);
}

static void wait_and_take(struct deck *d)
{
	int64_t now = clock_mono_ms(), until = deadline(d, now);
	bool files = now - d->last_frame >= MASK_MS && !d->dirty;
	struct pollfd fds[FD_COUNT] = {
		[FD_TTY] = { .fd = STDIN_FILENO, .events = POLLIN },
		[FD_SIGNAL] = { .fd = term_signal_fd(), .events = POLLIN },
		[FD_CLIENT] = { .fd = conn_fd(d), .events = POLLIN },
		[FD_FILES] = { .fd = files ? d->inotify : -1, .events = POLLIN },
	};

	if (d->client && client_wants_write(d->client))
		fds[FD_CLIENT].events |= POLLOUT;
	if (!files && !d->dirty)
		until = earlier(until, d->last_frame + MASK_MS);
	if (poll(fds, FD_COUNT, until < 0 ? -1 : (int)(until - now)) < 0)
		return;
	if (fds[FD_SIGNAL].revents)
		on_signal(d);
	if (fds[FD_CLIENT].revents && d->client)
		conn_pump(d);
	if (fds[FD_FILES].revents)
		log_watch_read(d);
	if (fds[FD_TTY].revents || input_deadline(&d->input) >= 0)
		read_keys(d);
}

static void pick_theme(struct deck *d)
{
	const char *name = getenv("YOLODECK_THEME");
	struct err e = ERR_INIT;

	glyph_set_mode(glyph_mode_parse(getenv("YOLODECK_GLYPHS"), term_utf8()));
	if (theme_load(&d->theme, name && *name ? name : "default", term_depth(), &e) < 0) {
		message_add(d, true, "%s", e.msg);
		err_clear(&e);
		theme_load(&d->theme, "default", term_depth(), &e);
	}
	term_set_theme(&d->theme);
	if (glyph_mode() == GLYPH_FULL)
		term_probe_width();
}

static char *project_name(const char *common)
{
	const char *base = fs_basename(common);
	char *dir, *name;
	size_t n = strlen(base);

	if (strcmp(base, ".git")) {
		if (n > 4 && !strcmp(base + n - 4, ".git"))
			n -= 4;
		return xstrndup(base, n);
	}
	dir = fs_dirname(common);
	name = xstrdup(fs_basename(dir));
	free(dir);
	return name;
}

static void run_loop(struct deck *d)
{
	d->dirty = d->urgent = true;
	while (!d->quit) {
		draw_if_due(d);
		wait_and_take(d);
		run_timers(d);
	}
}

static int print_error(const struct err *e, int code)
{
	char msg[2100];

	fprintf(stderr, "yolodeck: %s\n", vt_clean_str(e->msg, msg, sizeof(msg)));
	return code;
}

static void release_deck(struct deck *d)
{
	dialog_close(d);
	prompt_close(d);
	buf_release(&d->prompt.text);
	state_release(d);
	rows_release(&d->rows);
	client_free(d->client);
	client_dial_free(d->dial);
	message_release(d);
	input_release(&d->input);
	canvas_release(&d->canvas);
	json_free(d->show);
	if (d->inotify >= 0)
		close(d->inotify);
	store_release(&d->store);
	free(d->project);
	free(d->head);
}

int app_main(const char *common_dir, const char *top, int race)
{
	struct deck d = { .race = race,
		.top = top ? top : "",
		.times = true,
		.message_until = -1,
		.inotify = -1 };
	struct err e = ERR_INIT;
	int code = 3;

	rows_init(&d.rows);
	buf_init(&d.prompt.text);
	d.slow_link = getenv("SSH_CONNECTION") != NULL;
	input_init(&d.input, d.slow_link ? ESC_SSH_MS : ESC_MS);
	canvas_init(&d.canvas, &d.theme);
	if (store_open(&d.store, common_dir, true, &e) < 0) {
		code = 1;
		goto out;
	}
	d.project = project_name(d.store.common);
	d.inotify = log_watch_open(&e);
	if (d.inotify < 0 || conn_open(&d, &e) < 0)
		goto out;
	code = 1;
	if (term_open(&e) < 0)
		goto out;
	pick_theme(&d);
	if (race && !rows_race(&d.rows, race))
		message_add(&d, true, "there is no race %d; this is the newest", race);
	state_sync(&d);
	run_loop(&d);
	term_close();
	code = d.exit;
out:
	release_deck(&d);
	return e.msg[0] ? print_error(&e, code) : code;
}
