/* git.c - runs git: the two environments, the fixed options, one call to the end, and single refs.
 */
#include "git/git.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

extern char **environ;

/* What of the user's own GIT_* survives in [U]: where his configuration is, who he is, how he
 * reaches his remotes. GIT_DIR, GIT_INDEX_FILE and the like come from a hook or an alias that
 * started us and mean another call. */
static const char *const user_keeps[] = {
	"GIT_CONFIG_GLOBAL=",
	"GIT_CONFIG_SYSTEM=",
	"GIT_CONFIG_NOSYSTEM=",
	"GIT_CONFIG_COUNT=",
	"GIT_CONFIG_KEY_",
	"GIT_CONFIG_VALUE_",
	"GIT_AUTHOR_NAME=",
	"GIT_AUTHOR_EMAIL=",
	"GIT_COMMITTER_NAME=",
	"GIT_COMMITTER_EMAIL=",
	"GIT_SSH=",
	"GIT_SSH_COMMAND=",
	"GIT_SSH_VARIANT=",
	"GIT_ASKPASS=",
	"GIT_SSL_",
	"GIT_EXEC_PATH=",
	"GIT_CEILING_DIRECTORIES=",
	"GIT_PROXY_COMMAND=",
};

static bool user_var_ok(const char *kv)
{
	if (!strncmp(kv, "LANGUAGE=", 9) || !strncmp(kv, "LC_ALL=", 7))
		return false;
	if (strncmp(kv, "GIT_", 4))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(user_keeps); i++)
		if (!strncmp(kv, user_keeps[i], strlen(user_keeps[i])))
			return true;
	return false;
}

void git_host_env(struct strv *env)
{
	const char *path = getenv("PATH");

	strv_fmt(env, "PATH=%s", path ? path : "/usr/local/bin:/usr/bin:/bin");
	strv_addl(env, "LC_ALL=C", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_ASKPASS=true", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1",
		"GIT_NO_REPLACE_OBJECTS=1", "GIT_CEILING_DIRECTORIES=/", "GIT_ALLOW_PROTOCOL=file",
		"GIT_LITERAL_PATHSPECS=1", (char *)NULL);
}

static void user_env(struct strv *env, bool read_only)
{
	for (char **p = environ; *p; p++)
		if (user_var_ok(*p))
			strv_add(env, *p);
	strv_addl(env, "LC_ALL=C.UTF-8", "GIT_TERMINAL_PROMPT=0", "GIT_LITERAL_PATHSPECS=1",
		(char *)NULL);
	if (read_only)
		strv_add(env, "GIT_OPTIONAL_LOCKS=0");
}

void git_host_args(struct strv *args, const char *git_dir)
{
	strv_addl(args, "git", "--no-pager", "-c", "core.hooksPath=/dev/null", "-c",
		"core.fsmonitor=false", "-c", "submodule.recurse=false", "-c", "gc.auto=0", "-c",
		"maintenance.auto=false", (char *)NULL);
	if (git_dir) {
		strv_addl(args, "-c", "safe.bareRepository=explicit", (char *)NULL);
		strv_fmt(args, "--git-dir=%s", git_dir);
	}
}

void git_env_ident(struct strv *env, const char *who, const char *ident)
{
	const char *lt = ident ? strrchr(ident, '<') : NULL;
	size_t n;

	if (!lt)
		return;
	n = (size_t)(lt - ident);
	while (n && ident[n - 1] == ' ')
		n--;
	strv_fmt(env, "GIT_%s_NAME=%.*s", who, (int)n, ident);
	strv_fmt(env, "GIT_%s_EMAIL=%.*s", who, (int)strcspn(lt + 1, ">"), lt + 1);
}

void git_call_init(struct git_call *c, const char *git_dir)
{
	memset(c, 0, sizeof *c);
	c->git_dir = git_dir;
	c->umask = -1;
}

static int user_umask = -1;

void git_set_umask(mode_t mask)
{
	user_umask = (int)(mask & 0777);
}

int git_umask_of(const char *octal)
{
	char *end;
	long n = octal && *octal ? strtol(octal, &end, 8) : -1;

	return n < 0 || *end || n > 0777 ? user_umask : (int)n;
}

void git_in_tree(struct git_call *c, const char *git_dir, const char *dir, enum git_use use)
{
	git_call_init(c, git_dir);
	c->user = true;
	c->work_tree = c->cwd = dir;
	if (!dir)
		c->cwd = git_dir;
	c->read_only = use == GIT_READS;
	if (use == GIT_WRITES) {
		c->umask = user_umask;
		c->timeout_ms = GIT_WORK_MS;
	}
}

void git_call_release(struct git_call *c)
{
	strv_release(&c->env);
	strv_release(&c->conf);
	strv_release(&c->args);
}

static void build_command(const struct git_call *c, struct strv *env, struct strv *args)
{
	if (c->user)
		user_env(env, c->read_only);
	else
		git_host_env(env);
	for (size_t i = 0; i < c->env.n; i++)
		strv_add(env, c->env.v[i]);
	if (c->index)
		strv_fmt(env, "GIT_INDEX_FILE=%s", c->index);
	git_host_args(args, c->git_dir);
	if (c->work_tree)
		strv_fmt(args, "--work-tree=%s", c->work_tree);
	for (size_t i = 0; i < c->conf.n; i++)
		strv_addl(args, "-c", c->conf.v[i], (char *)NULL);
	for (size_t i = 0; i < c->args.n; i++)
		strv_add(args, c->args.v[i]);
}

/* The line of git's stderr that says why: the first "fatal:" or "error:", else the first that is
 * none of its chatter. */
static void first_words(const struct buf *err, struct buf *out)
{
	static const char *const marks[] = { "fatal: ", "error: " };
	const char *p = err->p, *best = NULL;

	for (; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		for (size_t i = 0; i < ARRAY_LEN(marks); i++)
			if (!strncmp(p, marks[i], 7)) {
				buf_add(out, p + 7, strcspn(p + 7, "\n"));
				return;
			}
		if (!best && *p != '\n' && strncmp(p, "hint:", 5) && strncmp(p, "warning:", 8))
			best = p;
	}
	if (best)
		buf_add(out, best, strcspn(best, "\n"));
}

static int explain(const struct git_call *c, const struct child_result *r, struct err *e)
{
	struct buf words = BUF_INIT;
	const char *verb = c->args.n ? c->args.v[0] : "";

	first_words(&r->err, &words);
	if (words.len)
		err_set(e, "git_failed", "git %s: %s", verb, words.p);
	else if (r->code > 128)
		err_set(e, "git_failed", "git %s was killed by signal %d", verb, r->code - 128);
	else
		err_set(e, "git_failed", "git %s ended with code %d and said nothing", verb,
			r->code);
	buf_release(&words);
	return -1;
}

static void say_no_git(struct err *e)
{
	char *have = child_which("git", NULL);

	if (!have)
		err_set(e, "no_git", "git is not on PATH; install git 2.38 or newer");
	free(have);
}

/* A memory file, not a pipe: it outlives us with the child. */
static int input_file(const void *in, size_t n, struct err *e)
{
	int fd = memfd_create("git-in", MFD_CLOEXEC);

	if (fd >= 0 && !fs_write_all(fd, in, n) && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	err_sys(e, "git_failed", "no memory file for git's input");
	if (fd >= 0)
		close(fd);
	return -1;
}

int git_spawn(struct git_call *c, int out, struct child *child, struct err *e)
{
	struct child_spec s = CHILD_SPEC_INIT;
	struct strv env = STRV_INIT, args = STRV_INIT;
	int rc;

	if (c->nin) {
		s.in = input_file(c->in, c->nin, e);
		if (s.in < 0)
			return -1;
	}
	build_command(c, &env, &args);
	s.argv = strv_argv(&args);
	s.env = strv_argv(&env);
	s.cwd = c->cwd ? c->cwd : "/";
	s.out = s.err = out;
	s.new_session = true;
	s.set_umask = c->umask >= 0;
	s.umask = (mode_t)c->umask;
	rc = child_start(child, &s, e);
	if (rc)
		say_no_git(e);
	if (s.in >= 0)
		close(s.in);
	strv_release(&env);
	strv_release(&args);
	return rc;
}

int git_run(struct git_call *c, struct child_result *r, struct err *e)
{
	struct child_spec s = CHILD_SPEC_INIT;
	struct strv env = STRV_INIT, args = STRV_INIT;
	int timeout = c->timeout_ms ? c->timeout_ms : GIT_READ_MS, rc;

	if (!c->user && !c->git_dir)
		bug("git %s without --git-dir", c->args.n ? c->args.v[0] : "");
	build_command(c, &env, &args);
	s.argv = strv_argv(&args);
	s.env = strv_argv(&env);
	s.cwd = c->cwd ? c->cwd : "/";
	s.set_umask = c->umask >= 0;
	s.umask = (mode_t)c->umask;
	rc = child_run(&s, c->in, c->nin, c->cap ? c->cap : GIT_CAP, timeout, r, e);
	if (rc && !strcmp(e->code, "timeout")) {
		err_set(e, "timeout", "git %s did not end within %d s", c->args.v[0],
			timeout / 1000);
	} else if (rc) {
		say_no_git(e);
	} else if (r->code) {
		rc = explain(c, r, e);
	}
	strv_release(&env);
	strv_release(&args);
	return rc ? -1 : 0;
}

static int capture(struct git_call *c, struct buf *out, struct err *e, va_list ap)
{
	struct child_result r;
	const char *a;
	int rc;

	while ((a = va_arg(ap, const char *)))
		strv_add(&c->args, a);
	rc = git_run(c, &r, e);
	c->code = r.code;
	c->truncated = r.truncated;
	if (out) {
		struct buf old = *out;

		*out = r.out;
		r.out = old;
	}
	child_result_release(&r);
	git_call_release(c);
	return rc;
}

int git_capture(struct git_call *c, struct buf *out, struct err *e, ...)
{
	va_list ap;
	int rc;

	va_start(ap, e);
	rc = capture(c, out, e, ap);
	va_end(ap);
	return rc;
}

int git_list(struct git_call *c, struct strv *out, struct err *e, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;
	int rc;

	va_start(ap, e);
	rc = capture(c, &text, e, ap);
	va_end(ap);
	strv_split0(out, text.p, text.len);
	buf_release(&text);
	return rc;
}

int git_out(const char *git_dir, struct buf *out, struct err *e, ...)
{
	struct git_call c;
	va_list ap;
	int rc;

	git_call_init(&c, git_dir);
	va_start(ap, e);
	rc = capture(&c, out, e, ap);
	va_end(ap);
	if (out)
		buf_trim(out);
	return rc;
}

bool git_oid_ok(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");

	return !s[n] && (n == 40 || n == 64);
}

const char *git_zero(const char *format)
{
	return strcmp(format, "sha256")
		? "0000000000000000000000000000000000000000"
		: "0000000000000000000000000000000000000000000000000000000000000000";
}

char *git_resolve(const struct git_repo *r, const char *rev, struct err *e)
{
	struct buf out = BUF_INIT;
	char *peeled = xasprintf("%s^{commit}", rev);
	char *id = NULL;
	int rc = git_out(r->git_dir, &out, e, "rev-parse", "-q", "--verify", "--end-of-options",
		peeled, (char *)NULL);

	if (!rc && git_oid_ok(out.p))
		id = buf_take(&out);
	else if (rc && strcmp(e->code, "git_failed"))
		err_prefix(e, "\"%s\" could not be looked up", rev);
	else
		err_set(e, "no_such_revision",
			"There is no commit \"%s\" here; `git log` and `git branch` show what "
			"there is",
			rev);
	buf_release(&out);
	free(peeled);
	return id;
}

int git_list_tree(const char *git_dir, const char *commit, struct strv *out, struct err *e)
{
	struct git_call c;
	int rc;

	git_call_init(&c, git_dir);
	c.timeout_ms = GIT_WORK_MS;
	rc = git_list(&c, out, e, "ls-tree", "-r", "-z", "--full-tree", commit, (char *)NULL);
	if (!rc && c.truncated)
		rc = err_set(e, "too_big", "The commit's list of files is too long to be read");
	return rc;
}

char *git_tree_of(const char *git_dir, const char *commit, struct err *e)
{
	struct buf b = BUF_INIT;
	char *spec = xasprintf("%s^{tree}", commit), *id = NULL;

	if (!git_out(git_dir, &b, e, "rev-parse", "-q", "--verify", "--end-of-options", spec,
		    (char *)NULL))
		id = buf_take(&b);
	else
		err_prefix(e, "The commit %.12s could not be read", commit);
	buf_release(&b);
	free(spec);
	return id;
}

char *git_ref(const char *git_dir, const char *ref, struct err *e)
{
	struct git_call c;
	struct buf out = BUF_INIT;
	char *id = NULL;

	err_clear(e);
	git_call_init(&c, git_dir);
	if (!git_capture(&c, &out, e, "rev-parse", "-q", "--verify", "--end-of-options", ref,
		    (char *)NULL)) {
		buf_trim(&out);
		id = buf_take(&out);
	} else if (c.code == 1) {
		err_clear(e);
	}
	buf_release(&out);
	return id;
}

int git_update_ref(const struct git_repo *r, const char *ref, const char *next, const char *old,
	const char *why, struct err *e)
{
	struct git_call c;
	const char *was = old ? old : git_zero(r->format);
	int rc;

	git_call_init(&c, r->common);
	c.umask = user_umask;
	c.timeout_ms = GIT_WORK_MS;
	git_env_ident(&c.env, "COMMITTER", r->ident);
	strv_addl(&c.args, "update-ref", "-m", why, (char *)NULL);
	if (next)
		rc = git_capture(&c, NULL, e, ref, next, was, (char *)NULL);
	else
		rc = git_capture(&c, NULL, e, "-d", ref, was, (char *)NULL);
	if (rc &&
		(strstr(e->msg, "but expected") || strstr(e->msg, "reference already exists") ||
			strstr(e->msg, "unable to resolve reference")))
		err_set(e, "moved", "%s was moved by somebody else meanwhile", ref);
	return rc;
}

/* "refs/heads/yolo/12/a" -> 12; -1 = no race's ref. */
static int race_of(const char *ref)
{
	static const char *const under[] = { "refs/heads/yolo/", "refs/yolodeck/" };
	char *end;
	long n;

	for (size_t i = 0; i < ARRAY_LEN(under); i++) {
		size_t len = strlen(under[i]);

		if (strncmp(ref, under[i], len) || !isdigit((unsigned char)ref[len]))
			continue;
		n = strtol(ref + len, &end, 10);
		if ((*end == '/' || !*end) && n > 0 && n < 1000000000)
			return (int)n;
	}
	return -1;
}

int git_highest_race(const struct git_repo *r, int *out, struct err *e)
{
	struct buf refs = BUF_INIT;
	char *line, *next;
	int rc = git_out(r->common, &refs, e, "for-each-ref", "--format=%(refname)",
		"refs/heads/yolo", "refs/yolodeck", (char *)NULL);

	*out = 0;
	for (line = refs.p; !rc && *line; line = next) {
		size_t n = strcspn(line, "\n");
		int race;

		next = line + n + (line[n] == '\n');
		line[n] = '\0';
		if (!strcmp(line, "refs/heads/yolo"))
			rc = err_set(e, "branch_in_the_way",
				"A branch named \"yolo\" is in the way of yolo/<race>/<variant>; "
				"rename it (git branch -m yolo other-name)");
		race = race_of(line);
		if (race > *out)
			*out = race;
	}
	buf_release(&refs);
	return rc;
}

int git_variant_names(const char *common, int race, struct strv *out, struct err *e)
{
	char *heads = xasprintf("refs/heads/yolo/%d/", race),
	     *ours = xasprintf("refs/yolodeck/%d/", race);
	const char *const under[] = { heads, ours };
	struct buf refs = BUF_INIT;
	int rc = git_out(
		common, &refs, e, "for-each-ref", "--format=%(refname)", heads, ours, (char *)NULL);

	for (char *line = refs.p, *next; !rc && *line; line = next) {
		size_t n = strcspn(line, "\n");

		next = line + n + (line[n] == '\n');
		line[n] = '\0';
		for (size_t i = 0; i < ARRAY_LEN(under); i++) {
			size_t skip = strlen(under[i]);

			if (strncmp(line, under[i], skip))
				continue;
			line[skip + strcspn(line + skip, "/")] = '\0';
			if (!strv_has(out, line + skip))
				strv_add(out, line + skip);
		}
	}
	buf_release(&refs);
	free(heads);
	free(ours);
	return rc;
}
