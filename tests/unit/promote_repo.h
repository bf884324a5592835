/* promote_repo.h - a user's repository with a race's quarantine beside it, for the tests of
 * promote: private HOME, real git.
 *
 * base: f1..f5 (20 lines each), dir/x, dir/y, .gitignore ("*.ign"). The variant 7/a changes f1,
 * makes nf and new/deep, deletes f4. */
#ifndef UNIT_PROMOTE_REPO_H
#define UNIT_PROMOTE_REPO_H

#include "unit.h"

#include <sys/stat.h>

#include "git/promote.h"
#include "git/quarantine.h"

struct world {
	char *dir, *u, *q, *state; /* user's work tree, quarantine, state directory */
	char *base, *tip;
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
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	struct err e = ERR_INIT;
	const char *argv[] = { "/bin/sh", "-ec", NULL, NULL };
	char *out;

	buf_vfmt(&cmd, fmt, ap);
	argv[2] = cmd.p;
	s.argv = argv;
	s.cwd = w->dir;
	assert_int_equal(child_run(&s, NULL, 0, 1 << 24, UNIT_DEADLINE, &r, &e), 0);
	if (code)
		*code = r.code;
	else if (r.code)
		fail_msg("%s\n-> %d: %s%s", cmd.p, r.code, r.out.p, r.err.p);
	buf_trim(&r.out);
	out = buf_take(&r.out);
	child_result_release(&r);
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

static inline void world_reopen(struct world *w)
{
	struct err e = ERR_INIT;
	char *common = sh(w, "git -C %s rev-parse --path-format=absolute --git-common-dir", w->u);

	git_repo_release(&w->repo);
	if (git_repo_open_common(&w->repo, common, &e) < 0)
		fail_msg("%s", e.msg);
	free(common);
}

/* Makes the variant's commit, which is only in the quarantine: edits = shell run in a clone at
 * base. */
static inline void world_variant(struct world *w, const char *edits)
{
	free(w->tip);
	run(w,
		"rm -rf v; git clone -q --no-hardlinks u v; cd v; git checkout -q --detach %s; git "
		"config commit.gpgsign false; %s\n"
		"git add -A; GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=y@l git -c "
		"core.hooksPath=/dev/null commit -q --allow-empty "
		"-m 'fix it\n\nYolodeck: 7/a'; git update-ref refs/heads/t HEAD",
		w->base, edits);
	run(w,
		"git --git-dir q.git -c protocol.file.allow=always fetch -q v "
		"+refs/heads/t:refs/yolodeck/7/a/tip; rm -rf v");
	w->tip = sh(w, "git --git-dir q.git rev-parse refs/yolodeck/7/a/tip");
}

#define VARIANT_EDITS \
	"sed -i 's/^10$/TEN/' f1; echo new >nf; mkdir -p new; echo deep >new/deep; git rm -q f4"

static inline struct world *world_new(const char *init_options)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct err e = ERR_INIT;
	char *home;

	w->dir = unit_mkdir();
	home = fs_join(w->dir, "home");
	assert_int_equal(mkdir(home, 0700), 0);
	setenv("HOME", home, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("LC_ALL", "C", 1);
	unsetenv("XDG_CONFIG_HOME");
	free(home);
	w->u = fs_join(w->dir, "u");
	w->q = fs_join(w->dir, "q.git");
	w->state = fs_join(w->dir, "s");
	assert_int_equal(mkdir(w->state, 0700), 0);
	run(w,
		"git config --global user.name 'U Ser'; git config --global user.email u@x\n"
		"git config --global init.defaultBranch main; git config --global "
		"advice.detachedHead false\n"
		"git init -q %s u; cd u; for i in 1 2 3 4 5; do seq 1 20 >f$i; done; mkdir dir; "
		"echo x >dir/x; echo y >dir/y\n"
		"echo '*.ign' >.gitignore; git add -A; git commit -q -m base",
		init_options);
	w->base = sh(w, "git -C u rev-parse HEAD");
	world_reopen(w);
	if (quarantine_make(&w->repo, w->q, &e) < 0)
		fail_msg("%s", e.msg);
	world_variant(w, VARIANT_EDITS);
	world_journal(w);
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
