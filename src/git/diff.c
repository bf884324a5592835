/* diff.c - what changed between two commits of the quarantine; conflicts; paths that tools run by
 * themselves. */
#include "git/diff.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "git/merge.h"

/* More lines than that no file has; and so many files with so many lines can be added up. */
enum { STAT_MAX_FILES = 50000, STAT_MAX_LINES = INT32_MAX };
static const char RENAME_LIMIT[] = "-l200"; /* files that are not equal, compared with each other */

/* xdiff is an attack surface: 16 MB of digits kept it busy for more than a minute. Above this a
 * file counts as binary. */
static const char LIVE_THRESHOLD[] = "core.bigFileThreshold=256k";
static const char ONE_FILE_THRESHOLD[] = "core.bigFileThreshold=1m";

void diff_stat_release(struct diff_stat *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->f[i].path);
		free(s->f[i].from);
	}
	free(s->f);
	memset(s, 0, sizeof *s);
}

static int64_t clamp(int64_t n)
{
	return n > STAT_MAX_LINES ? STAT_MAX_LINES : n;
}

/* from NULL = no rename. */
static void stat_add(struct diff_stat *s, size_t *cap, const char *from, const char *path,
	int64_t added, int64_t removed)
{
	if (s->n == STAT_MAX_FILES) {
		s->cut = true;
		return;
	}
	if (s->n == *cap) {
		*cap = *cap ? *cap * 2 : 64;
		s->f = xrealloc(s->f, *cap * sizeof *s->f);
	}
	added = clamp(added);
	removed = clamp(removed);
	s->f[s->n++] =
		(struct diff_file){ xstrdup(path), from ? xstrdup(from) : NULL, added, removed };
	s->added += added > 0 ? added : 0;
	s->removed += removed > 0 ? removed : 0;
}

/* "12\t3\tpath", "-\t-\tpath"; of a rename "0\t0\t", "from", "to" */
static void parse_numstat(struct diff_stat *s, const struct strv *rec)
{
	size_t cap = 0;

	for (size_t i = 0; i < rec->n; i++) {
		const char *a = rec->v[i], *r = strchr(a, '\t'),
			   *path = r ? strchr(r + 1, '\t') : NULL, *from = NULL;

		if (!path++)
			continue;
		if (!*path) {
			if (i + 2 >= rec->n)
				break;
			from = rec->v[i + 1];
			path = rec->v[i += 2];
		}
		stat_add(s, &cap, from, path, *a == '-' ? -1 : strtoll(a, NULL, 10),
			r[1] == '-' ? -1 : strtoll(r + 1, NULL, 10));
	}
}

static int run_stat(const char *git_dir, const char *a, const char *b, bool names_only,
	struct diff_stat *out, struct err *e)
{
	struct git_call c;
	struct strv rec = STRV_INIT;
	size_t cap = 0;
	int rc;

	git_call_init(&c, git_dir);
	strv_add(&c.conf, LIVE_THRESHOLD);
	rc = git_list(&c, &rec, e, "diff-tree", "-r", names_only ? "--no-renames" : "-M",
		RENAME_LIMIT, "--no-ext-diff", "--no-textconv", "-z",
		names_only ? "--name-only" : "--numstat", "--end-of-options", a, b, (char *)NULL);
	/* A cut block ends in half a record. */
	if (c.truncated && rec.n)
		xreplace(&rec.v[--rec.n], NULL);
	if (!rc && !names_only)
		parse_numstat(out, &rec);
	for (size_t i = 0; !rc && names_only && i < rec.n; i++)
		stat_add(out, &cap, NULL, rec.v[i], -1, -1);
	out->cut |= c.truncated;
	strv_release(&rec);
	return rc;
}

int diff_stat(
	const char *git_dir, const char *a, const char *b, struct diff_stat *out, struct err *e)
{
	int rc;

	memset(out, 0, sizeof *out);
	if (!strcmp(a, b))
		return 0;
	rc = run_stat(git_dir, a, b, false, out, e);
	if (rc && !strcmp(e->code, "timeout")) {
		err_clear(e);
		rc = run_stat(git_dir, a, b, true, out, e);
		out->cut = true;
	}
	return rc;
}

int diff_patch(const char *git_dir, const char *a, const char *b, const char *path, size_t cap,
	struct buf *out, bool *cut, struct err *e)
{
	struct git_call c;
	int rc;

	git_call_init(&c, git_dir);
	c.cap = cap;
	strv_add(&c.conf, path ? ONE_FILE_THRESHOLD : LIVE_THRESHOLD);
	rc = git_capture(&c, out, e, "diff", "--no-ext-diff", "--no-textconv", "--no-color",
		"--full-index", "-M", RENAME_LIMIT, "--src-prefix=a/", "--dst-prefix=b/",
		"--submodule=short", "--end-of-options", a, b, "--", path, (char *)NULL);
	if (rc && !strcmp(e->code, "timeout"))
		err_set(e, "diff_too_big",
			path ? "The diff of %s could not be made within 5 s"
			     : "The diff could not be made within 5 s; look at single files",
			path);
	*cut = c.truncated;
	return rc;
}

int diff_directories(const char *dir, struct buf *out, struct err *e)
{
	struct git_call c;
	int rc;

	git_call_init(&c, "/nonexistent");
	c.cwd = dir;
	rc = git_capture(&c, out, e, "diff", "--no-index", "--no-ext-diff", "--no-textconv",
		"--no-color", "--no-renames", "--no-prefix", "--", "a", "b", (char *)NULL);
	return rc && c.code == 1 ? 0 : rc; /* 1 = they differ */
}

int diff_conflicts(const char *git_dir, const char *common, const char *base, const char *tip,
	const char *b, struct strv *names, struct err *e)
{
	struct merge_in in = { .store = git_dir,
		.base = base,
		.ours = tip,
		.theirs = b,
		.timeout_ms = GIT_READ_MS,
		.common = common };
	struct merge_result r = { 0 };
	int rc;

	strv_clear(names);
	if (!strcmp(base, tip) || !strcmp(base, b) || !strcmp(tip, b))
		return 0;
	rc = merge_commits(&in, &r, e);
	strv_copy(names, &r.conflicts);
	merge_result_release(&r);
	if (rc < 0)
		return err_prefix(e, "Whether it merges could not be found out");
	return 0;
}

/* Names that something on the user's machine or his CI reads and runs without being asked. "x/" = a
 * directory at any depth. */
static const char *const auto_run[] = {
	".gitattributes",
	".gitmodules",
	".lfsconfig",
	".husky/",
	".githooks/",
	".pre-commit-config.yaml",
	"lefthook.yml",
	".lefthook.yml",
	".github/",
	".gitlab-ci.yml",
	".gitlab/",
	".circleci/",
	".buildkite/",
	".drone.yml",
	".travis.yml",
	".woodpecker/",
	".woodpecker.yml",
	".forgejo/",
	".gitea/",
	".ci/",
	"Jenkinsfile",
	"azure-pipelines.yml",
	"bitbucket-pipelines.yml",
	".vscode/",
	".idea/",
	".devcontainer/",
	".devcontainer.json",
	".ddev/",
	".envrc",
	"mise.toml",
	".mise.toml",
	".mcp.json",
	".claude/",
	".codex/",
	".cursor/",
	".gemini/",
	"AGENTS.md",
	"CLAUDE.md",
	"GEMINI.md",
	".cursorrules",
	".aider.conf.yml",
	"Makefile",
	"GNUmakefile",
	"package.json",
	".npmrc",
	".yarnrc",
	".yarnrc.yml",
	".pnpmfile.cjs",
	".yolodeck/",
};

static bool component_is(const char *path, const char *name)
{
	size_t n = strlen(name);
	bool dir = name[n - 1] == '/';

	for (;;) {
		size_t len = strcspn(path, "/");

		/* a link or a file in the directory's place leads to programs just as well */
		if (dir ? len == n - 1 && !strncasecmp(path, name, len)
			: !path[len] && len == n && !strncasecmp(path, name, len))
			return true;
		if (!path[len])
			return false;
		path += len + 1;
	}
}

void diff_auto_run(const struct diff_stat *s, struct strv *out)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < ARRAY_LEN(auto_run); k++)
			if (component_is(s->f[i].path, auto_run[k]) ||
				(s->f[i].from && component_is(s->f[i].from, auto_run[k]))) {
				strv_add(out, s->f[i].path);
				break;
			}
}
