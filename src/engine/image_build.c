/* image_build.c - an image from a directory with a Dockerfile, built by the `docker` command: so it
 * has BuildKit where that is installed, .dockerignore and logins as its user knows them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "engine/image.h"

/* The error as Docker says it, without what stands before each. */
static const char *reason(const struct image_progress *p)
{
	static const char *const before[] = {
		"ERROR: ", "failed to build: ", "failed to solve: ", "Error response from daemon: "
	};
	const char *s = p->last;
	for (size_t i = 0; i < ARRAY_LEN(before); i++)
		if (!strncmp(s, before[i], strlen(before[i])))
			s += strlen(before[i]);
	return *s ? s : "it did not say why";
}

/* The daemon went away under the `docker` command: that says nothing of the image. */
static bool daemon_went_away(const struct image_progress *p)
{
	static const char *const texts[] = { "Cannot connect to the Docker daemon",
		"error during connect", "unexpected EOF" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strstr(p->last, texts[i]))
			return true;
	return false;
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct image_source *s = ctx;
	struct image_progress *p = &s->progress;
	int before = p->step;
	image_progress_build(p, line);
	if (p->step != before)
		image_note(s, "building %.60s: step %d of %d", fs_basename(s->path), p->step,
			p->steps);
}

static void on_end(void *ctx, int code)
{
	struct image_source *s = ctx;
	const struct image_progress *p = &s->progress;
	const struct http_answer cut = { .error = HTTP_CUT, .body = BUF_INIT };
	const char *name = fs_basename(s->path);
	s->job = NULL;
	if (code == 0)
		image_fetched(s);
	else if (daemon_went_away(p))
		image_interrupted(s, &cut);
	else if (p->steps)
		image_failed(s, "building %.60s failed at step %d of %d (%.100s): %.200s%s%.150s",
			name, p->step, p->steps, p->command, reason(p),
			p->output[0] ? "; it said last: " : "", p->output);
	else
		image_failed(s, "building %.60s failed: %s", name, reason(p));
}

void image_build(struct image_source *s)
{
	struct strv argv = STRV_INIT;
	struct child_spec spec = CHILD_SPEC_INIT;
	struct job_events ev = { .line = on_line, .ended = on_end, .ctx = s };
	struct err e = ERR_INIT;
	char *docker = child_which("docker", NULL);
	if (!docker) {
		image_failed(s,
			"building %.60s needs the `docker` command, which is not on your PATH; install the Docker command line, or name an image that is built already",
			fs_basename(s->path));
		return;
	}
	memset(&s->progress, 0, sizeof(s->progress));
	image_note(s, "building %.60s", fs_basename(s->path));
	strv_addl(&argv, "env", "BUILDKIT_PROGRESS=plain", docker, NULL);
	strv_fmt(&argv, "--host=unix://%s", docker_conn_endpoint(s->conn)->socket);
	/* not yolodeck.repo: containers inherit labels, and those with that one are ours */
	strv_addl(&argv, "build", "--force-rm", "--tag", s->ref, "--label", NULL);
	strv_fmt(&argv, "yolodeck.image.repo=%s", s->repo_id);
	strv_add(&argv, s->path);
	spec.argv = strv_argv(&argv);
	spec.cwd = "/";
	spec.new_group = true;
	s->job = job_start(s->loop, &spec, &ev, &e);
	if (!s->job)
		image_failed(s, "building %.60s failed: %s", fs_basename(s->path), e.msg);
	strv_release(&argv);
	free(docker);
}
