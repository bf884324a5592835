/* docker_usage.c - finds a process's cgroup files by /proc/PID/cgroup and our own mount table, so
 * that it does not matter who named it. */
#include "engine/docker_usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_LEN = 4096 };

static bool in_list(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ',') && (p[n] == ',' || p[n] == 0 || p[n] == '\n'))
			return true;
	return false;
}

/* Mount point and mount root of a v1 controller, or of cgroup2 for "". */
static bool find_mount(const char *ctl, char *point, char *root)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[PATH_LEN], type[64], super[1024];
	bool found = false;
	while (f && !found && fgets(line, sizeof(line), f)) {
		const char *dash = strstr(line, " - ");
		if (!dash || sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2 ||
			sscanf(dash + 3, "%63s %*s %1023s", type, super) != 2)
			continue;
		found = *ctl ? !strcmp(type, "cgroup") && in_list(super, ctl)
			     : !strcmp(type, "cgroup2");
	}
	if (f)
		fclose(f);
	return found;
}

/* The process's path in that hierarchy. */
static bool find_path(pid_t pid, const char *ctl, char *out)
{
	char name[64], line[PATH_LEN];
	bool found = false;
	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	FILE *f = fopen(name, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		char *a = strchr(line, ':'), *b = a ? strchr(a + 1, ':') : NULL;
		if (!b)
			continue;
		*b = 0;
		if (*ctl ? !in_list(a + 1, ctl) : a[1] != 0)
			continue;
		b[1 + strcspn(b + 1, "\n")] = 0;
		snprintf(out, PATH_LEN, "%s", b + 1);
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

static int open_file(pid_t pid, const char *ctl, const char *file)
{
	char point[PATH_LEN], root[PATH_LEN], path[PATH_LEN], full[3 * PATH_LEN];
	if (!find_mount(ctl, point, root) || !find_path(pid, ctl, path))
		return -1;
	const char *rel = path;
	size_t n = strlen(root);
	if (n > 1 && !strncmp(path, root, n) && (path[n] == '/' || path[n] == 0))
		rel = path + n;
	/* "/" is everything, "/.." is outside of our namespace: neither is the container */
	if (!*rel || !strcmp(rel, "/") || strstr(rel, "/.."))
		return -1;
	snprintf(full, sizeof(full), "%s%s/%s", point, rel, file);
	return open(full, O_RDONLY | O_CLOEXEC);
}

void docker_usage_open(struct docker_usage *c, pid_t pid)
{
	docker_usage_close(c);
	c->cpu_v2 = c->memory_v2 = false;
	c->cpu = open_file(pid, "cpuacct", "cpuacct.usage");
	if (c->cpu < 0) {
		c->cpu = open_file(pid, "", "cpu.stat");
		c->cpu_v2 = true;
	}
	c->memory = open_file(pid, "memory", "memory.usage_in_bytes");
	c->stat = open_file(pid, "memory", "memory.stat");
	if (c->memory < 0) {
		c->memory = open_file(pid, "", "memory.current");
		c->stat = open_file(pid, "", "memory.stat");
		c->memory_v2 = true;
	}
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void docker_usage_close(struct docker_usage *c)
{
	shut(&c->cpu);
	shut(&c->memory);
	shut(&c->stat);
}

/* The number of a file, or of the line "key N" in it. */
static int64_t value(int fd, const char *key)
{
	char b[8192];
	ssize_t n = fd < 0 ? -1 : pread(fd, b, sizeof(b) - 1, 0);
	if (n <= 0)
		return -1;
	b[n] = 0;
	if (!key)
		return strtoll(b, NULL, 10);
	size_t k = strlen(key);
	for (const char *l = b; l; l = strchr(l, '\n') ? strchr(l, '\n') + 1 : NULL)
		if (!strncmp(l, key, k) && l[k] == ' ')
			return strtoll(l + k + 1, NULL, 10);
	return -1;
}

void docker_usage_sample(const struct docker_usage *c, int64_t *cpu_ns, int64_t *memory)
{
	int64_t cpu = value(c->cpu, c->cpu_v2 ? "usage_usec" : NULL);
	*cpu_ns = cpu < 0 ? -1 : c->cpu_v2 ? cpu * 1000 : cpu;
	*memory = value(c->memory, NULL);
	int64_t cache = value(c->stat, c->memory_v2 ? "inactive_file" : "total_inactive_file");
	if (*memory >= 0 && cache > 0)
		*memory = *memory > cache ? *memory - cache : 0;
}
