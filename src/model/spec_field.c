/* spec_field.c - the rows, and what can be done with any of them. */
#include "model/spec_int.h"

#include <stdlib.h>
#include <string.h>

#define AT(f) offsetof(struct spec, f)
const struct spec_field spec_race_fields[] = {
	{ "name", "name", FIELD_TEXT, SPEC_TEXT, AT(name), false },
	{ "base", "base", FIELD_TEXT, SPEC_BASE, AT(base), false },
	{ "engine", "engine", FIELD_TEXT, SPEC_ENGINE, AT(engine), false },
	{ "image", "image", FIELD_IMAGE, SPEC_IMAGE, AT(image), false },
	{ "prompt", "prompt", FIELD_TEXT, SPEC_PROMPT, AT(prompt), false },
	{ "prompt_file", NULL, FIELD_TEXT, SPEC_TEXT, AT(prompt_file), false },
	{ "command", NULL, FIELD_TEXT, SPEC_COMMAND, AT(command), false },
	{ "argv", NULL, FIELD_LIST, SPEC_ARG, AT(argv), false },
	{ "setup", "setup", FIELD_TEXT, SPEC_COMMAND, AT(setup), false },
	{ "check", "check", FIELD_TEXT, SPEC_COMMAND, AT(check), false },
	{ "matrix", "matrix", FIELD_MATRIX, 0, 0, false },
	{ "variants", NULL, FIELD_VARIANTS, 0, 0, false },
	{ "repeat", "n", FIELD_INT, SPEC_REPEAT, AT(repeat), false },
	{ "parallel", "parallel", FIELD_INT, SPEC_PARALLEL, AT(parallel), false },
	{ "env", "env", FIELD_ENV, SPEC_ENV, AT(env), false },
	{ "mounts", "mount", FIELD_LIST, SPEC_MOUNT, AT(mounts), false },
	{ "limits", NULL, FIELD_LIMITS, 0, AT(limits), false },
	{ "network", "network", FIELD_TEXT, SPEC_NETWORK, AT(network), false },
	{ "isolation", NULL, FIELD_TEXT, SPEC_ISOLATION, AT(isolation), false },
	{ "rank", NULL, FIELD_LIST, SPEC_RANK, AT(rank), false },
	{ "runners", "runner", FIELD_LIST, SPEC_RUNNER, AT(runners), false },
	{ "agents", NULL, FIELD_LATER, 0, 0, false },
	{ "secrets", NULL, FIELD_LATER, 0, 0, false },
	{ "caches", NULL, FIELD_LATER, 0, 0, false },
	{ "ports", NULL, FIELD_PORTS, 0, 0, false },
	{ "metrics", NULL, FIELD_LATER, 0, 0, false },
	{ "allow_unlimited", NULL, FIELD_BOOL, 0, AT(allow_unlimited), true },
	{ "prepared", NULL, FIELD_TEXT, SPEC_TEXT, AT(prepared), true },
	{ "pipeline", NULL, FIELD_OLD_TEXT, SPEC_TEXT, AT(prepared), true },
	{ "expanded", NULL, FIELD_MARK, 0, 0, true },
	{ NULL, NULL, FIELD_MARK, 0, 0, false },
};
#undef AT

#define AT(f) offsetof(struct spec_variant, f)
const struct spec_field spec_variant_fields[] = {
	{ "name", NULL, FIELD_TEXT, SPEC_NAME, AT(name), false },
	{ "command", NULL, FIELD_TEXT, SPEC_COMMAND, AT(command), false },
	{ "argv", NULL, FIELD_LIST, SPEC_ARG, AT(argv), false },
	{ "image", NULL, FIELD_IMAGE, SPEC_IMAGE, AT(image), false },
	{ "setup", NULL, FIELD_TEXT, SPEC_COMMAND, AT(setup), false },
	{ "check", NULL, FIELD_TEXT, SPEC_COMMAND, AT(check), false },
	{ "env", NULL, FIELD_ENV, SPEC_ENV, AT(env), false },
	{ "limits", NULL, FIELD_LIMITS, 0, AT(limits), false },
	{ "agent", NULL, FIELD_LATER, 0, 0, false },
	{ NULL, NULL, FIELD_MARK, 0, 0, false },
};
#undef AT

#define AT(f) offsetof(struct limits, f)
const struct spec_field spec_limit_fields[] = {
	{ "cpus", "cpus", FIELD_DOUBLE, SPEC_CPUS, AT(cpus), false },
	{ "memory", "memory", FIELD_INT64, SPEC_MEMORY, AT(memory), false },
	{ "pids", "pids", FIELD_INT64, SPEC_PIDS, AT(pids), false },
	{ "time", "timeout", FIELD_INT64, SPEC_TIME, AT(time_ms), false },
	{ "log", "log-limit", FIELD_INT64, SPEC_LOG, AT(log), false },
	{ "disk", NULL, FIELD_INT64, SPEC_LOG, AT(disk), false },
	{ NULL, NULL, FIELD_MARK, 0, 0, false },
};
#undef AT

const struct spec_field *spec_field_find(const struct spec_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (!strcmp(fields->name, name))
			return fields;
	return NULL;
}

void spec_field_number(const struct spec_field *f, void *at, double v)
{
	if (f->type == FIELD_DOUBLE)
		*(double *)at = v;
	else if (f->type == FIELD_INT)
		*(int *)at = (int)v;
	else
		*(int64_t *)at = (int64_t)v;
}

void spec_field_release(const struct spec_field *fields, void *base)
{
	for (const struct spec_field *f = fields; f->name; f++) {
		void *at = (char *)base + f->off;

		if (f->type == FIELD_TEXT || f->type == FIELD_IMAGE)
			free(*(char **)at);
		else if (f->type == FIELD_LIST || f->type == FIELD_ENV)
			strv_release(at);
	}
}
