/* ptymeter.c - measures a full-screen program from the other side of its terminal: first frame, key
 * to screen, line to screen.
 *
 * ptymeter COLSxROWS first PATTERN -- CMD...
 *          ms from exec until PATTERN was drawn (then SIGTERM)
 * ptymeter COLSxROWS keys N OPEN PATTERN CLOSE READY -- CMD...
 *          once READY was drawn, N times: write the key OPEN, wait for PATTERN, write CLOSE; prints
 * the N times in ms ptymeter COLSxROWS lines FILE N READY -- CMD... once READY was drawn, N times:
 * write a line of one repeated letter into the fifo FILE (a reader inside a variant prints it),
 * wait until it was drawn; prints the N times in ms A time is one number a line on stdout. Exit 1
 * when something was not drawn within 20 s. TERM must have no `rep` (screen-256color). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_MS = 20000, KEEP = 1 << 16, RUN = 24 };

static struct {
	int fd;
	pid_t pid;
	char seen[KEEP + 1]; /* what was drawn since the last mark, newest KEEP bytes */
	size_t n;
} term;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void mark(void)
{
	term.n = 0;
	term.seen[0] = 0;
}

static void keep(const char *p, size_t n)
{
	if (n > KEEP) {
		p += n - KEEP;
		n = KEEP;
	}
	if (term.n + n > KEEP) {
		size_t drop = term.n + n - KEEP;

		memmove(term.seen, term.seen + drop, term.n - drop);
		term.n -= drop;
	}
	memcpy(term.seen + term.n, p, n);
	term.n += n;
	term.seen[term.n] = 0;
}

/* Reads what the program draws for at most ms; 0 = the program is gone. */
static int take(int ms)
{
	struct pollfd p = { .fd = term.fd, .events = POLLIN };
	char b[65536];
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return 1;
	n = read(term.fd, b, sizeof b);
	if (n <= 0)
		return 0;
	for (ssize_t i = 0; i < n; i++)
		if (!b[i])
			b[i] = ' ';
	keep(b, (size_t)n);
	return 1;
}

static int wait_drawn(const char *pattern)
{
	double end = now_ms() + LIMIT_MS;

	while (!strstr(term.seen, pattern)) {
		if (now_ms() > end || !take(50)) {
			fprintf(stderr, "ptymeter: not drawn: %s\n", pattern);
			return -1;
		}
	}
	return 0;
}

/* Lets what is being drawn finish: quiet for 30 ms. Under a flood that never comes, so at most 200
 * ms. */
static void settle(void)
{
	double end = now_ms() + 200;

	for (;;) {
		size_t before = term.n;

		if (!take(30) || now_ms() > end || term.n == before)
			return;
	}
}

static void start(const char *size, char **cmd)
{
	struct winsize ws = { 24, 80, 0, 0 };

	if (sscanf(size, "%hux%hu", &ws.ws_col, &ws.ws_row) != 2)
		exit(2);
	term.pid = forkpty(&term.fd, NULL, NULL, &ws);
	if (term.pid < 0)
		exit(2);
	if (term.pid == 0) {
		execvp(cmd[0], cmd);
		_exit(127);
	}
}

static void stop(void)
{
	int st;

	kill(term.pid, SIGTERM);
	for (int i = 0; i < 100 && waitpid(term.pid, &st, WNOHANG) == 0; i++)
		take(20);
	kill(term.pid, SIGKILL);
}

static int key(const char *k)
{
	return write(term.fd, k, strlen(k)) == (ssize_t)strlen(k) ? 0 : -1;
}

static int keys(char **a)
{
	int n = (int)strtol(a[0], NULL, 10);

	if (wait_drawn(a[4]) < 0)
		return 1;
	for (int i = 0; i < n; i++) {
		double t0;

		settle();
		mark();
		t0 = now_ms();
		if (key(a[1]) < 0 || wait_drawn(a[2]) < 0)
			return 1;
		printf("%.3f\n", now_ms() - t0);
		settle();
		mark();
		if (key(a[3]) < 0)
			return 1;
	}
	return 0;
}

static int lines(char **a)
{
	int n = (int)strtol(a[1], NULL, 10);
	int fd = open(a[0], O_WRONLY | O_CLOEXEC);

	if (fd < 0 || wait_drawn(a[2]) < 0)
		return 1;
	for (int i = 0; i < n; i++) {
		char line[RUN + 2], want[RUN + 1];
		double t0;

		memset(line, 'A' + i % 26, RUN);
		line[RUN] = '\n';
		line[RUN + 1] = 0;
		memcpy(want, line, RUN);
		want[RUN] = 0;
		settle();
		mark();
		t0 = now_ms();
		if (write(fd, line, RUN + 1) != RUN + 1 || wait_drawn(want) < 0)
			return 1;
		printf("%.3f\n", now_ms() - t0);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int split = 0, rc = 2;
	double t0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--")) {
			split = i;
			break;
		}
	}
	if (split < 4 || split + 1 >= argc)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	t0 = now_ms();
	start(argv[1], argv + split + 1);
	if (!strcmp(argv[2], "first")) {
		rc = wait_drawn(argv[3]) < 0;
		if (!rc)
			printf("%.3f\n", now_ms() - t0);
	} else if (!strcmp(argv[2], "keys") && split == 8) {
		rc = keys(argv + 3);
	} else if (!strcmp(argv[2], "lines") && split == 6) {
		rc = lines(argv + 3);
	}
	stop();
	return rc;
}
