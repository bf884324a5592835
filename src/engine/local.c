/* local.c - bubblewrap: namespaces on this machine, without a daemon. One task is one `bwrap` with
 * our runner as pid 1 of its own pid namespace; the task's identity is that pid 1, never bwrap
 * itself (killing bwrap leaves the sandbox alive). bwrap writes its pid into
 * <variant>/sandbox.json, so a conductor that died in between finds it there. What runs survives
 * us; bwrap, our child, is only waited for. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/bwrap.h"
#include "engine/cgroup.h"
#include "engine/job.h"
#include "engine/local_probe.h"
#include "engine/proc.h"

struct local {
	struct engine engine;
	struct engine_ctx c;
	struct proc_set set;
	struct local_probe *probe;
	struct monitor *monitors;
};

/* A bwrap of ours that has to be collected. It may outlive its task by a moment. */
struct monitor {
	struct monitor *next;
	struct local *g;
	struct job *job;
	struct local_task *task; /* NULL = its task is over */
};

struct local_task {
	struct proc p;
	struct monitor *m;
	int inotify; /* sandbox.json, until bwrap has written it; -1 = done */
	struct loop_fd *info;
	bool followed;
};

static char *own_file(const struct engine_task *t, const char *kind)
{
	return xasprintf("%s/sandbox%s.%s", t->dir, t->check ? "-check" : "", kind);
}

/* ---- the end ---- */

static void stop_info(struct local_task *l)
{
	if (l->inotify < 0)
		return;
	loop_unwatch(l->info);
	close(l->inotify);
	l->inotify = -1;
}

/* The runner stands outside of the command's groups and has no /sys: what it asks in a container is
 * asked here. */
static void add_pids_reason(const struct engine_task *t, const char *groups, struct engine_end *end)
{
	size_t n = strlen(end->reason);

	if (end->exit != 0 && end->cause != ENGINE_STOPPED && end->cause != ENGINE_OOM &&
		end->cause != ENGINE_GONE && !strstr(end->reason, "process limit") &&
		cgroup_pids_reached(groups))
		snprintf(end->reason + n, sizeof end->reason - n, ", process limit (%lld) reached",
			(long long)t->limits.pids);
}

static void local_ending(struct proc_set *set, struct proc *p, struct engine_end *end)
{
	struct local_task *l = (struct local_task *)p;
	char *groups = own_file(p->t, "cgroup"), limit[32];
	struct host h;
	struct err e;

	stop_info(l);
	if (l->m)
		l->m->task = NULL;
	if (end->exit != 0 &&
		(end->cause == ENGINE_EXITED || end->cause == ENGINE_SETUP ||
			end->cause == ENGINE_GONE) &&
		cgroup_oom(groups)) {
		end->cause = ENGINE_OOM;
		spec_fmt_size(p->t->limits.memory, limit, sizeof limit);
		snprintf(end->reason, sizeof end->reason, "out of memory (limit %s)", limit);
	}
	add_pids_reason(p->t, groups, end);
	if (end->exit == 127) {
		if (bwrap_host(set->c, p->t, &h, &e) == 0)
			engine_explain_127(&h, p->t, end);
		host_release(&h);
	}
	free(groups);
}

/* ---- the start ---- */

/* First line of what bwrap or the runner complained about. */
static char *complaint(const struct engine_task *t)
{
	struct buf b = BUF_INIT;
	struct err e;
	char *path = own_file(t, "err");

	if (fs_read(path, 1 << 16, &b, &e) || b.len == 0)
		buf_str(&b, "it ended without a message");
	b.p[strcspn(b.p, "\n")] = 0;
	free(path);
	return b.p == buf_slop ? xstrdup("") : b.p;
}

/* The sandbox's pid 1, as bwrap reported it. */
static bool read_info(struct proc *p, struct child_id *id)
{
	struct buf b = BUF_INIT;
	struct err e;
	char *path = own_file(p->t, "json");
	struct json *j = NULL;

	memset(id, 0, sizeof *id);
	if (fs_read(path, 1 << 16, &b, &e) == 0 && b.len)
		j = json_parse(b.p, b.len, &e);
	pid_t pid = (pid_t)json_int(j, "child-pid", 0);
	json_free(j);
	buf_release(&b);
	free(path);
	if (pid <= 0)
		return false;
	if (child_identify(pid, id) < 0)
		id->pid = pid; /* over already */
	return true;
}

/* For adoption: the pid in the file is only ours if that process says so itself. */
static bool locate(struct proc *p, struct child_id *id)
{
	char tag[256];

	proc_tag(p->t, tag, sizeof tag);
	return read_info(p, id) && watch_has_arg(id->pid, tag);
}

static void check_info(struct local_task *l)
{
	struct child_id id;

	if (l->followed || !read_info(&l->p, &id))
		return;
	l->followed = true;
	stop_info(l);
	proc_follow(&l->p, &id, true);
}

static void info_changed(void *ctx, int fd, int events)
{
	char drop[4096];

	while (read(fd, drop, sizeof drop) > 0)
		continue;
	check_info(ctx);
}

static void free_monitor(struct monitor *m)
{
	struct monitor **at = &m->g->monitors;

	while (*at && *at != m)
		at = &(*at)->next;
	if (*at)
		*at = m->next;
	free(m);
}

static void bwrap_ended(void *ctx, int code)
{
	struct monitor *m = ctx;
	struct local_task *l = m->task;

	if (l) {
		l->m = NULL;
		check_info(l);
	}
	if (l && !l->followed) {
		char *what = complaint(l->p.t),
		     *why = xasprintf("the sandbox could not be made: %s", what);
		l->followed = true;
		proc_fail(&l->p, ENGINE_NOT_STARTED, why);
		free(what);
		free(why);
	}
	free_monitor(m);
}

static int start_bwrap(
	struct local *g, struct local_task *l, const struct child_spec *s, struct err *e)
{
	struct monitor *m = xcalloc(1, sizeof *m);
	const struct job_events ev = { .ended = bwrap_ended, .ctx = m };

	*m = (struct monitor){ .next = g->monitors, .g = g, .task = l };
	g->monitors = m;
	m->job = job_start(g->c.loop, s, &ev, e);
	if (!m->job) {
		free_monitor(m);
		return -1;
	}
	l->m = m;
	return 0;
}

/* All descriptors of one start; -1 = not open. */
struct fds {
	int log[2], args, info, err, join[CGROUP_FDS], njoin;
};

static void close_fds(struct fds *f)
{
	int *all[] = { &f->log[0], &f->log[1], &f->args, &f->info, &f->err };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (*all[i] >= 0)
			close(*all[i]);
	for (int i = 0; i < f->njoin; i++)
		close(f->join[i]);
}

static int fresh_file(const struct engine_task *t, const char *kind, struct err *e)
{
	char *path = own_file(t, kind);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		err_sys(e, "io", "cannot write %s", path);
	free(path);
	return fd;
}

static int open_fds(struct local *g, const struct engine_task *t, struct fds *f, struct err *e)
{
	struct strv options = STRV_INIT;
	struct host h;
	char tag[256], *groups = own_file(t, "cgroup");
	int rc = -1;

	*f = (struct fds){ .log = { -1, -1 }, .args = -1, .info = -1, .err = -1 };
	proc_tag(t, tag, sizeof tag);
	if (bwrap_host(&g->c, t, &h, e) || bwrap_options(&g->c, t, &h, false, &options, e))
		goto out;
	if (proc_open_log(t, f->log, e))
		goto out;
	if ((f->info = fresh_file(t, "json", e)) < 0 || (f->err = fresh_file(t, "err", e)) < 0)
		goto out;
	if ((f->args = bwrap_args_fd(&options, e)) < 0)
		goto out;
	rc = cgroup_make(local_cgroups(g->probe), groups, tag, &t->limits, f->join, &f->njoin, e);
out:
	host_release(&h);
	strv_release(&options);
	free(groups);
	return rc;
}

static void command_line(
	struct local *g, const struct engine_task *t, const struct fds *f, struct strv *argv)
{
	const struct cgroup_can *can = local_cgroups(g->probe);
	char tag[256];
	int uid, gid;

	proc_tag(t, tag, sizeof tag);
	cgroup_scope(can, tag, &t->limits, argv);
	strv_addl(argv, "bwrap", "--args", NULL);
	strv_fmt(argv, "%d", f->args);
	strv_add(argv, "--info-fd");
	strv_fmt(argv, "%d", f->info);
	strv_addl(argv, "--as-pid-1", "--", BWRAP_RUNNER, "--log", NULL);
	strv_fmt(argv, "fd:%d", f->log[0]);
	strv_add(argv, "--idx");
	strv_fmt(argv, "fd:%d", f->log[1]);
	for (int i = 0; i < f->njoin; i++) {
		strv_add(argv, "--join");
		strv_fmt(argv, "fd:%d", f->join[i]);
	}
	if (bwrap_root()) {
		bwrap_user(&uid, &gid);
		strv_add(argv, "--uid");
		strv_fmt(argv, "%d", uid);
		strv_add(argv, "--gid");
		strv_fmt(argv, "%d", gid);
	} else if (!can->pids && t->limits.pids > 0 && local_own_nproc()) {
		strv_add(argv, "--pids");
		strv_fmt(argv, "%lld", (long long)t->limits.pids);
	}
	strv_addl(argv, "--cwd", "/work", NULL);
	proc_runner_args(t, argv);
	strv_add(argv, "--");
	strv_addv(argv, (const char *const *)t->argv.v);
}

static int watch_info(struct local *g, struct local_task *l, struct err *e)
{
	char *path = own_file(l->p.t, "json");
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int rc = fd >= 0 && inotify_add_watch(fd, path, IN_MODIFY | IN_CLOSE_WRITE) >= 0 ? 0 : -1;

	if (rc) {
		err_sys(e, "inotify", "cannot watch %s", path);
		if (fd >= 0)
			close(fd);
	} else {
		l->inotify = fd;
		l->info = loop_watch(g->c.loop, fd, LOOP_READ, info_changed, l);
	}
	free(path);
	return rc;
}

static void local_start(struct engine *e, struct engine_task *t)
{
	struct local *g = (struct local *)e;
	struct local_task *l = (struct local_task *)proc_new(&g->set, t, sizeof *l);
	struct strv argv = STRV_INIT;
	struct err why = ERR_INIT;
	struct fds f;
	int pass[4 + CGROUP_FDS], npass = 0, rc = -1;

	l->inotify = -1;
	if (open_fds(g, t, &f, &why) || watch_info(g, l, &why))
		goto out;
	pass[npass++] = f.log[0];
	pass[npass++] = f.log[1];
	pass[npass++] = f.args;
	pass[npass++] = f.info;
	for (int i = 0; i < f.njoin; i++)
		pass[npass++] = f.join[i];
	command_line(g, t, &f, &argv);
	struct child_spec s = CHILD_SPEC_INIT;
	s.argv = strv_argv(&argv);
	s.cwd = "/";
	s.out = s.err = f.err;
	s.pass = pass;
	s.npass = (size_t)npass;
	s.new_session = true;
	rc = start_bwrap(g, l, &s, &why);
out:
	if (rc)
		proc_fail(&l->p, ENGINE_NOT_STARTED, why.msg);
	close_fds(&f);
	strv_release(&argv);
}

/* ---- the rest of the vtable ---- */

static struct engine *local_open(const struct engine_ctx *c, struct err *e)
{
	struct local *g = xcalloc(1, sizeof *g);

	g->engine.type = &engine_local;
	g->c = *c;
	g->set = (struct proc_set){ .c = &g->c, .ending = local_ending };
	g->probe = local_probe_new(&g->c);
	return &g->engine;
}

static void local_close(struct engine *e)
{
	struct local *g = (struct local *)e;

	for (struct proc *p = g->set.first; p; p = p->next)
		stop_info((struct local_task *)p);
	proc_set_release(&g->set);
	while (g->monitors) {
		struct monitor *m = g->monitors;
		job_leave(m->job);
		free_monitor(m);
	}
	local_probe_free(g->probe);
	free(g);
}

static void local_ask(struct engine *e, engine_probe_fn fn, void *ctx)
{
	local_probe_start(((struct local *)e)->probe, fn, ctx);
}

static void local_prepare(
	struct engine *e, struct spec *s, const char *from, engine_done_fn fn, void *ctx)
{
	local_prepare_start(((struct local *)e)->probe, s, fn, ctx);
}

static void local_stop(struct engine *e, struct engine_task *t)
{
	if (t->priv)
		proc_stop(t->priv);
}

static void local_adopt(struct engine *e, struct engine_task *t)
{
	struct local *g = (struct local *)e;
	struct local_task *l = (struct local_task *)proc_new(&g->set, t, sizeof *l);
	struct child_id id;

	l->inotify = -1;
	l->followed = true;
	if (*t->id && watch_parse(t->id, &id) == 0)
		proc_follow(&l->p, &id, false);
	else
		proc_find(&l->p, locate);
}

static void local_remove(
	struct engine *e, int race, const char *variant, bool check, const char *id)
{
	static const char *const kinds[] = { "json", "err" };
	struct local *g = (struct local *)e;
	char *dir = xasprintf("%s/races/%d/%s", g->c.state_dir, race, variant);
	struct engine_task t = { .dir = dir, .check = check };
	char *groups = own_file(&t, "cgroup");

	proc_kill_left(id);
	cgroup_remove(groups);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		char *path = own_file(&t, kinds[i]);
		unlink(path);
		free(path);
	}
	free(groups);
	free(dir);
}

/* A second sandbox with the same mounts, beside the first. */
static int local_exec(struct engine *e, const struct engine_task *t, const char *const *cmd,
	bool tty, struct strv *out, struct err *err)
{
	struct local *g = (struct local *)e;
	struct host h;
	int uid, gid, rc = bwrap_host(&g->c, t, &h, err);

	strv_add(out, "bwrap");
	if (rc == 0)
		rc = bwrap_options(&g->c, t, &h, tty, out, err);
	strv_addl(out, "--", BWRAP_RUNNER, "--exec", "--cwd", "/work", NULL);
	if (bwrap_root()) {
		bwrap_user(&uid, &gid);
		strv_add(out, "--uid");
		strv_fmt(out, "%d", uid);
		strv_add(out, "--gid");
		strv_fmt(out, "%d", gid);
	}
	strv_add(out, "--");
	strv_addv(out, cmd);
	host_release(&h);
	return rc;
}

static void local_sample(
	struct engine *e, const struct engine_task *t, int64_t *cpu_ns, int64_t *memory)
{
	char *groups = own_file(t, "cgroup");

	cgroup_sample(groups, cpu_ns, memory);
	free(groups);
}

static void local_owner(struct engine *e, int *uid, int *gid)
{
	*uid = *gid = -1;
	if (bwrap_root())
		bwrap_user(uid, gid);
}

const struct engine_type engine_local = {
	.name = "local",
	.help = "namespaces on this machine (bubblewrap), no daemon; less isolation than a "
		"container",
	.caps = ENGINE_AUTO,
	.open = local_open,
	.close = local_close,
	.probe = local_ask,
	.prepare = local_prepare,
	.start = local_start,
	.stop = local_stop,
	.adopt = local_adopt,
	.remove = local_remove,
	.exec_argv = local_exec,
	.sample = local_sample,
	.owner = local_owner,
};
