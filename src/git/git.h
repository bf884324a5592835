/* git.h - every git process we start: which repository, which environment, which cwd. Every git
 * command line is in src/git/.
 *
 * [H] host git: environment cleared, cwd "/", --git-dir always given, hooks, fsmonitor, gc off
 * (facts: git.md section 8). [U] the user's own: his configuration applies, cwd = his work tree;
 * only for promote, undo, diff against his tree, and reading his identity. Nothing here ever runs
 * in or on work/. Both take pathspecs literally (GIT_LITERAL_PATHSPECS) and speak English (LC_ALL).
 */
#ifndef GIT_GIT_H
#define GIT_GIT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/err.h"

struct git_repo {
	char *common; /* absolute git common dir */
	/* of the work tree the user stands in (== common without linked worktrees) */
	char *git_dir;
	char *top; /* work tree; NULL: a bare repository, or a work tree that is elsewhere */
	/* git itself named top, from inside it or by core.worktree; else it is where common lies */
	bool top_seen;
	char *name; /* for display: basename of the main work tree */
	char *format; /* "sha1" | "sha256" */
	char *head_ref; /* "refs/heads/main", NULL when detached */
	char *head; /* commit id, NULL on an unborn branch */
	char *ident; /* "Name <mail>" of the committer, NULL = none set */
	bool bare;
};

/* Finds the repository of cwd with the user's environment. Codes "not_a_repository", "no_git". */
int git_repo_open(struct git_repo *r, const char *cwd, struct err *e);
/* The same from a known common dir (conductor): top = the main work tree, if it can be told. */
int git_repo_open_common(struct git_repo *r, const char *common, struct err *e);
void git_repo_release(struct git_repo *r);

enum { GIT_READ_MS = 5000, GIT_WORK_MS = 600000, GIT_CAP = 64 << 20 };

struct git_call {
	const char *git_dir; /* always given for [H] */
	const char *work_tree, *index; /* NULL = none */
	const char *cwd; /* NULL = "/" */
	bool user; /* [U] */
	struct strv env; /* extra K=V (author and committer) */
	struct strv conf; /* extra "name=value" for -c */
	struct strv args; /* after the fixed part: "update-ref", ... */
	const void *in;
	size_t nin;
	int timeout_ms; /* 0 = GIT_READ_MS */
	size_t cap; /* 0 = GIT_CAP */
	bool read_only; /* GIT_OPTIONAL_LOCKS=0, also for [U] ([H] always has it) */
	int umask; /* of the new process; -1 = ours */
	/* set by git_capture and git_list: git's exit code, and whether its output was cut at cap
	 */
	int code;
	bool truncated;
};
void git_call_init(struct git_call *c, const char *git_dir);
/* git_call_init for a [U] call in a work tree of the user's (dir NULL = in the git directory).
 * GIT_READS takes no locks; GIT_WRITES makes files with the user's umask and has GIT_WORK_MS. */
enum git_use { GIT_READS, GIT_WRITES };
void git_in_tree(struct git_call *c, const char *git_dir, const char *dir, enum git_use use);
/* The umask with which git writes to the user's repository. Until it is set: that of this process.
 * Not thread-safe: at start. */
void git_set_umask(mode_t mask);
/* For git calls that write to the user's repository: "022", as who asked has it; NULL or no such
 * number = the one of git_set_umask. */
int git_umask_of(const char *octal);
void git_call_release(struct git_call *c);
/* Runs it. 0 when git exited 0. Else -1; r->code tells git's code (r stays filled), e holds "git
 * update-ref: <its first line>". r is always to be released. Codes "git_failed", "timeout",
 * "no_git". */
int git_run(struct git_call *c, struct child_result *r, struct err *e);
/* Adds the arguments up to NULL, runs c and releases it. out (may be NULL) is replaced by the
 * standard output, byte for byte. As git_run otherwise; c->code and c->truncated stay readable. */
int git_capture(struct git_call *c, struct buf *out, struct err *e, ...) __attribute__((sentinel));
/* The same for output of NUL-separated strings, which are added to out. */
int git_list(struct git_call *c, struct strv *out, struct err *e, ...) __attribute__((sentinel));
/* Starts it and returns: for calls whose process id goes into the journal. Both outputs go to the
 * descriptor given; stdin is `in`; no time limit. It is in a session of its own and ends its work
 * even when we die. Code "no_git". */
int git_spawn(struct git_call *c, int out, struct child *child, struct err *e);
/* One call with varargs, [H], output trimmed into out (may be NULL). */
int git_out(const char *git_dir, struct buf *out, struct err *e, ...) __attribute__((sentinel));
/* The [H] environment and fixed -c options ("git" first), for the walker's own long-lived
 * fast-import. */
void git_host_env(struct strv *env);
void git_host_args(struct strv *args, const char *git_dir);
/* Adds GIT_<who>_NAME and _EMAIL of "Name <mail>"; who is "AUTHOR" or "COMMITTER"; ident NULL adds
 * nothing. */
void git_env_ident(struct strv *env, const char *who, const char *ident);

/* rev -> commit id of the user's repository (peeled). Code "no_such_revision". */
char *git_resolve(const struct git_repo *r, const char *rev, struct err *e);
/* All entries of a commit's tree, "100644 blob <id>\tdir/name", added to out. */
int git_list_tree(const char *git_dir, const char *commit, struct strv *out, struct err *e);
/* Id of a commit's tree; the caller frees. */
char *git_tree_of(const char *git_dir, const char *commit, struct err *e);
/* Commit id a full ref name points at, NULL without error code when there is no such ref. */
char *git_ref(const char *git_dir, const char *ref, struct err *e);
/* Compare-and-swap of one ref; old NULL = must not exist; next NULL = delete. ident (may be NULL)
 * goes to the reflog. Code "moved". */
int git_update_ref(const struct git_repo *r, const char *ref, const char *next, const char *old,
	const char *why, struct err *e);
/* Where a branch is in use: a work tree that has it checked out, or that rebases or bisects it.
 * *where = its directory (owned) or NULL = nowhere. */
int git_checked_out(const struct git_repo *r, const char *ref, char **where, struct err *e);
/* Highest race number in refs/heads/yolo/ and refs/yolodeck/; code "branch_in_the_way" when a
 * branch "yolo" exists. */
int git_highest_race(const struct git_repo *r, int *out, struct err *e);
/* Names of variants of a race that have any ref: a branch, or one below refs/yolodeck/. */
int git_variant_names(const char *common, int race, struct strv *out, struct err *e);
bool git_oid_ok(const char *s); /* 40 or 64 hex, lower case */
/* The all-zero id of a format ("sha1", "sha256"). */
const char *git_zero(const char *format);

#endif
