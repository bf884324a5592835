/* options.c - the runner's command line, as a table. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/run.h"

enum kind { TEXT, NUMBER, JOIN, FLAG, IGNORED };
static const struct option {
	const char *name;
	enum kind kind;
	size_t at;
} table[] = {
	{ "--log", TEXT, offsetof(struct options, log) },
	{ "--idx", TEXT, offsetof(struct options, idx) },
	{ "--setup", TEXT, offsetof(struct options, setup) },
	{ "--gate", TEXT, offsetof(struct options, gate) },
	{ "--cwd", TEXT, offsetof(struct options, cwd) },
	{ "--guarded-log", TEXT, offsetof(struct options, guarded_log) },
	{ "--stop-socket", TEXT, offsetof(struct options, stop_socket) },
	{ "--tty", TEXT, offsetof(struct options, tty) },
	{ "--cap", NUMBER, offsetof(struct options, cap) },
	{ "--uid", NUMBER, offsetof(struct options, uid) },
	{ "--gid", NUMBER, offsetof(struct options, gid) },
	{ "--time", NUMBER, offsetof(struct options, time_ms) },
	{ "--grace", NUMBER, offsetof(struct options, grace_ms) },
	{ "--pids", NUMBER, offsetof(struct options, pids) },
	{ "--memory", NUMBER, offsetof(struct options, memory) },
	{ "--join", JOIN, 0 },
	{ "--unguarded", FLAG, offsetof(struct options, unguarded) },
	{ "--exec", FLAG, offsetof(struct options, exec) },
	{ "--guarded-log-test", FLAG, offsetof(struct options, guarded_log_test) },
	{ "--tag", IGNORED, 0 },
};

static int number(const char *s, int64_t *out)
{
	char *end;

	if (*s < '0' || *s > '9')
		return -1;
	*out = strtoll(s, &end, 10);
	return *end ? -1 : 0;
}

static int take(struct options *o, const struct option *t, const char *value)
{
	int64_t v = 0;

	switch (t->kind) {
	case TEXT:
		memcpy((char *)o + t->at, &value, sizeof value);
		return 0;
	case NUMBER:
		if (number(value, &v))
			return -1;
		memcpy((char *)o + t->at, &v, sizeof v);
		return 0;
	case JOIN:
		if (strncmp(value, "fd:", 3) || number(value + 3, &v) || v > 1 << 20 ||
			o->njoin == RUN_JOINS)
			return -1;
		o->join[o->njoin++] = (int)v;
		return 0;
	case FLAG:
	case IGNORED:
		break;
	}
	return 0;
}

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

int options_parse(struct options *o, int argc, char **argv)
{
	int i = 1;

	*o = (struct options){ .uid = -1, .gid = -1, .grace_ms = 5000 };
	for (; i < argc && strcmp(argv[i], "--"); i++) {
		const struct option *t = find(argv[i]);
		if (t && t->kind == FLAG) {
			*(bool *)(void *)((char *)o + t->at) = true;
			continue;
		}
		if (!t || !argv[i + 1] || take(o, t, argv[i + 1])) {
			dprintf(2, "runner: bad option %s\n", argv[i]);
			return -1;
		}
		i++;
	}
	bool logged = o->guarded_log ? !o->log && !o->idx && !o->gate : o->log && o->idx;
	if ((!o->exec && !o->tty && !logged) || i + 1 >= argc) {
		dprintf(2,
			"runner: needs --log and --idx, or --guarded-log, and a command after --\n");
		return -1;
	}
	o->argv = (const char *const *)argv + i + 1;
	return 0;
}
