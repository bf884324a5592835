/* fast_import.c - writes the fast-import stream and collects the ids it answers. */
#include "git/fast_import.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/mem.h"
#include "git/git.h"

enum { FEED_BLOCK = 64 << 10, FEED_STALL_S = 120 };

struct fast_import {
	struct child child;
	int to; /* its stdin: a socket, so that its death is EPIPE and never SIGPIPE */
	int out, err; /* memory files: nobody has to read them while we write */
	struct buf buf;
	int failed; /* errno of the first failed write */
};

static void flush(struct fast_import *f)
{
	size_t done = 0;

	while (!f->failed && done < f->buf.len) {
		ssize_t n = send(f->to, f->buf.p + done, f->buf.len - done, MSG_NOSIGNAL);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			f->failed = errno;
	}
	buf_clear(&f->buf);
}

void fast_import_bytes(struct fast_import *f, const void *p, size_t n)
{
	buf_add(&f->buf, p, n);
	if (f->buf.len >= FEED_BLOCK)
		flush(f);
}

static void quoted(struct buf *b, const char *path)
{
	buf_char(b, '"');
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		if (*p == '"' || *p == '\\' || *p < 32 || *p > 126)
			buf_fmt(b, "\\%03o", *p);
		else
			buf_char(b, (char)*p);
	}
	buf_char(b, '"');
}

void fast_import_delete(struct fast_import *f, const char *path)
{
	buf_str(&f->buf, "D ");
	quoted(&f->buf, path);
	buf_char(&f->buf, '\n');
}

/* The newline that may follow the data of a file is optional: the next command starts right behind.
 */
void fast_import_file(struct fast_import *f, uint32_t mode, const char *path, size_t size)
{
	buf_fmt(&f->buf, "M %o inline ", mode);
	quoted(&f->buf, path);
	buf_fmt(&f->buf, "\ndata %zu\n", size);
}

static void head(struct fast_import *f, const struct fast_import_spec *s)
{
	buf_fmt(&f->buf, "commit %s\nmark :1\nauthor %s now\ncommitter %s now\ndata %zu\n%s\n",
		s->ref, s->author, s->committer, strlen(s->message), s->message);
	buf_fmt(&f->buf, "from %s\n", s->parent);
	if (s->from_tree)
		buf_fmt(&f->buf, "M 040000 %s \"\"\n", s->from_tree);
}

static int start(struct fast_import *f, const struct fast_import_spec *s, int theirs, struct err *e)
{
	struct child_spec c = CHILD_SPEC_INIT;
	struct strv env = STRV_INIT, args = STRV_INIT;
	int rc;

	git_host_env(&env);
	git_host_args(&args, s->git_dir);
	strv_addl(&args, "-c", s->durable ? "core.fsync=committed" : "core.fsync=none", "-c",
		"core.bigFileThreshold=1m", "-c", "core.protectNTFS=false", "fast-import",
		"--quiet", "--done", "--date-format=now", "--force", (char *)NULL);
	c.argv = strv_argv(&args);
	c.env = strv_argv(&env);
	c.cwd = "/";
	c.in = theirs;
	c.out = f->out;
	c.err = f->err;
	c.die_with_us = true;
	rc = child_start(&f->child, &c, e);
	strv_release(&env);
	strv_release(&args);
	return rc;
}

static void fast_import_free(struct fast_import *f)
{
	if (f->to >= 0)
		close(f->to);
	if (f->out >= 0)
		close(f->out);
	if (f->err >= 0)
		close(f->err);
	buf_release(&f->buf);
	free(f);
}

struct fast_import *fast_import_open(const struct fast_import_spec *s, struct err *e)
{
	struct fast_import *f = xcalloc(1, sizeof *f);
	struct timeval stall = { FEED_STALL_S, 0 };
	int pair[2] = { -1, -1 }, rc;

	buf_init(&f->buf);
	f->to = -1;
	f->out = memfd_create("fast-import-out", MFD_CLOEXEC);
	f->err = memfd_create("fast-import-err", MFD_CLOEXEC);
	if (f->out < 0 || f->err < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		err_sys(e, "git_failed", "git fast-import could not be started");
		fast_import_free(f);
		return NULL;
	}
	f->to = pair[0];
	setsockopt(f->to, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof stall);
	rc = start(f, s, pair[1], e);
	close(pair[1]);
	if (rc) {
		fast_import_free(f);
		return NULL;
	}
	head(f, s);
	return f;
}

static void read_back(int fd, struct buf *b)
{
	char block[4096];
	ssize_t n;
	off_t at = 0;

	while (at < 1 << 20 && (n = pread(fd, block, sizeof block, at)) > 0) {
		buf_add(b, block, (size_t)n);
		at += n;
	}
}

/* "<commit>\n040000 tree <tree>\t...\n" */
static int answers(struct fast_import *f, char **commit, char **tree)
{
	struct buf b = BUF_INIT;
	const char *t;
	int rc = -1;

	read_back(f->out, &b);
	t = strstr(b.p, "\n040000 tree ");
	if (t) {
		*commit = xstrndup(b.p, (size_t)(t - b.p));
		*tree = xstrndup(t + 13, strcspn(t + 13, "\t\n"));
		rc = git_oid_ok(*commit) && git_oid_ok(*tree) ? 0 : -1;
	}
	buf_release(&b);
	return rc;
}

int fast_import_close(struct fast_import *f, char **commit, char **tree, struct err *e)
{
	struct buf words = BUF_INIT;
	int code = -1, rc = -1;

	*commit = *tree = NULL;
	buf_str(&f->buf, "\nget-mark :1\nls :1 \"\"\ndone\n");
	flush(f);
	shutdown(f->to, SHUT_WR);
	if (!child_wait(&f->child, GIT_WORK_MS, &code)) {
		child_kill(&f->child, SIGKILL);
		child_wait(&f->child, -1, &code);
	}
	if (!code && !f->failed)
		rc = answers(f, commit, tree);
	if (rc) {
		read_back(f->err, &words);
		words.p[strcspn(words.p, "\n")] = '\0';
		err_set(e, "git_failed", "The snapshot could not be stored: git fast-import %s",
			*words.p ? words.p : "ended early and said nothing");
		free(*commit);
		free(*tree);
		*commit = *tree = NULL;
	}
	buf_release(&words);
	fast_import_free(f);
	return rc;
}

void fast_import_abort(struct fast_import *f)
{
	int code;

	if (!f)
		return;
	child_kill(&f->child, SIGKILL);
	child_wait(&f->child, -1, &code);
	fast_import_free(f);
}
