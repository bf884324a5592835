/* child_id.c - identity of a process: pid, start time and boot together are never reused. */
#include "base/child.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A short file of /proc; bytes, or -1. */
static ssize_t read_small(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, out, size - 1);
	close(fd);
	out[n > 0 ? n : 0] = 0;
	return n;
}

static int boot_id(char out[40])
{
	ssize_t n = read_small("/proc/sys/kernel/random/boot_id", out, 40);

	if (n <= 0)
		return -1;
	out[strcspn(out, "\n")] = 0;
	return 0;
}

/* State letter and start time of /proc/PID/stat. The name in it may hold anything, so count from
 * its last ')'. */
static int read_stat(pid_t pid, char *state, uint64_t *start)
{
	char path[64], text[1024], *p;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (pid <= 0 || read_small(path, text, sizeof text) <= 0)
		return -1;
	p = strrchr(text, ')');
	if (!p || p[1] != ' ')
		return -1;
	*state = p[2];
	for (int field = 2; field < 22; field++) {
		p = strchr(p + 1, ' ');
		if (!p)
			return -1;
	}
	*start = strtoull(p + 1, NULL, 10);
	return 0;
}

int child_identify(pid_t pid, struct child_id *id)
{
	char state;

	memset(id, 0, sizeof *id);
	id->pid = pid;
	return read_stat(pid, &state, &id->start) < 0 || boot_id(id->boot) < 0 ? -1 : 0;
}

bool child_same_boot(const struct child_id *id)
{
	char now[40];

	return boot_id(now) == 0 && !strcmp(now, id->boot);
}

bool child_alive(const struct child_id *id)
{
	uint64_t start;
	char state;

	if (!child_same_boot(id) || read_stat(id->pid, &state, &start) < 0)
		return false;
	return start == id->start && state != 'Z' && state != 'X';
}

int child_pidfd(const struct child_id *id)
{
	int fd;

	if (id->pid <= 0)
		return -1;
	fd = (int)syscall(SYS_pidfd_open, id->pid, 0);
	/* Checked after the open: from here on the descriptor cannot change its process. */
	if (fd >= 0 && !child_alive(id)) {
		close(fd);
		fd = -1;
	}
	return fd;
}
