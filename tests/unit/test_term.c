/* test_term.c - frames on a terminal that takes them slowly: all of each arrives. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "ui/term.h"

enum { H = 60, W = 200, FRAMES = 3 };

/* Every cell of every frame differs from the frame before, so each is more than a pty holds. */
static void draw(struct canvas *c, int frame)
{
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			char text[2] = { (char)('a' + (x + y + frame) % 26), 0 };

			canvas_put(c, y, x, 1, ROLE_TEXT, text);
		}
	canvas_putf(c, H - 1, W - 8, 8, ROLE_TEXT, "<end %d>", frame);
}

static void show_frames(const char *slave)
{
	struct winsize size = { .ws_row = H, .ws_col = W };
	struct err e = ERR_INIT;
	struct theme theme;
	struct canvas c;
	int fd;

	setsid();
	fd = open(slave, O_RDWR);
	ioctl(fd, TIOCSWINSZ, &size);
	fcntl(fd, F_SETFL, O_NONBLOCK); /* what another program on it may have done */
	dup2(fd, 0);
	dup2(fd, 1);
	setenv("TERM", "xterm-256color", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	if (term_open(&e) || theme_load(&theme, "default", DEPTH_256, &e))
		_exit(1);
	term_set_theme(&theme);
	canvas_init(&c, &theme);
	canvas_resize(&c, H, W);
	for (int i = 0; i < FRAMES; i++) {
		draw(&c, i);
		term_show(&c);
	}
	term_close();
	canvas_release(&c);
	_exit(0);
}

static void test_slow_terminal(void **state)
{
	char b[700], slave[64];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status = -1;
	struct pollfd p = { .fd = master, .events = POLLIN };
	struct buf seen = BUF_INIT;
	size_t frames = 0;
	pid_t pid;
	ssize_t n;

	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	assert_int_equal(ptsname_r(master, slave, sizeof(slave)), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		show_frames(slave);
	while (poll(&p, 1, 30000) > 0 && (n = read(master, b, sizeof(b))) > 0)
		buf_add(&seen, b, (size_t)n);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (char *at = seen.p; (at = strstr(at, "<end ")); at++)
		frames++;
	assert_int_equal(frames, FRAMES);
	assert_true(seen.len > (size_t)FRAMES * H * W);
	buf_release(&seen);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_slow_terminal) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
