/* gitfix.h - real repositories for the tests of src/git: a private directory and HOME, a shell to
 * set things up, a race. */
#ifndef UNIT_GITFIX_H
#define UNIT_GITFIX_H

#include "fixture.h"

#include "git/checkout.h"
#include "git/git.h"
#include "git/saving.h"

static struct err E;
#define OK(call) \
	do { \
		err_clear(&E); \
		if (call) \
			fail_msg("%s:%d: %s (%s)", __FILE__, __LINE__, E.msg, E.code); \
	} while (0)

struct fix {
	char *dir, *u; /* u: the user's repository */
	struct git_repo repo;
	char *race_dir, *base_store, *q;
	struct checkout_race race;
};

/* Runs a script with sh -e in dir, as the user; its output (trimmed) is the caller's. want < 0: any
 * exit code will do. */
static inline char *sh_in(const char *dir, int want, const char *script)
{
	return fixture_shell(dir, &want, script);
}

static inline void sh(const char *dir, const char *script)
{
	free(sh_in(dir, 0, script));
}

static inline void sh_says(const char *dir, const char *script, const char *want)
{
	char *out = sh_in(dir, 0, script);

	assert_string_equal(out, want);
	free(out);
}

/* dir/u with one commit made by the script (NULL = two files). */
static inline void fix_init(struct fix *f, const char *script)
{
	memset(f, 0, sizeof *f);
	f->dir = unit_mkdir();
	chmod(f->dir, 0755);
	fixture_home(f->dir, "A User", "user@example.com");
	f->u = fs_join(f->dir, "u");
	sh(f->dir, "git init -q u");
	sh(f->u, script ? script : "printf '1\\n2\\n3\\n' >f1; mkdir d; echo two >d/f2");
	sh(f->u, "git add -A 2>/dev/null; git commit -qm base");
	OK(git_repo_open(&f->repo, f->u, &E));
	f->race_dir = fs_join(f->dir, "races/7");
	f->base_store = fs_join(f->dir, "base.git");
	f->q = fs_join(f->race_dir, "q.git");
	OK(fs_mkdirs(f->race_dir, 0755, &E));
	f->race = (struct checkout_race){ .repo = &f->repo,
		.race = 7,
		.base = f->repo.head,
		.race_dir = f->race_dir,
		.base_store = f->base_store };
}

static inline char *fix_variant(struct fix *f, const char *name)
{
	char *dir = fs_join(f->race_dir, name);

	OK(fs_mkdirs(dir, 0755, &E));
	OK(checkout_variant(&f->race, dir, -1, -1, &E));
	return dir;
}

static inline void fix_prepare(struct fix *f)
{
	free(f->race.warning);
	OK(checkout_prepare(&f->race, &E));
}

static inline void fix_release(struct fix *f)
{
	free(f->race.warning);
	git_repo_release(&f->repo);
	free(f->race_dir);
	free(f->base_store);
	free(f->q);
	free(f->u);
	unit_rmdir(f->dir);
}

/* The snapshot of a variant's directory; paths are kept in static buffers of the caller. */
struct fix_snap {
	struct snapshot_in in;
	char *work, *cache;
};
static inline void fix_snap_init(
	struct fix *f, struct fix_snap *s, const char *dir, const char *variant)
{
	s->work = fs_join(dir, "work");
	s->cache = fs_join(dir, "walk.cache");
	s->in = (struct snapshot_in){ .repo = &f->repo,
		.quarantine = f->q,
		.work = s->work,
		.cache = s->cache,
		.race = 7,
		.variant = variant,
		.base = f->repo.head,
		.subject = "try it" };
}
static inline void fix_snap_release(struct fix_snap *s)
{
	free(s->work);
	free(s->cache);
}

#endif
