/* cli_relocate.c - relocate: the state of a repository that was moved comes to its new place. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "git/relocate.h"

enum { END_MS = 10000, RETRY_MS = 20 };

int cli_take_lock(const struct store *s, struct err *e)
{
	int64_t deadline = clock_mono_ms() + END_MS;
	struct client *c = client_connect(s, 0, e);
	char *path = store_path(s, "conductor.lock");
	int fd;

	if (c)
		json_free(client_call(c, client_request("shutdown"), END_MS, e));
	client_free(c);
	err_clear(e);
	while ((fd = fs_lock(path, e)) < 0 && !strcmp(e->code, "locked") &&
		clock_mono_ms() < deadline)
		poll(NULL, 0, RETRY_MS);
	if (fd < 0)
		err_prefix(e, "The conductor of %s does not end", s->dir);
	free(path);
	return fd;
}

int cli_moved(const struct git_repo *repo, struct store *found, struct err *e)
{
	struct store here;
	struct err ignored = ERR_INIT;
	int *race = NULL;
	size_t n = 0;

	if (!store_open(&here, repo->common, false, &ignored)) {
		store_race_numbers(&here, &race, &n, &ignored);
		free(race);
		store_release(&here);
	}
	if (n || relocate_find(repo, found, &ignored) != 1)
		return 0;
	err_set(e, "moved",
		"this repository was moved from %s, and its races are kept under that path: `yolodeck "
		"relocate` brings them here. To start without them, remove %s.",
		found->common, found->dir);
	return 1;
}

int cli_relocate(const struct git_repo *repo, struct store *found, struct err *e)
{
	struct store here;
	struct err ignored = ERR_INIT;
	bool used = !store_open(&here, repo->common, false, &ignored);
	int lock_here = used ? cli_take_lock(&here, e) : -1, lock = -1, rc = -1;

	if (!used || lock_here >= 0)
		lock = cli_take_lock(found, e);
	if (lock >= 0)
		rc = relocate_take(repo, found, e);
	if (lock >= 0)
		close(lock);
	if (lock_here >= 0)
		close(lock_here);
	if (used)
		store_release(&here);
	return rc;
}

static int run_relocate(struct cli_args *a)
{
	struct cli_session s;
	struct store found;
	struct err e = ERR_INIT;
	int rc = CLI_DONE;

	if (cli_open_repo(&s, &e))
		return cli_fail(a, &e);
	if (!cli_moved(&s.repo, &found, &e)) {
		err_set(&e, "not_moved",
			"there is nothing to bring here: no state of a moved repository has branches that are in this one");
		rc = cli_fail(a, &e);
	} else {
		err_clear(&e);
		if (cli_relocate(&s.repo, &found, &e))
			rc = cli_fail(a, &e);
		else if (a->json)
			rc = cli_json(json_object());
		else
			cli_say(stdout, "the races are here again; `yolodeck ls` shows them");
		store_release(&found);
	}
	cli_close(&s);
	return rc;
}

const struct cli_verb cli_verb_relocate = { "relocate", NULL, "",
	"bring the races of a repository that was moved to its new place", NULL, run_relocate, 0, 0,
	.json = true };
