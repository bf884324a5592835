/* spec_json.c - the expanded spec as JSON and back: a race file's keys, so that one reader checks
 * both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/spec_parse.h"
#include "model/spec_value.h"

static void put_text(struct json *o, const char *key, const char *v)
{
	if (v)
		json_put_str(o, key, v);
}

static void put_list(struct json *o, const char *key, const struct strv *v)
{
	if (v->n)
		json_put_strv(o, key, v);
}

static void put_env(struct json *o, const struct strv *env)
{
	struct json *j;
	if (!env->n)
		return;
	j = json_object();
	for (size_t i = 0; i < env->n; i++) {
		const char *eq = strchr(env->v[i], '=');
		char *key = xstrndup(env->v[i], (size_t)(eq - env->v[i]));
		json_put_str(j, key, eq + 1);
		free(key);
	}
	json_put(o, "env", j);
}

static void put_limits(struct json *o, const struct limits *l)
{
	struct json *j = json_object();
	if (l->cpus > 0)
		json_put_double(j, "cpus", l->cpus);
	if (l->memory)
		json_put_int(j, "memory", l->memory);
	if (l->pids)
		json_put_int(j, "pids", l->pids);
	if (l->time_ms) {
		char text[32];
		snprintf(text, sizeof(text), "%lldms", (long long)l->time_ms);
		json_put_str(j, "time", text);
	}
	if (l->log)
		json_put_int(j, "log", l->log);
	if (l->disk)
		json_put_int(j, "disk", l->disk);
	if (json_size(j))
		json_put(o, "limits", j);
	else
		json_free(j);
}

static struct json *variant(const struct spec_variant *v)
{
	struct json *o = json_object();
	put_text(o, "name", v->name);
	put_text(o, "command", v->command);
	put_list(o, "argv", &v->argv);
	put_text(o, "image", v->image);
	put_text(o, "setup", v->setup);
	put_text(o, "check", v->check);
	put_env(o, &v->env);
	put_limits(o, &v->limits);
	return o;
}

struct json *spec_to_json(const struct spec *s)
{
	struct json *o = json_object(), *list = json_array();
	put_text(o, "name", s->name);
	put_text(o, "base", s->base);
	put_text(o, "engine", s->engine);
	put_text(o, "image", s->image);
	put_text(o, "prompt", s->prompt);
	put_text(o, "command", s->command);
	put_list(o, "argv", &s->argv);
	put_text(o, "setup", s->setup);
	put_text(o, "check", s->check);
	if (s->parallel)
		json_put_int(o, "parallel", s->parallel);
	put_list(o, "mounts", &s->mounts);
	put_list(o, "runners", &s->runners);
	put_limits(o, &s->limits);
	put_text(o, "network", s->network);
	put_text(o, "isolation", s->isolation);
	put_list(o, "rank", &s->rank);
	if (s->allow_unlimited)
		json_put_bool(o, "allow_unlimited", true);
	put_text(o, "prepared", s->prepared);
	for (size_t i = 0; i < s->nvariants; i++)
		json_add(list, variant(&s->variants[i]));
	json_put(o, "variants", list);
	json_put_bool(o, "expanded", true);
	return o;
}

int spec_from_json(struct spec *s, const struct json *j, struct err *e)
{
	if (!j)
		return err_set(e, "spec", "there is no description of the race");
	if (spec_read(s, NULL, NULL, 0, j, e))
		return -1;
	return spec_check_expanded(s, e);
}
