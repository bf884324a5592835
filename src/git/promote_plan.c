/* promote_plan.c - builds what a promote would do, with every reason against it, and turns it into
 * words for the dialog. */
#include "git/promote.h"
#include "git/promote_dirty.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/attributes.h"
#include "git/promote_build.h"

enum { LIST_CUT = 200 };

void promote_plan_release(struct promote_plan *p)
{
	free(p->into);
	free(p->into_ref);
	free(p->old);
	free(p->new);
	free(p->tree_dir);
	free(p->tree_git_dir);
	free(p->refuse_code);
	free(p->refuse);
	diff_stat_release(&p->stat);
	strv_release(&p->conflicts);
	strv_release(&p->auto_run);
	strv_release(&p->local_edits);
	strv_release(&p->filtered);
	strv_release(&p->notes);
	memset(p, 0, sizeof(*p));
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

/* old..new counted; where history is cut off, what we know of the variant. */
static int count_commits(const char *store, const char *old, const char *new, enum promote_how how)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char *range = xasprintf("%s..%s", old, new);
	int n = how == PROMOTE_MERGE ? 2 : 1;

	if (!git_out(store, &b, &e, "rev-list", "--count", "--end-of-options", range,
		    (char *)NULL) &&
		b.len)
		n = (int)strtol(b.p, NULL, 10);
	free(range);
	buf_release(&b);
	return n;
}

/* Files of the diff that are dir or lie in it. */
static void add_below(struct promote_plan *plan, const char *dir)
{
	size_t n;

	while (!strncmp(dir, "./", 2))
		dir += 2;
	for (n = strlen(dir); n && dir[n - 1] == '/'; n--)
		continue;
	for (size_t i = 0; n && i < plan->stat.n; i++) {
		const char *path = plan->stat.f[i].path;

		if (!strncmp(path, dir, n) && (path[n] == '/' || !path[n]) &&
			!strv_has(&plan->auto_run, path))
			strv_add(&plan->auto_run, path);
	}
}

/* The user's own hooks may lie in the tree, wherever his configuration says: then git runs what is
 * promoted there. All values are taken, because the last one is ours. */
static void hooks_in_tree(
	const struct promote_in *in, const struct target *t, struct promote_plan *plan)
{
	const char *top = t->dir ? t->dir : in->repo->top;
	size_t n = top ? strlen(top) : 0;
	struct git_call c;
	struct strv dirs = STRV_INIT;
	struct err e = ERR_INIT;

	git_in_tree(&c, in->repo->common, top, GIT_READS);
	git_list(&c, &dirs, &e, "config", "-z", "--type=path", "--get-all", "core.hooksPath",
		(char *)NULL);
	for (size_t i = 0; i < dirs.n; i++)
		add_below(plan,
			n && !strncmp(dirs.v[i], top, n) && dirs.v[i][n] == '/' ? dirs.v[i] + n + 1
										: dirs.v[i]);
	strv_release(&dirs);
}

/* Signing may ask for a passphrase, and we have no terminal. */
static void note_signing(
	const struct promote_in *in, const struct target *t, struct promote_plan *plan)
{
	struct git_call c;
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	git_in_tree(&c, in->repo->common, t->dir ? t->dir : in->repo->top, GIT_READS);
	if (!git_capture(&c, &b, &e, "config", "--bool", "commit.gpgSign", (char *)NULL) &&
		!strncmp(b.p, "true", 4))
		strv_add(&plan->notes,
			"commit.gpgsign is on, but yolodeck does not sign: the new commits are "
			"without signature");
	buf_release(&b);
}

static int build(const struct promote_in *in, const struct target *t, struct promote_plan *plan,
	struct refusal *why, struct err *e)
{
	char *label = xasprintf("%d/%s", in->race, in->variant);
	struct build b = {
		.store = in->quarantine,
		.common = in->repo->common,
		.base = in->base,
		.ours = t->tip,
		.theirs = in->tip,
		.ours_name = t->name,
		.label = label,
		.subject = in->subject,
		.ident = t->ident,
		.how = in->how,
	};
	int rc = build_promote(&b, &plan->new, &plan->conflicts, why, e);

	if (!rc && plan->new) {
		plan->commits = count_commits(in->quarantine, t->tip, plan->new, in->how);
		rc = diff_stat(in->quarantine, t->tip, plan->new, &plan->stat, e);
		diff_auto_run(&plan->stat, &plan->auto_run);
		hooks_in_tree(in, t, plan);
		note_signing(in, t, plan);
	}
	free(label);
	return rc;
}

/* Filters are the user's programs, and we run none: what one of them should have made is refused
 * when his git would not do without, and named otherwise. */
static int check_filters(const struct promote_in *in, const struct changes *ch, const char *tip,
	struct promote_plan *plan, struct refusal *why, struct err *e)
{
	struct attributes a;
	struct strv paths = STRV_INIT, required = STRV_INIT;
	char *list;
	int rc;

	attributes_paths(ch, &paths);
	rc = attributes_read(in->repo, in->quarantine, tip, &paths, &a, e);
	if (!rc)
		attributes_filtered(&a, &paths, &plan->filtered, &required);
	if (required.n) {
		list = refusal_names(&required);
		refusal_set(why, "filter_required",
			"%zu %s a filter that your git requires, and yolodeck runs none: %s. Take "
			"the content by hand: git restore --source=yolo/%d/%s -- <path>, then git "
			"add, which runs the filter.",
			required.n, required.n == 1 ? "file has" : "files have", list, in->race,
			in->variant);
		free(list);
	}
	strv_release(&paths);
	strv_release(&required);
	attributes_release(&a);
	return rc;
}

static int look_at_files(const struct promote_in *in, const struct target *t,
	struct promote_plan *plan, struct refusal *why, struct err *e)
{
	struct changes ch;
	int rc = changes_read(in->quarantine, NULL, t->tip, plan->new, &ch, e);

	if (!rc)
		rc = check_filters(in, &ch, t->tip, plan, why, e);
	if (!rc && t->dir)
		rc = promote_dirty_check(t, &ch, &plan->local_edits, why, e);
	changes_release(&ch);
	return rc;
}

int promote_plan(const struct promote_in *in, struct promote_plan *plan, struct err *e)
{
	struct target t;
	struct refusal why = { NULL, NULL };
	int rc = target_find(in->repo, in->into, in->asked_from, &t, &why, e);

	memset(plan, 0, sizeof(*plan));
	plan->how = in->how;
	if (!rc && !in->tip)
		refusal_set(&why, "no_commit", "%d/%s has nothing recorded that could be promoted.",
			in->race, in->variant);
	if (!rc) {
		plan->into = copy(t.name);
		plan->into_ref = copy(t.ref);
		plan->old = copy(t.tip);
		plan->tree_dir = copy(t.dir);
		plan->tree_git_dir = copy(t.git_dir);
	}
	if (!rc && !why.code)
		rc = build(in, &t, plan, &why, e);
	if (!rc && !why.code)
		rc = look_at_files(in, &t, plan, &why, e);
	plan->refuse_code = why.code;
	plan->refuse = why.msg;
	target_release(&t);
	if (rc)
		promote_plan_release(plan);
	return rc;
}

static void put_list(struct json *o, const char *key, const struct strv *v)
{
	struct json *a = json_array();
	char *total = xasprintf("%s_total", key);

	for (size_t i = 0; i < v->n && i < LIST_CUT; i++)
		json_add_str(a, v->v[i]);
	json_put(o, key, a);
	json_put_int(o, total, (int64_t)v->n);
	free(total);
}

static struct json *files_json(const struct diff_stat *s)
{
	struct json *a = json_array();

	for (size_t i = 0; i < s->n && i < LIST_CUT; i++) {
		struct json *f = json_object();

		json_put_str(f, "path", s->f[i].path);
		json_put_int(f, "added", s->f[i].added);
		json_put_int(f, "removed", s->f[i].removed);
		json_add(a, f);
	}
	return a;
}

static void put_refusal(struct json *o, const char *code, const char *msg)
{
	struct json *r;

	if (!code) {
		json_put_null(o, "refuse");
		return;
	}
	r = json_object();
	json_put_str(r, "code", code);
	json_put_str(r, "msg", msg);
	json_put(o, "refuse", r);
}

const char *promote_how_name(enum promote_how how)
{
	static const char *const names[] = { "merge", "squash", "rebase" };

	return (unsigned)how < ARRAY_LEN(names) ? names[how] : "merge";
}

int promote_how_parse(const char *name)
{
	for (int i = PROMOTE_MERGE; i <= PROMOTE_REBASE; i++)
		if (!strcmp(name, promote_how_name((enum promote_how)i)))
			return i;
	return -1;
}

struct json *promote_plan_to_json(const struct promote_plan *p)
{
	struct json *o = json_object();

	json_put_str(o, "into", p->into);
	json_put_str(o, "old", p->old);
	json_put_str(o, "new", p->new);
	json_put_str(o, "tree", p->tree_dir);
	json_put_str(o, "how", promote_how_name(p->how));
	json_put_int(o, "commits", p->commits);
	json_put(o, "files", files_json(&p->stat));
	json_put_int(o, "files_total", (int64_t)p->stat.n);
	json_put_bool(o, "cut", p->stat.cut);
	json_put_int(o, "added", p->stat.added);
	json_put_int(o, "removed", p->stat.removed);
	put_list(o, "conflicts", &p->conflicts);
	put_list(o, "auto_run", &p->auto_run);
	put_list(o, "local_edits", &p->local_edits);
	put_list(o, "filtered", &p->filtered);
	put_list(o, "notes", &p->notes);
	put_refusal(o, p->refuse_code, p->refuse);
	return o;
}

void undo_plan_release(struct undo_plan *p)
{
	free(p->revert_commit);
	free(p->into);
	free(p->current);
	free(p->back_to);
	free(p->refuse_code);
	free(p->refuse);
	free(p->words);
	memset(p, 0, sizeof(*p));
}

struct json *undo_plan_to_json(const struct undo_plan *p)
{
	struct json *o = json_object();

	json_put_str(o, "into", p->into);
	json_put_bool(o, "revert", p->revert);
	json_put_str(o, "current", p->current);
	json_put_str(o, "back_to", p->back_to);
	json_put_str(o, "words", p->words);
	put_refusal(o, p->refuse_code, p->refuse);
	return o;
}
