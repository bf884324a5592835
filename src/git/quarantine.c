/* quarantine.c - makes the two repositories of ours, and fills the user's where his is a partial
 * clone. */
#include "git/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/copytree.h"
#include "git/merge_attributes.h"
#include "git/template.h"

enum { MAX_RULES = 1 << 20, MAX_LIST = 1 << 20, FILL_ROUNDS = 4 };

static int init_bare(const struct git_repo *r, const char *path, struct err *e)
{
	char *format = xasprintf("--object-format=%s", r->format);
	int rc = git_out(path, NULL, e, "init", "-q", "--bare", "--initial-branch=main",
		"--template=", format, (char *)NULL);

	free(format);
	return rc;
}

static int put(const char *dir, const char *name, const struct buf *b, struct err *e)
{
	char *path = fs_join(dir, name), *parent = fs_dirname(path);
	int rc = fs_mkdirs(parent, 0755, e);

	if (!rc)
		rc = fs_replace(path, b->p, b->len, e);
	free(parent);
	free(path);
	return rc;
}

/* A line of objects/info/alternates. git reads a relative one only at the first level: so the
 * user's are written out for ours. */
static int add_alternate(struct buf *b, const char *objects, const char *line, struct err *e)
{
	char *joined = *line == '/' ? xstrdup(line) : fs_join(objects, line), *real = NULL;
	int rc = 0;

	if (strchr(joined, '\n') || *joined == '"' || *joined == '#')
		rc = err_set(e, "bad_path",
			"The repository's path %s holds a newline, which git's alternates cannot "
			"name",
			joined);
	else if ((real = fs_realpath(joined, e)))
		buf_fmt(b, "%s\n", real);
	free(real);
	free(joined);
	return rc;
}

static int write_alternates(const struct git_repo *r, const char *path, struct err *e)
{
	char *objects = fs_join(r->common, "objects"),
	     *theirs = fs_join(objects, "info/alternates"), *line, *rest;
	struct buf out = BUF_INIT, in = BUF_INIT;
	int rc = add_alternate(&out, objects, objects, e);

	if (!rc && !fs_read(theirs, MAX_LIST, &in, e))
		for (line = in.p; !rc && *line; line = rest) {
			size_t n = strcspn(line, "\n");

			rest = line + n + (line[n] == '\n');
			line[n] = '\0';
			if (n && *line != '#' && *line != '/')
				rc = add_alternate(&out, objects, line, e);
		}
	if (!rc)
		rc = put(path, "objects/info/alternates", &out, e);
	buf_release(&out);
	buf_release(&in);
	free(objects);
	free(theirs);
	return rc;
}

/* core.excludesFile, or where git looks without it. NULL = no such file is named. */
static char *excludes_file(const struct git_repo *r)
{
	struct buf out = BUF_INIT;
	struct git_call c;
	struct err e = ERR_INIT;
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"),
		   *dir = r->top ? r->top : r->common;
	char *path = NULL;

	git_in_tree(&c, r->git_dir, dir, GIT_READS);
	if (!git_capture(&c, &out, &e, "config", "--type=path", "--get", "core.excludesFile",
		    (char *)NULL)) {
		buf_trim(&out);
		path = *out.p == '/' ? xstrdup(out.p) : fs_join(dir, out.p);
	} else if (xdg && *xdg == '/') {
		path = fs_join(xdg, "git/ignore");
	} else if (home && *home == '/') {
		path = fs_join(home, ".config/git/ignore");
	}
	buf_release(&out);
	return path;
}

/* One file for both: the rules of info/exclude come last because they win. */
static int write_excludes(const struct git_repo *r, const char *path, struct err *e)
{
	char *paths[2] = { excludes_file(r), fs_join(r->common, "info/exclude") };
	struct buf out = BUF_INIT, in = BUF_INIT;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (paths[i] && !fs_read(paths[i], MAX_RULES, &in, e)) {
			const char *text =
				in.len >= 3 && !memcmp(in.p, "\xEF\xBB\xBF", 3) ? in.p + 3 : in.p;

			buf_fmt(&out, "%s\n", text);
		}
		free(paths[i]);
	}
	rc = put(path, "info/exclude", &out, e);
	buf_release(&out);
	buf_release(&in);
	return rc;
}

int quarantine_sync_shallow(const struct git_repo *r, const char *path, struct err *e)
{
	char *theirs = fs_join(r->common, "shallow"), *ours = fs_join(path, "shallow");
	struct buf b = BUF_INIT, have = BUF_INIT;
	int rc = 0;

	if (fs_read(theirs, MAX_LIST, &b, e)) {
		rc = strcmp(e->code, "not_found") ? -1 : 0;
		if (!rc)
			unlink(ours);
	} else if (fs_read(ours, MAX_LIST, &have, e) || have.len != b.len ||
		memcmp(have.p, b.p, b.len)) {
		rc = fs_replace(ours, b.p, b.len, e);
	}
	if (!rc)
		err_clear(e);
	buf_release(&b);
	buf_release(&have);
	free(theirs);
	free(ours);
	return rc;
}

int quarantine_relink(const struct git_repo *r, const char *path, struct err *e)
{
	return write_alternates(r, path, e);
}

int quarantine_make(const struct git_repo *r, const char *path, struct err *e)
{
	char *tmp = xasprintf("%s.new", path);
	int rc = 0;

	if (fs_is_dir(path)) {
		free(tmp);
		return quarantine_sync_shallow(r, path, e);
	}
	/* What a crash left under the temporary name is completed: every step may be done twice. */
	rc = init_bare(r, tmp, e) || write_alternates(r, tmp, e) ||
		merge_attributes_store(tmp, e) || write_excludes(r, tmp, e) ||
		quarantine_sync_shallow(r, tmp, e);
	if (!rc && rename(tmp, path))
		rc = err_sys(e, "disk", "%s could not be made", path);
	free(tmp);
	return rc ? err_prefix(e, "The quarantine repository could not be made") : 0;
}

/* The ids of the base commit, its trees and its files, one a line; missing: "?" before what is not
 * here. */
static int list_objects(const struct git_repo *r, const char *base, const char *missing,
	struct buf *ids, struct err *e)
{
	struct git_call c;
	int rc;

	git_call_init(&c, r->common);
	c.timeout_ms = GIT_WORK_MS;
	rc = git_capture(&c, ids, e, "rev-list", "--objects", "--no-walk", "--no-object-names",
		base, missing, (char *)NULL);
	if (!rc && c.truncated)
		rc = err_set(e, "too_big", "The base commit has too many files");
	return rc;
}

/* pack-objects writes its temporary file into the object directory of its repository and renames it
 * from there. The user's may be on another file system, and is not to be written to: so it works in
 * the store, which borrows from the user's for that time. */
static int pack_objects(
	const struct git_repo *r, const struct buf *ids, const char *store, struct err *e)
{
	char *borrowed = fs_join(store, "objects/info/alternates"),
	     *pack = fs_join(store, "objects/pack/pack");
	struct git_call c;
	int rc = write_alternates(r, store, e);

	git_call_init(&c, store);
	c.timeout_ms = GIT_WORK_MS;
	c.in = ids->p;
	c.nin = ids->len;
	if (!rc)
		rc = git_capture(&c, NULL, e, "pack-objects", "-q", "--delta-base-offset", pack,
			(char *)NULL);
	if (unlink(borrowed) && !rc)
		rc = err_sys(e, "disk", "%s could not be removed", borrowed);
	free(borrowed);
	free(pack);
	return rc;
}

/* The container's user is another one than ours. */
static int open_to_all(const char *store, struct err *e)
{
	struct copy_list l;
	int rc = copytree_list(store, &l, e), fd;

	if (rc)
		return -1;
	fd = open(store, O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = fchmodat(AT_FDCWD, store, 0755, 0);
	for (size_t i = 0; i < l.n && !rc; i++)
		rc = fchmodat(fd, l.e[i].path, S_ISDIR(l.e[i].st.st_mode) ? 0755 : 0644, 0);
	if (rc)
		err_sys(e, "disk", "%s could not be made readable", store);
	close(fd);
	copytree_list_release(&l);
	return rc ? -1 : 0;
}

int quarantine_base_store(
	const struct git_repo *r, const char *base, const char *path, int race, struct err *e)
{
	char *tmp;
	struct buf ids = BUF_INIT, shallow = BUF_INIT;
	struct err ignored = ERR_INIT;
	int rc;

	if (fs_is_dir(path))
		return 0;
	/* Another race may make the store of the same base now: each has its own name, the first
	 * rename wins. */
	tmp = xasprintf("%s.%d.new", path, race);
	buf_fmt(&shallow, "%s\n", base);
	rc = init_bare(r, tmp, e) || list_objects(r, base, NULL, &ids, e) ||
		pack_objects(r, &ids, tmp, e) || put(tmp, "shallow", &shallow, e) ||
		open_to_all(tmp, e);
	if (!rc && rename(tmp, path)) {
		if (errno != EEXIST && errno != ENOTEMPTY)
			rc = err_sys(e, "disk", "%s could not be made", path);
		else
			fs_remove_tree(tmp, "HEAD", &ignored);
	}
	buf_release(&ids);
	buf_release(&shallow);
	free(tmp);
	return rc ? err_prefix(e, "The store of the base commit could not be made") : 0;
}

/* Name of the remote that promised the missing objects; NULL = this is no partial clone. */
static char *promisor(const struct git_repo *r)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char *name = NULL, *end;

	if (!git_out(r->common, &b, &e, "config", "--get-regexp", "^remote\\..*\\.promisor$",
		    "true", (char *)NULL)) {
		end = strstr(b.p, ".promisor");
		if (end && !strncmp(b.p, "remote.", 7))
			name = xstrndup(b.p + 7, (size_t)(end - b.p - 7));
	}
	buf_release(&b);
	return name;
}

/* Only the "?<id>" lines -> ids, one a line. */
static int list_missing(const struct git_repo *r, const char *base, struct buf *ids, struct err *e)
{
	struct buf all = BUF_INIT;
	int rc = list_objects(r, base, "--missing=print", &all, e);

	buf_clear(ids);
	for (const char *p = all.p; !rc && *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (*p == '?') {
			buf_add(ids, p + 1, strcspn(p + 1, "\n"));
			buf_char(ids, '\n');
		}
	buf_release(&all);
	return rc;
}

static int fetch_missing(
	const struct git_repo *r, const char *remote, const struct buf *ids, struct err *e)
{
	struct git_call c;

	git_in_tree(&c, r->common, r->top, GIT_WRITES);
	c.in = ids->p;
	c.nin = ids->len;
	strv_add(&c.conf, "fetch.negotiationAlgorithm=noop");
	return git_capture(&c, NULL, e, "fetch", "-q", "--no-tags", "--no-write-fetch-head",
		"--no-auto-maintenance", "--recurse-submodules=no", "--filter=blob:none", "--stdin",
		remote, (char *)NULL);
}

/* Trees first, then what they name: a clone without trees needs a round for each level that was
 * never looked at. */
int quarantine_complete(const struct git_repo *r, const char *base, struct err *e)
{
	struct buf ids = BUF_INIT;
	char *remote = promisor(r);
	int rc = 0, round = 0;

	while (remote && !rc && round++ < FILL_ROUNDS) {
		rc = list_missing(r, base, &ids, e);
		if (rc || !ids.len)
			break;
		rc = fetch_missing(r, remote, &ids, e);
	}
	if (!rc && ids.len)
		rc = list_missing(r, base, &ids, e);
	if (!rc && ids.len)
		rc = err_set(e, "partial_clone", "objects are still missing after %d fetches",
			FILL_ROUNDS);
	if (rc)
		err_prefix(e,
			"This is a partial clone, and the files of the base commit could not be "
			"fetched from %s",
			remote);
	buf_release(&ids);
	free(remote);
	return rc ? -1 : 0;
}
