/* ops_shell.c - the command line that enters a variant's container. The client runs it on its own
 * terminal: no byte of it passes here. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conductor/ops.h"
#include "conductor/engines.h"

/* A word of ours, not one made from anybody's: bash where there is one, for its line editing. */
static const char SHELL[] = "command -v bash >/dev/null 2>&1 && exec bash; exec sh";

enum { TERM_MAX = 64 };

/* Which of its containers runs now; NULL with the sentence of what to do instead. */
static const struct engine_task *task_of(const struct variant_run *run, struct err *e)
{
	const struct variant *v = run->v;
	const char *state = variant_state_name(v->state);

	if (v->state == VS_RUNNING && run->ct[COMMAND].held)
		return &run->ct[COMMAND].task;
	if (v->state == VS_CHECKING && run->ct[CHECK].held)
		return &run->ct[CHECK].task;
	if (v->state == VS_QUEUED || v->state == VS_PREPARING)
		err_set(e, "not_running",
			"%s is still %s: there is nothing to enter before its command runs",
			run->key, state);
	else if (variant_live(v->state))
		err_set(e, "not_running",
			"%s is %s: its container has ended; its files are in %s/work", run->key,
			state, run->dir);
	else
		err_set(e, "not_running",
			"%s has ended (%s), and its container with it: its files are in %s/work%s%s; "
			"`yolodeck rerun %s` runs it again",
			run->key, state, run->dir, v->branch ? ", its branch is " : "",
			v->branch ? v->branch : "", run->key);
	return NULL;
}

static bool term_ok(const char *s)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._";
	size_t n = s ? strlen(s) : 0;

	return n > 0 && n <= TERM_MAX && strspn(s, allowed) == n;
}

static int command(const struct json *req, struct strv *cmd, struct err *e)
{
	if (!json_get(req, "argv")) {
		strv_addl(cmd, "/bin/sh", "-c", SHELL, (char *)NULL);
		return 0;
	}
	if (json_get_strv(req, "argv", cmd) || !cmd->n || !cmd->v[0][0])
		return err_set(e, "bad_request",
			"\"argv\" is an array of strings that begins with a program");
	return 0;
}

void ops_shell(const struct reply *r, const struct json *req)
{
	struct err e = ERR_INIT;
	struct variant_run *run = ops_one(r->c, req, "variant", true, &e);
	const struct engine_task *t = run ? task_of(run, &e) : NULL;
	const char *term = json_str(req, "term", NULL);
	bool tty = json_bool(req, "tty", false);
	struct strv cmd = STRV_INIT, argv = STRV_INIT, env = STRV_INIT;
	struct engine_handle *s = t ? run->r->handle : NULL;
	struct engine_task here;
	struct json *ok;
	int rc = -1;

	if (!t || command(req, &cmd, &e))
		goto out;
	if (!s || !s->engine || s->away) {
		err_set(&e, "engine_away", "%s does not answer (%s), so %s cannot be entered now",
			run->r->race->engine ? run->r->race->engine : "the engine",
			s && s->away ? s->away : "it is not open", run->key);
		goto out;
	}
	here = *t;
	strv_copy(&env, &t->env);
	if (tty && term_ok(term))
		strv_fmt(&env, "TERM=%s", term);
	here.env = env;
	rc = s->type->exec_argv(s->engine, &here, strv_argv(&cmd), tty, &argv, &e);
out:
	if (rc) {
		reply_err(r, &e);
	} else {
		ok = json_object();
		json_put_str(ok, "variant", run->key);
		json_put_strv(ok, "argv", &argv);
		reply_ok(r, ok);
	}
	strv_release(&cmd);
	strv_release(&argv);
	strv_release(&env);
}
