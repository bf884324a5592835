/* files.c - the log is only worth something if the command cannot have been there first: fresh
 * files behind a checked gate. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runner/run.h"

/* An image may bring its own directory at this path, whose mode and owner the daemon then copies
 * onto our tmpfs: so the mode is set here and all is checked on what is really mounted. */
int files_gate(const char *dir)
{
	struct stat st;
	struct statfs fs;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int ok = fd >= 0 && fchmod(fd, 0700) == 0 && fstat(fd, &st) == 0 && fstatfs(fd, &fs) == 0 &&
		st.st_uid == 0 && (st.st_mode & 07777) == 0700 && fs.f_type == TMPFS_MAGIC;

	if (fd >= 0)
		close(fd);
	if (!ok)
		dprintf(2, "runner: log cannot be guarded: %s is not a private tmpfs of root\n",
			dir);
	return ok ? 0 : -1;
}

int files_open(const char *spec)
{
	struct stat st;
	int fd;

	if (!strncmp(spec, "fd:", 3)) {
		fd = (int)strtol(spec + 3, NULL, 10);
		int flags = fcntl(fd, F_GETFL);
		if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
			fcntl(fd, F_SETFL, flags | O_APPEND) < 0)
			fd = -1;
	} else {
		fd = open(spec, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	}
	if (fd < 0) {
		dprintf(2, "runner: cannot open %s: %s\n", spec, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_size != 0) {
		dprintf(2, "runner: %s is not a fresh log file\n", spec);
		close(fd);
		return -1;
	}
	return fd;
}

static int read_text(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = 0;
	return n > 0 ? 0 : -1;
}

/* By the control group, of which the container sees its own part (version 1, version 2); not as a
 * mere process of a host. */
uint64_t files_pids_reached(void)
{
	static const char *const dirs[] = { "/sys/fs/cgroup/pids", "/sys/fs/cgroup" };
	char path[64], text[128];

	for (size_t i = 0; i < 2 && getpid() == 1; i++) {
		snprintf(path, sizeof path, "%s/pids.events", dirs[i]);
		if (read_text(path, text, sizeof text) || strncmp(text, "max ", 4) ||
			!strtoull(text + 4, NULL, 10))
			continue;
		snprintf(path, sizeof path, "%s/pids.max", dirs[i]);
		return read_text(path, text, sizeof text) ? 0 : strtoull(text, NULL, 10);
	}
	return 0;
}

/* Version 2 counts kills in memory.events, version 1 in memory.oom_control: "oom_kill N". */
bool files_out_of_memory(void)
{
	static const char *const paths[] = { "/sys/fs/cgroup/memory.events",
		"/sys/fs/cgroup/memory/memory.oom_control" };
	char text[1024] = "\n";

	for (size_t i = 0; i < 2 && getpid() == 1; i++) {
		const char *at = read_text(paths[i], text + 1, sizeof text - 1)
			? NULL
			: strstr(text, "\noom_kill ");
		if (at)
			return strtoull(at + strlen("\noom_kill "), NULL, 10) > 0;
	}
	return false;
}

void files_find(const char *name, char *path, size_t size)
{
	const char *p = getenv("PATH");

	snprintf(path, size, "%s", name);
	if (strchr(name, '/'))
		return;
	for (path[0] = 0; p && *p; p += strspn(p, ":")) {
		size_t n = strcspn(p, ":");
		int len = snprintf(path, size, "%.*s/%s", (int)n, p, name);
		if (len > 0 && (size_t)len < size && access(path, F_OK) == 0)
			return;
		path[0] = 0;
		p += n;
	}
}

bool files_crlf_script(const char *const *argv)
{
	char name[4096], path[4096], line[256];
	const char *program = argv[0];

	if (argv[1] && argv[2] && !strcmp(argv[1], "-c")) {
		program = argv[2] + strspn(argv[2], " \t\n");
		snprintf(name, sizeof name, "%.*s", (int)strcspn(program, " \t\n;&|<>"), program);
		program = name;
	}
	files_find(program, path, sizeof path);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
	if (fd >= 0)
		close(fd);
	line[n > 0 ? n : 0] = 0;
	size_t end = strcspn(line, "\n");
	return !strncmp(line, "#!", 2) && line[end] && line[end - 1] == '\r';
}

int files_reach(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}
