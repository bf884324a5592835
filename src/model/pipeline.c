/* pipeline.c - the pipeline's files: a list by name, read, written, named by content. */
#include "model/pipeline_int.h"

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
#include "base/sha256.h"

void pipeline_files_release(struct pipeline_files *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->f[i].name);
		buf_release(&p->f[i].text);
	}
	free(p->f);
	memset(p, 0, sizeof *p);
}

struct pipeline_file *pipeline_find(const struct pipeline_files *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->f[i].name, name))
			return &p->f[i];
	return NULL;
}

struct pipeline_file *pipeline_add(struct pipeline_files *p, const char *name)
{
	size_t at = 0;

	p->f = xrealloc(p->f, (p->n + 1) * sizeof *p->f);
	while (at < p->n && strcmp(p->f[at].name, name) < 0)
		at++;
	memmove(&p->f[at + 1], &p->f[at], (p->n - at) * sizeof *p->f);
	p->n++;
	p->f[at].name = xstrdup(name);
	buf_init(&p->f[at].text);
	return &p->f[at];
}

static bool ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n > k && !strcmp(s + n - k, end);
}

bool pipeline_name_ok(const char *name)
{
	static const char package[] = PIPELINE_PACKAGE "/";

	if (!strncmp(name, package, strlen(package))) {
		name += strlen(package);
		return name[0] != '.' && !strchr(name, '/') && ends_in(name, ".go");
	}
	if (!strcmp(name, PIPELINE_RENDERED) || !strcmp(name, "go.mod") || !strcmp(name, "go.sum"))
		return true;
	return name[0] != '.' && !strchr(name, '/') &&
		(ends_in(name, ".go") || ends_in(name, ".md"));
}

/* Escaped is all that is not plain ASCII: what a person sees in the source is what it is. */
void pipeline_quote(const char *s, size_t n, struct buf *out)
{
	buf_char(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			buf_fmt(out, "\\%c", c);
		else if (c == '\n' || c == '\t')
			buf_str(out, c == '\n' ? "\\n" : "\\t");
		else if (c < ' ' || c > '~')
			buf_fmt(out, "\\x%02x", c);
		else
			buf_char(out, (char)c);
	}
	buf_char(out, '"');
}

static int read_one(int dirfd, const char *dir, const char *name, struct buf *b, struct err *e)
{
	int fd = fs_open_beneath(dirfd, name, O_RDONLY | O_NONBLOCK);
	struct stat st;
	ssize_t n = 1;

	if (fd < 0 && errno == ELOOP)
		return err_set(e, "pipeline", "%s/%s is a link; only regular files belong there",
			dir, name);
	if (fd < 0)
		return err_sys(e, "pipeline", "cannot read %s/%s", dir, name);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, "pipeline", "%s/%s is not a regular file", dir, name);
	}
	while (n > 0 && b->len <= PIPELINE_MAX_FILE) {
		buf_reserve(b, 65536);
		n = read(fd, b->p + b->len, 65536);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			b->len += (size_t)n;
		b->p[b->len] = 0;
	}
	close(fd);
	if (n < 0)
		return err_sys(e, "pipeline", "cannot read %s/%s", dir, name);
	if (b->len > PIPELINE_MAX_FILE)
		return err_set(e, "pipeline", "%s/%s has more than 1 MiB", dir, name);
	return 0;
}

/* prefix: what stands before the names of this directory, "" or PIPELINE_PACKAGE "/". */
static int read_dir(const char *dir, const char *prefix, struct pipeline_files *out, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
	DIR *d = NULL;
	struct dirent *de;

	if (fd < 0 && errno == ENOENT)
		return err_set(e, "not_found", "there is no %s", dir);
	if (fd < 0 || !(d = fdopendir(fd))) {
		err_sys(e, "pipeline", "cannot read %s", dir);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (!rc && (de = readdir(d))) {
		char *name = xasprintf("%s%s", prefix, de->d_name);

		if (!pipeline_name_ok(name))
			rc = 0;
		else if (out->n == PIPELINE_MAX_FILES)
			rc = err_set(e, "pipeline", "%s has more than %d files", dir,
				PIPELINE_MAX_FILES);
		else
			rc = read_one(fd, dir, de->d_name, &pipeline_add(out, name)->text, e);
		free(name);
	}
	closedir(d);
	return rc;
}

int pipeline_read(const char *dir, struct pipeline_files *out, struct err *e)
{
	char *package = fs_join(dir, PIPELINE_PACKAGE);
	struct stat st;
	int rc;

	memset(out, 0, sizeof *out);
	rc = read_dir(dir, "", out, e);
	/* a pipeline of an older version has none */
	if (!rc && lstat(package, &st) == 0)
		rc = read_dir(package, PIPELINE_PACKAGE "/", out, e);
	if (rc)
		pipeline_files_release(out);
	free(package);
	return rc;
}

int pipeline_write(const char *dir, const struct pipeline_files *p, struct err *e)
{
	char *up = fs_dirname(dir);
	int rc = fs_mkdirs(up, 0755, e);

	if (!rc && mkdir(dir, 0755))
		rc = err_sys(e, errno == EEXIST ? "exists" : "io", "cannot make %s", dir);
	for (size_t i = 0; !rc && i < p->n; i++) {
		char *path = fs_join(dir, p->f[i].name), *in = fs_dirname(path);

		rc = fs_mkdirs(in, 0755, e) ||
			fs_create(path, 0644, p->f[i].text.p, p->f[i].text.len, e);
		free(path);
		free(in);
	}
	free(up);
	return rc ? -1 : 0;
}

int pipeline_remove(const char *dir, const struct pipeline_files *p)
{
	char *package = fs_join(dir, PIPELINE_PACKAGE);

	for (size_t i = 0; i < p->n; i++) {
		char *path = fs_join(dir, p->f[i].name);

		unlink(path);
		free(path);
	}
	rmdir(package);
	free(package);
	return rmdir(dir);
}

void pipeline_hash(const struct pipeline_files *p, char out[17])
{
	struct sha256 s;

	sha256_init(&s);
	for (size_t i = 0; i < p->n; i++) {
		uint64_t n = p->f[i].text.len;

		/* the note about rendering is no part of the program */
		if (!strcmp(p->f[i].name, PIPELINE_RENDERED))
			continue;
		sha256_add(&s, p->f[i].name, strlen(p->f[i].name) + 1);
		sha256_add(&s, &n, sizeof n);
		sha256_add(&s, p->f[i].text.p, p->f[i].text.len);
	}
	sha256_hex16(&s, out);
}
