/* image_pull.c - an image from a registry, through the daemon, with the user's own login. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "engine/image.h"

enum { LATE_MS = 10000 };

/* ---- what a refusal means ---- */

static bool says(const char *said, const char *const *words)
{
	for (; *words; words++)
		if (strcasestr(said, *words))
			return true;
	return false;
}
#define SAYS(...) says(said, (const char *const[]){ __VA_ARGS__, NULL })

static void refused(struct image_source *s, const char *said)
{
	char host[256];
	const char *image = s->text;
	image_auth_registry(image, host, sizeof(host));
	const char *gap = *host ? " " : "", *why = s->auth_why;
	if (SAYS("no matching manifest", "does not match the specified platform"))
		image_failed(s, "image %.200s is not made for this machine's processor", image);
	else if (SAYS("manifest unknown", "manifest for", "not found: manifest", "name unknown"))
		image_failed(s,
			"no such image: %.200s; its registry does not have it: look at the name and the tag",
			image);
	else if (SAYS("toomanyrequests", "rate limit"))
		image_failed(s,
			"the registry of image %.200s takes no more pulls for now; `docker login%s%s` may allow more",
			image, gap, host);
	else if (SAYS("denied", "unauthorized", "authentication required", "no basic auth",
			 "incorrect username"))
		image_failed(s,
			"no such image: %.200s, or its registry wants a login: `docker login%s%s`%s%s",
			image, gap, host, *why ? "; " : "", why);
	else if (SAYS("no such host", "dial tcp", "i/o timeout", "unreachable",
			 "connection refused", "TLS handshake", "context deadline",
			 "Temporary failure", "request canceled", "x509"))
		image_failed(s,
			"image %.200s is not here and its registry cannot be reached: %s; "
			"`docker load` brings one from a file",
			image, said);
	else if (SAYS("no space left"))
		image_failed(s, "image %.200s does not fit on Docker's disk: %s", image, said);
	else
		image_failed(s, "Docker could not pull image %.200s: %s", image, said);
}

/* ---- the pull ---- */

static void on_line(void *ctx, const char *line, size_t n)
{
	struct image_source *s = ctx;
	char text[IMAGE_NOTE];
	image_progress_line(&s->progress, line, n);
	image_progress_text(&s->progress, text, sizeof(text));
	image_note(s, "pulling %.80s%s%.80s", s->text, *text ? ": " : "", text);
}

static void on_end(void *ctx, const struct http_answer *a)
{
	struct image_source *s = ctx;
	if (image_stream_ok(s, a, refused))
		image_fetched(s);
}

/* "a/b:1" -> fromImage=a/b&tag=1; without a tag the daemon would fetch them all. */
static char *pull_path(const char *ref)
{
	struct buf b = BUF_INIT;
	const char *at = strchr(ref, '@'), *slash = strrchr(ref, '/');
	const char *colon = strchr(slash ? slash : ref, ':');
	const char *tag = at ? at + 1 : colon ? colon + 1 : "latest";
	char *name = xstrndup(ref,
		at              ? (size_t)(at - ref)
			: colon ? (size_t)(colon - ref)
				: strlen(ref));
	if (at && colon && colon < at)
		name[colon - ref] = 0; /* a digest says it better */
	buf_str(&b, "/images/create?fromImage=");
	http_encode(name, &b);
	buf_str(&b, "&tag=");
	http_encode(tag, &b);
	free(name);
	return buf_take(&b);
}

static void pull(struct image_source *s)
{
	char *path = pull_path(s->text);
	memset(&s->progress, 0, sizeof(s->progress));
	image_note(s, "pulling %.80s", s->text);
	s->call = docker_call(s->conn,
		&(struct docker_request){ .method = "POST",
			.path = path,
			.header = s->auth,
			.line = on_line,
			.late_ms = LATE_MS },
		on_end, s);
	free(path);
}

/* ---- the login first: a helper program may have to be asked, so a worker does it ---- */

struct image_login {
	struct image_source *s; /* NULL = the answer is dropped */
	char *config_dir, *dflt, *auth;
	char registry[256], why[DOCKER_TEXT];
};

void image_pull_forget(struct image_login *l)
{
	l->s = NULL;
}

static void find_login(void *arg)
{
	struct image_login *l = arg;
	l->auth = image_auth(l->config_dir, l->registry, l->dflt, l->why, sizeof(l->why));
}

static void login_found(void *arg)
{
	struct image_login *l = arg;
	struct image_source *s = l->s;
	if (s) {
		s->login = NULL;
		s->auth = l->auth;
		l->auth = NULL;
		snprintf(s->auth_why, sizeof(s->auth_why), "%s", l->why);
		s->has_login = true;
		pull(s);
	}
	free(l->config_dir);
	free(l->dflt);
	free(l->auth);
	free(l);
}

void image_pull(struct image_source *s)
{
	struct image_login *l = xcalloc(1, sizeof(*l));
	l->s = s;
	l->config_dir = docker_config_dir();
	l->dflt = xstrdup(docker_conn_info(s->conn)->registry);
	image_auth_registry(s->text, l->registry, sizeof(l->registry));
	s->login = l;
	pool_post(loop_pool(s->loop), find_login, login_found, l);
}
