/* dagger_events.c - events.jsonl, line by line, into the state of a process and of its tasks. */
#include "engine/dagger_events.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/json.h"
#include "base/mem.h"

enum { LINE_MAX_LEN = 1 << 20, CHUNK = 64 << 10 };

struct task_status *dagger_events_task(struct dagger_events *v, const char *id, bool make)
{
	struct task_status **at = &v->tasks;

	while (*at && strcmp((*at)->id, id))
		at = &(*at)->next;
	if (!*at && make) {
		*at = xcalloc(1, sizeof **at);
		(*at)->id = xstrdup(id);
	}
	return *at;
}

void dagger_events_release(struct dagger_events *v)
{
	while (v->tasks) {
		struct task_status *s = v->tasks;
		v->tasks = s->next;
		free(s->id);
		free(s->file);
		free(s->note);
		free(s->cause);
		free(s->text);
		free(s);
	}
	free(v->fatal);
	buf_release(&v->part);
}

static void mark_acked(struct dagger_events *v, int n)
{
	for (struct task_status *s = v->tasks; s; s = s->next)
		if (s->n && s->n <= n)
			s->acked = true;
}

static void take_task_event(struct task_status *s, const char *ev, const struct json *j)
{
	if (!strcmp(ev, "checkpoint")) {
		s->checkpoints++;
	} else if (!strcmp(ev, "note")) {
		xreplace(&s->note, json_str(j, "text", ""));
	} else if (!strcmp(ev, "state")) {
		const char *state = json_str(j, "state", "");
		s->running |= !strcmp(state, "running") || !strcmp(state, "collecting");
	} else if (!strcmp(ev, "end")) {
		s->ended = true;
		s->tree = json_bool(j, "tree", false);
		xreplace(&s->cause, json_str(j, "cause", "gone"));
		xreplace(&s->text, json_str(j, "text", ""));
	}
}

static void take_event(struct dagger_events *v, const struct json *j)
{
	const char *ev = json_str(j, "ev", ""), *id = json_str(j, "id", "");

	if (*id)
		take_task_event(dagger_events_task(v, id, true), ev, j);
	else if (!strcmp(ev, "bye"))
		v->bye = true;
	else if (!strcmp(ev, "fatal"))
		xreplace(&v->fatal, json_str(j, "text", "it gave no reason"));
	else if (!strcmp(ev, "ack"))
		mark_acked(v, (int)json_int(j, "n", 0));
}

static void take_line(struct dagger_events *v, const char *line, size_t n, const char *name)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(line, n, &e);

	if (j)
		take_event(v, j);
	else
		diag(DIAG_WARN, "%s/events.jsonl: %s", name, e.msg);
	json_free(j);
}

bool dagger_events_read(struct dagger_events *v, int fd, const char *name)
{
	bool any = false;
	char chunk[CHUNK];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk)) > 0) {
		const char *end;
		size_t at = 0;
		buf_add(&v->part, chunk, (size_t)n);
		while ((end = memchr(v->part.p + at, '\n', v->part.len - at))) {
			size_t len = (size_t)(end - v->part.p) - at;
			take_line(v, v->part.p + at, len, name);
			at += len + 1;
			any = true;
		}
		buf_drop(&v->part, at);
		if (v->part.len > LINE_MAX_LEN)
			buf_clear(&v->part);
	}
	return any;
}
