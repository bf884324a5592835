/* image_progress.c - what a pull, a load or a build says on its way: layers, steps, the error that
 * ends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vt.h"
#include "engine/image.h"

static struct image_layer *layer(struct image_progress *p, const char *id)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->layers[i].id, id))
			return &p->layers[i];
	if (p->n == IMAGE_LAYERS)
		return NULL;
	struct image_layer *l = &p->layers[p->n++];
	*l = (struct image_layer){ 0 };
	snprintf(l->id, sizeof(l->id), "%.15s", id);
	return l;
}

static void take_status(struct image_progress *p, const struct json *j, const char *status)
{
	const struct json *detail = json_get(j, "progressDetail");
	const char *id = json_str(j, "id", "");
	struct image_layer *l;
	/* a tag has an id too: "Pulling from library/node" */
	if (!*id || !detail || !(l = layer(p, id)))
		return;
	if (!strcmp(status, "Downloading")) {
		int64_t now = json_int(detail, "current", 0), total = json_int(detail, "total", 0);
		if (now >= 0 && total > 0 && total < (int64_t)1 << 50 && now <= total) {
			l->now = now;
			l->total = total;
		}
	} else if (!strcmp(status, "Download complete") || !strcmp(status, "Extracting")) {
		l->fetched = true;
	} else if (!strcmp(status, "Pull complete") || !strcmp(status, "Already exists")) {
		l->fetched = l->done = true;
	}
	if (l->fetched)
		l->now = l->total;
}

/* "Already exists" comes without a progressDetail. */
static void take_exists(struct image_progress *p, const char *id)
{
	struct image_layer *l = *id ? layer(p, id) : NULL;
	if (l)
		l->fetched = l->done = true;
}

static void clean(const char *text, char *out, size_t n)
{
	vt_clean_str(text, out, n);
	size_t len = strlen(out);
	while (len > 0 && strchr(" .", out[len - 1]))
		out[--len] = 0;
}

/* "Loaded image: a:1\n" */
static void take_stream(struct image_progress *p, const char *text)
{
	char line[DOCKER_TEXT];
	clean(text, line, sizeof(line));
	const char *colon = strncmp(line, "Loaded image", 12) ? NULL : strstr(line, ": ");
	if (colon && !p->loaded[0])
		snprintf(p->loaded, sizeof(p->loaded), "%.*s", (int)strcspn(colon + 2, " "),
			colon + 2);
}

static void begin_step(struct image_progress *p, int step, int steps, const char *command)
{
	if (step > steps)
		return;
	p->step = step;
	p->steps = steps;
	snprintf(p->command, sizeof(p->command), "%s", command);
	p->output[0] = 0;
}

/* BuildKit: "#5 [build 2/3] RUN make", "#5 0.123 what it prints", "#5 DONE 0.3s". */
static bool take_buildkit(struct image_progress *p, const char *line)
{
	char stage[DOCKER_TEXT];
	int at = 0, step, steps;
	if (sscanf(line, "#%*d %n", &at), !at)
		return false;
	line += at;
	at = 0;
	if (sscanf(line, "[%299[^]]] %n", stage, &at) == 1 && at) {
		const char *number = strrchr(stage, ' ');
		if (sscanf(number ? number + 1 : stage, "%d/%d", &step, &steps) == 2)
			begin_step(p, step, steps, line + at);
	} else if (sscanf(line, "%*d.%*d %n", &at), at && line[at]) {
		snprintf(p->output, sizeof(p->output), "%s", line + at);
	}
	return true;
}

/* The legacy builder: "Step 3/7 : RUN make", " ---> 4b1d", or what a step prints. The last step is
 * its own, for our label. */
void image_progress_build(struct image_progress *p, const char *text)
{
	char line[DOCKER_TEXT];
	int step, steps, at = 0;
	clean(text, line, sizeof(line));
	if (!line[0] || take_buildkit(p, line) || !strncmp(line, " --->", 5) ||
		!strncmp(line, "Removing inter", 14))
		return;
	if (sscanf(line, "Step %d/%d : %n", &step, &steps, &at) == 2 && at > 0) {
		p->legacy = true;
		p->last[0] = 0;
		begin_step(p, step, steps - 1, line + at);
		return;
	}
	if (p->legacy)
		snprintf(p->output, sizeof(p->output), "%s", p->last);
	snprintf(p->last, sizeof(p->last), "%s", line);
}

void image_progress_line(struct image_progress *p, const char *line, size_t n)
{
	struct err ignored = ERR_INIT;
	struct json *j = json_parse(line, n, &ignored);
	const char *error = json_str(j, "error", NULL), *status = json_str(j, "status", NULL),
		   *stream = json_str(j, "stream", NULL);
	if (!error)
		error = json_str(json_get(j, "errorDetail"), "message", NULL);
	if (error && !p->error[0])
		clean(*error ? error : "it did not say why", p->error, sizeof(p->error));
	if (status && !strcmp(status, "Already exists"))
		take_exists(p, json_str(j, "id", ""));
	else if (status)
		take_status(p, j, status);
	if (stream)
		take_stream(p, stream);
	json_free(j);
}

void image_progress_tail(struct image_progress *p, const struct http_answer *a)
{
	if (a->status >= 200 && a->status < 300 && a->body.len)
		image_progress_line(p, a->body.p, a->body.len);
}

void image_progress_text(const struct image_progress *p, char *out, size_t n)
{
	int64_t now = 0, total = 0;
	size_t done = 0, fetched = 0;
	for (size_t i = 0; i < p->n; i++) {
		now += p->layers[i].now;
		total += p->layers[i].total;
		done += p->layers[i].done;
		fetched += p->layers[i].fetched;
	}
	out[0] = 0;
	if (!p->n)
		return;
	if (fetched == p->n)
		snprintf(
			out, n, "unpacking, layer %zu of %zu", done < p->n ? done + 1 : p->n, p->n);
	else if (total > 0)
		snprintf(out, n, "%d %% of %.*f MB, layer %zu of %zu", (int)(now * 100 / total),
			total < 10000000, (double)total / 1e6, fetched + 1, p->n);
	else
		snprintf(out, n, "%zu layer%s", p->n, p->n == 1 ? "" : "s");
}
