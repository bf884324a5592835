/* image.h - how one image is fetched: docker_image.c and the image_*.c files among themselves.
 *
 * A source is one image, looked up by its reference, fetched when it is not there, then looked up
 * again. Loaded tars and builds get a tag of ours made of what they are, so that the daemon itself
 * remembers them over every restart of ours: yolodeck-tar-<id8>:<hash of path, size, times, inode>
 * and yolodeck-build-<id8>:<race>-<hash of the directory's path>. */
#ifndef ENGINE_IMAGE_H
#define ENGINE_IMAGE_H

#include "base/json.h"
#include "engine/docker_conn.h"
#include "engine/job.h"
#include "model/spec_image.h"

enum { IMAGE_NOTE = 200, IMAGE_LAYERS = 256, IMAGE_TRIES = 5 };

/* ---- image_progress.c: what a pull, a load or a build says on its way ---- */
struct image_layer {
	char id[16];
	int64_t now, total; /* bytes fetched */
	bool fetched, done;
};
struct image_progress {
	struct image_layer layers[IMAGE_LAYERS];
	size_t n;
	char error[DOCKER_TEXT]; /* "" = none so far */
	char loaded[300]; /* reference of what was loaded first */
	/* of a build */
	bool legacy; /* not by BuildKit */
	int step, steps;
	char command[DOCKER_TEXT]; /* of that step */
	char output[DOCKER_TEXT]; /* last line that a step printed */
	char last[DOCKER_TEXT]; /* last line of all: the error, when it failed */
};
/* A line of JSON of the daemon's stream. */
void image_progress_line(struct image_progress *p, const char *line, size_t n);
/* The last line of a stream may have no newline. */
void image_progress_tail(struct image_progress *p, const struct http_answer *a);
/* A line of `docker build`: of BuildKit's plain progress, or of the legacy builder. */
void image_progress_build(struct image_progress *p, const char *line);
/* "41 % of 120 MB, layer 3 of 8"; "" while nothing is known. */
void image_progress_text(const struct image_progress *p, char *out, size_t n);

/* ---- image_auth.c ---- */
/* "quay.io/a/b:1" -> "quay.io"; "" = the daemon's default registry. */
void image_auth_registry(const char *ref, char *out, size_t n);
/* The header line with the login of a registry, from the Docker configuration in config_dir (NULL =
 * none), or NULL: anonymous. Starts a credential helper with a time limit: for a worker. why = what
 * went wrong on the way, else "". The caller frees. */
char *image_auth(const char *config_dir, const char *registry, const char *dflt_registry, char *why,
	size_t n);

/* ---- docker_image.c ---- */
enum source_state {
	SOURCE_LOOKUP,
	SOURCE_MISSING, /* fetched when a task wants it */
	SOURCE_READY,
	SOURCE_FAILED
};
struct image_login;
struct image_source {
	struct image_source *next;
	struct docker_images *images;
	struct loop *loop;
	struct docker_conn *conn;
	const char *repo_id;
	/* what is looked up and what create names; unlike for each source */
	char *ref;
	char *text; /* as the race has it */
	const char *path; /* of tar or build; points into text */
	enum image_kind kind;
	enum source_state state;
	bool wanted, checked; /* asked for since the last pump: by a task, by a check */
	bool fetched; /* the lookup that follows must find it */
	int tries; /* streams that were interrupted */
	/* at most one of these is under way */
	struct docker_call *call;
	struct job *job;
	struct image_login *login;
	struct loop_timer *tick;
	bool has_login; /* auth, auth_why are known */
	char *auth, auth_why[DOCKER_TEXT];
	int fd; /* what is uploaded, 0 = not open */
	int64_t size;
	struct image_progress progress;
	char note[IMAGE_NOTE];
	struct err e;
};
void image_note(struct image_source *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void image_fetched(struct image_source *s);
void image_failed(struct image_source *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The answer had no status: retried, up to IMAGE_TRIES times. */
void image_interrupted(struct image_source *s, const struct http_answer *a);
/* The end of a stream of progress: true = it came whole and without an error. Else it is done with:
 * refused was called with the daemon's words, or the source is asked for again. */
bool image_stream_ok(struct image_source *s, const struct http_answer *a,
	void (*refused)(struct image_source *s, const char *said));

/* ---- image_pull.c, image_load.c, image_build.c ---- */
/* The next thing to do for a source that is to be fetched; each ends in image_fetched,
 * image_interrupted or image_failed. */
void image_pull(struct image_source *s);
void image_pull_forget(struct image_login *l); /* its answer is dropped */
void image_load(struct image_source *s);
void image_build(struct image_source *s);

#endif
