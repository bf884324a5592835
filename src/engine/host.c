/* host.c - the table of image "host": which paths of this machine a container sees, and what is
 * generated for it. */
#include "engine/host.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"

/* All there is; what is missing on this machine is left out. Nothing that names users, keys or
 * sockets. */
static const char *const shown[] = {
	"/usr",
	"/bin",
	"/sbin",
	"/lib",
	"/lib32",
	"/lib64",
	"/libx32",
	"/nix",
	"/opt",
	"/etc/alternatives",
	"/etc/ssl",
	"/etc/pki",
	"/etc/ca-certificates",
	"/etc/ld.so.cache",
	"/etc/ld.so.conf",
	"/etc/ld.so.conf.d",
	"/etc/nsswitch.conf",
	"/etc/localtime",
	"/etc/mime.types",
	"/etc/terminfo",
};

bool host_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 0 && dir[n - 1] == '/')
		n--;
	return !strncmp(path, dir, n) && (path[n] == '/' || path[n] == 0);
}

char *host_expand(const char *path)
{
	const char *home = getenv("HOME");
	bool tilde = path[0] == '~' && (path[1] == '/' || !path[1]) && home && home[0] == '/';
	char *out = xasprintf("%s%s", tilde ? home : "", tilde ? path + 1 : path);

	for (size_t n = strlen(out); n > 1 && out[n - 1] == '/'; n--)
		out[n - 1] = 0;
	return out;
}

static void add(struct host *h, char *take_source, const char *target, char *take_link)
{
	h->m = xrealloc(h->m, (h->n + 1) * sizeof *h->m);
	h->m[h->n++] = (struct host_mount){ take_source, xstrdup(target), take_link };
}

/* A path of the host exists inside under the same name. */
static bool visible(const struct host *h, const char *path)
{
	for (size_t i = 0; i < h->n; i++)
		if (host_below(path, h->m[i].target) &&
			(h->m[i].link || !strcmp(h->m[i].source, h->m[i].target)))
			return true;
	return false;
}

static char *link_text(const char *path)
{
	char text[PATH_MAX];
	ssize_t n = readlink(path, text, sizeof text - 1);

	return n > 0 ? xstrndup(text, (size_t)n) : NULL;
}

static void add_shown(struct host *h, const char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		return;
	char *link = strcmp(real, path) ? link_text(path) : NULL;
	/* a link is made again only where its target is seen; else the target itself stands in its
	 * place */
	if (link && !visible(h, real)) {
		free(link);
		link = NULL;
	}
	add(h, real, path, link);
}

static int generate(
	struct host *h, const char *dir, const char *name, const struct buf *text, struct err *e)
{
	struct buf old = BUF_INIT;
	struct err ignored;
	char *path = fs_join(dir, name),
	     *target = xasprintf("/etc/%.*s", (int)strcspn(name, "-"), name);
	int rc = 0;

	if (fs_read(path, 4096, &old, &ignored) || old.len != text->len ||
		memcmp(old.p, text->p, old.len)) {
		rc = fs_replace(path, text->p, text->len, e);
		if (rc == 0 && chmod(path, 0644) < 0)
			rc = err_sys(e, "io", "cannot set the mode of %s", path);
	}
	add(h, path, target, NULL);
	free(target);
	buf_release(&old);
	return rc;
}

static int generate_users(struct host *h, const char *dir, int uid, int gid, struct err *e)
{
	struct buf b = BUF_INIT;
	char *passwd = xasprintf("passwd-%d-%d", uid, gid),
	     *group = xasprintf("group-%d-%d", uid, gid);

	if (uid != 0)
		buf_str(&b, "root:x:0:0:root:/root:/usr/sbin/nologin\n");
	buf_fmt(&b, "yolo:x:%d:%d:yolo:/home/yolo:/bin/sh\n", uid, gid);
	if (uid != 65534)
		buf_str(&b, "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
	int rc = generate(h, dir, passwd, &b, e);
	buf_clear(&b);
	if (gid != 0)
		buf_str(&b, "root:x:0:\n");
	buf_fmt(&b, "yolo:x:%d:\n", gid);
	if (gid != 65534)
		buf_str(&b, "nogroup:x:65534:\n");
	if (rc == 0)
		rc = generate(h, dir, group, &b, e);
	buf_release(&b);
	free(passwd);
	free(group);
	return rc;
}

static int add_mounts(struct host *h, const struct strv *mounts, struct err *e)
{
	for (size_t i = 0; i < mounts->n; i++) {
		char *target = host_expand(mounts->v[i]);
		char *real = fs_realpath(target, e);
		if (!real) {
			free(target);
			return err_prefix(e, "mount %s", mounts->v[i]);
		}
		if (visible(h, target) && !strcmp(real, target))
			free(real);
		else
			add(h, real, target, NULL);
		free(target);
	}
	return 0;
}

static void add_path(struct strv *out, const char *dir)
{
	if (!strv_has(out, dir))
		strv_add(out, dir);
}

/* The user's PATH, reduced to what is seen inside; the system's own directories are always there.
 */
static char *path_inside(const struct host *h)
{
	static const char *const always[] = { "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin",
		"/sbin" };
	const char *p = getenv("PATH");
	struct strv dirs = STRV_INIT;
	struct buf b = BUF_INIT;

	while (p && *p) {
		size_t n = strcspn(p, ":");
		char *dir = xstrndup(p, n), *real = dir[0] == '/' ? realpath(dir, NULL) : NULL;
		/* a directory that is only reached through a hidden link (NixOS:
		 * /run/current-system) goes by its real name */
		if (real && visible(h, real))
			add_path(&dirs, visible(h, dir) ? dir : real);
		free(dir);
		free(real);
		p += n + (p[n] == ':');
	}
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (fs_exists(always[i]))
			add_path(&dirs, always[i]);
	for (size_t i = 0; i < dirs.n; i++)
		buf_fmt(&b, "%s%s", i ? ":" : "", dirs.v[i]);
	strv_release(&dirs);
	return buf_take(&b);
}

int host_table(struct host *h, const char *gen_dir, int uid, int gid, const struct strv *mounts,
	struct err *e)
{
	memset(h, 0, sizeof *h);
	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		add_shown(h, shown[i]);
	if (generate_users(h, gen_dir, uid, gid, e) || add_mounts(h, mounts, e))
		return -1;
	h->path = path_inside(h);
	return 0;
}

void host_release(struct host *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free(h->m[i].source);
		free(h->m[i].target);
		free(h->m[i].link);
	}
	free(h->m);
	free(h->path);
	memset(h, 0, sizeof *h);
}

void host_environment(const struct host *h, const struct strv *env, struct strv *out)
{
	bool locale = false;

	for (size_t i = 0; i < env->n; i++) {
		strv_add(out, env->v[i]);
		locale |= !strncmp(env->v[i], "LANG=", 5) || !strncmp(env->v[i], "LC_ALL=", 7);
	}
	strv_addl(out, "HOME=/home/yolo", "USER=yolo", NULL);
	if (!h->path) /* an image knows its own */
		return;
	strv_fmt(out, "PATH=%s", h->path);
	if (!locale)
		strv_add(out, "LANG=C.UTF-8");
}

bool host_explain_127(const struct host *h, const char *program, char *out, size_t n)
{
	char *found = strchr(program, '/') ? host_expand(program) : child_which(program, NULL);
	char *real =
		found && found[0] == '/' && access(found, X_OK) == 0 ? realpath(found, NULL) : NULL;
	bool hidden = real && !(visible(h, found) && visible(h, real));

	if (hidden) {
		/* what is missing is the directory of the program, or of what a visible link leads
		 * to */
		char *dir = fs_dirname(visible(h, found) ? real : found),
		     *shown_dir = fs_tilde(dir);
		snprintf(out, n, "%s is in %s, which the container does not see; add it to mounts",
			fs_basename(program), shown_dir);
		free(dir);
		free(shown_dir);
	}
	free(found);
	free(real);
	return hidden;
}
