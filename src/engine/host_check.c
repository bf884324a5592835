/* host_check.c - which mounts of a race are refused, and why. A mount opens the machine to code
 * nobody has read yet, so what holds sockets, devices, accounts, the user's whole home or our own
 * state is never given, not even read-only. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/host.h"

static const char *const system_dirs[] = { "/run", "/var/run", "/proc", "/sys", "/dev", "/etc",
	"/boot" };

/* One is the other, or lies inside of it. */
static bool overlap(const char *a, const char *b)
{
	return host_below(a, b) || host_below(b, a);
}

/* dir is given as configured; what it really is counts too. */
static bool touches(const char *path, const char *dir)
{
	char *real = dir ? realpath(dir, NULL) : NULL;
	bool yes = dir && (overlap(path, dir) || (real && overlap(path, real)));

	free(real);
	return yes;
}

static const char *docker_socket(void)
{
	const char *host = getenv("DOCKER_HOST");

	return host && !strncmp(host, "unix://", 7) ? host + 7 : "/var/run/docker.sock";
}

static int check_place(
	const char *name, const char *path, const char *state_dir, const char *repo, struct err *e)
{
	const char *home = getenv("HOME");

	if (!strcmp(path, "/"))
		return err_set(e, "mount",
			"mount %s: the whole machine is never mounted; name the directory that is "
			"needed",
			name);
	for (size_t i = 0; i < ARRAY_LEN(system_dirs); i++)
		if (touches(path, system_dirs[i]))
			return err_set(e, "mount",
				"mount %s: %s is never mounted (it holds sockets, devices or "
				"accounts); name another directory",
				name, system_dirs[i]);
	if (home && home[0] == '/' && (host_below(home, path)))
		return err_set(e, "mount",
			"mount %s: your whole home directory is never mounted; name the directory "
			"that is needed, like ~/.nvm",
			name);
	if (touches(path, state_dir))
		return err_set(e, "mount",
			"mount %s: it holds the state of yolodeck, which no container may see; "
			"name a directory beside it",
			name);
	if (touches(path, repo))
		return err_set(e, "mount",
			"mount %s: it is or holds the repository; every variant already has its "
			"own copy in /work",
			name);
	if (host_below(docker_socket(), path))
		return err_set(e, "mount",
			"mount %s: it holds the Docker socket, which is as good as root; name "
			"another directory",
			name);
	return 0;
}

static int check_one(const char *name, const char *state_dir, const char *repo, struct err *e)
{
	char *path = host_expand(name), *real = NULL;
	struct stat st;
	int rc = -1;

	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			err_set(e, "mount", "mount: a path with control characters is refused");
			goto out;
		}
	if (path[0] != '/') {
		err_set(e, "mount", "mount %s: not an absolute path; write /dir or ~/dir", name);
		goto out;
	}
	real = realpath(path, NULL);
	if (!real || stat(real, &st) < 0) {
		err_set(e, "mount", "mount %s: there is no such file or directory on this machine",
			name);
		goto out;
	}
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
		err_set(e, "mount", "mount %s: only a directory or a plain file can be mounted",
			name);
		goto out;
	}
	if (check_place(name, real, state_dir, repo, e) ||
		check_place(name, path, state_dir, repo, e))
		goto out;
	if (strstr(path, "//") || strstr(path, "/./") || strstr(path, "/../")) {
		err_set(e, "mount", "mount %s: write the path without //, /./ and /../", name);
		goto out;
	}
	rc = 0;
out:
	free(path);
	free(real);
	return rc;
}

int host_check_mounts(
	const struct strv *mounts, const char *state_dir, const char *repo, struct err *e)
{
	for (size_t i = 0; i < mounts->n; i++)
		if (check_one(mounts->v[i], state_dir, repo, e))
			return -1;
	return 0;
}
