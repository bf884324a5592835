/* docker_body.c - what a container is made of: its name, its mounts, its limits, and what it may
 * not do.
 *
 * The runner is pid 1. Where the daemon is root's it starts as root with four capabilities and runs
 * the command as another uid behind a tmpfs that only root can enter (/.yolo, with the runner, log
 * and idx bound below it). Where container root is the user itself the log cannot be protected:
 * then the exit code comes from an inspect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/docker.h"
#include "engine/host.h"
#include "git/checkout.h"

void docker_body_name(const struct engine_task *t, char *out, size_t n)
{
	snprintf(out, n, "yolo-%.8s-%d-%s%s", t->repo_id, t->race, t->variant,
		t->check ? "-check" : "");
}

void docker_body_key(const struct engine_task *t, char *out, size_t n)
{
	if (t->id[0])
		snprintf(out, n, "%s", t->id);
	else
		docker_body_name(t, out, n);
}

void docker_body_owner(const struct docker *d, int *uid, int *gid)
{
	if (d->info->rootless) {
		*uid = *gid = 0; /* container 0 is the user */
		return;
	}
	*uid = getuid() ? (int)getuid() : DOCKER_NOBODY;
	*gid = getuid() ? (int)getgid() : DOCKER_NOBODY;
}

/* What is the same for every container. An image's own stop signal would not reach the command; a
 * daemon may default to a pid 1 of its own. */
static const char body_text[] = "{\"User\":\"0:0\",\"WorkingDir\":\"/work\","
				"\"StopSignal\":\"SIGTERM\",\"Healthcheck\":{\"Test\":[\"NONE\"]}}";
static const char config_text[] =
	"{\"CapDrop\":[\"ALL\"],\"IpcMode\":\"private\",\"Init\":false,"
	"\"LogConfig\":{\"Type\":\"none\"},\"RestartPolicy\":{\"Name\":\"no\"},"
	"\"OomScoreAdj\":500,\"Ulimits\":[{\"Name\":\"core\",\"Soft\":0,\"Hard\":0}]}";
/* Where container root is root: what the runner needs, and the directory that only root enters. */
static const char guarded_caps[] = "[\"SETUID\",\"SETGID\",\"KILL\",\"DAC_OVERRIDE\"]";
static const char guarded_tmpfs[] = "{\"/.yolo\":\"mode=0700,size=64k,nosuid,nodev\"}";

static struct json *fixed(const char *text)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(text, strlen(text), &e);
	if (!j)
		bug("%s: %s", text, e.msg);
	return j;
}

static void add_int_option(struct strv *v, const char *option, int64_t value)
{
	strv_add(v, option);
	strv_fmt(v, "%lld", (long long)value);
}

static void put_entrypoint(const struct docker *d, const struct engine_task *t, struct json *body)
{
	struct strv v = STRV_INIT;
	int uid, gid;
	docker_body_owner(d, &uid, &gid);
	strv_addl(&v, "/.yolo/run", "--log", "/.yolo/log", "--idx", "/.yolo/idx", "--cwd", "/work",
		NULL);
	if (d->info->rootless) {
		strv_add(&v, "--unguarded");
	} else {
		strv_addl(&v, "--gate", "/.yolo", NULL);
		add_int_option(&v, "--uid", uid);
		add_int_option(&v, "--gid", gid);
	}
	add_int_option(&v, "--cap", t->limits.log);
	add_int_option(&v, "--time", t->limits.time_ms);
	add_int_option(&v, "--grace", t->grace_ms);
	if (t->setup)
		strv_addl(&v, "--setup", t->setup, NULL);
	strv_add(&v, "--");
	json_put_strv(body, "Entrypoint", &v);
	strv_release(&v);
	json_put_strv(body, "Cmd", &t->argv);
}

static void put_labels(const struct engine_task *t, struct json *body)
{
	struct json *l = json_object();
	char number[24];
	snprintf(number, sizeof(number), "%d", t->race);
	json_put_str(l, "yolodeck.repo", t->repo_id);
	json_put_str(l, "yolodeck.race", number);
	json_put_str(l, "yolodeck.variant", t->variant);
	if (t->check)
		json_put_str(l, "yolodeck.check", "1");
	json_put(body, "Labels", l);
}

static void add_bind(struct json *mounts, const char *source, const char *target, bool read_only)
{
	struct json *m = json_object();
	json_put_str(m, "Type", "bind");
	json_put_str(m, "Source", source);
	json_put_str(m, "Target", target);
	json_put_bool(m, "ReadOnly", read_only);
	json_add(mounts, m);
}

static void add_below(struct json *mounts, const char *dir, const char *name, const char *target)
{
	char *source = xasprintf("%s/%s", dir, name);
	add_bind(mounts, source, target, false);
	free(source);
}

/* A mount below one of our own binds: the daemon would make its place as root, and nobody could
 * remove it later. Not for a check: the command has been in there, and nothing of ours follows its
 * links. */
static int make_place(
	const struct engine_task *t, const char *source, const char *target, struct err *e)
{
	static const char *const ours[][2] = { { "/work", "work" }, { "/home/yolo", "home" },
		{ "/tmp", "tmp" } };
	int rc = 0;
	for (size_t i = 0; i < ARRAY_LEN(ours) && !t->check; i++) {
		if (!host_below(target, ours[i][0]) || !target[strlen(ours[i][0])])
			continue;
		char *place = xasprintf("%s/%s%s", t->dir, ours[i][1], target + strlen(ours[i][0]));
		char *parent = fs_dirname(place);
		if (!fs_exists(place))
			rc = fs_is_dir(source)                   ? fs_mkdirs(place, 0755, e)
				: fs_mkdirs(parent, 0755, e) < 0 ? -1
								 : fs_create(place, 0644, "", 0, e);
		free(parent);
		free(place);
	}
	return rc;
}

static int put_mounts(const struct docker *d, const struct engine_task *t, const struct host *h,
	struct json *config, struct err *e)
{
	struct json *mounts = json_array();
	json_put(config, "Mounts", mounts);
	add_bind(mounts, d->runner, "/.yolo/run", true);
	add_bind(mounts, t->log, "/.yolo/log", false);
	add_bind(mounts, t->idx, "/.yolo/idx", false);
	add_below(mounts, t->dir, "work", "/work");
	add_below(mounts, t->dir, "home", "/home/yolo");
	add_below(mounts, t->dir, "tmp", "/tmp");
	if (t->base_store)
		add_bind(mounts, t->base_store, CHECKOUT_BASE_STORE, true);
	for (size_t i = 0; i < h->n; i++) {
		add_bind(mounts, h->m[i].source, h->m[i].target, true);
		if (make_place(t, h->m[i].source, h->m[i].target, e) < 0)
			return -1;
	}
	for (size_t i = 0; !h->n && i < t->mounts.n; i++) {
		char *target = host_expand(t->mounts.v[i]), *source = fs_realpath(target, e);
		bool ok = source && make_place(t, source, target, e) == 0;
		if (ok)
			add_bind(mounts, source, target, true);
		free(source);
		free(target);
		if (!ok)
			return err_prefix(e, "mount %s", t->mounts.v[i]);
	}
	return 0;
}

/* Only what the daemon can enforce: the rest was refused or allowed before, and NanoCpus without a
 * quota is an error. */
static void put_limits(const struct docker *d, const struct engine_task *t, struct json *config)
{
	const struct limits *l = &t->limits;
	if (l->memory > 0 && d->info->memory) {
		json_put_int(config, "Memory", l->memory);
		json_put_int(config, "MemorySwap", l->memory); /* else twice as much */
	}
	if (l->pids > 0 && d->info->pids)
		json_put_int(config, "PidsLimit", l->pids);
	if (l->cpus > 0 && d->info->cpus)
		json_put_int(config, "NanoCpus", (int64_t)(l->cpus * 1e9 + 0.5));
}

static void put_guards(const struct docker *d, const struct engine_task *t, struct json *config)
{
	struct json *sec = json_array();
	json_add_str(sec, "no-new-privileges:true");
	if (d->info->selinux)
		json_add_str(sec, "label=disable");
	json_put(config, "SecurityOpt", sec);
	if (!d->info->rootless) {
		json_put(config, "CapAdd", fixed(guarded_caps));
		json_put(config, "Tmpfs", fixed(guarded_tmpfs));
	}
	json_put_str(config, "NetworkMode",
		t->network && !strcmp(t->network, "none") ? "none" : "bridge");
	if (d->info->userns) /* a remapped root could not even open the log */
		json_put_str(config, "UsernsMode", "host");
}

int docker_body(const struct docker *d, const struct engine_task *t, const char *image,
	struct buf *out, struct err *e)
{
	struct host h = { 0 };
	struct strv env = STRV_INIT;
	int uid, gid, rc;
	docker_body_owner(d, &uid, &gid);
	if (!strcmp(t->image, "host") &&
		host_table(&h, d->state_dir, uid, gid, &t->mounts, e) < 0) {
		host_release(&h);
		return -1;
	}
	struct json *body = fixed(body_text), *config = fixed(config_text);
	json_put_str(body, "Image", image);
	put_entrypoint(d, t, body);
	host_environment(&h, &t->env, &env);
	json_put_strv(body, "Env", &env);
	put_labels(t, body);
	put_guards(d, t, config);
	put_limits(d, t, config);
	rc = put_mounts(d, t, &h, config, e);
	json_put(body, "HostConfig", config);
	if (rc == 0)
		json_print(body, out);
	strv_release(&env);
	json_free(body);
	host_release(&h);
	return rc;
}
