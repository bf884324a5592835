/* docker_endpoint.c - where a Docker daemon may be: DOCKER_HOST, DOCKER_CONTEXT, the current
 * context, then the usual sockets. */
#include "engine/docker_endpoint.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"

enum { MAX_CONFIG = 1 << 20 };

struct list {
	struct docker_endpoint *p;
	size_t n;
};

static void add(struct list *s, char *take_socket, const char *how)
{
	s->p = xrealloc(s->p, (s->n + 1) * sizeof(*s->p));
	s->p[s->n++] = (struct docker_endpoint){ .socket = take_socket, .how = xstrdup(how) };
}

void docker_endpoints_free(struct docker_endpoint *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(p[i].socket);
		free(p[i].how);
	}
	free(p);
}

/* "unix:///path" only: the log files are bind mounts, so the daemon has to be on this machine. */
static int add_host(
	struct list *s, const char *host, const char *how, const char *undo, struct err *e)
{
	if (strncmp(host, "unix://", 7))
		return err_set(e, "docker_host",
			"%s says %s, but yolodeck reaches Docker through a unix socket only: its "
			"logs and work directories "
			"are files of this machine. %s, or use another engine with --engine",
			how, host, undo);
	const char *path = host + 7;
	if (*path != '/')
		return err_set(e, "docker_host",
			"%s says %s, which is not an absolute path: write "
			"unix:///path/to/docker.sock",
			how, host);
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return err_set(e, "docker_host",
			"%s names a socket path longer than 107 bytes: %s. Use a shorter one, for "
			"example by a symbolic link",
			how, path);
	add(s, xstrdup(path), how);
	return 0;
}

char *docker_config_dir(void)
{
	const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
	if (dir && *dir)
		return xstrdup(dir);
	return home && *home == '/' ? fs_join(home, ".docker") : NULL;
}

static struct json *read_json(const char *path)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct json *j = NULL;
	if (fs_read(path, MAX_CONFIG, &b, &e) == 0)
		j = json_parse(b.p, b.len, &e);
	buf_release(&b);
	return j;
}

/* Host of the context with that name; the directory's own name is a hash of it that we need not
 * compute. */
static char *context_host(const char *config, const char *name)
{
	char *meta = xasprintf("%s/contexts/meta", config), *host = NULL;
	DIR *d = opendir(meta);
	for (struct dirent *ent; d && !host && (ent = readdir(d));) {
		if (ent->d_name[0] == '.')
			continue;
		char *path = xasprintf("%s/%s/meta.json", meta, ent->d_name);
		struct json *j = read_json(path);
		if (j && !strcmp(json_str(j, "Name", ""), name)) {
			const struct json *docker = json_get(json_get(j, "Endpoints"), "docker");
			host = xstrdup(json_str(docker, "Host", ""));
		}
		json_free(j);
		free(path);
	}
	if (d)
		closedir(d);
	free(meta);
	return host;
}

/* 1 = the context decides (added), 0 = it is "default", -1 = it cannot be used. */
static int add_context(
	struct list *s, const char *config, const char *name, const char *from, struct err *e)
{
	if (!*name || !strcmp(name, "default"))
		return 0;
	char *host = config ? context_host(config, name) : NULL;
	if (!host)
		return err_set(e, "docker_context",
			"%s names the Docker context %s, which is not there; see `docker context "
			"ls`",
			from, name);
	char *how = xasprintf("Docker context %s", name);
	int rc = add_host(s, host, how, "Choose another with `docker context use`", e);
	free(how);
	free(host);
	return rc < 0 ? -1 : 1;
}

/* The config file's currentContext: 1 decided, 0 not, -1 error. */
static int add_current(struct list *s, const char *config, struct err *e)
{
	if (!config)
		return 0;
	char *path = fs_join(config, "config.json");
	struct json *j = read_json(path);
	int rc = add_context(s, config, json_str(j, "currentContext", ""), path, e);
	json_free(j);
	free(path);
	return rc;
}

static void add_usual(struct list *s)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	add(s, xstrdup("/var/run/docker.sock"), "default socket");
	if (run && *run == '/') {
		add(s, fs_join(run, "docker.sock"), "rootless socket");
		add(s, fs_join(run, "podman/podman.sock"), "podman socket of the user");
	}
	add(s, xstrdup("/run/podman/podman.sock"), "podman socket");
}

int docker_endpoints(struct docker_endpoint **out, size_t *n, struct err *e)
{
	struct list s = { 0 };
	const char *host = getenv("DOCKER_HOST"), *context = getenv("DOCKER_CONTEXT");
	char *config = docker_config_dir();
	int rc;
	if (host && *host) {
		rc = add_host(&s, host, "DOCKER_HOST", "Unset DOCKER_HOST", e) < 0 ? -1 : 1;
	} else if (context && *context) {
		rc = add_context(&s, config, context, "DOCKER_CONTEXT", e);
	} else {
		rc = add_current(&s, config, e);
	}
	if (rc == 0)
		add_usual(&s);
	free(config);
	if (rc < 0) {
		docker_endpoints_free(s.p, s.n);
		return -1;
	}
	*out = s.p;
	*n = s.n;
	return 0;
}
