/* cli_open.c - the repository of cwd, its state directory, its conductor. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "model/docker_env.h"
#include "model/race.h"

enum { CALL_MS = 120000 };

int cli_open_repo(struct cli_session *s, struct err *e)
{
	char *cwd = getcwd(NULL, 0);
	int rc;
	memset(s, 0, sizeof(*s));
	if (!cwd)
		return err_sys(e, "no_cwd", "cannot tell which directory this is");
	rc = git_repo_open(&s->repo, cwd, e);
	free(cwd);
	return rc;
}

int cli_open(struct cli_session *s, bool create, struct err *e)
{
	struct store found;
	if ((!s->repo.common || !create) && cli_open_repo(s, e))
		return -1;
	if (cli_moved(&s->repo, &found, e)) {
		store_release(&found);
		cli_close(s);
		return -1;
	}
	if (!store_open(&s->store, s->repo.common, create, e))
		return 0;
	if (!create && !strcmp(e->code, "not_found"))
		err_set(e, "no_race",
			"there is no race yet in this repository: `yolodeck run` starts one");
	cli_close(s);
	return -1;
}

int cli_connect(struct cli_session *s, struct err *e)
{
	if (s->client)
		return 0;
	s->client = client_connect(&s->store, CLIENT_AUTOSTART, e);
	if (s->client && client_waiting(s->client))
		cli_say(stderr, "%s; waiting for it", client_waiting(s->client));
	return s->client ? 0 : -1;
}

static void drop_races(struct cli_session *s)
{
	for (size_t i = 0; i < s->nrace; i++)
		race_free(s->race[i]);
	free(s->race);
	s->race = NULL;
	s->nrace = 0;
}

int cli_load(struct cli_session *s, struct err *e)
{
	drop_races(s);
	return store_load(&s->store, &s->race, &s->nrace, e);
}

struct variant *cli_variant(struct cli_session *s, const char *sel, struct err *e)
{
	struct race_set set = { s->race, s->nrace };
	struct variant **found = NULL, *v = NULL;
	size_t n = 0;
	if (!race_select(&set, sel, false, &found, &n, e)) {
		if (n == 1)
			v = found[0];
		else
			err_set(e, "ambiguous", "\"%s\" means %zu variants; name one", sel, n);
	}
	free(found);
	return v;
}

void cli_close(struct cli_session *s)
{
	client_free(s->client);
	drop_races(s);
	store_release(&s->store);
	git_repo_release(&s->repo);
	memset(s, 0, sizeof(*s));
}

struct json *cli_call(struct cli_session *s, struct json *take_request, struct err *e)
{
	if (cli_connect(s, e)) {
		json_free(take_request);
		return NULL;
	}
	return client_call(s->client, take_request, CALL_MS, e);
}

int cli_answer_in(const struct cli_args *a, struct cli_session *s, struct json *take_request,
	void (*print)(const struct cli_args *a, const struct json *ok))
{
	struct err e = ERR_INIT;
	struct json *ok = cli_call(s, take_request, &e);
	int rc = CLI_DONE;
	if (!ok) {
		rc = cli_fail(a, &e);
	} else if (a->json) {
		rc = cli_json(ok);
	} else {
		print(a, ok);
		json_free(ok);
	}
	cli_close(s);
	return rc;
}

int cli_answer(const struct cli_args *a, struct json *take_request,
	void (*print)(const struct cli_args *a, const struct json *ok))
{
	struct cli_session s;
	struct err e = ERR_INIT;
	if (!cli_open(&s, false, &e))
		return cli_answer_in(a, &s, take_request, print);
	json_free(take_request);
	return cli_fail(a, &e);
}

/* A conductor that has nothing to look after may go, so that one with our environment takes its
 * place. */
static bool replace_idle(struct cli_session *s)
{
	struct err e = ERR_INIT;
	struct json *ok = cli_call(s, client_request("status"), &e);
	bool idle = ok && json_int(ok, "live", 1) == 0;
	json_free(ok);
	if (idle)
		json_free(cli_call(s, client_request("shutdown"), &e));
	client_free(s->client);
	s->client = NULL;
	return idle;
}

struct json *cli_call_here(struct cli_session *s, struct json *take_request, struct err *e)
{
	struct json *again, *ok;
	json_put(take_request, "env", docker_env_json());
	again = json_copy(take_request);
	ok = cli_call(s, take_request, e);
	if (!ok && !strcmp(e->code, "other_environment") && replace_idle(s)) {
		err_clear(e);
		ok = cli_call(s, json_copy(again), e);
	}
	json_free(again);
	return ok;
}

int cli_race_number(const char *s, struct err *e)
{
	char *end;
	if (!s)
		return 0;
	long n = strtol(s, &end, 10);
	if (end == s || n < 1 || n > 999999999 || (*end && *end != '-'))
		return err_set(e, "usage",
			"\"%s\" is not a race; write its number, as `yolodeck ls --all` shows it",
			s);
	return (int)n;
}
