/* promote_repo.h - a user's repository with a race's quarantine beside it, for the tests of
 * promote: private HOME, real git.
 *
 * base: f1..f5 (20 lines each), dir/x, dir/y, .gitignore ("*.ign"). The variant 7/a changes f1,
 * makes nf and new/deep, deletes f4. */
#ifndef UNIT_PROMOTE_REPO_H
#define UNIT_PROMOTE_REPO_H

#include "fixture.h"

#include "git/promote.h"
#include "git/quarantine.h"

struct world {
	char *dir, *u, *q, *state; /* user's work tree, quarantine, state directory */
	char *base, *tip, *tip_of; /* tip_of: base and edits that tip was made of */
	struct git_repo repo;
	struct journal *j;
	struct json *line[256]; /* the journal's lines as last replayed */
	size_t nline;
};

/* Runs a shell command in w->dir with the user's environment; its trimmed output, or the test
 * fails. The caller frees. */
static inline char *sh_out(struct world *w, int *code, const char *fmt, va_list ap)
{
	struct buf cmd = BUF_INIT;
	char *out;

	if (code)
		*code = -1;
	buf_vfmt(&cmd, fmt, ap);
	out = fixture_shell(w->dir, code, cmd.p);
	buf_release(&cmd);
	return out;
}

__attribute__((format(printf, 2, 3))) static inline char *sh(struct world *w, const char *fmt, ...)
{
	va_list ap;
	char *out;

	va_start(ap, fmt);
	out = sh_out(w, NULL, fmt, ap);
	va_end(ap);
	return out;
}

__attribute__((format(printf, 2, 3))) static inline void run(struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	free(sh_out(w, NULL, fmt, ap));
	va_end(ap);
}

/* The output must be exactly this. */
__attribute__((format(printf, 3, 4))) static inline void is(
	struct world *w, const char *want, const char *fmt, ...)
{
	va_list ap;
	char *out;

	va_start(ap, fmt);
	out = sh_out(w, NULL, fmt, ap);
	va_end(ap);
	assert_string_equal(out, want);
	free(out);
}

static inline void world_line(void *ctx, const struct json *line)
{
	struct world *w = ctx;

	assert_true(w->nline < ARRAY_LEN(w->line));
	w->line[w->nline++] = json_copy(line);
}

/* (Re)opens the journal as a conductor's start does. */
static inline void world_journal(struct world *w)
{
	struct err e = ERR_INIT;
	char *path = fs_join(w->state, "journal");
	size_t torn;

	while (w->nline)
		json_free(w->line[--w->nline]);
	journal_close(w->j);
	w->j = journal_open(path, world_line, w, &torn, &e);
	if (!w->j)
		fail_msg("%s", e.msg);
	assert_int_equal(torn, 0);
	free(path);
}

/* The last line of intent n with this stage; n = 0: of any. */
static inline const struct json *world_stage(const struct world *w, int n, const char *stage)
{
	for (size_t i = w->nline; i-- > 0;)
		if ((!n || json_int(w->line[i], "n", 0) == n) &&
			!strcmp(json_str(w->line[i], "stage", ""), stage))
			return w->line[i];
	return NULL;
}

/* Opens the repository whose git directory is common. */
static inline void world_open(struct world *w, const char *common)
{
	struct err e = ERR_INIT;

	git_repo_release(&w->repo);
	if (git_repo_open_common(&w->repo, common, &e) < 0)
		fail_msg("%s", e.msg);
}

static inline void world_reopen(struct world *w)
{
	char *common = sh(w, "git -C %s rev-parse --path-format=absolute --git-common-dir", w->u);

	world_open(w, common);
	free(common);
}

/* In v, a work tree whose objects are those of the quarantine: its files become the variant's tip,
 * which is written to the file tip. */
#define WORLD_COMMIT \
	"git add -A; GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=y@l git -c core.hooksPath=/dev/null " \
	"commit -q --allow-empty -m 'fix it\n\nYolodeck: 7/a'; git rev-parse HEAD >../tip; " \
	"git --git-dir ../q.git update-ref refs/yolodeck/7/a/tip \"$(cat ../tip)\""

/* A small file in w->dir, trimmed; the caller frees. */
static inline char *world_read(const struct world *w, const char *name)
{
	char *path = fs_join(w->dir, name);
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(fs_read(path, 1 << 16, &b, &e), 0);
	free(path);
	buf_trim(&b);
	return buf_take(&b);
}

/* Makes the variant's commit, which is only in the quarantine: edits = shell run in a work tree at
 * base. */
static inline void world_variant(struct world *w, const char *edits)
{
	char *of = xasprintf("%s %s", w->base, edits);

	if (w->tip_of && !strcmp(w->tip_of, of)) {
		free(of);
		return;
	}
	run(w, "cd v; git checkout -q -f --detach %s; git clean -qffdx; %s\n" WORLD_COMMIT, w->base,
		edits);
	free(w->tip);
	free(w->tip_of);
	w->tip = world_read(w, "tip");
	w->tip_of = of;
}

#define VARIANT_EDITS \
	"sed -i 's/^10$/TEN/' f1; echo new >nf; mkdir -p new; echo deep >new/deep; git rm -q f4"

/* What each test begins with, for `git init` with these options. */
static inline void world_build(const char *dir, const char *init_options)
{
	struct world w = { .dir = (char *)dir };
	struct err e = ERR_INIT;
	char *q = fs_join(dir, "q.git"), *common = fs_join(dir, "u/.git");

	run(&w,
		"git init -q %s u; cd u; seq 1 20 | tee f1 f2 f3 f4 >f5; mkdir dir; echo x >dir/x; "
		"echo y >dir/y; echo '*.ign' >.gitignore; git add -A; git commit -q -m base",
		init_options);
	world_open(&w, common);
	if (quarantine_make(&w.repo, q, &e) < 0)
		fail_msg("%s", e.msg);
	git_repo_release(&w.repo);
	run(&w,
		"git clone -q --no-hardlinks u v; rm -rf v/.git/objects; "
		"ln -s ../../q.git/objects v/.git/objects; cd v; git checkout -q --detach; " VARIANT_EDITS
		"; " WORLD_COMMIT);
	free(q);
	free(common);
}

static inline struct world *world_new(const char *init_options)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct err e = ERR_INIT;

	w->dir = unit_mkdir();
	fixture_home(w->dir, "U Ser", "u@x");
	setenv("LC_ALL", "C", 1);
	fixture_copy(w->dir, init_options, world_build);
	w->u = fs_join(w->dir, "u");
	w->q = fs_join(w->dir, "q.git");
	w->state = fs_join(w->dir, "s");
	assert_int_equal(mkdir(w->state, 0700), 0);

	char *alternates = fs_join(w->q, "objects/info/alternates"),
	     *objects = xasprintf("%s/.git/objects\n", w->u), *common = fs_join(w->u, ".git");
	assert_int_equal(fs_replace(alternates, objects, strlen(objects), &e), 0);
	/* The index knows the files of the original. */
	run(w, "git -C u update-index -q --refresh");
	w->base = world_read(w, "u/.git/refs/heads/main");
	w->tip = world_read(w, "tip");
	w->tip_of = xasprintf("%s %s", w->base, VARIANT_EDITS);
	world_open(w, common);
	world_journal(w);
	free(alternates);
	free(objects);
	free(common);
	return w;
}

static inline void world_free(struct world *w)
{
	while (w->nline)
		json_free(w->line[--w->nline]);
	journal_close(w->j);
	git_repo_release(&w->repo);
	unit_rmdir(w->dir);
	free(w->u);
	free(w->q);
	free(w->state);
	free(w->base);
	free(w->tip);
	free(w->tip_of);
	free(w);
}

static inline struct promote_in world_in(const struct world *w)
{
	return (struct promote_in){
		.repo = &w->repo,
		.quarantine = w->q,
		.state_dir = w->state,
		.race = 7,
		.variant = "a",
		.tip = w->tip,
		.base = w->base,
		.subject = "fix it",
	};
}

static inline void plan_ok(const struct promote_in *in, struct promote_plan *p)
{
	struct err e = ERR_INIT;

	if (promote_plan(in, p, &e) < 0)
		fail_msg("%s: %s", e.code, e.msg);
	if (p->refuse)
		fail_msg("refused: %s", p->refuse);
	assert_non_null(p->new);
}

static inline void plan_passes(const struct promote_in *in)
{
	struct promote_plan p;

	plan_ok(in, &p);
	promote_plan_release(&p);
}

/* The plan must be refused with this code and these words. */
static inline void plan_refused(const struct promote_in *in, const char *code, const char *words)
{
	struct promote_plan p;
	struct err e = ERR_INIT;

	if (promote_plan(in, &p, &e) < 0)
		fail_msg("%s: %s", e.code, e.msg);
	if (!p.refuse)
		fail_msg("not refused, expected %s: %s", code, words);
	if (strcmp(p.refuse_code, code) || !strstr(p.refuse, words))
		fail_msg("refused with %s: %s\nexpected %s: %s", p.refuse_code, p.refuse, code,
			words);
	promote_plan_release(&p);
}

static inline void apply_ok(
	struct world *w, const struct promote_in *in, const struct promote_plan *p)
{
	struct err e = ERR_INIT;

	if (promote_apply(in, p, w->j, &e) < 0)
		fail_msg("%s: %s", e.code, e.msg);
}

static inline void apply_refused(struct world *w, const struct promote_in *in,
	const struct promote_plan *p, const char *code, const char *words)
{
	struct err e = ERR_INIT;

	assert_int_equal(promote_apply(in, p, w->j, &e), -1);
	if (strcmp(e.code, code) || !strstr(e.msg, words))
		fail_msg("refused with %s: %s\nexpected %s: %s", e.code, e.msg, code, words);
}

static inline void promote_ok(struct world *w)
{
	struct promote_in in = world_in(w);
	struct promote_plan p;

	plan_ok(&in, &p);
	apply_ok(w, &in, &p);
	promote_plan_release(&p);
}

#endif
