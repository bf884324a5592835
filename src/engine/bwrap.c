/* bwrap.c - what a sandbox of local sees. The root is an empty tmpfs; everything in it is named
 * here or in host.c. */
#include "engine/bwrap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

bool bwrap_root(void)
{
	return geteuid() == 0;
}

void bwrap_user(int *uid, int *gid)
{
	*uid = bwrap_root() ? BWRAP_UID : (int)getuid();
	*gid = bwrap_root() ? BWRAP_UID : (int)getgid();
}

char *bwrap_gen_dir(const struct engine_ctx *c, struct err *e)
{
	char *dir = fs_join(c->state_dir, "host");

	if (fs_mkdirs(dir, 0700, e) == 0)
		return dir;
	free(dir);
	return NULL;
}

int bwrap_host(
	const struct engine_ctx *c, const struct engine_task *t, struct host *h, struct err *e)
{
	struct strv none = STRV_INIT;
	char *gen = bwrap_gen_dir(c, e);
	int uid, gid;

	memset(h, 0, sizeof *h);
	if (!gen)
		return -1;
	bwrap_user(&uid, &gid);
	int rc = host_table(h, gen, uid, gid, t ? &t->mounts : &none, e);
	free(gen);
	return rc;
}

static void namespaces(struct strv *o, bool net, bool tty)
{
	if (bwrap_root()) {
		/* no user namespace: only one uid could be mapped in it, and the runner must be
		 * another than the command */
		strv_addl(o, "--unshare-ipc", "--unshare-pid", "--unshare-uts",
			"--unshare-cgroup-try", NULL);
		if (!net)
			strv_add(o, "--unshare-net");
		strv_addl(o, "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add",
			"CAP_SETGID", "--cap-add", "CAP_KILL", NULL);
	} else {
		strv_add(o, "--unshare-all");
		if (net)
			strv_add(o, "--share-net");
	}
	/* without a session of its own a command could type into our terminal (TIOCSTI) */
	if (!tty)
		strv_add(o, "--new-session");
	strv_add(o, "--clearenv");
}

/* The directories above target that no mount makes, whatever our umask is. */
static void parents(struct strv *o, struct strv *made, const char *target)
{
	for (const char *p = strchr(target + 1, '/'); p; p = strchr(p + 1, '/')) {
		char *dir = xstrndup(target, (size_t)(p - target));
		if (!strv_has(made, dir)) {
			strv_addl(o, "--perms", "0755", "--dir", dir, NULL);
			strv_add(made, dir);
		}
		free(dir);
	}
}

static void bind(
	struct strv *o, struct strv *made, const char *how, const char *source, const char *target)
{
	parents(o, made, target);
	strv_addl(o, how, source, target, NULL);
	strv_add(made, target);
}

static bool inside_made(const struct host *h, size_t upto, const char *target)
{
	for (size_t i = 0; i < upto; i++)
		if (strcmp(h->m[i].target, target) && host_below(target, h->m[i].target))
			return true;
	return false;
}

static void table(struct strv *o, struct strv *made, const struct host *h)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct host_mount *m = &h->m[i];
		if (m->link) {
			parents(o, made, m->target);
			strv_addl(o, "--symlink", m->link, m->target, NULL);
		} else if (inside_made(h, i, m->target)) {
			strv_addl(o, "--ro-bind", m->source, m->target,
				NULL); /* its place is there already */
		} else {
			bind(o, made, "--ro-bind", m->source, m->target);
		}
	}
}

/* Names of machines: the host's where its network is shared; else only this one, which has to be
 * known even so. */
static int names(
	const struct engine_ctx *c, struct strv *o, struct strv *made, bool net, struct err *e)
{
	char *real = realpath("/etc/resolv.conf", NULL), *gen, *path;
	char text[256], name[65] = "";
	int rc = 0;

	if (net) {
		if (real)
			bind(o, made, "--ro-bind", real, "/etc/resolv.conf");
		if (fs_exists("/etc/hosts"))
			bind(o, made, "--ro-bind", "/etc/hosts", "/etc/hosts");
		free(real);
		return 0;
	}
	free(real);
	gen = bwrap_gen_dir(c, e);
	if (!gen)
		return -1;
	path = fs_join(gen, "hosts");
	gethostname(name, sizeof name - 1);
	snprintf(text, sizeof text, "127.0.0.1 localhost %s\n::1 localhost\n", name);
	if (!fs_exists(path))
		rc = fs_replace(path, text, strlen(text), e);
	if (rc == 0 && chmod(path, 0644) < 0)
		rc = err_sys(e, "io", "cannot set the mode of %s", path);
	bind(o, made, "--ro-bind", path, "/etc/hosts");
	free(path);
	free(gen);
	return rc;
}

static void own_dirs(const struct engine_task *t, struct strv *o, struct strv *made)
{
	static const struct {
		const char *name, *target;
	} dirs[] = { { "work", "/work" }, { "home", "/home/yolo" }, { "tmp", "/tmp" } };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		char *source = fs_join(t->dir, dirs[i].name);
		bind(o, made, "--bind", source, dirs[i].target);
		free(source);
	}
	parents(o, made, "/var/tmp");
	strv_addl(o, "--symlink", "/tmp", "/var/tmp", NULL);
	if (t->base_store && fs_exists(t->base_store))
		bind(o, made, "--ro-bind", t->base_store, "/yolo-base.git");
}

static void environment(const struct engine_task *t, const struct host *h, struct strv *o)
{
	const struct strv none = STRV_INIT;
	struct strv env = STRV_INIT;

	host_environment(h, t ? &t->env : &none, &env);
	for (size_t i = 0; i < env.n; i++) {
		char *equals = strchr(env.v[i], '=');
		if (!equals)
			continue;
		*equals = 0;
		strv_addl(o, "--setenv", env.v[i], equals + 1, NULL);
	}
	strv_release(&env);
}

int bwrap_options(const struct engine_ctx *c, const struct engine_task *t, const struct host *h,
	bool tty, struct strv *o, struct err *e)
{
	struct strv made = STRV_INIT;
	bool net = t && strcmp(t->network, "none") != 0;

	namespaces(o, net, tty);
	/* the task's own first: a mount of the race may lie below one of them */
	if (t)
		own_dirs(t, o, &made);
	table(o, &made, h);
	int rc = names(c, o, &made, net, e);
	strv_addl(o, "--proc", "/proc", "--dev", "/dev", NULL);
	if (bwrap_root())
		strv_addl(o, "--perms", "1777", NULL);
	strv_addl(o, "--tmpfs", "/dev/shm", NULL);
	bind(o, &made, "--ro-bind", c->runner, BWRAP_RUNNER);
	/* what is not mounted cannot be written: the root is memory, which nothing limits */
	strv_addl(o, "--remount-ro", "/", "--chdir", "/", NULL);
	environment(t, h, o);
	strv_release(&made);
	return rc;
}

int bwrap_args_fd(const struct strv *options, struct err *e)
{
	int fd = memfd_create("bwrap-args", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "memory", "cannot make a memory file");
	for (size_t i = 0; i < options->n; i++)
		if (fs_write_all(fd, options->v[i], strlen(options->v[i]) + 1) < 0)
			goto fail;
	if (lseek(fd, 0, SEEK_SET) == 0)
		return fd;
fail:
	err_sys(e, "memory", "cannot write a memory file");
	close(fd);
	return -1;
}
