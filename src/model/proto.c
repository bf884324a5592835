/* proto.c - the rows, the races and the first line as they travel. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/proto.h"
#include "model/timestamp.h"

struct row *row_new(struct variant *take_v)
{
	struct row *r = xcalloc(1, sizeof(*r));
	r->v = take_v;
	r->cpu = -1;
	r->memory = -1;
	return r;
}

void row_free(struct row *r)
{
	if (!r)
		return;
	variant_free(r->v);
	free(r->evidence);
	free(r->slug);
	free(r->warn);
	free(r);
}

static void put_elapsed(struct json *o, const struct variant *v)
{
	int64_t end = v->ended_ns;
	if (!end && variant_live(v->state))
		end = clock_real_ns();
	if (!v->started_ns || !end || end < v->started_ns)
		json_put_null(o, "elapsed_ms");
	else
		json_put_int(o, "elapsed_ms", (end - v->started_ns) / 1000000);
}

struct json *row_to_json(const struct row *r)
{
	struct json *o = variant_to_json(r->v);
	put_elapsed(o, r->v);
	json_put_str(o, "note", r->v->note);
	if (r->rank > 0)
		json_put_int(o, "rank", r->rank);
	else
		json_put_null(o, "rank");
	json_put_bool(o, "best", r->best);
	json_put_int(o, "attention", r->attention);
	json_put_str(o, "evidence", r->evidence);
	if (r->cpu >= 0)
		json_put_double(o, "cpu", r->cpu);
	else
		json_put_null(o, "cpu");
	if (r->memory >= 0)
		json_put_int(o, "memory", r->memory);
	else
		json_put_null(o, "memory");
	json_put_str(o, "slug", r->slug);
	json_put_str(o, "warn", r->warn);
	json_put_int(o, "rev", (int64_t)r->rev);
	return o;
}

struct row *row_from_json(const struct json *j, struct err *e)
{
	struct variant *v = variant_from_json(j, e);
	if (!v)
		return NULL;
	struct row *r = row_new(v);
	xreplace(&v->note, json_str(j, "note", NULL));
	r->rank = (int)json_int(j, "rank", 0);
	r->best = json_bool(j, "best", false);
	r->attention = (int)json_int(j, "attention", 0);
	xreplace(&r->evidence, json_str(j, "evidence", NULL));
	r->cpu = json_double(j, "cpu", -1);
	r->memory = json_int(j, "memory", -1);
	xreplace(&r->slug, json_str(j, "slug", NULL));
	xreplace(&r->warn, json_str(j, "warn", NULL));
	r->rev = v->rev = (uint64_t)json_int(j, "rev", 0);
	return r;
}

static const struct {
	const char *key;
	size_t at;
} info_texts[] = {
	{ "slug", offsetof(struct race_info, slug) },
	{ "base", offsetof(struct race_info, base) },
	{ "base_name", offsetof(struct race_info, base_name) },
	{ "engine", offsetof(struct race_info, engine) },
	{ "engine_why", offsetof(struct race_info, engine_why) },
	{ "isolation", offsetof(struct race_info, isolation) },
	{ "rank_words", offsetof(struct race_info, rank_words) },
	{ "dir", offsetof(struct race_info, dir) },
};

static char **info_text(const struct race_info *i, size_t k)
{
	return (char **)((uintptr_t)i + info_texts[k].at);
}

static const struct {
	const char *key;
	size_t at;
} info_counts[] = {
	{ "total", offsetof(struct race_info, total) },
	{ "live", offsetof(struct race_info, live) },
	{ "passed", offsetof(struct race_info, passed) },
	{ "failed", offsetof(struct race_info, failed) },
	{ "attention", offsetof(struct race_info, attention) },
};

static int *info_count(const struct race_info *i, size_t k)
{
	return (int *)((uintptr_t)i + info_counts[k].at);
}

void race_info_release(struct race_info *i)
{
	for (size_t k = 0; k < ARRAY_LEN(info_texts); k++)
		free(*info_text(i, k));
	memset(i, 0, sizeof(*i));
}

struct json *race_info_to_json(const struct race_info *i)
{
	struct json *o = json_object();
	json_put_int(o, "number", i->number);
	for (size_t k = 0; k < ARRAY_LEN(info_texts); k++)
		json_put_str(o, info_texts[k].key, *info_text(i, k));
	for (size_t k = 0; k < ARRAY_LEN(info_counts); k++)
		json_put_int(o, info_counts[k].key, *info_count(i, k));
	timestamp_put(o, "created", i->created_ns);
	timestamp_put(o, "began", i->began_ns);
	timestamp_put(o, "over", i->over_ns);
	return o;
}

int race_info_from_json(struct race_info *i, const struct json *j, struct err *e)
{
	int64_t number = json_int(j, "number", 0);
	memset(i, 0, sizeof(*i));
	if (number < 1 || number > INT32_MAX)
		return err_set(e, "protocol", "the conductor sent a race without a number");
	i->number = (int)number;
	for (size_t k = 0; k < ARRAY_LEN(info_texts); k++)
		xreplace(info_text(i, k), json_str(j, info_texts[k].key, NULL));
	for (size_t k = 0; k < ARRAY_LEN(info_counts); k++)
		*info_count(i, k) = (int)json_int(j, info_counts[k].key, 0);
	i->created_ns = timestamp_get(j, "created");
	i->began_ns = timestamp_get(j, "began");
	i->over_ns = timestamp_get(j, "over");
	return 0;
}

void proto_hello_with(struct buf *line, const char *key, const char *text)
{
	struct json *o = json_object();
	json_put_str(o, "hello", "yolodeck");
	json_put_int(o, "proto", PROTO_VERSION);
	json_put_str(o, "version", YOLODECK_VERSION);
	if (key)
		json_put_str(o, key, text);
	json_print(o, line);
	json_free(o);
}

void proto_hello(struct buf *line)
{
	proto_hello_with(line, NULL, NULL);
}

char *proto_hello_waiting(const char *line)
{
	struct err ignored = ERR_INIT;
	struct json *j = json_parse(line, strlen(line), &ignored);
	const char *text = json_str(j, "waiting", NULL);
	char *copy = text ? xstrdup(text) : NULL;

	json_free(j);
	return copy;
}

int proto_check_hello(const char *line, int *peer_proto, char **peer_version, struct err *e)
{
	struct err why = ERR_INIT;
	struct json *j = json_parse(line, strlen(line), &why);
	int rc = -1;
	*peer_proto = 0;
	*peer_version = NULL;
	int64_t proto = json_int(j, "proto", 0);
	if (!j || strcmp(json_str(j, "hello", ""), "yolodeck") || proto < 1 || proto > INT32_MAX) {
		err_set(e, "protocol",
			"the other side of the socket is not yolodeck: its first line is not a "
			"hello");
		goto out;
	}
	*peer_proto = (int)proto;
	*peer_version = xstrdup(json_str(j, "version", "?"));
	if (proto != PROTO_VERSION)
		err_set(e, proto < PROTO_VERSION ? "older" : "newer",
			"the other side is yolodeck %s and speaks version %d of the protocol; this "
			"is %s, version %d",
			*peer_version, *peer_proto, YOLODECK_VERSION, PROTO_VERSION);
	else if (json_str(j, "refused", NULL))
		err_set(e, "too_many_clients", "%s", json_str(j, "refused", ""));
	else
		rc = 0;
out:
	json_free(j);
	return rc;
}
