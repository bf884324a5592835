/* local_probe.c - the trials of local. */
#include "engine/local_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "engine/bwrap.h"

enum { TRIAL_MS = 1000 }; /* each; two of them stay below the 2 s that a probe may take */

struct found {
	bool ok;
	struct err e; /* why not */
	struct cgroup_can can;
};

struct local_probe {
	struct engine_ctx c;
	struct found last;
	bool tried, closed;
	int jobs;
};

struct trial {
	struct local_probe *p;
	struct engine_ctx c; /* the worker's own */
	struct found found;
	struct err refused; /* of prepare, before the trial */
	engine_probe_fn probe;
	engine_done_fn done;
	void *ctx;
};

bool local_own_nproc(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	return uname(&u) == 0 && sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
		(major > 5 || (major == 5 && minor >= 14));
}

static void say_why(const struct child_result *r, struct err *e)
{
	char line[256];

	snprintf(line, sizeof line, "%.*s", (int)strcspn(r->err.p, "\n"), r->err.p);
	if (strstr(line, "Unknown option"))
		err_set(e, "no_bwrap",
			"bubblewrap is too old here (%s); version 0.5 or newer is needed", line);
	else if (strstr(line, "ermi") || strstr(line, "namespace") || strstr(line, "uid map"))
		err_set(e, "no_bwrap",
			"bubblewrap may not make namespaces here (%s); allow unprivileged user "
			"namespaces, or use docker",
			line);
	else
		err_set(e, "no_bwrap", "bubblewrap does not work here (%s); use docker",
			*line ? line : "no message");
}

static int try_bwrap(const struct engine_ctx *c, struct err *e)
{
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	struct strv argv = STRV_INIT;
	struct host h;
	int rc = bwrap_host(c, NULL, &h, e);

	strv_add(&argv, "bwrap");
	if (rc == 0)
		rc = bwrap_options(c, NULL, &h, false, &argv, e);
	strv_addl(&argv, "--as-pid-1", "--", "true", NULL);
	s.argv = strv_argv(&argv);
	if (rc == 0) {
		rc = child_run(&s, NULL, 0, 1 << 16, TRIAL_MS, &r, e);
		if (rc && !strcmp(e->code, "not_found"))
			err_set(e, "no_bwrap",
				"bubblewrap (bwrap) is not installed; install the package "
				"bubblewrap, or use docker");
		else if (rc)
			err_set(e, "no_bwrap",
				"a trial of bubblewrap did not end within %d ms; use docker",
				TRIAL_MS);
		else if (r.code != 0) {
			say_why(&r, e);
			rc = -1;
		}
		child_result_release(&r);
	}
	host_release(&h);
	strv_release(&argv);
	return rc;
}

static void try_cgroups(struct cgroup_can *can)
{
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	struct strv argv = STRV_INIT;
	struct err e;

	cgroup_probe(can);
	/* only where systemd is the init: elsewhere systemd-run would wait for a bus that never
	 * comes */
	if (can->way == CGROUP_NONE && fs_is_dir("/run/systemd/system") && cgroup_trial(&argv)) {
		s.argv = strv_argv(&argv);
		if (child_run(&s, NULL, 0, 4096, TRIAL_MS, &r, &e) == 0 && r.code == 0 &&
			cgroup_trial_ok(r.out.p))
			*can = (struct cgroup_can){
				.way = CGROUP_SYSTEMD, .memory = true, .pids = true
			};
		child_result_release(&r);
	}
	strv_release(&argv);
}

static void work(void *arg)
{
	struct trial *j = arg;

	err_clear(&j->found.e);
	j->found.ok = try_bwrap(&j->c, &j->found.e) == 0;
	if (j->found.ok)
		try_cgroups(&j->found.can);
}

static void report(const struct found *f, struct engine_report *r)
{
	static const char *const how[] = {
		[CGROUP_NONE] = "no memory limit",
		[CGROUP_V1] = "limits by control groups",
		[CGROUP_SYSTEMD] = "limits by systemd",
	};

	*r = (struct engine_report){
		.ok = f->ok, .isolation = "namespace", .shares_network = true
	};
	if (!f->ok) {
		snprintf(r->code, sizeof r->code, "%s", f->e.code);
		snprintf(r->why, sizeof r->why, "%.500s", f->e.msg);
		return;
	}
	snprintf(r->why, sizeof r->why, "bubblewrap, %s, %s",
		bwrap_root() ? "as root" : "user namespaces", how[f->can.way]);
	r->limit_memory = f->can.memory;
	r->limit_pids = f->can.pids || (!bwrap_root() && local_own_nproc());
	r->limit_cpus = f->can.cpus;
}

static void done(void *arg)
{
	struct trial *j = arg;
	struct local_probe *p = j->p;
	struct engine_report r;

	p->jobs--;
	if (!p->closed) {
		p->last = j->found;
		p->tried = true;
		report(&j->found, &r);
		if (j->probe)
			j->probe(j->ctx, &r);
		else
			j->done(j->ctx, *j->refused.code ? &j->refused : &j->found.e);
	} else if (p->jobs == 0) {
		free(p);
	}
	free(j);
}

static struct trial *post(struct local_probe *p, struct trial with)
{
	struct trial *j = xmalloc(sizeof *j);

	*j = with;
	j->p = p;
	j->c = p->c;
	p->jobs++;
	pool_post(loop_pool(p->c.loop), work, done, j);
	return j;
}

struct local_probe *local_probe_new(const struct engine_ctx *c)
{
	struct local_probe *p = xcalloc(1, sizeof *p);

	p->c = *c;
	return p;
}

void local_probe_free(struct local_probe *p)
{
	p->closed = true;
	if (p->jobs == 0)
		free(p);
}

void local_probe_start(struct local_probe *p, engine_probe_fn fn, void *ctx)
{
	post(p, (struct trial){ .probe = fn, .ctx = ctx });
}

static int image_allowed(const char *image, struct err *e)
{
	if (!image || !strcmp(image, "host"))
		return 0;
	return err_set(e, "image",
		"the local engine runs the programs of this machine and cannot use image %s; leave "
		"the image out, or use docker",
		image);
}

/* What the variant's own directories are mounted over, it would not see. */
static int no_hidden_mounts(const struct strv *mounts, struct err *e)
{
	static const char *const own[] = { "/tmp", "/var/tmp", "/work", "/home/yolo",
		"/yolo-base.git", "/.yolo" };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < mounts->n; i++) {
		char *target = host_expand(mounts->v[i]);
		for (size_t k = 0; rc == 0 && k < ARRAY_LEN(own); k++)
			if (host_below(target, own[k]))
				rc = err_set(e, "mount",
					"mount %s: inside, %s is the variant's own and would hide it; "
					"name a directory in another place, or use docker",
					mounts->v[i], own[k]);
		free(target);
	}
	return rc;
}

void local_prepare_start(struct local_probe *p, const struct spec *s, engine_done_fn fn, void *ctx)
{
	struct trial j = { .done = fn, .ctx = ctx };
	int rc = image_allowed(s->image, &j.refused);

	for (size_t i = 0; rc == 0 && i < s->nvariants; i++)
		rc = image_allowed(s->variants[i].image, &j.refused);
	if (rc == 0)
		rc = host_check_mounts(&s->mounts, p->c.state_dir, NULL, &j.refused);
	if (rc == 0)
		no_hidden_mounts(&s->mounts, &j.refused);
	post(p, j);
}

const struct cgroup_can *local_cgroups(struct local_probe *p)
{
	if (!p->tried) {
		try_cgroups(&p->last.can);
		p->tried = true;
	}
	return &p->last.can;
}
