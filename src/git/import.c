/* import.c - brings a commit of the quarantine into the user's repository. */
#include "git/import.h"

#include <string.h>

#include "git/quarantine.h"

int import_call(struct git_call *c, const struct git_repo *r, const char *quarantine,
	const char *commit, const char *ref, struct err *e)
{
	if (quarantine_sync_shallow(r, quarantine, e))
		return -1;
	git_call_init(c, r->common);
	c->umask = git_umask_of(NULL);
	c->timeout_ms = GIT_WORK_MS;
	git_env_ident(&c->env, "COMMITTER", r->ident);
	/* Version 2 lets a plain commit id be asked for; no other ref of the quarantine matters
	 * then. */
	strv_addl(&c->conf, "fetch.fsckObjects=true", "protocol.version=2",
		"core.fsync=committed,reference", (char *)NULL);
	strv_addl(&c->args, "fetch", "-q", "--no-tags", "--no-write-fetch-head",
		"--no-auto-maintenance", "--no-recurse-submodules", "--no-show-forced-updates",
		quarantine, (char *)NULL);
	strv_fmt(&c->args, "+%s:%s", commit, ref);
	return 0;
}

static int import_once(const struct git_repo *r, const char *quarantine, const char *commit,
	const char *ref, struct err *e)
{
	struct git_call c;

	if (import_call(&c, r, quarantine, commit, ref, e))
		return -1;
	return git_capture(&c, NULL, e, (char *)NULL);
}

int import_commit(const struct git_repo *r, const char *quarantine, const char *commit,
	const char *ref, struct err *e)
{
	int rc = import_once(r, quarantine, commit, ref, e);

	/* The user's gc removes empty directories of objects/ just when we write there, and takes
	 * locks. */
	if (rc && strcasestr(e->msg, "unable to create")) {
		err_clear(e);
		rc = import_once(r, quarantine, commit, ref, e);
	}
	return rc;
}
