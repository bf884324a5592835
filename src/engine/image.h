/* image.h - the parts of image*.c among themselves; the engine sees what docker.h says of images.
 *
 * A source is one image that tasks wait for: looked up by its reference, fetched when it is not
 * there (pulled, loaded, built, or made empty for "host"), then looked up again. Fetched tars and
 * builds get a tag of ours made of what they are, so that the daemon itself remembers them over
 * every restart of ours: yolodeck-tar-<id8>:<hash of path, size, times, inode> and
 * yolodeck-build-<id8>:<race>-<hash of the directory's path>. Level-triggered as all of the engine:
 * a lost call is made again. */
#ifndef ENGINE_IMAGE_H
#define ENGINE_IMAGE_H

#include <stdatomic.h>

#include "engine/docker.h"
#include "model/spec_image.h"

enum { IMAGE_NOTE = 200, IMAGE_LAYERS = 256, IMAGE_TRIES = 5 };

/* ---- image_progress.c: what the daemon's stream of lines says ---- */
struct image_layer {
	char id[16];
	int64_t now, total; /* bytes fetched */
	bool fetched, done;
};
struct image_progress {
	struct image_layer layers[IMAGE_LAYERS];
	size_t n;
	int step, steps; /* of a build */
	char command[DOCKER_TEXT]; /* of that step */
	char said[DOCKER_TEXT]; /* last output of a build's step */
	char error[DOCKER_TEXT]; /* "" = none so far */
	char loaded[300]; /* reference of what was loaded first */
};
void image_progress_line(struct image_progress *p, const char *line, size_t n);
/* The last line of a stream may have no newline. */
void image_progress_tail(struct image_progress *p, const struct http_answer *a);
/* "41 % of 120 MB, layer 3 of 8"; "" while nothing is known. */
void image_progress_text(const struct image_progress *p, char *out, size_t n);

/* ---- image_auth.c ---- */
/* "quay.io/a/b:1" -> "quay.io"; "" = the daemon's default registry. */
void image_registry(const char *ref, char *out, size_t n);
/* The header line with the login of a registry, from the Docker configuration in config_dir (NULL =
 * none), or NULL: anonymous. Starts a credential helper with a time limit: for a worker. why = what
 * went wrong on the way, else "". The caller frees. */
char *image_auth(const char *config_dir, const char *registry, const char *dflt_registry, char *why,
	size_t n);

/* ---- image_ignore.c: .dockerignore ---- */
/* Is a path (relative, without "./") left out? Patterns in order, the last that fits decides; "!"
 * takes back. */
bool image_ignored(const struct strv *patterns, const char *path);
void image_ignore_parse(const char *text, struct strv *patterns);

/* ---- image_tar.c ---- */
/* A directory as a tar in an unlinked file below tmp_dir, without what its .dockerignore names. The
 * descriptor, or -1; -1 with code "stopped" soon after *stop became true. For a worker. */
int image_tar(const char *dir, const char *tmp_dir, const atomic_bool *stop, int64_t *size,
	struct err *e);

/* ---- image.c ---- */
enum source_state { SOURCE_LOOK, SOURCE_FETCH, SOURCE_READY, SOURCE_FAILED };
struct image_job;
struct image_source {
	struct image_source *next;
	struct docker *d;
	/* what is looked up and what create names; unlike for each source */
	char *ref;
	char *text; /* as the race has it */
	const char *path; /* of tar or build; points into text */
	enum image_kind kind;
	enum source_state state;
	bool fetched; /* the look that follows must find it */
	bool asked_login, waited;
	int tries; /* streams that were cut */
	struct docker_call *call;
	struct image_job *job; /* a worker is at it */
	struct loop_timer *tick;
	char *auth, auth_why[DOCKER_TEXT];
	int fd; /* what is uploaded, 0 = not open */
	int64_t size;
	struct image_progress progress;
	char note[IMAGE_NOTE];
	struct err e;
};
/* An inspect's answer: is it made for this machine's processor? -1 with the sentence. */
int image_processor(const char *image, const struct http_answer *inspect, struct err *e);
/* ---- image_ask.c ---- */
void image_ask_pump(struct docker *d);
void image_ask_close(struct docker *d);

/* The next call of a source that is to be fetched; each ends in image_fetched, image_cut or
 * image_failed. */
void image_pull(struct image_source *s);
void image_load(struct image_source *s);
void image_build(struct image_source *s);
void image_note(struct image_source *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void image_fetched(struct image_source *s);
void image_failed(struct image_source *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The answer had no status: asked again when the link is back, but not for ever. */
void image_cut(struct image_source *s);
/* The end of a stream of progress: true = it came whole and without an error. Else it is done with:
 * refused was called with the daemon's words, or the source is asked for again. */
bool image_whole(struct image_source *s, const struct http_answer *a,
	void (*refused)(struct image_source *s, const char *said));
/* work on the pool; done is called with the source, or NULL when nobody wants it any more (it only
 * frees what it holds). */
struct image_job {
	struct image_source *s;
	atomic_bool stop;
	void (*work)(struct image_job *j);
	void (*done)(struct image_job *j); /* frees the job */
};
void image_job_start(struct image_source *s, struct image_job *take_j);

#endif
