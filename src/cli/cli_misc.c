/* cli_misc.c - version, doctor, shutdown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void say(const char *label, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const char *label, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	cli_say(stdout, "%-10s %s", label, b.p);
	buf_release(&b);
}

static void say_engines(const struct json *ok)
{
	const char *chosen = json_str(ok, "auto", NULL);
	for (const struct json *g = json_first(json_get(ok, "engines")); g; g = json_next(g)) {
		const char *isolation = json_str(g, "isolation", ""),
			   *warn = json_str(g, "warn", "");
		bool fine = json_bool(g, "ok", false);
		say(json_str(g, "name", "?"), "%s: %s%s%s%s%s", fine ? "ready" : "no",
			json_str(g, "why", ""), fine && *isolation ? "; isolation " : "",
			fine ? isolation : "", fine && *warn ? "; " : "", fine ? warn : "");
	}
	say("auto", "%s%s%s", chosen ? chosen : "none", *json_str(ok, "auto_why", "") ? ": " : "",
		json_str(ok, "auto_why", ""));
}

static void say_host(const struct cli_session *s)
{
	struct statvfs fs;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	char *dir = fs_tilde(s->store.dir),
	     *top = fs_tilde(s->repo.top ? s->repo.top : s->repo.common);
	say("yolodeck", "%s", YOLODECK_VERSION);
	say("repository", "%s, %s", top, s->repo.head_ref ? s->repo.head_ref : "detached HEAD");
	if (s->repo.ident)
		say("commits as", "%s", s->repo.ident);
	else
		say("commits as",
			"nobody: set user.name and user.email (git config --global user.name ...)");
	say("state", "%s", dir);
	say("host", "%ld core%s", cores, cores == 1 ? "" : "s");
	if (!statvfs(s->store.dir, &fs)) {
		char text[32];
		spec_fmt_size((int64_t)fs.f_bavail * (int64_t)fs.f_frsize, text, sizeof(text));
		say("free", "%s where state and work directories are", text);
	}
	free(dir);
	free(top);
}

static int run_doctor(struct cli_args *a)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	struct json *ok;
	int rc;
	if (cli_open_repo(&s, &e) || cli_open(&s, true, &e))
		return cli_fail(a, &e);
	ok = cli_call_here(&s, client_request("engines"), &e);
	if (!ok) {
		rc = cli_fail(a, &e);
	} else {
		rc = json_str(ok, "auto", NULL) ? CLI_DONE : CLI_FAILED;
		if (a->json) {
			cli_json(ok);
		} else {
			say_host(&s);
			say_engines(ok);
			json_free(ok);
		}
	}
	cli_close(&s);
	return rc;
}

const struct cli_verb cli_verb_doctor = { "doctor", NULL, "",
	"which engines are there, and why not the others", NULL, run_doctor, 0, 0, .json = true };

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
		cli_say(stdout, ok ? "the conductor ends; what runs goes on" : "no conductor runs");
	json_free(ok);
	cli_close(&s);
	return rc;
}

const struct cli_verb cli_verb_shutdown = { "shutdown", NULL, "",
	"end the conductor of this repository; what runs goes on", NULL, run_shutdown, 0, 0,
	.json = true, .hidden = true };
