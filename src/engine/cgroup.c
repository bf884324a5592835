/* cgroup.c - control groups: version 1 by hand, version 2 through systemd. */
#include "engine/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"

enum { TRIAL_MEMORY = 64 << 20, TRIAL_PIDS = 64, PERIOD_US = 100000 };
/* bwrap, the runner and its monitor live in the same scope as the command */
enum { SCOPE_EXTRA_PIDS = 4 };

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, word, n) && (p[n] == ',' || p[n] == 0))
			return true;
	return false;
}

/* The path of a process ("self", or its pid) in a controller's tree; "" = that of version 2. */
static char *path_of(const char *process, const char *controller)
{
	struct buf b = BUF_INIT;
	struct err e;
	char file[64], *save = NULL, *found = NULL;

	snprintf(file, sizeof file, "/proc/%s/cgroup", process);
	if (fs_read(file, 1 << 16, &b, &e) == 0)
		for (char *line = strtok_r(b.p, "\n", &save); line && !found;
			line = strtok_r(NULL, "\n", &save)) {
			char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
			if (!path)
				continue;
			*path++ = 0;
			if (*controller ? has_word(list + 1, controller) : !list[1])
				found = xstrdup(path);
		}
	buf_release(&b);
	return found;
}

/* Where such a path is seen in the file system, by our own mount table; NULL = nowhere. */
static char *find_dir(const char *path, const char *controller)
{
	struct buf b = BUF_INIT;
	struct err e;
	char *save = NULL, *found = NULL;

	if (path && fs_read("/proc/self/mountinfo", 1 << 20, &b, &e) == 0)
		for (char *line = strtok_r(b.p, "\n", &save); line && !found;
			line = strtok_r(NULL, "\n", &save)) {
			char root[1024], at[1024], type[64], options[1024];
			char *rest = strstr(line, " - ");
			if (!rest || sscanf(line, "%*s %*s %*s %1023s %1023s", root, at) != 2 ||
				sscanf(rest, " - %63s %*s %1023s", type, options) != 2)
				continue;
			size_t n = strcmp(root, "/") ? strlen(root) : 0;
			bool right = *controller
				? !strcmp(type, "cgroup") && has_word(options, controller)
				: !strcmp(type, "cgroup2");
			if (right && !strncmp(path, root, n))
				found = xasprintf(
					"%s%s", at, strcmp(path + n, "/") ? path + n : "");
		}
	buf_release(&b);
	return found;
}

static char *own_dir(const char *controller)
{
	char *path = path_of("self", controller), *dir = find_dir(path, controller);

	free(path);
	return dir;
}

char *cgroup_of(pid_t pid)
{
	static const char *const controllers[] = { "memory", "cpuacct", "" };
	struct buf dirs = BUF_INIT;
	char process[24];

	snprintf(process, sizeof process, "%d", (int)pid);
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++) {
		char *path = path_of(process, controllers[i]), *dir = NULL;
		/* "/" is the whole machine's, "/.." lies outside of our namespace */
		if (path && strcmp(path, "/") != 0 && !strstr(path, "/.."))
			dir = find_dir(path, controllers[i]);
		if (dir)
			buf_fmt(&dirs, "%s\n", dir);
		free(path);
		free(dir);
	}
	return buf_take(&dirs);
}

static int put(const char *dir, const char *file, const char *text)
{
	char *path = fs_join(dir, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = -1;

	if (fd >= 0) {
		rc = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
		close(fd);
	}
	free(path);
	return rc;
}

static int put_int(const char *dir, const char *file, int64_t v)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRId64, v);
	return put(dir, file, text);
}

static int limit_memory(const char *dir, const struct limits *l)
{
	if (put_int(dir, "memory.limit_in_bytes", l->memory))
		return -1;
	/* there only where swap is counted; where it is not, swap is no way around either unless it
	 * is on: then it is one */
	if (put_int(dir, "memory.memsw.limit_in_bytes", l->memory) && errno != ENOENT)
		return -1;
	return 0;
}

static int limit_pids(const char *dir, const struct limits *l)
{
	return put_int(dir, "pids.max", l->pids);
}

static int limit_cpus(const char *dir, const struct limits *l)
{
	if (l->cpus <= 0)
		return 0;
	if (put_int(dir, "cpu.cfs_period_us", PERIOD_US))
		return -1;
	return put_int(dir, "cpu.cfs_quota_us", (int64_t)(l->cpus * PERIOD_US));
}

static int no_limit(const char *dir, const struct limits *l)
{
	return 0;
}

static const struct tree {
	const char *controller;
	int (*limit)(const char *dir, const struct limits *l);
} trees[] = { { "memory", limit_memory }, { "pids", limit_pids }, { "cpu", limit_cpus },
	{ "cpuacct", no_limit } };

/* The directory of name in a controller's tree, made and limited; NULL = not possible here. */
static char *make_in(const struct tree *t, const char *name, const struct limits *l)
{
	char *own = own_dir(t->controller), *dir = own ? fs_join(own, name) : NULL;

	free(own);
	if (dir && (mkdir(dir, 0755) == 0 || errno == EEXIST) && t->limit(dir, l) == 0)
		return dir;
	if (dir)
		rmdir(dir);
	free(dir);
	return NULL;
}

void cgroup_probe(struct cgroup_can *can)
{
	const struct limits l = { .memory = TRIAL_MEMORY, .pids = TRIAL_PIDS, .cpus = 1 };
	bool ok[ARRAY_LEN(trees)];
	char name[64];

	memset(can, 0, sizeof *can);
	if (geteuid() != 0)
		return;
	snprintf(name, sizeof name, "yolodeck-trial-%d", (int)getpid());
	for (size_t i = 0; i < ARRAY_LEN(trees); i++) {
		char *dir = make_in(&trees[i], name, &l);
		ok[i] = dir != NULL;
		if (dir)
			rmdir(dir);
		free(dir);
	}
	can->memory = ok[0];
	can->pids = ok[1];
	can->cpus = ok[2];
	if (ok[0] || ok[1])
		can->way = CGROUP_V1;
}

static void add_scope(struct strv *argv, const char *unit, const struct limits *l)
{
	strv_add(argv, "systemd-run");
	if (geteuid() != 0)
		strv_add(argv, "--user");
	strv_addl(argv, "--scope", "--quiet", "--collect", NULL);
	if (unit)
		strv_fmt(argv, "--unit=%s", unit);
	if (l->memory > 0) {
		strv_fmt(argv, "--property=MemoryMax=%" PRId64, l->memory);
		strv_add(argv, "--property=MemorySwapMax=0");
	}
	if (l->pids > 0)
		strv_fmt(argv, "--property=TasksMax=%" PRId64, l->pids);
	if (l->cpus > 0)
		strv_fmt(argv, "--property=CPUQuota=%.0f%%", l->cpus * 100);
	strv_add(argv, "--");
}

bool cgroup_trial(struct strv *argv)
{
	const struct limits l = { .memory = TRIAL_MEMORY, .pids = TRIAL_PIDS };
	char *program = child_which("systemd-run", NULL);

	if (!program)
		return false;
	free(program);
	add_scope(argv, NULL, &l);
	strv_addl(argv, "/bin/sh", "-c",
		"g=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup) && cat \"$g/memory.max\" "
		"\"$g/pids.max\"",
		NULL);
	return true;
}

bool cgroup_trial_ok(const char *out)
{
	char want[64];

	snprintf(want, sizeof want, "%d\n%d\n", TRIAL_MEMORY, TRIAL_PIDS);
	return !strcmp(out, want);
}

void cgroup_scope(
	const struct cgroup_can *can, const char *name, const struct limits *l, struct strv *argv)
{
	struct limits with = *l;

	if (can->way != CGROUP_SYSTEMD)
		return;
	with.pids += with.pids > 0 ? SCOPE_EXTRA_PIDS : 0;
	add_scope(argv, name, &with);
}

int cgroup_make(const struct cgroup_can *can, const char *file, const char *name,
	const struct limits *l, int fds[CGROUP_FDS], int *nfds, struct err *e)
{
	struct buf dirs = BUF_INIT;

	err_clear(e);
	*nfds = 0;
	for (size_t i = 0; can->way == CGROUP_V1 && i < ARRAY_LEN(trees); i++) {
		char *dir = make_in(&trees[i], name, l),
		     *procs = dir ? fs_join(dir, "cgroup.procs") : NULL;
		int fd = procs ? open(procs, O_WRONLY | O_CLOEXEC) : -1;
		if (fd >= 0)
			fds[(*nfds)++] = fd;
		if (dir)
			buf_fmt(&dirs, "%s\n", dir);
		free(dir);
		free(procs);
		bool must = (i == 0 && can->memory) || (i == 1 && can->pids);
		if (fd < 0 && must) {
			err_sys(e, "cgroup", "cannot make the control group %s for %s", name,
				trees[i].controller);
			break;
		}
	}
	struct err written = ERR_INIT;
	if (dirs.len && fs_replace(file, dirs.p, dirs.len, &written))
		*e = written;
	buf_release(&dirs);
	if (!*e->code)
		return 0;
	while (*nfds > 0)
		close(fds[--*nfds]);
	cgroup_remove(file);
	return -1;
}

/* Value after a word in a file of dir ("oom_kill 1"), or the whole number without a word; -1 = not
 * there. */
static int64_t value(const char *dir, const char *file, const char *word)
{
	struct buf b = BUF_INIT;
	struct err e;
	char *path = fs_join(dir, file);
	int64_t v = -1;

	if (fs_read(path, 1 << 16, &b, &e) == 0) {
		const char *p = b.p;
		while (word && p && (strncmp(p, word, strlen(word)) || p[strlen(word)] != ' ')) {
			p = strchr(p, '\n');
			p = p ? p + 1 : NULL;
		}
		if (p && *p)
			v = strtoll(p + (word ? strlen(word) : 0), NULL, 10);
	}
	buf_release(&b);
	free(path);
	return v;
}

static char *read_dirs(const char *file)
{
	struct buf b = BUF_INIT;
	struct err e;

	fs_read(file, 1 << 16, &b, &e);
	return buf_take(&b);
}

/* Is a counter above 0 in one of the directories? */
static bool counted(const char *file, const char *counter, const char *word)
{
	char *dirs = read_dirs(file), *save = NULL;
	bool found = false;

	for (char *dir = strtok_r(dirs, "\n", &save); dir; dir = strtok_r(NULL, "\n", &save))
		found |= value(dir, counter, word) > 0;
	free(dirs);
	return found;
}

bool cgroup_oom(const char *file)
{
	return counted(file, "memory.oom_control", "oom_kill");
}

bool cgroup_pids_reached(const char *file)
{
	return counted(file, "pids.events", "max");
}

/* The first of two that is there. */
static int64_t either(int64_t a, int64_t b)
{
	return a >= 0 ? a : b;
}

void cgroup_usage(const char *dirs, int64_t *cpu_ns, int64_t *memory)
{
	char *copy = xstrdup(dirs), *save = NULL;

	*cpu_ns = *memory = -1;
	for (char *dir = strtok_r(copy, "\n", &save); dir; dir = strtok_r(NULL, "\n", &save)) {
		int64_t us = value(dir, "cpu.stat", "usage_usec");
		int64_t cpu = either(value(dir, "cpuacct.usage", NULL), us < 0 ? us : us * 1000);
		int64_t use = either(value(dir, "memory.usage_in_bytes", NULL),
			value(dir, "memory.current", NULL));
		int64_t cache = either(value(dir, "memory.stat", "total_inactive_file"),
			value(dir, "memory.stat", "inactive_file"));
		*cpu_ns = either(*cpu_ns, cpu);
		if (*memory < 0 && use >= 0)
			*memory = cache > 0 && cache < use ? use - cache : use;
	}
	free(copy);
}

void cgroup_sample(const char *file, int64_t *cpu_ns, int64_t *memory)
{
	char *dirs = read_dirs(file);

	cgroup_usage(dirs, cpu_ns, memory);
	free(dirs);
}

static void remove_dir(const char *dir)
{
	struct buf b = BUF_INIT;
	struct err e;
	char *procs = fs_join(dir, "cgroup.procs"), *p;
	pid_t pid;

	if (rmdir(dir) < 0 && errno == EBUSY && fs_read(procs, 1 << 20, &b, &e) == 0) {
		for (p = b.p; (pid = (pid_t)strtol(p, &p, 10)) > 1;)
			kill(pid, SIGKILL);
		rmdir(dir);
	}
	free(procs);
	buf_release(&b);
}

void cgroup_remove(const char *file)
{
	char *dirs = read_dirs(file), *save = NULL;

	for (char *dir = strtok_r(dirs, "\n", &save); dir; dir = strtok_r(NULL, "\n", &save))
		remove_dir(dir);
	unlink(file);
	free(dirs);
}
