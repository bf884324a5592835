/* logmeter.c - measures what comes into the logs on the host; for the bench.
 *
 * logmeter lag SECONDS LOG...   milliseconds from each time stamp of `emit stamps` to the byte in
 * its log, a line each logmeter rate BYTES LOG...    MB/s of all logs together, from the first byte
 * to the one that makes each BYTES long */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOGS = 64, STAMP = 20, PATIENCE = 30 };

static struct {
	int fd;
	off_t at;
} logs[LOGS];
static int count, watcher;

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void open_logs(int n, char **paths)
{
	watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (; count < n && count < LOGS; count++) {
		logs[count].fd = open(paths[count], O_RDONLY | O_CLOEXEC);
		if (logs[count].fd < 0 || inotify_add_watch(watcher, paths[count], IN_MODIFY) < 0) {
			fprintf(stderr, "logmeter: %s: %s\n", paths[count], strerror(errno));
			exit(1);
		}
	}
}

static void wait_change(void)
{
	struct pollfd f = { watcher, POLLIN, 0 };
	char events[8192];

	poll(&f, 1, 50);
	while (read(watcher, events, sizeof events) > 0)
		continue;
}

/* The stamps that are new in a log. */
static void take_stamps(int i)
{
	char line[STAMP + 1] = "";

	while (pread(logs[i].fd, line, STAMP, logs[i].at) == STAMP) {
		printf("%.2f\n", (double)(now_ns(CLOCK_REALTIME) - strtoll(line, NULL, 10)) / 1e6);
		logs[i].at += STAMP;
	}
}

static void lag(long seconds)
{
	int64_t end = now_ns(CLOCK_MONOTONIC) + seconds * 1000000000;

	for (int i = 0; i < count; i++)
		logs[i].at = lseek(logs[i].fd, 0, SEEK_END) / STAMP * STAMP;
	while (now_ns(CLOCK_MONOTONIC) < end) {
		wait_change();
		for (int i = 0; i < count; i++)
			take_stamps(i);
	}
}

static void rate(off_t bytes)
{
	int64_t begin = 0, last = 0, now;
	off_t had = -1, sum = 0;

	for (int full = 0; full < count;) {
		struct stat st;

		wait_change();
		now = now_ns(CLOCK_MONOTONIC);
		sum = full = 0;
		for (int i = 0; i < count && fstat(logs[i].fd, &st) == 0; i++) {
			sum += st.st_size;
			full += st.st_size >= bytes;
		}
		if (sum > had)
			last = now;
		begin = begin || sum == 0 ? begin : now;
		had = sum;
		if (last && now - last > PATIENCE * (int64_t)1000000000)
			break;
	}
	printf("%.1f\n", last > begin ? (double)sum / 1e6 / ((double)(last - begin) / 1e9) : 0.0);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	long long n = strtoll(argv[2], NULL, 10);
	open_logs(argc - 3, argv + 3);
	if (!strcmp(argv[1], "lag"))
		lag(n);
	else if (!strcmp(argv[1], "rate"))
		rate(n);
	else
		return 2;
	return 0;
}
