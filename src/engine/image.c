/* image.c - images: is a named one here (it is never fetched for the user unasked), and the empty one for "host". */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/diag.h"
#include "base/mem.h"
#include "engine/docker.h"
#include "engine/host.h"

enum { LOOK_MS = 10000, IMPORT_MS = 60000, EMPTY_TAR = 1024 };

struct image_ask {
	struct image_ask *next;
	struct docker *d;
	struct strv images;
	size_t at; /* the one being asked for */
	bool busy;
	struct err e; /* found before any call */
	engine_done_fn fn;
	void *ctx;
};

const char *image_reference(const struct engine_task *t)
{
	return strcmp(t->image, "host") ? t->image : DOCKER_EMPTY_IMAGE;
}

static void add_image(struct image_ask *q, const char *image)
{
	if (!strv_has(&q->images, image))
		strv_add(&q->images, image);
}

/* It becomes part of a path of the API: only what a reference may hold. */
static bool well_formed(const char *s)
{
	if (!isalnum((unsigned char)*s) || strlen(s) > 255 || strstr(s, "..") || strstr(s, "//"))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("._/:@-", *s))
			return false;
	return true;
}

void image_prepare(struct docker *d, const struct spec *s, engine_done_fn fn, void *ctx)
{
	struct image_ask *q = xcalloc(1, sizeof(*q)), **at = &d->asks;
	const char *of_race = s->image ? s->image : "host";
	q->d = d;
	q->fn = fn;
	q->ctx = ctx;
	for (size_t i = 0; i < s->nvariants; i++)
		add_image(q, s->variants[i].image ? s->variants[i].image : of_race);
	if (!s->nvariants)
		add_image(q, of_race);
	if (s->mounts.n)
		host_check_mounts(&s->mounts, d->state_dir, NULL, &q->e);
	for (size_t i = 0; i < q->images.n && !q->e.msg[0]; i++)
		if (!well_formed(q->images.v[i]))
			err_set(&q->e, "bad_image",
				"\"%s\" is not the name of an image: write for example node:22, or "
				"host",
				q->images.v[i]);
	while (*at)
		at = &(*at)->next;
	*at = q;
	docker_poke(d);
}

static void done(struct image_ask *q, const struct err *e)
{
	struct image_ask **at = &q->d->asks;
	engine_done_fn fn = q->fn;
	void *ctx = q->ctx;
	struct err copy = *e;
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	strv_release(&q->images);
	free(q);
	fn(ctx, &copy);
}

static void done_trouble(struct image_ask *q, const struct http_answer *a)
{
	struct err e = ERR_INIT;
	char next[256];
	docker_trouble(&q->d->places[q->d->place], a, &e, next, sizeof(next));
	size_t n = strlen(e.msg);
	snprintf(e.msg + n, sizeof(e.msg) - n, "; %s", next);
	done(q, &e);
}

static bool other_processor(const char *arch)
{
	static const char *const names[][2] = { { "amd64", "x86_64" }, { "arm64", "aarch64" },
		{ "386", "i686" }, { "riscv64", "riscv64" }, { "ppc64le", "ppc64le" },
		{ "s390x", "s390x" } };
	struct utsname u;
	if (uname(&u) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i][0], arch))
			return strcmp(names[i][1], u.machine) != 0;
	return false; /* unknown to us: let it try */
}

static void on_import(void *ctx, const struct http_answer *a)
{
	struct image_ask *q = ctx;
	struct err e = ERR_INIT;
	char said[DOCKER_TEXT];
	q->busy = false;
	if (a->trouble != HTTP_OK) {
		done_trouble(q, a);
		return;
	}
	if (a->status == 200 && !strstr(a->body.p, "\"error\"")) { /* a stream of JSON lines */
		q->at++;
		docker_poke(q->d);
		return;
	}
	docker_message(a, said, sizeof(said));
	err_set(&e, "empty_image", "Docker could not make the empty image for \"host\" (%d): %s",
		a->status, said);
	done(q, &e);
}

static void make_empty(struct image_ask *q)
{
	struct buf tar = BUF_INIT;
	buf_reserve(&tar, EMPTY_TAR);
	memset(tar.p, 0, EMPTY_TAR + 1); /* two blocks of zeros: the end of an archive */
	tar.len = EMPTY_TAR;
	q->busy = true;
	docker_call(q->d, NULL,
		&(struct docker_req){ .method = "POST",
			.path = "/images/"
				"create?fromSrc=-&repo=yolodeck-empty&tag=1&changes=LABEL%"
				"20yolodeck.empty%3D1",
			.content_type = "application/x-tar",
			.body = &tar,
			.timeout_ms = IMPORT_MS,
			.late_ms = 10000 },
		on_import, q);
	buf_release(&tar);
}

static void on_image(void *ctx, const struct http_answer *a)
{
	struct image_ask *q = ctx;
	const char *image = q->images.v[q->at];
	struct err e = ERR_INIT;
	char said[DOCKER_TEXT];
	q->busy = false;
	if (a->trouble != HTTP_OK) {
		done_trouble(q, a);
	} else if (a->status == 404 && !strcmp(image, "host")) {
		make_empty(q);
	} else if (a->status == 404) {
		err_set(&e, "no_image", "image %s is not here; `docker pull %s` fetches it", image,
			image);
		done(q, &e);
	} else if (a->status != 200) {
		docker_message(a, said, sizeof(said));
		err_set(&e, "image", "Docker cannot tell whether image %s is here (%d): %s", image,
			a->status, said);
		done(q, &e);
	} else {
		struct err ignored = ERR_INIT;
		struct json *j = json_parse(a->body.p, a->body.len, &ignored);
		const char *arch = json_str(j, "Architecture", "");
		if (strcmp(image, "host") && other_processor(arch)) {
			err_set(&e, "image_processor",
				"image %s is made for %s, not for this machine's processor; "
				"`docker pull "
				"--platform` fetches another",
				image, arch);
			done(q, &e);
		} else {
			q->at++;
			docker_poke(q->d);
		}
		json_free(j);
	}
}

void image_pump(struct docker *d)
{
	for (struct image_ask *q = d->asks, *next; q; q = next) {
		next = q->next;
		if (q->busy)
			continue;
		if (q->e.msg[0] || q->at == q->images.n) {
			done(q, &q->e);
			continue;
		}
		const char *image = q->images.v[q->at];
		char *path = xasprintf(
			"/images/%s/json", strcmp(image, "host") ? image : DOCKER_EMPTY_IMAGE);
		q->busy = true;
		docker_call(d, NULL,
			&(struct docker_req){
				.method = "GET", .path = path, .timeout_ms = LOOK_MS },
			on_image, q);
		free(path);
	}
}

void image_fail(struct docker *d, const struct err *e)
{
	struct err all = *e;
	if (d->next_step[0]) {
		size_t n = strlen(all.msg);
		snprintf(all.msg + n, sizeof(all.msg) - n, "; %s", d->next_step);
	}
	/* one that was asked for by an answer is for the next attempt */
	size_t n = 0;
	for (const struct image_ask *q = d->asks; q; q = q->next)
		n++;
	while (n-- > 0)
		done(d->asks, &all);
}

void image_close(struct docker *d)
{
	while (d->asks) {
		struct image_ask *q = d->asks;
		d->asks = q->next;
		strv_release(&q->images);
		free(q);
	}
}
