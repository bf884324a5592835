/* cli_pipeline.c - init --upgrade, and check-pipeline: the pipeline that is there already. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/vt.h"
#include "cli/cli.h"
#include "cli/cli_init.h"
#include "git/diff.h"

static const char none[] =
	"there is no " PIPELINE_DIR " in this repository; `yolodeck init` writes it";

static char *temporary_name(const char *dir)
{
	unsigned char tag[4];

	fs_random(tag, sizeof tag);
	return xasprintf("%s/.pipeline-%02x%02x%02x%02x", dir, tag[0], tag[1], tag[2], tag[3]);
}

int cli_init_place(const char *dir, const struct pipeline_files *p, struct err *e)
{
	char *tmp = temporary_name(dir), *final = fs_join(dir, "pipeline");
	int rc = pipeline_write(tmp, p, e);

	if (!rc && renameat2(AT_FDCWD, tmp, AT_FDCWD, final, RENAME_NOREPLACE))
		rc = err_sys(e, errno == EEXIST ? "exists" : "io", "cannot put the pipeline at %s",
			final);
	if (rc)
		pipeline_remove(tmp, p);
	free(tmp);
	free(final);
	return rc;
}

static bool is_among(const struct pipeline_files *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->f[i].name, name))
			return true;
	return false;
}

/* Files that are no part of the pipeline follow it into the new directory. */
static void move_rest(const char *from, const char *to, const struct pipeline_files *old)
{
	DIR *d = opendir(from);
	struct dirent *de;

	while (d && (de = readdir(d))) {
		char *a, *b;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") ||
			!strcmp(de->d_name, PIPELINE_PACKAGE) || is_among(old, de->d_name))
			continue;
		a = fs_join(from, de->d_name);
		b = fs_join(to, de->d_name);
		if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE) && !fs_exists(b))
			cli_say(stderr, "note: %s stays there", a);
		free(a);
		free(b);
	}
	if (d)
		closedir(d);
}

/* All files or none: a new directory takes the old one's place in one step. */
static int exchange(const char *dir, const struct pipeline_files *old,
	const struct pipeline_files *new, struct err *e)
{
	char *tmp = temporary_name(dir), *final = fs_join(dir, "pipeline");
	int rc = pipeline_write(tmp, new, e);

	if (!rc && renameat2(AT_FDCWD, tmp, AT_FDCWD, final, RENAME_EXCHANGE))
		rc = err_sys(e, "io", "cannot replace %s", final);
	if (rc) {
		pipeline_remove(tmp, new);
	} else {
		move_rest(tmp, final, old);
		if (pipeline_remove(tmp, old))
			cli_say(stderr, "note: what was left of the old pipeline is in %s", tmp);
	}
	free(tmp);
	free(final);
	return rc;
}

static bool same_files(const struct pipeline_files *a, const struct pipeline_files *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->f[i].name, b->f[i].name) || a->f[i].text.len != b->f[i].text.len ||
			memcmp(a->f[i].text.p, b->f[i].text.p, a->f[i].text.len))
			return false;
	return true;
}

static void write_safe(const struct buf *text)
{
	struct buf safe = BUF_INIT;
	struct vt v;

	vt_init(&v);
	if (cli_tty())
		vt_stream(&v, text->p, text->len, false, &safe);
	else
		buf_add(&safe, text->p, text->len);
	fwrite(safe.p, 1, safe.len, stdout);
	fflush(stdout);
	buf_release(&safe);
}

/* What of mine would be lost if it became ours. */
static void show_changes(const struct pipeline_files *ours, const struct pipeline_files *mine)
{
	char tmp[] = "/tmp/yolodeck-diff-XXXXXX";
	struct buf diff = BUF_INIT;
	struct err e = ERR_INIT;

	if (!mkdtemp(tmp)) {
		cli_say(stderr, "note: the difference cannot be shown: %s", strerror(errno));
		return;
	}
	char *a = fs_join(tmp, "a"), *b = fs_join(tmp, "b");
	if (pipeline_write(a, ours, &e) || pipeline_write(b, mine, &e) ||
		diff_directories(tmp, &diff, &e))
		cli_say(stderr, "note: the difference cannot be shown: %s", e.msg);
	write_safe(&diff);
	pipeline_remove(a, ours);
	pipeline_remove(b, mine);
	rmdir(tmp);
	free(a);
	free(b);
	buf_release(&diff);
}

static int refuse_upgrade(const struct cli_args *a, const struct pipeline_files *ours,
	const struct pipeline_files *mine, struct err *e)
{
	if (!strcmp(e->code, "not_found"))
		err_set(e, "no_pipeline", "%s", none);
	if (!strcmp(e->code, "pipeline_changed")) {
		struct err why = *e;

		if (!a->json && ours->n)
			show_changes(ours, mine);
		err_set(e, why.code,
			"%s. Nothing was changed: the lines marked + would be lost; move them into a section, or take "
			"them back",
			why.msg);
	}
	return cli_fail(a, e);
}

int cli_init_upgrade(const struct cli_args *a, const char *dir)
{
	struct pipeline_files old = { NULL, 0 }, new = { NULL, 0 };
	struct err e = ERR_INIT;
	char *path = fs_join(dir, "pipeline");
	const char *done = cli_has(a, "dry-run") ? "would be renewed" : "renewed";
	int rc = CLI_DONE;

	if (pipeline_read(path, &old, &e) || pipeline_upgrade(&old, &new, &e) ||
		(!same_files(&old, &new) && !cli_has(a, "dry-run") &&
			exchange(dir, &old, &new, &e))) {
		rc = refuse_upgrade(a, &new, &old, &e);
	} else if (a->json) {
		struct json *o = json_object();

		json_put_bool(o, "renewed", !same_files(&old, &new));
		cli_json(o);
	} else if (same_files(&old, &new)) {
		cli_say(stdout, PIPELINE_DIR " is of this version already");
	} else {
		cli_say(stdout, PIPELINE_DIR " %s; the custom sections are as they were", done);
	}
	pipeline_files_release(&old);
	pipeline_files_release(&new);
	free(path);
	return rc;
}

/* "main.go:12: rule: sentence" as an object. */
static struct json *finding_json(const char *line, size_t n)
{
	struct json *o = json_object();
	char *text = xstrndup(line, n), *rest = strchr(text, ':'),
	     *rule = rest ? strstr(rest, ": ") : NULL;
	char *sentence = rule ? strstr(rule + 2, ": ") : NULL;

	if (sentence) {
		*rest = *rule = *sentence = '\0';
		json_put_str(o, "file", text);
		json_put_int(o, "line", strtol(rest + 1, NULL, 10));
		json_put_str(o, "rule", rule + 2);
		json_put_str(o, "text", sentence + 2);
	} else {
		json_put_str(o, "text", text);
	}
	free(text);
	return o;
}

static int say_findings(const struct cli_args *a, const struct buf *findings)
{
	struct json *o = json_object(), *list = json_array();
	int n = 0;

	for (const char *p = findings->p; *p;) {
		size_t len = strcspn(p, "\n");

		if (a->json)
			json_add(list, finding_json(p, len));
		else
			cli_say(stdout, PIPELINE_DIR "/%.*s", (int)len, p);
		n++;
		p += len + (p[len] == '\n');
	}
	if (a->json) {
		json_put_bool(o, "ok", n == 0);
		json_put(o, "findings", list);
		cli_json(o);
		return n ? CLI_FAILED : CLI_DONE;
	}
	json_free(list);
	json_free(o);
	if (n)
		cli_say(stderr,
			"yolodeck check-pipeline: %d finding%s; " PIPELINE_DIR
			"/CONSTRAINTS.md says why",
			n, n == 1 ? "" : "s");
	else
		cli_say(stdout, PIPELINE_DIR " follows CONSTRAINTS.md");
	return n ? CLI_FAILED : CLI_DONE;
}

static int check_in(const struct cli_args *a, const struct cli_session *s)
{
	struct pipeline_files p = { NULL, 0 };
	struct buf findings = BUF_INIT;
	struct err e = ERR_INIT;
	char *cache = fs_join(s->store.dir, "pipelines"),
	     *dir = fs_join(s->repo.top ? s->repo.top : "/", PIPELINE_DIR);
	int rc;

	if (!s->repo.top || pipeline_read(dir, &p, &e)) {
		if (!s->repo.top || !strcmp(e.code, "not_found"))
			err_set(&e, "no_pipeline", "%s", none);
		rc = cli_fail(a, &e);
	} else if (pipeline_check(cache, &p, &findings, &e) && !findings.len) {
		rc = cli_fail(a, &e);
	} else {
		rc = say_findings(a, &findings);
	}
	buf_release(&findings);
	pipeline_files_release(&p);
	free(cache);
	free(dir);
	return rc;
}

static int run_check_pipeline(struct cli_args *a)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	int rc;

	if (cli_open_repo(&s, &e) || cli_open(&s, true, &e))
		return cli_fail(a, &e);
	rc = check_in(a, &s);
	cli_close(&s);
	return rc;
}

const struct cli_verb cli_verb_check_pipeline = { "check-pipeline", NULL, "",
	"does .yolodeck/pipeline/ keep to its CONSTRAINTS.md? Wants Go", NULL, run_check_pipeline,
	0, 0, .json = true };
