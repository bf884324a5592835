/* cli_demo.c - demo: a throw-away repository with a toy task, raced by four attempts that differ.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/asset.h"
#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "git/repo_init.h"
#include "model/spec.h"

static const char prefix[] = "templates/demo/";

/* The embedded files below templates/demo/; the caller frees. */
static struct repo_init_file *demo_files(size_t *n)
{
	size_t all;
	const struct asset *a = asset_all(&all);
	struct repo_init_file *f = xcalloc(all + 1, sizeof(*f));
	*n = 0;
	for (size_t i = 0; i < all; i++) {
		const char *name = a[i].name;
		size_t len = strlen(name);
		if (strncmp(name, prefix, strlen(prefix)))
			continue;
		f[(*n)++] = (struct repo_init_file){ name + strlen(prefix), a[i].data, a[i].len,
			len > 3 && !strcmp(name + len - 3, ".sh") ? 0755 : 0644 };
	}
	return f;
}

/* The first free number below $XDG_STATE_HOME/yolodeck-demo, made. */
static char *new_dir(struct err *e)
{
	char *state = fs_xdg_state(e), *parent, *dir = NULL;
	if (!state)
		return NULL;
	parent = fs_join(state, "yolodeck-demo");
	if (!fs_mkdirs(parent, 0700, e))
		for (int n = 1; !dir && n < 10000; n++) {
			dir = xasprintf("%s/%d", parent, n);
			if (mkdir(dir, 0700)) {
				free(dir);
				dir = NULL;
			}
		}
	if (!dir && !e->msg[0])
		err_sys(e, "state", "cannot make a directory in %s", parent);
	free(state);
	free(parent);
	return dir;
}

static char *make_repository(char **dir, struct err *e)
{
	size_t n;
	struct repo_init_file *f = demo_files(&n);
	char *repo = NULL;
	*dir = new_dir(e);
	if (*dir) {
		repo = fs_join(*dir, "roman");
		if (repo_init(repo, f, n, "yolodeck demo", "demo@localhost",
			    "A converter with a bug", e) ||
			chdir(repo)) {
			if (!e->msg[0])
				err_sys(e, "state", "cannot enter %s", repo);
			xreplace(&repo, NULL);
		}
	}
	free(f);
	return repo;
}

static int race_demo(
	const struct cli_args *a, struct cli_session *s, const char *repo, struct err *e)
{
	struct spec spec;
	char *file = fs_join(repo, ".yolodeck/race.json");
	const char *engine = cli_opt(a, "engine");
	int rc;
	spec_init(&spec);
	if (cli_open_repo(s, e) || spec_load(&spec, file, e) ||
		(engine && spec_flag(&spec, "engine", engine, e)) || spec_expand(&spec, e)) {
		rc = cli_fail(a, e);
	} else {
		/* the attempts are our own: no need of limits */
		spec.allow_unlimited = true;
		rc = cli_start(a, s, &spec, cli_tty() && !a->json ? CLI_THEN_DECK : CLI_THEN_WAIT);
	}
	spec_release(&spec);
	free(file);
	return rc;
}

/* How the user starts us again: by name when that finds us, else by the path we were started from
 * (make demo). */
static char *program_name(void)
{
	char *found = child_which("yolodeck", NULL), self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (found || n <= 0) {
		free(found);
		return xstrdup("yolodeck");
	}
	self[n] = 0;
	return xstrdup(self);
}

static void say_where(const struct cli_session *s, const char *dir, const char *repo)
{
	FILE *f = cli_tty() ? stdout : stderr;
	char *yolodeck = program_name();
	cli_say(f, "The repository of the demo: %s", repo);
	cli_say(f, "  look again   cd %s && %s", repo, yolodeck);
	cli_say(f, "  take it      cd %s && %s promote @best", repo, yolodeck);
	cli_say(f, "  remove all   rm -rf %s%s%s", dir, s->store.dir ? " " : "",
		s->store.dir ? s->store.dir : "");
	free(yolodeck);
}

static int run_demo(struct cli_args *a)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	char *dir, *repo;
	int rc;
	memset(&s, 0, sizeof(s));
	repo = make_repository(&dir, &e);
	if (!repo) {
		rc = cli_fail(a, &e);
	} else {
		rc = race_demo(a, &s, repo, &e);
		if (!a->json)
			say_where(&s, dir, repo);
	}
	free(dir);
	free(repo);
	cli_close(&s);
	return rc;
}

static const struct cli_opt demo_opts[] = {
	{ "engine", 0, "ENGINE", "auto, docker or local" },
	{ NULL, 0, NULL, NULL },
};
const struct cli_verb cli_verb_demo = { "demo", NULL, "",
	"race four attempts at a toy task: about 20 s, no account or network", demo_opts, run_demo,
	0, 0, .json = true };
