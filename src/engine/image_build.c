/* image_build.c - an image from a directory with a Dockerfile: packed by a worker, built by the
 * daemon's own builder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/image.h"

enum { LATE_MS = 10000 };

struct packing {
	struct image_job job; /* first */
	char *dir, *tmp_dir;
	int fd;
	int64_t size;
	struct err e;
};

/* The daemon makes a last step of its own for our label. */
static int steps(const struct image_progress *p)
{
	return p->steps > 1 ? p->steps - 1 : p->steps;
}

static void failed(struct image_source *s, const char *said)
{
	const struct image_progress *p = &s->progress;
	const char *name = fs_basename(s->path);
	if (p->steps)
		image_failed(s, "building %.60s failed at step %d of %d (%.100s): %.200s%s%.150s",
			name, p->step, steps(p), p->command, said,
			p->said[0] ? "; it said last: " : "", p->said);
	else
		image_failed(s, "building %.60s failed: %s", name, said);
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct image_source *s = ctx;
	struct image_progress *p = &s->progress;
	char text[IMAGE_NOTE];
	int before = p->step;
	image_progress_line(p, line, n);
	if (p->step != before)
		p->n = 0; /* layers were of another step's FROM */
	image_progress_text(p, text, sizeof(text));
	if (p->steps && p->step <= steps(p))
		image_note(s, "building %.60s: step %d of %d%s%.80s", fs_basename(s->path), p->step,
			steps(p), *text ? ", " : "", text);
}

static void on_end(void *ctx, const struct http_answer *a)
{
	struct image_source *s = ctx;
	if (image_whole(s, a, failed))
		image_fetched(s);
}

static void build(struct image_source *s)
{
	struct buf b = BUF_INIT;
	/* not yolodeck.repo: containers inherit labels, and those with that one are ours */
	char *label = xasprintf("{\"yolodeck.image.repo\":\"%s\"}", s->d->repo_id);
	buf_str(&b, "/build?rm=1&forcerm=1&t=");
	http_encode(s->ref, &b);
	buf_str(&b, "&labels=");
	http_encode(label, &b);
	memset(&s->progress, 0, sizeof(s->progress));
	image_note(s, "building %.60s", fs_basename(s->path));
	s->call = docker_call(s->d, NULL,
		&(struct docker_req){ .method = "POST",
			.path = b.p,
			.content_type = "application/x-tar",
			.upload_fd = s->fd,
			.upload_size = s->size,
			.line = on_line,
			.late_ms = LATE_MS },
		on_end, s);
	buf_release(&b);
	free(label);
}

static void pack(struct image_job *j)
{
	struct packing *p = (struct packing *)j;
	p->fd = image_tar(p->dir, p->tmp_dir, &j->stop, &p->size, &p->e);
}

static void packed(struct image_job *j)
{
	struct packing *p = (struct packing *)j;
	struct image_source *s = j->s;
	if (s && p->fd < 0) {
		failed(s, p->e.msg);
	} else if (s) {
		s->fd = p->fd;
		s->size = p->size;
		docker_poke(s->d);
	} else if (p->fd >= 0) {
		close(p->fd);
	}
	free(p->dir);
	free(p->tmp_dir);
	free(p);
}

void image_build(struct image_source *s)
{
	if (s->fd > 0) {
		build(s);
		return;
	}
	struct packing *p = xcalloc(1, sizeof(*p));
	p->job.work = pack;
	p->job.done = packed;
	p->dir = xstrdup(s->path);
	p->tmp_dir = xstrdup(s->d->state_dir);
	image_note(s, "building %.60s: packing it", fs_basename(s->path));
	memset(&s->progress, 0, sizeof(s->progress));
	image_job_start(s, &p->job);
}
