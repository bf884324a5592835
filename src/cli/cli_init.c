/* cli_init.c - init: looks at the repository, proposes, and writes .yolodeck/pipeline/ and
 * .yolodeck/race.json once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cli_init.h"
#include "model/pipeline.h"
#include "model/project.h"
#include "model/spec.h"

/* What is to be done in one repository. */
struct plan {
	const char *top;
	char *dir, *pipeline_dir, *race_file; /* absolute */
	bool pipeline, race; /* to be written; else it is there already */
	struct project project;
	struct pipeline_files files;
	struct buf race_text;
};

static void plan_release(struct plan *p)
{
	free(p->dir);
	free(p->pipeline_dir);
	free(p->race_file);
	project_release(&p->project);
	pipeline_files_release(&p->files);
	buf_release(&p->race_text);
}

/* A text as JSON. */
static void put_text(struct buf *out, const char *text)
{
	struct json *list = json_array();
	struct buf b = BUF_INIT;

	json_add_str(list, text);
	json_print(list, &b);
	buf_add(out, b.p + 1, b.len - 2);
	json_free(list);
	buf_release(&b);
}

static void put_env(struct buf *out, const struct strv *env)
{
	buf_str(out, "\t\"env\": {\n");
	for (size_t i = 0; i < env->n; i++) {
		char *key = xstrndup(env->v[i], strcspn(env->v[i], "="));

		buf_str(out, "\t\t");
		put_text(out, key);
		buf_str(out, ": ");
		put_text(out, env->v[i] + strlen(key) + (env->v[i][strlen(key)] == '='));
		buf_str(out, ",\n");
		free(key);
	}
	buf_str(out, "\t},\n");
}

static void race_text(const struct project *p, struct buf *out)
{
	buf_str(out,
		"// What every `yolodeck run` of this repository begins with. Options, and a command after --, replace what stands here.\n"
		"// Lines after // are comments. yolodeck-race(5) has every key.\n{\n\t\"image\": ");
	put_text(out, p->image);
	buf_str(out,
		",\n\n\t// What each attempt runs; or write it after --, as in `yolodeck run -n 8 -- ./attempt.sh`:\n"
		"\t// \"command\": \"./attempt.sh\",\n\n");
	if (p->check) {
		buf_str(out, "\t// Runs after each attempt and decides who passed:\n\t\"check\": ");
		put_text(out, p->check);
		buf_str(out, ",\n\n");
	} else {
		buf_str(out,
			"\t// Runs after each attempt and decides who passed (without it: exit code 0 of the command):\n"
			"\t// \"check\": \"make test\",\n\n");
	}
	if (p->setup) {
		buf_str(out,
			"\t// The Dagger pipeline runs the shared setup once for all attempts; it stands in pipeline/main.go, section setup.\n"
			"\t// The engines docker and local have no such thing: for them, this runs before each command:\n\t// \"setup\": ");
		put_text(out, p->setup);
		buf_str(out, ",\n\n");
	}
	if (p->env.n)
		put_env(out, &p->env);
	buf_str(out, "\t// \"limits\": { \"memory\": \"4g\", \"time\": \"30m\" },\n}\n");
}

static int take_options(const struct cli_args *a, struct project *p, struct err *e)
{
	static const char *const names[] = { "image", "setup", "check" };
	char **const at[] = { &p->image, &p->setup, &p->check };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = cli_opt(a, names[i]);

		if (!value)
			continue;
		/* an empty setup or check is none */
		if (!*value && i == 0)
			return err_set(e, "usage", "--image wants the name of an image");
		xreplace(at[i], *value ? value : NULL);
		strv_fmt(&p->found, "--%s: %s", names[i], *value ? value : "none");
	}
	if (!strcmp(p->image, "host"))
		return err_set(e, "spec",
			"the Dagger pipeline needs an image; \"host\" is for the engines docker and local");
	return 0;
}

/* Our own reader must take it before it is written. */
static int try_race(const struct plan *p, struct err *e)
{
	struct spec s;
	int rc;

	spec_init(&s);
	rc = spec_parse(&s, ".yolodeck/race.json", p->race_text.p, p->race_text.len, e);
	spec_release(&s);
	return rc;
}

static int make_plan(const struct cli_args *a, struct plan *p, struct err *e)
{
	struct pipeline_values v;

	project_detect(p->top, &p->project);
	if (take_options(a, &p->project, e))
		return -1;
	race_text(&p->project, &p->race_text);
	if (try_race(p, e))
		return -1;
	v = (struct pipeline_values){ p->project.setup, p->project.caches };
	return pipeline_render(&v, &p->files, e);
}

static void say_plan(const struct plan *p, bool dry)
{
	for (size_t i = 0; i < p->project.found.n; i++)
		cli_say(stdout, "  %s", p->project.found.v[i]);
	for (size_t i = 0; i < p->project.caches.n; i++)
		cli_say(stdout, "  cache %s", p->project.caches.v[i]);
	if (!p->pipeline)
		cli_say(stdout,
			"not changed: " PIPELINE_DIR "/ (`yolodeck init --upgrade` renews it)");
	else
		cli_say(stdout,
			"%s " PIPELINE_DIR
			"/ (%zu files; yours to change between the markers in main.go)",
			dry ? "would write" : "written:", p->files.n);
	if (!p->race)
		cli_say(stdout, "not changed: .yolodeck/race.json");
	else
		cli_say(stdout, "%s .yolodeck/race.json", dry ? "would write" : "written:");
	if (dry && p->race)
		fputs(p->race_text.p, stdout);
	if (!dry)
		cli_say(stdout, "next: yolodeck run -n 8 -- ./attempt.sh");
}

static int json_plan(const struct plan *p, bool dry)
{
	struct json *o = json_object(), *written = json_array(), *left = json_array();

	json_add_str(p->pipeline ? written : left, PIPELINE_DIR);
	json_add_str(p->race ? written : left, ".yolodeck/race.json");
	json_put(o, dry ? "would_write" : "written", written);
	json_put(o, "left", left);
	json_put_str(o, "image", p->project.image);
	json_put_str(o, "setup", p->project.setup);
	json_put_str(o, "check", p->project.check);
	json_put_strv(o, "caches", &p->project.caches);
	json_put_strv(o, "env", &p->project.env);
	json_put_strv(o, "found", &p->project.found);
	return cli_json(o);
}

static int write_plan(const struct plan *p, struct err *e)
{
	if (mkdir(p->dir, 0755) && errno != EEXIST)
		return err_sys(e, "io", "cannot make %s", p->dir);
	if (p->pipeline && cli_init_place(p->dir, &p->files, e))
		return -1;
	if (p->race && fs_create(p->race_file, 0644, p->race_text.p, p->race_text.len, e))
		return -1;
	return 0;
}

static int run_new(const struct cli_args *a, struct plan *p)
{
	struct err e = ERR_INIT;
	bool dry = cli_has(a, "dry-run");

	p->pipeline = !fs_exists(p->pipeline_dir);
	p->race = !fs_exists(p->race_file);
	if (!p->pipeline && !p->race)
		err_set(&e, "exists",
			PIPELINE_DIR
			" and .yolodeck/race.json are there already and were left as they are; "
			"`yolodeck init --upgrade` renews the pipeline");
	else if (!make_plan(a, p, &e) && !dry)
		write_plan(p, &e);
	if (*e.msg)
		return cli_fail(a, &e);
	if (a->json)
		return json_plan(p, dry);
	say_plan(p, dry);
	return CLI_DONE;
}

static int run_init(struct cli_args *a)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	struct plan p;
	struct stat st;
	int rc;

	memset(&p, 0, sizeof p);
	buf_init(&p.race_text);
	if (cli_open_repo(&s, &e))
		return cli_fail(a, &e);
	p.top = s.repo.top;
	if (!p.top) {
		err_set(&e, "bare",
			"this repository has no work tree, so there is no place for .yolodeck/");
		rc = cli_fail(a, &e);
	} else {
		p.dir = fs_join(p.top, ".yolodeck");
		p.pipeline_dir = fs_join(p.top, PIPELINE_DIR);
		p.race_file = fs_join(p.dir, "race.json");
		if (!lstat(p.dir, &st) && !S_ISDIR(st.st_mode)) {
			err_set(&e, "exists", "%s is %s, no directory; nothing was written", p.dir,
				S_ISLNK(st.st_mode) ? "a link" : "a file");
			rc = cli_fail(a, &e);
		} else {
			rc = cli_has(a, "upgrade") ? cli_init_upgrade(a, p.dir) : run_new(a, &p);
		}
	}
	plan_release(&p);
	cli_close(&s);
	return rc;
}

static const struct cli_opt init_opts[] = {
	{ "image", 0, "IMAGE", "the container image (default: what was found)" },
	{ "setup", 0, "CMD", "steps that run once for all attempts; \"\" = none" },
	{ "check", 0, "CMD", "decides who passed; \"\" = none" },
	{ "upgrade", 0, NULL,
		"update the pipeline to this version's template; custom sections are kept" },
	{ "dry-run", 0, NULL, "only show what would be written" },
	{ NULL, 0, NULL, NULL },
};
const struct cli_verb cli_verb_init = { "init", NULL, "[options]",
	"prepare this repository for Dagger: .yolodeck/pipeline/ and .yolodeck/race.json",
	init_opts, run_init, 0, 0, .json = true };
