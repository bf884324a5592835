/* cli_rerun.c - rerun: a new variant of an old one's recipe. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"

static struct json *ask_rerun(struct cli_session *s, const struct cli_args *a, struct err *e)
{
	struct json *req = client_request("rerun");
	json_put_strv(req, "variants", &a->words);
	json_put_bool(req, "continue", cli_has(a, "continue"));
	return cli_call(s, req, e);
}

static int run_rerun(struct cli_args *a)
{
	struct cli_session s;
	struct strv names = STRV_INIT;
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct json *ok = NULL;
	int rc = CLI_DONE;
	if (cli_open(&s, false, &e))
		return cli_fail(a, &e);
	ok = ask_rerun(&s, a, &e);
	if (!ok || json_get_strv(ok, "rerun", &names)) {
		rc = cli_fail(a, &e);
	} else if (cli_has(a, "wait")) {
		rc = cli_wait_variants(a, &s, &names);
	} else if (a->json) {
		rc = cli_json(ok);
		ok = NULL;
	} else {
		strv_join(&names, 20, &b);
		cli_say(stdout, "%s %s", cli_has(a, "continue") ? "continues as" : "runs again as",
			b.p);
	}
	json_free(ok);
	buf_release(&b);
	strv_release(&names);
	cli_close(&s);
	return rc;
}

static const struct cli_opt rerun_opts[] = {
	{ "continue", 'c', NULL, "start from the saved work instead of the base commit" },
	{ "wait", 'w', NULL, "wait for their end; exit code 0 if one of them passed, else 1" },
	{ NULL, 0, NULL, NULL },
};

const struct cli_verb cli_verb_rerun = { "rerun", NULL, "V... [--continue] [--wait]",
	"run finished variants again, as new variants", rerun_opts, run_rerun, 1, -1,
	.json = true };
