/* checkout.c - from a base commit to N private work directories: the steps, in an order that a
 * crash may interrupt anywhere. */
#include "git/checkout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "git/copytree.h"
#include "git/diff.h"
#include "git/quarantine.h"
#include "git/template.h"

/* A file changed within this of the walk is read again; waiting it out once spares that for the
 * whole tree. */
enum { SETTLE_NS = 21000000, MAX_PATHS = 1000 };

static const char MARKER[] = "yolodeck-copy";

/* The base must survive the user's gc for as long as the race is there. */
static int pin(const struct checkout_race *c, struct err *e)
{
	char *ref = xasprintf("refs/yolodeck/%d/base", c->race), *now;
	int rc = git_update_ref(c->repo, ref, c->base, NULL, "yolodeck: base", e);

	if (rc && !strcmp(e->code, "moved")) {
		now = git_ref(c->repo->common, ref, e);
		if (now && !strcmp(now, c->base))
			rc = 0;
		else
			err_set(e, "moved", "%s exists already and is another commit", ref);
		free(now);
	}
	if (!rc)
		err_clear(e);
	free(ref);
	return rc;
}

int checkout_prepare(struct checkout_race *c, struct err *e)
{
	char *q = fs_join(c->race_dir, "q.git");
	int rc = pin(c, e);

	c->warning = NULL;
	if (!rc)
		rc = quarantine_complete(c->repo, c->base, e);
	if (!rc)
		rc = quarantine_make(c->repo, q, e);
	if (!rc)
		rc = quarantine_base_store(c->repo, c->base, c->base_store, c->race, e);
	if (!rc)
		rc = template_make(c, e);
	free(q);
	return rc ? -1 : 0;
}

void checkout_finish(const struct checkout_race *c)
{
	template_remove(c);
}

static void settle(void)
{
	struct timespec t = { 0, SETTLE_NS };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* What the start of a continued variant changed already. That it cannot be counted in time is no
 * reason not to go on. */
static void seed_columns(const struct checkout_race *c, struct walk_cache *w)
{
	char *q = fs_join(c->race_dir, "q.git");
	struct err e = ERR_INIT;
	struct diff_stat st;

	w->files = -1;
	if (diff_stat(q, c->compare, c->base, &st, &e)) {
		diag(DIAG_WARN, "columns of %s: %s", c->base, e.msg);
	} else {
		w->files = (int)st.n;
		w->added = st.added;
		w->removed = st.removed;
		for (size_t i = 0; i < st.n && i < MAX_PATHS; i++)
			strv_add(&w->paths, st.f[i].path);
	}
	diff_stat_release(&st);
	free(q);
}

/* The walk's memory of a copy nobody has touched: it is exactly the base. */
static int seed(
	const struct checkout_race *c, const struct copy_list *l, const char *cache, struct err *e)
{
	struct walk_cache w;
	struct strv links = STRV_INIT;
	int rc;

	cache_init(&w);
	rc = template_read(c, &w.tree, &links, e);
	w.commit = xstrdup(c->base);
	w.files = 0;
	for (size_t i = 0; i < links.n; i++)
		cache_add(&w, links.v[i], MODE_GITLINK, NULL);
	for (size_t i = 0; i < l->n; i++) {
		const char *path = l->e[i].path;

		if (!strcmp(path, ".git") || !strncmp(path, ".git/", 5) || cache_find(&w, path))
			continue;
		if (!S_ISDIR(l->e[i].st.st_mode))
			cache_add(&w, path, cache_mode(l->e[i].st.st_mode), &l->e[i].st);
	}
	cache_add_parents(&w);
	if (!rc && c->compare)
		seed_columns(c, &w);
	settle();
	w.time = clock_real_ns();
	if (!rc)
		rc = cache_save(&w, cache, e);
	cache_release(&w);
	strv_release(&links);
	return rc;
}

static int make_dir(const char *dir, const char *name, mode_t mode, int uid, int gid, struct err *e)
{
	char *path = fs_join(dir, name);
	int rc = fs_mkdirs(path, 0700, e);

	if (!rc && (chmod(path, mode) || chown(path, (uid_t)uid, (gid_t)gid)))
		rc = err_sys(e, "disk", "%s could not be made", path);
	free(path);
	return rc;
}

/* An empty copy/ with our marker; what an interrupted copy left is removed. */
static int start_copy(const char *copy, struct err *e)
{
	char *marker = fs_join(copy, MARKER);
	int rc = 0;

	if (rmdir(copy) && errno != ENOENT)
		rc = fs_remove_tree(copy, MARKER, e);
	if (!rc)
		rc = fs_mkdirs(copy, 0700, e);
	if (!rc)
		rc = fs_create(marker, 0600, "", 0, e);
	free(marker);
	return rc;
}

static int make_work(const struct checkout_race *c, const char *dir, const char *work, int uid,
	int gid, struct err *e)
{
	char *copy = fs_join(dir, "copy"), *to = fs_join(copy, "work"),
	     *cache = fs_join(dir, "walk.cache");
	char *tree = template_tree(c);
	struct copy_list l = { 0 };
	int rc = start_copy(copy, e);

	if (!rc)
		rc = copytree_list(tree, &l, e);
	if (!rc)
		rc = copytree_run(tree, &l, to, uid, gid, e);
	if (!rc)
		rc = seed(c, &l, cache, e);
	/* Last of all: a work/ that is there is whole and has its cache. */
	if (!rc && rename(to, work))
		rc = err_sys(e, "disk", "%s could not be made", work);
	if (!rc)
		rc = fs_remove_tree(copy, MARKER, e);
	copytree_list_release(&l);
	free(copy);
	free(to);
	free(cache);
	free(tree);
	return rc;
}

int checkout_variant(
	const struct checkout_race *c, const char *variant_dir, int uid, int gid, struct err *e)
{
	char *work = fs_join(variant_dir, "work"), *cache = fs_join(variant_dir, "walk.cache");
	int rc = make_dir(variant_dir, "home", 0700, uid, gid, e);

	if (!rc)
		rc = make_dir(variant_dir, "tmp", 01777, uid, gid, e);
	if (!rc && !fs_exists(work))
		rc = make_work(c, variant_dir, work, uid, gid, e);
	else if (!rc && !fs_exists(cache))
		rc = err_set(e, "in_the_way", "%s is there already and is not ours", work);
	if (rc)
		err_prefix(e, "The work directory could not be made");
	free(work);
	free(cache);
	return rc;
}

int checkout_continue(const struct checkout_race *c, const char *start, const char *start_store,
	const char *variant_dir, int uid, int gid, struct err *e)
{
	struct checkout_race own = *c;
	int rc = 0;

	own.base = start;
	own.base_store = start_store;
	own.tpl_in = variant_dir;
	own.compare = c->base;
	own.warning = NULL;
	if (!git_oid_ok(start))
		return err_set(
			e, "damaged", "the commit it goes on from, \"%.80s\", is none", start);
	rc = quarantine_base_store(c->repo, start, start_store, c->race, e);
	if (!rc)
		rc = template_make(&own, e);
	if (!rc)
		rc = checkout_variant(&own, variant_dir, uid, gid, e);
	free(own.warning);
	return rc;
}

void checkout_continue_finish(const char *variant_dir)
{
	struct checkout_race own = { .tpl_in = variant_dir };

	template_remove(&own);
}
