/* image_load.c - an image from a tar: streamed to the daemon, then tagged by what the tar is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/image.h"

enum { TICK_MS = 300, LATE_MS = 10000, TAG_MS = 10000 };

static void on_tag(void *ctx, const struct http_answer *a)
{
	struct image_source *s = ctx;
	char said[DOCKER_TEXT];
	s->call = NULL;
	if (a->error != HTTP_OK) {
		image_interrupted(s, a);
	} else if (a->status != 201) {
		docker_message(a, said, sizeof(said));
		image_failed(s, "Docker could not name the image of %.200s (%d): %s", s->path,
			a->status, said);
	} else {
		image_fetched(s);
	}
}

static void tag(struct image_source *s)
{
	const char *colon = strchr(s->ref, ':'); /* ours: one colon */
	struct buf b = BUF_INIT;
	buf_str(&b, "/images/");
	buf_fmt(&b, "%s/tag?repo=%.*s&tag=%s", s->progress.loaded, (int)(colon - s->ref), s->ref,
		colon + 1);
	s->call = docker_call_simple(s->conn, "POST", b.p, TAG_MS, on_tag, s);
	buf_release(&b);
}

static void refused(struct image_source *s, const char *said)
{
	if (strstr(said, "manifest.json"))
		image_failed(s,
			"Docker finds no image in %.200s: write it with `docker save` (an OCI layout needs Docker 25 or newer)",
			s->path);
	else
		image_failed(s, "Docker could not load %.200s: %s", s->path, said);
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct image_source *s = ctx;
	image_progress_line(&s->progress, line, n);
}

static void on_end(void *ctx, const struct http_answer *a)
{
	struct image_source *s = ctx;
	loop_cancel(s->tick);
	s->tick = NULL;
	if (!image_stream_ok(s, a, refused))
		return;
	if (!spec_image_ref_ok(s->progress.loaded))
		image_failed(s, "Docker finds no image in %.200s", s->path);
	else
		tag(s);
}

static void on_tick(void *ctx)
{
	struct image_source *s = ctx;
	s->tick = loop_after(s->loop, TICK_MS, on_tick, s);
	int64_t sent = docker_call_uploaded(s->call);
	if (sent < s->size)
		image_note(s, "loading %.100s: %d %% of %.0f MB", fs_basename(s->path),
			(int)(sent * 100 / s->size), (double)s->size / 1e6);
	else
		image_note(s, "loading %.100s: unpacking", fs_basename(s->path));
}

void image_load(struct image_source *s)
{
	struct stat st;
	int fd = open(s->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
		image_failed(s, "cannot read the image %.200s: %s", s->path,
			fd < 0 ? strerror(errno) : "it is not a file with something in it");
		if (fd >= 0)
			close(fd);
		return;
	}
	memset(&s->progress, 0, sizeof(s->progress));
	if (s->fd > 0)
		close(s->fd);
	s->fd = fd;
	s->size = st.st_size;
	image_note(s, "loading %.100s", fs_basename(s->path));
	s->call = docker_call(s->conn,
		&(struct docker_request){ .method = "POST",
			.path = "/images/load",
			.content_type = "application/x-tar",
			.upload_fd = s->fd,
			.upload_size = s->size,
			.line = on_line,
			.late_ms = LATE_MS },
		on_end, s);
	loop_cancel(s->tick);
	s->tick = loop_after(s->loop, TICK_MS, on_tick, s);
}
