/* move.c - what a move is, its record in the journal, and the git child that does a step of it. */
#include "git/move.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

enum { CHILD_GRACE_MS = 10000, OUTPUT_MAX = 1 << 20 };

int move_lock(const char *state_dir, struct err *e)
{
	char *path = fs_join(state_dir, "promote.lock");
	int fd = fs_lock(path, e);

	if (fd < 0 && !strcmp(e->code, "locked"))
		err_set(e, "busy", "Another promotion is running.");
	free(path);
	return fd;
}

void move_release(struct move *m)
{
	free(m->ref);
	free(m->name);
	free(m->from);
	free(m->to);
	free(m->dir);
	free(m->git_dir);
	free(m->label);
	free(m->keep_ref);
	free(m->ident);
	free(m->op);
	free(m->umask);
	memset(m, 0, sizeof(*m));
}

static struct json *id_json(const struct child_id *id)
{
	struct json *o = json_object();

	json_put_int(o, "pid", id->pid);
	json_put_int(o, "start", (int64_t)id->start);
	json_put_str(o, "boot", id->boot);
	return o;
}

/* Paths are bytes and JSON is text: a path that is not UTF-8 would not come back, so it goes as
 * hex. */
static void put_path(struct json *o, const char *key, const char *path)
{
	struct buf b = BUF_INIT;
	bool plain = true;

	for (const char *s = path ? path : ""; *s; s++) {
		plain = plain && (unsigned char)*s >= 0x20 && (unsigned char)*s < 0x7f;
		buf_fmt(&b, "%02x", (unsigned char)*s);
	}
	if (!path || plain) {
		json_put_str(o, key, path);
	} else {
		char *hexed = xasprintf("hex:%s", b.p);

		json_put_str(o, key, hexed);
		free(hexed);
	}
	buf_release(&b);
}

static char *get_path(const struct json *o, const char *key)
{
	const char *s = json_str(o, key, NULL);
	struct buf b = BUF_INIT;

	if (!s)
		return NULL;
	if (strncmp(s, "hex:", 4))
		return xstrdup(s);
	for (s += 4; s[0] && s[1]; s += 2) {
		char two[3] = { s[0], s[1], '\0' };

		buf_char(&b, (char)strtoul(two, NULL, 16));
	}
	return buf_take(&b);
}

struct json *move_to_json(
	const struct move *m, int race, const char *variant, int of, int64_t since_ms)
{
	struct json *o = json_object();
	struct child_id me;

	json_put_int(o, "race", race);
	json_put_str(o, "variant", variant);
	json_put_str(o, "into_ref", m->ref);
	json_put_str(o, "old", m->from);
	json_put_str(o, "new", m->to);
	put_path(o, "tree_dir", m->dir);
	put_path(o, "tree_git_dir", m->git_dir);
	json_put_str(o, "keep_ref", m->keep_ref);
	json_put_bool(o, "back", m->back);
	json_put_str(o, "umask", m->umask);
	if (of)
		json_put_int(o, "of", of);
	json_put_int(o, "ms", since_ms);
	if (!child_identify(getpid(), &me))
		json_put(o, "by", id_json(&me));
	return o;
}

int move_from_json(struct move *m, const struct json *intent)
{
	const char *ref = json_str(intent, "into_ref", NULL),
		   *variant = json_str(intent, "variant", NULL);

	memset(m, 0, sizeof(*m));
	if (!ref || !variant || !git_oid_ok(json_str(intent, "old", "")) ||
		!git_oid_ok(json_str(intent, "new", "")))
		return -1;
	m->ref = xstrdup(ref);
	m->name = xstrdup(strncmp(ref, "refs/heads/", 11) ? ref : ref + 11);
	m->from = xstrdup(json_str(intent, "old", ""));
	m->to = xstrdup(json_str(intent, "new", ""));
	m->dir = get_path(intent, "tree_dir");
	m->git_dir = get_path(intent, "tree_git_dir");
	m->back = json_bool(intent, "back", false);
	if (json_str(intent, "umask", NULL))
		m->umask = xstrdup(json_str(intent, "umask", ""));
	if (json_str(intent, "keep_ref", NULL))
		m->keep_ref = xstrdup(json_str(intent, "keep_ref", ""));
	m->label = xasprintf("%d/%s", (int)json_int(intent, "race", 0), variant);
	m->op = xstrdup(json_str(intent, "op", "promote"));
	if (!m->dir != !m->git_dir) {
		move_release(m);
		return -1;
	}
	return 0;
}

/* What git said, from the memory file both its outputs went to. */
static void read_output(int fd, struct buf *out)
{
	char block[4096];
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return;
	while (out->len < OUTPUT_MAX &&
		((n = read(fd, block, sizeof(block))) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0)
			buf_add(out, block, (size_t)n);
}

static int wait_child(struct child *c, int *code, const char *what, struct err *e)
{
	if (child_wait(c, GIT_WORK_MS, code) == 1)
		return 0;
	/* On TERM git takes its own locks away. */
	child_kill(c, SIGTERM);
	if (child_wait(c, CHILD_GRACE_MS, code) != 1) {
		child_kill(c, SIGKILL);
		child_wait(c, -1, code);
	}
	return err_set(e, "timeout", "git %s did not end within %d minutes and was stopped", what,
		GIT_WORK_MS / 60000);
}

int move_run_child(
	struct git_call *c, struct journal *j, int n, int *code, struct buf *out, struct err *e)
{
	int fd = memfd_create("git", MFD_CLOEXEC), rc;
	struct err late = ERR_INIT;
	struct child child;

	if (fd < 0)
		return err_sys(e, "promote", "No memory file for git's words");
	rc = git_spawn(c, fd, &child, e);
	if (!rc) {
		/* When the journal fails now, git is already at work: it is waited for, and its
		 * command line names the commit. */
		if (journal_stage(j, n, "child", id_json(&child.id), &late) < 0)
			rc = err_set(e, late.code, "%s", late.msg);
		if (wait_child(&child, code, c->args.v[0], rc ? &late : e) < 0)
			rc = -1;
		read_output(fd, out);
	}
	close(fd);
	return rc;
}

void move_in_tree(const struct move *m, struct git_call *c)
{
	git_in_tree(c, m->git_dir, m->dir, GIT_WRITES);
	c->umask = git_umask_of(m->umask);
	strv_addl(&c->conf, "merge.verifySignatures=false", "commit.gpgSign=false",
		"checkout.workers=1", "core.fsync=committed,reference,index", (char *)NULL);
	strv_fmt(&c->env, "GIT_REFLOG_ACTION=yolodeck %s %s", m->op, m->label);
	git_env_ident(&c->env, "COMMITTER", m->ident);
}

static bool descends(const struct move *m, const char *commit, const char *from)
{
	struct err ignored = ERR_INIT;

	return !git_out(m->repo->common, NULL, &ignored, "merge-base", "--is-ancestor", from,
		commit, (char *)NULL);
}

bool move_reached(const struct move *m, const char *now)
{
	if (!strcmp(now, m->to))
		return true;
	/* A commit of the user's on top of ours is no contradiction; on top of what we wanted to
	 * leave it is. */
	return strcmp(now, m->from) && descends(m, now, m->to) &&
		!(m->back && descends(m, now, m->from));
}
