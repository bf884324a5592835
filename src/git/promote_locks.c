/* promote_locks.c - a git of ours that outlived its conductor, and the lock files a killed one left
 * (facts: git.md 8.7). */
#include "git/promote_locks.h"

#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"

/* File times come from the kernel's coarse clock, which lags by a tick; no lock was there after the
 * intent was written. */
enum { CLOCK_LAG_MS = 20, LOOK_MS = 50, WAIT_MS = 10000, SETTLE_MS = 300 };

/* A git of ours names the commit alone, or as the source of fetch's "+<id>:<ref>", and does one of
 * our four things with it: the user may have `git show <id>` open in a pager. */
static bool is_ours(const struct buf *cmdline, const char *id)
{
	static const char *const verbs[] = { "merge", "read-tree", "update-ref", "fetch" };
	size_t n = strlen(id);
	bool verb = false, named = false;

	for (size_t i = 0; i < cmdline->len; i += strlen(cmdline->p + i) + 1) {
		const char *a = cmdline->p + i, *at = strstr(a, id);

		named = named || (at && (at == a || at[-1] == '+') && (!at[n] || at[n] == ':'));
		for (size_t k = 0; k < ARRAY_LEN(verbs); k++)
			verb = verb || !strcmp(a, verbs[k]);
	}
	return verb && named;
}

static bool is_git(const struct buf *cmdline)
{
	return !strcmp(fs_basename(cmdline->p), "git");
}

static void read_proc(const char *pid, const char *file, struct buf *b)
{
	struct err ignored = ERR_INIT;
	char *p = xasprintf("/proc/%s/%s", pid, file);

	buf_clear(b);
	fs_read(p, 1 << 20, b, &ignored);
	free(p);
}

static bool works_in(const char *pid, const char *dir)
{
	char *p = xasprintf("/proc/%s/cwd", pid), link[4096];
	ssize_t n = readlink(p, link, sizeof(link) - 1);

	free(p);
	if (n <= 0 || !dir)
		return false;
	link[n] = '\0';
	return !strncmp(link, dir, strlen(dir)) && (!link[strlen(dir)] || link[strlen(dir)] == '/');
}

/* A running git that names our commit (id), or works in one of the two directories; NULL = does not
 * count. */
static pid_t find_git(const char *id, const char *dir, const char *other)
{
	struct buf cmd = BUF_INIT;
	DIR *d = opendir("/proc");
	struct dirent *ent;
	pid_t found = 0;

	while (d && !found && (ent = readdir(d))) {
		if (!isdigit((unsigned char)ent->d_name[0]))
			continue;
		read_proc(ent->d_name, "cmdline", &cmd);
		if (!cmd.len || !is_git(&cmd))
			continue;
		if ((id && is_ours(&cmd, id)) || works_in(ent->d_name, dir) ||
			works_in(ent->d_name, other))
			found = (pid_t)strtol(ent->d_name, NULL, 10);
	}
	if (d)
		closedir(d);
	buf_release(&cmd);
	return found;
}

static bool child_runs(const struct json *child)
{
	struct child_id id = { .pid = (pid_t)json_int(child, "pid", 0),
		.start = (uint64_t)json_int(child, "start", 0) };
	const char *boot = json_str(child, "boot", "");

	if (!child || id.pid <= 0 || strlen(boot) >= sizeof(id.boot))
		return false;
	memcpy(id.boot, boot, strlen(boot) + 1);
	return child_alive(&id);
}

int promote_locks_wait_child(
	const char *mark, const struct json *child, const char *what, int timeout_ms, struct err *e)
{
	int64_t now = clock_mono_ms(), end = now + timeout_ms, quiet_from = now;
	pid_t pid;

	for (;;) {
		pid = child_runs(child) ? (pid_t)json_int(child, "pid", 0)
			: mark          ? find_git(mark, NULL, NULL)
					: 0;
		now = clock_mono_ms();
		if (pid)
			quiet_from = now;
		/* Killed between fork and exec, its child becomes a git only now: a moment of quiet
		 * is asked for. */
		if (!pid && (!mark || now - quiet_from >= SETTLE_MS))
			return 0;
		if (pid && now >= end)
			return err_set(e, "busy",
				"The git that works on %s still runs (process %d); wait for it or "
				"end it.",
				what, (int)pid);
		poll(NULL, 0, LOOK_MS);
	}
}

static bool any_there(const struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (fs_exists(v->v[i]))
			return true;
	return false;
}

/* -1 = there, and not ours to take. */
static int clear_one(const char *path, int64_t since_ms)
{
	struct stat st;
	int64_t ms;

	if (lstat(path, &st) < 0)
		return 0;
	ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || ms < since_ms - CLOCK_LAG_MS ||
		unlink(path) < 0)
		return -1;
	diag(DIAG_WARN, "removed the lock a killed git left: %s", path);
	return 0;
}

int promote_locks_clear(const struct git_repo *repo, const char *dir, const struct strv *locks,
	int64_t since_ms, struct err *e)
{
	int64_t end = clock_mono_ms() + WAIT_MS;
	bool busy;
	char *tilde;

	/* The user's own git may be at work there just now; its lock is not ours to take. */
	while ((busy = any_there(locks) && find_git(NULL, dir, repo->common)) &&
		clock_mono_ms() < end)
		poll(NULL, 0, LOOK_MS);
	if (busy)
		return err_set(e, "git_locked",
			"A git command is running in %s; this is looked at again at the next start",
			dir ? dir : repo->common);
	for (size_t i = 0; i < locks->n; i++) {
		if (!clear_one(locks->v[i], since_ms))
			continue;
		tilde = fs_tilde(locks->v[i]);
		err_set(e, "git_locked",
			"%s is older than what was done here; if no git runs there, remove it",
			tilde);
		free(tilde);
		return -1;
	}
	return 0;
}

static void list_locks(const struct move *m, struct strv *v)
{
	if (m->git_dir) {
		strv_fmt(v, "%s/index.lock", m->git_dir);
		strv_fmt(v, "%s/HEAD.lock", m->git_dir);
		strv_fmt(v, "%s/ORIG_HEAD.lock", m->git_dir);
	}
	strv_fmt(v, "%s/%s.lock", m->repo->common, m->ref);
	if (m->keep_ref)
		strv_fmt(v, "%s/%s.lock", m->repo->common, m->keep_ref);
	strv_fmt(v, "%s/shallow.lock", m->repo->common);
}

int promote_locks_clear_move(const struct move *m, int64_t since_ms, struct err *e)
{
	struct strv locks = STRV_INIT;
	int rc;

	list_locks(m, &locks);
	rc = promote_locks_clear(m->repo, m->dir, &locks, since_ms, e);
	strv_release(&locks);
	return rc;
}
