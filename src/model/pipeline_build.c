/* pipeline_build.c - go build into a cache by content, and the checker of CONSTRAINTS.md, which is
 * built there too. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/asset.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/vt.h"
#include "model/pipeline_int.h"

enum { BUILD_MS = 15 * 60 * 1000, CHECK_MS = 60 * 1000, OUT_MAX = 1 << 20, SHOWN_LINES = 3 };

extern char **environ;

char *pipeline_go(void)
{
	return child_which("go", NULL);
}

static char *place(const char *cache, const struct pipeline_files *p, const char *name)
{
	char hash[17];

	pipeline_hash(p, hash);
	return xasprintf("%s/%s%s%s", cache, hash, *name ? "/" : "", name);
}

char *pipeline_built(const char *cache, const struct pipeline_files *p)
{
	char *path = place(cache, p, "pipeline");

	if (access(path, X_OK)) {
		free(path);
		path = NULL;
	}
	return path;
}

/* What would make another program of the same source, or none, is ours; proxies and toolchains stay
 * the user's. */
static void go_env(struct strv *env)
{
	static const char *const ours[] = {
		"GOFLAGS=-mod=readonly",
		"CGO_ENABLED=0",
		"GOWORK=off",
		"GO111MODULE=on",
		"GOOS=linux",
#if defined(__x86_64__)
		"GOARCH=amd64",
#elif defined(__aarch64__)
		"GOARCH=arm64",
#endif
	};

	for (char **v = environ; *v; v++) {
		bool mine = false;

		for (size_t i = 0; i < ARRAY_LEN(ours); i++)
			mine |= !strncmp(*v, ours[i], strcspn(ours[i], "=") + 1);
		if (!mine)
			strv_add(env, *v);
	}
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		strv_add(env, ours[i]);
}

/* The files as they are, in a directory of the cache that only ever holds these contents. */
static int put_source(const char *src, const struct pipeline_files *p, struct err *e)
{
	int rc = fs_mkdirs(src, 0700, e);

	for (size_t i = 0; !rc && i < p->n; i++) {
		char *path = fs_join(src, p->f[i].name), *in = fs_dirname(path);

		if (!fs_exists(path) && strcmp(p->f[i].name, PIPELINE_RENDERED))
			rc = fs_mkdirs(in, 0700, e) ||
				fs_replace(path, p->f[i].text.p, p->f[i].text.len, e);
		free(path);
		free(in);
	}
	return rc ? -1 : 0;
}

/* "go 1.26.1" of go.mod; "" = not said. */
static void wanted_version(const struct pipeline_files *p, char *out, size_t n)
{
	const struct pipeline_file *f = pipeline_find(p, "go.mod");
	const char *at = f ? strstr(f->text.p, "\ngo ") : NULL;

	snprintf(out, n, "%.*s", at ? (int)strcspn(at + 4, " \r\n") : 0, at ? at + 4 : "");
}

/* The first lines that say something, safe, one after the other. */
static void first_lines(const struct buf *out, struct buf *text)
{
	int shown = 0;

	for (const char *p = out->p; *p && shown < SHOWN_LINES;) {
		size_t n = strcspn(p, "\n");

		if (n && *p != '#' && strncmp(p, "go: downloading", 15)) {
			buf_str(text, shown++ ? "; " : "");
			vt_clean(p, n > 300 ? 300 : n, text);
		}
		p += n + (p[n] == '\n');
	}
}

static bool says_any(const struct buf *out, const char *const *words)
{
	for (; *words; words++)
		if (strstr(out->p, *words))
			return true;
	return false;
}

static int build_failed(const struct pipeline_files *p, const struct buf *out, struct err *e)
{
	static const char *const old[] = { "requires go >=", "invalid go version", "requires go1.",
		NULL };
	static const char *const net[] = { "dial tcp", "no such host", "connection refused",
		"i/o timeout", "module lookup disabled", "proxyconnect", "TLS handshake",
		"unrecognized import path", "reading https://", "Get \"http", "downloading go1",
		NULL };
	struct buf text = BUF_INIT;
	char version[32];

	first_lines(out, &text);
	wanted_version(p, version, sizeof version);
	if (says_any(out, net))
		err_set(e, "no_modules",
			"the Go modules of the pipeline cannot be downloaded (needed once; GOPROXY says from where): %s",
			text.p);
	else if (says_any(out, old))
		err_set(e, "go_old",
			"this go is too old for the pipeline, which needs go %s or newer: %s",
			version, text.p);
	else
		err_set(e, "build", "go build of the pipeline failed: %s",
			*text.p ? text.p : "it printed nothing");
	buf_release(&text);
	return -1;
}

static int go_build(const char *dir, const struct pipeline_files *p, const char *tmp, struct err *e)
{
	char *go = pipeline_go(), *src = fs_join(dir, "src");
	const char *argv[] = { go, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
		"-mod=readonly", "-o", tmp, ".", NULL };
	struct strv env = STRV_INIT;
	struct child_spec spec = CHILD_SPEC_INIT;
	struct child_result r = { .code = 0 };
	int rc = -1;

	if (!go) {
		err_set(e, "no_go",
			"there is no go on PATH, which builds the pipeline; install Go (https://go.dev/dl) or use "
			"another engine");
		goto out;
	}
	go_env(&env);
	spec.argv = argv;
	spec.env = strv_argv(&env);
	spec.cwd = src;
	if (child_run(&spec, NULL, 0, OUT_MAX, BUILD_MS, &r, e)) {
		struct err why = *e;
		err_set(e, "build", "go build of the pipeline: %s", why.msg);
	} else {
		rc = r.code ? build_failed(p, &r.err, e) : 0;
	}
	child_result_release(&r);
out:
	strv_release(&env);
	free(go);
	free(src);
	return rc;
}

/* Waits for another who builds the same; he may have made it then. */
static int lock(const char *path, struct err *e)
{
	int64_t end = clock_mono_ms() + BUILD_MS;
	int fd;

	while ((fd = fs_lock(path, e)) < 0 && !strcmp(e->code, "locked") && clock_mono_ms() < end)
		poll(NULL, 0, 50);
	if (fd >= 0)
		err_clear(e);
	return fd;
}

static int build_locked(
	const char *dir, const struct pipeline_files *p, const char *binary, struct err *e)
{
	char *src = fs_join(dir, "src"), *tmp = fs_join(dir, "pipeline.tmp");
	int rc = -1;

	if (put_source(src, p, e) || go_build(dir, p, tmp, e))
		goto out;
	if (rename(tmp, binary))
		err_sys(e, "io", "cannot put the built pipeline at %s", binary);
	else
		rc = 0;
out:
	unlink(tmp);
	free(src);
	free(tmp);
	return rc;
}

int pipeline_build(const char *cache, const struct pipeline_files *p, char **binary, struct err *e)
{
	char *dir, *lock_path;
	int fd, rc = -1;

	*binary = pipeline_built(cache, p);
	if (*binary)
		return 0;
	dir = place(cache, p, "");
	lock_path = fs_join(dir, "lock");
	if (fs_mkdirs(dir, 0700, e))
		goto out;
	fd = lock(lock_path, e);
	if (fd < 0)
		goto out;
	*binary = pipeline_built(cache, p);
	if (*binary) {
		rc = 0;
	} else {
		*binary = place(cache, p, "pipeline");
		rc = build_locked(dir, p, *binary, e);
		if (rc) {
			free(*binary);
			*binary = NULL;
		}
	}
	close(fd);
out:
	free(lock_path);
	free(dir);
	return rc;
}

static void checker_files(struct pipeline_files *out)
{
	static const char prefix[] = "templates/check/";
	size_t n;
	const struct asset *a = asset_all(&n);

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < n; i++) {
		const char *name = a[i].name + strlen(prefix), *test = NULL;

		if (strncmp(a[i].name, prefix, strlen(prefix)))
			continue;
		test = strstr(name, "_test.go");
		/* go.mod.tmpl is called so that the Go tools see no module here */
		if (!test && !strcmp(name, "go.mod.tmpl"))
			name = "go.mod";
		if (!test && pipeline_name_ok(name))
			buf_add(&pipeline_add(out, name)->text, a[i].data, a[i].len);
	}
}

static int run_checker(const char *checker, const char *src, struct buf *findings, struct err *e)
{
	const char *argv[] = { checker, src, NULL };
	struct child_spec spec = CHILD_SPEC_INIT;
	struct child_result r = { .code = 0 };
	int rc;

	spec.argv = argv;
	spec.cwd = "/";
	rc = child_run(&spec, NULL, 0, OUT_MAX, CHECK_MS, &r, e);
	if (rc) {
		struct err why = *e;
		err_set(e, "check", "the checker of the pipeline: %s", why.msg);
	} else if (r.code == 1 && r.out.len) {
		if (findings)
			buf_add(findings, r.out.p, r.out.len);
		rc = err_set(e, "constraint", "%.*s", (int)strcspn(r.out.p, "\n"), r.out.p);
	} else if (r.code) {
		buf_trim(&r.err);
		rc = err_set(e, "check", "the checker of the pipeline ended with %d: %.500s",
			r.code, r.err.p);
	}
	child_result_release(&r);
	return rc;
}

int pipeline_check(
	const char *cache, const struct pipeline_files *p, struct buf *findings, struct err *e)
{
	struct pipeline_files check;
	char *checker = NULL, *src = place(cache, p, "src");
	int rc;

	checker_files(&check);
	rc = pipeline_compare(p, e);
	if (rc && findings)
		buf_fmt(findings, "%s\n", e->msg);
	if (!rc)
		rc = put_source(src, p, e);
	if (!rc && check.n)
		rc = pipeline_build(cache, &check, &checker, e);
	if (!rc && checker)
		rc = run_checker(checker, src, findings, e);
	free(src);
	free(checker);
	pipeline_files_release(&check);
	return rc;
}
