/* spec_value.c - what is right for one value of a race. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/suggest.h"
#include "model/rank.h"
#include "model/spec_image.h"
#include "model/spec_int.h"

static int refuse_value(struct err *e, const char *s, const char *what)
{
	return err_set(e, "spec", "\"%.60s\" %s", s, what);
}

static bool is_blank(const char *s)
{
	return s[strspn(s, " \t\r\n")] == '\0';
}

static int check_choice(
	const char *s, const char *const *right, size_t n, const char *what, struct err *e)
{
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(s, right[i]))
			return 0;
	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", right[i]);
	const char *near = suggest_word(s, right, n);
	if (near)
		err_set(e, "spec", "\"%.60s\" is not %s; did you mean %s? (%s)", s, what, near,
			b.p);
	else
		err_set(e, "spec", "\"%.60s\" is not %s; write %s", s, what, b.p);
	buf_release(&b);
	return -1;
}

static int value_engine(const char *s, struct err *e)
{
	/* fake, the tests' engine, is accepted but not listed */
	static const char *const right[] = { "auto", "docker", "local", "dagger" };
	return strcmp(s, "fake") ? check_choice(s, right, ARRAY_LEN(right), "an engine", e) : 0;
}

static int value_network(const char *s, struct err *e)
{
	static const char *const right[] = { "bridge", "none" };
	return check_choice(s, right, ARRAY_LEN(right), "a network", e);
}

static int value_isolation(const char *s, struct err *e)
{
	static const char *const right[] = { "container", "any" };
	return check_choice(s, right, ARRAY_LEN(right), "an isolation", e);
}

static int value_image(const char *s, struct err *e)
{
	if (spec_image_is_path(s)) {
		for (const char *p = s; *p; p++)
			if (iscntrl((unsigned char)*p))
				return refuse_value(
					e, s, "holds a line break or another control character");
		return 0;
	}
	if (!spec_image_ref_ok(s))
		return refuse_value(e, s,
			"is not an image; write a reference like node:22, host, tar:./image.tar or "
			"build:./directory");
	return 0;
}

static int value_base(const char *s, struct err *e)
{
	if (s[0] == '-' || strpbrk(s, " \t\n"))
		return refuse_value(e, s, "is not a revision; write a branch, a tag or a commit");
	return 0;
}

static int value_env_key(const char *s, struct err *e)
{
	if (!isalpha((unsigned char)s[0]) && s[0] != '_')
		return refuse_value(
			e, s, "cannot name an environment variable; write letters, digits and _");
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_')
			return refuse_value(e, s,
				"cannot name an environment variable; write letters, digits and _");
	if (!strncmp(s, "YOLO_", 5))
		return refuse_value(e, s, "is set by yolodeck itself; choose a name without YOLO_");
	if (!strcmp(s, "HOME") || !strcmp(s, "PATH"))
		return refuse_value(e, s, "belongs to the container; set it inside the command");
	return 0;
}

static int value_env(const char *s, struct err *e)
{
	const char *eq = strchr(s, '=');
	if (!eq)
		return refuse_value(e, s, "has no value; write NAME=value");
	char *key = xstrndup(s, (size_t)(eq - s));
	int rc = value_env_key(key, e);
	free(key);
	return rc;
}

static int value_mount(const char *s, struct err *e)
{
	if (!strcmp(s, "/") || !strcmp(s, "~") || !strcmp(s, "~/"))
		return refuse_value(
			e, s, "would show the container everything; name the directory it needs");
	if (s[0] != '/' && strncmp(s, "~/", 2))
		return refuse_value(
			e, s, "is not a mount; write an absolute path or one that begins with ~/");
	for (const char *p = s; (p = strstr(p, "/..")) != NULL; p += 3)
		if (p[3] == '/' || !p[3])
			return refuse_value(e, s, "goes up with \"..\"; write the path itself");
	if (strpbrk(s, "\n\r"))
		return refuse_value(e, s, "holds a line break");
	return 0;
}

/* The schemes the dagger command knows (its _EXPERIMENTAL_DAGGER_RUNNER_HOST). */
static int value_runner(const char *s, struct err *e)
{
	static const char *const right[] = { "tcp://", "unix://", "ssh://", "container://",
		"docker-container://", "kube-pod://" };
	for (size_t i = 0; i < ARRAY_LEN(right); i++)
		if (!strncmp(s, right[i], strlen(right[i])) && s[strlen(right[i])] &&
			!strpbrk(s, " \t\r\n"))
			return 0;
	return refuse_value(e, s,
		"is not a Dagger engine; write one as tcp://host:port, container://name, ssh://user@host or kube-pod://name");
}

static int value_rank(const char *s, struct err *e)
{
	if (rank_word_ok(s))
		return 0;
	return refuse_value(e, s,
		"is no rule of ranking; write check, lines, files, added, removed or elapsed, with "
		"a \"-\" before "
		"it where less is better");
}

static int value_name(const char *s, struct err *e)
{
	char safe[64];
	if (spec_name_ok(s))
		return 0;
	spec_safe_name(s, safe, sizeof(safe));
	if (spec_name_ok(safe) && strcmp(safe, s))
		return err_set(e, "spec", "\"%.60s\" cannot name a variant; write \"%s\"", s, safe);
	if (!strpbrk(safe, "abcdefghijklmnopqrstuvwxyz"))
		return refuse_value(
			e, s, "cannot name a variant: a name holds at least one letter");
	return refuse_value(
		e, s, "cannot name a variant: yolodeck keeps something else under that name");
}

static int value_long(enum spec_kind kind, const char *s, struct err *e)
{
	if (kind == SPEC_PROMPT && strlen(s) > SPEC_MAX_PROMPT)
		return err_set(e, "spec",
			"the prompt has %zu bytes; at most %d fit into an environment variable: "
			"let it name a "
			"file of the repository",
			strlen(s), SPEC_MAX_PROMPT);
	if (strlen(s) > SPEC_MAX_PROMPT)
		return err_set(e, "spec",
			"\"%.40s...\" has %zu bytes; at most %d are possible: put it into a script",
			s, strlen(s), SPEC_MAX_PROMPT);
	return 0;
}

int spec_value_text(enum spec_kind kind, const char *s, struct err *e)
{
	static int (*const more[])(const char *, struct err *) = {
		[SPEC_ENGINE] = value_engine,
		[SPEC_IMAGE] = value_image,
		[SPEC_NETWORK] = value_network,
		[SPEC_ISOLATION] = value_isolation,
		[SPEC_BASE] = value_base,
		[SPEC_NAME] = value_name,
		[SPEC_ENV] = value_env,
		[SPEC_ENV_KEY] = value_env_key,
		[SPEC_MOUNT] = value_mount,
		[SPEC_RUNNER] = value_runner,
		[SPEC_RANK] = value_rank,
		[SPEC_ARG] = NULL,
	};
	if (kind != SPEC_ARG && is_blank(s))
		return err_set(e, "spec", "is empty");
	if (!utf8_valid(s, strlen(s)))
		return err_set(e, "spec", "is not valid UTF-8 text");
	if (value_long(kind, s, e))
		return -1;
	return more[kind] ? more[kind](s, e) : 0;
}

static const struct {
	double least, most;
	const char *right; /* what would be right */
} numbers[] = {
	[SPEC_CPUS] = { 0.01, 1024, "write a number from 0.01 to 1024" },
	[SPEC_MEMORY] = { 6 << 20, 1LL << 50, "write at least 6m" },
	[SPEC_PIDS] = { 8, 4194304, "write a whole number from 8 to 4194304" },
	[SPEC_TIME] = { 1000, 365.0 * 86400000, "write from 1s to 365d" },
	[SPEC_LOG] = { 64 << 10, 1LL << 50, "write at least 64k" },
	[SPEC_PARALLEL] = { 1, SPEC_MAX_VARIANTS, "write a whole number from 1 to 99" },
	[SPEC_REPEAT] = { 1, SPEC_MAX_VARIANTS, "write a whole number from 1 to 99" },
};

int spec_value_number(enum spec_number kind, double v, struct err *e)
{
	bool whole = kind == SPEC_CPUS || v == floor(v);
	if (!(v >= numbers[kind].least && v <= numbers[kind].most && whole)) {
		char text[64];
		if ((kind == SPEC_MEMORY || kind == SPEC_LOG) && whole && v > 0 && v < 1e15)
			spec_fmt_size((int64_t)v, text, sizeof(text));
		else
			snprintf(text, sizeof(text), "%.15g", kind == SPEC_TIME ? v / 1000 : v);
		return err_set(e, "spec", "%s%s is not possible; %s", text,
			kind == SPEC_TIME ? " s" : "", numbers[kind].right);
	}
	return 0;
}

int spec_value_parse(enum spec_number kind, const char *s, double *out, struct err *e)
{
	char *end;
	if (kind == SPEC_MEMORY || kind == SPEC_LOG) {
		int64_t v = spec_parse_size(s);
		if (v < 0)
			return refuse_value(
				e, s, "is not a size; write 4g, 512m or a number of bytes");
		*out = (double)v;
	} else if (kind == SPEC_TIME) {
		int64_t v = clock_parse_duration(s);
		if (v < 0)
			return refuse_value(e, s, "is not a time; write 30m, 90s or 1h30m");
		*out = (double)v;
	} else {
		*out = strtod(s, &end);
		if (end == s || *end || !isdigit((unsigned char)*s) || strpbrk(s, "xXeEpP"))
			return err_set(
				e, "spec", "\"%.60s\" is not a number; %s", s, numbers[kind].right);
	}
	return spec_value_number(kind, *out, e);
}
