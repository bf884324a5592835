/* cli_misc.c - version, doctor, shutdown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/cli.h"

static int run_version(struct cli_args *a)
{
	if (a->json) {
		struct json *o = json_object();
		json_put_str(o, "version", YOLODECK_VERSION);
		json_put_int(o, "proto", PROTO_VERSION);
		return cli_json(o);
	}
	printf("yolodeck %s\n", YOLODECK_VERSION);
	return CLI_DONE;
}

const struct cli_verb cli_verb_version = { "version", NULL, "", "print the version", NULL,
	run_version, 0, 0, .json = true };

static void say_engines(const struct json *ok)
{
	const char *chosen = json_str(ok, "auto", NULL);
	for (const struct json *g = json_first(json_get(ok, "engines")); g; g = json_next(g)) {
		const char *isolation = json_str(g, "isolation", ""),
			   *warn = json_str(g, "warn", "");
		bool fine = json_bool(g, "ok", false);
		cli_row(10, json_str(g, "name", "?"), "%s: %s%s%s%s%s", fine ? "ready" : "no",
			json_str(g, "why", ""), fine && *isolation ? "; isolation " : "",
			fine ? isolation : "", fine && *warn ? "; " : "", fine ? warn : "");
	}
	cli_row(10, "auto", "%s%s%s", chosen ? chosen : "none",
		*json_str(ok, "auto_why", "") ? ": " : "", json_str(ok, "auto_why", ""));
}

static void say_host(const struct cli_session *s)
{
	struct statvfs fs;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	char *dir = fs_tilde(s->store.dir),
	     *top = fs_tilde(s->repo.top ? s->repo.top : s->repo.common);
	cli_row(10, "yolodeck", "%s", YOLODECK_VERSION);
	cli_row(10, "repository", "%s, %s", top,
		s->repo.head_ref ? s->repo.head_ref : "detached HEAD");
	if (s->repo.ident)
		cli_row(10, "committer", "%s", s->repo.ident);
	else
		cli_row(10, "committer",
			"not set: set user.name and user.email (git config --global user.name ...)");
	cli_row(10, "state", "%s", dir);
	cli_row(10, "host", "%ld core%s", cores, cores == 1 ? "" : "s");
	if (!statvfs(s->store.dir, &fs)) {
		char text[32];
		spec_fmt_size((int64_t)fs.f_bavail * (int64_t)fs.f_frsize, text, sizeof(text));
		cli_row(10, "free", "%s where state and work directories are", text);
	}
	free(dir);
	free(top);
}

/* Where engines are asked when the repository's own conductor cannot be: a state directory for the
 * moment. It has no repository, and needs none for that. */
static char *open_scratch(struct cli_session *s, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/yolodeck-doctor-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	char *repo = NULL, *state = NULL;

	if (!mkdtemp(dir)) {
		err_sys(e, "state", "cannot make %s", dir);
		xreplace(&dir, NULL);
		return NULL;
	}
	repo = fs_join(dir, "repo");
	state = fs_join(dir, "state");
	setenv("XDG_STATE_HOME", state, 1);
	if (!fs_mkdirs(repo, 0700, e))
		store_open(&s->store, repo, true, e);
	free(state);
	free(repo);
	return dir;
}

static void remove_scratch(struct cli_session *s, const char *dir)
{
	struct err e = ERR_INIT;
	int lock = s->store.dir ? cli_take_lock(&s->store, &e) : -1;

	fs_remove_tree(dir, "repo", &e);
	if (lock >= 0)
		close(lock);
}

static struct json *ask_engines(struct cli_session *s, bool own, struct err *e)
{
	char *scratch = own ? NULL : open_scratch(s, e);
	struct json *ok = NULL;

	if (own || (scratch && s->store.dir))
		ok = cli_call_here(s, client_request("engines"), e);
	if (scratch)
		remove_scratch(s, scratch);
	free(scratch);
	return ok;
}

static int run_doctor(struct cli_args *a)
{
	struct cli_session s;
	struct err e = ERR_INIT, why = ERR_INIT;
	bool own = !cli_open_repo(&s, &why) && !cli_open(&s, true, &why);
	struct json *ok = ask_engines(&s, own, &e);
	int rc = ok && own && json_str(ok, "auto", NULL) ? CLI_DONE : CLI_FAILED;

	if (!ok) {
		rc = cli_fail(a, own || !why.msg[0] ? &e : &why);
	} else if (a->json) {
		if (!own)
			json_put(ok, "err", cli_err_json(&why));
		cli_json(ok);
	} else {
		if (own)
			say_host(&s);
		else
			cli_row(10, "no races", "%s", why.msg);
		say_engines(ok);
		json_free(ok);
	}
	cli_close(&s);
	return rc;
}

const struct cli_verb cli_verb_doctor = { "doctor", NULL, "",
	"check which engines can be used, and why others cannot", NULL, run_doctor, 0, 0,
	.json = true };

static int run_shutdown(struct cli_args *a)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	struct json *ok;
	int rc = CLI_DONE;
	if (cli_open(&s, false, &e))
		return cli_fail(a, &e);
	s.client = client_connect(&s.store, 0, &e);
	ok = s.client ? client_call(s.client, client_request("shutdown"), 10000, &e) : NULL;
	if (!ok && strcmp(e.code, "no_conductor"))
		rc = cli_fail(a, &e);
	else if (a->json)
		cli_json(json_object());
	else
		cli_say(stdout,
			ok ? "the conductor ends; variants keep running" : "no conductor runs");
	json_free(ok);
	cli_close(&s);
	return rc;
}

const struct cli_verb cli_verb_shutdown = { "shutdown", NULL, "",
	"end the conductor of this repository; variants keep running", NULL, run_shutdown, 0, 0,
	.json = true, .hidden = true };
