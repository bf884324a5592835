/* docker_image.h - the images of a Docker daemon that tasks wait for: pulled, loaded from a tar,
 * built, or made empty for "host" (spec_image.h says what a text means).
 *
 * Level-triggered: changed() says that something may be different; the owner then asks again with
 * docker_images_get() for each task that waits, and calls docker_images_pump(). What was not
 * asked for between two pumps is no longer fetched. */
#ifndef ENGINE_DOCKER_IMAGE_H
#define ENGINE_DOCKER_IMAGE_H

#include "engine/docker_conn.h"
#include "engine/engine.h"

#define DOCKER_IMAGE_EMPTY "yolodeck-empty:1" /* what create names for image "host" */

struct docker_images;
/* conn, state_dir and repo_id outlive it. */
struct docker_images *docker_images_new(struct loop *l, struct docker_conn *conn,
	const char *state_dir, const char *repo_id, void (*changed)(void *ctx), void *ctx);
void docker_images_free(struct docker_images *g); /* before the connection */

/* The image of a task of that race. 0, and *ref is what create names; or *ref is NULL: it is being
 * fetched, *note says how far. -1 = it cannot be had. Both texts live until the next pump. */
int docker_images_get(struct docker_images *g, int race, const char *image, const char **ref,
	const char **note, struct err *e);
/* create did not find it though it was there: it is looked up again. */
void docker_images_recheck(struct docker_images *g, int race, const char *image);
/* While the connection is UP: makes the calls that are due. */
void docker_images_pump(struct docker_images *g);

/* Queues the quick questions about all images of a spec: well-formed, mounts allowed, files there,
 * made for this processor. Nothing is fetched. fn is called once, from a pump or
 * docker_images_fail. */
void docker_images_check(
	struct docker_images *g, const struct spec *s, engine_done_fn fn, void *ctx);
bool docker_images_asked(const struct docker_images *g); /* does a check wait? */
/* There is no daemon: answers all checks. */
void docker_images_fail(struct docker_images *g, const struct err *e, const char *next_step);

#endif
