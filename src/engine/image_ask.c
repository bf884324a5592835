/* image_ask.c - what can be known of a race's images before it starts: nothing is fetched here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/host.h"
#include "engine/image.h"

enum { LOOK_MS = 10000 };

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

static void add_image(struct image_ask *q, const char *image)
{
	if (!strv_has(&q->images, image))
		strv_add(&q->images, image);
}

/* What can be said without the daemon. */
static int check(const char *image, struct err *e)
{
	if (spec_image_kind(image, NULL) == IMAGE_REF && !spec_image_ref_ok(image))
		return err_set(e, "bad_image",
			"\"%s\" is not the name of an image; write for example node:22, or host",
			image);
	return spec_image_look(image, e);
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
		check(q->images.v[i], &q->e);
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

static void on_image(void *ctx, const struct http_answer *a)
{
	struct image_ask *q = ctx;
	const char *image = q->images.v[q->at];
	struct err e = ERR_INIT;
	char said[DOCKER_TEXT];
	q->busy = false;
	if (a->trouble != HTTP_OK) {
		done_trouble(q, a);
	} else if (a->status == 404) { /* the first task that needs it fetches it */
		q->at++;
		docker_poke(q->d);
	} else if (a->status != 200) {
		docker_message(a, said, sizeof(said));
		err_set(&e, "image", "Docker cannot tell whether image %s is here (%d): %s", image,
			a->status, said);
		done(q, &e);
	} else {
		if (image_processor(image, a, &e) < 0) {
			done(q, &e);
		} else {
			q->at++;
			docker_poke(q->d);
		}
	}
}

void image_ask_pump(struct docker *d)
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
		if (spec_image_kind(image, NULL) != IMAGE_REF) {
			q->at++; /* known when it was made */
			docker_poke(d);
			continue;
		}
		char *path = xasprintf("/images/%s/json", image);
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

void image_ask_close(struct docker *d)
{
	while (d->asks) {
		struct image_ask *q = d->asks;
		d->asks = q->next;
		strv_release(&q->images);
		free(q);
	}
}
