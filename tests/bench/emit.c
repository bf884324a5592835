/* emit.c - a writer of lines for the bench; static, so that it runs in any container.
 *
 * emit lines RATE SECONDS     RATE lines a second of 107 bytes, in a write every 10 ms
 * emit each COUNT             COUNT lines of 107 bytes, one write(2) each
 * emit blocks MIB             MIB mebibytes in writes of 64 KiB
 * emit stamps MS COUNT        COUNT lines of 20 bytes with the time in ns (for logmeter), one every
 *                             MS milliseconds */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 107, BLOCK = 65536, TICKS = 100 };

static char block[BLOCK];

static void put(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(1, p, n);

		if (w <= 0)
			exit(1);
		p += w;
		n -= (size_t)w;
	}
}

static void number(char *line, unsigned long k)
{
	for (int i = 9; i >= 0; i--) {
		line[i] = (char)('0' + k % 10);
		k /= 10;
	}
}

static void at_rate(unsigned long rate, unsigned long seconds)
{
	struct timespec t;
	unsigned long k = 0, per = rate / TICKS;

	if (per * LINE > BLOCK)
		per = BLOCK / LINE;
	clock_gettime(CLOCK_MONOTONIC, &t);
	for (unsigned long tick = 0; tick < seconds * TICKS; tick++) {
		for (unsigned long i = 0; i < per; i++)
			number(block + i * LINE, k++);
		put(block, per * LINE);
		t.tv_nsec += 1000000000 / TICKS;
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	}
}

static void stamps(unsigned long ms, unsigned long count)
{
	struct timespec t, pause = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
	char line[32];

	for (unsigned long k = 0; k < count; k++) {
		clock_gettime(CLOCK_REALTIME, &t);
		put(line,
			(size_t)snprintf(line, sizeof line, "%010lld%09ld\n", (long long)t.tv_sec,
				t.tv_nsec));
		nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	memset(block, 'x', sizeof block);
	for (size_t i = LINE; i <= BLOCK; i += LINE)
		block[i - 1] = '\n';
	if (argc == 4 && !strcmp(argv[1], "lines")) {
		at_rate(n, strtoul(argv[3], NULL, 10));
	} else if (argc == 4 && !strcmp(argv[1], "stamps")) {
		stamps(n, strtoul(argv[3], NULL, 10));
	} else if (argc == 3 && !strcmp(argv[1], "each")) {
		for (unsigned long k = 0; k < n; k++) {
			number(block, k);
			put(block, LINE);
		}
	} else if (argc == 3 && !strcmp(argv[1], "blocks")) {
		for (unsigned long k = 0; k < n * 16; k++)
			put(block, BLOCK);
	} else {
		return 2;
	}
	return 0;
}
