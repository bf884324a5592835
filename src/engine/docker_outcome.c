/* docker_outcome.c - what the daemon's answers mean for a task: refused, without a limit it asked
 * for, ended.
 *
 * Of an ended container the log's exit record says why, the inspect with which code and whether the
 * kernel ran out of memory. Where the log is not guarded the record counts only when it agrees with
 * the inspect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "engine/docker.h"
#include "engine/host.h"

bool docker_outcome_ours(const struct engine_task *t, const struct json *labels)
{
	return !strcmp(json_str(labels, "yolodeck.repo", ""), t->repo_id) &&
		strtol(json_str(labels, "yolodeck.race", "0"), NULL, 10) == t->race &&
		!strcmp(json_str(labels, "yolodeck.variant", ""), t->variant) &&
		(json_str(labels, "yolodeck.check", NULL) != NULL) == t->check;
}

static void out_of_memory(const struct engine_task *t, struct engine_end *end)
{
	char size[32];
	spec_fmt_size(t->limits.memory, size, sizeof(size));
	if (end->exit == 137) {
		end->cause = ENGINE_OOM;
		snprintf(end->reason, sizeof(end->reason), "out of memory (limit %s)", size);
		return;
	}
	size_t n = strlen(end->reason);
	snprintf(end->reason + n, sizeof(end->reason) - n,
		", a process was out of memory (limit %s)", size);
}

static void not_found(const struct docker_task *k, struct engine_end *end)
{
	const struct engine_task *t = k->t;
	struct host h = { 0 };
	struct err e = ERR_INIT;
	int uid, gid;
	if (strcmp(t->image, "host")) {
		if (end->cause == ENGINE_NOT_STARTED)
			snprintf(end->reason, sizeof(end->reason),
				"command not found in image %.200s: %.200s", t->image,
				t->argv.n ? t->argv.v[0] : "");
		return;
	}
	docker_body_owner(k->d, &uid, &gid);
	if (host_table(&h, k->d->state_dir, uid, gid, &t->mounts, &e) == 0)
		engine_explain_127(&h, t, end);
	host_release(&h);
}

static bool without_record(
	const struct docker_task *k, const struct json *state, bool oom, struct engine_end *end)
{
	const char *error = json_str(state, "Error", "");
	end->cause = ENGINE_EXITED;
	end->exit = (int)json_int(state, "ExitCode", -1);
	snprintf(end->reason, sizeof(end->reason), "exit %d", end->exit);
	if (end->exit == 125) {
		end->cause = ENGINE_NOT_STARTED;
		snprintf(end->reason, sizeof(end->reason),
			"the runner did not start: its log is not new or cannot be guarded (does "
			"the "
			"image bring its own /.yolo?)");
	} else if (*error) {
		end->cause = ENGINE_NOT_STARTED;
		snprintf(
			end->reason, sizeof(end->reason), "Docker could not run it: %.300s", error);
	} else if (oom && end->exit > 0) {
		out_of_memory(k->t, end);
	} else if (k->stop_asked) {
		end->cause = ENGINE_STOPPED;
		snprintf(end->reason, sizeof(end->reason), "stopped");
	} else if (docker_conn_losses(k->d->conn) > k->losses && end->exit != 0) {
		end->cause = ENGINE_RESTARTED;
		snprintf(end->reason, sizeof(end->reason), "Docker restarted");
	} else if (end->exit == 137) {
		snprintf(end->reason, sizeof(end->reason), "killed from outside (exit 137)");
		return true;
	}
	return false;
}

bool docker_outcome_ended(
	const struct docker_task *k, const struct json *inspect, struct engine_end *end)
{
	const struct json *state = json_get(inspect, "State");
	bool oom = k->oom_event || json_bool(state, "OOMKilled", false);
	bool record = engine_end_from_log(k->t, end);
	if (!inspect) {
		if (!record)
			*end = (struct engine_end){ .cause = ENGINE_GONE,
				.exit = -1,
				.reason = "its container is gone: removed from outside" };
		return false;
	}
	if (record && k->d->info->rootless && end->exit != (int)json_int(state, "ExitCode", -1))
		record = false;
	if (!record)
		return without_record(k, state, oom, end);
	if (end->cause == ENGINE_STOPPED && !k->stop_asked) {
		bool restarted = docker_conn_losses(k->d->conn) > k->losses;
		end->cause = restarted ? ENGINE_RESTARTED : ENGINE_STOPPED;
		snprintf(end->reason, sizeof(end->reason), "%s",
			restarted ? "Docker restarted" : "stopped from outside");
		return !restarted;
	}
	if (oom && end->exit > 0 && (end->cause == ENGINE_EXITED || end->cause == ENGINE_SETUP))
		out_of_memory(k->t, end);
	if (end->exit == 127 && !end->explained &&
		(end->cause == ENGINE_EXITED || end->cause == ENGINE_SETUP ||
			end->cause == ENGINE_NOT_STARTED))
		not_found(k, end);
	return false;
}

/* The texts end in "Limitation discarded." or "PIDs limit discarded." */
void docker_outcome_discarded(const struct json *created, char *out, size_t n)
{
	out[0] = 0;
	for (const struct json *w = json_first(json_get(created, "Warnings")); w;
		w = json_next(w)) {
		const char *text = json_to_str(w);
		if (!strcasestr(text, "discarded"))
			continue;
		const char *what = strcasestr(text, "pids") ? "pids"
			: strcasestr(text, "cpu")           ? "cpu"
							    : "memory";
		snprintf(out, n, "Docker discards the %s limit here", what);
		return;
	}
}

void docker_outcome_unlimited(const struct docker *d, const struct engine_task *t,
	const struct json *inspect, char *out, size_t n)
{
	const struct json *c = json_get(inspect, "HostConfig");
	const struct limits *l = &t->limits;
	out[0] = 0;
	if (l->memory > 0 && (!d->info->memory || (c && json_int(c, "Memory", 0) != l->memory)))
		snprintf(out, n, "memory limit not enforced here");
	else if (l->pids > 0 && (!d->info->pids || (c && json_int(c, "PidsLimit", 0) != l->pids)))
		snprintf(out, n, "process limit not enforced here");
	else if (l->cpus > 0 && (!d->info->cpus || (c && json_int(c, "NanoCpus", 0) <= 0)))
		snprintf(out, n, "cpu limit not enforced here");
}

static void refuse_mount(const struct http_answer *a, const char *said, struct engine_end *end)
{
	const char *path = strstr(said, "does not exist: ");
	if (path && access(path + 16, F_OK) == 0)
		snprintf(end->reason, sizeof(end->reason),
			"this Docker does not see our files (%.200s): it runs on another machine; "
			"use one on this machine, or the dagger engine",
			path + 16);
	else
		snprintf(end->reason, sizeof(end->reason), "Docker cannot mount it: %s", said);
}

void docker_outcome_refused(const struct docker_task *k, bool start, const struct http_answer *a,
	struct engine_end *end)
{
	const struct engine_task *t = k->t;
	char said[DOCKER_TEXT];
	docker_message(a, said, sizeof(said));
	*end = (struct engine_end){ .cause = ENGINE_NOT_STARTED, .exit = -1 };
	if (!start && a->status == 404 && !strcmp(t->image, "host"))
		snprintf(end->reason, sizeof(end->reason),
			"the empty image %s is gone from Docker; run it again, it is made again",
			k->image);
	else if (!start && a->status == 404)
		snprintf(end->reason, sizeof(end->reason),
			"image %.200s is not here; `docker pull %.200s` fetches it", t->image,
			t->image);
	else if (strstr(said, "bind source path does not exist"))
		refuse_mount(a, said, end);
	else if (strstr(said, "exec format error"))
		snprintf(end->reason, sizeof(end->reason),
			"image %.200s is for another kind of processor", t->image);
	else if (strstr(said, "network"))
		snprintf(end->reason, sizeof(end->reason),
			"Docker has no network for it: %s; --network none needs none", said);
	else
		snprintf(end->reason, sizeof(end->reason), "Docker could not %s it (%d): %s",
			start ? "start" : "create", a->status, said);
}
