/* fs_path.c - names of files: joining, cutting, resolving, the XDG directories. */
#include "base/fs.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

bool fs_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

bool fs_is_dir(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *fs_join(const char *a, const char *b)
{
	size_t n = strlen(a);

	return xasprintf("%s%s%s", a, n == 0 || a[n - 1] == '/' ? "" : "/", b);
}

char *fs_dirname(const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n == 0)
		return xstrdup(".");
	while (n > 1 && path[n - 1] == '/')
		n--;
	return xstrndup(path, n);
}

const char *fs_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *fs_realpath(const char *path, struct err *e)
{
	char *p = realpath(path, NULL);

	if (!p)
		err_sys(e, errno == ENOENT || errno == ENOTDIR ? "not_found" : "io",
			"cannot find %s", path);
	return p;
}

/* $HOME, else what the user database says; NULL = neither. The caller frees. */
static char *home_dir(void)
{
	const char *env = getenv("HOME");
	struct passwd pw, *found = NULL;
	char text[4096];

	if (env && env[0] == '/')
		return xstrdup(env);
	if (getpwuid_r(geteuid(), &pw, text, sizeof text, &found) != 0 || !found ||
		found->pw_dir[0] != '/')
		return NULL;
	return xstrdup(found->pw_dir);
}

char *fs_tilde(const char *path)
{
	char *home = home_dir(), *out = NULL;
	size_t n = home ? strlen(home) : 0;

	while (n > 1 && home[n - 1] == '/')
		n--;
	if (n > 1 && !strncmp(path, home, n) && (path[n] == '/' || !path[n]))
		out = xasprintf("~%s", path + n);
	free(home);
	return out ? out : xstrdup(path);
}

static char *xdg_dir(const char *variable, const char *below_home, struct err *e)
{
	const char *env = getenv(variable);
	char *home, *out;

	if (env && env[0] == '/')
		return xstrdup(env);
	home = home_dir();
	if (!home) {
		err_set(e, "no_home", "cannot tell your home directory: set HOME or %s", variable);
		return NULL;
	}
	out = fs_join(home, below_home);
	free(home);
	return out;
}

char *fs_xdg_state(struct err *e)
{
	return xdg_dir("XDG_STATE_HOME", ".local/state", e);
}

char *fs_xdg_config(struct err *e)
{
	return xdg_dir("XDG_CONFIG_HOME", ".config", e);
}

char *fs_xdg_runtime(void)
{
	const char *env = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (!env || env[0] != '/' || lstat(env, &st) < 0)
		return NULL;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return NULL;
	return xstrdup(env);
}
