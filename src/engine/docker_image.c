/* docker_image.c - sources that tasks wait for: each looked up, fetched when it is not there, and
 * looked up again; and the questions about all images of a race before it starts. */
#include "engine/docker_image.h"

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
#include "engine/host.h"
#include "engine/image.h"

enum { LOOKUP_MS = 10000, IMPORT_MS = 60000, EMPTY_TAR = 1024 };

/* What one race asks before it starts. */
struct check {
	struct check *next;
	struct strv images;
	struct err e; /* found without the daemon */
	engine_done_fn fn;
	void *ctx;
};

struct docker_images {
	struct loop *loop;
	struct docker_conn *conn;
	const char *state_dir, *repo_id;
	void (*changed)(void *ctx);
	void *ctx;
	struct image_source *sources;
	struct check *checks;
};

struct docker_images *docker_images_new(struct loop *l, struct docker_conn *conn,
	const char *state_dir, const char *repo_id, void (*changed)(void *ctx), void *ctx)
{
	struct docker_images *g = xcalloc(1, sizeof(*g));
	*g = (struct docker_images){ .loop = l,
		.conn = conn,
		.state_dir = state_dir,
		.repo_id = repo_id,
		.changed = changed,
		.ctx = ctx };
	return g;
}

static void changed(struct docker_images *g)
{
	g->changed(g->ctx);
}

/* ---- names ---- */

/* Of this content of a tar, or of this directory in this race: a race has one image of a build,
 * however long it lasts. */
static char *own_tag(const char *repo_id, int race, enum image_kind kind, const char *path)
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
		return xasprintf("yolodeck-tar-%.8s:%s", repo_id, hash);
	return xasprintf("yolodeck-build-%.8s:%d-%s", repo_id, race, hash);
}

static char *ref_of(const struct docker_images *g, int race, const char *image)
{
	const char *path;
	enum image_kind kind = spec_image_kind(image, &path);
	return kind == IMAGE_HOST   ? xstrdup(DOCKER_IMAGE_EMPTY)
		: kind == IMAGE_REF ? xstrdup(image)
				    : own_tag(g->repo_id, race, kind, path);
}

/* Made if it is not there. */
static struct image_source *find_source(struct docker_images *g, int race, const char *image)
{
	char *ref = ref_of(g, race, image);
	struct image_source *s = g->sources;
	while (s && strcmp(s->ref, ref))
		s = s->next;
	if (s) {
		free(ref);
		return s;
	}
	s = xcalloc(1, sizeof(*s));
	s->images = g;
	s->loop = g->loop;
	s->conn = g->conn;
	s->repo_id = g->repo_id;
	s->ref = ref;
	s->text = xstrdup(image);
	s->kind = spec_image_kind(s->text, &s->path);
	s->next = g->sources;
	g->sources = s;
	changed(g);
	return s;
}

/* ---- the life of a source ---- */

void image_note(struct image_source *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(s->note, sizeof(s->note), fmt, ap);
	va_end(ap);
	changed(s->images);
}

static void cancel(struct image_source *s)
{
	if (s->call)
		docker_call_cancel(s->call);
	if (s->job)
		job_kill(s->job);
	if (s->login)
		image_pull_forget(s->login);
	loop_cancel(s->tick);
	if (s->fd > 0)
		close(s->fd);
	free(s->auth); /* a login is not kept */
	s->call = NULL;
	s->job = NULL;
	s->login = NULL;
	s->tick = NULL;
	s->fd = 0;
	s->auth = NULL;
	s->has_login = false;
	s->note[0] = 0;
}

static void source_free(struct image_source *s)
{
	struct image_source **at = &s->images->sources;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	cancel(s);
	free(s->ref);
	free(s->text);
	free(s);
}

static void set_state(struct image_source *s, enum source_state state)
{
	cancel(s);
	s->state = state;
	changed(s->images);
}

void image_failed(struct image_source *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	err_vset(&s->e, "image", fmt, ap);
	va_end(ap);
	diag(DIAG_INFO, "image %s: %s", s->text, s->e.msg);
	set_state(s, SOURCE_FAILED);
}

void image_fetched(struct image_source *s)
{
	s->fetched = true;
	set_state(s, SOURCE_LOOKUP);
}

void image_interrupted(struct image_source *s, const struct http_answer *a)
{
	/* a lost connection is no fault of the image */
	if (a->error != HTTP_CANCELLED && ++s->tries >= IMAGE_TRIES)
		image_failed(s, "Docker broke off %d times while image %.200s was fetched",
			s->tries, s->text);
	else
		set_state(s, SOURCE_LOOKUP);
}

bool image_stream_ok(struct image_source *s, const struct http_answer *a,
	void (*refused)(struct image_source *s, const char *said))
{
	char said[DOCKER_TEXT];
	s->call = NULL;
	image_progress_tail(&s->progress, a);
	snprintf(said, sizeof(said), "%s", s->progress.error);
	if (a->status >= 400)
		docker_message(a, said, sizeof(said));
	if (a->status >= 400 || said[0])
		refused(s, said);
	else if (a->error != HTTP_OK)
		image_interrupted(s, a);
	else
		return true;
	return false;
}

/* ---- the lookup ---- */

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

static int check_processor(const char *image, const struct http_answer *inspect, struct err *e)
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

static void on_lookup(void *ctx, const struct http_answer *a)
{
	struct image_source *s = ctx;
	struct err e = ERR_INIT;
	char said[DOCKER_TEXT];
	s->call = NULL;
	if (a->error != HTTP_OK) {
		image_interrupted(s, a);
	} else if (a->status == 404 && !s->fetched) {
		set_state(s, SOURCE_MISSING);
	} else if (a->status == 404) {
		image_failed(s, "Docker fetched image %.200s and does not have it now", s->text);
	} else if (a->status != 200) {
		docker_message(a, said, sizeof(said));
		image_failed(s, "Docker cannot tell whether image %.200s is here (%d): %s", s->text,
			a->status, said);
	} else if (check_processor(s->text, a, &e) < 0) {
		image_failed(s, "%s", e.msg);
		snprintf(s->e.code, sizeof(s->e.code), "%s", e.code);
	} else {
		set_state(s, SOURCE_READY);
		s->fetched = false;
		s->tries = 0;
	}
}

static void look_up(struct image_source *s)
{
	char *path = xasprintf("/images/%s/json", s->ref);
	s->call = docker_call_simple(s->conn, "GET", path, LOOKUP_MS, on_lookup, s);
	free(path);
}

/* ---- the empty image of "host" ---- */

static void on_empty(void *ctx, const struct http_answer *a)
{
	struct image_source *s = ctx;
	char said[DOCKER_TEXT];
	s->call = NULL;
	if (a->error != HTTP_OK) {
		image_interrupted(s, a);
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
	s->call = docker_call(s->conn,
		&(struct docker_request){ .method = "POST",
			/* the tag within the name: podman ignores one beside it */
			.path = "/images/create?fromSrc=-&repo=" DOCKER_IMAGE_EMPTY
				"&changes=LABEL%20yolodeck.empty%3D1",
			.content_type = "application/x-tar",
			.body = &tar,
			.timeout_ms = IMPORT_MS,
			.late_ms = 10000 },
		on_empty, s);
	buf_release(&tar);
}

/* ---- checks before a race ---- */

static void check_local(struct check *c, const struct strv *mounts, const char *state_dir)
{
	if (mounts->n)
		host_check_mounts(mounts, state_dir, NULL, &c->e);
	for (size_t i = 0; i < c->images.n && !c->e.msg[0]; i++) {
		const char *image = c->images.v[i];
		if (spec_image_kind(image, NULL) == IMAGE_REF && !spec_image_ref_ok(image))
			err_set(&c->e, "bad_image",
				"\"%s\" is not the name of an image; write for example node:22, or host",
				image);
		else
			spec_image_look(image, &c->e);
	}
}

void docker_images_check(
	struct docker_images *g, const struct spec *s, engine_done_fn fn, void *ctx)
{
	struct check *c = xcalloc(1, sizeof(*c)), **at = &g->checks;
	const char *of_race = s->image ? s->image : "host";
	*c = (struct check){ .fn = fn, .ctx = ctx, .images = STRV_INIT };
	for (size_t i = 0; i < s->nvariants || i == 0; i++) {
		const char *own = s->nvariants ? s->variants[i].image : NULL;
		if (!strv_has(&c->images, own ? own : of_race))
			strv_add(&c->images, own ? own : of_race);
	}
	check_local(c, &s->mounts, g->state_dir);
	while (*at)
		at = &(*at)->next;
	*at = c;
	changed(g);
}

bool docker_images_asked(const struct docker_images *g)
{
	return g->checks != NULL;
}

static void answer(struct docker_images *g, struct check *c, const struct err *e)
{
	struct check **at = &g->checks;
	engine_done_fn fn = c->fn;
	void *ctx = c->ctx;
	struct err copy = *e;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	strv_release(&c->images);
	free(c);
	fn(ctx, &copy);
}

/* Only references are asked for: of the others all is known. */
static void advance_check(struct docker_images *g, struct check *c)
{
	struct err none = ERR_INIT;
	bool waits = false;
	for (size_t i = 0; i < c->images.n && !c->e.msg[0]; i++) {
		if (spec_image_kind(c->images.v[i], NULL) != IMAGE_REF)
			continue;
		struct image_source *s = find_source(g, 0, c->images.v[i]);
		s->checked = true;
		waits |= s->state == SOURCE_LOOKUP;
		if (s->state == SOURCE_FAILED)
			c->e = s->e;
	}
	if (c->e.msg[0] || !waits)
		answer(g, c, c->e.msg[0] ? &c->e : &none);
}

void docker_images_fail(struct docker_images *g, const struct err *e, const char *next_step)
{
	struct err all = *e;
	size_t n = 0, len = strlen(all.msg);
	if (*next_step)
		snprintf(all.msg + len, sizeof(all.msg) - len, "; %s", next_step);
	/* one that was asked for by an answer is for the next attempt */
	for (const struct check *c = g->checks; c; c = c->next)
		n++;
	while (n-- > 0)
		answer(g, g->checks, &all);
}

/* ---- the pump ---- */

static void advance_source(struct image_source *s)
{
	static void (*const fetch[])(struct image_source *) = { [IMAGE_HOST] = make_empty,
		[IMAGE_REF] = image_pull,
		[IMAGE_TAR] = image_load,
		[IMAGE_BUILD] = image_build };
	if (s->call || s->job || s->login)
		return;
	if (s->state == SOURCE_LOOKUP)
		look_up(s);
	else if (s->state == SOURCE_MISSING && s->wanted)
		fetch[s->kind](s);
}

void docker_images_pump(struct docker_images *g)
{
	for (struct check *c = g->checks, *next; c; c = next) {
		next = c->next;
		advance_check(g, c);
	}
	for (struct image_source *s = g->sources, *next; s; s = next) {
		next = s->next;
		/* a pull ends when its call does */
		if (!s->wanted && !s->checked && s->state != SOURCE_READY)
			source_free(s);
		else if (!s->wanted && s->state == SOURCE_MISSING)
			cancel(s);
		else
			advance_source(s);
	}
	for (struct image_source *s = g->sources; s; s = s->next)
		s->wanted = s->checked = false;
}

void docker_images_free(struct docker_images *g)
{
	while (g->checks) {
		struct check *c = g->checks;
		g->checks = c->next;
		strv_release(&c->images);
		free(c);
	}
	while (g->sources)
		source_free(g->sources);
	free(g);
}

/* ---- what tasks ask ---- */

int docker_images_get(struct docker_images *g, int race, const char *image, const char **ref,
	const char **note, struct err *e)
{
	struct image_source *s = find_source(g, race, image);
	s->wanted = s->state != SOURCE_FAILED; /* asked for later, it is tried again */
	*ref = s->state == SOURCE_READY ? s->ref : NULL;
	*note = *ref ? "" : s->note;
	if (s->state != SOURCE_FAILED)
		return 0;
	*e = s->e;
	return -1;
}

void docker_images_recheck(struct docker_images *g, int race, const char *image)
{
	struct image_source *s = find_source(g, race, image);
	if (s->state == SOURCE_READY)
		set_state(s, SOURCE_LOOKUP);
}
