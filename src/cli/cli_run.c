/* cli_run.c - run: a race from a file, from flags, or from the editor; then the deck, or the
 * number, or the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "model/race.h"
#include "model/spec.h"

enum { PROMPT_FILE_MAX = 1 << 20 };

int (*cli_deck)(const char *common_dir, const char *top, int race);

static const struct cli_opt run_opts[] = {
	{ "file", 'f', "RACE.json", "the race file (default: .yolodeck/race.json, if it exists)" },
	{ "n", 'n', "N", "number of identical attempts" },
	{ "name", 0, "TEXT", "name of the race" },
	{ "image", 0, "IMAGE",
		"a reference, tar:FILE, build:DIR, or host = this machine's programs, read-only (the default)" },
	{ "engine", 0, "ENGINE", "auto, dagger, docker or local" },
	{ "prompt", 0, "TEXT", "the task, $YOLO_PROMPT in the container; - reads stdin" },
	{ "prompt-file", 0, "FILE", "read the task from a file" },
	{ "matrix", 0, "K=v1,v2",
		"one attempt for each value of K; several options give every combination" },
	{ "env", 0, "K[=V]", "environment variable; without =V the value it has here" },
	{ "mount", 0, "PATH", "mount this directory at the same path, read-only" },
	{ "setup", 0, "CMD", "runs before the command, in the same container" },
	{ "check", 0, "CMD", "runs afterwards in a second container and decides who passed" },
	{ "cpus", 0, "N", "CPUs of each variant" },
	{ "memory", 0, "SIZE", "memory of each variant, as in 4g" },
	{ "pids", 0, "N", "processes of each variant" },
	{ "timeout", 0, "TIME", "time limit of each variant, as in 30m" },
	{ "log-limit", 0, "SIZE", "log size of each variant, as in 1g" },
	{ "parallel", 0, "N", "how many variants run at once" },
	{ "network", 0, "NET", "bridge or none" },
	{ "base", 0, "REV", "branch, tag or commit to start from (default: HEAD)" },
	{ "runner", 0, "HOST",
		"a Dagger engine, as in tcp://host:port; several share the attempts" },
	{ "allow-unlimited", 0, NULL, "run even where a limit is not enforced" },
	{ "headless", 'd', NULL, "print the race's number and return at once" },
	{ "wait", 'w', NULL, "wait for the end; exit code 0 if a variant passed, else 1" },
	{ "dry-run", 0, NULL, "only show what would run" },
	{ "agent", 0, "A[:N]", "coding agents (in a later version)" },
	{ "secret", 0, "K", "secrets (in a later version)" },
	{ NULL, 0, NULL, NULL },
};

/* K alone means the value it has here. */
static int add_env(struct spec *s, const char *value, struct err *e)
{
	const char *mine;
	char *kv;
	int rc;
	if (strchr(value, '='))
		return spec_flag(s, "env", value, e);
	mine = getenv(value);
	if (!mine)
		return err_set(e, "spec", "--env: %.60s is not set here; write --env %.60s=value",
			value, value);
	kv = xasprintf("%s=%s", value, mine);
	rc = spec_flag(s, "env", kv, e);
	free(kv);
	return rc;
}

static int read_stdin(struct buf *b, struct err *e)
{
	char chunk[4096];
	size_t n;
	while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0 && b->len <= SPEC_MAX_PROMPT)
		buf_add(b, chunk, n);
	return ferror(stdin) ? err_sys(e, "prompt", "--prompt -: cannot read stdin") : 0;
}

static int add_prompt(struct spec *s, const char *flag, const char *value, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = 0;
	if (!strcmp(flag, "prompt-file"))
		rc = fs_read(value, PROMPT_FILE_MAX, &b, e) ? err_prefix(e, "--prompt-file") : 0;
	else if (!strcmp(value, "-"))
		rc = read_stdin(&b, e);
	else
		buf_str(&b, value);
	buf_trim(&b);
	if (!rc && memchr(b.p, '\0', b.len))
		rc = err_set(e, "spec", "--%s: the prompt is not text: it holds a NUL byte", flag);
	if (!rc)
		rc = spec_flag(s, "prompt", b.p, e);
	buf_release(&b);
	return rc;
}

static bool not_of_spec(const char *name)
{
	static const char *const own[] = { "file", "headless", "wait", "dry-run", "allow-unlimited",
		"json", "help" };
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (!strcmp(own[i], name))
			return true;
	return false;
}

static int add_flags(const struct cli_args *a, struct spec *s, struct err *e)
{
	for (size_t i = 0; i < a->ngiven; i++) {
		const char *name = a->given[i].opt->name, *value = a->given[i].value;
		int rc = 0;
		if (!strcmp(name, "agent") || !strcmp(name, "secret"))
			rc = err_set(e, "later",
				"--%s comes in a later version of yolodeck; give a command after "
				"-- for now",
				name);
		else if (!strcmp(name, "env"))
			rc = add_env(s, value, e);
		else if (!strncmp(name, "prompt", 6))
			rc = add_prompt(s, name, value, e);
		else if (!not_of_spec(name))
			rc = spec_flag(s, name, value, e);
		if (rc)
			return rc;
	}
	s->allow_unlimited = cli_has(a, "allow-unlimited");
	return a->rest && a->rest[0] ? spec_command(s, a->rest, e) : 0;
}

/* The file: -f, else the repository's own; of that a command on the command line takes all but what
 * it would run. *edit: there is neither file nor command. */
static int load_file(const struct cli_args *a, const struct git_repo *repo, struct spec *s,
	bool *edit, struct err *e)
{
	const char *file = cli_opt(a, "file");
	bool command = a->rest && a->rest[0];
	char *own;
	int rc = 0;
	*edit = false;
	if (file)
		return spec_load(s, file, e);
	if (!repo->top)
		return 0;
	own = xasprintf("%s/.yolodeck/race.json", repo->top);
	if (fs_exists(own))
		rc = spec_load(s, own, e);
	else
		*edit = !command;
	if (!rc && command)
		spec_drop_recipes(s);
	free(own);
	return rc;
}

static void print_limits(const struct limits *l)
{
	char text[32];
	if (l->cpus > 0)
		printf("  cpus %g", l->cpus);
	if (l->memory) {
		spec_fmt_size(l->memory, text, sizeof(text));
		printf("  memory %s", text);
	}
	if (l->pids)
		printf("  pids %lld", (long long)l->pids);
	if (l->time_ms) {
		clock_fmt_duration(l->time_ms, text, sizeof(text));
		printf("  time %s", text);
	}
	putchar('\n');
}

static int dry_run(const struct cli_args *a, const struct spec *s)
{
	if (a->json) {
		struct json *o = json_object();
		json_put(o, "spec", spec_to_json(s));
		return cli_json(o);
	}
	if (s->file)
		cli_say(stdout, "from %s", s->file);
	printf("%zu variant%s, engine %s, network %s; nothing was started\n", s->nvariants,
		s->nvariants == 1 ? "" : "s", s->engine ? s->engine : "auto",
		s->network ? s->network : "bridge");
	for (size_t i = 0; i < s->nvariants; i++) {
		const struct spec_variant *v = &s->variants[i];
		struct buf b = BUF_INIT;
		cli_say(stdout, "%3zu %s  image %s", i + 1, v->name, v->image ? v->image : "host");
		for (size_t k = 0; k < v->argv.n; k++)
			buf_fmt(&b, "%s%s", k ? " " : "", v->argv.v[k]);
		cli_say(stdout, "      command %s", v->command ? v->command : b.p);
		if (v->setup)
			cli_say(stdout, "      setup %s", v->setup);
		if (v->check)
			cli_say(stdout, "      check %s", v->check);
		for (size_t k = 0; k < v->env.n; k++)
			cli_say(stdout, "      env %s", v->env.v[k]);
		if (v->limits.cpus > 0 || v->limits.memory || v->limits.pids || v->limits.time_ms) {
			printf("     ");
			print_limits(&v->limits);
		}
		buf_release(&b);
	}
	return CLI_DONE;
}

static void say_started(const struct json *ok, FILE *f)
{
	cli_say(f, "race %lld %s: %s", (long long)json_int(ok, "race", 0), json_str(ok, "slug", ""),
		json_str(ok, "why", ""));
	for (const struct json *w = json_first(json_get(ok, "warnings")); w; w = json_next(w))
		cli_say(f, "note: %s", json_to_str(w));
}

/* The request is one line of at most 1 MiB; a command is in it once for each variant. */
static struct json *run_request(
	const struct cli_session *s, const struct spec *spec, bool headless, struct err *e)
{
	struct json *req = client_request("run");
	struct buf b = BUF_INIT;
	json_put(req, "spec", spec_to_json(spec));
	json_put_str(req, "from", s->repo.top ? s->repo.top : "");
	json_put_bool(req, "headless", headless);
	json_print(req, &b);
	if (b.len > PROTO_MAX_REQUEST - 256) {
		err_set(e, "spec",
			"the race takes %zu KiB to describe; at most %d are possible: put long "
			"commands into scripts",
			b.len >> 10, PROTO_MAX_REQUEST >> 10);
		json_free(req);
		req = NULL;
	}
	buf_release(&b);
	return req;
}

int cli_start(const struct cli_args *a, struct cli_session *s, const struct spec *spec,
	enum cli_then then)
{
	struct err e = ERR_INIT;
	struct json *req, *ok;
	int race;
	req = run_request(s, spec, then != CLI_THEN_DECK, &e);
	if (!req)
		return cli_fail(a, &e);
	if (cli_open(s, true, &e)) {
		json_free(req);
		return cli_fail(a, &e);
	}
	ok = cli_call_here(s, req, &e);
	if (!ok)
		return cli_fail(a, &e);
	race = (int)json_int(ok, "race", 0);
	if (a->json && then == CLI_THEN_NUMBER)
		return cli_json(ok);
	if (!a->json && then != CLI_THEN_DECK)
		say_started(ok, stderr);
	json_free(ok);
	if (then == CLI_THEN_WAIT)
		return cli_wait_race(a, s, race);
	if (then == CLI_THEN_DECK)
		return cli_deck(s->repo.common, s->repo.top, race);
	printf("%d\n", race);
	return CLI_DONE;
}

static enum cli_then then_of(const struct cli_args *a)
{
	if (cli_has(a, "wait"))
		return CLI_THEN_WAIT;
	return cli_has(a, "headless") || a->json || !cli_tty() ? CLI_THEN_NUMBER : CLI_THEN_DECK;
}

static int usage_or_refusal(const struct cli_args *a, const struct err *e)
{
	/* a mistake on the command line is one of usage, one in a file is not */
	if (!strncmp(e->msg, "-", 1) || !strcmp(e->code, "no_command")) {
		cli_fail(a, e);
		return CLI_USAGE;
	}
	return cli_fail(a, e);
}

static int run_in(const struct cli_args *a, struct cli_session *s, struct spec *spec)
{
	struct err e = ERR_INIT;
	bool edit;
	int rc;
	if (load_file(a, &s->repo, spec, &edit, &e))
		return cli_fail(a, &e);
	if (edit && !a->json && cli_tty() && !cli_has(a, "dry-run")) {
		rc = cli_edit(&s->repo, spec, &e);
		if (rc > 0)
			cli_say(stderr, "the race file was left empty, so nothing was started");
		if (rc)
			return rc > 0 ? CLI_FAILED : cli_fail(a, &e);
	}
	if (add_flags(a, spec, &e) || spec_expand(spec, &e))
		return usage_or_refusal(a, &e);
	return cli_has(a, "dry-run") ? dry_run(a, spec) : cli_start(a, s, spec, then_of(a));
}

static int run_run(struct cli_args *a)
{
	struct cli_session s;
	struct spec spec;
	struct err e = ERR_INIT;
	int rc;
	if (a->rest && !a->rest[0])
		return cli_usage(a, "there is no command after --");
	if (cli_open_repo(&s, &e))
		return cli_fail(a, &e);
	spec_init(&spec);
	rc = run_in(a, &s, &spec);
	spec_release(&spec);
	cli_close(&s);
	return rc;
}

const struct cli_verb cli_verb_run = { "run", NULL, "[options] [-- CMD...]", "start a race",
	run_opts, run_run, 0, 0, .json = true, .rest = true };
