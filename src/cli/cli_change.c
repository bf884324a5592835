/* cli_change.c - kill, archive, restore: requests that name variants and answer with what was done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"

struct change {
	const char *op, *done; /* key of the list of what was done */
	const char *also; /* key of a list of what was not, NULL = none */
	const char *after, *also_words; /* "; files and logs stay", "had ended already" */
	const char *nothing;
	bool refused; /* what was not done is a refusal, not news */
};

/* V... | --race R | --all, exactly one kind. -1: the refusal was printed, *rc is set. */
static struct json *change_request(const struct cli_args *a, const char *op, int *rc)
{
	const char *race = cli_opt(a, "race");
	bool all = cli_has(a, "all");
	struct err e = ERR_INIT;
	struct json *req;
	int number = cli_race_number(race, &e);
	if (number < 0) {
		*rc = cli_fail(a, &e);
		return NULL;
	}
	if ((a->words.n > 0) + (race != NULL) + all != 1) {
		*rc = cli_usage(a,
			a->words.n || race ? "name variants or a race, not both"
					   : "missing argument: %s",
			a->verb->args);
		return NULL;
	}
	req = client_request(op);
	if (race)
		json_put_int(req, "race", number);
	else if (all)
		json_put_bool(req, "all", true);
	else
		json_put_strv(req, "variants", &a->words);
	return req;
}

static void say_list(
	FILE *f, const struct json *ok, const char *key, const char *before, const char *after)
{
	struct strv list = STRV_INIT;
	struct buf b = BUF_INIT;
	if (!json_get_strv(ok, key, &list) && list.n) {
		strv_join(&list, 20, &b);
		cli_say(f, "%s %s%s", before, b.p, after);
	}
	strv_release(&list);
	buf_release(&b);
}

static int run_change(const struct cli_args *a, const struct change *c)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	int rc = CLI_DONE;
	struct json *req = change_request(a, c->op, &rc), *ok;
	if (!req)
		return rc;
	if (cli_open(&s, false, &e)) {
		json_free(req);
		return cli_fail(a, &e);
	}
	ok = cli_call(&s, req, &e);
	if (!ok) {
		rc = cli_fail(a, &e);
	} else {
		size_t done = json_size(json_get(ok, c->done));
		if (c->refused && json_size(json_get(ok, c->also)))
			rc = CLI_FAILED;
		if (a->json) {
			cli_json(ok);
		} else {
			say_list(stdout, ok, c->done, c->done, c->after);
			say_list(c->refused ? stderr : stdout, ok, c->also, c->also_words, "");
			if (!done && !json_size(json_get(ok, c->also)))
				cli_say(stdout, "%s", c->nothing);
			json_free(ok);
		}
	}
	cli_close(&s);
	return rc;
}

static int run_kill(struct cli_args *a)
{
	static const struct change c = { "kill", "killed", "already", "; files and logs stay",
		"had ended already:", "nothing is live", false };
	return run_change(a, &c);
}

static int run_archive(struct cli_args *a)
{
	static const struct change c = { "archive", "archived", "skipped",
		"; `yolodeck restore` brings them back", "not archived:", "nothing to archive",
		true };
	return run_change(a, &c);
}

static int run_restore(struct cli_args *a)
{
	static const struct change c = { "restore", "restored", "skipped", "",
		"not restored:", "nothing to restore", true };
	return run_change(a, &c);
}

static const struct cli_opt kill_opts[] = {
	{ "race", 0, "R", "all live variants of a race" },
	{ "all", 0, NULL, "all live variants of all races" },
	{ NULL, 0, NULL, NULL },
};
static const struct cli_opt archive_opts[] = {
	{ "race", 0, "R", "all variants of a race" },
	{ NULL, 0, NULL, NULL },
};

const struct cli_verb cli_verb_kill = { "kill", "stop", "V... | --race R | --all",
	"stop variants; files and logs are kept", kill_opts, run_kill, 0, -1, .json = true };
const struct cli_verb cli_verb_archive = { "archive", NULL, "V... | --race R",
	"take finished variants off the deck and out of git branch", archive_opts, run_archive, 0,
	-1, .json = true };
const struct cli_verb cli_verb_restore = { "restore", NULL, "V... | --race R",
	"bring archived variants back", archive_opts, run_restore, 0, -1, .json = true };
