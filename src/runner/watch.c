/* watch.c - memory and process limits where no control group of ours can hold them: all processes
 * of the container are counted every tenth of a second. Threads count, as they do in a control
 * group.
 *
 * Memory is what is resident and no file's. Processes that share pages after a fork each count
 * them; so before the verdict the control group's own figure is asked, where it can be read: it
 * holds at least all of ours. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/run.h"

struct usage {
	uint64_t memory, tasks;
};

/* A small file of /proc or of the control groups; false when it is not there. */
static bool read_text(int dir, const char *path, char *out, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = 0;
	return n > 0;
}

static void add(int proc, const char *pid, struct usage *c)
{
	char path[64], text[160], *s = text;
	struct stat st;

	snprintf(path, sizeof path, "%s/task", pid);
	if (fstatat(proc, path, &st, 0) < 0)
		return;
	c->tasks += st.st_nlink > 2 ? st.st_nlink - 2 : 1;
	snprintf(path, sizeof path, "%s/statm", pid);
	if (!read_text(proc, path, text, sizeof text))
		return;
	strtoull(s, &s, 10);
	uint64_t resident = strtoull(s, &s, 10), shared = strtoull(s, &s, 10);
	if (resident > shared)
		c->memory += (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct usage count(void)
{
	static DIR *proc;
	struct usage c = { 0, 0 };
	const struct dirent *d;

	if (!proc && !(proc = opendir("/proc")))
		return c;
	rewinddir(proc);
	while ((d = readdir(proc))) {
		if (*d->d_name < '1' || *d->d_name > '9' || strlen(d->d_name) > 16)
			continue;
		long pid = strtol(d->d_name, NULL, 10);
		if (pid != 1 && pid != getpid())
			add(dirfd(proc), d->d_name, &c);
	}
	return c;
}

/* Anonymous memory of the control group we see (version 2, version 1), or UINT64_MAX. */
static uint64_t group_memory(void)
{
	static const char *const where[][2] = {
		{ "/sys/fs/cgroup/memory.stat", "\nanon " },
		{ "/sys/fs/cgroup/memory/memory.stat", "\ntotal_rss " },
	};
	char text[8192] = "\n";

	for (size_t i = 0; i < 2; i++) {
		const char *s = read_text(AT_FDCWD, where[i][0], text + 1, sizeof text - 1)
			? strstr(text, where[i][1])
			: NULL;
		if (s)
			return strtoull(s + strlen(where[i][1]), NULL, 10);
	}
	return UINT64_MAX;
}

void watch_limits(struct run *r)
{
	uint64_t memory = r->o.memory > 0 ? (uint64_t)r->o.memory : UINT64_MAX;
	uint64_t pids = r->o.pids > 0 ? (uint64_t)r->o.pids : UINT64_MAX;

	if (r->dead || r->killed || (r->o.memory <= 0 && r->o.pids <= 0))
		return;
	struct usage c = count();
	r->over_memory = c.memory > memory && group_memory() > memory;
	r->over_pids = !r->over_memory && c.tasks > pids;
	if (!r->over_memory && !r->over_pids)
		return;
	r->killed = true;
	/* the note on processes is written just before the exit, as from a control group */
	if (r->over_memory)
		runlog_note(&r->w, RUNLOG_NOTE_MEMORY, memory);
	spawn_kill(r);
}
