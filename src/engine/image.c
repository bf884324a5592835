/* image.c - images: sources that tasks wait for, each looked up, fetched when it is not there, and
 * looked up again. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "engine/image.h"

enum { LOOK_MS = 10000, IMPORT_MS = 60000, EMPTY_TAR = 1024 };

/* ---- names ---- */

/* Of this content of a tar, or of this directory in this race: a race has one image of a build,
 * however long it lasts. */
static char *own_tag(
	const struct docker *d, const struct engine_task *t, enum image_kind kind, const char *path)
{
	struct sha256 sum;
	struct stat st = { 0 };
	char hash[17];
	sha256_init(&sum);
	sha256_add(&sum, path, strlen(path));
	if (kind == IMAGE_TAR && stat(path, &st) == 0) {
		char *facts = xasprintf("/%lld/%lld/%lld.%09ld", (long long)st.st_ino,
			(long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
		sha256_add(&sum, facts, strlen(facts));
		free(facts);
	}
	sha256_hex16(&sum, hash);
	if (kind == IMAGE_TAR)
		return xasprintf("yolodeck-tar-%.8s:%s", d->repo_id, hash);
	return xasprintf("yolodeck-build-%.8s:%d-%s", d->repo_id, t->race, hash);
}

static char *ref_of(const struct docker *d, const struct engine_task *t)
{
	const char *path;
	enum image_kind kind = spec_image_kind(t->image, &path);
	return kind == IMAGE_HOST   ? xstrdup(DOCKER_EMPTY_IMAGE)
		: kind == IMAGE_REF ? xstrdup(t->image)
				    : own_tag(d, t, kind, path);
}

static struct image_source *find(const struct docker *d, const char *ref)
{
	struct image_source *s = d->sources;
	while (s && strcmp(s->ref, ref))
		s = s->next;
	return s;
}

/* ---- the life of a source ---- */

static bool waits_for(const struct docker_task *k, const struct image_source *s)
{
	if (k->phase != TASK_NEW || k->slot || k->stop_asked)
		return false;
	char *ref = ref_of(s->d, k->t);
	bool same = !strcmp(ref, s->ref);
	free(ref);
	return same;
}

static bool wanted(const struct image_source *s)
{
	for (const struct docker_task *k = s->d->tasks; k; k = k->next)
		if (waits_for(k, s))
			return true;
	return false;
}

void image_note(struct image_source *s, const char *fmt, ...)
{
	const struct engine_events *ev = s->d->ev;
	char note[IMAGE_NOTE];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(note, sizeof(note), fmt, ap);
	va_end(ap);
	if (!strcmp(note, s->note))
		return;
	snprintf(s->note, sizeof(s->note), "%s", note);
	for (struct docker_task *k = s->d->tasks; k; k = k->next)
		if (waits_for(k, s)) {
			k->noted = true;
			ev->note(ev->ctx, k->t, s->note);
		}
}

static void let_go(struct image_source *s)
{
	if (s->call)
		docker_call_cancel(s->call);
	s->call = NULL;
	if (s->job) {
		atomic_store(&s->job->stop, true);
		s->job->s = NULL;
		s->job = NULL;
	}
	loop_cancel(s->tick);
	s->tick = NULL;
	if (s->fd > 0)
		close(s->fd);
	s->fd = 0;
	free(s->auth); /* a login is not kept */
	s->auth = NULL;
	s->asked_login = false;
	s->note[0] = 0;
}

static void source_free(struct image_source *s)
{
	struct image_source **at = &s->d->sources;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	let_go(s);
	free(s->ref);
	free(s->text);
	free(s);
}

static struct image_source *source_new(
	struct docker *d, const struct engine_task *t, const char *ref)
{
	struct image_source *s = xcalloc(1, sizeof(*s));
	s->d = d;
	s->ref = xstrdup(ref);
	s->text = xstrdup(t->image);
	s->kind = spec_image_kind(s->text, &s->path);
	s->next = d->sources;
	d->sources = s;
	return s;
}

void image_failed(struct image_source *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	err_vset(&s->e, "image", fmt, ap);
	va_end(ap);
	diag(DIAG_INFO, "image %s: %s", s->text, s->e.msg);
	let_go(s);
	s->state = SOURCE_FAILED;
	docker_poke(s->d);
}

void image_fetched(struct image_source *s)
{
	let_go(s);
	s->fetched = true;
	s->state = SOURCE_LOOK;
	docker_poke(s->d);
}

void image_cut(struct image_source *s)
{
	s->call = NULL;
	if (++s->tries >= IMAGE_TRIES) {
		image_failed(s, "Docker broke off %d times while image %.200s was fetched",
			s->tries, s->text);
		return;
	}
	let_go(s);
	s->state = SOURCE_LOOK;
	docker_poke(s->d);
}

bool image_whole(struct image_source *s, const struct http_answer *a,
	void (*refused)(struct image_source *s, const char *said))
{
	char said[DOCKER_TEXT] = "";

	s->call = NULL;
	image_progress_tail(&s->progress, a);
	if (a->status >= 400)
		docker_message(a, said, sizeof(said));
	else
		snprintf(said, sizeof(said), "%s", s->progress.error);
	if (a->status < 400 && !said[0] && a->trouble == HTTP_OK)
		return true;
	if (a->status >= 400 || said[0])
		refused(s, said);
	else
		image_cut(s);
	return false;
}

/* ---- looking ---- */

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

int image_processor(const char *image, const struct http_answer *inspect, struct err *e)
{
	struct err ignored = ERR_INIT;
	struct json *j = json_parse(inspect->body.p, inspect->body.len, &ignored);
	const char *arch = json_str(j, "Architecture", "");
	int rc = 0;
	if (spec_image_kind(image, NULL) != IMAGE_HOST && other_processor(arch))
		rc = err_set(e, "image_processor",
			"image %s is made for %s, not for this machine's processor; `docker pull "
			"--platform` fetches another",
			image, arch);
	json_free(j);
	return rc;
}

static void on_look(void *ctx, const struct http_answer *a)
{
	struct image_source *s = ctx;
	struct err e = ERR_INIT;
	char said[DOCKER_TEXT];
	s->call = NULL;
	if (a->trouble != HTTP_OK) {
		if (a->trouble != HTTP_CANCELLED)
			image_cut(s);
	} else if (a->status == 404 && !s->fetched) {
		s->state = SOURCE_FETCH;
	} else if (a->status == 404) {
		image_failed(s, "Docker fetched image %.200s and does not have it now", s->text);
	} else if (a->status != 200) {
		docker_message(a, said, sizeof(said));
		image_failed(s, "Docker cannot tell whether image %.200s is here (%d): %s", s->text,
			a->status, said);
	} else if (image_processor(s->text, a, &e) < 0) {
		image_failed(s, "%s", e.msg);
	} else {
		s->state = SOURCE_READY;
		s->fetched = false;
		s->tries = 0;
	}
}

static void look(struct image_source *s)
{
	char *path = xasprintf("/images/%s/json", s->ref);
	s->call = docker_call(s->d, NULL,
		&(struct docker_req){ .method = "GET", .path = path, .timeout_ms = LOOK_MS },
		on_look, s);
	free(path);
}

/* ---- the empty image of "host" ---- */

static void on_empty(void *ctx, const struct http_answer *a)
{
	struct image_source *s = ctx;
	char said[DOCKER_TEXT];
	s->call = NULL;
	if (a->trouble != HTTP_OK) {
		image_cut(s);
	} else if (a->status == 200 &&
		!strstr(a->body.p, "\"error\"")) { /* a stream of JSON lines */
		image_fetched(s);
	} else {
		docker_message(a, said, sizeof(said));
		image_failed(s, "Docker could not make the empty image for \"host\" (%d): %s",
			a->status, said);
	}
}

static void make_empty(struct image_source *s)
{
	struct buf tar = BUF_INIT;
	buf_reserve(&tar, EMPTY_TAR);
	memset(tar.p, 0, EMPTY_TAR + 1); /* two blocks of zeros: the end of an archive */
	tar.len = EMPTY_TAR;
	s->call = docker_call(s->d, NULL,
		&(struct docker_req){ .method = "POST",
			.path = "/images/"
				"create?fromSrc=-&repo=yolodeck-empty:1&changes=LABEL%"
				"20yolodeck.empty%3D1",
			.content_type = "application/x-tar",
			.body = &tar,
			.timeout_ms = IMPORT_MS,
			.late_ms = 10000 },
		on_empty, s);
	buf_release(&tar);
}

/* ---- the pump ---- */

void image_pump(struct docker *d)
{
	static void (*const fetch[])(struct image_source *) = { [IMAGE_HOST] = make_empty,
		[IMAGE_REF] = image_pull,
		[IMAGE_TAR] = image_load,
		[IMAGE_BUILD] = image_build };
	image_ask_pump(d);
	for (struct image_source *s = d->sources; s; s = s->next) {
		if (s->call || s->job)
			continue;
		if (s->state == SOURCE_LOOK)
			look(s);
		else if (s->state == SOURCE_FETCH)
			fetch[s->kind](s);
	}
}

/* Nobody waits for it any more: a pull ends when its call does. */
void image_sweep(struct docker *d)
{
	for (struct image_source *s = d->sources, *next; s; s = next) {
		next = s->next;
		if (s->state != SOURCE_READY && !wanted(s))
			source_free(s);
	}
}

void image_close(struct docker *d)
{
	image_ask_close(d);
	while (d->sources) {
		d->sources->call = NULL; /* the link has dropped them */
		source_free(d->sources);
	}
}

/* ---- what tasks ask ---- */

int image_for(struct docker_task *k, const char **ref, struct err *e)
{
	struct docker *d = k->d;
	char *name = ref_of(d, k->t);
	struct image_source *s = find(d, name);
	if (!s) {
		s = source_new(d, k->t, name);
		docker_poke(d);
	}
	free(name);
	if (s->state == SOURCE_FAILED) {
		*e = s->e;
		return -1;
	}
	if (s->state == SOURCE_READY) {
		if (k->noted)
			d->ev->note(d->ev->ctx, k->t, "");
		k->noted = false;
		*ref = s->ref;
		return 1;
	}
	if (s->note[0] && !k->noted) {
		k->noted = true;
		d->ev->note(d->ev->ctx, k->t, s->note);
	}
	return 0;
}

void image_gone(struct docker_task *k)
{
	char *name = ref_of(k->d, k->t);
	struct image_source *s = find(k->d, name);
	free(name);
	if (s && s->state == SOURCE_READY)
		s->state = SOURCE_LOOK;
	docker_poke(k->d);
}

/* ---- work on the pool ---- */

static void job_work(void *arg)
{
	struct image_job *j = arg;
	j->work(j);
}

static void job_done(void *arg)
{
	struct image_job *j = arg;
	if (j->s)
		j->s->job = NULL;
	j->done(j);
}

void image_job_start(struct image_source *s, struct image_job *take_j)
{
	take_j->s = s;
	s->job = take_j;
	pool_post(loop_pool(s->d->loop), job_work, job_done, take_j);
}
