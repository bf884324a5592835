/* docker_events.c - the daemon's events (hints that something is worth an inspect) and its list
 * (what is there by our label). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "engine/docker.h"

/* Those after which a container may have ended. An "oom" may have hit only a part of it. */
static const char *const telling[] = { "die", "destroy", "remove", "stop" };

void docker_event(struct docker *d, const char *line, size_t n)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(line, n, &e);
	const char *action = json_str(j, "Action", ""),
		   *id = json_str(json_get(j, "Actor"), "ID", "");
	bool told = false, oom = !strcmp(action, "oom");
	for (size_t i = 0; i < ARRAY_LEN(telling); i++)
		told |= !strcmp(action, telling[i]);
	for (struct docker_task *k = d->tasks; (told || oom) && *id && k; k = k->next) {
		if (strcmp(k->t->id, id))
			continue;
		k->oom_event |= oom;
		k->dirty |= told;
		docker_poke(d);
	}
	json_free(j);
}

char *docker_filters(const struct docker *d, bool events)
{
	struct buf b = BUF_INIT;
	char *plain = xasprintf("{%s\"label\":[\"yolodeck.repo=%s\"]}",
		events ? "\"type\":[\"container\"]," : "", d->repo_id);
	http_encode(plain, &b);
	free(plain);
	return buf_take(&b);
}

static bool same(const struct engine_task *t, const struct json *labels)
{
	return strtol(json_str(labels, "yolodeck.race", "0"), NULL, 10) == t->race &&
		!strcmp(json_str(labels, "yolodeck.variant", ""), t->variant) &&
		(json_str(labels, "yolodeck.check", NULL) != NULL) == t->check;
}

void docker_list(struct docker *d, const struct http_answer *a)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(a->body.p, a->body.len, &e);
	for (const struct json *c = json_first(j); c; c = json_next(c)) {
		const struct json *labels = json_get(c, "Labels");
		bool known = false;
		for (struct docker_task *k = d->tasks; k; k = k->next) {
			if (!same(k->t, labels))
				continue;
			known = true;
			if (!k->t->id[0] && k->phase != TASK_NEW)
				snprintf(k->t->id, sizeof(k->t->id), "%s", json_str(c, "Id", ""));
		}
		if (!known)
			diag(DIAG_INFO, "docker: container %.12s (race %s, %s) has no task now",
				json_str(c, "Id", "?"), json_str(labels, "yolodeck.race", "?"),
				json_str(labels, "yolodeck.variant", "?"));
	}
	json_free(j);
}
