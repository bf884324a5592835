/* docker_end.c - what an ended container means: the log's exit record says why, the inspect says
 * with which code and whether the kernel ran out of memory. Where the log is not guarded the record
 * counts only when it agrees with the inspect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/docker.h"
#include "engine/host.h"

bool docker_ours(const struct docker *d, const struct engine_task *t, const struct json *inspect)
{
	const struct json *l = json_get(json_get(inspect, "Config"), "Labels");
	return !strcmp(json_str(l, "yolodeck.repo", ""), d->repo_id) &&
		strtol(json_str(l, "yolodeck.race", "0"), NULL, 10) == t->race &&
		!strcmp(json_str(l, "yolodeck.variant", ""), t->variant) &&
		(json_str(l, "yolodeck.check", NULL) != NULL) == t->check;
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
	docker_owner(k->d, &uid, &gid);
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
	} else if (k->d->losses > k->losses && end->exit != 0) {
		end->cause = ENGINE_RESTARTED;
		snprintf(end->reason, sizeof(end->reason), "Docker restarted");
	} else if (end->exit == 137) {
		snprintf(end->reason, sizeof(end->reason), "killed from outside (exit 137)");
		return true;
	}
	return false;
}

bool docker_ended(const struct docker_task *k, const struct json *inspect, struct engine_end *end)
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
	if (record && k->d->info.rootless && end->exit != (int)json_int(state, "ExitCode", -1))
		record = false;
	if (!record)
		return without_record(k, state, oom, end);
	if (end->cause == ENGINE_STOPPED && !k->stop_asked) {
		bool restarted = k->d->losses > k->losses;
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
