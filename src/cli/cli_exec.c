/* cli_exec.c - exec and shell: a command beside the one that runs, on this terminal.
 *
 * The conductor says which command line enters the container; it is started here, as an array, and
 * what it writes is the user's own wish: nothing is filtered. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/child.h"
#include "base/mem.h"
#include "cli/cli.h"

static struct json *ask_argv(
	struct cli_session *s, const struct cli_args *a, bool tty, struct err *e)
{
	struct json *req = client_request("shell");
	const char *term = getenv("TERM");
	json_put_str(req, "variant", a->words.v[0]);
	if (a->rest) {
		struct strv cmd = STRV_INIT;
		strv_addv(&cmd, a->rest);
		json_put_strv(req, "argv", &cmd);
		strv_release(&cmd);
	}
	json_put_bool(req, "tty", tty);
	if (term)
		json_put_str(req, "term", term);
	return cli_call(s, req, e);
}

/* Without a terminal it has our three descriptors, and the signals are its alone. */
static int run_inside(const struct cli_args *a, struct strv *argv, bool tty)
{
	static const int its_own[] = { SIGINT, SIGQUIT };
	struct child_spec spec = CHILD_SPEC_INIT;
	struct child c;
	struct err e = ERR_INIT;
	int code = CLI_FAILED;
	if (tty)
		return cli_relay(argv, &code, &e) ? cli_fail(a, &e) : code;
	spec.argv = strv_argv(argv);
	spec.in = spec.out = spec.err = CHILD_INHERIT;
	for (size_t i = 0; i < ARRAY_LEN(its_own); i++)
		signal(its_own[i], SIG_IGN);
	if (child_start(&c, &spec, &e))
		return cli_fail(a, &e);
	child_wait(&c, -1, &code);
	return code;
}

static int enter_container(struct cli_args *a)
{
	struct cli_session s;
	struct strv argv = STRV_INIT;
	struct err e = ERR_INIT;
	struct json *ok;
	bool tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	int rc;
	if (cli_open(&s, false, &e))
		return cli_fail(a, &e);
	ok = ask_argv(&s, a, tty, &e);
	if (!ok || json_get_strv(ok, "argv", &argv)) {
		rc = cli_fail(a, &e);
		cli_close(&s);
	} else {
		/* it may stay for hours: nothing is held open meanwhile */
		cli_close(&s);
		rc = run_inside(a, &argv, tty);
	}
	json_free(ok);
	strv_release(&argv);
	return rc;
}

static int run_exec(struct cli_args *a)
{
	if (!a->rest || !a->rest[0])
		return cli_usage(
			a, "write the command after --, as in `yolodeck exec 7/a -- ls -l`");
	return enter_container(a);
}

static int run_shell(struct cli_args *a)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return cli_usage(a, "a shell needs a terminal; `yolodeck exec V -- CMD` does not");
	return enter_container(a);
}

const struct cli_verb cli_verb_exec = { "exec", NULL, "V -- CMD...",
	"run a command in a live variant's container; exits with its exit code", NULL, run_exec, 1,
	1, .rest = true };
const struct cli_verb cli_verb_shell = { "shell", NULL, "V",
	"open a shell in a live variant's container", NULL, run_shell, 1, 1, .json = false };
