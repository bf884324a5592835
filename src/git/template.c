/* template.c - writes the base commit once, raw, gives it the private .git, and keeps what the
 * copies need to know.
 *
 * tpl/ in the race's directory, or in that of a variant that goes on from another commit:
 * yolodeck-template (our marker), tree/, base-tree, gitlinks, warning, ready (written last). */
#include "git/template.h"

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

static const char MARKER[] = "yolodeck-template";
enum { TIME_2020 = 1577836800, LFS_MAX = 1024, META_MAX = 16 << 20 };

static char *tpl_path(const struct checkout_race *c, const char *name)
{
	return xasprintf("%s/tpl%s%s", c->tpl_in ? c->tpl_in : c->race_dir, *name ? "/" : "", name);
}

char *template_tree(const struct checkout_race *c)
{
	return tpl_path(c, "tree");
}

static char *quarantine_of(const struct checkout_race *c)
{
	return fs_join(c->race_dir, "q.git");
}

static int write_file(const char *dir, const char *name, const void *data, size_t n, struct err *e)
{
	char *path = fs_join(dir, name);
	int rc = fs_create(path, 0644, data, n, e);

	free(path);
	return rc;
}

static int write_text(const char *dir, const char *name, struct err *e, const char *text)
{
	return write_file(dir, name, text, strlen(text), e);
}

/* One git command on the template's index and tree, in the quarantine. */
static int tpl_git(const struct checkout_race *c, struct err *e, const char *verb, const char *a,
	const char *b)
{
	char *q = quarantine_of(c), *tree = template_tree(c), *index = tpl_path(c, "index");
	struct git_call call;
	int rc;

	git_call_init(&call, q);
	call.work_tree = tree;
	call.index = index;
	call.timeout_ms = GIT_WORK_MS;
	strv_addl(&call.conf, "core.checkStat=minimal", "core.trustctime=false",
		"core.symlinks=true", "core.fileMode=true", (char *)NULL);
	rc = git_capture(&call, NULL, e, verb, a, b, (char *)NULL);
	free(q);
	free(tree);
	free(index);
	return rc;
}

static bool is_lfs_pointer(int dirfd, const char *path)
{
	static const char head[] = "version https://git-lfs.github.com/spec/";
	char text[sizeof head];
	int fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof head - 1);

	if (fd >= 0)
		close(fd);
	return n == sizeof head - 1 && !memcmp(text, head, sizeof head - 1);
}

static bool says_lfs(const char *tree, const char *path)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char *full = fs_join(tree, path);
	bool yes = !strcmp(fs_basename(path), ".gitattributes") &&
		!fs_read(full, 1 << 20, &b, &e) && strstr(b.p, "filter=lfs");

	buf_release(&b);
	free(full);
	return yes;
}

/* One mode and one time for all: the index stays valid in every copy, and equal bases give equal
 * trees. */
static int normalize(const char *tree, size_t *pointers, struct err *e)
{
	struct timespec times[2] = { { TIME_2020, 0 }, { TIME_2020, 0 } };
	struct copy_list l;
	bool lfs = false;
	int rc = 0, fd;

	*pointers = 0;
	if (copytree_list(tree, &l, e))
		return -1;
	fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < l.n; i++)
		lfs |= S_ISREG(l.e[i].st.st_mode) && says_lfs(tree, l.e[i].path);
	for (size_t i = l.n; i-- > 0 && !rc;) {
		const struct stat *st = &l.e[i].st;
		mode_t mode = S_ISDIR(st->st_mode) || (st->st_mode & 0100) ? 0755 : 0644;

		if (!S_ISLNK(st->st_mode))
			rc = fchmodat(fd, l.e[i].path, mode, 0);
		if (!rc)
			rc = utimensat(fd, l.e[i].path, times, AT_SYMLINK_NOFOLLOW);
		if (lfs && S_ISREG(st->st_mode) && st->st_size < LFS_MAX)
			*pointers += is_lfs_pointer(fd, l.e[i].path);
	}
	if (rc)
		err_sys(e, "disk", "%s could not be prepared", tree);
	close(fd);
	copytree_list_release(&l);
	return rc ? -1 : 0;
}

/* Its history is the one base commit, its objects are those of the read-only store, and there is no
 * way from it to the user's. */
static int private_git(const struct checkout_race *c, const char *tree, struct err *e)
{
	static const char *const dirs[] = { "objects/info", "objects/pack", "refs/heads",
		"refs/tags", "info" };
	bool sha256 = !strcmp(c->repo->format, "sha256");
	char *git = fs_join(tree, ".git"), *index = tpl_path(c, "index"),
	     *to = fs_join(git, "index"), *id;
	struct buf conf = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(dirs) && !rc; i++) {
		char *d = fs_join(git, dirs[i]);

		rc = fs_mkdirs(d, 0755, e);
		free(d);
	}
	buf_fmt(&conf,
		"[core]\n\trepositoryformatversion = %d\n\tfilemode = true\n\tbare = false\n",
		sha256);
	buf_str(&conf, "\tlogallrefupdates = true\n\tcheckStat = minimal\n\ttrustctime = false\n");
	if (sha256)
		buf_str(&conf, "[extensions]\n\tobjectformat = sha256\n");
	buf_str(&conf,
		"[user]\n\tname = yolodeck\n\temail = yolodeck@localhost\n[gc]\n\tauto = 0\n");
	id = xasprintf("%s\n", c->base);
	rc = rc || write_text(git, "HEAD", e, "ref: refs/heads/work\n") ||
		write_file(git, "config", conf.p, conf.len, e) ||
		write_text(git, "refs/heads/work", e, id) || write_text(git, "shallow", e, id) ||
		write_text(git, "info/attributes", e, TEMPLATE_ATTRIBUTES) ||
		write_text(git, "info/exclude", e, "") ||
		write_text(git, "objects/info/alternates", e, CHECKOUT_BASE_STORE "/objects\n");
	if (!rc && (rename(index, to) || chmod(to, 0644)))
		rc = err_sys(e, "disk", "%s could not be made", to);
	buf_release(&conf);
	free(id);
	free(git);
	free(index);
	free(to);
	return rc ? -1 : 0;
}

static int find_gitlinks(const struct checkout_race *c, struct strv *links, struct err *e)
{
	char *q = quarantine_of(c);
	struct strv rec = STRV_INIT;
	int rc = git_list_tree(q, c->base, &rec, e);

	for (size_t i = 0; !rc && i < rec.n; i++) {
		const char *tab = strchr(rec.v[i], '\t');

		if (tab && !strncmp(rec.v[i], "160000 ", 7))
			strv_add(links, tab + 1);
	}
	strv_release(&rec);
	free(q);
	return rc;
}

static char *make_warning(size_t pointers, const struct strv *links)
{
	struct buf b = BUF_INIT;

	if (pointers)
		buf_fmt(&b, "%zu %s; the experiment %s. ", pointers,
			pointers == 1 ? "file is an LFS pointer" : "files are LFS pointers",
			pointers == 1 ? "sees the pointer" : "see pointers");
	if (links->n) {
		buf_fmt(&b, "%zu %s (", links->n,
			links->n == 1 ? "submodule is an empty directory"
				      : "submodules are empty directories");
		strv_join(links, 3, &b);
		buf_str(&b, ").");
	}
	buf_trim(&b);
	return buf_take(&b);
}

/* The files beside the tree: what a later call or copy needs to know. */
static int write_meta(struct checkout_race *c, const char *tpl, size_t pointers, struct err *e)
{
	char *q = quarantine_of(c), *rev = xasprintf("%s^{tree}", c->base), *warning = NULL;
	struct strv links = STRV_INIT;
	struct buf id = BUF_INIT, list = BUF_INIT;
	int rc = git_out(q, &id, e, "rev-parse", "-q", "--verify", rev, (char *)NULL);

	if (!rc)
		rc = find_gitlinks(c, &links, e);
	for (size_t i = 0; i < links.n; i++)
		buf_add(&list, links.v[i], strlen(links.v[i]) + 1);
	if (!rc) {
		warning = make_warning(pointers, &links);
		rc = write_file(tpl, "base-tree", id.p, id.len, e) ||
			write_file(tpl, "gitlinks", list.p, list.len, e) ||
			write_text(tpl, "warning", e, warning) || write_text(tpl, "ready", e, "");
	}
	strv_release(&links);
	buf_release(&id);
	buf_release(&list);
	free(warning);
	free(q);
	free(rev);
	return rc ? -1 : 0;
}

static int start_over(const struct checkout_race *c, const char *tpl, struct err *e)
{
	char *tree = template_tree(c);
	int rc = 0;

	/* Empty: we died before the marker was there. */
	if (rmdir(tpl) && errno != ENOENT)
		rc = fs_remove_tree(tpl, MARKER, e);
	if (!rc)
		rc = fs_mkdirs(tpl, 0700, e);
	if (!rc)
		rc = write_text(tpl, MARKER, e, "");
	if (!rc)
		rc = fs_mkdirs(tree, 0755, e);
	free(tree);
	return rc;
}

static int build(struct checkout_race *c, const char *tpl, struct err *e)
{
	char *tree = template_tree(c);
	size_t pointers = 0;
	int rc = start_over(c, tpl, e) || tpl_git(c, e, "read-tree", c->base, NULL) ||
		tpl_git(c, e, "checkout-index", "-a", "-q") || normalize(tree, &pointers, e) ||
		tpl_git(c, e, "update-index", "-q", "--refresh") || private_git(c, tree, e) ||
		write_meta(c, tpl, pointers, e);

	free(tree);
	return rc ? err_prefix(e, "The files of the base commit could not be written") : 0;
}

int template_make(struct checkout_race *c, struct err *e)
{
	char *tpl = tpl_path(c, ""), *ready = tpl_path(c, "ready"),
	     *warning = tpl_path(c, "warning");
	struct buf b = BUF_INIT;
	int rc = fs_exists(ready) ? 0 : build(c, tpl, e);

	if (!rc)
		rc = fs_read(warning, META_MAX, &b, e);
	if (!rc && b.len)
		c->warning = buf_take(&b);
	buf_release(&b);
	free(tpl);
	free(ready);
	free(warning);
	return rc;
}

int template_read(const struct checkout_race *c, char **tree, struct strv *gitlinks, struct err *e)
{
	char *id = tpl_path(c, "base-tree"), *links = tpl_path(c, "gitlinks");
	struct buf b = BUF_INIT;
	int rc = fs_read(links, META_MAX, &b, e);

	*tree = NULL;
	if (!rc) {
		strv_split0(gitlinks, b.p, b.len);
		rc = fs_read(id, 128, &b, e);
	}
	if (!rc && git_oid_ok(b.p))
		*tree = buf_take(&b);
	else if (!rc)
		rc = err_set(e, "damaged", "%s is damaged", id);
	buf_release(&b);
	free(id);
	free(links);
	return rc;
}

void template_remove(const struct checkout_race *c)
{
	char *tpl = tpl_path(c, "");
	struct err e = ERR_INIT;

	fs_remove_tree(tpl, MARKER, &e);
	free(tpl);
}
