/* relocate.c - the state of a repository that was moved. */
#include "git/relocate.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/quarantine.h"

static bool is_repository(const char *common)
{
	char *head = fs_join(common, "HEAD");
	bool is = fs_exists(head);

	free(head);
	return is;
}

/* One of its commits is where the variant's branch, or what archiving keeps of it, should be. */
static bool has_branch(const struct variant *v, const char *refs)
{
	char *branch, *kept;
	bool has;

	if (!v->commit)
		return false;
	branch = xasprintf("%s refs/heads/yolo/%d/%s\n", v->commit, v->race, v->name);
	kept = xasprintf("%s refs/yolodeck/%d/%s/", v->commit, v->race, v->name);
	has = strstr(refs, branch) || strstr(refs, kept);
	free(branch);
	free(kept);
	return has;
}

static bool has_branches(const struct store *s, const char *refs)
{
	struct race **race = NULL;
	struct err ignored = ERR_INIT;
	size_t n = 0;
	bool has = false;

	if (store_load(s, &race, &n, &ignored))
		return false;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; !has && k < race[i]->n; k++)
			has = has_branch(race[i]->v[k], refs);
		race_free(race[i]);
	}
	free(race);
	return has;
}

int relocate_find(const struct git_repo *r, struct store *out, struct err *e)
{
	struct buf refs = BUF_INIT;
	struct store *all = NULL;
	size_t n = 0;
	int found = 0;

	if (git_out(r->common, &refs, e, "for-each-ref", "--format=%(objectname) %(refname)",
		    "refs/heads/yolo", "refs/yolodeck", (char *)NULL)) {
		buf_release(&refs);
		return -1;
	}
	buf_char(&refs, '\n'); /* git_out trims the last one */
	if (refs.len > 1)
		store_others(r->common, &all, &n);
	for (size_t i = 0; i < n; i++) {
		bool begun = !strcmp(all[i].common, r->common); /* and cut short */

		if (!found && (begun || !is_repository(all[i].common)) &&
			has_branches(&all[i], refs.p)) {
			*out = all[i];
			found = 1;
		} else {
			store_release(&all[i]);
		}
	}
	free(all);
	buf_release(&refs);
	return found;
}

int relocate_take(const struct git_repo *r, struct store *s, struct err *e)
{
	int *race = NULL, rc;
	size_t n = 0;

	rc = store_race_numbers(s, &race, &n, e);
	for (size_t i = 0; !rc && i < n; i++) {
		char *quarantine = store_path(s, "races/%d/q.git", race[i]);

		if (fs_is_dir(quarantine))
			rc = quarantine_relink(r, quarantine, e);
		free(quarantine);
	}
	free(race);
	return rc ? -1 : store_move(s, r->common, e);
}
