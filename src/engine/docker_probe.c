/* docker_probe.c - what a probe answers: which daemon, of what kind, what it enforces; or why there
 * is none and what to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/docker.h"

static void good(const struct docker *d, struct engine_report *r)
{
	const struct docker_info *i = &d->info;
	const struct docker_place *p = &d->places[d->place];
	r->ok = true;
	snprintf(r->why, sizeof(r->why), "%s %.60s, API 1.%d, %s, at %.200s (%.60s)",
		i->podman ? "podman" : "docker", i->version, i->api,
		i->rootless ? "rootless" : "rootful", p->socket, p->how);
	snprintf(r->isolation, sizeof(r->isolation), "container");
	r->limit_memory = i->memory;
	r->limit_pids = i->pids;
	r->limit_cpus = i->cpus;
	if (i->rootless)
		snprintf(r->warn, sizeof(r->warn), "log not guarded");
}

static void bad(
	const struct docker *d, const struct err *e, const char *next, struct engine_report *r)
{
	snprintf(r->code, sizeof(r->code), "%s", e->code);
	snprintf(r->why, sizeof(r->why), "%.400s%s%.100s", e->msg, *next ? "; " : "", next);
}

static void answer(struct docker *d, const struct engine_report *r)
{
	struct docker_probe *p = d->probes, *next;
	loop_cancel(d->probe_over);
	d->probe_over = NULL;
	d->probes = NULL;
	for (; p; p = next) {
		next = p->next;
		p->fn(p->ctx, r);
		free(p);
	}
}

void docker_probe_done(struct docker *d)
{
	struct engine_report r = { 0 };
	if (!d->probes)
		return;
	if (d->failure.msg[0])
		bad(d, &d->failure, d->next_step, &r);
	else
		good(d, &r);
	answer(d, &r);
}

static void on_ping(void *ctx, const struct http_answer *a)
{
	struct docker *d = ctx;
	d->probing = false;
	if (a->trouble == HTTP_OK) /* else the link is lost, and the next attempt answers */
		docker_probe_done(d);
}

void docker_probe_again(struct docker *d)
{
	if (!d->probes || d->probing)
		return;
	d->probing = true;
	docker_call(d, NULL,
		&(struct docker_req){ .method = "GET", .path = "/_ping", .timeout_ms = 1500 },
		on_ping, d);
}

void docker_probe_over(void *docker)
{
	struct docker *d = docker;
	struct engine_report r = { 0 };
	struct http_answer silent = { .trouble = HTTP_TIMEOUT, .body = BUF_INIT };
	struct err e = d->failure;
	char next[256] = "";
	d->probe_over = NULL;
	if (d->nplaces)
		docker_trouble(&d->places[d->place < d->nplaces ? d->place : 0], &silent, &e, next,
			sizeof(next));
	bad(d, &e, next, &r);
	answer(d, &r);
}
